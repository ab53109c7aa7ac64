/* cpu_scan: whole lines of a scan for each work-item, lanes along the scan's axis.
 *
 * The lanes of a vector are combined with each other in a few steps of shuffles; only the combination with what was
 * carried so far waits for the vector before. Scans along an axis that lies across memory are cpu_column's. */
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { LANES, GROUP_WORK, UNIT_GROUPS, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    SNI_PARAM("lanes", "elements of a line computed together", 1, 2, 4, 8, 16),
    SNI_PARAM("group_work", "simple operations that make a work-group worth its cost", 16384, 65536, 262144),
    SNI_PARAM("unit_groups", "work-groups for each compute unit, at most", 1, 2, 4, 8),
};

typedef struct scan_line {
    sni_emitter *e;
    const sni_passes *passes;
    int axis, width;
} scan_line;

static void emit_body(const scan_line *l, const sni_scope *scope, int width, const bool *needed,
                      const char *const *have) {
    sni_emitter *e = l->e;
    const char **inside = sni_emit_names(e, have);
    if (inside == NULL) return;
    sni_scope local = *scope;
    local.lane_axis = width > 1 ? l->axis : -1;
    local.width = width;
    local.have = have;
    sni_emit_stmts(e, &local, needed, inside);
    sni_emit_inner_stores(e, &local, inside);
}

/* Whole vectors, then single elements, from the end where the scan starts. */
static void emit_loops(const scan_line *l, const sni_scope *scope, const bool *needed, const char *const *have) {
    sni_emitter *e = l->e;
    const char *i = scope->names[l->axis], *n = sni_emit_number(e, e->loop->extents[l->axis]);
    bool reverse = e->loop->reverse;
    sni_emit_line(e, "sn_idx %s = %s;", i, reverse ? n : "0");
    if (l->width > 1) {
        if (reverse) {
            sni_emit_open(e, "while (%s >= %d)", i, l->width);
            sni_emit_line(e, "%s -= %d;", i, l->width);
        } else {
            sni_emit_open(e, "for (; %s - %s >= %d; %s += %d)", n, i, l->width, i, l->width);
        }
        emit_body(l, scope, l->width, needed, have);
        sni_emit_close(e);
    }
    if (reverse)
        sni_emit_open(e, "while (--%s >= 0)", i);
    else
        sni_emit_open(e, "for (; %s < %s; ++%s)", i, n, i);
    emit_body(l, scope, 1, needed, have);
    sni_emit_close(e);
}

static void emit_line(const scan_line *l, const sni_scope *scope) {
    sni_emitter *e = l->e;
    const char **names = sni_emit_names(e, NULL);
    if (names == NULL) return;
    sni_emit_row_stmts(e, scope, l->passes, 0, ~e->loop->inner, names);
    bool *needed = sni_emit_pass_need(e, l->passes, l->passes->count, names);
    const char **have = sni_emit_names(e, names);
    if (needed == NULL || have == NULL) return;
    sni_emit_open(e, "%s", "");
    sni_emit_carries(e, scope, needed);
    emit_loops(l, scope, needed, have);
    sni_emit_close(e);
    sni_emit_row_stores(e, scope, names);
}

static void emit_lines(const scan_line *l, const sni_scope *scope, uint32_t parallel, sni_expr total, sni_expr chunk) {
    sni_emitter *e = l->e;
    if (parallel == 0) {
        emit_line(l, scope);
        return;
    }
    const char *step = sni_emit_number(e, chunk), *all = sni_emit_number(e, total);
    sni_emit_line(e, "const sn_idx first = (sn_idx)get_group_id(0) * %s;", step);
    sni_emit_line(e, "const sn_idx stop = first + min((sn_idx)%s, (sn_idx)%s - first);", step, all);
    sni_emit_open(e, "for (sn_idx row = first; row < stop; ++row)");
    sni_emit_split(e, scope, parallel, "row");
    emit_line(l, scope);
    sni_emit_close(e);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (caps->device_class == SNI_DEVICE_CPU && loop->scans) return true;
    sni_str_append(why, loop->scans ? "the device is no CPU" : "the program has no scans");
    return false;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_schedule_fill(schedule, LANES, sni_cpu_width(loop, caps));
    sni_schedule_fill(schedule, GROUP_WORK, 65536);
    sni_schedule_fill(schedule, UNIT_GROUPS, 4);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_passes passes;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_passes_init(&passes, loop, arena)) return sni_out_of_memory("a kernel's passes");
    uint32_t parallel = sni_parallel_mask(loop);
    sni_expr lines = sni_extent_product(loop, parallel);
    sni_expr work = sni_sym_mul(loop->sym, lines, sni_extent_product(loop, loop->inner));
    scan_line l = {&e, &passes, loop->axis_count - 1, schedule->values[LANES]};
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    int64_t least = (int64_t)(schedule->values[GROUP_WORK] / (passes.cost > 1 ? passes.cost : 1)) + 1;
    sni_chunks chunks = sni_cpu_chunks(loop, caps, lines, work, least, schedule->values[UNIT_GROUPS], 1);
    emit_lines(&l, &scope, parallel, lines, chunks.chunk);
    sni_set_launch(out_spec, loop, parallel != 0 ? chunks.groups : sni_sym_const(loop->sym, 1), 1);
    return sni_emit_end(&e, "cpu_scan", "__attribute__((reqd_work_group_size(1, 1, 1)))");
}

const sni_strategy sni_strategy_cpu_scan = {
    .name = "cpu_scan",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .generate = generate,
};
