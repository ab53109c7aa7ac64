/* Schedules: how a loop program lies on a device, as data.
 *
 * A schedule is the name of a strategy and a value for each of its parameters. The strategy declares its parameters in a
 * table; a value that a schedule leaves open is chosen by the strategy's rule when code is generated. So a schedule can
 * be enumerated, forced by a test, measured, written down and read again without the strategy's code knowing why. */
#ifndef SNI_SCHEDULE_SCHEDULE_H
#define SNI_SCHEDULE_SCHEDULE_H

#include <stdint.h>

#include "base/str.h"

/* One parameter of a strategy: a row of its table. Values are positive: 0 stands for "open". A choice between two ways is
 * written as 1 and 2, which the words explain. */
typedef struct sni_param {
    const char *name;  /* as records write it: lower case, digits, underscores */
    const char *words; /* what it is, in its unit */
    const int *legal;  /* values that candidates take, ascending; a device's limits rule out more */
    int count;
} sni_param;

/* SNI_PARAM("local", "work-items of a work-group", 64, 128, 256) */
#define SNI_PARAM(name_, words_, ...)                                                                                  \
    { (name_), (words_), (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)) }

#define SNI_MAX_PARAMS 16

typedef struct sni_schedule {
    const char *strategy;       /* static text; NULL: the first strategy that accepts the program */
    int values[SNI_MAX_PARAMS]; /* by row of the strategy's table; 0: open */
} sni_schedule;

/* For a strategy's rule: sets a parameter unless the schedule has a value for it already. */
static inline void sni_schedule_fill(sni_schedule *schedule, int param, int value) {
    if (schedule->values[param] == 0) schedule->values[param] = value;
}

/* Row of the parameter called name (length characters), or -1. */
int sni_param_find(const sni_param *params, int count, const char *name, size_t length);
/* Is every value of the schedule open or in the table? Otherwise why (may be NULL) names one that is not. */
bool sni_schedule_is_legal(const sni_schedule *schedule, const sni_param *params, int count, sni_str *why);
bool sni_schedule_equal(const sni_schedule *a, const sni_schedule *b);

/* "local=128 lanes=4": the parameters that are not open, in the table's order. */
void sni_schedule_print(const sni_schedule *schedule, const sni_param *params, int count, sni_str *out);
/* Reads what print wrote; the strategy is the caller's business. INVALID_ARGUMENT names what is unknown, illegal or given
 * twice, and leaves *out_schedule as it was. */
sinter_status sni_schedule_parse(const char *text, const sni_param *params, int count, sni_schedule *out_schedule);

#endif
