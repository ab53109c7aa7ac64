/* gpu_transpose: square tiles through local memory.
 *
 * A work-group reads a tile of every load that lies across, line by line of memory, and keeps it in local memory with one
 * element more a line, so that neither rows nor columns of it meet in one bank. After a barrier it computes and stores the
 * points of the tile, line by line of what is written. */
#include "codegen/strategies.h"
#include "codegen/transpose.h"

enum { LOCAL, TILE, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [LOCAL] = SNI_PARAM("local", "work-items of a work-group", 64, 128, 256, 512, 1024),
    [TILE] = SNI_PARAM("tile", "points along each side of a tile", 8, 16, 32, 64),
};

static uint64_t local_bytes(const sni_transpose *t, int tile) {
    return (uint64_t)t->bytes * (uint64_t)tile * (uint64_t)(tile + 1);
}

static uint64_t local_limit(const sni_caps *caps) {
    return caps->local_bytes / (caps->local_counts_twice ? 2 : 1);
}

static bool find(const sni_loop *loop, sni_transpose *out, sni_str *why) {
    sni_arena *arena = sni_arena_create();
    bool found = arena != NULL && sni_transpose_find(loop, arena, out, why);
    sni_arena_release(arena);
    return found;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    sni_transpose t;
    if (caps->device_class != SNI_DEVICE_GPU) {
        sni_str_append(why, "the device is no GPU");
        return false;
    }
    if (!find(loop, &t, why)) return false;
    if (local_bytes(&t, 8) <= local_limit(caps) && caps->max_work_group >= 64) return true;
    sni_str_append(why, "tiles of so many loads exceed local memory, or work-groups are smaller than 64");
    return false;
}

/* Lines of at least 128 bytes where local memory holds two such tiles for a unit to have more than one work-group. */
static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_transpose t;
    int tile = 8;
    if (find(loop, &t, NULL)) {
        tile = t.smallest <= 2 ? 64 : 32;
        while (tile > 8 && 2 * local_bytes(&t, tile) > local_limit(caps)) tile /= 2;
    }
    sni_schedule_fill(schedule, TILE, tile);
    int local = sni_fit_work_group(caps, 256);
    while (local > schedule->values[TILE] * schedule->values[TILE]) local /= 2;
    sni_schedule_fill(schedule, LOCAL, local);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    sni_transpose t;
    int tile = schedule->values[TILE], local = schedule->values[LOCAL];
    if (!sni_work_group_fits(caps, local, why)) return false;
    if (local < tile || local > tile * tile) {
        sni_str_append(why, "a work-group takes whole lines of a tile");
        return false;
    }
    if (find(loop, &t, NULL) && local_bytes(&t, tile) <= local_limit(caps)) return true;
    sni_str_append(why, "the tiles exceed local memory");
    return false;
}

/* Opens a loop over the work-item's points, with `lane` along one axis and lines along the other. */
static void open_points(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, bool reading, int tile,
                        int lines) {
    const char *along = scope->names[t->along], *across = scope->names[t->across];
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int k = 0; k < %d; k += %d)", tile, lines);
    sni_emit_line(e, "const sn_idx %s = base_along + %s, %s = base_across + %s;", along, reading ? "first + k" : "lane",
                  across, reading ? "lane" : "first + k");
    sni_emit_open(e, "if (%s < %s && %s < %s)", along, sni_emit_number(e, e->loop->extents[t->along]), across,
                  sni_emit_number(e, e->loop->extents[t->across]));
}

static void close_points(sni_emitter *e) {
    sni_emit_close(e);
    sni_emit_close(e);
}

static void read_tiles(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, int tile, int lines) {
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        if (!t->staged[s]) continue;
        const char *name = sni_emit_format(e, "s%d", s);
        open_points(t, e, scope, true, tile, lines);
        sni_emit_load_as(e, scope, &e->loop->stmts[s], name);
        sni_emit_line(e, "tile%d[(first + k) * %d + lane] = %s;", s, tile + 1, name);
        close_points(e);
    }
}

static void write_points(const sni_transpose *t, sni_emitter *e, const sni_scope *scope, int tile, int lines) {
    const char **names = sni_emit_names(e, NULL);
    bool *needed = sni_transpose_need(t, e);
    if (names == NULL || needed == NULL) return;
    open_points(t, e, scope, false, tile, lines);
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        if (!t->staged[s]) continue;
        names[s] = sni_emit_format(e, "s%d", s);
        sni_emit_line(e, "const %s %s = tile%d[lane * %d + first + k];",
                      sni_ctype_name(sni_ctype_of(e->loop->stmts[s].dtype), 1), names[s], s, tile + 1);
    }
    sni_transpose_points(t, e, scope, needed, names);
    close_points(e);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_transpose t;
    int tile = schedule->values[TILE], local = schedule->values[LOCAL], lines = local / tile;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_transpose_find(loop, arena, &t, NULL)) return sni_out_of_memory("a kernel's tiles");
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    for (int s = 0; s < loop->stmt_count; ++s)
        if (t.staged[s])
            sni_emit_line(&e, "__local %s tile%d[%d];", sni_ctype_name(sni_ctype_of(loop->stmts[s].dtype), 1), s,
                          tile * (tile + 1));
    sni_emit_line(&e, "const int item = (int)get_local_id(0), lane = item %% %d, first = item / %d;", tile, tile);
    sni_emit_line(&e, "const sn_idx tile = (sn_idx)get_group_id(0);");
    sni_transpose_place(&t, &e, &scope, tile);
    read_tiles(&t, &e, &scope, tile, lines);
    sni_emit_line(&e, "barrier(CLK_LOCAL_MEM_FENCE);");
    write_points(&t, &e, &scope, tile, lines);
    sni_set_launch(out_spec, loop, sni_sym_mul_i(loop->sym, sni_transpose_tiles(&t, tile), local), (size_t)local);
    return sni_emit_end(&e, "gpu_transpose",
                        sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", local));
}

const sni_strategy sni_strategy_gpu_transpose = {
    .name = "gpu_transpose",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
};
