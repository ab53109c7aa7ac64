#include "base/json.h"

#include <string.h>

/* Bytes of the UTF-8 sequence at text, 0 when there is none: too long, cut short, a surrogate, or beyond U+10FFFF. */
static size_t sequence(const unsigned char *text) {
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t length;
    } forms[] = {{0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; ++f) {
        if (text[0] < forms[f].first_low || text[0] > forms[f].first_high) continue;
        if (forms[f].length > 1 && (text[1] < forms[f].second_low || text[1] > forms[f].second_high)) return 0;
        for (size_t i = 2; i < forms[f].length; ++i)
            if ((text[i] & 0xc0) != 0x80) return 0;
        return forms[f].length;
    }
    return 0;
}

/* U+2028 and U+2029 end a line in older JavaScript. */
static bool ends_line(const unsigned char *text) {
    return text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9);
}

void sni_json_string(sni_str *out, const char *text) {
    if (!text) {
        sni_str_append(out, "null");
        return;
    }
    sni_str_append(out, "\"");
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = sequence(at);
        if (length == 0)
            sni_str_append(out, "\\ufffd");
        else if (length == 3 && ends_line(at))
            sni_str_printf(out, "\\u202%c", at[2] == 0xa8 ? '8' : '9');
        else if (length > 1)
            sni_str_append_n(out, (const char *)at, length);
        else if (*at < 0x20 || *at == 0x7f || strchr("\"\\<>&", *at))
            sni_str_printf(out, "\\u%04x", *at);
        else
            sni_str_append_n(out, (const char *)at, 1);
        at += length ? length : 1;
    }
    sni_str_append(out, "\"");
}
