/* Low-rank adapters: two small products beside a large one. The frozen weight is read where it is; what keeps it without a
 * gradient is that sinter_gradients computes nothing that no parameter asks for. */
#include <sinter/lora.h>

#include <math.h>

#include "rewrite/make.h"

/* Numbers of their own for every seed and place (splitmix64). */
static double drawn(uint64_t seed, uint64_t at) {
    uint64_t x = seed + (at + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return (double)(x >> 11) / 4503599627370496.0 - 1;
}

/* A state of that shape that begins as evenly spread numbers of at most `most`. */
static sinter_value adapter(sinter_graph *graph, const sinter_lora *lora, const char *ending, sinter_dtype dtype,
                            int64_t rows, int64_t columns, double most) {
    sni_str name = SNI_STR_INIT;
    size_t count = (size_t)rows * (size_t)columns, size_bytes = count * sinter_dtype_size(dtype);
    sni_str_printf(&name, "%s%s", lora->name, ending);
    void *data = sni_calloc(count, sinter_dtype_size(dtype));
    if (!data) sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "lora: out of host memory");
    for (size_t i = 0; data && most > 0 && i < count; ++i) {
        double number = most * drawn(lora->seed, i);
        if (dtype == SINTER_F64)
            ((double *)data)[i] = number;
        else
            ((float *)data)[i] = (float)number;
    }
    sinter_value state = SINTER_NO_VALUE;
    if (data)
        state = sinter_state_initial(graph, sni_str_text(&name), dtype, SINTER_SHAPE(rows, columns), data, size_bytes);
    sni_free(data);
    sni_str_deinit(&name);
    return state;
}

/* The weight's dimensions, checked together with the options. */
static bool check(sinter_graph *graph, sinter_value weight, const sinter_lora *lora, int64_t *out_dims) {
    const sni_value *w = sni_graph_value(graph, weight.id);
    if (graph->status != SINTER_OK || !sni_graph_check_handle(graph, "lora", weight)) return false;
    const char *name = lora && lora->name && *lora->name ? lora->name : NULL;
    bool sized = w && w->type.rank == 2 && sni_sym_is_const(graph->sym, w->type.dims[0], &out_dims[0]) &&
                 sni_sym_is_const(graph->sym, w->type.dims[1], &out_dims[1]);
    int64_t most = !sized ? 0 : out_dims[0] < out_dims[1] ? out_dims[0] : out_dims[1];
    if (!w)
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "lora: weight is no value of this graph");
    else if (!name)
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "lora: the adapter has no name");
    else if (!sni_dtype_is_real(w->type.dtype))
        sni_graph_fail(graph, SINTER_DTYPE, "lora '%s': weight is %s, not real", name,
                       sinter_dtype_name(w->type.dtype));
    else if (!sized)
        sni_graph_fail(graph, SINTER_SHAPE, "lora '%s': weight must have two dimensions that are numbers", name);
    else if (lora->rank < 1 || lora->rank > most)
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "lora '%s': rank %lld is not in 1..%lld, of weight [%lld, %lld]",
                       name, (long long)lora->rank, (long long)most, (long long)out_dims[0], (long long)out_dims[1]);
    else if (!isfinite(lora->scale))
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "lora '%s': scale is %g", name, lora->scale);
    return graph->status == SINTER_OK;
}

static bool check_x(sinter_graph *graph, sinter_value x, const sinter_lora *lora, int64_t in) {
    const sni_value *value = sni_graph_value(graph, x.id);
    if (!sni_graph_check_handle(graph, "lora", x)) return false;
    if (!value)
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "lora '%s': x is no value of this graph", lora->name);
    else if (!sni_dtype_is_real(value->type.dtype))
        sni_graph_fail(graph, SINTER_DTYPE, "lora '%s': x is %s, not real", lora->name,
                       sinter_dtype_name(value->type.dtype));
    else if (value->type.rank < 2 || !sni_sym_is(graph->sym, value->type.dims[value->type.rank - 1], in))
        sni_graph_fail(graph, SINTER_SHAPE, "lora '%s': x must have two dimensions or more, the last one of %lld",
                       lora->name, (long long)in);
    return graph->status == SINTER_OK;
}

static uint32_t product(sinter_graph *graph, uint32_t a, uint32_t b) {
    return sni_make_binary(graph, "matmul", a, b);
}

static uint32_t scaled(sinter_graph *graph, uint32_t x, double factor) {
    return sni_make_binary(graph, "mul", x, sni_make_scalar(graph, sni_make_type(graph, x).dtype, factor));
}

sinter_value sinter_lora_linear(sinter_graph *graph, sinter_value x, sinter_value weight, const sinter_lora *lora,
                                sinter_value out_parameters[2]) {
    int64_t dims[2];
    if (out_parameters) out_parameters[0] = out_parameters[1] = SINTER_NO_VALUE;
    if (!graph || !check(graph, weight, lora, dims) || !check_x(graph, x, lora, dims[0])) return SINTER_NO_VALUE;
    sinter_dtype dtype = sni_make_type(graph, x.id).dtype, wide = dtype == SINTER_F64 ? SINTER_F64 : SINTER_F32;
    sinter_value a = adapter(graph, lora, ".lora_a", wide, dims[0], lora->rank, 1 / sqrt((double)dims[0]));
    sinter_value b = adapter(graph, lora, ".lora_b", wide, lora->rank, dims[1], 0);
    uint32_t base = product(graph, x.id, sni_make_cast(graph, weight.id, dtype));
    /* The factor is applied to the few columns between the two. */
    uint32_t low = scaled(graph, product(graph, x.id, sni_make_cast(graph, a.id, dtype)), lora->scale);
    uint32_t beside = product(graph, low, sni_make_cast(graph, b.id, dtype));
    uint32_t y = sni_make_binary(graph, "add", base, beside);
    if (y && out_parameters) out_parameters[0] = a, out_parameters[1] = b;
    return sni_graph_handle(graph, y);
}

sinter_value sinter_lora_merged(sinter_graph *graph, sinter_value weight, const sinter_lora *lora,
                                const sinter_value parameters[2]) {
    int64_t dims[2];
    if (!graph || !check(graph, weight, lora, dims)) return SINTER_NO_VALUE;
    const sni_value *a = parameters ? sni_graph_value(graph, parameters[0].id) : NULL;
    const sni_value *b = parameters ? sni_graph_value(graph, parameters[1].id) : NULL;
    if (!a || !b || a->type.rank != 2 || b->type.rank != 2 || !sni_sym_is(graph->sym, a->type.dims[0], dims[0]) ||
        !sni_sym_is(graph->sym, b->type.dims[1], dims[1]) || a->type.dtype != b->type.dtype) {
        sni_graph_fail(graph, SINTER_INVALID_ARGUMENT, "lora '%s': parameters are not the adapter's of this weight",
                       lora->name);
        return SINTER_NO_VALUE;
    }
    uint32_t w = sni_make_cast(graph, weight.id, a->type.dtype);
    uint32_t beside = scaled(graph, product(graph, parameters[0].id, parameters[1].id), lora->scale);
    uint32_t merged = sni_make_binary(graph, "add", w, beside);
    return sni_graph_handle(graph, sni_make_cast(graph, merged, sni_make_type(graph, weight.id).dtype));
}
