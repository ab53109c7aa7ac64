/* Code generation: a loop program and a device's capabilities in, OpenCL C and launch geometry out. */
#ifndef SNI_CODEGEN_CODEGEN_H
#define SNI_CODEGEN_CODEGEN_H

#include "device/caps.h"
#include "kernel/library.h"
#include "loop/loop.h"
#include "runtime/preparation.h"
#include "schedule/schedule.h"

typedef enum sni_karg_kind {
    SNI_KARG_BUFFER, /* __global T *: loop buffer number */
    SNI_KARG_OFFSET, /* ulong: the element of the buffer's memory at which loop buffer number begins */
    SNI_KARG_INDEX,  /* sn_idx (int or long): the value of an expression */
    SNI_KARG_LOCAL   /* __local: bytes */
} sni_karg_kind;

typedef struct sni_karg {
    sni_karg_kind kind;
    int buffer;
    sni_expr expr;
    size_t local_bytes;
    /* BUFFER, of a constant (sni_loop_buffer.is_constant): the kernel reads what this makes of it; lives as long as the
     * arena of the kspec. NULL: the elements in row-major order. */
    const sni_preparation *preparation;
} sni_karg;

#define SNI_MAX_KARGS 224

/* A kernel as text with what is needed to launch it. Lives in the arena it was made in. */
typedef struct sni_kspec {
    const char *source; /* includes of cl/ files are resolved by lib/kernel */
    const char *entry;
    const char *options; /* SN_IDX64 is added by the plan when a binding needs 64-bit indices */
    /* A function that does the work in place of a kernel: then there is no source and no launch, and it gets args,
     * of which an OFFSET follows its BUFFER as in a kernel and none is LOCAL. NULL: a kernel. */
    const sni_library *library;
    int arg_count;
    sni_karg args[SNI_MAX_KARGS];
    int dims;
    sni_expr global[3];    /* work-items, as multiples of local */
    size_t local[3];       /* all 0: the driver chooses */
    const char *strategy;  /* the strategy's name, for explain */
    sni_schedule schedule; /* what was taken: nothing is open in it */
    const char *chosen;    /* what chose it, for explain: a record; NULL: the strategy's rule */
    const char *notes;     /* why this one and not another, for explain */
} sni_kspec;

/* One way to lay a program out on a class of device; one file each, one row in strategies.inc. */
typedef struct sni_strategy {
    const char *name;
    const sni_param *params; /* what a schedule may set; NULL: nothing */
    int param_count;         /* at most SNI_MAX_PARAMS */
    /* true, or false with words in why. */
    bool (*accepts)(const sni_loop *loop, const sni_caps *caps, sni_str *why);
    /* The rule: gives every parameter that is open a value that fits (sni_schedule_fill). It sees what the others were set
     * to. Only asked for programs that are accepted; NULL when there are no parameters. */
    void (*choose)(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule);
    /* Can the device run the program with these values (none is open)? Otherwise words in why. NULL: all legal values. */
    bool (*fits)(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why);
    /* No value of the schedule is open, and fits has agreed. */
    sinter_status (*generate)(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec);
    /* The strategy that is taken when the driver refuses this one's kernel; NULL: then the plan fails. */
    const char *instead;
    bool nests;      /* takes programs that are not flat; the others are not even asked */
    bool asked_only; /* taken when a schedule names it (a record, a test), never by the rules */
} sni_strategy;

/* Strategies in the order they are tried; the last one takes everything. */
size_t sni_strategy_count(void);
const sni_strategy *sni_strategy_at(size_t index);
const sni_strategy *sni_strategy_find(const char *name); /* NULL: there is none */
/* Does it take the program? Otherwise words in why. */
bool sni_strategy_accepts(const sni_strategy *strategy, const sni_loop *loop, const sni_caps *caps, sni_str *why);
/* For tests: one more strategy before the others, which must be asked_only; it must outlive every use. At most two. */
void sni_strategy_plant(const sni_strategy *strategy);

/* Does a strategy made for it run a program that is not flat? Those that run anything would compute things over and
 * over. caps is a const sni_caps *: the form of sni_limits.accepts. */
bool sni_codegen_accepts(void *caps, const sni_loop *loop, const char **why);

/* The first strategy that accepts, or the one called name (tests, tuning) when it does. */
sinter_status sni_codegen(const sni_loop *loop, const sni_caps *caps, const char *name, sni_arena *arena,
                          sni_kspec *out_spec);
/* The schedule's strategy with the schedule's values (a record's, a tuner's); what is open in it is chosen by the rule.
 * UNSUPPORTED when the strategy refuses the program or the values do not fit, INVALID_ARGUMENT when a value is illegal. */
sinter_status sni_codegen_as(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_arena *arena,
                             sni_kspec *out_spec);

/* The values of a schedule as records and explain write them, "" when its strategy has no parameters. */
void sni_codegen_print_schedule(const sni_schedule *schedule, sni_str *out);
/* Reads what a record holds. INVALID_ARGUMENT: there is no such strategy, or not with such values. */
sinter_status sni_codegen_parse_schedule(const char *strategy, const char *values, sni_schedule *out_schedule);

/* ---- Candidates (candidates.c) ---- */

typedef struct sni_candidates {
    sni_schedule *items;
    size_t count, capacity;
} sni_candidates;

/* Adds schedules that this device can run the program with, complete and each once: for every strategy that accepts it the
 * rule's choice, then those that differ from it in one parameter, then in two, until there are most in all. The first one
 * is what sni_codegen takes. OUT_OF_MEMORY. Free with sni_candidates_deinit in any case. */
sinter_status sni_candidates_add(sni_candidates *list, const sni_loop *loop, const sni_caps *caps, size_t most);
/* The same around a schedule of one strategy that is known to be good. */
sinter_status sni_candidates_around(sni_candidates *list, const sni_loop *loop, const sni_caps *caps,
                                    const sni_schedule *schedule, size_t most);
void sni_candidates_deinit(sni_candidates *list);

#endif
