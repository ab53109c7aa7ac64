/* Log lines; see sinter_log_set. */
#ifndef SNI_BASE_LOG_H
#define SNI_BASE_LOG_H

#include <stdbool.h>

#include "base/status.h"

typedef enum sni_log_level { SNI_LOG_ERROR, SNI_LOG_WARNING, SNI_LOG_INFO, SNI_LOG_DEBUG } sni_log_level;

void sni_log(sni_log_level level, const char *format, ...) SNI_PRINTF(2, 3);
/* Would a line of this level go anywhere? */
bool sni_log_wanted(sni_log_level level);
/* An environment variable's value, NULL when unset or empty. */
const char *sni_env(const char *name);

#endif
