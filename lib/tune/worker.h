/* The child process of the tuner: measures what it is told to, and may crash or hang in doing so.
 *
 * It answers each line of its standard input with one line that begins with "tune ":
 *
 *     take P PROGRAM SIZES                   ok 0 | failed WORDS
 *     measure P LIMIT STRATEGY VALUES...     ok NS | wrong WORDS | refused WORDS | failed WORDS
 *     compare P LARGER STRATEGY VALUES...    pair RULE_NS NS | failed WORDS
 *
 * P is the number of a program in the list that parent and child made of the same graph in the same way, which `take` makes
 * sure of by the program's key; LIMIT is a time in
 * nanoseconds beyond which a candidate is of no interest. LARGER is 1 for the larger sizes of the programs, else 0. `take` makes the program's memory and the trusted kernel's results,
 * which may take longer than a candidate has. A line that is not answered within the limit ends the process,
 * also when the parent is no more. */
#ifndef SNI_TUNE_WORKER_H
#define SNI_TUNE_WORKER_H

#include "tune/programs.h"

#define SNI_WORKER_START_S 120 /* for `take`, and for the child to load the graph before its first line */

/* Serves until its input ends. limit_s: for a line about a candidate, of which building its kernel is a part. */
sinter_status sni_worker_run(sinter_runtime *runtime, const sni_programs *programs, int limit_s);

#endif
