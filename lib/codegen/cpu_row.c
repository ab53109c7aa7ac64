/* cpu_row: whole rows for each work-item, lanes along an inner axis.
 *
 * Every pass over the row keeps several vector accumulators for each of its reductions, so that their additions
 * overlap; they are folded in a fixed order at the end of the pass. The other inner axes are loops around.
 *
 * What the last pass would compute again at some cost (softmax's exponentials) waits in the output's memory, where the
 * row is about to be stored anyway, or in local memory: cpu_row_stage.c. */
#include "codegen/accumulate.h"
#include "codegen/cpu_row_stage.h"
#include "codegen/strategies.h"

enum { LANES, UNROLL, GROUP_WORK, UNIT_GROUPS, TUPLES, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [LANES] = SNI_PARAM("lanes", "elements of a vector", 2, 4, 8, 16),
    [UNROLL] = SNI_PARAM("unroll", "vectors in flight, at most: few where each is much work", 1, 2, 4),
    [GROUP_WORK] = SNI_PARAM("group_work", "simple operations that make a work-group worth its cost", 8192, 16384,
                             32768, 65536, 131072, 262144, 524288),
    [UNIT_GROUPS] = SNI_PARAM("unit_groups", "work-groups of each compute unit, at most", 1, 2, 4, 8, 16),
    [TUPLES] = SNI_PARAM_TUPLES,
};

/* What of the cache that a device reports is a core's and near: not all of it is. */
enum { LEAST_CACHE = 256 * 1024, MOST_CACHE = 2 * 1024 * 1024 };

typedef struct row {
    sni_emitter *e;
    const sni_passes *passes;
    int lane_axis;
    int width;
    int most_unroll;
    sni_stage stage;
} row;

static sni_accumulators accumulators_of(const row *r, int pass, int width) {
    return (sni_accumulators){r->e, r->passes, pass, width, NULL};
}

/* The accumulators of one of the vectors in flight; of single elements. */
static sni_place copy_place(const row *r, int copy) {
    return sni_place_of(sni_emit_format(r->e, "_v%d", copy));
}
static sni_place tail_place(void) {
    return sni_place_of("_t");
}

/* Vectors in flight: few when each is much work, or when many reductions share the registers. */
static int unroll_of(const row *r, int pass) {
    sni_accumulators accumulators = accumulators_of(r, pass, r->width);
    int reductions = sni_accumulators_count(&accumulators);
    double cost = 0;
    for (int s = 0; s < r->e->loop->stmt_count; ++s) {
        if (r->passes->live[s] && sni_stmt_inner(r->e->loop, s) && r->e->loop->stmts[s].kind == SNI_STMT_OP)
            cost += r->e->loop->stmts[s].op->cost;
    }
    if (reductions == 0 || reductions > 4) return 1;
    int unroll = cost > 24 || reductions > 2 ? 2 : 4;
    return unroll < r->most_unroll ? unroll : r->most_unroll;
}

static void declare(const row *r, int pass, int unroll) {
    sni_accumulators vectors = accumulators_of(r, pass, r->width), scalars = accumulators_of(r, pass, 1);
    for (int u = 0; u < unroll && r->width > 1; ++u) sni_accumulators_declare(&vectors, copy_place(r, u));
    sni_accumulators_declare(&scalars, tail_place());
}

/* Code for the lanes at the scope's place; copy -1: the scalar tail. */
static void emit_body(const row *r, const sni_scope *scope, int pass, const bool *needed, const char *const *have,
                      int copy) {
    sni_emitter *e = r->e;
    const char **inside = sni_emit_names(e, have);
    if (inside == NULL) return;
    sni_scope local = *scope;
    local.have = inside;
    sni_stage_load(&r->stage, e, scope, pass, inside);
    sni_emit_stmts(e, &local, needed, inside);
    sni_stage_store(&r->stage, e, scope, pass, inside);
    sni_accumulators accumulators = accumulators_of(r, pass, scope->width);
    sni_accumulators_add(&accumulators, scope, inside, copy < 0 ? tail_place() : copy_place(r, copy));
    if (pass == r->passes->count) sni_emit_inner_stores(e, scope, inside);
}

/* The copy-th vector of a step, in a block of its own so that its names are free. */
static void emit_copy(const row *r, const sni_scope *scope, int pass, const bool *needed, const char *const *have,
                      int copy) {
    sni_emitter *e = r->e;
    sni_scope lanes = *scope;
    const char *i = scope->names[r->lane_axis];
    lanes.lane_axis = r->lane_axis;
    lanes.width = r->width;
    if (copy > 0) {
        sni_emit_open(e, "%s", "");
        lanes.names[r->lane_axis] = sni_emit_format(e, "%s_%d", i, copy);
        sni_emit_line(e, "const sn_idx %s = %s + %d;", lanes.names[r->lane_axis], i, copy * r->width);
    }
    emit_body(r, &lanes, pass, needed, have, copy);
    if (copy > 0) sni_emit_close(e);
}

static void emit_vectors(const row *r, const sni_scope *scope, int pass, const bool *needed, const char *const *have,
                         int unroll) {
    sni_emitter *e = r->e;
    const char *i = scope->names[r->lane_axis], *n = sni_emit_number(e, e->loop->extents[r->lane_axis]);
    sni_emit_open(e, "for (; %s - %s >= %d; %s += %d)", n, i, unroll * r->width, i, unroll * r->width);
    for (int u = 0; u < unroll; ++u) emit_copy(r, scope, pass, needed, have, u);
    sni_emit_close(e);
}

static void emit_loops(const row *r, const sni_scope *scope, int pass, const bool *needed, const char *const *have,
                       int unroll) {
    sni_emitter *e = r->e;
    uint32_t outside = e->loop->inner & ~(1u << r->lane_axis);
    const char *i = scope->names[r->lane_axis], *n = sni_emit_number(e, e->loop->extents[r->lane_axis]);
    sni_emit_open_loops(e, scope, outside);
    sni_emit_line(e, "sn_idx %s = 0;", i);
    if (r->width > 1) {
        emit_vectors(r, scope, pass, needed, have, unroll);
        if (unroll > 1) emit_vectors(r, scope, pass, needed, have, 1);
    }
    sni_emit_open(e, "for (; %s < %s; ++%s)", i, n, i);
    emit_body(r, scope, pass, needed, have, -1);
    sni_emit_close(e);
    sni_emit_close_loops(e, outside);
}

/* Brings the accumulators of a pass together, in a fixed order. */
static void finish(const row *r, const sni_scope *scope, int pass, int unroll, const char **names) {
    sni_accumulators vectors = accumulators_of(r, pass, r->width), scalars = accumulators_of(r, pass, 1);
    if (r->width > 1) {
        for (int step = unroll / 2; step >= 1; step /= 2)
            for (int u = 0; u < step; ++u) sni_accumulators_merge(&vectors, copy_place(r, u), copy_place(r, u + step));
        sni_accumulators_fold(&vectors, sni_place_of("_f"), copy_place(r, 0));
        sni_accumulators_merge(&scalars, tail_place(), sni_place_of("_f"));
    }
    sni_accumulators_finish(&scalars, scope, tail_place(), names);
}

static void emit_pass(const row *r, const sni_scope *scope, int pass, const char **names) {
    bool *needed = sni_stage_need(&r->stage, r->e, r->passes, pass, names);
    const char **have = sni_emit_names(r->e, names);
    if (needed == NULL || have == NULL) return;
    int unroll = unroll_of(r, pass);
    declare(r, pass, unroll);
    sni_emit_open(r->e, "%s", "");
    emit_loops(r, scope, pass, needed, have, unroll);
    sni_emit_close(r->e);
    finish(r, scope, pass, unroll, names);
}

static void emit_row(const row *r, const sni_scope *scope) {
    const char **names = sni_emit_names(r->e, NULL);
    if (names == NULL) return;
    uint32_t only = ~r->e->loop->inner;
    sni_emit_row_stmts(r->e, scope, r->passes, 0, only, names);
    for (int pass = 1; pass <= r->passes->count; ++pass) {
        emit_pass(r, scope, pass, names);
        sni_emit_row_stmts(r->e, scope, r->passes, pass, only, names);
    }
    sni_emit_row_stores(r->e, scope, names);
}

static void emit_rows(const row *r, const sni_scope *scope, uint32_t parallel, sni_expr total, sni_expr chunk) {
    sni_emitter *e = r->e;
    if (parallel == 0) {
        emit_row(r, scope);
        return;
    }
    const char *step = sni_emit_number(e, chunk), *all = sni_emit_number(e, total);
    sni_emit_line(e, "const sn_idx first = (sn_idx)get_group_id(0) * %s;", step);
    sni_emit_line(e, "const sn_idx stop = first + min((sn_idx)%s, (sn_idx)%s - first);", step, all);
    sni_emit_open(e, "for (sn_idx row = first; row < stop; ++row)");
    sni_emit_split(e, scope, parallel, "row");
    emit_row(r, scope);
    sni_emit_close(e);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (caps->device_class == SNI_DEVICE_CPU && loop->inner != 0 && !loop->scans) return true;
    sni_str_append(why, loop->inner == 0 ? "the program has no inner axes"
                        : loop->scans    ? "the program scans"
                                         : "the device is no CPU");
    return false;
}

/* Is a row known to be longer than what a core's part of the cache holds of it from pass to pass? Otherwise passes cost
 * less than the exponentials of tuples. */
static bool exceeds_cache(const sni_loop *loop, const sni_caps *caps) {
    uint64_t share = caps->global_cache_bytes / (2 * (caps->compute_units > 0 ? caps->compute_units : 1));
    int64_t points, bytes = 0;
    for (int b = 0; b < loop->buffer_count; ++b) bytes += (int64_t)sinter_dtype_size(loop->buffers[b].dtype);
    if (!sni_sym_is_const(loop->sym, sni_extent_product(loop, loop->inner), &points)) return false;
    if (share < LEAST_CACHE) share = LEAST_CACHE;
    if (share > MOST_CACHE) share = MOST_CACHE;
    return points > (int64_t)share / bytes;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_schedule_fill(schedule, TUPLES, exceeds_cache(loop, caps) ? SNI_TUPLES_JOINED : SNI_TUPLES_APART);
    sni_schedule_fill(schedule, LANES, sni_cpu_width(loop, caps));
    sni_schedule_fill(schedule, UNROLL, 4);
    sni_schedule_fill(schedule, GROUP_WORK, 65536);
    sni_schedule_fill(schedule, UNIT_GROUPS, 4);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init_as(&passes, loop, schedule->values[TUPLES], arena))
        return sni_out_of_memory("a kernel's passes");
    uint32_t parallel = sni_parallel_mask(loop);
    sni_expr rows = sni_extent_product(loop, parallel);
    sni_expr work = sni_sym_mul(loop->sym, rows, sni_extent_product(loop, loop->inner));
    row r = {&e, &passes, sni_best_inner_axis(&passes), schedule->values[LANES], schedule->values[UNROLL]};
    r.stage = sni_stage_find(&e, &passes);
    sni_stage_declare(&r.stage, &e);
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    int64_t least = (int64_t)(schedule->values[GROUP_WORK] / (passes.cost > 1 ? passes.cost : 1)) + 1;
    sni_chunks chunks = sni_cpu_chunks(loop, caps, rows, work, least, schedule->values[UNIT_GROUPS], 1);
    emit_rows(&r, &scope, parallel, rows, chunks.chunk);
    sni_set_launch(out_spec, loop, parallel != 0 ? chunks.groups : sni_sym_const(loop->sym, 1), 1);
    return sni_emit_end(&e, "cpu_row", "__attribute__((reqd_work_group_size(1, 1, 1)))");
}

const sni_strategy sni_strategy_cpu_row = {
    .name = "cpu_row",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .generate = generate,
};
