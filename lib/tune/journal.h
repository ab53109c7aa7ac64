/* What was measured so far: a file beside the records, one line a measurement, written at once.
 *
 * A tuner that is killed goes on where it was, and a candidate that was wrong, hung or crashed is not tried again. A line
 * says that a measurement has begun, another how it ended; one that was begun twice and never ended is taken for a
 * candidate that brings the tuner or the machine down. Lines of another driver's version are not looked at, and a program
 * that was done when the strategies had other parameters is not done. */
#ifndef SNI_TUNE_JOURNAL_H
#define SNI_TUNE_JOURNAL_H

#include "codegen/codegen.h"
#include "device/caps.h"
#include "schedule/program_key.h"

typedef enum sni_verdict {
    SNI_VERDICT_NONE, /* not measured yet */
    SNI_VERDICT_BEGUN,
    SNI_VERDICT_OK,      /* right, and ns is its time */
    SNI_VERDICT_WRONG,   /* it computes something else */
    SNI_VERDICT_HUNG,    /* no answer within the time limit */
    SNI_VERDICT_CRASHED, /* it took the process with it */
    SNI_VERDICT_REFUSED, /* the strategy, the compiler or the device does not take it */
    SNI_VERDICT_DONE /* of a program as a whole: schedule is the best one, and rule_ns and ns are of one comparison */
} sni_verdict;
const char *sni_verdict_name(sni_verdict verdict);

typedef struct sni_entry {
    sni_program_key key;
    sni_schedule schedule; /* strategy NULL: no strategy of that name and values is there any more */
    sni_verdict verdict;
    int begun; /* times */
    int64_t ns, rule_ns;
} sni_entry;

typedef struct sni_journal {
    sni_str path;
    const sni_caps *caps;
    int64_t space; /* of the strategies' parameters */
    sni_entry *entries;
    size_t count, capacity;
} sni_journal;

/* Reads the journal of a device in dir, which is made when it is not there. caps must outlive it. */
sinter_status sni_journal_open(sni_journal *journal, const char *dir, const sni_caps *caps);
void sni_journal_close(sni_journal *journal);
/* How a candidate's measurement ended, or SNI_VERDICT_NONE. *out_ns is its time when it is OK. */
sni_verdict sni_journal_verdict(const sni_journal *journal, const sni_program_key *key, const sni_schedule *schedule,
                                int64_t *out_ns);
/* The last DONE of a program, or NULL. Valid until something is added. */
const sni_entry *sni_journal_done(const sni_journal *journal, const sni_program_key *key);
/* Writes a line and remembers it. IO, OUT_OF_MEMORY. */
sinter_status sni_journal_add(sni_journal *journal, const sni_program_key *key, const sni_schedule *schedule,
                              sni_verdict verdict, int64_t ns, int64_t rule_ns);

#endif
