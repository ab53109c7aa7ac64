/* What shape rules, index maps and reference functions of the rows have in common. */
#ifndef SNI_OP_RULE_H
#define SNI_OP_RULE_H

#include "op/attrs.h"
#include "op/op.h"

/* Is the optional input there? */
bool sni_rule_given(const sni_call *call, int input);
/* DTYPE unless the input's dtype is of one of the classes. */
sinter_status sni_rule_class(const sni_call *call, int input, sni_dtype_class classes);
/* DTYPE unless inputs first..last that are given have one dtype. */
sinter_status sni_rule_same_dtype(const sni_call *call, int first, int last);
/* SHAPE with "text: inputs T and T". */
sinter_status sni_rule_shapes(const sni_call *call, const char *text);
/* SHAPE "text, input T". */
sinter_status sni_rule_shape_of(const sni_call *call, int input, const char *text);
/* An axis that may be negative, as 0..rank-1; SHAPE. */
sinter_status sni_rule_axis(int64_t axis, int rank, int *out_axis);
/* The numbers of an EXPRS attribute that must be constant; UNSUPPORTED when one is symbolic. */
sinter_status sni_rule_ints(const sni_call *call, int attr, int64_t *values, int capacity, int *out_count);
/* Which axes the axes attribute means (empty: all), as a bit mask; SHAPE for a bad or repeated one. */
sinter_status sni_rule_axes(const sni_call *call, int attr, int rank, bool empty_is_all, uint32_t *out_mask);
/* False when the two dimensions are certainly different; when nobody knows, binding will check. */
bool sni_rule_equal(sni_call *call, sni_expr a, sni_expr b);
/* Where something is read along a dimension, size > 0 of the result needs dim > 0. False when that
 * certainly fails; when nobody knows, binding will check. */
bool sni_rule_some(sni_call *call, sni_expr size, sni_expr dim);
/* Is the expression a number below limit? */
bool sni_rule_const_below(const sni_call *call, sni_expr e, int64_t limit);
/* Output 0 with a dtype and a shape. */
void sni_rule_out(const sni_call *call, sinter_dtype dtype, int rank, const sni_expr *dims);
/* Output 0 has the type of an input. */
void sni_rule_out_like(const sni_call *call, int input);
/* Product of dims [from, to). */
sni_expr sni_rule_product(sni_sym *sym, const sni_expr *dims, int from, int to);
/* An EXPRS attribute's entry, or preset when the list is empty. */
sni_expr sni_rule_entry(const sni_call *call, int attr, int index, int64_t preset);
/* OUT_OF_MEMORY when an expression of output 0's shape is invalid; else OK. */
sinter_status sni_rule_done(const sni_call *call);

/* Output 0 is input 0 reduced over attribute 0 (axes; empty: all), attribute 1 keepdims. */
sinter_status sni_rule_reduce(const sni_call *call, sni_dtype_class classes);

/* Attributes of a sliding window over the last dimensions of input 0: kernel sizes, and what the lists strides,
 * pads (low..., high...) and dilations at attribute `first`, +1, +2 hold. */
typedef struct sni_rule_spatial {
    int count;
    sni_expr in[3], kernel[3], stride[3], low[3], high[3], dilation[3];
} sni_rule_spatial;
/* Fills everything but kernel; SHAPE for lists of a wrong length, INVALID_ARGUMENT for a stride or dilation below 1.
 * dilations may be left out (attribute -1). */
sinter_status sni_rule_spatial_read(const sni_call *call, int strides, int pads, int dilations, sni_rule_spatial *out);
/* Positions of the window along dimension i; SHAPE when the kernel is larger than the padded input. With ceil the last
 * window may hang over the end, as long as it starts inside the input or the low padding. */
sinter_status sni_rule_spatial_size(sni_call *call, const sni_rule_spatial *spatial, int i, bool ceil,
                                    sni_expr *out_size);

/* Row-major position of coordinates, and back. */
int64_t sni_ref_index(const sni_ref_tensor *tensor, const int64_t *coords);
void sni_ref_coords(const sni_ref_tensor *tensor, int64_t index, int64_t *coords);
/* Moves the coordinates to the next element in row-major order. */
void sni_ref_next(const sni_ref_tensor *tensor, int64_t *coords);
/* to[to_index] = from[from_index] for tensors of one dtype. */
void sni_ref_move(const sni_ref_tensor *from, int64_t from_index, sni_ref_tensor *to, int64_t to_index);
/* to[index] = value (truncated for integers). */
void sni_ref_set(sni_ref_tensor *to, int64_t index, double value);
/* An element as a double. */
double sni_ref_get(const sni_ref_tensor *from, int64_t index);
/* The tensor seen as [outer, length, inner] around an axis (which may be negative). */
typedef struct sni_ref_rows {
    int64_t outer, length, inner;
} sni_ref_rows;
sni_ref_rows sni_ref_rows_of(const sni_ref_tensor *tensor, int64_t axis);
/* A reduction's axes as a mask, and the position of an input element in its result. */
uint32_t sni_ref_axes(const sni_ref_call *call);
int64_t sni_ref_reduced(const sni_ref_tensor *in, uint32_t axes, const int64_t *coords);
/* An EXPRS attribute's number, or preset when the list is empty. */
int64_t sni_ref_entry(const sni_ref_call *call, int attr, int index, int64_t preset);
/* An optional input, NULL when it is not given. */
const sni_ref_tensor *sni_ref_optional(const sni_ref_call *call, int input);
/* The smallest and largest number of an integer dtype. */
int64_t sni_dtype_lowest(sinter_dtype dtype);
int64_t sni_dtype_highest(sinter_dtype dtype);

#endif
