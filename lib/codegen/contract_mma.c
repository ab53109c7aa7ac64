/* The strategy gpu_mma: a product of f16 or bf16 operands by a matrix instruction that the device has.
 *
 * Operands are rounded to their dtype where a prologue computes them, and their products are exact in f32. Which tile is
 * chosen when the code is made, from what is known of the sizes; every tile computes every size. */
#include "codegen/strategies.h"
#include "codegen/tile_core.h"

static const sni_tile tiles[] = {
#define SNI_MMA_TILE(name, BM, BN, LINE, WM, WN, STAGES) {#name, BM, BN, LINE, WM, WN, STAGES},
#include "../cl/gemm/gemm.inc"
};
enum { TILE_COUNT = sizeof tiles / sizeof tiles[0], GUESS = 512 };

typedef struct choice {
    const sni_instruction *row;
    const sni_tile *tile;
} choice;

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

/* Enough work-groups for the device, and little of the work past the edges. */
static bool suits(const sni_tile *t, const sni_loop *loop, const sni_caps *caps) {
    double m = extent_of(loop, loop->axes_m), n = extent_of(loop, loop->axes_n);
    double rows = whole_tiles(m, t->bm), cols = whole_tiles(n, t->bn);
    return rows * cols * extent_of(loop, loop->axes_b) >= 0.75 * caps->compute_units &&
           rows * t->bm * cols * t->bn <= 1.6 * m * n;
}

static bool usable(int number, const sni_caps *caps, sinter_dtype dtype) {
    const sni_instruction *row = sni_instruction_at(number);
    return (caps->instructions >> number & 1) != 0 && row->use == SNI_USE_DEFAULT && row->dtype == dtype;
}

/* The first tile that suits with the first instruction that fills it; else the last one that any fills. */
static choice choose(const sni_loop *loop, const sni_caps *caps) {
    choice found = {NULL, NULL};
    for (int t = 0; t < TILE_COUNT; ++t)
        for (int i = 0; i < sni_instruction_count(); ++i) {
            if (!usable(i, caps, loop->stmts[loop->core_a].dtype)) continue;
            if (!sni_tile_fits(sni_instruction_at(i), &tiles[t], caps)) continue;
            found = (choice){sni_instruction_at(i), &tiles[t]};
            if (suits(&tiles[t], loop, caps)) return found;
            break;
        }
    return found;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if (caps->instructions == 0) return sni_contract_refuse(why, "the device has no matrix instruction that is known");
    sinter_dtype a = loop->stmts[loop->core_a].dtype, b = loop->stmts[loop->core_b].dtype;
    if (a != b || loop->stmts[loop->core].dtype != a)
        return sni_contract_refuse(why, "matrix instructions want operands of one dtype");
    if (choose(loop, caps).row != NULL) return true;
    return sni_contract_refuse(why, "no matrix instruction of the device multiplies this dtype exactly");
}

/* ---- The kernel ---- */

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    sni_tile_core core;
    choice chosen = choose(loop, caps);
    if (chosen.row == NULL) return sni_fail(SINTER_INTERNAL, "gpu_mma: no instruction fits");
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, false));
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    sni_tile_core_init(&core, &c, chosen.row, chosen.tile);
    sni_tile_print_head(&e, &c, &core);
    sni_tile_print_product(&e, &c, &core);
    sni_tile_print_epilogue(&e, &c);
    sni_sym *sym = loop->sym;
    int items = sni_tile_items(chosen.row, chosen.tile);
    out_spec->dims = 3;
    out_spec->global[0] =
        sni_sym_mul_i(sym, sni_sym_ceil_div(sym, c.size_n, sni_sym_const(sym, chosen.tile->bn)), items);
    out_spec->global[1] = sni_sym_ceil_div(sym, c.size_m, sni_sym_const(sym, chosen.tile->bm));
    out_spec->global[2] = c.size_b;
    out_spec->local[0] = (size_t)items;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->strategy = "gpu_mma";
    out_spec->notes = sni_emit_format(&e, "%s by %s%s", chosen.tile->name, chosen.row->name,
                                      core.emulate ? ", emulated" : "");
    const char *attributes = sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", items);
    SNI_TRY(sni_emit_end(&e, "gpu_mma", attributes));
    return sni_tile_finish(&e, &core);
}

const sni_strategy sni_strategy_gpu_mma = {"gpu_mma", accepts, generate};
