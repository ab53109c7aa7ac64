/* gpu_row: a team of work-items for each row; a work-group is one team or, where rows are short, several.
 *
 * The size of a team is a power of two that the launch passes in, so that one kernel serves every length of row. In
 * each pass the work-items of a team take the vectors of the row in turn; then their partial results are combined in
 * local memory, in a fixed order. A team without a row stores nothing, but it meets every barrier.
 *
 * A row that is short enough for the team's registers is read once: every work-item keeps its vectors, or what was made
 * of them, in arrays of a constant length over which all loops are unrolled. Longer ones are read in every pass, of which
 * tuples leave as few as possible. Which way a row goes the launch says when it depends on sizes. */
#include "codegen/accumulate.h"
#include "codegen/gpu_row_keep.h"
#include "codegen/strategies.h"

enum { SMALLEST_TEAM = 8, FOLDED_TEAM = 16, MOST_REDUCTIONS = 8, KEPT_BYTES = 256 };

enum { GROUP, EACH, KEEP, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [GROUP] =
        SNI_PARAM("group", "work-items of a work-group: the largest team of a row", 8, 16, 32, 64, 128, 256, 512, 1024),
    [EACH] = SNI_PARAM("each", "vectors of a row for each work-item before its team is doubled", 1, 2, 4, 8),
    [KEEP] = SNI_PARAM("keep", "vectors that a work-item can keep in registers from pass to pass", 1, 2, 4, 8, 16),
};

/* One way to go through a row. */
typedef struct team_row {
    sni_emitter *e;
    const sni_passes *passes;
    const sni_row_keep *keep;     /* NULL: every pass reads memory */
    const char *condition;        /* whether rows go this way; NULL: all do */
    const char *partial, *shared; /* prefixes of accumulators and of their places in local memory */
    sni_scope scope;              /* of the row */
    const char **names;           /* variables of the row so far */
    int lane_axis, width;
    sni_gpu_lanes lanes;
    int group;        /* work-items */
    int kept;         /* vectors */
    sni_expr vectors; /* of a row */
    const char *team; /* work-items of a row: a parameter */
    uint32_t outside; /* inner axes other than the lanes' */
} team_row;

static sni_accumulators accumulators_of(const team_row *r, int pass, int width) {
    return (sni_accumulators){r->e, r->passes, pass, width, NULL};
}

/* The team of a row: SMALLEST_TEAM, and twice as much for each doubling of its vectors beyond `each` a work-item. */
static sni_expr team_size(const sni_loop *loop, sni_expr vectors, int each, int group) {
    sni_sym *sym = loop->sym;
    sni_expr size = sni_sym_const(sym, SMALLEST_TEAM);
    for (int step = SMALLEST_TEAM; step < group; step *= 2) {
        sni_expr longer = sni_sym_lt(sym, sni_sym_const(sym, (int64_t)step * each), vectors);
        size = sni_sym_add(sym, size, sni_sym_mul_i(sym, longer, step));
    }
    return size;
}

/* ---- A pass ----------------------------------------------------------------------------------- */

static sni_place place_of(const team_row *r, const char *suffix) {
    return (sni_place){r->partial, suffix, suffix};
}
static sni_place shared_place(const team_row *r, const char *index) {
    return (sni_place){r->shared, index, index};
}

static void declare(const team_row *r, int pass) {
    sni_accumulators vectors = accumulators_of(r, pass, r->width), scalars = accumulators_of(r, pass, 1);
    if (r->width > 1) sni_accumulators_declare(&vectors, place_of(r, "_v"));
    sni_accumulators_declare(&scalars, place_of(r, "_t"));
}

/* What is done with the values of a vector or of a single element. */
static void emit_uses(const team_row *r, const sni_scope *scope, int pass, const char *const *inside) {
    sni_accumulators accumulators = accumulators_of(r, pass, scope->width);
    sni_accumulators_add(&accumulators, scope, inside, scope->width > 1 ? place_of(r, "_v") : place_of(r, "_t"));
    if (pass == r->passes->count) sni_emit_inner_stores(r->e, scope, inside);
}

static void emit_body(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                      const char *const *have) {
    const char **inside = sni_emit_names(r->e, have);
    if (inside == NULL) return;
    sni_scope local = *scope;
    local.have = have;
    sni_emit_stmts(r->e, &local, needed, inside);
    emit_uses(r, scope, pass, inside);
}

static sni_scope vector_scope(const team_row *r, const sni_scope *scope) {
    sni_scope lanes = *scope;
    lanes.lane_axis = r->lane_axis;
    lanes.width = r->width;
    lanes.aligned = true;
    return lanes;
}

/* One vector of the row, or single elements where it ends short. */
static void emit_vector(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                        const char *const *have, const char *vector) {
    sni_emitter *e = r->e;
    const char *i = scope->names[r->lane_axis], *n = sni_emit_number(e, e->loop->extents[r->lane_axis]);
    sni_scope lanes = vector_scope(r, scope);
    sni_emit_line(e, "sn_idx %s = %s * %d;", i, vector, r->width);
    if (!r->lanes.whole) sni_emit_open(e, "if (%s - %s >= %d)", n, i, r->width);
    emit_body(r, &lanes, pass, needed, have);
    if (r->lanes.whole) return;
    --e->indent;
    sni_emit_open(e, "} else for (; %s < %s; ++%s)", i, n, i);
    emit_body(r, scope, pass, needed, have);
    sni_emit_close(e);
}

/* Prints the inner axes other than the lanes' from the number v of a vector, and returns its number in its line. */
static const char *emit_line_of(const team_row *r, const sni_scope *scope) {
    sni_emitter *e = r->e;
    if (r->outside == 0) return "v";
    const char *count = sni_emit_number(e, r->lanes.vectors);
    sni_emit_line(e, "const sn_idx line = v / %s;", count);
    sni_emit_split(e, scope, r->outside, "line");
    return sni_emit_format(e, "(v - line*%s)", count);
}

/* The part of the row that belongs to this work-item, as vectors or as single elements. */
static void emit_part(const team_row *r, const sni_scope *scope, int pass, const bool *needed, const char *const *have,
                      bool vectors) {
    sni_emitter *e = r->e;
    sni_emit_open(e, "for (sn_idx v = lane; v < share; v += %s)", r->team);
    const char *vector = emit_line_of(r, scope);
    if (vectors) {
        emit_vector(r, scope, pass, needed, have, vector);
    } else {
        sni_emit_line(e, "const sn_idx %s = %s;", scope->names[r->lane_axis], vector);
        emit_body(r, scope, pass, needed, have);
    }
    sni_emit_close(e);
}

/* Vectors where they are aligned, which the launch says when it depends on sizes. */
static void emit_parts(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                       const char *const *have) {
    sni_emitter *e = r->e;
    if (r->width == 1 || r->lanes.always) {
        emit_part(r, scope, pass, needed, have, r->width > 1);
        return;
    }
    sni_emit_open(e, "if (%s)", sni_emit_number(e, r->lanes.aligned));
    emit_part(r, scope, pass, needed, have, true);
    --e->indent;
    sni_emit_open(e, "} else");
    emit_part(r, scope, pass, needed, have, false);
    sni_emit_close(e);
}

/* ---- A pass over registers -------------------------------------------------------------------- */

static const char *kept_name(const team_row *r, int s) {
    return sni_emit_format(r->e, "kept%d[k]", s);
}

static void declare_kept(const team_row *r) {
    for (int s = 0; s < r->e->loop->stmt_count; ++s) {
        if (!r->keep->kept[s]) continue;
        bool vector = (r->e->loop->stmts[s].mask >> r->lane_axis & 1u) != 0;
        sni_emit_line(r->e, "%s kept%d[%d];",
                      sni_ctype_name(sni_ctype_of(r->e->loop->stmts[s].dtype), vector ? r->width : 1), s, r->kept);
    }
}

/* May memory that the kernel reads be memory that it writes? */
static bool may_alias(const sni_loop *loop) {
    for (int b = 0; b < loop->buffer_count; ++b)
        if (loop->buffers[b].may_alias) return true;
    return false;
}

/* Every work-item goes through all the vectors that it may have, so that loops unroll and loads overlap: beyond the row's
 * end it looks at the last vector once more and uses nothing of it. Where another work-item may be writing that vector
 * it does not look. */
static void emit_kept_pass(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                           const char *const *have) {
    sni_emitter *e = r->e;
    const char **inside = sni_emit_names(e, have);
    if (inside == NULL) return;
    sni_scope lanes = vector_scope(r, scope);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int k = 0; k < %d; ++k)", r->kept);
    sni_emit_line(e, "const sn_idx own = lane + k * %s, v = min(own, (sn_idx)%s - 1);", r->team,
                  sni_emit_number(e, r->vectors));
    bool careful = pass == r->passes->count && may_alias(e->loop);
    if (careful) sni_emit_open(e, "if (own < share)");
    const char *vector = emit_line_of(r, scope);
    sni_emit_line(e, "const sn_idx %s = %s * %d;", scope->names[r->lane_axis], vector, r->width);
    lanes.have = have;
    sni_emit_stmts(e, &lanes, needed, inside);
    for (int s = 0; s < e->loop->stmt_count; ++s)
        if (r->keep->kept[s] && have[s] == NULL && inside[s] != NULL)
            sni_emit_line(e, "%s = %s;", kept_name(r, s), inside[s]);
    if (!careful) sni_emit_open(e, "if (own < share)");
    emit_uses(r, &lanes, pass, inside);
    sni_emit_close(e);
    sni_emit_close(e);
}

/* With a fence for global memory, too, where what one work-item looked at in vain may be written after the barrier. */
static void emit_barrier(sni_emitter *e) {
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE%s);", may_alias(e->loop) ? " | CLK_GLOBAL_MEM_FENCE" : "");
}

/* ---- The ways side by side -------------------------------------------------------------------- */

/* Every barrier is met whichever way the rows go, so the ways take their steps together, each under its condition. What a
 * way has for the row is declared outside of that. */
static void open_way(const team_row *r) {
    if (r->condition != NULL)
        sni_emit_open(r->e, "if (%s)", r->condition);
    else
        sni_emit_open(r->e, "%s", "");
}

static bool reduces(const team_row *r, int pass) {
    sni_accumulators accumulators = accumulators_of(r, pass, 1);
    return sni_accumulators_count(&accumulators) > 0;
}

/* Puts this work-item's partial results into local memory. */
static void publish(const team_row *r, int pass) {
    sni_accumulators vectors = accumulators_of(r, pass, r->width), scalars = accumulators_of(r, pass, 1);
    if (r->width > 1) {
        sni_accumulators_fold(&vectors, place_of(r, "_f"), place_of(r, "_v"));
        sni_accumulators_merge(&scalars, place_of(r, "_t"), place_of(r, "_f"));
    }
    sni_accumulators_copy(&scalars, shared_place(r, "[item]"), place_of(r, "_t"));
}

static void walk(const team_row *r, int pass) {
    sni_emitter *e = r->e;
    bool *needed = sni_emit_pass_need(e, r->passes, pass, r->names);
    const char **have = sni_emit_names(e, r->names);
    if (needed == NULL || have == NULL) return;
    declare(r, pass);
    open_way(r);
    if (r->keep != NULL)
        emit_kept_pass(r, &r->scope, pass, needed, have);
    else
        emit_parts(r, &r->scope, pass, needed, have);
    if (reduces(r, pass)) publish(r, pass);
    sni_emit_close(e);
    for (int s = 0; r->keep != NULL && s < e->loop->stmt_count; ++s)
        if (r->keep->kept[s] && needed[s]) r->names[s] = kept_name(r, s);
}

/* FOLDED_TEAM work-items combine the partial results of the team. */
static void fold_team(const team_row *r, int pass) {
    sni_accumulators scalars = accumulators_of(r, pass, 1);
    open_way(r);
    sni_emit_open(r->e, "for (int k = lane + %d; lane < %d && k < %s; k += %d)", FOLDED_TEAM, FOLDED_TEAM, r->team,
                  FOLDED_TEAM);
    sni_accumulators_merge(&scalars, shared_place(r, "[item]"), shared_place(r, "[item - lane + k]"));
    sni_emit_close(r->e);
    sni_emit_close(r->e);
}

/* Every work-item combines what those have, all in the same order. */
static void collect(const team_row *r, int pass) {
    sni_accumulators scalars = accumulators_of(r, pass, 1);
    sni_place total = place_of(r, "_all");
    sni_accumulators_declare(&scalars, total);
    open_way(r);
    sni_accumulators_copy(&scalars, total, shared_place(r, "[item - lane]"));
    sni_emit_open(r->e, "for (int k = 1; k < min((int)%s, %d); ++k)", r->team, FOLDED_TEAM);
    sni_accumulators_merge(&scalars, total, shared_place(r, "[item - lane + k]"));
    sni_emit_close(r->e);
    sni_emit_close(r->e);
    sni_accumulators_finish(&scalars, &r->scope, total, r->names);
}

static void for_each(team_row *ways, int count, int pass, void (*step)(const team_row *r, int pass)) {
    for (int w = 0; w < count; ++w)
        if (step == walk ? pass <= ways[w].passes->count : reduces(&ways[w], pass)) step(&ways[w], pass);
}

static void emit_pass(team_row *ways, int count, int pass) {
    sni_emitter *e = ways[0].e;
    bool any = false;
    for (int w = 0; w < count; ++w) any |= reduces(&ways[w], pass);
    for_each(ways, count, pass, walk);
    if (any) {
        emit_barrier(e);
        for_each(ways, count, pass, fold_team);
        emit_barrier(e);
        for_each(ways, count, pass, collect);
    }
    for (int w = 0; w < count; ++w)
        sni_emit_row_stmts(e, &ways[w].scope, ways[w].passes, pass, ~e->loop->inner, ways[w].names);
}

static void store_row(const team_row *r) {
    sni_emitter *e = r->e;
    bool stores = false;
    for (int i = 0; i < e->loop->store_count; ++i) stores |= !sni_store_inner(e->loop, &e->loop->stores[i]);
    if (!stores) return;
    sni_emit_open(e, "if (active && lane == 0%s%s)", r->condition != NULL ? " && " : "",
                  r->condition != NULL ? r->condition : "");
    sni_emit_row_stores(e, &r->scope, r->names);
    sni_emit_close(e);
}

static void emit_rows(team_row *ways, int count) {
    sni_emitter *e = ways[0].e;
    int passes = 0;
    for (int w = 0; w < count; ++w) {
        ways[w].names = sni_emit_names(e, NULL);
        if (ways[w].names == NULL) return;
        if (ways[w].keep != NULL) declare_kept(&ways[w]);
        sni_accumulators_declare_local(e, ways[w].passes, ways[w].shared, ways[w].group);
        if (ways[w].passes->count > passes) passes = ways[w].passes->count;
    }
    for (int w = 0; w < count; ++w)
        sni_emit_row_stmts(e, &ways[w].scope, ways[w].passes, 0, ~e->loop->inner, ways[w].names);
    for (int pass = 1; pass <= passes; ++pass) emit_pass(ways, count, pass);
    for (int w = 0; w < count; ++w) store_row(&ways[w]);
}

/* ---- Which ways there are --------------------------------------------------------------------- */

/* 0 or 1: does a row consist of whole vectors, some and not more than the team keeps? */
static sni_expr fits_registers(const team_row *r) {
    sni_sym *sym = r->e->loop->sym;
    sni_expr most = sni_sym_const(sym, (int64_t)r->kept * r->group), none = sni_sym_const(sym, 0);
    sni_expr whole = sni_emit_divisible(sym, r->e->loop->extents[r->lane_axis], r->width);
    sni_expr few = sni_sym_and(sym, sni_sym_lt(sym, none, r->vectors), sni_sym_le(sym, r->vectors, most));
    return sni_sym_and(sym, sni_sym_and(sym, r->lanes.aligned, whole), few);
}

/* Does the row read memory at a place that a reduction gives? A way that is not taken has no such place. */
static bool reads_by_result(const sni_passes *passes) {
    const sni_loop *loop = passes->loop;
    for (int s = 0; s < loop->stmt_count; ++s)
        if (passes->live[s] && loop->stmts[s].kind == SNI_STMT_LOAD && !sni_stmt_inner(loop, s) && passes->depth[s] > 0)
            return true;
    return false;
}

/* The ways of a program: one, or two when sizes decide. */
static int find_ways(const team_row *base, const sni_row_keep *keep, const sni_passes *online, team_row ways[2]) {
    sni_sym *sym = base->e->loop->sym;
    sni_expr fits = keep->count > 0 ? fits_registers(base) : sni_sym_const(sym, 0);
    bool always = sni_sym_is(sym, fits, 1), never = fits == SNI_NO_EXPR || sni_sym_is(sym, fits, 0);
    if (!always && reads_by_result(base->passes)) never = true;
    ways[0] = ways[1] = *base;
    ways[0].keep = keep;
    if (always) return 1;
    ways[1].passes = online;
    if (never) {
        ways[0] = ways[1];
        return 1;
    }
    ways[0].condition = sni_emit_number(base->e, fits);
    ways[1].condition = sni_emit_format(base->e, "!%s", ways[0].condition);
    ways[1].partial = "run", ways[1].shared = "pool", ways[1].scope.prefix = "t";
    return 2;
}

/* ---- The strategy ----------------------------------------------------------------------------- */

/* Reductions of one pass, at most; each needs registers in every lane. */
static int most_reductions(const sni_passes *passes) {
    int most = 0;
    for (int pass = 1; pass <= passes->count; ++pass) {
        int count = 0;
        for (int s = 0; s < passes->loop->stmt_count; ++s)
            count += passes->live[s] && passes->loop->stmts[s].kind == SNI_STMT_REDUCE && passes->depth[s] == pass;
        if (count > most) most = count;
    }
    return most;
}

/* Of each work-item, when there are two ways. */
static uint64_t most_local_bytes(const sni_passes *online) {
    return 2 * sni_accumulators_local_bytes(online);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (caps->device_class != SNI_DEVICE_GPU || loop->inner == 0 || loop->scans) {
        sni_str_append(why, loop->inner == 0 ? "the program has no inner axes"
                            : loop->scans    ? "the program scans"
                                             : "the device is no GPU");
        return false;
    }
    sni_arena *arena = sni_arena_create();
    sni_passes passes;
    bool known = arena != NULL && sni_passes_init_online(&passes, loop, arena);
    int reductions = known ? most_reductions(&passes) : 0;
    uint64_t bytes = known ? SMALLEST_TEAM * most_local_bytes(&passes) : 0;
    sni_arena_release(arena);
    if (caps->max_work_group < SMALLEST_TEAM)
        sni_str_printf(why, "work-groups are smaller than %d", SMALLEST_TEAM);
    else if (!known || reductions > MOST_REDUCTIONS)
        sni_str_printf(why, "more than %d reductions in one pass", MOST_REDUCTIONS);
    else if (bytes > caps->local_bytes)
        sni_str_append(why, "the reductions' partial results exceed local memory");
    else
        return true;
    return false;
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    if (!sni_work_group_fits(caps, schedule->values[GROUP], why)) return false;
    sni_arena *arena = sni_arena_create();
    sni_passes passes;
    bool known = arena != NULL && sni_passes_init_online(&passes, loop, arena);
    uint64_t bytes = known ? most_local_bytes(&passes) * (uint64_t)schedule->values[GROUP] : UINT64_MAX;
    sni_arena_release(arena);
    if (bytes <= caps->local_bytes / (caps->local_counts_twice ? 2 : 1)) return true;
    sni_str_append(why, "the reductions' partial results exceed local memory");
    return false;
}

/* As many vectors as rows of a known length need; for others what a common row has. */
static int kept_vectors(const team_row *r, const sni_row_keep *keep, int group) {
    int bytes = keep->bytes * r->width, most = 16, wanted = 8;
    int64_t known;
    while (most > 1 && most * bytes > KEPT_BYTES) most /= 2;
    if (sni_sym_is_const(r->e->loop->sym, r->vectors, &known))
        for (wanted = 1; wanted < 16 && (int64_t)wanted * group < known;) wanted *= 2;
    else if (wanted * bytes > KEPT_BYTES / 2)
        wanted = KEPT_BYTES / 2 / bytes;
    return wanted < most ? wanted : most;
}

static void set_lanes(team_row *r) {
    const sni_loop *loop = r->passes->loop;
    r->lane_axis = sni_best_inner_axis(r->passes);
    r->lanes = sni_gpu_lanes_of(r->passes, r->lane_axis, 8);
    r->width = r->lanes.width;
    r->outside = loop->inner & ~(1u << r->lane_axis);
    r->vectors = sni_sym_mul(loop->sym, sni_extent_product(loop, r->outside), r->lanes.vectors);
}

static int largest_group(const sni_loop *loop, const sni_caps *caps) {
    sni_schedule schedule = {.values = {[GROUP] = 256}};
    while (schedule.values[GROUP] > SMALLEST_TEAM) {
        sni_str why = SNI_STR_INIT;
        bool runs = fits(loop, caps, &schedule, &why);
        sni_str_deinit(&why);
        if (runs) break;
        schedule.values[GROUP] /= 2;
    }
    return schedule.values[GROUP];
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_arena *arena = sni_arena_create();
    sni_emitter e = {.loop = loop, .caps = caps, .arena = arena};
    sni_passes passes;
    sni_row_keep keep;
    team_row r = {.e = &e, .passes = &passes};
    int kept = 4;
    sni_schedule_fill(schedule, GROUP, largest_group(loop, caps));
    if (arena != NULL && sni_passes_init(&passes, loop, arena) && sni_row_keep_find(&keep, &passes, &e) &&
        keep.count > 0) {
        set_lanes(&r);
        kept = kept_vectors(&r, &keep, schedule->values[GROUP]);
    }
    sni_arena_release(arena);
    int power = 1;
    while (power * 2 <= kept) power *= 2;
    sni_schedule_fill(schedule, KEEP, power);
    sni_schedule_fill(schedule, EACH, 4);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_passes passes, online;
    sni_row_keep keep;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init(&passes, loop, arena) || !sni_passes_init_online(&online, loop, arena) ||
        !sni_row_keep_find(&keep, &passes, &e))
        return sni_out_of_memory("a kernel's passes");
    sni_sym *sym = loop->sym;
    team_row r = {.e = &e,
                  .passes = &passes,
                  .group = schedule->values[GROUP],
                  .kept = schedule->values[KEEP],
                  .partial = "acc",
                  .shared = "shared"};
    set_lanes(&r);
    sni_expr rows = sni_extent_product(loop, sni_parallel_mask(loop));
    int each = schedule->values[EACH] < r.kept ? schedule->values[EACH] : r.kept;
    sni_expr team = team_size(loop, r.vectors, each, r.group);
    sni_expr teams = sni_sym_div(sym, sni_sym_const(sym, r.group), team);
    r.team = sni_emit_argument(&e, team);
    r.scope = (sni_scope){.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &r.scope);
    sni_emit_line(&e, "const int item = (int)get_local_id(0), lane = item %% (int)%s;", r.team);
    sni_emit_line(&e, "const sn_idx wanted = (sn_idx)get_group_id(0) * %s + item / %s;", sni_emit_argument(&e, teams),
                  r.team);
    const char *count = sni_emit_number(&e, rows);
    sni_emit_line(&e, "const bool active = wanted < %s;", count);
    sni_emit_line(&e, "const sn_idx row = active ? wanted : %s - 1;", count);
    sni_emit_line(&e, "const sn_idx share = active ? %s : 0;", sni_emit_number(&e, r.vectors));
    if (sni_parallel_mask(loop) != 0) sni_emit_split(&e, &r.scope, sni_parallel_mask(loop), "row");
    team_row ways[2];
    int way_count = find_ways(&r, &keep, &online, ways);
    emit_rows(ways, way_count);
    sni_set_launch(out_spec, loop, sni_sym_mul_i(sym, sni_sym_ceil_div(sym, rows, teams), r.group), (size_t)r.group);
    return sni_emit_end(&e, "gpu_row", sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", r.group));
}

const sni_strategy sni_strategy_gpu_row = {
    .name = "gpu_row",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
};
