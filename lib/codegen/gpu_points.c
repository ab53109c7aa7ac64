/* gpu_elementwise and gpu_column: one work-item for each vector of points along the last parallel axis.
 *
 * A vector is what one access of 16 bytes holds. Where its alignment depends on sizes the launch says whether it
 * is given; otherwise a work-item has a single point, so that neighbouring work-items still touch neighbouring
 * memory. The last vector of a line may be short: its points are computed one by one. With inner axes (gpu_column)
 * each work-item walks them in sequential loops. */
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { LOCAL, LANES, VECTORS, TUPLES, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [LOCAL] = SNI_PARAM("local", "work-items of a work-group", 64, 128, 256, 512, 1024),
    [LANES] = SNI_PARAM("lanes", "points of a vector, at most; 16 bytes hold no more than 8", 1, 2, 4, 8),
    [VECTORS] =
        SNI_PARAM("vectors", "of a work-item, one after the other; a work-group's lie side by side", 1, 2, 4, 8),
    [TUPLES] = SNI_PARAM_TUPLES,
};

/* How the code of one vector ends before its last line: with the work-item, or with its turn of several. */
static const char *leave(const sni_schedule *schedule) {
    return schedule->values[VECTORS] > 1 ? "continue;" : "return;";
}

/* A vector of points from first on. */
static void emit_vector(sni_emitter *e, const sni_scope *scope, const sni_passes *passes, int axis,
                        const sni_gpu_lanes *lanes, const char *vector, const char *end) {
    const char *i = scope->names[axis], *n = sni_emit_number(e, e->loop->extents[axis]);
    sni_scope wide = *scope;
    wide.lane_axis = axis;
    wide.width = lanes->width;
    wide.aligned = true;
    sni_emit_line(e, "sn_idx %s = %s * %d;", i, vector, lanes->width);
    if (lanes->whole) {
        sni_emit_point(e, &wide, passes);
        return;
    }
    sni_emit_open(e, "if (%s - %s >= %d)", n, i, lanes->width);
    sni_emit_point(e, &wide, passes);
    sni_emit_line(e, "%s", end);
    sni_emit_close(e);
    sni_emit_open(e, "for (; %s < %s; ++%s)", i, n, i);
    sni_emit_point(e, scope, passes);
    sni_emit_close(e);
}

/* The points of one work-item, by the number of its vector in the line. */
static void emit_line_part(sni_emitter *e, const sni_scope *scope, const sni_passes *passes, int axis,
                           const sni_gpu_lanes *lanes, const char *vector, const char *end) {
    if (lanes->width > 1 && lanes->always) {
        emit_vector(e, scope, passes, axis, lanes, vector, end);
        return;
    }
    if (lanes->width > 1) {
        sni_emit_open(e, "if (%s)", sni_emit_number(e, lanes->aligned));
        emit_vector(e, scope, passes, axis, lanes, vector, end);
        sni_emit_line(e, "%s", end);
        sni_emit_close(e);
    }
    sni_emit_line(e, "const sn_idx %s = %s;", scope->names[axis], vector);
    sni_emit_point(e, scope, passes);
}

/* Where every point combines many elements there are few points beside what is read, and one point a work-item gives more
 * work-items, which matters more than wide accesses. */
static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_schedule_fill(schedule, LOCAL, sni_fit_work_group(caps, 256));
    sni_schedule_fill(schedule, LANES, sni_has_long_columns(loop) ? 1 : 8);
    sni_schedule_fill(schedule, TUPLES, sni_has_long_columns(loop) ? SNI_TUPLES_JOINED : SNI_TUPLES_APART);
    sni_schedule_fill(schedule, VECTORS, 1);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    (void)loop;
    return sni_work_group_fits(caps, schedule->values[LOCAL], why);
}

/* Declares item, the number of a vector, in a loop where a work-item has several. */
static void open_items(sni_emitter *e, const sni_schedule *schedule, sni_expr items) {
    int vectors = schedule->values[VECTORS], local = schedule->values[LOCAL];
    if (vectors > 1) {
        sni_emit_open(e, "for (int turn = 0; turn < %d; ++turn)", vectors);
        sni_emit_line(e, "const sn_idx item = ((sn_idx)get_group_id(0) * %d + turn) * %d + (sn_idx)get_local_id(0);",
                      vectors, local);
    } else {
        sni_emit_line(e, "const sn_idx item = (sn_idx)get_global_id(0);");
    }
    sni_emit_line(e, "if (item >= %s) return;", sni_emit_number(e, items));
}

static sni_expr emit_items(sni_emitter *e, const sni_scope *scope, const sni_passes *passes,
                           const sni_schedule *schedule) {
    const sni_loop *loop = e->loop;
    int axis = sni_parallel_count(loop) - 1;
    if (axis < 0) {
        sni_emit_line(e, "if (get_global_id(0) != 0) return;");
        sni_emit_point(e, scope, passes);
        return sni_sym_const(loop->sym, 1);
    }
    sni_gpu_lanes lanes = sni_gpu_lanes_of(passes, axis, schedule->values[LANES]);
    uint32_t outer = sni_parallel_mask(loop) & ~(1u << axis);
    sni_expr items = sni_sym_mul(loop->sym, sni_extent_product(loop, outer), lanes.vectors);
    open_items(e, schedule, items);
    const char *vector = "item";
    if (outer != 0) {
        const char *count = sni_emit_number(e, lanes.vectors);
        sni_emit_line(e, "const sn_idx line = item / %s;", count);
        sni_emit_split(e, scope, outer, "line");
        vector = sni_emit_format(e, "(item - line*%s)", count);
    }
    emit_line_part(e, scope, passes, axis, &lanes, vector, leave(schedule));
    if (schedule->values[VECTORS] > 1) sni_emit_close(e);
    return items;
}

static sinter_status generate_points(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                     sni_arena *arena, sni_kspec *out_spec, const char *entry) {
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init_as(&passes, loop, schedule->values[TUPLES], arena))
        return sni_out_of_memory("a kernel's passes");
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    sni_expr items = emit_items(&e, &scope, &passes, schedule);
    size_t local = (size_t)schedule->values[LOCAL];
    int64_t share = (int64_t)local * schedule->values[VECTORS];
    sni_expr groups = sni_sym_ceil_div(loop->sym, items, sni_sym_const(loop->sym, share));
    sni_set_launch(out_spec, loop, sni_sym_mul_i(loop->sym, groups, (int64_t)local), local);
    return sni_emit_end(&e, entry, sni_emit_format(&e, "__attribute__((reqd_work_group_size(%zu, 1, 1)))", local));
}

static bool is_gpu(const sni_caps *caps, sni_str *why) {
    if (caps->device_class == SNI_DEVICE_GPU) return true;
    sni_str_append(why, "the device is no GPU");
    return false;
}

/* ---- gpu_elementwise -------------------------------------------------------------------------- */

static bool accepts_elementwise(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!is_gpu(caps, why)) return false;
    if (loop->inner == 0) return true;
    sni_str_append(why, "the program has inner axes");
    return false;
}

static sinter_status generate_elementwise(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                          sni_arena *arena, sni_kspec *out_spec) {
    return generate_points(loop, caps, schedule, arena, out_spec, "gpu_elementwise");
}

const sni_strategy sni_strategy_gpu_elementwise = {
    .name = "gpu_elementwise",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts_elementwise,
    .choose = choose,
    .fits = fits,
    .generate = generate_elementwise,
};

/* ---- gpu_column ------------------------------------------------------------------------------- */

static bool accepts_column(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!is_gpu(caps, why)) return false;
    if (loop->inner == 0) {
        sni_str_append(why, "the program has no inner axes");
        return false;
    }
    sni_arena *arena = sni_arena_create();
    sni_passes passes;
    bool accepted = arena != NULL && sni_passes_init(&passes, loop, arena) && sni_parallel_count(loop) > 0 &&
                    sni_prefers_column(&passes, 16);
    sni_arena_release(arena);
    if (!accepted) sni_str_append(why, "memory is contiguous along an inner axis");
    return accepted;
}

static sinter_status generate_column(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                     sni_arena *arena, sni_kspec *out_spec) {
    return generate_points(loop, caps, schedule, arena, out_spec, "gpu_column");
}

const sni_strategy sni_strategy_gpu_column = {
    .name = "gpu_column",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts_column,
    .choose = choose,
    .fits = fits,
    .generate = generate_column,
};
