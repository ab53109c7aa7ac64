/* Adding nodes in few words; see make.h. */
#include "rewrite/make.h"

sni_type sni_make_type(const sinter_graph *graph, uint32_t value) {
    const sni_value *found = sni_graph_value(graph, value);
    return found ? found->type : (sni_type){.dtype = SINTER_DTYPE_NONE};
}

uint32_t sni_make_unary(sinter_graph *graph, const char *op, uint32_t a) {
    return a ? sni_graph_add1(graph, op, 1, &a, NULL) : 0;
}

uint32_t sni_make_binary(sinter_graph *graph, const char *op, uint32_t a, uint32_t b) {
    return a && b ? sni_graph_add1(graph, op, 2, (const uint32_t[]){a, b}, NULL) : 0;
}

uint32_t sni_make_where(sinter_graph *graph, uint32_t condition, uint32_t a, uint32_t b) {
    if (!condition || !a || !b) return 0;
    return sni_graph_add1(graph, "where", 3, (const uint32_t[]){condition, a, b}, NULL);
}

uint32_t sni_make_cast(sinter_graph *graph, uint32_t x, sinter_dtype dtype) {
    if (!x || sni_make_type(graph, x).dtype == dtype) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_CAST_DTYPE] = sni_attr_int(dtype)};
    return sni_graph_add1(graph, "cast", 1, &x, attrs);
}

uint32_t sni_make_wide(sinter_graph *graph, uint32_t x) {
    sinter_dtype dtype = sni_make_type(graph, x).dtype;
    return dtype == SINTER_F16 || dtype == SINTER_BF16 ? sni_make_cast(graph, x, SINTER_F32) : x;
}

uint32_t sni_make_reduce(sinter_graph *graph, const char *op, uint32_t x, uint32_t axes, bool keepdims) {
    int64_t list[SINTER_MAX_RANK];
    int count = 0;
    for (int i = 0; i < SINTER_MAX_RANK; ++i)
        if (axes & (1u << i)) list[count++] = i;
    if (!x || count == 0) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {
        [SNI_REDUCE_AXES] = sni_attr_ints(graph, count, list), [SNI_REDUCE_KEEPDIMS] = sni_attr_int(keepdims)};
    return sni_graph_add1(graph, op, 1, &x, attrs);
}

uint32_t sni_make_mean(sinter_graph *graph, uint32_t x, uint32_t axes) {
    sni_type type = sni_make_type(graph, x);
    sni_expr count = sni_sym_const(graph->sym, 1);
    for (int i = 0; i < type.rank; ++i)
        if (axes & (1u << i)) count = sni_sym_mul(graph->sym, count, type.dims[i]);
    uint32_t sum = sni_make_reduce(graph, "reduce_sum", x, axes, true);
    return sni_make_binary(graph, "div", sum, sni_make_expr(graph, count, type.dtype));
}

/* The largest element goes out of the exponential and back behind the logarithm, unless it is
 * infinite: inf - inf would be NaN. */
uint32_t sni_make_log_sum_exp(sinter_graph *graph, uint32_t x, uint32_t axes) {
    uint32_t most = sni_make_reduce(graph, "reduce_max", x, axes, true);
    uint32_t zero = sni_make_scalar(graph, sni_make_type(graph, x).dtype, 0);
    most = sni_make_where(graph, sni_make_unary(graph, "is_inf", most), zero, most);
    uint32_t total = sni_make_unary(graph, "exp", sni_make_binary(graph, "sub", x, most));
    total = sni_make_reduce(graph, "reduce_sum", total, axes, true);
    return sni_make_binary(graph, "add", sni_make_unary(graph, "log", total), most);
}

uint32_t sni_make_positions(sinter_graph *graph, int rank, const sni_expr *dims) {
    uint32_t all = sni_make_iota(graph, sni_make_product(graph, dims, 0, rank), 0, SINTER_I64);
    return sni_make_reshape(graph, all, rank, dims);
}

uint32_t sni_make_reshape(sinter_graph *graph, uint32_t x, int rank, const sni_expr *dims) {
    sni_type type = sni_make_type(graph, x);
    bool same = type.rank == rank;
    for (int i = 0; same && i < rank; ++i) same = type.dims[i] == dims[i];
    if (!x || same) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_RESHAPE_SHAPE] = sni_attr_exprs(graph, rank, dims)};
    return sni_graph_add1(graph, "reshape", 1, &x, attrs);
}

uint32_t sni_make_expand(sinter_graph *graph, uint32_t x, int rank, const sni_expr *dims) {
    sni_type type = sni_make_type(graph, x);
    bool same = type.rank == rank;
    for (int i = 0; same && i < rank; ++i) same = type.dims[i] == dims[i];
    if (!x || same) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_EXPAND_SHAPE] = sni_attr_exprs(graph, rank, dims)};
    return sni_graph_add1(graph, "expand", 1, &x, attrs);
}

uint32_t sni_make_transpose(sinter_graph *graph, uint32_t x, const int64_t *perm) {
    sni_type type = sni_make_type(graph, x);
    bool same = true;
    for (int i = 0; i < type.rank; ++i) same = same && perm[i] == i;
    if (!x || same) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_TRANSPOSE_PERM] = sni_attr_ints(graph, type.rank, perm)};
    return sni_graph_add1(graph, "transpose", 1, &x, attrs);
}

uint32_t sni_make_slice(sinter_graph *graph, uint32_t x, const sni_expr *starts, const sni_expr *steps,
                        const sni_expr *sizes) {
    int rank = sni_make_type(graph, x).rank;
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_SLICE_STARTS] = sni_attr_exprs(graph, rank, starts),
                                     [SNI_SLICE_STEPS] = sni_attr_exprs(graph, rank, steps),
                                     [SNI_SLICE_SIZES] = sni_attr_exprs(graph, rank, sizes)};
    return x ? sni_graph_add1(graph, "slice", 1, &x, attrs) : 0;
}

uint32_t sni_make_pad(sinter_graph *graph, uint32_t x, const sni_expr *low, const sni_expr *high, double value) {
    int rank = sni_make_type(graph, x).rank;
    bool none = true;
    for (int i = 0; i < rank; ++i)
        none = none && sni_sym_is(graph->sym, low[i], 0) && sni_sym_is(graph->sym, high[i], 0);
    if (!x || none) return x;
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_PAD_LOW] = sni_attr_exprs(graph, rank, low),
                                     [SNI_PAD_HIGH] = sni_attr_exprs(graph, rank, high),
                                     [SNI_PAD_MODE] = sni_attr_int(SNI_PAD_CONSTANT),
                                     [SNI_PAD_VALUE] = sni_attr_float(value)};
    return sni_graph_add1(graph, "pad", 1, &x, attrs);
}

uint32_t sni_make_gather(sinter_graph *graph, uint32_t data, uint32_t indices, int axis) {
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_GATHER_AXIS] = sni_attr_int(axis)};
    if (!data || !indices) return 0;
    return sni_graph_add1(graph, "gather", 2, (const uint32_t[]){data, indices}, attrs);
}

uint32_t sni_make_window(sinter_graph *graph, uint32_t x, const sni_make_window_args *args) {
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_WINDOW_KERNEL] = sni_attr_exprs(graph, args->count, args->kernel),
                                     [SNI_WINDOW_STRIDES] = sni_attr_exprs(graph, args->count, args->strides),
                                     [SNI_WINDOW_DILATIONS] = sni_attr_exprs(graph, args->count, args->dilations),
                                     [SNI_WINDOW_PADS_LOW] = sni_attr_exprs(graph, args->count, args->pads_low),
                                     [SNI_WINDOW_INPUT_STRIDES] =
                                         sni_attr_exprs(graph, args->count, args->input_strides),
                                     [SNI_WINDOW_SIZES] = sni_attr_exprs(graph, args->count, args->sizes),
                                     [SNI_WINDOW_VALUE] = sni_attr_float(args->fill)};
    return x ? sni_graph_add1(graph, "window", 1, &x, attrs) : 0;
}

uint32_t sni_make_scalar(sinter_graph *graph, sinter_dtype dtype, double value) {
    return sinter_scalar(graph, dtype, value).id;
}

uint32_t sni_make_int(sinter_graph *graph, sinter_dtype dtype, int64_t value) {
    char element[8] = {0};
    if (sni_dtype_wrap(dtype, value) != value) return 0;
    sni_dtype_store(dtype, element, 0, 0, value);
    return sinter_constant(graph, dtype, SINTER_SCALAR, element, sinter_dtype_size(dtype)).id;
}

uint32_t sni_make_expr(sinter_graph *graph, sni_expr value, sinter_dtype dtype) {
    int64_t number = 0;
    if (sni_sym_is_const(graph->sym, value, &number)) return sni_make_scalar(graph, dtype, (double)number);
    return sni_make_cast(graph, sni_graph_add_known(graph, 0, NULL, &value, 1), dtype);
}

uint32_t sni_make_iota(sinter_graph *graph, sni_expr extent, int ones, sinter_dtype dtype) {
    sni_expr dims[SINTER_MAX_RANK] = {extent};
    for (int i = 1; i <= ones; ++i) dims[i] = sni_sym_const(graph->sym, 1);
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_IOTA_SHAPE] = sni_attr_exprs(graph, 1 + ones, dims),
                                     [SNI_IOTA_DTYPE] = sni_attr_int(dtype),
                                     [SNI_IOTA_AXIS] = sni_attr_int(0)};
    return sni_graph_add1(graph, "iota", 0, NULL, attrs);
}

sni_expr sni_make_product(sinter_graph *graph, const sni_expr *dims, int from, int to) {
    sni_expr product = sni_sym_const(graph->sym, 1);
    for (int i = from; i < to; ++i) product = sni_sym_mul(graph->sym, product, dims[i]);
    return product;
}
