/* gpu_scan: a team of work-items for each line of a scan; a work-group is several teams.
 *
 * A team walks its line tile by tile and carries one value a scan. Each work-item combines a few neighbouring elements;
 * the work-items' totals are combined in local memory: one work-item takes a run of totals in order and leaves in place
 * what stands before each, then all add up the runs before their own. The order is fixed, so the bits are.
 *
 * Along memory, a team's work-items lie beside each other and load vectors. Across memory, the work-items beside each other
 * belong to neighbouring lines, and each takes elements of one line that lie apart. A team without a line passes over
 * nothing and stores nothing, but it meets every barrier. */
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { GROUP, TEAM, ACROSS, ELEMENTS, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    SNI_PARAM("group", "work-items of a work-group", 64, 128, 256),
    SNI_PARAM("team", "work-items of a line", 4, 8, 16, 32, 64, 128, 256),
    SNI_PARAM("across", "1: a line's work-items are neighbours; 2: neighbours belong to different lines", 1, 2),
    SNI_PARAM("elements", "of a line, that a work-item combines at a time where they lie apart", 2, 4, 8),
};

enum { LONGEST_RUN = 16, MOST_SCANS = 4 };

typedef struct team_scan {
    sni_emitter *e;
    const sni_passes *passes;
    int axis, group, team, run; /* run: totals that one work-item combines */
    bool across;
    int *level; /* of a scan: 1, and one more than those that it depends on */
    int levels;
} team_scan;

static bool is_scan(const team_scan *t, int s, int level) {
    return t->passes->live[s] && t->e->loop->stmts[s].kind == SNI_STMT_SCAN && (level == 0 || t->level[s] == level);
}

/* ---- Elements of a work-item ------------------------------------------------------------------ */

/* Statements before the scans of a level; the scans' arguments go to in<s>, or its element k. */
static void emit_arguments(const team_scan *t, const sni_scope *scope, int level, const bool *needed,
                           const char *const *have, const char *element) {
    sni_emitter *e = t->e;
    const char **inside = sni_emit_names(e, have);
    if (inside == NULL) return;
    sni_scope local = *scope;
    local.have = have;
    sni_emit_stmts(e, &local, needed, inside);
    local.have = inside;
    for (int s = 0; s < e->loop->stmt_count; ++s)
        if (is_scan(t, s, level))
            sni_emit_line(e, "in%d%s = %s;", s, element,
                          sni_emit_operand(e, &local, e->loop->stmts[s].args[0], sni_ctype_of(e->loop->stmts[s].dtype),
                                           scope->width));
}

/* The scans that are known already, as they are called where elements are taken one by one. */
static const char **element_names(const team_scan *t, const char *const *have, int width) {
    sni_emitter *e = t->e;
    const char **names = sni_emit_names(e, have);
    for (int s = 0; names != NULL && width > 1 && s < e->loop->stmt_count; ++s)
        if (is_scan(t, s, 0) && have[s] != NULL) {
            sni_ctype type = sni_ctype_of(e->loop->stmts[s].dtype);
            sni_emit_line(e, "%s known%d[%d];", sni_ctype_name(type, 1), s, width);
            sni_emit_line(e, "vstore%d(%s, 0, known%d);", width, have[s], s);
            names[s] = sni_emit_format(e, "known%d[k]", s);
        }
    return names;
}

/* Opens the case of a whole vector; then the one of its elements, which ends with a loop over k. */
static void open_whole(const team_scan *t, int width) {
    sni_emit_open(t->e, "if (room >= %d)", width);
}

static void open_elements(const team_scan *t) {
    --t->e->indent;
    sni_emit_open(t->e, "} else if (room > 0)");
}

static sni_scope element_scope(const team_scan *t, const sni_scope *scope) {
    sni_scope one = *scope;
    one.names[t->axis] = sni_emit_format(t->e, "(%s + k)", scope->names[t->axis]);
    return one;
}

static sni_scope vector_scope(const team_scan *t, const sni_scope *scope, int width) {
    sni_scope lanes = *scope;
    lanes.lane_axis = width > 1 ? t->axis : -1;
    lanes.width = width;
    lanes.aligned = !t->across;
    return lanes;
}

static void load_level(const team_scan *t, const sni_scope *scope, int level, int width, const char *const *have) {
    sni_emitter *e = t->e;
    bool *needed = sni_arena_alloc(e->arena, (size_t)e->loop->stmt_count + 1);
    bool *stop = sni_arena_alloc(e->arena, (size_t)e->loop->stmt_count + 1);
    if (needed == NULL || stop == NULL) {
        e->failed = true;
        return;
    }
    for (int s = 0; s < e->loop->stmt_count; ++s) stop[s] = have[s] != NULL;
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        if (!is_scan(t, s, level)) continue;
        const sni_stmt *stmt = &e->loop->stmts[s];
        sni_emit_need(e->loop, stmt->args[0], stop, needed);
        sni_emit_line(e, "%s in%d = %s;", sni_ctype_name(sni_ctype_of(stmt->dtype), width), s,
                      sni_emit_identity(e, stmt->combiner, stmt->dtype, width));
    }
    sni_scope lanes = vector_scope(t, scope, width);
    open_whole(t, width);
    emit_arguments(t, &lanes, level, needed, have, "");
    if (width > 1) {
        open_elements(t);
        const char **names = element_names(t, have, width);
        for (int s = 0; s < e->loop->stmt_count; ++s) {
            if (!is_scan(t, s, level)) continue;
            sni_emit_line(e, "%s part%d[%d];", sni_ctype_name(sni_ctype_of(e->loop->stmts[s].dtype), 1), s, width);
            sni_emit_line(e, "vstore%d(in%d, 0, part%d);", width, s, s);
        }
        sni_emit_open(e, "for (int k = 0; k < room; ++k)");
        sni_scope one = element_scope(t, scope);
        if (names != NULL) {
            const char **inside = sni_emit_names(e, names);
            sni_scope local = one;
            local.have = names;
            if (inside != NULL) sni_emit_stmts(e, &local, needed, inside);
            local.have = inside;
            for (int s = 0; inside != NULL && s < e->loop->stmt_count; ++s)
                if (is_scan(t, s, level))
                    sni_emit_line(e, "part%d[k] = %s;", s,
                                  sni_emit_operand(e, &local, e->loop->stmts[s].args[0],
                                                   sni_ctype_of(e->loop->stmts[s].dtype), 1));
        }
        sni_emit_close(e);
        for (int s = 0; s < e->loop->stmt_count; ++s)
            if (is_scan(t, s, level)) sni_emit_line(e, "in%d = vload%d(0, part%d);", s, width, s);
    }
    sni_emit_close(e);
}

/* What needs the scans, and the stores. */
static void store_tile(const team_scan *t, const sni_scope *scope, int width, const char *const *have) {
    sni_emitter *e = t->e;
    bool *needed = sni_emit_pass_need(e, t->passes, t->passes->count, have);
    const char **inside = sni_emit_names(e, have), **single = sni_emit_names(e, have);
    if (needed == NULL || inside == NULL || single == NULL) return;
    sni_scope lanes = vector_scope(t, scope, width);
    lanes.have = have;
    open_whole(t, width);
    sni_emit_stmts(e, &lanes, needed, inside);
    sni_emit_inner_stores(e, &lanes, inside);
    if (width > 1) {
        open_elements(t);
        const char **names = element_names(t, have, width);
        sni_emit_open(e, "for (int k = 0; k < room; ++k)");
        sni_scope one = element_scope(t, scope);
        one.have = names;
        if (names != NULL) sni_emit_stmts(e, &one, needed, single);
        sni_emit_inner_stores(e, &one, single);
        sni_emit_close(e);
    }
    sni_emit_close(e);
}

/* ---- The team --------------------------------------------------------------------------------- */

/* Combines the totals of the team's work-items: before<s> is what stands before this one's elements. */
static void combine_team(const team_scan *t, int level, int width, const char **prefixes, const char **names) {
    sni_emitter *e = t->e;
    const sni_loop *loop = e->loop;
    for (int s = 0; s < loop->stmt_count; ++s) {
        if (!is_scan(t, s, level)) continue;
        prefixes[s] = sni_emit_prefix(e, s, width, sni_emit_format(e, "in%d", s));
        sni_emit_line(e, "total%d[item] = %s;", s, sni_emit_prefix_last(e, width, prefixes[s]));
    }
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_open(e, "if (lane < runs)");
    for (int s = 0; s < loop->stmt_count; ++s) {
        if (!is_scan(t, s, level)) continue;
        const sni_stmt *stmt = &loop->stmts[s];
        sni_ctype type = sni_ctype_of(stmt->dtype);
        sni_emit_line(e, "%s sum%d = %s;", sni_ctype_name(type, 1), s,
                      sni_emit_identity(e, stmt->combiner, stmt->dtype, 1));
        sni_emit_open(e, "for (int k = 0; k < %d; ++k)", t->run);
        sni_emit_line(e, "const int at = first + (lane * %d + k) * hop;", t->run);
        sni_emit_line(e, "const %s own = total%d[at];", sni_ctype_name(type, 1), s);
        sni_emit_line(e, "total%d[at] = sum%d;", s, s);
        sni_emit_line(e, "sum%d = %s;", s,
                      sni_emit_combine(e, stmt->combiner, type, 1, sni_emit_format(e, "sum%d", s), "own"));
        sni_emit_close(e);
        sni_emit_line(e, "run%d[first + lane * hop] = sum%d;", s, s);
    }
    sni_emit_close(e);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    for (int s = 0; s < loop->stmt_count; ++s) {
        if (!is_scan(t, s, level)) continue;
        const sni_stmt *stmt = &loop->stmts[s];
        sni_ctype type = sni_ctype_of(stmt->dtype);
        const char *carry = sni_emit_format(e, "carry%d", s), *before = sni_emit_format(e, "before%d", s);
        sni_emit_line(e, "%s %s = %s;", sni_ctype_name(type, 1), before, carry);
        sni_emit_open(e, "for (int k = 0; k < runs; ++k)");
        sni_emit_line(e, "if (k == lane / %d) %s = %s;", t->run, before, carry);
        sni_emit_line(
            e, "%s = %s;", carry,
            sni_emit_combine(e, stmt->combiner, type, 1, carry, sni_emit_format(e, "run%d[first + k * hop]", s)));
        sni_emit_close(e);
        sni_emit_line(e, "%s = %s;", before,
                      sni_emit_combine(e, stmt->combiner, type, 1, before, sni_emit_format(e, "total%d[item]", s)));
        names[s] = sni_emit_format(e, "s%d", s);
        sni_emit_line(e, "const %s %s = %s;", sni_ctype_name(type, width), names[s],
                      sni_emit_scanned(e, s, width, prefixes[s], before));
    }
}

/* The tiles of a line, in vectors of width. */
static void emit_tiles(const team_scan *t, const sni_scope *scope, int width, const char *vectors,
                       const char *const *have) {
    sni_emitter *e = t->e;
    const char *i = scope->names[t->axis], *n = sni_emit_number(e, e->loop->extents[t->axis]);
    const char **names = sni_emit_names(e, have), **prefixes = sni_emit_names(e, NULL);
    if (names == NULL || prefixes == NULL) return;
    for (int s = 0; s < e->loop->stmt_count; ++s)
        if (is_scan(t, s, 0))
            sni_emit_line(e, "%s carry%d = %s;", sni_ctype_name(sni_ctype_of(e->loop->stmts[s].dtype), 1), s,
                          sni_emit_identity(e, e->loop->stmts[s].combiner, e->loop->stmts[s].dtype, 1));
    sni_emit_open(e, "for (sn_idx tile = 0; tile < %s; tile += %d)", vectors, t->team);
    sni_emit_line(e, "const sn_idx v = tile + lane;");
    if (e->loop->reverse)
        sni_emit_line(e, "const sn_idx %s = (%s - 1 - v) * %d;", i, vectors, width);
    else
        sni_emit_line(e, "const sn_idx %s = v * %d;", i, width);
    sni_emit_line(e, "const sn_idx room = active && v < %s ? %s - %s : 0;", vectors, n, i);
    for (int level = 1; level <= t->levels; ++level) {
        load_level(t, scope, level, width, names);
        combine_team(t, level, width, prefixes, names);
    }
    store_tile(t, scope, width, names);
    sni_emit_close(e);
}

static void emit_line(const team_scan *t, const sni_scope *scope, int elements) {
    sni_emitter *e = t->e;
    sni_sym *sym = e->loop->sym;
    const char **names = sni_emit_names(e, NULL);
    if (names == NULL) return;
    sni_emit_row_stmts(e, scope, t->passes, 0, ~e->loop->inner, names);
    sni_expr extent = e->loop->extents[t->axis];
    if (t->across) {
        emit_tiles(t, scope, elements, sni_emit_number(e, sni_sym_ceil_div(sym, extent, sni_sym_const(sym, elements))),
                   names);
    } else {
        sni_gpu_lanes lanes = sni_gpu_lanes_of(t->passes, t->axis, 8);
        const char *vectors = sni_emit_number(e, lanes.vectors);
        if (!lanes.always && lanes.width > 1) sni_emit_open(e, "if (%s)", sni_emit_number(e, lanes.aligned));
        emit_tiles(t, scope, lanes.width, vectors, names);
        if (!lanes.always && lanes.width > 1) {
            --e->indent;
            sni_emit_open(e, "} else");
            emit_tiles(t, scope, 1, vectors, names);
            sni_emit_close(e);
        }
    }
    sni_emit_open(e, "if (active && lane == 0)");
    sni_emit_row_stores(e, scope, names);
    sni_emit_close(e);
}

/* ---- The strategy ----------------------------------------------------------------------------- */

typedef struct level_context {
    const int *level;
    int result;
} level_context;

static void visit_level(void *context, int statement) {
    level_context *c = context;
    if (c->level[statement] > c->result) c->result = c->level[statement];
}

/* Levels of all statements: how many scans stand one behind the other before their values. */
static bool find_levels(team_scan *t, const sni_loop *loop, sni_arena *arena) {
    t->level = sni_arena_alloc(arena, sizeof *t->level * ((size_t)loop->stmt_count + 1));
    if (t->level == NULL) return false;
    for (int s = 0; s < loop->stmt_count; ++s) {
        const sni_stmt *stmt = &loop->stmts[s];
        level_context c = {t->level, 0};
        for (int a = 0; a < stmt->arg_count; ++a) visit_level(&c, stmt->args[a]);
        if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_INDEX)
            sni_emit_visit_values(loop->sym, stmt->offset, visit_level, &c);
        if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_SELECT)
            sni_emit_visit_values(loop->sym, stmt->guard, visit_level, &c);
        t->level[s] = c.result + (stmt->kind == SNI_STMT_SCAN ? 1 : 0);
        if (t->passes->live[s] && t->level[s] > t->levels) t->levels = t->level[s];
    }
    return true;
}

static int scan_count(const sni_loop *loop) {
    int count = 0;
    for (int s = 0; s < loop->stmt_count; ++s) count += loop->stmts[s].kind == SNI_STMT_SCAN;
    return count;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (caps->device_class != SNI_DEVICE_GPU || !loop->scans)
        sni_str_append(why, loop->scans ? "the device is no GPU" : "the program has no scans");
    else if (caps->max_work_group < 64)
        sni_str_append(why, "work-groups are smaller than 64");
    else if (scan_count(loop) > MOST_SCANS)
        sni_str_printf(why, "more than %d scans", MOST_SCANS);
    else
        return true;
    return false;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_arena *arena = sni_arena_create();
    sni_passes passes;
    bool known = arena != NULL && sni_passes_init(&passes, loop, arena);
    bool across = known && sni_parallel_count(loop) > 0 && sni_prefers_column(&passes, 16);
    int group = 256, team = 256;
    while ((uint32_t)group > caps->max_work_group) group /= 2;
    /* A line that is known to be short has a team of that size. */
    int64_t extent;
    if (sni_sym_is_const(loop->sym, loop->extents[loop->axis_count - 1], &extent))
        while (team > 16 && team * 2 >= extent) team /= 2;
    sni_arena_release(arena);
    sni_schedule_fill(schedule, ACROSS, across ? 2 : 1);
    sni_schedule_fill(schedule, GROUP, group);
    sni_schedule_fill(schedule, TEAM, schedule->values[ACROSS] == 2 ? 8 : team < group ? team : group);
    sni_schedule_fill(schedule, ELEMENTS, 4);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    uint64_t bytes = 16u * (uint64_t)schedule->values[GROUP] * (uint64_t)scan_count(loop);
    uint64_t most = caps->local_counts_twice ? caps->local_bytes / 2 : caps->local_bytes;
    if (schedule->values[TEAM] > schedule->values[GROUP])
        sni_str_append(why, "a team is larger than its work-group");
    else if ((uint32_t)schedule->values[GROUP] > caps->max_work_group)
        sni_str_append(why, "the work-group is larger than the device's");
    else if (bytes > most)
        sni_str_append(why, "the scans' totals exceed local memory");
    else
        return true;
    return false;
}

static void declare_shared(const team_scan *t) {
    for (int s = 0; s < t->e->loop->stmt_count; ++s)
        if (is_scan(t, s, 0)) {
            const char *type = sni_ctype_name(sni_ctype_of(t->e->loop->stmts[s].dtype), 1);
            sni_emit_line(t->e, "__local %s total%d[%d], run%d[%d];", type, s, t->group, s, t->group);
        }
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init(&passes, loop, arena)) return sni_out_of_memory("a kernel's passes");
    team_scan t = {.e = &e,
                   .passes = &passes,
                   .axis = loop->axis_count - 1,
                   .group = schedule->values[GROUP],
                   .team = schedule->values[TEAM],
                   .across = schedule->values[ACROSS] == 2};
    t.run = t.team < LONGEST_RUN ? t.team : LONGEST_RUN;
    if (!find_levels(&t, loop, arena)) return sni_out_of_memory("a kernel's scans");
    int lines = t.group / t.team;
    sni_expr count = sni_extent_product(loop, sni_parallel_mask(loop));
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    declare_shared(&t);
    sni_emit_line(&e, "const int item = (int)get_local_id(0), runs = %d, hop = %d;", t.team / t.run,
                  t.across ? lines : 1);
    if (t.across)
        sni_emit_line(&e, "const int lane = item / %d, line = item %% %d, first = line;", lines, lines);
    else
        sni_emit_line(&e, "const int lane = item %% %d, line = item / %d, first = item - lane;", t.team, t.team);
    const char *number = sni_emit_number(&e, count);
    sni_emit_line(&e, "const sn_idx wanted = (sn_idx)get_group_id(0) * %d + line;", lines);
    sni_emit_line(&e, "const bool active = wanted < %s;", number);
    sni_emit_line(&e, "const sn_idx row = active ? wanted : %s - 1;", number);
    if (sni_parallel_mask(loop) != 0) sni_emit_split(&e, &scope, sni_parallel_mask(loop), "row");
    emit_line(&t, &scope, schedule->values[ELEMENTS]);
    sni_expr groups = sni_sym_ceil_div(loop->sym, count, sni_sym_const(loop->sym, lines));
    sni_set_launch(out_spec, loop, sni_sym_mul_i(loop->sym, groups, t.group), (size_t)t.group);
    return sni_emit_end(&e, "gpu_scan",
                        sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", t.group));
}

const sni_strategy sni_strategy_gpu_scan = {
    .name = "gpu_scan",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
};
