/* Tuning the loop programs of a graph: candidates are measured in a child process, the best one of each program is kept as
 * a record of the user's layer.
 *
 * Every measurement is journalled before and after (journal.h), so a tuner that is killed at any moment goes on when it is
 * started again. A record is written only when its kernel, in turn with the one that the rules choose, is faster by more
 * than the noise: what is tuned is never slower. */
#ifndef SNI_TUNE_TUNE_H
#define SNI_TUNE_TUNE_H

#include "tune/programs.h"

typedef struct sni_tune_result {
    const sni_tune_program *program;
    int number, of;         /* of the programs, from 1 */
    int measured, rejected; /* candidates, in this call and in those that the journal remembers */
    int64_t rule_ns, ns;    /* of a launch: as the rules choose, and as it is now; 0: not measured */
    const sni_schedule *best;
    bool kept;           /* there is a record; otherwise best is what the rules choose */
    bool known;          /* nothing was measured: the journal says that the program is done */
    const char *failure; /* why nothing could be measured, or NULL */
} sni_tune_result;

typedef struct sni_tune_options {
    const char *dir;  /* of records and journal: the runtime's tuning_dir */
    const char *path; /* program and arguments of the child, which calls sni_worker_run on the same programs */
    char *const *argv;
    double budget_s; /* for all programs; 0: until nothing better is found */
    int most;        /* candidates of a program around its rule's choice; 0: some */
    int limit_s;     /* for one candidate; what the child is told, too */
    /* After each measurement; may be NULL. */
    void (*progress)(void *context, const sni_tune_result *so_far);
    /* After each program; may be NULL. */
    void (*result)(void *context, const sni_tune_result *result);
    void *context;
} sni_tune_options;

/* IO when the child cannot be started or nothing can be written; OUT_OF_MEMORY. A program that cannot be measured is no
 * error: its result has failure. */
sinter_status sni_tune_run(sinter_runtime *runtime, const sni_programs *programs, const sni_tune_options *options);

#endif
