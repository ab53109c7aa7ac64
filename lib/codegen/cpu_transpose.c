/* cpu_transpose: square tiles through private memory, which is a core's own cache.
 *
 * A tile's lines of what is read are whole cache lines, and so are those of what is written: each is touched once. Inside,
 * squares of vectors are turned in registers (cl/transpose/square.cl). The tiles are one linear space, cut into a chunk for
 * each work-group. */
#include "codegen/strategies.h"
#include "codegen/transpose.h"

enum { LANES, TILE, GROUP_WORK, UNIT_GROUPS, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [LANES] = SNI_PARAM("lanes", "points of a vector", 2, 4, 8, 16),
    [TILE] = SNI_PARAM("tile", "points along each side of a tile", 16, 32, 64, 128),
    [GROUP_WORK] = SNI_PARAM("group_work", "simple operations that make a work-group worth its cost", 8192, 16384,
                             32768, 65536, 131072, 262144, 524288),
    [UNIT_GROUPS] = SNI_PARAM("unit_groups", "work-groups of each compute unit, at most", 1, 2, 4, 8, 16),
};

typedef struct tiles {
    sni_emitter *e;
    const sni_transpose *t;
    const sni_scope *scope;
    int width, tile;
} tiles;

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    sni_transpose t;
    if (caps->device_class != SNI_DEVICE_CPU) {
        sni_str_append(why, "the device is no CPU");
        return false;
    }
    sni_arena *arena = sni_arena_create();
    bool found = arena != NULL && sni_transpose_find(loop, arena, &t, why);
    sni_arena_release(arena);
    return found;
}

/* Long lines of a tile are what the memory likes, as far as the tiles of all staged loads stay in a core's second cache. No device
 * says how large that is; 64 KiB leave room in any that is common. */
static int widest_tile(const sni_loop *loop) {
    enum { STAGED_BYTES = 64 << 10 };
    int tile = 128;
    sni_transpose t;
    sni_arena *arena = sni_arena_create();
    if (arena != NULL && sni_transpose_find(loop, arena, &t, NULL))
        while (tile > 16 && tile * tile * t.bytes > STAGED_BYTES) tile /= 2;
    sni_arena_release(arena);
    return tile;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_schedule_fill(schedule, LANES, sni_cpu_width(loop, caps));
    sni_schedule_fill(schedule, TILE, widest_tile(loop));
    sni_schedule_fill(schedule, GROUP_WORK, 65536);
    sni_schedule_fill(schedule, UNIT_GROUPS, 4);
}

/* A tile lies in private memory as it is written: line by line along the last axis. */
static const char *place(const tiles *p, int s, const char *across, const char *along) {
    return sni_emit_format(p->e, "tile%d[%s * %d + %s]", s, across, p->tile, along);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

/* A square of vectors, turned in registers: point by point the same takes as many loads and inserts as there are points. */
static void read_square(const tiles *p, int s) {
    sni_emitter *e = p->e;
    const char *across = p->scope->names[p->t->across], *name = sni_emit_format(e, "s%d", s);
    const char *type = sni_ctype_name(sni_ctype_of(e->loop->stmts[s].dtype), p->width);
    sni_scope lanes = *p->scope;
    lanes.lane_axis = p->t->across, lanes.width = p->width;
    sni_emit_line(e, "%s square[%d];", type, p->width);
    sni_emit_line(e, "const sn_idx %s = base_across + k;", across);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int i = 0; i < %d; ++i)", p->width);
    sni_emit_line(e, "const sn_idx %s = base_along + line + i;", p->scope->names[p->t->along]);
    sni_emit_load_as(e, &lanes, &e->loop->stmts[s], name);
    sni_emit_line(e, "square[i] = %s;", name);
    sni_emit_close(e);
    sni_emit_line(e, "SN_TRANSPOSE%d(%s, square)", p->width, type);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "for (int i = 0; i < %d; ++i) vstore%d(square[i], 0, &%s);", p->width, p->width,
                  place(p, s, "(k + i)", "line"));
}

static void read_point(const tiles *p, int s) {
    sni_emitter *e = p->e;
    const char *name = sni_emit_format(e, "s%d", s);
    sni_emit_line(e, "const sn_idx %s = base_along + line;", p->scope->names[p->t->along]);
    sni_emit_line(e, "const sn_idx %s = base_across + k;", p->scope->names[p->t->across]);
    sni_emit_load_as(e, p->scope, &e->loop->stmts[s], name);
    sni_emit_line(e, "%s = %s;", place(p, s, "k", "line"), name);
}

/* Squares, then the points that fill none: behind each line of squares, and below all of them. */
static void read_tile(const tiles *p, int s) {
    sni_emitter *e = p->e;
    sni_emit_open(e, "for (int line = 0; line < squares_along; line += %d)", p->width);
    sni_emit_open(e, "for (int k = 0; k < squares_across; k += %d)", p->width);
    read_square(p, s);
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_open(e, "for (int line = 0; line < along; ++line)");
    sni_emit_open(e, "for (int k = line < squares_along ? squares_across : 0; k < across; ++k)");
    read_point(p, s);
    sni_emit_close(e);
    sni_emit_close(e);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* The points of a line from k on, width at once, up to `stop`. */
static void write_points(const tiles *p, const bool *needed, int width, const char *start, const char *stop) {
    sni_emitter *e = p->e;
    const char **names = sni_emit_names(e, NULL);
    sni_scope lanes = *p->scope;
    if (names == NULL) return;
    if (width > 1) lanes.lane_axis = p->t->along, lanes.width = width;
    sni_emit_open(e, "for (int k = %s; k < %s; k += %d)", start, stop, width);
    sni_emit_line(e, "const sn_idx %s = base_along + k;", p->scope->names[p->t->along]);
    for (int s = 0; s < e->loop->stmt_count; ++s) {
        if (!p->t->staged[s]) continue;
        const char *type = sni_ctype_name(sni_ctype_of(e->loop->stmts[s].dtype), width);
        const char *from = place(p, s, "line", "k");
        names[s] = sni_emit_format(e, "s%d", s);
        if (width > 1)
            sni_emit_line(e, "const %s %s = vload%d(0, &%s);", type, names[s], width, from);
        else
            sni_emit_line(e, "const %s %s = %s;", type, names[s], from);
    }
    sni_transpose_points(p->t, e, &lanes, needed, names);
    sni_emit_close(e);
}

static void write_tile(const tiles *p) {
    sni_emitter *e = p->e;
    bool *needed = sni_transpose_need(p->t, e);
    if (needed == NULL) return;
    sni_emit_open(e, "for (int line = 0; line < across; ++line)");
    sni_emit_line(e, "const sn_idx %s = base_across + line;", p->scope->names[p->t->across]);
    write_points(p, needed, p->width, "0", "squares_along");
    write_points(p, needed, 1, "squares_along", "along");
    sni_emit_close(e);
}

static void emit_tiles(const tiles *p, sni_expr total, sni_expr chunk) {
    sni_emitter *e = p->e;
    const char *step = sni_emit_number(e, chunk), *all = sni_emit_number(e, total);
    sni_emit_line(e, "const sn_idx begin = (sn_idx)get_group_id(0) * %s;", step);
    sni_emit_line(e, "const sn_idx stop = begin + min((sn_idx)%s, (sn_idx)%s - begin);", step, all);
    sni_emit_open(e, "for (sn_idx tile = begin; tile < stop; ++tile)");
    sni_transpose_place(p->t, e, p->scope, p->tile);
    sni_emit_line(e, "const int along = (int)min((sn_idx)%d, %s - base_along);", p->tile,
                  sni_emit_number(e, e->loop->extents[p->t->along]));
    sni_emit_line(e, "const int across = (int)min((sn_idx)%d, %s - base_across);", p->tile,
                  sni_emit_number(e, e->loop->extents[p->t->across]));
    sni_emit_line(e, "const int squares_along = along - along %% %d, squares_across = across - across %% %d;", p->width,
                  p->width);
    for (int s = 0; s < e->loop->stmt_count; ++s)
        if (p->t->staged[s]) read_tile(p, s);
    write_tile(p);
    sni_emit_close(e);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_transpose t;
    sni_passes passes;
    int tile = schedule->values[TILE];
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    if (!sni_transpose_find(loop, arena, &t, NULL) || !sni_passes_init(&passes, loop, arena))
        return sni_out_of_memory("a kernel's tiles");
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_name_axes(&e, &scope);
    for (int s = 0; s < loop->stmt_count; ++s)
        if (t.staged[s])
            sni_emit_line(&e, "%s tile%d[%d];", sni_ctype_name(sni_ctype_of(loop->stmts[s].dtype), 1), s, tile * tile);
    sni_expr total = sni_transpose_tiles(&t, tile), work = sni_extent_product(loop, sni_parallel_mask(loop));
    int64_t least = (int64_t)(schedule->values[GROUP_WORK] / (passes.cost > 1 ? passes.cost : 1)) + 1;
    sni_chunks chunks = sni_cpu_chunks(loop, caps, total, work, least, schedule->values[UNIT_GROUPS], 1);
    tiles p = {&e, &t, &scope, schedule->values[LANES], tile};
    emit_tiles(&p, total, chunks.chunk);
    sni_set_launch(out_spec, loop, chunks.groups, 1);
    SNI_TRY(sni_emit_end(&e, "cpu_transpose", "__attribute__((reqd_work_group_size(1, 1, 1)))"));
    sni_str head = SNI_STR_INIT;
    sni_str_append(&head, "#include \"transpose/square.cl\"\n");
    return sni_emit_prepend(&e, &head);
}

const sni_strategy sni_strategy_cpu_transpose = {
    .name = "cpu_transpose",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .generate = generate,
};
