/* cpu_elementwise and cpu_column: lanes along the last parallel axis, one work-item a work-group.
 *
 * The parallel axes are one linear space, cut into one contiguous chunk for each work-group. A chunk is walked in runs along the
 * last axis: the other axes are taken apart once a run, and what does not depend on the last axis is computed there
 * too. Inside the run come vectors of points and then single ones. With inner axes (cpu_column) every vector of
 * points walks them in sequential loops: reductions over leading axes, pooling, depthwise convolution. Long columns are walked by
 * strips of several vectors, whose accumulators stay in registers: each line of the walk is another page of memory, and one
 * vector of it would leave most of what the caches fetch unused. */
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { LANES, GROUP_WORK, UNIT_GROUPS, TUPLES, STRIP, PARAM_COUNT };

/* A few work-groups for each core even out their load; more would only cost. */
static const sni_param params[PARAM_COUNT] = {
    [LANES] = SNI_PARAM("lanes", "points of a vector", 2, 4, 8, 16),
    [GROUP_WORK] = SNI_PARAM("group_work", "simple operations that make a work-group worth its cost", 8192, 16384,
                             32768, 65536, 131072, 262144, 524288),
    [UNIT_GROUPS] = SNI_PARAM("unit_groups", "work-groups of each compute unit, at most", 1, 2, 4, 8, 16),
    [TUPLES] = SNI_PARAM_TUPLES,
    [STRIP] = SNI_PARAM("strip", "vectors of columns that one walk combines", 1, 2, 4, 8, 16),
};

typedef struct points {
    sni_emitter *e;
    const sni_passes *passes;
    int lane_axis; /* the last parallel axis */
    int width;
    int strip; /* vectors side by side */
} points;

static void emit_loop(const points *p, const sni_scope *scope, int width) {
    sni_emitter *e = p->e;
    const char *i = scope->names[p->lane_axis];
    sni_scope lanes = *scope;
    lanes.lane_axis = p->lane_axis;
    lanes.width = width;
    sni_emit_open(e, "for (; end - %s >= %d; %s += %d)", i, width, i, width);
    sni_emit_point(e, width > 1 ? &lanes : scope, p->passes);
    sni_emit_close(e);
}

/* Whole strips. */
static void emit_strips(const points *p, const sni_scope *scope) {
    sni_emitter *e = p->e;
    const char *i = scope->names[p->lane_axis];
    sni_scope lanes[SNI_MOST_POINTS];
    sni_emit_open(e, "for (; end - %s >= %d; %s += %d)", i, p->strip * p->width, i, p->strip * p->width);
    for (int v = 0; v < p->strip; ++v) {
        lanes[v] = *scope;
        lanes[v].lane_axis = p->lane_axis;
        lanes[v].width = p->width;
        lanes[v].prefix = sni_emit_format(e, "v%d_", v);
        if (v == 0) continue;
        lanes[v].names[p->lane_axis] = sni_emit_format(e, "%s_%d", i, v);
        sni_emit_line(e, "const sn_idx %s = %s + %d;", lanes[v].names[p->lane_axis], i, v * p->width);
    }
    sni_emit_points(e, lanes, p->strip, p->passes);
    sni_emit_close(e);
}

/* May points be computed twice? Not where a result may lie in an operand's memory, nor where it costs as much as what it
 * spares: without a walk along inner axes. */
static bool computes_again(const points *p) {
    const sni_loop *loop = p->e->loop;
    if (loop->inner == 0 || loop->scans || !sni_loop_is_flat(loop)) return false;
    for (int b = 0; b < loop->buffer_count; ++b)
        if (loop->buffers[b].may_alias) return false;
    return true;
}

/* Vectors of which the last one ends with the run and may begin inside of the one before. */
static void emit_overlapping(const points *p, const sni_scope *scope) {
    sni_emitter *e = p->e;
    const char *i = scope->names[p->lane_axis];
    sni_scope lanes = *scope;
    lanes.lane_axis = p->lane_axis;
    lanes.width = p->width;
    sni_emit_line(e, "const sn_idx begin = %s;", i);
    sni_emit_open(e, "for (; %s < end && end - begin >= %d; %s += %d)", i, p->width, i, p->width);
    sni_emit_line(e, "%s = min(%s, end - %d);", i, i, p->width);
    sni_emit_point(e, &lanes, p->passes);
    sni_emit_close(e);
}

/* Half a vector or less where a line is known to be short and to leave that many points over. */
static void emit_rest(const points *p, const sni_scope *scope) {
    int64_t extent;
    bool known = sni_sym_is_const(p->e->loop->sym, p->e->loop->extents[p->lane_axis], &extent);
    int rest = known && extent <= 8 * p->width ? (int)(extent % p->width) : 0;
    for (int width = p->width / 2; width >= 4; width /= 2) {
        if (rest < width) continue;
        emit_loop(p, scope, width);
        break;
    }
}

/* Strips, vectors, then single points. What vectors leave over of a short line (pictures of 14 x 14, say) is much of it. */
static void emit_vectors(const points *p, const sni_scope *scope) {
    if (p->strip > 1) emit_strips(p, scope);
    if (p->width > 1 && p->strip == 1 && computes_again(p)) {
        emit_overlapping(p, scope);
    } else {
        if (p->width > 1) emit_loop(p, scope, p->width);
        emit_rest(p, scope);
    }
    emit_loop(p, scope, 1);
}

/* One run: from the lane axis' start to end. */
static void emit_run(const points *p, const sni_scope *scope) {
    const char **names = sni_emit_names(p->e, NULL);
    if (names == NULL) return;
    uint32_t only = ~p->e->loop->inner & ~(1u << p->lane_axis);
    sni_emit_row_stmts(p->e, scope, p->passes, 0, only, names);
    sni_scope local = *scope;
    local.have = names;
    emit_vectors(p, &local);
}

static void emit_chunk(const points *p, const sni_scope *scope, sni_expr total, sni_expr chunk) {
    sni_emitter *e = p->e;
    const sni_loop *loop = e->loop;
    const char *i = scope->names[p->lane_axis];
    const char *all = sni_emit_number(e, total), *step = sni_emit_number(e, chunk);
    uint32_t outer = ((1u << p->lane_axis) - 1) & ~loop->inner;
    if (outer == 0) {
        sni_emit_line(e, "sn_idx %s = (sn_idx)get_group_id(0) * %s;", i, step);
        sni_emit_line(e, "const sn_idx end = %s + min((sn_idx)%s, (sn_idx)%s - %s);", i, step, all, i);
        emit_run(p, scope);
        return;
    }
    const char *extent = sni_emit_number(e, loop->extents[p->lane_axis]);
    sni_emit_line(e, "sn_idx at = (sn_idx)get_group_id(0) * %s;", step);
    sni_emit_line(e, "const sn_idx stop = at + min((sn_idx)%s, (sn_idx)%s - at);", step, all);
    sni_emit_open(e, "while (at < stop)");
    sni_emit_line(e, "const sn_idx run = at / %s;", extent);
    sni_emit_line(e, "sn_idx %s = at - run*%s;", i, extent);
    sni_emit_split(e, scope, outer, "run");
    sni_emit_line(e, "const sn_idx end = min((sn_idx)%s, %s + (stop - at));", extent, i);
    sni_emit_line(e, "at += end - %s;", i);
    emit_run(p, scope);
    sni_emit_close(e);
}

static int64_t least_work(const sni_passes *passes, int group_work) {
    double least = group_work / (passes->cost > 1 ? passes->cost : 1);
    return least < 256 ? 256 : (int64_t)least;
}

/* Vectors of a strip: a few accumulators more than registers cost less than shorter lines of memory; one for what computes long or is short. */
static int strip_of(const sni_loop *loop, int width) {
    enum { ACCUMULATORS = 16, MOST_COST = 24 };
    int axis = sni_parallel_count(loop) - 1, reductions = 0, strip = ACCUMULATORS;
    double cost = 0;
    int64_t extent;
    if (!sni_has_long_columns(loop) || axis < 0 || loop->scans || !sni_loop_is_flat(loop)) return 1;
    for (int s = 0; s < loop->stmt_count; ++s) {
        reductions += loop->stmts[s].kind == SNI_STMT_REDUCE;
        if (sni_stmt_inner(loop, s) && loop->stmts[s].kind == SNI_STMT_OP) cost += loop->stmts[s].op->cost;
    }
    while (strip > 1 && strip * reductions > ACCUMULATORS) strip /= 2;
    if (cost > MOST_COST || reductions == 0) return 1;
    if (sni_sym_is_const(loop->sym, loop->extents[axis], &extent))
        while (strip > 1 && strip * width > extent) strip /= 2;
    return strip;
}

/* As many lanes as registers hold, unless a line is known to have fewer points. */
static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    int width = sni_cpu_width(loop, caps), axis = sni_parallel_count(loop) - 1;
    int64_t extent;
    if (axis >= 0 && sni_sym_is_const(loop->sym, loop->extents[axis], &extent))
        while (width > 2 && width > extent) width /= 2;
    sni_schedule_fill(schedule, LANES, width);
    sni_schedule_fill(schedule, STRIP, strip_of(loop, width));
    sni_schedule_fill(schedule, TUPLES, sni_has_long_columns(loop) ? SNI_TUPLES_JOINED : SNI_TUPLES_APART);
    sni_schedule_fill(schedule, GROUP_WORK, 65536);
    sni_schedule_fill(schedule, UNIT_GROUPS, 4);
}

static sinter_status generate_points(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                     sni_arena *arena, sni_kspec *out_spec, const char *entry) {
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init_as(&passes, loop, schedule->values[TUPLES], arena))
        return sni_out_of_memory("a kernel's passes");
    uint32_t parallel = sni_parallel_mask(loop);
    sni_expr total = sni_extent_product(loop, parallel);
    sni_expr work = sni_sym_mul(loop->sym, total, sni_extent_product(loop, loop->inner));
    int strip = sni_loop_is_flat(loop) && !loop->scans && loop->inner != 0 ? schedule->values[STRIP] : 1;
    points p = {&e, &passes, sni_parallel_count(loop) - 1, schedule->values[LANES], strip};
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    sni_chunks chunks = sni_cpu_chunks(loop, caps, total, work, least_work(&passes, schedule->values[GROUP_WORK]),
                                       schedule->values[UNIT_GROUPS], p.width * p.strip);
    if (parallel != 0)
        emit_chunk(&p, &scope, total, chunks.chunk);
    else
        sni_emit_point(&e, &scope, &passes);
    sni_set_launch(out_spec, loop, parallel != 0 ? chunks.groups : sni_sym_const(loop->sym, 1), 1);
    return sni_emit_end(&e, entry, "__attribute__((reqd_work_group_size(1, 1, 1)))");
}

/* ---- cpu_elementwise -------------------------------------------------------------------------- */

static bool accepts_elementwise(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (caps->device_class != SNI_DEVICE_CPU) {
        sni_str_append(why, "the device is no CPU");
        return false;
    }
    if (loop->inner == 0) return true;
    sni_str_append(why, "the program has inner axes");
    return false;
}

static sinter_status generate_elementwise(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                          sni_arena *arena, sni_kspec *out_spec) {
    return generate_points(loop, caps, schedule, arena, out_spec, "cpu_elementwise");
}

const sni_strategy sni_strategy_cpu_elementwise = {
    .name = "cpu_elementwise",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts_elementwise,
    .choose = choose,
    .generate = generate_elementwise,
};

/* ---- cpu_column ------------------------------------------------------------------------------- */

static bool accepts_column(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (caps->device_class != SNI_DEVICE_CPU) {
        sni_str_append(why, "the device is no CPU");
        return false;
    }
    if (loop->inner == 0) {
        sni_str_append(why, "the program has no inner axes");
        return false;
    }
    sni_arena *arena = sni_arena_create();
    sni_passes passes;
    bool accepted = arena != NULL && sni_passes_init(&passes, loop, arena) && sni_parallel_count(loop) > 0 &&
                    sni_prefers_column(&passes, sni_cpu_width(loop, caps));
    sni_arena_release(arena);
    if (!accepted) sni_str_append(why, "memory is contiguous along an inner axis");
    return accepted;
}

static sinter_status generate_column(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                                     sni_arena *arena, sni_kspec *out_spec) {
    return generate_points(loop, caps, schedule, arena, out_spec, "cpu_column");
}

const sni_strategy sni_strategy_cpu_column = {
    .name = "cpu_column",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts_column,
    .choose = choose,
    .generate = generate_column,
};
