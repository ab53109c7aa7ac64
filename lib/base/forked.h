/* Processes that were forked from one that used OpenCL: drivers' threads and locks do not survive that. */
#ifndef SNI_BASE_FORKED_H
#define SNI_BASE_FORKED_H

#include <stdbool.h>

#include "base/status.h"

/* From the first call on, children of this process are told apart. Before OpenCL is used. */
void sni_fork_watch(void);
/* Is this a child of a process that had called sni_fork_watch? Costs one load. */
bool sni_forked(void);
/* UNSUPPORTED, with words, when it is. */
sinter_status sni_check_process(void);
#define SNI_TRY_PROCESS() SNI_TRY(sni_check_process())

#endif
