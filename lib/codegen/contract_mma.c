/* The strategy gpu_mma: a product of f16 or bf16 operands by a matrix instruction that the device has.
 *
 * Operands are rounded to their dtype where a prologue computes them, and their products are exact in f32. Which tile is
 * chosen when the code is made, from what is known of the sizes; every tile computes every size. */
#include <math.h>

#include "codegen/strategies.h"
#include "codegen/tile_core.h"

static const sni_tile tiles[] = {
#define SNI_MMA_TILE(name, BM, BN, LINE, WM, WN, STAGES) {#name, BM, BN, LINE, WM, WN, STAGES},
#include "../cl/gemm/gemm.inc"
};
enum { TILE_COUNT = sizeof tiles / sizeof tiles[0], GUESS = 1024 };

/* ---- The schedule ---- */

enum { ROW, BM, BN, LINE, WM, WN, STAGES, PARAM_COUNT };

/* The numbers of all rows, from 1 on. */
enum {
#define SNI_INSTRUCTION(name, ...) NUMBER_##name,
#include "../cl/gemm/instructions.inc"
};
static const int row_numbers[] = {
#define SNI_INSTRUCTION(name, ...) NUMBER_##name + 1,
#include "../cl/gemm/instructions.inc"
};

static const sni_param params[PARAM_COUNT] = {
    [ROW] = {"instruction", "row of cl/gemm/instructions.inc", row_numbers, sizeof row_numbers / sizeof *row_numbers},
    [BM] = SNI_PARAM("bm", "rows of a work-group", 16, 32, 64, 128, 256),
    [BN] = SNI_PARAM("bn", "columns of a work-group", 32, 64, 128, 256),
    [LINE] = SNI_PARAM("line", "bytes of k in a stage", 32, 64, 128),
    [WM] = SNI_PARAM("wm", "rows of a wave", 16, 32, 64, 128),
    [WN] = SNI_PARAM("wn", "columns of a wave", 16, 32, 64, 128),
    [STAGES] = SNI_PARAM("stages", "stages in local memory, where copies are asynchronous", 2, 3, 4, 5, 6),
};

static const sni_instruction *row_of(const sni_schedule *schedule) {
    return sni_instruction_at(schedule->values[ROW] - 1);
}

static sni_tile tile_of(const sni_schedule *schedule) {
    const int *v = schedule->values;
    return (sni_tile){"", v[BM], v[BN], v[LINE], v[WM], v[WN], v[STAGES]};
}

static sni_schedule schedule_of(int row, const sni_tile *t) {
    return (sni_schedule){.strategy = "gpu_mma",
                          .values = {[ROW] = row + 1,
                                     [BM] = t->bm,
                                     [BN] = t->bn,
                                     [LINE] = t->line_bytes,
                                     [WM] = t->wm,
                                     [WN] = t->wn,
                                     [STAGES] = t->stages}};
}

/* Does nothing that is set differ? */
static bool agrees(const sni_schedule *set, const sni_schedule *with) {
    for (int p = 0; p < PARAM_COUNT; ++p)
        if (set->values[p] != 0 && set->values[p] != with->values[p]) return false;
    return true;
}

/* ---- Choosing ---- */

static double extent_of(const sni_loop *loop, uint32_t axes) {
    double size = 1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (axes >> a & 1) size *= sni_sym_estimate(loop->sym, loop->extents[a], GUESS);
    return size;
}

static double whole_tiles(double size, int by) {
    double count = (double)(int64_t)((size < 1e15 ? size : 1e15) / by);
    return count * by < size ? count + 1 : count;
}

/* Elements of whole tiles. */
static double padded(const sni_tile *t, const sni_loop *loop) {
    return whole_tiles(extent_of(loop, loop->axes_m), t->bm) * t->bm *
           whole_tiles(extent_of(loop, loop->axes_n), t->bn) * t->bn;
}

/* Enough work-groups for the device, and little of the work past the edges. */
static bool suits(const sni_tile *t, const sni_loop *loop, const sni_caps *caps) {
    double m = extent_of(loop, loop->axes_m), n = extent_of(loop, loop->axes_n);
    double rows = whole_tiles(m, t->bm), cols = whole_tiles(n, t->bn);
    return rows * cols * extent_of(loop, loop->axes_b) >= 0.75 * caps->compute_units &&
           rows * t->bm * cols * t->bn <= 1.6 * m * n;
}

static sinter_dtype stored_dtype(const sni_loop *loop) {
    return loop->stmts[sni_contract_narrow(loop, loop->core_a)].dtype;
}

static bool usable(int number, const sni_caps *caps, sinter_dtype dtype) {
    const sni_instruction *row = sni_instruction_at(number);
    return (caps->instructions >> number & 1) != 0 && row->use == SNI_USE_DEFAULT && row->dtype == dtype;
}

/* Are both operands read as they are stored? */
static bool is_plain(const sni_loop *loop) {
    const int operands[2] = {sni_contract_narrow(loop, loop->core_a), sni_contract_narrow(loop, loop->core_b)};
    for (int i = 0; i < 2; ++i) {
        const sni_stmt *s = &loop->stmts[operands[i]];
        if (s->kind != SNI_STMT_LOAD || s->guard != SNI_NO_EXPR || sni_sym_uses_value(loop->sym, s->offset))
            return false;
    }
    return true;
}

/* The tile with as many of its stages as fit, within what is set. */
static bool fit_stages(int row, const sni_tile *tile, const sni_loop *loop, const sni_caps *caps,
                       const sni_schedule *set, sni_schedule *out) {
    for (sni_tile t = *tile; t.stages >= 2; --t.stages) {
        *out = schedule_of(row, &t);
        if (agrees(set, out) && sni_tile_fits(sni_instruction_at(row), &t, caps, is_plain(loop))) return true;
    }
    return false;
}

/* The first tile that suits with the first instruction that fills it; else, among those that any fills, the one that
 * computes least past the edges, and has most work-groups. Within what is set. false: there is none. */
static bool find(const sni_loop *loop, const sni_caps *caps, const sni_schedule *set, sni_schedule *out) {
    double least = INFINITY;
    for (int t = 0; t < TILE_COUNT; ++t)
        for (int i = 0; i < sni_instruction_count(); ++i) {
            sni_schedule with;
            if (!usable(i, caps, stored_dtype(loop)) || !fit_stages(i, &tiles[t], loop, caps, set, &with)) continue;
            if (suits(&tiles[t], loop, caps)) {
                *out = with;
                return true;
            }
            double cost = padded(&tiles[t], loop) + tiles[t].bm * tiles[t].bn;
            if (cost < least) *out = with;
            if (cost < least) least = cost;
            break;
        }
    return least < INFINITY;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    static const sni_schedule open = {0};
    sni_schedule found = {0};
    if (!find(loop, caps, schedule, &found) && !find(loop, caps, &open, &found)) return;
    for (int p = 0; p < PARAM_COUNT; ++p) sni_schedule_fill(schedule, p, found.values[p]);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    const sni_instruction *row = row_of(schedule);
    sni_tile tile = tile_of(schedule);
    if (row == NULL || !usable(schedule->values[ROW] - 1, caps, stored_dtype(loop)))
        return sni_contract_refuse(why, "the instruction is not there, or not for this dtype");
    if (!sni_tile_fits(row, &tile, caps, is_plain(loop)))
        return sni_contract_refuse(why, "the instruction does not fill the tile, or the tile does not fit the device");
    return true;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if (caps->instructions == 0) return sni_contract_refuse(why, "the device has no matrix instruction that is known");
    sinter_dtype a = stored_dtype(loop), b = loop->stmts[sni_contract_narrow(loop, loop->core_b)].dtype;
    if (a != b) return sni_contract_refuse(why, "matrix instructions want operands of one dtype");
    if (!sni_contract_sums_are_short(loop))
        return sni_contract_refuse(why, "a matrix instruction's sum of so many products is not as exact as f32");
    static const sni_schedule open = {0};
    sni_schedule found;
    if (find(loop, caps, &open, &found)) return true;
    return sni_contract_refuse(why, "no matrix instruction of the device multiplies this dtype exactly");
}

/* ---- The kernel ---- */

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    sni_tile_core core;
    const sni_instruction *row = row_of(schedule);
    const sni_tile tile = tile_of(schedule);
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, false));
    c.a_op.stmt = sni_contract_narrow(loop, c.a_op.stmt);
    c.b_op.stmt = sni_contract_narrow(loop, c.b_op.stmt);
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    sni_tile_core_init(&core, &c, row, &tile);
    sni_tile_print_head(&e, &c, &core);
    sni_tile_print_product(&e, &c, &core);
    sni_tile_print_epilogue(&e, &c);
    sni_sym *sym = loop->sym;
    int items = sni_tile_items(row, &tile);
    out_spec->dims = 3;
    out_spec->global[0] = sni_sym_mul_i(sym, sni_sym_ceil_div(sym, c.size_n, sni_sym_const(sym, tile.bn)), items);
    out_spec->global[1] = sni_sym_ceil_div(sym, c.size_m, sni_sym_const(sym, tile.bm));
    out_spec->global[2] = c.size_b;
    out_spec->local[0] = (size_t)items;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->notes = sni_emit_format(&e, "%s%s, tiles of %d x %d x %d", row->name, core.emulate ? " emulated" : "",
                                      tile.bm, tile.bn, core.bk);
    const char *attributes = sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", items);
    SNI_TRY(sni_emit_end(&e, "gpu_mma", attributes));
    return sni_tile_finish(&e, &core);
}

const sni_strategy sni_strategy_gpu_mma = {.name = "gpu_mma",
                                           .params = params,
                                           .param_count = PARAM_COUNT,
                                           .accepts = accepts,
                                           .choose = choose,
                                           .fits = fits,
                                           .generate = generate};
