/* gpu_row: a team of work-items for each row; a work-group is one team or, where rows are short, several.
 *
 * The size of a team is a power of two that the launch passes in, so that one kernel serves every length of row. In
 * each pass the work-items of a team take the vectors of the row in turn; then their partial results are
 * combined in local memory, as a tree in a fixed order. A team without a row passes over nothing and stores nothing, but
 * it meets every barrier. */
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { LARGEST_TEAM = 256, SMALLEST_TEAM = 8, VECTORS_EACH = 4, MOST_REDUCTIONS = 8 };

typedef struct team_row {
    sni_emitter *e;
    const sni_passes *passes;
    int lane_axis, width;
    sni_gpu_lanes lanes;
    int group;            /* work-items */
    const char *team;     /* work-items of a row: a parameter */
    uint32_t outside;     /* inner axes other than the lanes' */
} team_row;

static bool reduces_in(const sni_passes *p, int s, int pass) {
    return p->live[s] && p->loop->stmts[s].kind == SNI_STMT_REDUCE && p->depth[s] == pass;
}

/* Reductions of one pass, at most; each needs room in local memory. */
static int most_reductions(const sni_passes *passes) {
    int most = 0;
    for (int pass = 1; pass <= passes->count; ++pass) {
        int count = 0;
        for (int s = 0; s < passes->loop->stmt_count; ++s) count += reduces_in(passes, s, pass);
        if (count > most) most = count;
    }
    return most;
}

static int group_size(const sni_caps *caps) {
    int size = LARGEST_TEAM;
    while (size > SMALLEST_TEAM && (uint32_t)size > caps->max_work_group) size /= 2;
    return size;
}

/* The team of a row: SMALLEST_TEAM, and twice as much for each doubling of its vectors beyond VECTORS_EACH a work-item. */
static sni_expr team_size(const sni_loop *loop, sni_expr vectors, int group) {
    sni_sym *sym = loop->sym;
    sni_expr size = sni_sym_const(sym, SMALLEST_TEAM);
    for (int step = SMALLEST_TEAM; step < group; step *= 2) {
        sni_expr longer = sni_sym_lt(sym, sni_sym_const(sym, (int64_t)step * VECTORS_EACH), vectors);
        size = sni_sym_add(sym, size, sni_sym_mul_i(sym, longer, step));
    }
    return size;
}

/* ---- A pass ----------------------------------------------------------------------------------- */

static void declare(const team_row *r, int pass) {
    sni_emitter *e = r->e;
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        if (!reduces_in(r->passes, s, pass)) continue;
        const sni_stmt *stmt = &e->loop->stmts[s];
        sni_ctype type = sni_ctype_of(stmt->dtype);
        if (r->width > 1)
            sni_emit_line(e, "%s acc%d_v = %s;", sni_ctype_name(type, r->width), s,
                          sni_emit_identity(e, stmt->combiner, stmt->dtype, r->width));
        sni_emit_line(e, "%s acc%d_t = %s;", sni_ctype_name(type, 1), s,
                      sni_emit_identity(e, stmt->combiner, stmt->dtype, 1));
    }
}

static void emit_body(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                      const char *const *have) {
    sni_emitter *e = r->e;
    const char **inside = sni_emit_names(e, have);
    if (inside == NULL) return;
    sni_scope local = *scope;
    local.have = have;
    sni_emit_stmts(e, &local, needed, inside);
    for (int s = 0; s < e->loop->stmt_count; ++s)
        if (reduces_in(r->passes, s, pass))
            sni_emit_accumulate(e, scope, s, inside, scope->width,
                                sni_emit_format(e, "acc%d_%c", s, scope->width > 1 ? 'v' : 't'));
    if (pass == r->passes->count) sni_emit_inner_stores(e, scope, inside);
}

/* One vector of the row, or single elements where it ends short. */
static void emit_vector(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                        const char *const *have, const char *vector) {
    sni_emitter *e = r->e;
    const char *i = scope->names[r->lane_axis], *n = sni_emit_number(e, e->loop->extents[r->lane_axis]);
    sni_scope lanes = *scope;
    lanes.lane_axis = r->lane_axis;
    lanes.width = r->width;
    lanes.aligned = true;
    sni_emit_line(e, "sn_idx %s = %s * %d;", i, vector, r->width);
    if (!r->lanes.whole) sni_emit_open(e, "if (%s - %s >= %d)", n, i, r->width);
    emit_body(r, &lanes, pass, needed, have);
    if (r->lanes.whole) return;
    --e->indent;
    sni_emit_open(e, "} else for (; %s < %s; ++%s)", i, n, i);
    emit_body(r, scope, pass, needed, have);
    sni_emit_close(e);
}

/* The part of the row that belongs to this work-item, as vectors or as single elements. */
static void emit_part(const team_row *r, const sni_scope *scope, int pass, const bool *needed,
                      const char *const *have, bool vectors) {
    sni_emitter *e = r->e;
    sni_emit_open(e, "for (sn_idx v = lane; v < share; v += %s)", r->team);
    const char *vector = "v";
    if (r->outside != 0) {
        const char *count = sni_emit_number(e, r->lanes.vectors);
        sni_emit_line(e, "const sn_idx line = v / %s;", count);
        sni_emit_split(e, scope, r->outside, "line");
        vector = sni_emit_format(e, "(v - line*%s)", count);
    }
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

/* ---- Combining the team ----------------------------------------------------------------------- */

/* Puts this work-item's partial results into local memory, combines the team's as a tree, and reads the result. */
static void combine_team(const team_row *r, int pass, const char **names) {
    sni_emitter *e = r->e;
    const sni_loop *loop = e->loop;
    for (int s = 0; s < loop->stmt_count; ++s) {
        if (!reduces_in(r->passes, s, pass)) continue;
        const sni_stmt *stmt = &loop->stmts[s];
        sni_ctype type = sni_ctype_of(stmt->dtype);
        const char *total = sni_emit_format(e, "acc%d_t", s);
        if (r->width > 1) {
            const char *folded = sni_emit_fold(e, stmt->combiner, type, r->width, sni_emit_format(e, "acc%d_v", s));
            total = sni_emit_combine(e, stmt->combiner, type, 1, folded, total);
        }
        sni_emit_line(e, "shared%d[item] = %s;", s, total);
    }
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_open(e, "for (int half_team = (int)%s / 2; half_team > 0; half_team /= 2)", r->team);
    sni_emit_open(e, "if (lane < half_team)");
    for (int s = 0; s < loop->stmt_count; ++s) {
        if (!reduces_in(r->passes, s, pass)) continue;
        const char *own = sni_emit_format(e, "shared%d[item]", s);
        const char *other = sni_emit_format(e, "shared%d[item + half_team]", s);
        sni_emit_line(e, "%s = %s;", own,
                      sni_emit_combine(e, loop->stmts[s].combiner, sni_ctype_of(loop->stmts[s].dtype), 1, own, other));
    }
    sni_emit_close(e);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_close(e);
    for (int s = 0; s < loop->stmt_count; ++s) {
        if (!reduces_in(r->passes, s, pass)) continue;
        const sni_stmt *stmt = &loop->stmts[s];
        names[s] = sni_emit_format(e, "s%d", s);
        const char *result = sni_emit_format(e, "shared%d[item - lane]", s);
        sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(sni_ctype_of(stmt->dtype), 1), names[s],
                      sni_emit_wrap(e, stmt->dtype, 1, result));
    }
}

/* Every reduction has local memory of its own, so no pass waits for the one before to be read. */
static void declare_shared(const team_row *r) {
    for (int s = 0; s < r->e->loop->stmt_count; ++s)
        if (r->passes->live[s] && r->e->loop->stmts[s].kind == SNI_STMT_REDUCE)
            sni_emit_line(r->e, "__local %s shared%d[%d];", sni_ctype_name(sni_ctype_of(r->e->loop->stmts[s].dtype), 1),
                          s, r->group);
}

static void emit_pass(const team_row *r, const sni_scope *scope, int pass, const char **names) {
    sni_emitter *e = r->e;
    bool *needed = sni_emit_pass_need(e, r->passes, pass, names);
    const char **have = sni_emit_names(e, names);
    if (needed == NULL || have == NULL) return;
    declare(r, pass);
    emit_parts(r, scope, pass, needed, have);
    bool reduces = false;
    for (int s = 0; s < e->loop->stmt_count; ++s) reduces |= reduces_in(r->passes, s, pass);
    if (reduces) combine_team(r, pass, names);
}

static void emit_row(const team_row *r, const sni_scope *scope) {
    sni_emitter *e = r->e;
    const char **names = sni_emit_names(e, NULL);
    if (names == NULL) return;
    uint32_t only = ~e->loop->inner;
    sni_emit_row_stmts(e, scope, r->passes, 0, only, names);
    for (int pass = 1; pass <= r->passes->count; ++pass) {
        emit_pass(r, scope, pass, names);
        sni_emit_row_stmts(e, scope, r->passes, pass, only, names);
    }
    bool stores = false;
    for (int i = 0; i < e->loop->store_count; ++i) stores |= !sni_store_inner(e->loop, &e->loop->stores[i]);
    if (!stores) return;
    sni_emit_open(e, "if (active && lane == 0)");
    sni_emit_row_stores(e, scope, names);
    sni_emit_close(e);
}

/* ---- The strategy ----------------------------------------------------------------------------- */

static uint64_t local_bytes(const sni_passes *passes, int group) {
    uint64_t bytes = 0;
    for (int s = 0; s < passes->loop->stmt_count; ++s)
        if (passes->live[s] && passes->loop->stmts[s].kind == SNI_STMT_REDUCE) bytes += 8u * (uint64_t)group;
    return bytes;
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
    bool known = arena != NULL && sni_passes_init(&passes, loop, arena);
    int reductions = known ? most_reductions(&passes) : 0;
    uint64_t bytes = known ? local_bytes(&passes, group_size(caps)) : 0;
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

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    (void)schedule;
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init(&passes, loop, arena)) return sni_out_of_memory("a kernel's passes");
    sni_sym *sym = loop->sym;
    team_row r = {.e = &e, .passes = &passes, .lane_axis = sni_best_inner_axis(&passes), .group = group_size(caps)};
    r.lanes = sni_gpu_lanes_of(&passes, r.lane_axis, 8);
    r.width = r.lanes.width;
    r.outside = loop->inner & ~(1u << r.lane_axis);
    sni_expr rows = sni_extent_product(loop, sni_parallel_mask(loop));
    sni_expr vectors = sni_sym_mul(sym, sni_extent_product(loop, r.outside), r.lanes.vectors);
    sni_expr team = team_size(loop, vectors, r.group);
    sni_expr teams = sni_sym_div(sym, sni_sym_const(sym, r.group), team);
    r.team = sni_emit_argument(&e, team);
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    declare_shared(&r);
    sni_emit_line(&e, "const int item = (int)get_local_id(0), lane = item %% (int)%s;", r.team);
    sni_emit_line(&e, "const sn_idx wanted = (sn_idx)get_group_id(0) * %s + item / %s;", sni_emit_argument(&e, teams),
                  r.team);
    const char *count = sni_emit_number(&e, rows);
    sni_emit_line(&e, "const bool active = wanted < %s;", count);
    sni_emit_line(&e, "const sn_idx row = active ? wanted : %s - 1;", count);
    sni_emit_line(&e, "const sn_idx share = active ? %s : 0;", sni_emit_number(&e, vectors));
    if (sni_parallel_mask(loop) != 0) sni_emit_split(&e, &scope, sni_parallel_mask(loop), "row");
    emit_row(&r, &scope);
    sni_set_launch(out_spec, loop, sni_sym_mul_i(sym, sni_sym_ceil_div(sym, rows, teams), r.group), (size_t)r.group);
    return sni_emit_end(&e, "gpu_row",
                        sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", r.group));
}

const sni_strategy sni_strategy_gpu_row = {.name = "gpu_row", .accepts = accepts, .generate = generate};
