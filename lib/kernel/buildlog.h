/* What a person needs to see when a kernel does not compile. */
#ifndef SNI_KERNEL_BUILDLOG_H
#define SNI_KERNEL_BUILDLOG_H

#include "base/str.h"

/* Appends the driver's log and the numbered source: all of a short one, of a long one the lines
 * around each place that the log names. Lines are called "file:number", as #line in assembled says;
 * those that the log names are marked with '>'. */
void sni_buildlog_append(sni_str *out, const char *assembled, const char *log);

#endif
