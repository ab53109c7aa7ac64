/* The strategy cpu_gemm: one work-item per work-group computes a block of rows and columns.
 *
 *     for every block of k
 *         pack B's columns into local memory; B's prologue runs here, once an element
 *         for every tile of rows
 *             point at A's rows, or pack them; A's prologue runs here
 *             for every panel of columns: multiply, with sums in registers; add them to a local scratch
 *     for every row: the epilogue, along the columns
 *
 * Sizes are kernel arguments; the blocks that a work-group takes are chosen per binding so that all
 * compute units get work. */
#include "codegen/contract.h"
#include "codegen/strategies.h"

enum { KC, NB, MB, MA, MR, MIN_ROWS, UNIT_GROUPS, ORDER, PARAM_COUNT };
enum { ORDER_AS_WRITTEN = 1, ORDER_SWAPPED = 2 };

static const sni_param params[PARAM_COUNT] = {
    [KC] = SNI_PARAM("kc", "of k in a block", 32, 64, 128, 256, 512),
    [NB] = SNI_PARAM("nb", "columns of a block, at most", 32, 64, 128, 256, 512),
    [MB] = SNI_PARAM("mb", "rows of a block, at most", 12, 24, 48, 96, 192),
    [MA] = SNI_PARAM("ma", "rows of A packed at once", 6, 12, 24, 48),
    [MR] = SNI_PARAM("mr", "rows of a tile in registers", 4, 6, 8, 12),
    [MIN_ROWS] = SNI_PARAM("min_rows", "rows of a work-group before columns are split", 12, 24, 48, 96),
    [UNIT_GROUPS] = SNI_PARAM("unit_groups", "work-groups of each compute unit, about", 1, 2, 4, 8, 16),
    [ORDER] = SNI_PARAM("order", "1: lanes along n; 2: along m", ORDER_AS_WRITTEN, ORDER_SWAPPED),
};

typedef struct blocks {
    int kc, nb, mb, ma;
} blocks;

static const blocks variants[] = {
#define SNI_GEMM_CPU(name, KC, NB, MB, MA) {KC, NB, MB, MA},
#include "../cl/gemm/gemm.inc"
};
enum { VARIANT_COUNT = sizeof variants / sizeof variants[0] };

static size_t local_bytes_of(const blocks *v, size_t element_bytes, bool pack_a) {
    size_t elements = (size_t)v->kc * v->nb + (size_t)v->mb * v->nb + (pack_a ? (size_t)v->ma * v->kc : 0);
    return elements * element_bytes;
}

/* NULL when not even the smallest blocks fit. */
static const blocks *choose_blocks(const sni_caps *caps, sni_ctype type, bool pack_a) {
    for (int i = 0; i < VARIANT_COUNT; ++i)
        if (local_bytes_of(&variants[i], type == SNI_C_DOUBLE ? 8 : 4, pack_a) <= sni_contract_local_bytes(caps))
            return &variants[i];
    return NULL;
}

static blocks blocks_of(const sni_schedule *s) {
    return (blocks){s->values[KC], s->values[NB], s->values[MB], s->values[MA]};
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if (caps->device_class != SNI_DEVICE_CPU) return sni_contract_refuse(why, "made for CPUs");
    if (caps->work_items_are_lanes) return sni_contract_refuse(why, "the device's lanes are work-items, not vectors");
    if (choose_blocks(caps, sni_ctype_of(loop->stmts[loop->core].dtype), true) != NULL) return true;
    return sni_contract_refuse(why, "the smallest blocks do not fit in local memory");
}

/* ---- Geometry ----------------------------------------------------------------------------------
 */

typedef struct geometry {
    sni_expr rows, cols;             /* of a work-group */
    sni_expr row_blocks, col_blocks; /* how many work-groups */
} geometry;

/* size / parts, rounded up to a multiple of step, at least least and at most most (multiples of
 * step). */
static sni_expr share(sni_sym *sym, sni_expr size, sni_expr parts, int step, int least, int most) {
    sni_expr each = sni_sym_ceil_div(sym, sni_sym_ceil_div(sym, size, parts), sni_sym_const(sym, step));
    each = sni_sym_max(sym, each, sni_sym_const(sym, least / step));
    each = sni_sym_min(sym, each, sni_sym_const(sym, most / step));
    return sni_sym_mul_i(sym, each, step);
}

/* Columns are split first: that packs no element of B twice. */
static geometry geometry_of(const sni_contract *c, const sni_schedule *schedule, int width) {
    sni_sym *sym = c->loop->sym;
    sni_expr one = sni_sym_const(sym, 1),
             wanted = sni_sym_const(sym, (int64_t)c->caps->compute_units * schedule->values[UNIT_GROUPS]);
    int nr = 2 * width, nb = schedule->values[NB], mb = schedule->values[MB], mr = schedule->values[MR];
    int min_rows = schedule->values[MIN_ROWS] < mb ? schedule->values[MIN_ROWS] : mb;
    geometry g;
    sni_expr around =
        sni_sym_max(sym, one, sni_sym_mul(sym, c->size_b, sni_sym_ceil_div(sym, c->size_m, sni_sym_const(sym, mb))));
    sni_expr parts = sni_sym_ceil_div(sym, wanted, around);
    g.cols = share(sym, c->size_n, parts, nr, nr, nb);
    sni_expr count = sni_sym_max(sym, one, sni_sym_ceil_div(sym, c->size_n, g.cols));
    g.cols = share(sym, c->size_n, count, nr, nr, nb);
    g.col_blocks = sni_sym_ceil_div(sym, c->size_n, g.cols);
    around = sni_sym_max(sym, one, sni_sym_mul(sym, c->size_b, g.col_blocks));
    parts = sni_sym_ceil_div(sym, wanted, around);
    g.rows = share(sym, c->size_m, parts, mr, min_rows, mb);
    count = sni_sym_max(sym, one, sni_sym_ceil_div(sym, c->size_m, g.rows));
    g.rows = share(sym, c->size_m, count, mr, mr, mb);
    g.row_blocks = sni_sym_ceil_div(sym, c->size_m, g.rows);
    return g;
}

/* ---- The kernel --------------------------------------------------------------------------------
 */

static void open_block(sni_emitter *e, const char *head) {
    sni_emit_line(e, "%s {", head);
    ++e->indent;
}

static void close_block(sni_emitter *e) {
    --e->indent;
    sni_emit_line(e, "}");
}

static void print_head(sni_emitter *e, const sni_contract *c, const geometry *g, const blocks *v, bool prepacked) {
    const char *cols = sni_contract_number(e, g->cols), *rows = sni_contract_number(e, g->rows);
    if (!prepacked) sni_emit_line(e, "__local SN_GEMM_REAL b_block[%d];", v->kc * v->nb);
    sni_emit_line(e, "__local SN_GEMM_REAL sums[%d];", v->mb * v->nb);
    if (!c->a_op.direct) sni_emit_line(e, "__local SN_GEMM_REAL a_block[%d];", v->ma * v->kc);
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(0) * %s;", cols);
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)get_group_id(1) * %s;", rows);
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &c->b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_k = %s;", sni_contract_number(e, c->size_k));
    sni_emit_line(e, "const int cols = (int)min((sn_idx)(%s), (sn_idx)(%s - col0));", cols,
                  sni_contract_number(e, c->size_n));
    sni_emit_line(e, "const int rows = (int)min((sn_idx)(%s), (sn_idx)(%s - row0));", rows,
                  sni_contract_number(e, c->size_m));
    sni_emit_line(e, "const int panels = (cols + SN_GEMM_NR - 1) / SN_GEMM_NR;");
}

/* A where it lies: the address of every row at the first k of the block. */
static void point_at_rows(sni_emitter *e, const sni_contract *c) {
    const sni_stmt *load = &c->loop->stmts[c->a_op.stmt];
    bool flat = c->a_op.along_outer.flat;
    sni_scope scope = {.lane_axis = -1, .width = 1};
    open_block(e, "for (int r = 0; r < step; ++r)");
    sni_emit_line(e, "const sn_idx row = row0 + i + r;");
    sni_contract_split(e, &c->m, flat, "row", true);
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &c->m, flat, "row");
    sni_contract_name(e, &scope, &c->k, true, "kb");
    sni_emit_line(e, "a[r] = %s + %s;", sni_emit_buffer(e, load->buffer),
                  sni_emit_index_text(e, &scope, load->offset, 0));
    close_block(e);
}

static void pack_rows(sni_emitter *e, const sni_contract *c, const blocks *v, int width) {
    open_block(e, sni_emit_format(e, "if (i %% %d == 0 && kc > 0)", v->ma));
    sni_emit_line(e, "const sn_idx a_row0 = row0 + i;");
    sni_emit_line(e, "const int a_rows = min(%d, rows - i);", v->ma);
    sni_contract_pack_a(e, c, width);
    close_block(e);
    sni_emit_line(e, "for (int r = 0; r < step; ++r) a[r] = a_block + (i %% %d + r) * SN_GEMM_KC;", v->ma);
}

/* k = 0 goes through the loop once too: then the tiles store zeros. */
static void print_product(sni_emitter *e, const sni_contract *c, const blocks *v, int width,
                          const sni_preparation *prepacked) {
    open_block(e, "for (sn_idx kb = 0; kb == 0 || kb < size_k; kb += SN_GEMM_KC)");
    sni_emit_line(e, "const int kc = (int)min((sn_idx)SN_GEMM_KC, (sn_idx)(size_k - kb));");
    if (prepacked) {
        sni_contract_read_prepacked(e, c, prepacked);
    } else {
        open_block(e, "if (kc > 0)");
        sni_contract_pack_b(e, c, width);
        close_block(e);
    }
    open_block(e, "for (int i = 0; i < rows;)");
    sni_emit_line(e, "const int step = sn_gemm_rows(rows - i);");
    sni_emit_line(e, "SN_GEMM_A_PTR a[SN_GEMM_MR];");
    if (c->a_op.direct)
        point_at_rows(e, c);
    else
        pack_rows(e, c, v, width);
    sni_emit_line(e, "for (int p = 0; p < panels; ++p)");
    sni_emit_line(e,
                  "    sn_gemm_tile(step, a, b_block + p * %s, "
                  "sums + i * SN_GEMM_LDC + p * SN_GEMM_NR, kc, kb == 0);",
                  prepacked ? "b_panel" : "(SN_GEMM_KC * SN_GEMM_NR)");
    sni_emit_line(e, "i += step;");
    close_block(e);
    close_block(e);
}

static sni_scope epilogue_scope(sni_emitter *e, const sni_contract *c) {
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "e"};
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &c->m, c->epilogue_flat_m, "row");
    sni_contract_name(e, &scope, &c->n, c->along_n.flat, "col");
    return scope;
}

static void print_epilogue(sni_emitter *e, const sni_contract *c, int width) {
    bool flat = c->along_n.flat;
    sni_scope scope = epilogue_scope(e, c), lanes = scope;
    lanes.lane_axis = c->n.last;
    lanes.width = width;
    open_block(e, "for (int i = 0; i < rows; ++i)");
    sni_emit_line(e, "const sn_idx row = row0 + i;");
    sni_contract_split(e, &c->m, c->epilogue_flat_m, "row", true);
    open_block(e, "for (int j = 0; j < cols;)");
    sni_emit_line(e, "const sn_idx col = col0 + j;");
    sni_contract_split(e, &c->n, flat, "col", true);
    sni_emit_line(e, "__local const SN_GEMM_REAL *from = sums + i * SN_GEMM_LDC + j;");
    if (c->n.last >= 0) {
        const char *fits = "j + SN_GEMM_W <= cols";
        if (!flat && c->n.count > 1)
            fits = sni_emit_format(e, "%s && x%d + SN_GEMM_W <= %s", fits, c->n.last,
                                   sni_contract_number(e, c->loop->extents[c->n.last]));
        open_block(e, sni_emit_format(e, "if (%s)", fits));
        sni_emit_line(e, "const SN_GEMM_V acc = SN_GEMM_VLOAD(0, from);");
        sni_contract_epilogue(e, c, &lanes, "acc");
        sni_emit_line(e, "j += SN_GEMM_W;");
        sni_emit_line(e, "continue;");
        close_block(e);
    }
    sni_emit_line(e, "const SN_GEMM_REAL acc = *from;");
    sni_contract_epilogue(e, c, &scope, "acc");
    sni_emit_line(e, "++j;");
    close_block(e);
    close_block(e);
}

/* ---- The strategy ------------------------------------------------------------------------------
 */

/* Lanes of a vector: what the device says, within what OpenCL and the templates have. */
static int width_of(const sni_caps *caps, sni_ctype type) {
    int width = caps->native_float_width >= 16 ? 16 : caps->native_float_width >= 8 ? 8 : 4;
    return type == SNI_C_DOUBLE ? width / 2 : width;
}

/* Is A packed, or read where it lies? When memory is out: packed, which any program can be. */
static bool packs_a(const sni_loop *loop, const sni_caps *caps, bool swap) {
    sni_contract c;
    sni_arena *arena = sni_arena_create();
    bool direct = arena != NULL &&
                  sni_contract_init(&c, sni_contract_split_axes(loop, arena), caps, arena, swap) == SINTER_OK &&
                  c.a_op.direct;
    sni_arena_release(arena);
    return !direct;
}

/* A matrix times a column: the lanes lie along the columns, so the many rows become the columns. */
static bool want_swap(const sni_loop *loop, int width) {
    sni_expr size[2] = {sni_sym_const(loop->sym, 1), sni_sym_const(loop->sym, 1)};
    for (int a = 0; a < loop->axis_count; ++a) {
        if (loop->axes_m >> a & 1) size[0] = sni_sym_mul(loop->sym, size[0], loop->extents[a]);
        if (loop->axes_n >> a & 1) size[1] = sni_sym_mul(loop->sym, size[1], loop->extents[a]);
    }
    int64_t n, m;
    if (!sni_sym_is_const(loop->sym, size[1], &n) || n >= width / 2) return false;
    return !sni_sym_is_const(loop->sym, size[0], &m) || m > n;
}

/* What no record says: the tile that the templates were written for, blocks by local memory, and the order by which operand
 * is a column. */
static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_ctype type = sni_ctype_of(loop->stmts[loop->core].dtype);
    bool swap = want_swap(loop, width_of(caps, type));
    sni_schedule_fill(schedule, ORDER, swap ? ORDER_SWAPPED : ORDER_AS_WRITTEN);
    const blocks *v = choose_blocks(caps, type, packs_a(loop, caps, schedule->values[ORDER] == ORDER_SWAPPED));
    if (v == NULL) v = &variants[VARIANT_COUNT - 1];
    sni_schedule_fill(schedule, KC, v->kc);
    sni_schedule_fill(schedule, NB, v->nb);
    sni_schedule_fill(schedule, MB, v->mb);
    sni_schedule_fill(schedule, MA, v->ma);
    sni_schedule_fill(schedule, MR, 6);
    sni_schedule_fill(schedule, MIN_ROWS, 48);
    sni_schedule_fill(schedule, UNIT_GROUPS, 4);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    sni_ctype type = sni_ctype_of(loop->stmts[loop->core].dtype);
    const blocks v = blocks_of(schedule);
    const int *values = schedule->values;
    if (v.mb % values[MR] != 0 || v.ma % values[MR] != 0 || values[MIN_ROWS] % values[MR] != 0)
        return sni_contract_refuse(why, "mb, ma and min_rows are multiples of mr");
    bool packs = packs_a(loop, caps, values[ORDER] == ORDER_SWAPPED);
    if (local_bytes_of(&v, type == SNI_C_DOUBLE ? 8 : 4, packs) <= sni_contract_local_bytes(caps)) return true;
    return sni_contract_refuse(why, "the blocks do not fit in local memory");
}

static sinter_status finish(sni_emitter *e, const sni_contract *c, const sni_schedule *schedule, int width,
                            bool prepacked) {
    SNI_TRY(sni_emit_end(e, "cpu_gemm", "__attribute__((reqd_work_group_size(1, 1, 1)))"));
    sni_str head = SNI_STR_INIT;
    if (c->type == SNI_C_DOUBLE) sni_str_append(&head, "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
    sni_str_printf(&head, "#define SN_GEMM_REAL %s\n#define SN_GEMM_W %d\n", sni_ctype_name(c->type, 1), width);
    sni_str_printf(&head, "#define SN_GEMM_LDC %d\n#define SN_GEMM_KC %d\n#define SN_GEMM_MR %d\n",
                   schedule->values[NB], schedule->values[KC], schedule->values[MR]);
    if (!c->a_op.direct) sni_str_append(&head, "#define SN_GEMM_A_PACKED\n");
    if (prepacked) sni_str_append(&head, "#define SN_GEMM_B_PREPACKED\n");
    sni_str_append(&head, "#include \"gemm/cpu_gemm.cl\"\n");
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    const blocks v = blocks_of(schedule);
    int width = width_of(caps, sni_ctype_of(loop->stmts[loop->core].dtype));
    loop = sni_contract_split_axes(loop, arena);
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, schedule->values[ORDER] == ORDER_SWAPPED));
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    geometry g = geometry_of(&c, schedule, width);
    const sni_preparation *prepacked = sni_contract_prepack_b(&c, 2 * width, arena);
    print_head(&e, &c, &g, &v, prepacked != NULL);
    print_product(&e, &c, &v, width, prepacked);
    print_epilogue(&e, &c, width);
    out_spec->dims = 3;
    out_spec->global[0] = g.col_blocks;
    out_spec->global[1] = g.row_blocks;
    out_spec->global[2] = c.size_b;
    for (int d = 0; d < 3; ++d) out_spec->local[d] = 1;
    out_spec->strategy = "cpu_gemm";
    out_spec->notes = sni_emit_format(&e, "sums in %s, A %s%s", sni_ctype_name(c.type, 1),
                                      c.a_op.direct ? "in place" : "packed", prepacked ? ", B packed once" : "");
    return finish(&e, &c, schedule, width, prepacked != NULL);
}

const sni_strategy sni_strategy_cpu_gemm = {
    .name = "cpu_gemm",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
};
