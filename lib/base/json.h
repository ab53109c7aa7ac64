/* Writing JSON. */
#ifndef SNI_BASE_JSON_H
#define SNI_BASE_JSON_H

#include "base/str.h"

/* Appends text as a JSON string with its quotes; NULL becomes null. What is not UTF-8 becomes U+FFFD. The result is safe
 * inside a <script> element of HTML as well: <, > and & are written as escapes. */
void sni_json_string(sni_str *out, const char *text);

/* Commas between the members of an object or the elements of a list: `bool first = true`, then sni_json_next before each. */
static inline void sni_json_next(sni_str *out, bool *first) {
    if (!*first) sni_str_append(out, ",");
    *first = false;
}

#endif
