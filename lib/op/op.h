/* The operator table: everything the library knows of an operator is in its row. */
#ifndef SNI_OP_OP_H
#define SNI_OP_OP_H

#include "base/status.h"
#include "op/combiner.h"
#include "op/type.h"

typedef enum sni_op_kind {
    SNI_OP_ELEMENTWISE, /* one scalar expression of the broadcast inputs */
    SNI_OP_CAST,        /* elementwise conversion to attribute 0's dtype */
    SNI_OP_REDUCE,      /* combines elements along axes (attribute 0: axes; 1: keepdims) */
    SNI_OP_VIEW,        /* every output element is an input element (or a fill) at mapped coordinates;
                           with reads of integer inputs, also gathers */
    SNI_OP_IOTA,        /* elements computed from coordinates alone */
    SNI_OP_CONTRACT,    /* sum over k of a[b,m,k] * b[b,k,n]: matmul */
    SNI_OP_SCAN,        /* element i along an axis combines elements 0..i (attributes SNI_ATTRS_SCAN) */
    SNI_OP_STORE,       /* writes a region of input 0 in place (op/update.h) */
    SNI_OP_COMPOSITE    /* rewritten into the kinds above before grouping */
} sni_op_kind;

typedef struct sni_custom sni_custom;

typedef struct sni_attr_spec {
    const char *name; /* NULL ends the list */
    sni_attr_kind kind;
    double preset; /* value when the builder gives none; EXPRS start empty */
} sni_attr_spec;

/* Where one output element comes from: input at coords, if guard (0 or 1) holds. */
typedef struct sni_access {
    int input;
    sni_expr coords[SINTER_MAX_RANK];
    sni_expr guard; /* SNI_NO_EXPR: always */
} sni_access;

/* Gives the value of an element of an integer input as an expression (VALUE atom or known), for
 * gathers. */
typedef sni_expr (*sni_read_fn)(void *context, int input, const sni_expr *coords);

/* A tensor of the reference evaluator: real dtypes as double, integer and bool ones as int64. */
typedef struct sni_ref_tensor {
    sinter_dtype dtype;
    int rank;
    int64_t dims[SINTER_MAX_RANK];
    int64_t count; /* product of dims */
    double *f;     /* for real dtypes, else NULL */
    int64_t *i;    /* for integer dtypes and bool, else NULL */
} sni_ref_tensor;

/* A call of a reference function: shapes are numbers, outputs are allocated. */
typedef struct sni_ref_call {
    const sni_op *op;
    int in_count;
    const sni_ref_tensor *const *in; /* NULL for an optional input that is not given */
    int out_count;
    sni_ref_tensor *const *out;
    const sni_attr *attrs;             /* INT and FLOAT attributes */
    const int64_t *const *attr_values; /* EXPRS attributes evaluated: attr_values[a][0..count-1] */
} sni_ref_call;

/* Which dtypes an operator takes. */
typedef enum sni_dtype_class {
    SNI_CLASS_REAL = 1, /* f32 f16 bf16 f64 */
    SNI_CLASS_INT = 2,  /* i8 u8 i16 i32 i64 */
    SNI_CLASS_BOOL = 4,
    SNI_CLASS_NUMBER = 3,
    SNI_CLASS_ANY = 7
} sni_dtype_class;

typedef enum sni_result {
    SNI_RESULT_SAME, /* dtype of the first input that is not a condition */
    SNI_RESULT_BOOL
} sni_result;

/* A number with a meaning for one operand or for either: op(a, value) for RIGHT, op(value, a) for LEFT. */
typedef enum sni_side { SNI_SIDE_NONE, SNI_SIDE_RIGHT, SNI_SIDE_LEFT, SNI_SIDE_EITHER } sni_side;
typedef struct sni_element {
    sni_side side;
    double value;
} sni_element;

/* What passes know of an operator beyond its expression; all of it up to the sign of a zero. */
typedef struct sni_traits {
    bool commutes;         /* op(a, b) = op(b, a) */
    bool idempotent;       /* of one operand: op(op(a)) = op(a); of two: op(a, a) = a */
    bool undoes_itself;    /* op(op(a)) = a */
    bool is_product;       /* a * b, which a sum of reals takes in with fma */
    bool selects;          /* input 0 is a bool that chooses between the others */
    bool is_identity;      /* op(a) = a */
    bool slides;           /* reads each element of the input for several of its own */
    bool renames;          /* the input's elements in their order, under another shape */
    bool is_stored;        /* no kernel that computes it goes on with it */
    bool known_on_host;    /* the elements are expressions of dimensions */
    sni_element neutral;   /* a stays a */
    sni_element absorbing; /* the result is the value itself */
} sni_traits;

struct sni_op {
    const char *name;
    sni_op_kind kind;
    int min_inputs, max_inputs; /* max -1: any number */
    int outputs;
    sni_attr_spec attrs[SNI_MAX_ATTRS];
    sni_dtype_class classes; /* of the inputs */
    sni_result result;
    /* ELEMENTWISE: an expression in C's syntax over a, b, c (inputs) and p0..p7 (attributes), with
     * numbers, + - * /, comparisons, && || !, ?: and the functions of cl/common/math_*.cl. Numbers are
     * of the operand's type. Compiled as C in double and in int64_t it is the reference. */
    const char *expression;
    const char *gradient[3]; /* ELEMENTWISE: what a loss changes with each input (elementwise.inc); NULL: no rule */
    double cost;             /* about how many simple operations; recomputing beyond 8 is avoided */
    sni_combiner combiner;   /* REDUCE, SCAN */
    sni_traits traits;
    /* What entry i of list attribute `attr` means, given the first input's type: everyone but the caller of the builder
     * sees the result. NULL: what is written. */
    sni_expr (*entry)(sni_sym *sym, const sni_type *in, int attr, int i, sni_expr written);
    /* Sets dtype, rank, dims of every output; SHAPE or DTYPE with a text without the operator's name. */
    sinter_status (*infer)(sni_call *call);
    /* VIEW: fills accesses (at most one an input) and returns their number, or -1 on failure. An output
     * element is the first access whose guard holds, else the fill of attribute fill_attr (0 if < 0).
     * IOTA: returns 0 accesses and sets *out_value. */
    int (*map)(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
               sni_access *accesses, sni_expr *out_value);
    int fill_attr;
    /* Elements of an integer output as expressions, when the inputs' are known; may be NULL. On success
     * fills out (element_count of output 0) and returns true. */
    bool (*known)(const sni_call *call, sni_expr *out);
    sinter_status (*reference)(const sni_ref_call *call);
    const char *doc;                 /* one line */
    const struct sni_custom *custom; /* the user's function that the row is made of (custom.h); NULL in the table */
    const char *inputs; /* names of the inputs for builders and documents, "x scale bias"; NULL: "a b c ..." */
};

/* The row with a name, NULL when there is none; and all rows in order. */
const sni_op *sni_op_find(const char *name);
size_t sni_op_count(void);
const sni_op *sni_op_at(size_t index);
/* Position of an attribute in the row, -1 when there is none. */
int sni_op_attr(const sni_op *op, const char *name);

/* An axis that a shape rule has checked, counted from the front. */
static inline int sni_axis(int64_t axis, int rank) {
    return (int)(axis < 0 ? axis + rank : axis);
}
/* The axes that a checked list means, as a bit mask (empty: all); false when one is symbolic. */
bool sni_axes(const sni_sym *sym, const sni_attr *list, int rank, uint32_t *out_mask);

sni_dtype_class sni_dtype_class_of(sinter_dtype dtype);
bool sni_dtype_is_real(sinter_dtype dtype);
/* value rounded to dtype and back (f16, bf16, f32); the identity for f64. Integers wrap. */
double sni_dtype_round(sinter_dtype dtype, double value);
int64_t sni_dtype_wrap(sinter_dtype dtype, int64_t value);
/* One element of packed memory of a dtype to and from the reference's representation. */
void sni_dtype_load(sinter_dtype dtype, const void *data, int64_t index, double *f, int64_t *i);
void sni_dtype_store(sinter_dtype dtype, void *data, int64_t index, double f, int64_t i);
uint16_t sni_f32_to_f16(float value);
float sni_f16_to_f32(uint16_t bits);
uint16_t sni_f32_to_bf16(float value);
float sni_bf16_to_f32(uint16_t bits);

/* Elements of a type as an expression; bytes likewise. */
sni_expr sni_type_count(sni_sym *sym, const sni_type *type);
sni_expr sni_type_bytes(sni_sym *sym, const sni_type *type);
/* "f32[batch, 64]" appended. */
void sni_type_print(const sni_sym *sym, const sni_type *type, sni_str *out);
/* Shape of two broadcast shapes into out; false when they do not fit. A symbolic dimension against
 * another one becomes their maximum, and the map makes the one that is 1 repeat. */
bool sni_type_broadcast(sni_sym *sym, const sni_type *a, const sni_type *b, sni_type *out);
/* Coordinates in a (possibly broadcast) input for out_coords in the output of rank out_rank. */
void sni_broadcast_coords(sni_sym *sym, const sni_type *in, int out_rank, const sni_type *out,
                          const sni_expr *out_coords, sni_expr *in_coords);

/* For shape rules: a condition (0 or 1) that cannot be decided before dimensions have values, such as two
 * symbolic dimensions that must be equal. Binding shapes fails with SHAPE when it is 0. */
void sni_call_require(sni_call *call, sni_expr condition);
/* Every dimension of in must be 1 or out's, as sni_type_broadcast assumed. */
void sni_require_broadcast(sni_call *call, const sni_type *in, const sni_type *out);

#endif
