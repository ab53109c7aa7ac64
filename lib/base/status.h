/* Errors inside the library: a status code, and a text in the calling thread's slot. */
#ifndef SNI_BASE_STATUS_H
#define SNI_BASE_STATUS_H

#include <sinter/status.h>
#include <stdarg.h>

#define SNI_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))

/* Sets the thread's last error to the formatted text and returns status. Texts of any length
 * (build logs); when memory is out a fixed text takes its place. */
sinter_status sni_fail(sinter_status status, const char *format, ...) SNI_PRINTF(2, 3);
/* Puts "prefix: " before the thread's last error (where did it happen); returns status. */
sinter_status sni_fail_in(sinter_status status, const char *format, ...) SNI_PRINTF(2, 3);
/* OUT_OF_MEMORY with what was asked for. */
sinter_status sni_out_of_memory(const char *what);

/* Returns from the calling function when an expression fails. Not across owned objects. */
#define SNI_TRY(expression)                                                                                            \
    do {                                                                                                               \
        sinter_status sni_try_status = (expression);                                                                   \
        if (sni_try_status != SINTER_OK) return sni_try_status;                                                        \
    } while (0)

#endif
