/* What the contraction strategies share: a contraction program seen as a flat b x m x n x k
 * problem.
 *
 * A strategy works with the flat indices; this module says which axes they stand for, how a flat
 * index is taken apart, and in which direction the operands lie contiguously in memory. */
#ifndef SNI_CODEGEN_CONTRACT_H
#define SNI_CODEGEN_CONTRACT_H

#include "codegen/emit_internal.h"

/* A group of axes that one flat index stands for. Flat means that what is printed depends on them
 * only through the flat index, so that it needs no taking apart: the innermost axis takes its name,
 * the others are "0". */
typedef struct sni_flat {
    uint32_t axes;
    int count;
    int last; /* the innermost axis, -1 when there is none */
} sni_flat;

/* How the code of a set of statements sees a group of axes. */
typedef struct sni_access_kind {
    bool flat;     /* see above */
    bool unit;     /* the innermost axis is there, and every load that it moves is contiguous along it */
    bool steps;    /* the same with steps that are a known number */
    bool aligned4; /* unit, and four lanes from a multiple of four are in range together and aligned
                    */
} sni_access_kind;

typedef struct sni_operand {
    int stmt;       /* core_a or core_b */
    bool *needed;   /* statements that it needs */
    sni_flat outer; /* axes of m for A, of n for B */
    sni_access_kind along_outer, along_k;
    bool guarded; /* a needed load has a guard */
    bool direct;  /* a plain load of the sums' type, flat and contiguous along k */
} sni_operand;

typedef struct sni_contract {
    const sni_loop *loop;
    const sni_caps *caps;
    sni_arena *arena;
    sni_ctype type; /* of the sums: FLOAT or DOUBLE */
    sni_flat b, m, n, k;
    sni_expr size_b, size_m, size_n, size_k;
    sni_operand a_op, b_op;
    bool *stop;              /* marks the core */
    bool *epilogue;          /* statements that the stores need, the core among them */
    sni_access_kind along_n; /* of the epilogue's loads and stores */
    bool epilogue_flat_m;
} sni_contract;

/* true when the program is a contraction that a template can run; otherwise says why not. */
bool sni_contract_accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why);
/* Appends the reason (why may be NULL) and returns false. */
bool sni_contract_refuse(sni_str *why, const char *text);
/* The statement of an operand as it is stored: f16 and bf16 that are widened to f32 are the same numbers. */
int sni_contract_narrow(const sni_loop *loop, int stmt);
/* Matrix units cut bits off where they add, so that long sums drift (measured: 50 times the error of an fma loop for 4096
 * products of one sign). A result in f16 or bf16 does not show that; one in f32 does, so its sums have to be short. */
bool sni_contract_sums_are_short(const sni_loop *loop);
/* What a kernel's local variables may take. */
uint64_t sni_contract_local_bytes(const sni_caps *caps);
/* Looks at the program. swap: A and B change places (with m and n). OUT_OF_MEMORY. */
sinter_status sni_contract_init(sni_contract *c, const sni_loop *loop, const sni_caps *caps, sni_arena *arena,
                                bool swap);

/* The program with axes taken apart where operands ask for their quotients, so that windows are read without dividing; the
 * same program when there are none, or memory is out. Shares the expressions, and lives in the arena. */
const sni_loop *sni_contract_split_axes(const sni_loop *loop, sni_arena *arena);
/* The same for the axes of the sum alone. */
const sni_loop *sni_contract_split_inner_axes(const sni_loop *loop, sni_arena *arena);

/* Names the axes of a group in scope: by the flat index when flat, else x0, x1, .... */
void sni_contract_name(sni_emitter *e, sni_scope *scope, const sni_flat *group, bool flat, const char *index);
/* Prints declarations of x0, x1, ... from the flat index (a variable's name), nothing when flat. */
void sni_contract_split(sni_emitter *e, const sni_flat *group, bool flat, const char *index, bool constant);
/* Prints the step of x0, x1, ... to the next flat index. */
void sni_contract_advance(sni_emitter *e, const sni_flat *group, bool flat);
/* Prints the statements of an operand under a scope; returns its value as text of the sums' type
 * and the scope's width. */
const char *sni_contract_value(sni_emitter *e, const sni_contract *c, const sni_operand *op, const sni_scope *scope);
/* Prints the epilogue's statements and stores; acc is the variable with the sums. */
void sni_contract_epilogue(sni_emitter *e, const sni_contract *c, const sni_scope *scope, const char *acc);
/* The kernel parameter or literal of an extent. */
const char *sni_contract_number(sni_emitter *e, sni_expr expr);
/* Print how a CPU work-group packs a block of an operand. In scope: bi, kb, kc; col0, cols, panels,
 * b_block for B; a_row0, a_rows, a_block for A. */
void sni_contract_pack_b(sni_emitter *e, const sni_contract *c, int width);
void sni_contract_pack_a(sni_emitter *e, const sni_contract *c, int width);

/* How B is packed before the kernel runs (contract_prepack.c), into panels of so many columns; NULL: it is no constant that
 * can be, or memory is out. */
sni_preparation *sni_contract_prepack_b(const sni_contract *c, int columns, sni_arena *arena);
/* Inside a block of k that begins at kb: b_block, where the block of the first panel lies, and b_panel, elements from one
 * panel to the next. */
void sni_contract_read_prepacked(sni_emitter *e, const sni_contract *c, const sni_preparation *preparation);

#endif
