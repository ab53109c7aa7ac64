/* The strategy gpu_wgmma: a product of f16 or bf16 operands by wgmma, on NVIDIA's 9.0.
 *
 * Operands are copied by tensor maps, so each has to be a matrix in memory for every batch: neighbours along k or along rows
 * (columns), lines whose distance is a multiple of 16 bytes. What is not, or is computed on the way, is left to gpu_mma. */
#include <math.h>

#include "codegen/contract.h"
#include "codegen/layout.h"
#include "codegen/strategies.h"
#include "codegen/wgmma_map.h"
#include "codegen/wgmma_sums.h"
#include "device/wgmma.h"
#include "kernel/patch.h"

enum { GROUPS, BN, STAGES, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [GROUPS] = SNI_PARAM("groups", "warpgroups that multiply, of 64 rows each", 1, 2),
    [BN] = SNI_PARAM("bn", "columns of a work-group", 64, 128, 192, 256),
    [STAGES] = SNI_PARAM("stages", "stages of 64 k in local memory", 2, 3, 4, 5, 6, 7, 8, 9, 10, 12),
};

enum { GUESS = 1024, LEAST_SIDE = 48, LEAST_K = 64 };

static sinter_dtype stored_dtype(const sni_loop *loop, int stmt) {
    return loop->stmts[sni_contract_narrow(loop, stmt)].dtype;
}

/* ---- Choosing ---- */

static double extent_of(const sni_loop *loop, uint32_t axes) {
    double size = 1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (axes >> a & 1) size *= sni_sym_estimate(loop->sym, loop->extents[a], GUESS);
    return size;
}

static sni_wgmma wgmma_of(const sni_loop *loop, const int *values) {
    return (sni_wgmma){stored_dtype(loop, loop->core_a), values[GROUPS], values[BN], values[STAGES], true, true};
}

/* About how many clocks a product takes, by rounds of work-groups over the units. A wgmma of n columns takes n / 8 * 4 clocks
 * for 64 rows of 16 k, and reads its operands from local memory meanwhile, which narrow tiles wait for. */
static double clocks(const sni_loop *loop, const sni_caps *caps, int groups, int bn) {
    double m = extent_of(loop, loop->axes_m), n = extent_of(loop, loop->axes_n), b = extent_of(loop, loop->axes_b);
    double rows = ceil(m / (groups * 64)), columns = ceil(n / bn), steps = ceil(extent_of(loop, loop->inner) / 64);
    double share = bn >= 192 ? 1 : bn == 128 ? 0.85 : 0.55;
    if (groups == 1) share *= 0.8;
    double rounds = ceil(rows * columns * b / caps->compute_units);
    return rounds * (steps * groups * bn * 2 / share + 10.0 * bn) + 1500;
}

/* As many stages as fit. 0: none does. */
static int most_stages(const sni_loop *loop, const sni_caps *caps, int groups, int bn) {
    for (int i = params[STAGES].count - 1; i >= 0; --i) {
        sni_wgmma w = wgmma_of(loop, (const int[PARAM_COUNT]){groups, bn, params[STAGES].legal[i]});
        if (sni_wgmma_fits(&w, caps)) return params[STAGES].legal[i];
    }
    return 0;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    double least = INFINITY;
    int best[2] = {2, 256};
    for (int g = 0; g < params[GROUPS].count; ++g)
        for (int n = 0; n < params[BN].count; ++n) {
            int groups = params[GROUPS].legal[g], bn = params[BN].legal[n];
            bool differs = (schedule->values[GROUPS] != 0 && schedule->values[GROUPS] != groups) ||
                           (schedule->values[BN] != 0 && schedule->values[BN] != bn);
            double time = clocks(loop, caps, groups, bn);
            if (differs || most_stages(loop, caps, groups, bn) == 0 || time >= least) continue;
            least = time;
            best[0] = groups;
            best[1] = bn;
        }
    sni_schedule_fill(schedule, GROUPS, best[0]);
    sni_schedule_fill(schedule, BN, best[1]);
    int stages = most_stages(loop, caps, schedule->values[GROUPS], schedule->values[BN]);
    sni_schedule_fill(schedule, STAGES, stages > 0 ? stages : 4);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    sni_wgmma w = wgmma_of(loop, schedule->values);
    if (sni_wgmma_fits(&w, caps)) return true;
    return sni_contract_refuse(why, "the ring does not fit local memory, or leaves room for a second work-group");
}

static bool has_matrices(const sni_loop *loop, const sni_caps *caps, sni_wgmma_matrix *a, sni_wgmma_matrix *b) {
    sni_contract c;
    sni_arena *arena = sni_arena_create();
    bool both = arena != NULL && sni_contract_init(&c, loop, caps, arena, false) == SINTER_OK &&
                sni_wgmma_matrix_of(&c, &c.a_op, a) && sni_wgmma_matrix_of(&c, &c.b_op, b);
    sni_arena_release(arena);
    return both;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!sni_contract_accepts(loop, caps, why)) return false;
    sinter_dtype dtype = stored_dtype(loop, loop->core_a);
    sni_wgmma_matrix a, b;
    if ((caps->wgmma & sni_wgmma_bit(dtype)) == 0 || dtype != stored_dtype(loop, loop->core_b))
        return sni_contract_refuse(why, "the device has no wgmma that multiplies these dtypes exactly");
    if (!sni_contract_sums_are_short(loop))
        return sni_contract_refuse(why, "a matrix instruction's sum of so many products is not as exact as f32");
    if (extent_of(loop, loop->axes_m) < LEAST_SIDE || extent_of(loop, loop->axes_n) < LEAST_SIDE ||
        extent_of(loop, loop->inner) < LEAST_K)
        return sni_contract_refuse(why, "a side is too short for tiles of 64");
    if (!has_matrices(loop, caps, &a, &b))
        return sni_contract_refuse(why,
                                   "an operand is no matrix in memory whose lines are multiples of 16 bytes apart");
    return true;
}

/* ---- The kernel ---- */

static void print_map(sni_emitter *e, const sni_contract *c, const sni_operand *op, const sni_wgmma_matrix *from,
                      char name) {
    bool is_a = name == 'A';
    const sni_wgmma_map map = {.name = is_a ? "map_A" : "map_B",
                               .size_outer = is_a ? "size_m" : "size_n",
                               .size_k = "size_k",
                               .lines = !from->along_k ? "64"
                                        : is_a         ? "SN_WG_BM"
                                                       : "SN_WG_BN"};
    sni_wgmma_print_map(e, c, op, from, &map);
}

static void print_head(sni_emitter *e, const sni_contract *c, const sni_wgmma_matrix *a, const sni_wgmma_matrix *b) {
    sni_emit_line(e, "SN_WG_BEGIN");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &c->b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s;", sni_contract_number(e, c->size_m));
    sni_emit_line(e, "const sn_idx size_n = %s;", sni_contract_number(e, c->size_n));
    sni_emit_line(e, "const sn_idx size_k = %s;", sni_contract_number(e, c->size_k));
    sni_emit_open(e, "if (item == 0)");
    print_map(e, c, &c->a_op, a, 'A');
    print_map(e, c, &c->b_op, b, 'B');
    sni_emit_close(e);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);");
    sni_emit_line(e, "SN_WG_COUNTS");
}

static void print_tiles(sni_emitter *e, const sni_contract *c) {
    sni_emit_open(e, "if (group == SN_WG_GROUPS)");
    sni_emit_line(e, "SN_WG_PRODUCE");
    sni_emit_close(e);
    sni_emit_open(e, "else");
    sni_emit_line(e, "SN_WG_MANY_REGISTERS");
    sni_emit_line(e, "__local float *const slab = SN_WG_SLAB_AT;");
    sni_emit_open(e, "SN_WG_EACH_TILE");
    sni_emit_line(e, "SN_WG_TILE");
    sni_emit_line(e, "float sums[SN_WG_BN / 2];");
    sni_emit_line(e, "SN_WG_MULTIPLY(sums)");
    sni_wgmma_print_sums(e, c, NULL);
    sni_emit_close(e);
    sni_emit_close(e);
}

static sinter_status prepend(sni_emitter *e, const sni_wgmma *w) {
    sni_str head = SNI_STR_INIT;
    sni_str_append(&head, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n#define " SNI_PATCH_MARK "\n");
    sni_wgmma_print(w, &head);
    sni_str_append(&head, "#include \"gemm/gpu_wgmma.cl\"\n");
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    sni_wgmma_matrix a, b;
    sni_sym *sym = loop->sym;
    sni_wgmma w = wgmma_of(loop, schedule->values);
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, false));
    if (!sni_wgmma_matrix_of(&c, &c.a_op, &a) || !sni_wgmma_matrix_of(&c, &c.b_op, &b))
        return sni_fail(SINTER_INTERNAL, "an operand is no matrix");
    w.a_along_k = a.along_k;
    w.b_along_k = b.along_k;
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    print_head(&e, &c, &a, &b);
    print_tiles(&e, &c);
    int items = sni_wgmma_items(&w);
    sni_expr tiles = sni_sym_mul(sym, sni_sym_ceil_div(sym, c.size_n, sni_sym_const(sym, w.bn)),
                                 sni_sym_ceil_div(sym, c.size_m, sni_sym_const(sym, w.groups * SNI_WGMMA_ROWS)));
    tiles = sni_sym_min(sym, tiles, sni_sym_const(sym, caps->compute_units));
    out_spec->dims = 3;
    out_spec->global[0] = sni_sym_mul_i(sym, tiles, items);
    out_spec->global[1] = sni_sym_const(sym, 1);
    out_spec->global[2] = c.size_b;
    out_spec->local[0] = (size_t)items;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->notes = sni_emit_format(&e, "wgmma, tiles of %d x %d x %d, %d stages", w.groups * SNI_WGMMA_ROWS, w.bn,
                                      SNI_WGMMA_K, w.stages);
    const char *attributes = sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", items);
    SNI_TRY(sni_emit_end(&e, "gpu_wgmma", attributes));
    return prepend(&e, &w);
}

const sni_strategy sni_strategy_gpu_wgmma = {.name = "gpu_wgmma",
                                             .params = params,
                                             .param_count = PARAM_COUNT,
                                             .accepts = accepts,
                                             .choose = choose,
                                             .fits = fits,
                                             .generate = generate,
                                             .instead = "gpu_mma"};
