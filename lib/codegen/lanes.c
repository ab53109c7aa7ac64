/* The choice of lanes: how the accesses of a program move along an axis. */
#include "codegen/layout.h"

static sni_lane_use look(const sni_loop *loop, sni_expr offset, uint32_t mask, int axis, int width, size_t bytes) {
    sni_lane_use use = {.aligned = sni_sym_const(loop->sym, 1)};
    sni_expr coefficient, rest;
    if ((mask >> axis & 1) == 0) {
        use.still = 1;
    } else if (!sni_sym_linear_in(loop->sym, offset, axis, &coefficient, &rest)) {
        use.other = 1;
    } else if (sni_sym_is(loop->sym, coefficient, 0) || !sni_sym_uses_axis(loop->sym, offset, axis)) {
        use.still = 1; /* only its guard, or an index read from memory, moves */
        if (sni_sym_uses_value(loop->sym, offset)) use = (sni_lane_use){.other = 1, .aligned = use.aligned};
    } else if (sni_sym_is(loop->sym, coefficient, 1)) {
        use.unit = 1;
        use.widest_bytes = (int)bytes;
        use.aligned = sni_emit_divisible(loop->sym, rest, width);
    } else {
        use.other = 1;
    }
    return use;
}

static void add(sni_sym *sym, sni_lane_use *sum, sni_lane_use use) {
    sum->unit += use.unit;
    sum->still += use.still;
    sum->other += use.other;
    sum->aligned = sni_sym_and(sym, sum->aligned, use.aligned);
    if (use.widest_bytes > sum->widest_bytes) sum->widest_bytes = use.widest_bytes;
}

sni_lane_use sni_lane_use_of(const sni_passes *passes, int axis, int width) {
    const sni_loop *loop = passes->loop;
    sni_lane_use sum = {.aligned = sni_sym_const(loop->sym, 1)};
    for (int s = 0; s < loop->stmt_count; ++s) {
        const sni_stmt *stmt = &loop->stmts[s];
        if (passes->live[s] && stmt->kind == SNI_STMT_LOAD)
            add(loop->sym, &sum,
                look(loop, stmt->offset, stmt->mask, axis, width,
                     sinter_dtype_size(loop->buffers[stmt->buffer].dtype)));
    }
    for (int i = 0; i < loop->store_count; ++i)
        add(loop->sym, &sum,
            look(loop, loop->stores[i].offset, loop->stores[i].mask, axis, width,
                 sinter_dtype_size(loop->buffers[loop->stores[i].buffer].dtype)));
    return sum;
}

int sni_best_inner_axis(const sni_passes *passes) {
    const sni_loop *loop = passes->loop;
    int best = -1;
    sni_lane_use best_use = {0};
    for (int a = loop->axis_count - 1; a >= 0; --a) {
        if ((loop->inner >> a & 1) == 0) continue;
        sni_lane_use use = sni_lane_use_of(passes, a, 1);
        bool better =
            best < 0 || use.other < best_use.other || (use.other == best_use.other && use.unit > best_use.unit);
        if (!better) continue;
        best = a;
        best_use = use;
    }
    return best;
}

enum { LEAST_LANES = 4 /* fewer points along a known line are not worth being lanes */ };

bool sni_prefers_column(const sni_passes *passes, int width) {
    const sni_loop *loop = passes->loop;
    int inner = sni_best_inner_axis(passes), column = sni_parallel_count(loop) - 1;
    if (inner < 0 || column < 0) return inner < 0;
    sni_lane_use row_use = sni_lane_use_of(passes, inner, 1), column_use = sni_lane_use_of(passes, column, 1);
    int64_t extent;
    if (sni_sym_is_const(loop->sym, loop->extents[column], &extent) && extent < LEAST_LANES) return false;
    bool short_row = sni_sym_is_const(loop->sym, loop->extents[inner], &extent) && extent < width;
    if (column_use.other != row_use.other) return column_use.other < row_use.other || short_row;
    return short_row;
}

bool sni_has_long_columns(const sni_loop *loop) {
    int64_t count;
    bool known = sni_sym_is_const(loop->sym, sni_extent_product(loop, loop->inner), &count);
    return loop->inner != 0 && (!known || count > 64);
}

int sni_cpu_width(const sni_loop *loop, const sni_caps *caps) {
    int width = 1;
    while (width < 16 && (uint32_t)width * 2 <= caps->native_float_width) width *= 2;
    /* A device that reports no vectors is still served well by four lanes: its compiler splits them. */
    if (width < 4) width = 4;
    if (loop->uses_f64 || loop->uses_i64) width /= 2;
    return width;
}

sni_gpu_lanes sni_gpu_lanes_of(const sni_passes *passes, int axis, int most) {
    sni_sym *sym = passes->loop->sym;
    sni_lane_use use = sni_lane_use_of(passes, axis, 1);
    int bytes = use.widest_bytes, width = bytes == 0 || use.other > 0 ? 1 : bytes >= 16 ? 1 : 16 / bytes;
    if (width > most) width = most;
    sni_expr one = sni_sym_const(sym, 1), extent = passes->loop->extents[axis];
    sni_gpu_lanes lanes = {.width = width, .aligned = one};
    if (width > 1) lanes.aligned = sni_lane_use_of(passes, axis, width).aligned;
    if (lanes.aligned == SNI_NO_EXPR || sni_sym_is(sym, lanes.aligned, 0)) {
        lanes.width = 1;
        lanes.aligned = one;
    }
    lanes.always = sni_sym_is(sym, lanes.aligned, 1);
    /* A kernel that has to ask whether vectors are aligned asks in the same condition whether they fill the line, so that its
     * vector code needs none for the end of a line. */
    lanes.whole = !lanes.always || sni_sym_known_divisible(sym, extent, lanes.width);
    if (!lanes.always) lanes.aligned = sni_sym_and(sym, lanes.aligned, sni_emit_divisible(sym, extent, lanes.width));
    sni_expr step = sni_sym_add_i(sym, sni_sym_mul_i(sym, lanes.aligned, lanes.width - 1), 1);
    lanes.vectors = sni_sym_ceil_div(sym, extent, step);
    return lanes;
}
