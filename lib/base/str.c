#define _GNU_SOURCE
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Numbers are printed and read in the C locale, whatever the program has set. The switch below is
 * the calling thread's own and undone at once; the process's locale is never touched. */
static locale_t g_c_locale;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static void create_locale(void) {
    g_c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t c_locale(void) {
    pthread_once(&g_once, create_locale);
    return g_c_locale;
}

static int print_c(char *out, size_t size, const char *format, va_list args) {
    locale_t c = c_locale();
    locale_t before = c ? uselocale(c) : (locale_t)0;
    int length = vsnprintf(out, size, format, args);
    if (before) uselocale(before);
    return length;
}

static int print_c_args(char *out, size_t size, const char *format, ...) SNI_PRINTF(3, 4);
static int print_c_args(char *out, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = print_c(out, size, format, args);
    va_end(args);
    return length;
}

static bool reserve(sni_str *str, size_t more) {
    if (str->failed) return false;
    size_t needed;
    if (__builtin_add_overflow(str->length, more, &needed) || needed == SIZE_MAX ||
        !sni_grow((void **)&str->text, &str->capacity, needed + 1, 1))
        str->failed = true;
    return !str->failed;
}

void sni_str_append(sni_str *str, const char *text) {
    sni_str_append_n(str, text, strlen(text));
}

void sni_str_append_n(sni_str *str, const char *text, size_t length) {
    if (!reserve(str, length)) return;
    if (length) memcpy(str->text + str->length, text, length);
    str->length += length;
    str->text[str->length] = 0;
}

void sni_str_printf(sni_str *str, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sni_str_vprintf(str, format, args);
    va_end(args);
}

void sni_str_vprintf(sni_str *str, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    char small[256];
    int length = print_c(small, sizeof small, format, args);
    if (length < 0) {
        str->failed = true;
    } else if ((size_t)length < sizeof small) {
        sni_str_append_n(str, small, (size_t)length);
    } else if (reserve(str, (size_t)length)) {
        print_c(str->text + str->length, (size_t)length + 1, format, again);
        str->length += (size_t)length;
    }
    va_end(again);
}

/* "1" would be an int in C and "1e+20" is a double already. */
static void append_number(sni_str *str, const char *number) {
    sni_str_append(str, number);
    if (!strpbrk(number, ".en")) sni_str_append(str, ".0");
}

void sni_str_double(sni_str *str, double value) {
    char text[40];
    /* 17 digits always read back; fewer are nicer where they do, too. */
    for (int digits = 15; digits <= 17; ++digits) {
        double back;
        print_c_args(text, sizeof text, "%.*g", digits, value);
        if (digits == 17 || (sni_parse_double(text, &back) && back == value)) break;
    }
    append_number(str, text);
}

void sni_str_float(sni_str *str, float value) {
    char text[40];
    for (int digits = 6; digits <= 9; ++digits) {
        print_c_args(text, sizeof text, "%.*g", digits, (double)value);
        if (digits == 9 || strtof_l(text, NULL, c_locale()) == value) break;
    }
    append_number(str, text);
}

const char *sni_str_text(const sni_str *str) {
    return str->text ? str->text : "";
}

char *sni_str_take(sni_str *str) {
    if (!str->text) reserve(str, 0);
    char *text = str->failed ? NULL : str->text;
    if (text)
        text[str->length] = 0;
    else
        sni_free(str->text);
    *str = (sni_str)SNI_STR_INIT;
    return text;
}

void sni_str_deinit(sni_str *str) {
    sni_free(str->text);
    *str = (sni_str)SNI_STR_INIT;
}

/* strtod and strtoll skip white space, which is not part of a number. */
static bool starts_number(const char *text) {
    return *text && !strchr(" \t\n\v\f\r", *text);
}

bool sni_parse_i64(const char *text, long long *out) {
    *out = 0;
    if (!text || !starts_number(text)) return false;
    char *end;
    int saved = errno;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool fits = errno == 0;
    errno = saved;
    if (!fits || end == text || *end) return false;
    *out = value;
    return true;
}

bool sni_parse_double(const char *text, double *out) {
    *out = 0;
    if (!text || !starts_number(text)) return false;
    char *end;
    int saved = errno;
    errno = 0;
    double value = strtod_l(text, &end, c_locale());
    /* A denormal sets ERANGE, too, and is a number all the same. */
    bool fits = errno == 0 || !isinf(value);
    errno = saved;
    if (!fits || end == text || *end) return false;
    *out = value;
    return true;
}
