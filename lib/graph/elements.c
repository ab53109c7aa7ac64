/* Known elements of integer results: elementwise and cast by their rows, views and iotas through their index
 * maps at constant coordinates, reductions by their combiner. Failing to know is never an error. */
#include <string.h>

#include "graph/graph.h"
#include "op/rule.h"

/* All coordinates of a shape in row-major order, as constants. */
typedef struct odometer {
    int rank;
    int64_t dims[SINTER_MAX_RANK], at[SINTER_MAX_RANK];
} odometer;

static void odometer_next(odometer *meter) {
    for (int d = meter->rank - 1; d >= 0; d--) {
        if (++meter->at[d] < meter->dims[d]) return;
        meter->at[d] = 0;
    }
}

/* False for symbolic shapes and for more elements than are ever kept. */
static bool small_shape(const sni_sym *sym, const sni_type *type, odometer *meter, int64_t *out_count) {
    memset(meter, 0, sizeof *meter);
    meter->rank = type->rank;
    *out_count = 1;
    for (int d = 0; d < type->rank; d++) {
        if (!sni_sym_is_const(sym, type->dims[d], &meter->dims[d])) return false;
        if (!sni_mul_i64(*out_count, meter->dims[d], out_count)) return false;
    }
    return *out_count <= SNI_MAX_KNOWN_ELEMENTS;
}

/* The element of a value with known elements at coordinates that are numbers within its shape. */
static sni_expr element_at(const sni_sym *sym, const sni_type *type, const sni_expr *coords) {
    int64_t index = 0;
    if (!type->elements) return SNI_NO_EXPR;
    for (int d = 0; d < type->rank; d++) {
        int64_t coord, dim;
        if (!sni_sym_is_const(sym, coords[d], &coord)) return SNI_NO_EXPR;
        if (!sni_sym_is_const(sym, type->dims[d], &dim)) return SNI_NO_EXPR;
        if (coord < 0 || coord >= dim) return SNI_NO_EXPR;
        index = index * dim + coord;
    }
    return index < type->element_count ? type->elements[index] : SNI_NO_EXPR;
}

static sni_expr read_element(void *context, int input, const sni_expr *coords) {
    const sni_call *call = context;
    if (input < 0 || input >= call->in_count) return SNI_NO_EXPR;
    return element_at(call->sym, &call->in[input], coords);
}

static sni_expr fill_of(const sni_call *call) {
    int a = call->op->fill_attr;
    if (a < 0) return sni_sym_const(call->sym, 0);
    const sni_attr *attr = &call->attrs[a];
    double f = attr->kind == SNI_ATTR_FLOAT ? attr->f : (double)attr->i;
    if (!(f > -9e15 && f < 9e15)) return SNI_NO_EXPR;
    return sni_sym_const(call->sym, sni_dtype_wrap(call->out[0].dtype, (int64_t)f));
}

/* The element that a row's map names at out_coords. */
static sni_expr mapped_element(const sni_call *call, const sni_expr *out_coords, sni_access *accesses) {
    sni_expr value = SNI_NO_EXPR;
    int count = call->op->map(call, out_coords, 0, read_element, (void *)call, accesses, &value);
    if (count < 0) return SNI_NO_EXPR;
    if (call->op->kind == SNI_OP_IOTA) return value;
    for (int i = 0; i < count; i++) {
        int64_t holds = 1;
        if (accesses[i].guard != SNI_NO_EXPR && !sni_sym_is_const(call->sym, accesses[i].guard, &holds)) {
            return SNI_NO_EXPR;
        }
        if (holds) return read_element((void *)call, accesses[i].input, accesses[i].coords);
    }
    return fill_of(call);
}

static bool mapped_elements(const sni_call *call, odometer meter, int64_t count, sni_expr *out) {
    size_t room = (size_t)call->in_count + 1;
    sni_access *accesses = sni_calloc(room, sizeof *accesses);
    bool ok = accesses != NULL;
    for (int64_t n = 0; ok && n < count; n++, odometer_next(&meter)) {
        sni_expr coords[SINTER_MAX_RANK] = {0};
        for (int d = 0; d < meter.rank; d++) coords[d] = sni_sym_const(call->sym, meter.at[d]);
        memset(accesses, 0, room * sizeof *accesses);
        out[n] = mapped_element(call, coords, accesses);
        ok = out[n] != SNI_NO_EXPR;
    }
    sni_free(accesses);
    return ok;
}

static sni_expr combine(const sni_call *call, sni_expr a, sni_expr b) {
    const sni_combiner_row *row = sni_combiner_row_of(call->op->combiner);
    int64_t x, y;
    if (sni_sym_is_const(call->sym, a, &x) && sni_sym_is_const(call->sym, b, &y)) {
        int64_t number = sni_combine_whole(call->op->combiner, x, y);
        return sni_sym_const(call->sym, sni_dtype_wrap(call->out[0].dtype, number));
    }
    return row->symbolic ? row->symbolic(call->sym, a, b) : SNI_NO_EXPR;
}

/* What a reduction of nothing gives; extremes of nothing are left to run time. */
static sni_expr combiner_start(const sni_call *call) {
    int64_t start = sni_combiner_start_of(call->op->combiner, call->out[0].dtype).i;
    bool small = start == 0 || start == 1;
    return small ? sni_sym_const(call->sym, start) : SNI_NO_EXPR;
}

static bool reduced_elements(const sni_call *call, int64_t count, sni_expr *out) {
    const sni_type *in = &call->in[0];
    odometer meter;
    int64_t in_count;
    uint32_t axes;
    if (!in->elements || !small_shape(call->sym, in, &meter, &in_count)) return false;
    if (sni_rule_axes(call, 0, in->rank, true, &axes) != SINTER_OK) return false;
    for (int64_t n = 0; n < count; n++) out[n] = SNI_NO_EXPR;
    for (int64_t n = 0; n < in_count; n++, odometer_next(&meter)) {
        int64_t to = 0;
        for (int d = 0; d < in->rank; d++) {
            if (!(axes >> d & 1u)) to = to * meter.dims[d] + meter.at[d];
        }
        if (to >= count) return false;
        out[to] = out[to] == SNI_NO_EXPR ? in->elements[n] : combine(call, out[to], in->elements[n]);
        if (out[to] == SNI_NO_EXPR) return false;
    }
    for (int64_t n = 0; n < count; n++) {
        if (out[n] == SNI_NO_EXPR) out[n] = combiner_start(call);
        if (out[n] == SNI_NO_EXPR) return false;
    }
    return true;
}

/* Composites that only rename coordinates: the elements stay in their order. */
static bool same_elements(const sni_call *call, int64_t count, sni_expr *out) {
    if (!call->op->traits.renames || !call->in[0].elements || call->in[0].element_count != count) return false;
    memcpy(out, call->in[0].elements, (size_t)count * sizeof *out);
    return true;
}

/* Without any known input only an iota's elements follow; saves the walk for ordinary nodes. */
static bool worth_trying(const sni_call *call) {
    if (call->op->kind == SNI_OP_IOTA) return true;
    for (int i = 0; i < call->in_count; i++) {
        if (call->in[i].elements) return true;
    }
    return false;
}

const sni_expr *sni_graph_find_elements(sinter_graph *graph, const sni_call *call, int64_t *out_count) {
    odometer meter;
    const sni_type *type = &call->out[0];
    if (sni_dtype_is_real(type->dtype) || !worth_trying(call)) return NULL;
    if (!small_shape(graph->sym, type, &meter, out_count)) return NULL;
    sni_expr *out = sni_arena_alloc(graph->arena, (size_t)*out_count * sizeof *out);
    if (!out) {
        sni_graph_fail(graph, SINTER_OUT_OF_MEMORY, "out of host memory");
        return NULL;
    }
    bool known = false;
    if (call->op->known) {
        known = call->op->known(call, out);
    } else if (call->op->map) {
        known = mapped_elements(call, meter, *out_count, out);
    } else if (call->op->kind == SNI_OP_REDUCE) {
        known = reduced_elements(call, *out_count, out);
    } else if (call->op->kind == SNI_OP_COMPOSITE) {
        known = same_elements(call, *out_count, out);
    }
    return known ? out : NULL;
}
