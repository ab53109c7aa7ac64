/* Code generation: a loop program and a device's capabilities in, OpenCL C and launch geometry out. */
#ifndef SNI_CODEGEN_CODEGEN_H
#define SNI_CODEGEN_CODEGEN_H

#include "device/caps.h"
#include "loop/loop.h"

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
} sni_karg;

#define SNI_MAX_KARGS 224

/* A kernel as text with what is needed to launch it. Lives in the arena it was made in. */
typedef struct sni_kspec {
    const char *source;  /* includes of cl/ files are resolved by lib/kernel */
    const char *entry;
    const char *options; /* SN_IDX64 is added by the plan when a binding needs 64-bit indices */
    int arg_count;
    sni_karg args[SNI_MAX_KARGS];
    int dims;
    sni_expr global[3]; /* work-items, as multiples of local */
    size_t local[3];    /* all 0: the driver chooses */
    const char *strategy; /* the strategy's name, for explain */
    const char *notes;    /* why this one and not another, for explain */
} sni_kspec;

/* One way to lay a program out on a class of device; one file each, one row in strategies.inc. */
typedef struct sni_strategy {
    const char *name;
    /* true, or false with words in why. */
    bool (*accepts)(const sni_loop *loop, const sni_caps *caps, sni_str *why);
    sinter_status (*generate)(const sni_loop *loop, const sni_caps *caps, sni_arena *arena,
                              sni_kspec *out_spec);
} sni_strategy;

/* Strategies in the order they are tried; the last one takes everything. */
size_t sni_strategy_count(void);
const sni_strategy *sni_strategy_at(size_t index);

/* The first strategy that accepts, or the one called name (tests, tuning) when it does. */
sinter_status sni_codegen(const sni_loop *loop, const sni_caps *caps, const char *name, sni_arena *arena,
                          sni_kspec *out_spec);

#endif
