/* A growing string. Append functions never fail at once: an out-of-memory is remembered and
 * reported by sni_str_take. */
#ifndef SNI_BASE_STR_H
#define SNI_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct sni_str {
    char *text; /* terminated once anything was appended; else NULL */
    size_t length;
    size_t capacity;
    bool failed;
} sni_str;

#define SNI_STR_INIT                                                                                                   \
    { NULL, 0, 0, false }

void sni_str_append(sni_str *str, const char *text);
void sni_str_append_n(sni_str *str, const char *text, size_t length);
void sni_str_printf(sni_str *str, const char *format, ...) SNI_PRINTF(2, 3);
void sni_str_vprintf(sni_str *str, const char *format, va_list args);
/* A number that reads back as the same double or float, in C's form, independent of the locale
 * ("1.0", "-0x1.8p+1" is not used, "inf" and "nan" are the caller's business). */
void sni_str_double(sni_str *str, double value);
void sni_str_float(sni_str *str, float value);
/* The text, "" when nothing was appended; never NULL. */
const char *sni_str_text(const sni_str *str);
/* Hands the text over (sni_free it) and empties the string; NULL when an append ran out of memory. */
char *sni_str_take(sni_str *str);
void sni_str_deinit(sni_str *str);

/* strtod and friends that do not look at the locale. true when the whole text is a number. */
bool sni_parse_i64(const char *text, long long *out);
bool sni_parse_double(const char *text, double *out);

#endif
