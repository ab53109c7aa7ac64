/* What a record is about: a loop program without its sizes, and the sizes as classes.
 *
 * Two programs have one key when they compute the same expressions of operands that lie the same way: dtypes, operators,
 * combiners, which axis an access moves along and whether by one element. Numbers of elements, names of dimensions and values
 * of constants are left out; how large the axes are, roughly, is the size class. */
#ifndef SNI_SCHEDULE_PROGRAM_KEY_H
#define SNI_SCHEDULE_PROGRAM_KEY_H

#include "loop/loop.h"

/* Part of every key: raise it when the text of sni_program_describe changes for programs that have records. */
#define SNI_PROGRAM_KEY_FORMAT 1

typedef struct sni_program_key {
    char program[40];                  /* 32 hex digits: the hash of the canonical text */
    char sizes[12 * SNI_MAX_AXES + 1]; /* one word an axis: "7", "~256" or "?", joined by 'x'; "1" without axes */
} sni_program_key;

/* The canonical text, for tests and for whoever asks why two programs differ. */
void sni_program_describe(const sni_loop *loop, sni_str *out);
/* A size class: extents below 16 are themselves, larger ones the power of two below, symbolic ones "?". OUT_OF_MEMORY. */
sinter_status sni_program_key_of(const sni_loop *loop, sni_program_key *out_key);

#endif
