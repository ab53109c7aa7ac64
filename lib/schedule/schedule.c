/* Schedules as text, and their values against a strategy's table. */
#include "schedule/schedule.h"

#include <string.h>

int sni_param_find(const sni_param *params, int count, const char *name, size_t length) {
    for (int p = 0; p < count; ++p)
        if (strlen(params[p].name) == length && memcmp(params[p].name, name, length) == 0) return p;
    return -1;
}

static bool has_value(const sni_param *param, int value) {
    for (int i = 0; i < param->count; ++i)
        if (param->legal[i] == value) return true;
    return false;
}

bool sni_schedule_is_legal(const sni_schedule *schedule, const sni_param *params, int count, sni_str *why) {
    for (int p = 0; p < SNI_MAX_PARAMS; ++p) {
        int value = schedule->values[p];
        if (value == 0 || (p < count && has_value(&params[p], value))) continue;
        if (why != NULL && p < count) sni_str_printf(why, "%s=%d is no value of the parameter", params[p].name, value);
        if (why != NULL && p >= count) sni_str_append(why, "a value for a parameter that the strategy does not have");
        return false;
    }
    return true;
}

bool sni_schedule_equal(const sni_schedule *a, const sni_schedule *b) {
    bool same_name = a->strategy == b->strategy ||
                     (a->strategy != NULL && b->strategy != NULL && strcmp(a->strategy, b->strategy) == 0);
    return same_name && memcmp(a->values, b->values, sizeof a->values) == 0;
}

void sni_schedule_print(const sni_schedule *schedule, const sni_param *params, int count, sni_str *out) {
    const char *between = "";
    for (int p = 0; p < count; ++p) {
        if (schedule->values[p] == 0) continue;
        sni_str_printf(out, "%s%s=%d", between, params[p].name, schedule->values[p]);
        between = " ";
    }
}

/* One "name=value" of length characters. */
static sinter_status parse_one(const char *text, size_t length, const sni_param *params, int count,
                               sni_schedule *schedule) {
    const char *equals = memchr(text, '=', length);
    if (equals == NULL) return sni_fail(SINTER_INVALID_ARGUMENT, "'%.*s' is not name=value", (int)length, text);
    int p = sni_param_find(params, count, text, (size_t)(equals - text));
    if (p < 0) return sni_fail(SINTER_INVALID_ARGUMENT, "there is no parameter '%.*s'", (int)(equals - text), text);
    if (schedule->values[p] != 0) return sni_fail(SINTER_INVALID_ARGUMENT, "'%s' is given twice", params[p].name);
    char digits[16];
    size_t digit_count = length - (size_t)(equals + 1 - text);
    long long value = 0;
    if (digit_count < sizeof digits) {
        memcpy(digits, equals + 1, digit_count);
        digits[digit_count] = 0;
    }
    if (digit_count >= sizeof digits || !sni_parse_i64(digits, &value) || value <= 0 || value > INT32_MAX ||
        !has_value(&params[p], (int)value))
        return sni_fail(SINTER_INVALID_ARGUMENT, "'%.*s' is no value of the parameter", (int)length, text);
    schedule->values[p] = (int)value;
    return SINTER_OK;
}

sinter_status sni_schedule_parse(const char *text, const sni_param *params, int count, sni_schedule *out_schedule) {
    sni_schedule read = {.strategy = out_schedule->strategy};
    while (*text != 0) {
        size_t blank = strspn(text, " "), length = strcspn(text + blank, " ");
        if (length > 0) SNI_TRY(parse_one(text + blank, length, params, count, &read));
        text += blank + length;
    }
    *out_schedule = read;
    return SINTER_OK;
}
