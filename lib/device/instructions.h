/* The table of matrix instructions, from cl/gemm/instructions.inc: plain data, whatever the device. Which of them a
 * device has is a bit mask in its capabilities. */
#ifndef SNI_DEVICE_INSTRUCTIONS_H
#define SNI_DEVICE_INSTRUCTIONS_H

#include <sinter/types.h>

#include "base/str.h"
#include "device/caps.h"

/* The compiler that an instruction needs. */
typedef enum sni_instruction_needs { SNI_NEEDS_PTX, SNI_NEEDS_AMD } sni_instruction_needs;

/* NONE: no strategy multiplies by it yet. DEFAULT: as exact as its dtype. RELAXED: rounds operands, so somebody has to
 * allow it. */
typedef enum sni_instruction_use { SNI_USE_NONE, SNI_USE_DEFAULT, SNI_USE_RELAXED } sni_instruction_use;

/* What a lane holds of a matrix: how many elements, and a coordinate of each. */
typedef struct sni_fragment {
    int count;
    int (*outer)(int lane, int i);       /* row of A and of the sums, column of B */
    int (*inner)(int lane, int i);       /* k of A and B, column of the sums */
    const char *outer_text, *inner_text; /* the same as expressions of OpenCL C in lane and i */
} sni_fragment;

typedef struct sni_instruction {
    const char *name, *file;
    sni_instruction_needs needs;
    sni_instruction_use use;
    sinter_dtype dtype;
    int m, n, k, lanes;
    int most_words; /* that a lane keeps in registers while a tile is multiplied */
    sni_fragment a, b, sums;
} sni_instruction;

int sni_instruction_count(void);
/* Row number, in the order of the table; also the bit in sni_caps.instructions. NULL beyond the last. */
const sni_instruction *sni_instruction_at(int number);
/* May the device's compiler know it? Whether it does is found out by a probe. */
bool sni_instruction_possible(const sni_instruction *row, const sni_caps *caps);
/* Prints what cl/gemm/gpu_mma.cl and the row's file want to be defined, and includes the file. emulate: includes plain
 * code that computes the same from the same fragments. */
void sni_instruction_print(const sni_instruction *row, bool emulate, sni_str *out);

#endif
