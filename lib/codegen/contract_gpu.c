/* The strategy gpu_gemm: a work-group computes a tile of the result from tiles of A and B in local
 * memory.
 *
 *     for every tile of k
 *         load the next tiles into registers            (the prologues run here, once an element)
 *         multiply the current tiles in local memory
 *         store the registers into the other tiles; barrier
 *     the epilogue on every work-item's sums
 *
 * Which tile is chosen when the code is made, from what is known of the sizes; every tile computes
 * every size. */
#include "codegen/contract.h"
#include "codegen/strategies.h"

enum { BM, BN, BK, TM, TN, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [BM] = SNI_PARAM("bm", "rows of a work-group", 16, 32, 64, 128),
    [BN] = SNI_PARAM("bn", "columns of a work-group", 32, 64, 128),
    [BK] = SNI_PARAM("bk", "of k in a tile", 8, 16, 32),
    [TM] = SNI_PARAM("tm", "rows of a work-item", 2, 4, 8),
    [TN] = SNI_PARAM("tn", "columns of a work-item", 4, 8),
};

typedef struct tile {
    int bm, bn, bk, tm, tn;
} tile;

static const tile variants[] = {
#define SNI_GEMM_GPU(name, BM, BN, BK, TM, TN) {BM, BN, BK, TM, TN},
#include "../cl/gemm/gemm.inc"
};
enum { VARIANT_COUNT = sizeof variants / sizeof variants[0], GUESS = 512 };

static int items_of(const tile *t) {
    return t->bm / t->tm * (t->bn / t->tn);
}

static bool fits(const tile *t, const sni_caps *caps, sni_ctype type) {
    size_t bytes = 2 * (size_t)t->bk * (size_t)(t->bm + 4 + t->bn + 4) * (type == SNI_C_DOUBLE ? 8 : 4);
    uint32_t items = (uint32_t)items_of(t);
    return bytes <= sni_contract_local_bytes(caps) && items <= caps->max_work_group && items <= caps->max_work_item[0];
}

static double tiles_along(const sni_loop *loop, uint32_t axes, int by, double *size) {
    *size = 1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (axes >> a & 1) *size *= sni_sym_estimate(loop->sym, loop->extents[a], GUESS);
    double count = (double)(int64_t)((*size < 1e15 ? *size : 1e15) / by);
    return count * by < *size ? count + 1 : count;
}

/* Enough work-groups for the device, and little of the work past the edges. */
static bool suits(const tile *t, const sni_loop *loop, const sni_caps *caps) {
    double m, n, b, rows = tiles_along(loop, loop->axes_m, t->bm, &m),
                    cols = tiles_along(loop, loop->axes_n, t->bn, &n);
    double count = rows * cols * tiles_along(loop, loop->axes_b, 1, &b);
    return count >= 0.75 * caps->compute_units && rows * t->bm * cols * t->bn <= 1.6 * m * n;
}

/* The first tile that fits and suits, or the last one that fits; NULL when none fits. */
static const tile *choose_tile(const sni_loop *loop, const sni_caps *caps) {
    const tile *last = NULL;
    for (int i = 0; i < VARIANT_COUNT; ++i) {
        if (!fits(&variants[i], caps, sni_ctype_of(loop->stmts[loop->core].dtype))) continue;
        last = &variants[i];
        if (suits(last, loop, caps)) break;
    }
    return last;
}

static tile tile_of(const sni_schedule *s) {
    return (tile){s->values[BM], s->values[BN], s->values[BK], s->values[TM], s->values[TN]};
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    const tile *t = choose_tile(loop, caps);
    if (t == NULL) t = &variants[VARIANT_COUNT - 1];
    sni_schedule_fill(schedule, BM, t->bm);
    sni_schedule_fill(schedule, BN, t->bn);
    sni_schedule_fill(schedule, BK, t->bk);
    sni_schedule_fill(schedule, TM, t->tm);
    sni_schedule_fill(schedule, TN, t->tn);
}

static bool fits_device(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    const tile t = tile_of(schedule);
    if (fits(&t, caps, sni_ctype_of(loop->stmts[loop->core].dtype))) return true;
    return sni_contract_refuse(why, "the tile does not fit the device's local memory and work-group size");
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if (caps->device_class != SNI_DEVICE_GPU && !caps->work_items_are_lanes)
        return sni_contract_refuse(why, "made for devices whose lanes are work-items");
    if (choose_tile(loop, caps) != NULL) return true;
    return sni_contract_refuse(why, "no tile fits the device's local memory and work-group size");
}

/* ---- The kernel --------------------------------------------------------------------------------
 */

typedef struct side {
    const sni_operand *op;
    char name; /* 'A' or 'B' */
    const char *first, *size;
} side;

static void open_block(sni_emitter *e, const char *head) {
    sni_emit_line(e, "%s {", head);
    ++e->indent;
}

static void close_block(sni_emitter *e) {
    --e->indent;
    sni_emit_line(e, "}");
}

static bool along_k(const sni_operand *op) {
    return op->along_k.unit && !op->along_outer.unit;
}
static bool four_lanes(const sni_operand *op) {
    return along_k(op) ? op->along_k.aligned4 : op->along_outer.aligned4;
}

static void print_head(sni_emitter *e, const sni_contract *c, const side sides[2]) {
    sni_emit_line(e, "__local SN_GEMM_REAL a_tiles[2 * SN_GEMM_A_TILE] __attribute__((aligned(32)));");
    sni_emit_line(e, "__local SN_GEMM_REAL b_tiles[2 * SN_GEMM_B_TILE] __attribute__((aligned(32)));");
    sni_emit_line(e, "const int item = (int)get_local_id(0);");
    sni_emit_line(e, "const int item_row = item / (SN_GEMM_BN / SN_GEMM_TN), item_col = item & "
                     "(SN_GEMM_BN / SN_GEMM_TN - 1);");
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(0) * SN_GEMM_BN;");
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)get_group_id(1) * SN_GEMM_BM;");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &c->b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s;", sni_contract_number(e, c->size_m));
    sni_emit_line(e, "const sn_idx size_n = %s;", sni_contract_number(e, c->size_n));
    sni_emit_line(e, "const sn_idx size_k = %s;", sni_contract_number(e, c->size_k));
    sni_emit_line(e, "SN_GEMM_V4 sums[SN_GEMM_TM][SN_GEMM_TN / 4];");
    for (int s = 0; s < 2; ++s)
        sni_emit_line(e, "%s next_%c[SN_GEMM_%c_LOADS];", four_lanes(sides[s].op) ? "SN_GEMM_V4" : "SN_GEMM_REAL",
                      sides[s].name, sides[s].name);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "for (int i = 0; i < SN_GEMM_TM; ++i)");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "    for (int j = 0; j < SN_GEMM_TN / 4; ++j) sums[i][j] = 0;");
}

/* Do all loads of a work-item lie in the same row (column), which is then taken apart once? Those along the rows do: a round
 * of all work-items is some whole lines. */
static bool keeps_outer(const tile *t, const side *s) {
    int line = (s->name == 'A' ? t->bm : t->bn) / (four_lanes(s->op) ? 4 : 1);
    bool apart = s->op->outer.count > 1 && !s->op->along_outer.flat;
    return apart && !along_k(s->op) && items_of(t) % line == 0;
}

static void print_kept_outer(sni_emitter *e, const side *s) {
    sni_emit_line(e, "const sn_idx outer_%c = %s + SN_GEMM_%c_AT(item);", s->name, s->first, s->name);
    sni_contract_split(e, &s->op->outer, s->op->along_outer.flat, sni_emit_format(e, "outer_%c", s->name), true);
}

static void print_loads(sni_emitter *e, const sni_contract *c, const tile *t, const side *s) {
    const sni_operand *op = s->op;
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = s->name == 'A' ? "pa" : "pb"};
    sni_emit_line(e, "#pragma unroll");
    open_block(e, sni_emit_format(e, "for (int i = 0; i < SN_GEMM_%c_LOADS; ++i)", s->name));
    sni_emit_line(e, "const int x = item + i * SN_GEMM_ITEMS;");
    sni_emit_line(e, "const sn_idx outer = %s + SN_GEMM_%c_AT(x), kx = k_next + SN_GEMM_%c_K(x);", s->first, s->name,
                  s->name);
    sni_emit_line(e, "next_%c[i] = 0;", s->name);
    open_block(e, sni_emit_format(e, "if (outer < %s && kx < size_k && SN_GEMM_%c_HAS(x))", s->size, s->name));
    if (!keeps_outer(t, s)) sni_contract_split(e, &op->outer, op->along_outer.flat, "outer", true);
    sni_contract_split(e, &c->k, op->along_k.flat, "kx", true);
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &op->outer, op->along_outer.flat, "outer");
    sni_contract_name(e, &scope, &c->k, op->along_k.flat, "kx");
    if (four_lanes(op)) {
        scope.lane_axis = along_k(op) ? c->k.last : op->outer.last;
        scope.width = 4;
        scope.aligned = true;
    }
    sni_emit_line(e, "next_%c[i] = %s;", s->name, sni_contract_value(e, c, op, &scope));
    close_block(e);
    close_block(e);
}

/* The first round only loads, the last one only multiplies. */
static void print_product(sni_emitter *e, const sni_contract *c, const tile *t, const side sides[2]) {
    for (int s = 0; s < 2; ++s)
        if (keeps_outer(t, &sides[s])) print_kept_outer(e, &sides[s]);
    sni_emit_line(e, "int now = 1;");
    open_block(e, "for (sn_idx kb = -SN_GEMM_BK; kb < size_k; kb += SN_GEMM_BK)");
    sni_emit_line(e, "const sn_idx k_next = kb + SN_GEMM_BK;");
    open_block(e, "if (k_next < size_k)");
    print_loads(e, c, t, &sides[0]);
    print_loads(e, c, t, &sides[1]);
    close_block(e);
    open_block(e, "if (kb >= 0)");
    sni_emit_line(e, "SN_GEMM_MULTIPLY(a_tiles + now * SN_GEMM_A_TILE, b_tiles + now * SN_GEMM_B_TILE)");
    close_block(e);
    open_block(e, "if (k_next < size_k)");
    sni_emit_line(e, "SN_GEMM_PUT(A, a_tiles + (now ^ 1) * SN_GEMM_A_TILE, SN_GEMM_LDA, next_A)");
    sni_emit_line(e, "SN_GEMM_PUT(B, b_tiles + (now ^ 1) * SN_GEMM_B_TILE, SN_GEMM_LDB, next_B)");
    close_block(e);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_line(e, "now ^= 1;");
    close_block(e);
}

/* The epilogue at row and col, for four columns or for one. */
static void print_point(sni_emitter *e, const sni_contract *c, bool four) {
    sni_scope scope = {.lane_axis = four ? c->n.last : -1, .width = four ? 4 : 1, .aligned = four, .prefix = "e"};
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &c->m, c->epilogue_flat_m, "row");
    sni_contract_name(e, &scope, &c->n, c->along_n.flat, "col");
    open_block(e, "if (col < size_n)");
    sni_contract_split(e, &c->n, c->along_n.flat, "col", true);
    sni_contract_epilogue(e, c, &scope, "acc");
    close_block(e);
}

static void print_epilogue(sni_emitter *e, const sni_contract *c) {
    bool four = c->along_n.aligned4;
    sni_emit_line(e, "#pragma unroll");
    open_block(e, "for (int i = 0; i < SN_GEMM_TM; ++i)");
    sni_emit_line(e, "const sn_idx row = row0 + SN_GEMM_ROW(i);");
    open_block(e, "if (row < size_m)");
    sni_contract_split(e, &c->m, c->epilogue_flat_m, "row", true);
    sni_emit_line(e, "#pragma unroll");
    open_block(e, "for (int j = 0; j < SN_GEMM_TN / 4; ++j)");
    if (four) {
        sni_emit_line(e, "const sn_idx col = col0 + SN_GEMM_COL(4 * j);");
        sni_emit_line(e, "const SN_GEMM_V4 acc = sums[i][j];");
        print_point(e, c, true);
    } else {
        sni_emit_line(e, "const SN_GEMM_REAL lanes[4] = {sums[i][j].x, sums[i][j].y, sums[i][j].z, "
                         "sums[i][j].w};");
        sni_emit_line(e, "#pragma unroll");
        open_block(e, "for (int lane = 0; lane < 4; ++lane)");
        sni_emit_line(e, "const sn_idx col = col0 + SN_GEMM_COL(4 * j) + lane;");
        sni_emit_line(e, "const SN_GEMM_REAL acc = lanes[lane];");
        print_point(e, c, false);
        close_block(e);
    }
    close_block(e);
    close_block(e);
    close_block(e);
}

/* ---- The strategy ------------------------------------------------------------------------------
 */

static sinter_status finish(sni_emitter *e, const sni_contract *c, const tile *t, const side sides[2]) {
    const char *attributes = sni_emit_format(e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", items_of(t));
    SNI_TRY(sni_emit_end(e, "gpu_gemm", attributes));
    sni_str head = SNI_STR_INIT;
    if (c->type == SNI_C_DOUBLE) sni_str_append(&head, "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
    sni_str_printf(&head, "#define SN_GEMM_REAL %s\n", sni_ctype_name(c->type, 1));
    sni_str_printf(&head, "#define SN_GEMM_BM %d\n#define SN_GEMM_BN %d\n#define SN_GEMM_BK %d\n", t->bm, t->bn, t->bk);
    sni_str_printf(&head, "#define SN_GEMM_TM %d\n#define SN_GEMM_TN %d\n", t->tm, t->tn);
    for (int s = 0; s < 2; ++s)
        sni_str_printf(&head, "#define SN_GEMM_%c_LANES %d\n#define SN_GEMM_%c_ALONG_K %d\n", sides[s].name,
                       four_lanes(sides[s].op) ? 4 : 1, sides[s].name, along_k(sides[s].op) ? 1 : 0);
    sni_str_append(&head, "#include \"gemm/gpu_gemm.cl\"\n");
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    const tile chosen = tile_of(schedule), *t = &chosen;
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, false));
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    const side sides[2] = {{&c.a_op, 'A', "row0", "size_m"}, {&c.b_op, 'B', "col0", "size_n"}};
    print_head(&e, &c, sides);
    print_product(&e, &c, t, sides);
    print_epilogue(&e, &c);
    sni_sym *sym = loop->sym;
    out_spec->dims = 3;
    out_spec->global[0] = sni_sym_mul_i(sym, sni_sym_ceil_div(sym, c.size_n, sni_sym_const(sym, t->bn)), items_of(t));
    out_spec->global[1] = sni_sym_ceil_div(sym, c.size_m, sni_sym_const(sym, t->bm));
    out_spec->global[2] = c.size_b;
    out_spec->local[0] = (size_t)items_of(t);
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->strategy = "gpu_gemm";
    out_spec->notes = sni_emit_format(&e, "sums in %s, loads of %d and %d", sni_ctype_name(c.type, 1),
                                      four_lanes(&c.a_op) ? 4 : 1, four_lanes(&c.b_op) ? 4 : 1);
    return finish(&e, &c, t, sides);
}

const sni_strategy sni_strategy_gpu_gemm = {
    .name = "gpu_gemm",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits_device,
    .generate = generate,
};
