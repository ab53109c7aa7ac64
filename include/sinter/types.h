/* Data types, dimensions and shapes. */
#ifndef SINTER_TYPES_H
#define SINTER_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <sinter/export.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

/* One row per data type: identifier suffix, name, bytes an element. f16 and bf16 are
 * storage types: they work on every device, arithmetic on them is f32. A bool is one byte
 * that holds 0 or 1. f64 runs where the device has it. Append only. */
#define SINTER_DTYPE_LIST(X)                                                                                           \
    X(F32, "f32", 4)                                                                                                   \
    X(F16, "f16", 2)                                                                                                   \
    X(BF16, "bf16", 2)                                                                                                 \
    X(F64, "f64", 8)                                                                                                   \
    X(I8, "i8", 1)                                                                                                     \
    X(U8, "u8", 1)                                                                                                     \
    X(I16, "i16", 2)                                                                                                   \
    X(I32, "i32", 4)                                                                                                   \
    X(I64, "i64", 8)                                                                                                   \
    X(BOOL, "bool", 1)                                                                                                 \
    X(U16, "u16", 2)                                                                                                   \
    X(U32, "u32", 4)

typedef enum sinter_dtype {
    SINTER_DTYPE_NONE = 0,
#define SINTER_DTYPE_ENUM(name, text, bytes) SINTER_##name,
    SINTER_DTYPE_LIST(SINTER_DTYPE_ENUM)
#undef SINTER_DTYPE_ENUM
        SINTER_DTYPE_COUNT
} sinter_dtype;

/* Bytes of one element, 0 for an invalid dtype. */
SINTER_API size_t sinter_dtype_size(sinter_dtype dtype);
/* "f32", "i64", ...; "none" for an invalid dtype. */
SINTER_API const char *sinter_dtype_name(sinter_dtype dtype);

/* The most dimensions a value can have. */
#define SINTER_MAX_RANK 8

/* A dimension is a number (0 or more) or a name made by SINTER_DIM. */
typedef int64_t sinter_dim;

/* The symbolic dimension called name: the same name is the same dimension everywhere in a
 * process. Names have 1 to 63 bytes and are copied. Returns SINTER_DIM_INVALID for a bad
 * name or when memory is out; a graph that meets it reports the error. Any thread. */
SINTER_API sinter_dim sinter_dim_named(const char *name);
#define SINTER_DIM(name) sinter_dim_named(name)
#define SINTER_DIM_INVALID INT64_MAX

/* Sums, differences, products and quotients (rounded down, b above 0) of dimensions: an input of past + seq rows is
 * SINTER_SHAPE(sinter_dim_add(SINTER_DIM("past"), SINTER_DIM("seq")), 64). Two numbers give a number, equal operands the same
 * dimension. A run takes the names' values from the inputs whose dimension is a name alone and from dimension bindings; an input
 * that contradicts them is SHAPE. Usable wherever a dimension is: shapes, targets of reshape, starts of slice. What comes
 * out below 0 in a shape is SHAPE when it is known. SINTER_DIM_INVALID: an operand is, a number overflows, b is a number of 0
 * or less, more than 64 operations in one dimension, more than 65,536 different ones in a process, or memory is out. Any thread. */
SINTER_API sinter_dim sinter_dim_add(sinter_dim a, sinter_dim b);
SINTER_API sinter_dim sinter_dim_sub(sinter_dim a, sinter_dim b);
SINTER_API sinter_dim sinter_dim_mul(sinter_dim a, sinter_dim b);
SINTER_API sinter_dim sinter_dim_div(sinter_dim a, sinter_dim b);

/* The name of a symbolic dimension, or NULL when dim is a number or made by arithmetic. Lives for ever. */
SINTER_API const char *sinter_dim_name(sinter_dim dim);

/* A shape: rank 0 is a scalar; dims[0] is the outermost dimension, memory is row-major. */
typedef struct sinter_shape {
    int rank;
    sinter_dim dims[SINTER_MAX_RANK];
} sinter_shape;

/* Copies count dimensions. A count outside 0..SINTER_MAX_RANK gives rank -1, which every
 * function that takes a shape reports. */
SINTER_API sinter_shape sinter_shape_make(size_t count, const sinter_dim *dims);

/* SINTER_SHAPE(SINTER_DIM("n"), 3, 224, 224); SINTER_SCALAR is the shape of rank 0. */
#ifdef __cplusplus
#define SINTER_SHAPE(...) sinter_shape_from({__VA_ARGS__})
#else
#define SINTER_SHAPE(...)                                                                                              \
    sinter_shape_make(sizeof((sinter_dim[]){__VA_ARGS__}) / sizeof(sinter_dim), (const sinter_dim[]){__VA_ARGS__})
#endif
#define SINTER_SCALAR sinter_shape_make(0, NULL)

#ifdef __cplusplus
}
static inline sinter_shape sinter_shape_from(std::initializer_list<sinter_dim> dims) {
    return sinter_shape_make(dims.size(), dims.begin());
}
#endif
#endif
