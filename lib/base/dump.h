/* SINTER_DUMP=DIR: what every stage of a compile made, as files for people.
 *
 * Each compile writes into a directory of its own below DIR, PROCESS-NUMBER, so that plans and processes never write to the
 * same file. The stages of a compile run on one thread; the dump is that thread's, and a stage need not be handed it. What
 * cannot be written is logged as a warning, once for a compile, and changes nothing else. */
#ifndef SNI_BASE_DUMP_H
#define SNI_BASE_DUMP_H

#include "base/str.h"

typedef struct sni_dump sni_dump;

/* Begins a dump where SINTER_DUMP is set; the one that the thread was writing goes on after sni_dump_end(before). */
sni_dump *sni_dump_begin(void); /* returns before; may be NULL */
void sni_dump_end(sni_dump *before);

/* Is the thread writing one? Callers ask before they print. */
bool sni_dump_wanted(void);
/* Writes text to NN-name.ending, NN counting from 00; what is no letter, digit, '.', '-' or '_' in name becomes '_'. Takes the
 * text's memory. */
void sni_dump_write(const char *name, const char *ending, sni_str *text);

#endif
