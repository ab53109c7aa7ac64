/* Views without a fill: reshape, transpose, expand, slice, concat. An output element is the input
 * element at mapped coordinates, so none of them is a kernel of its own. */
#include "base/alloc.h"
#include "op/rule.h"
#include "op/tables.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- reshape -------------------------------------------------------------------------------- */

/* A product split into a number and atoms, so that a quotient can be cancelled. */
typedef struct product {
    int64_t number;
    int count;
    sni_expr atoms[64];
} product;

static void product_add(sni_sym *sym, product *p, sni_expr dim) {
    int64_t number = 0;
    /* What does not fit the number stays an atom. */
    if (sni_sym_is_const(sym, dim, &number) && sni_mul_i64(p->number, number, &number)) {
        p->number = number;
        return;
    }
    if (sni_sym_term_count(sym, dim) == 1) {
        sni_term term = sni_sym_term(sym, dim, 0);
        if (p->count + term.factor_count <= (int)COUNT(p->atoms) && term.factor_count > 0 &&
            sni_mul_i64(p->number, term.coefficient, &number)) {
            p->number = number;
            for (int i = 0; i < term.factor_count; ++i) p->atoms[p->count++] = sni_sym_factor(sym, dim, 0, i);
            return;
        }
    }
    if (p->count < (int)COUNT(p->atoms)) p->atoms[p->count++] = dim;
}

static void product_cancel(product *a, product *b) {
    for (int i = 0; i < a->count; ++i)
        for (int j = 0; j < b->count; ++j)
            if (a->atoms[i] == b->atoms[j]) {
                a->atoms[i--] = a->atoms[--a->count];
                b->atoms[j] = b->atoms[--b->count];
                break;
            }
}

/* The dimension that -1 stands for: all elements over the other dimensions. */
static sinter_status reshape_missing(const sni_call *call, int missing, sni_expr *dims) {
    sni_sym *sym = call->sym;
    const sni_type *in = &call->in[0];
    product all = {1, 0, {0}}, given = {1, 0, {0}};
    for (int i = 0; i < in->rank; ++i) product_add(sym, &all, in->dims[i]);
    for (int i = 0; i < call->out[0].rank; ++i)
        if (i != missing) product_add(sym, &given, dims[i]);
    product_cancel(&all, &given);
    if (given.number == 0) return sni_rule_shape_of(call, 0, "-1 beside a dimension of 0 has no meaning");
    if (given.count + all.count == 0 && all.number % given.number != 0)
        return sni_rule_shape_of(call, 0, "the elements do not divide by the given dimensions");
    sni_expr upper = sni_sym_const(sym, all.number), lower = sni_sym_const(sym, given.number);
    for (int i = 0; i < all.count; ++i) upper = sni_sym_mul(sym, upper, all.atoms[i]);
    for (int i = 0; i < given.count; ++i) lower = sni_sym_mul(sym, lower, given.atoms[i]);
    dims[missing] = sni_sym_div(sym, upper, lower);
    return SINTER_OK;
}

static sinter_status reshape_infer(sni_call *call) {
    sni_sym *sym = call->sym;
    const sni_attr *shape = &call->attrs[SNI_RESHAPE_SHAPE];
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    if (shape->count > SINTER_MAX_RANK)
        return sni_fail(SINTER_SHAPE, "rank %d is more than %d", shape->count, SINTER_MAX_RANK);
    sni_expr dims[SINTER_MAX_RANK];
    int missing = -1;
    for (int i = 0; i < shape->count; ++i) {
        dims[i] = shape->exprs[i];
        if (sni_sym_is(sym, dims[i], -1)) {
            if (missing >= 0) return sni_fail(SINTER_SHAPE, "more than one -1 in the shape");
            missing = i;
        } else if (sni_rule_const_below(call, dims[i], 0)) {
            return sni_fail(SINTER_SHAPE, "dimension %d of the shape is negative", i);
        }
    }
    call->out[0].rank = shape->count;
    if (missing >= 0) SNI_TRY(reshape_missing(call, missing, dims));
    sni_rule_out(call, call->in[0].dtype, shape->count, dims);
    sni_expr before = sni_rule_product(sym, call->in[0].dims, 0, call->in[0].rank);
    sni_expr after = sni_rule_product(sym, dims, 0, shape->count);
    if (sni_rule_equal(call, before, after)) return sni_rule_done(call);
    sni_str text = SNI_STR_INIT;
    sni_type_print(sym, &call->in[0], &text);
    sni_str_append(&text, " does not reshape to ");
    sni_type_print(sym, &call->out[0], &text);
    sinter_status status = sni_fail(SINTER_SHAPE, "%s", sni_str_text(&text));
    sni_str_deinit(&text);
    return status;
}

/* The dimensions that are not 1, with their positions. */
static int reshape_strip(sni_sym *sym, const sni_type *type, int *positions, sni_expr *dims) {
    int count = 0;
    for (int i = 0; i < type->rank; ++i)
        if (!sni_sym_is(sym, type->dims[i], 1)) {
            positions[count] = i;
            dims[count++] = type->dims[i];
        }
    return count;
}

/* The smallest group of output dimensions [o, *o_end) that holds as many elements as the input's
 * [i, *i_end); everything that is left when nothing smaller fits. */
static void reshape_group(sni_sym *sym, const sni_expr *in, int i, int in_count, const sni_expr *out, int o,
                          int out_count, int *i_end, int *o_end) {
    for (int total = 2; total <= in_count - i + out_count - o; ++total)
        for (int n = 1; n < total; ++n) {
            int m = total - n;
            if (i + n > in_count || o + m > out_count) continue;
            if (sni_rule_product(sym, in, i, i + n) != sni_rule_product(sym, out, o, o + m)) continue;
            *i_end = i + n;
            *o_end = o + m;
            return;
        }
    *i_end = in_count;
    *o_end = out_count;
}

static int reshape_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                       sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    sni_sym *sym = call->sym;
    int in_at[SINTER_MAX_RANK], out_at[SINTER_MAX_RANK];
    sni_expr in[SINTER_MAX_RANK], out[SINTER_MAX_RANK];
    int in_count = reshape_strip(sym, &call->in[0], in_at, in);
    int out_count = reshape_strip(sym, &call->out[0], out_at, out);
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < call->in[0].rank; ++i) accesses[0].coords[i] = sni_sym_const(sym, 0);
    for (int i = 0, o = 0; i < in_count;) {
        int i_end = 0, o_end = 0;
        reshape_group(sym, in, i, in_count, out, o, out_count, &i_end, &o_end);
        sni_expr linear = sni_sym_const(sym, 0);
        for (; o < o_end; ++o) linear = sni_sym_add(sym, sni_sym_mul(sym, linear, out[o]), out_coords[out_at[o]]);
        for (int k = i; k < i_end; ++k) {
            sni_expr coord = sni_sym_div(sym, linear, sni_rule_product(sym, in, k + 1, i_end));
            if (k > i) coord = sni_sym_mod(sym, coord, in[k]);
            accesses[0].coords[in_at[k]] = coord;
        }
        i = i_end;
    }
    return 1;
}

static sinter_status copy_reference(const sni_ref_call *call) {
    for (int64_t i = 0; i < call->out[0]->count; ++i) sni_ref_move(call->in[0], i, call->out[0], i);
    return SINTER_OK;
}

/* ---- transpose ------------------------------------------------------------------------------ */

static sinter_status transpose_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    int64_t perm[SINTER_MAX_RANK];
    int count = 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    SNI_TRY(sni_rule_ints(call, SNI_TRANSPOSE_PERM, perm, SINTER_MAX_RANK, &count));
    if (count != 0 && count != in->rank) return sni_rule_shape_of(call, 0, "the permutation has another rank");
    uint32_t seen = 0;
    sni_expr dims[SINTER_MAX_RANK];
    for (int i = 0; i < in->rank; ++i) {
        int axis = 0;
        SNI_TRY(sni_rule_axis(count ? perm[i] : in->rank - 1 - i, in->rank, &axis));
        if (seen & (1u << axis)) return sni_fail(SINTER_SHAPE, "axis %d is given twice", axis);
        seen |= 1u << axis;
        dims[i] = in->dims[axis];
    }
    sni_rule_out(call, in->dtype, in->rank, dims);
    return sni_rule_done(call);
}

static int transpose_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                         sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    int rank = call->in[0].rank, count = 0;
    int64_t perm[SINTER_MAX_RANK];
    if (sni_rule_ints(call, SNI_TRANSPOSE_PERM, perm, SINTER_MAX_RANK, &count) != SINTER_OK) return -1;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < rank; ++i) {
        int64_t axis = count ? perm[i] : rank - 1 - i;
        accesses[0].coords[sni_axis(axis, rank)] = out_coords[i];
    }
    return 1;
}

static sinter_status transpose_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        for (int i = 0; i < out->rank; ++i) {
            int64_t axis = sni_ref_entry(call, SNI_TRANSPOSE_PERM, i, out->rank - 1 - i);
            from[sni_axis(axis, out->rank)] = coords[i];
        }
        sni_ref_move(in, sni_ref_index(in, from), out, n);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- expand --------------------------------------------------------------------------------- */

static sinter_status expand_infer(sni_call *call) {
    const sni_attr *shape = &call->attrs[SNI_EXPAND_SHAPE];
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    if (shape->count > SINTER_MAX_RANK)
        return sni_fail(SINTER_SHAPE, "rank %d is more than %d", shape->count, SINTER_MAX_RANK);
    sni_type wanted = {.dtype = call->in[0].dtype, .rank = shape->count}, out = wanted;
    for (int i = 0; i < shape->count; ++i) {
        wanted.dims[i] = shape->exprs[i];
        if (sni_rule_const_below(call, wanted.dims[i], 0))
            return sni_fail(SINTER_SHAPE, "dimension %d of the shape is negative", i);
    }
    if (!sni_type_broadcast(call->sym, &call->in[0], &wanted, &out)) {
        sni_str text = SNI_STR_INIT;
        sni_type_print(call->sym, &call->in[0], &text);
        sni_str_append(&text, " does not expand to ");
        sni_type_print(call->sym, &wanted, &text);
        sinter_status status = sni_fail(SINTER_SHAPE, "%s", sni_str_text(&text));
        sni_str_deinit(&text);
        return status;
    }
    sni_rule_out(call, call->in[0].dtype, out.rank, out.dims);
    sni_require_broadcast(call, &call->in[0], &out);
    sni_require_broadcast(call, &wanted, &out);
    return sni_rule_done(call);
}

static int expand_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                      sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    sni_broadcast_coords(call->sym, &call->in[0], call->out[0].rank, &call->out[0], out_coords, accesses[0].coords);
    return 1;
}

static sinter_status expand_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    int shift = out->rank - in->rank;
    for (int64_t n = 0; n < out->count; ++n) {
        for (int i = 0; i < in->rank; ++i) from[i] = in->dims[i] == 1 ? 0 : coords[i + shift];
        sni_ref_move(in, sni_ref_index(in, from), out, n);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- slice ---------------------------------------------------------------------------------- */

/* A start that is a number below 0 counts from the dimension's end, as in numpy. What a symbolic one turns out to be does not
 * change what it means. */
static sni_expr slice_entry(sni_sym *sym, const sni_type *in, int attr, int i, sni_expr written) {
    int64_t number;
    bool from_end = attr == SNI_SLICE_STARTS && i < in->rank && sni_sym_is_const(sym, written, &number) && number < 0;
    return from_end ? sni_sym_add(sym, in->dims[i], written) : written;
}

/* Both ends of a slice that is not empty must lie inside the dimension. */
static sinter_status slice_check(sni_call *call, int axis) {
    sni_sym *sym = call->sym;
    sni_expr zero = sni_sym_const(sym, 0), dim = call->in[0].dims[axis];
    sni_expr first = call->attrs[SNI_SLICE_STARTS].exprs[axis];
    sni_expr step = call->attrs[SNI_SLICE_STEPS].exprs[axis];
    sni_expr size = call->attrs[SNI_SLICE_SIZES].exprs[axis];
    sni_expr last = sni_sym_add(sym, first, sni_sym_mul(sym, step, sni_sym_add_i(sym, size, -1)));
    if (sni_rule_const_below(call, size, 0))
        return sni_fail(SINTER_SHAPE, "the slice's size along axis %d is negative", axis);
    sni_expr inside = sni_sym_and(sym, sni_sym_le(sym, zero, first), sni_sym_lt(sym, first, dim));
    inside = sni_sym_and(sym, inside, sni_sym_le(sym, zero, last));
    inside = sni_sym_and(sym, inside, sni_sym_lt(sym, last, dim));
    sni_expr outside = sni_sym_and(sym, sni_sym_lt(sym, zero, size), sni_sym_not(sym, inside));
    if (!sni_sym_is(sym, outside, 1)) {
        sni_call_require(call, sni_sym_not(sym, outside));
        return SINTER_OK;
    }
    sni_str text = SNI_STR_INIT;
    sni_str_append(&text, "the slice from ");
    sni_sym_print(sym, first, &text);
    sni_str_append(&text, " to ");
    sni_sym_print(sym, last, &text);
    sni_str_printf(&text, " leaves dimension %d of ", axis);
    sni_type_print(sym, &call->in[0], &text);
    sinter_status status = sni_fail(SINTER_SHAPE, "%s", sni_str_text(&text));
    sni_str_deinit(&text);
    return status;
}

static sinter_status slice_infer(sni_call *call) {
    const sni_type *in = &call->in[0];
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    for (int a = SNI_SLICE_STARTS; a <= SNI_SLICE_SIZES; ++a)
        if (call->attrs[a].count != in->rank)
            return sni_rule_shape_of(call, 0, "starts, steps and sizes need one entry a dimension");
    for (int i = 0; i < in->rank; ++i) SNI_TRY(slice_check(call, i));
    sni_rule_out(call, in->dtype, in->rank, call->attrs[SNI_SLICE_SIZES].exprs);
    return sni_rule_done(call);
}

static int slice_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                     sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    sni_sym *sym = call->sym;
    accesses[0].input = 0;
    accesses[0].guard = SNI_NO_EXPR;
    for (int i = 0; i < call->in[0].rank; ++i)
        accesses[0].coords[i] = sni_sym_add(sym, call->attrs[SNI_SLICE_STARTS].exprs[i],
                                            sni_sym_mul(sym, call->attrs[SNI_SLICE_STEPS].exprs[i], out_coords[i]));
    return 1;
}

static sinter_status slice_reference(const sni_ref_call *call) {
    const sni_ref_tensor *in = call->in[0];
    sni_ref_tensor *out = call->out[0];
    int64_t coords[SINTER_MAX_RANK] = {0}, from[SINTER_MAX_RANK] = {0};
    for (int64_t n = 0; n < out->count; ++n) {
        for (int i = 0; i < in->rank; ++i) {
            from[i] = call->attr_values[SNI_SLICE_STARTS][i] + coords[i] * call->attr_values[SNI_SLICE_STEPS][i];
            if (from[i] < 0 || from[i] >= in->dims[i])
                return sni_fail(SINTER_SHAPE, "the slice leaves dimension %d of %lld", i, (long long)in->dims[i]);
        }
        sni_ref_move(in, sni_ref_index(in, from), out, n);
        sni_ref_next(out, coords);
    }
    return SINTER_OK;
}

/* ---- concat --------------------------------------------------------------------------------- */

static sinter_status concat_infer(sni_call *call) {
    const sni_type *first = &call->in[0];
    int axis = 0;
    SNI_TRY(sni_rule_class(call, 0, SNI_CLASS_ANY));
    SNI_TRY(sni_rule_same_dtype(call, 0, call->in_count - 1));
    SNI_TRY(sni_rule_axis(sni_attr_i(call, SNI_CONCAT_AXIS), first->rank, &axis));
    sni_rule_out_like(call, 0);
    for (int k = 1; k < call->in_count; ++k) {
        const sni_type *in = &call->in[k];
        if (!sni_rule_given(call, k)) return sni_fail(SINTER_INVALID_ARGUMENT, "input %d is missing", k);
        if (in->rank != first->rank) return sni_rule_shapes(call, "concat of different ranks");
        for (int i = 0; i < first->rank; ++i)
            if (i != axis && !sni_rule_equal(call, in->dims[i], first->dims[i]))
                return sni_rule_shapes(call, "concat of different dimensions");
        call->out[0].dims[axis] = sni_sym_add(call->sym, call->out[0].dims[axis], in->dims[axis]);
    }
    return sni_rule_done(call);
}

static int concat_map(const sni_call *call, const sni_expr *out_coords, int output, sni_read_fn read, void *context,
                      sni_access *accesses, sni_expr *out_value) {
    (void)output, (void)read, (void)context, (void)out_value;
    sni_sym *sym = call->sym;
    int axis = 0;
    if (sni_rule_axis(sni_attr_i(call, SNI_CONCAT_AXIS), call->out[0].rank, &axis) != SINTER_OK) return -1;
    sni_expr low = sni_sym_const(sym, 0), o = out_coords[axis];
    for (int k = 0; k < call->in_count; ++k) {
        sni_expr high = sni_sym_add(sym, low, call->in[k].dims[axis]);
        accesses[k].input = k;
        for (int i = 0; i < call->out[0].rank; ++i) accesses[k].coords[i] = out_coords[i];
        accesses[k].coords[axis] = sni_sym_sub(sym, o, low);
        accesses[k].guard = sni_sym_and(sym, sni_sym_le(sym, low, o), sni_sym_lt(sym, o, high));
        low = high;
    }
    return call->in_count;
}

static sinter_status concat_reference(const sni_ref_call *call) {
    sni_ref_tensor *out = call->out[0];
    sni_ref_rows to = sni_ref_rows_of(out, call->attrs[SNI_CONCAT_AXIS].i);
    int64_t low = 0;
    for (int k = 0; k < call->in_count; ++k) {
        sni_ref_rows from = sni_ref_rows_of(call->in[k], call->attrs[SNI_CONCAT_AXIS].i);
        if (from.outer != to.outer || from.inner != to.inner)
            return sni_fail(SINTER_SHAPE, "concat: input %d does not fit the others", k);
        for (int64_t a = 0; a < from.outer; ++a)
            for (int64_t b = 0; b < from.length; ++b)
                for (int64_t c = 0; c < from.inner; ++c)
                    sni_ref_move(call->in[k], (a * from.length + b) * from.inner + c, out,
                                 (a * to.length + low + b) * to.inner + c);
        low += from.length;
    }
    return SINTER_OK;
}

const sni_op sni_ops_view[] = {
    {.name = "reshape",
     .kind = SNI_OP_VIEW,
     .traits = {.renames = true},
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(RESHAPE),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = reshape_infer,
     .map = reshape_map,
     .reference = copy_reference,
     .doc = "The same elements in row-major order under another shape; one dimension may be -1."},
    {.name = "transpose",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(TRANSPOSE),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = transpose_infer,
     .map = transpose_map,
     .reference = transpose_reference,
     .doc = "Dimension i of the result is dimension perm[i] of x; no perm reverses them."},
    {.name = "expand",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(EXPAND),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = expand_infer,
     .map = expand_map,
     .reference = expand_reference,
     .doc = "Repeats dimensions of 1 so that x and shape broadcast."},
    {.name = "slice",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = 1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(SLICE),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .entry = slice_entry,
     .infer = slice_infer,
     .map = slice_map,
     .reference = slice_reference,
     .doc = "Element o along a dimension is element start + step*o of x; starts, steps and sizes have an entry a "
            "dimension. A start that is a number below 0 counts from the end: -1 is the last element, also of a "
            "dimension with a name. Every element must lie inside x; a step may be negative."},
    {.name = "concat",
     .kind = SNI_OP_VIEW,
     .min_inputs = 1,
     .max_inputs = -1,
     .outputs = 1,
     .attrs = SNI_ATTRS_OF(CONCAT),
     .classes = SNI_CLASS_ANY,
     .fill_attr = -1,
     .infer = concat_infer,
     .map = concat_map,
     .reference = concat_reference,
     .doc = "The inputs one after the other along axis."},
};
const size_t sni_ops_view_count = COUNT(sni_ops_view);
