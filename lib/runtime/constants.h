/* Constants on the device: one copy for all plans of a runtime. */
#ifndef SNI_RUNTIME_CONSTANTS_H
#define SNI_RUNTIME_CONSTANTS_H

#include "base/status.h"

typedef struct sni_constants sni_constants;

sinter_status sni_constants_create(sni_constants **out_constants);
/* Constants that are still in use stay valid. */
void sni_constants_release(sni_constants *constants);

#endif
