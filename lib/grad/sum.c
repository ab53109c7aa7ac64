/* The sum of what several readers of a value want of it.
 *
 * Readers of parts, the halves that a rotary embedding turns or parameters that lie in one state, give pieces. Those that do not
 * overlap become a concat, a view that costs what is read; filling each up with zeros and adding them all would read the
 * value's size once for every piece. */
#include <stdlib.h>

#include "grad/rule.h"

static int by_place(const void *a, const void *b) {
    const sni_grad_piece *x = a, *y = b;
    if (x->axis != y->axis) return x->axis < y->axis ? -1 : 1;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return x->value < y->value ? -1 : x->value > y->value;
}

static uint32_t zeros(sinter_graph *graph, sni_type type, sinter_dtype dtype, int axis, int64_t size) {
    type.dtype = dtype;
    type.dims[axis] = sni_sym_const(graph->sym, size);
    return sni_grad_zeros(graph, &type);
}

/* Pieces of one axis, sorted, as many as fit side by side: their concat. Those that were taken get value 0. */
static uint32_t side_by_side(sinter_graph *graph, sni_grad_piece *pieces, size_t count, const sni_type *type,
                             sinter_dtype dtype, uint32_t *parts) {
    int axis = pieces->axis, used = 0;
    int64_t at = 0, all = 0;
    (void)sni_sym_is_const(graph->sym, type->dims[axis], &all);
    for (size_t i = 0; i < count && pieces[i].axis == axis; ++i) {
        if (!pieces[i].value || pieces[i].start < at) continue;
        if (pieces[i].start > at) parts[used++] = zeros(graph, *type, dtype, axis, pieces[i].start - at);
        parts[used++] = sni_make_cast(graph, pieces[i].value, dtype);
        at = pieces[i].start + pieces[i].size;
        pieces[i].value = 0;
    }
    if (at < all) parts[used++] = zeros(graph, *type, dtype, axis, all - at);
    if (used == 1) return parts[0];
    sni_attr attrs[SNI_MAX_ATTRS] = {[SNI_CONCAT_AXIS] = sni_attr_int(axis)};
    for (int i = 0; i < used; ++i)
        if (!parts[i]) return 0;
    return sni_graph_add1(graph, "concat", used, parts, attrs);
}

uint32_t sni_grad_sum(sinter_graph *graph, sni_grad_piece *pieces, size_t count, const sni_type *type) {
    sinter_dtype dtype = type->dtype == SINTER_F16 || type->dtype == SINTER_BF16 ? SINTER_F32 : type->dtype;
    uint32_t sum = 0, *parts = sni_calloc(2 * count + 1, sizeof *parts);
    if (!parts) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "gradients: out of host memory");
        return 0;
    }
    if (count == 1 && pieces->axis < 0) dtype = sni_make_type(graph, pieces->value).dtype;
    qsort(pieces, count, sizeof *pieces, by_place);
    for (size_t i = 0; i < count && graph->status == SINTER_OK; ++i) {
        if (!pieces[i].value) continue;
        uint32_t next = pieces[i].axis < 0 ? sni_make_cast(graph, pieces[i].value, dtype)
                                           : side_by_side(graph, pieces + i, count - i, type, dtype, parts);
        sum = sum ? sni_make_binary(graph, "add", sum, next) : next;
    }
    sni_free(parts);
    return sum;
}
