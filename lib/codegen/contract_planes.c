/* The strategy gpu_planes: a product of f32 by wgmma on planes of bf16 (cl/gemm/gpu_planes.cl), whatever its operands are
 * computed from and however they lie: convolutions are products whose operand is read through a window.
 *
 * Bound: a sum errs by at most (8 + k / 32) * 2^-24 times the sum of its terms' magnitudes, where a loop of fma may err by
 * k * 2^-24 times it; results below f32's normal numbers by their last bit. Where that cannot hold, because an operand or the
 * sum is no finite number, or above about 2^95 in a product, the sum comes out infinite or NaN and is computed anew by such a
 * loop. So it holds everywhere, and infinities and NaN are the loop's. Where a plan may round operands, two planes and three
 * products do. */
#include <math.h>

#include "codegen/contract.h"
#include "codegen/strategies.h"
#include "codegen/tile_load.h"
#include "codegen/tile_window.h"
#include "codegen/wgmma_sums.h"
#include "device/wgmma.h"
#include "kernel/patch.h"

enum { GROUPS, BN, STAGES, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [GROUPS] = SNI_PARAM("groups", "warpgroups that multiply, of 64 rows each", 1, 2),
    [BN] = SNI_PARAM("bn", "columns of a work-group", 64, 128),
    [STAGES] = SNI_PARAM("stages", "stages of 32 k in local memory", 2, 3, 4, 5, 6),
};

enum { GUESS = 1024, LEAST_SIDE = 32, LEAST_K = 64, TWO_SETS = 192 /* rows and columns */, START = 1500 /* clocks */ };

/* What tile_load.c asks of an instruction. */
static const sni_instruction planes_row = {.name = "planes", .dtype = SINTER_F32};

/* ---- Choosing ---- */

/* About how large a product is as the kernel sees it. */
typedef struct extents {
    double m, n, b, k;
} extents;

static double extent_of(const sni_loop *loop, uint32_t axes) {
    double size = 1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (axes >> a & 1) size *= sni_sym_estimate(loop->sym, loop->extents[a], GUESS);
    return size;
}

/* Pictures of a batch may be columns of the program, and batches of the kernel: their last tiles are not full. */
static extents extents_of(const sni_loop *loop, const sni_caps *caps) {
    sni_contract c = {.m.axes = loop->axes_m, .n.axes = loop->axes_n, .b.axes = loop->axes_b};
    sni_arena *arena = sni_arena_create();
    sni_contract seen;
    if (arena != NULL && sni_contract_init(&seen, loop, caps, arena, false) == SINTER_OK) c = seen;
    sni_arena_release(arena);
    return (extents){extent_of(loop, c.m.axes), extent_of(loop, c.n.axes), extent_of(loop, c.b.axes),
                     extent_of(loop, loop->inner)};
}

static double rounds(const extents *of, const sni_caps *caps, int rows, int columns) {
    return ceil(ceil(of->m / rows) * ceil(of->n / columns) * of->b / caps->compute_units);
}

static sni_planes planes_of(const sni_caps *caps, const int *values) {
    return (sni_planes){values[GROUPS], values[BN], values[STAGES], caps->may_round ? 2 : 3, true, true};
}

/* About how many clocks a product takes. A stage is twelve wgmma of bn / 2 clocks for each warpgroup, and about eight
 * instructions for a number that is split. One warpgroup alone waits for its sums. Tiles of a batch are work-groups that start
 * anew. */
static double clocks(const extents *of, const sni_caps *caps, int groups, int bn) {
    double steps = ceil(of->k / SNI_PLANES_K);
    double multiply = (caps->may_round ? 3.0 : 6.0) * groups * bn + (groups == 1 ? 250 : 100),
           split = (groups * 64.0 + bn) * 2.5;
    return rounds(of, caps, groups * 64, bn) * (steps * fmax(multiply, split) + 20.0 * bn + START) + 3000;
}

/* The same by the multipliers of f32, of which a unit has 128. */
static double plain_clocks(const extents *of, const sni_caps *caps) {
    double wide = of->k * 128 * 128 / (128 * 0.72), narrow = of->k * 64 * 64 / (128 * 0.55);
    return fmin(rounds(of, caps, 128, 128) * (wide + START), rounds(of, caps, 64, 64) * (narrow + START)) + 2000;
}

static int most_stages(const sni_caps *caps, int groups, int bn) {
    for (int i = params[STAGES].count - 1; i >= 0; --i) {
        sni_planes p = planes_of(caps, (const int[PARAM_COUNT]){groups, bn, params[STAGES].legal[i]});
        if (sni_planes_fits(&p, caps)) return params[STAGES].legal[i];
    }
    return 0;
}

/* The fastest tile within what is set (0: open); INFINITY: none fits. */
static double find(const extents *of, const sni_caps *caps, const int *set, int *best) {
    double least = INFINITY;
    for (int g = 0; g < params[GROUPS].count; ++g)
        for (int n = 0; n < params[BN].count; ++n) {
            int groups = params[GROUPS].legal[g], bn = params[BN].legal[n];
            bool differs = (set[GROUPS] != 0 && set[GROUPS] != groups) || (set[BN] != 0 && set[BN] != bn);
            double time = clocks(of, caps, groups, bn);
            if (differs || most_stages(caps, groups, bn) == 0 || time >= least) continue;
            least = time;
            best[GROUPS] = groups;
            best[BN] = bn;
        }
    return least;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    int best[PARAM_COUNT] = {2, 128};
    const extents of = extents_of(loop, caps);
    find(&of, caps, schedule->values, best);
    sni_schedule_fill(schedule, GROUPS, best[GROUPS]);
    sni_schedule_fill(schedule, BN, best[BN]);
    int stages = most_stages(caps, schedule->values[GROUPS], schedule->values[BN]);
    sni_schedule_fill(schedule, STAGES, stages > 0 ? stages : 2);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    sni_planes p = planes_of(caps, schedule->values);
    (void)loop;
    return sni_planes_fits(&p, caps) || sni_contract_refuse(why, "the ring does not fit local memory");
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    static const int open[PARAM_COUNT];
    int best[PARAM_COUNT];
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if ((caps->wgmma & sni_wgmma_bit(SINTER_BF16)) == 0)
        return sni_contract_refuse(why, "the device has no wgmma that multiplies bf16 exactly");
    if (caps->only_exact) return sni_contract_refuse(why, "the plan's precision is exact");
    if (loop->stmts[loop->core].dtype != SINTER_F32) return sni_contract_refuse(why, "sums are not f32");
    const extents of = extents_of(loop, caps);
    if (of.m < LEAST_SIDE || of.n < LEAST_SIDE || of.k < LEAST_K)
        return sni_contract_refuse(why, "a side is too short for tiles of 64");
    double time = find(&of, caps, open, best);
    if (time == INFINITY) return sni_contract_refuse(why, "no ring fits the device's local memory");
    if (time >= plain_clocks(&of, caps)) return sni_contract_refuse(why, "tiles of 64 leave too many units idle");
    return true;
}

/* ---- Loading and splitting ---- */

/* Windows are for what cannot be loaded in vectors; where memory lies along k, work-items load neighbours along k. */
static sni_tile_side side_of(const sni_contract *c, const sni_tile_core *core, const sni_operand *op, char name) {
    sni_tile_side side = sni_tile_side_of(c, core, op, name);
    bool lines = op->along_k.flat && op->along_k.unit;
    if (sni_sym_is(c->loop->sym, side.whole, 0) && !lines) side.window = sni_tile_window_of(c, op);
    if (side.window != NULL) side.along_k = true;
    return side;
}

static void print_fetch(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const char *k_first,
                        int side) {
    sni_emit_line(e, "{");
    ++e->indent;
    sni_emit_line(e, "const sn_idx k_first = %s;", k_first);
    if (core->sides[side].window != NULL)
        sni_tile_print_window_fetch(e, c, &core->sides[side]);
    else
        sni_tile_print_fetch(e, c, core, &core->sides[side]);
    sni_emit_close(e);
}

/* Puts what a set of registers holds into the next stage, and loads what comes `ahead` stages later. */
static void print_step(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, const char *set, int ahead) {
    sni_emit_line(e, "uint4 *const next_A = %s_A, *const next_B = %s_B;", set, set);
    sni_emit_line(e, "SN_WG_WAIT(empty + stage * 8, phase ^ 1)");
    sni_emit_line(e, "SN_PL_PUT(A, SN_PL_STAGE)");
    sni_emit_line(e, "SN_PL_PUT(B, SN_PL_STAGE + SN_PL_PLANES * SN_PL_A_PLANE)");
    sni_emit_line(e, "SN_PL_PUBLISH");
    const char *k_first = sni_emit_format(e, "(sn_idx)(step + %d) * SN_WG_BK", ahead);
    for (int s = 0; s < 2; ++s) print_fetch(e, c, core, k_first, s);
}

/* Loads travel for one stage, or for two where registers hold both: small tiles are multiplied before memory answers. */
static void print_splitters(sni_emitter *e, const sni_contract *c, const sni_tile_core *core, bool two) {
    static const char *const sets[] = {"first", "second"};
    sni_emit_line(e, "SN_PL_FEW_REGISTERS");
    sni_emit_line(e, "const uint item = (uint)get_local_id(0) - SN_WG_GROUPS * 128;");
    for (int set = 0; set <= two; ++set)
        sni_emit_line(e, "uint4 %s_A[SN_MMA_A_CHUNKS], %s_B[SN_MMA_B_CHUNKS];", sets[set], sets[set]);
    sni_emit_open(e, "SN_WG_EACH_TILE");
    sni_emit_line(e, "SN_WG_TILE");
    for (int s = 0; s < 2; ++s)
        if (core->sides[s].window != NULL) sni_tile_print_window_place(e, c, &core->sides[s]);
    for (int set = 0; set <= two; ++set) {
        sni_emit_open(e, "%s", "");
        sni_emit_line(e, "uint4 *const next_A = %s_A, *const next_B = %s_B;", sets[set], sets[set]);
        for (int s = 0; s < 2; ++s) print_fetch(e, c, core, set == 0 ? "0" : "SN_WG_BK", s);
        sni_emit_close(e);
    }
    sni_emit_open(e, "for (int step = 0; step < steps; %s)", two ? "step += 2" : "++step");
    if (!two) {
        print_step(e, c, core, sets[0], 1);
    } else {
        sni_emit_open(e, "%s", "");
        print_step(e, c, core, sets[0], 2);
        sni_emit_close(e);
        sni_emit_open(e, "if (step + 1 < steps)");
        print_step(e, c, core, sets[1], 3);
        sni_emit_close(e);
    }
    sni_emit_close(e);
    sni_emit_close(e);
}

/* ---- Sums ---- */

/* The value of an operand at outer and kx, which are names of variables. */
static const char *value_at(sni_emitter *e, const sni_contract *c, const sni_operand *op, const char *outer,
                            const char *prefix) {
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = prefix};
    sni_contract_split(e, &op->outer, op->along_outer.flat, outer, true);
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &op->outer, op->along_outer.flat, outer);
    bool flat = c->a_op.along_k.flat && c->b_op.along_k.flat; /* both see the same names of k */
    sni_contract_name(e, &scope, &c->k, flat, "kx");
    return sni_contract_value(e, c, op, &scope);
}

/* The sum at row and column as a loop of fma, added to `to`. */
static void print_loop(sni_emitter *e, const sni_contract *c, const char *to) {
    bool flat = c->a_op.along_k.flat && c->b_op.along_k.flat;
    sni_emit_line(e, "%s = 0.0f;", to);
    sni_emit_open(e, "for (sn_idx kx = 0; kx < size_k; ++kx)");
    sni_contract_split(e, &c->k, flat, "kx", true);
    const char *a = value_at(e, c, &c->a_op, "row", "ra");
    const char *b = value_at(e, c, &c->b_op, "column", "rb");
    sni_emit_line(e, "%s = fma(%s, %s, %s);", to, a, b, to);
    sni_emit_close(e);
}

/* Unscales acc; sums that planes did not hold are computed anew. */
static void correct(sni_emitter *e, const sni_contract *c, int width) {
    if (width == 1) {
        sni_emit_open(e, "if (SN_PL_UNSURE(acc))");
        sni_emit_line(e, "const sn_idx column = col;");
        print_loop(e, c, "acc");
    } else {
        sni_emit_open(e, "if (SN_PL_UNSURE4(acc))");
        sni_emit_line(e, "float each[4];");
        sni_emit_line(e, "vstore4(acc, 0, each);");
        sni_emit_line(e, "_Pragma(\"unroll 1\")");
        sni_emit_open(e, "for (int e = 0; e < 4; ++e)");
        sni_emit_line(e, "const sn_idx column = col + e;");
        sni_emit_open(e, "if (SN_PL_UNSURE(each[e]))");
        print_loop(e, c, "each[e]");
        sni_emit_close(e);
        sni_emit_line(e, "else each[e] *= SN_PLANES_UNSCALE;");
        sni_emit_close(e);
        sni_emit_line(e, "acc = vload4(0, each);");
    }
    sni_emit_close(e);
    sni_emit_line(e, "else acc *= SN_PLANES_UNSCALE;");
}

static void print_multipliers(sni_emitter *e, const sni_contract *c) {
    sni_emit_line(e, "SN_PL_MANY_REGISTERS");
    sni_emit_line(e, "__local float *const slab = SN_WG_SLAB_AT;");
    sni_emit_open(e, "SN_WG_EACH_TILE");
    sni_emit_line(e, "SN_WG_TILE");
    sni_emit_line(e, "float sums[SN_WG_BN / 2];");
    sni_emit_line(e, "SN_PL_MULTIPLY(sums)");
    sni_wgmma_print_sums(e, c, correct);
    sni_emit_close(e);
}

/* ---- The kernel ---- */

static void print_head(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    sni_emit_line(e, "SN_WG_LOCALS");
    for (int s = 0; s < 2; ++s)
        if (core->sides[s].window != NULL) sni_tile_print_window_tables(e, &core->sides[s]);
    sni_emit_line(e, "SN_WG_INIT(SN_PL_SPLITTERS * 4)");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &c->b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s;", sni_contract_number(e, c->size_m));
    sni_emit_line(e, "const sn_idx size_n = %s;", sni_contract_number(e, c->size_n));
    sni_emit_line(e, "const sn_idx size_k = %s;", sni_contract_number(e, c->size_k));
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_line(e, "SN_WG_COUNTS");
}

static sinter_status prepend(sni_emitter *e, const sni_planes *p) {
    sni_str head = SNI_STR_INIT;
    sni_str_append(&head, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n#define " SNI_PATCH_MARK "\n");
    sni_planes_print(p, &head);
    sni_str_append(&head, "#include \"gemm/gpu_planes.cl\"\n");
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    sni_sym *sym = loop->sym;
    sni_planes p = planes_of(caps, schedule->values);
    sni_tile_core core = {.row = &planes_row, .bk = SNI_PLANES_K};
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, false));
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    core.sides[0] = side_of(&c, &core, &c.a_op, 'A');
    core.sides[1] = side_of(&c, &core, &c.b_op, 'B');
    p.a_along_k = core.sides[0].along_k;
    p.b_along_k = core.sides[1].along_k;
    p.a_window = core.sides[0].window != NULL;
    p.b_window = core.sides[1].window != NULL;
    print_head(&e, &c, &core);
    sni_emit_open(&e, "if (group >= SN_WG_GROUPS)");
    print_splitters(&e, &c, &core, p.groups * SNI_WGMMA_ROWS + p.bn <= TWO_SETS);
    sni_emit_close(&e);
    sni_emit_open(&e, "else");
    print_multipliers(&e, &c);
    sni_emit_close(&e);
    int items = sni_planes_items(&p), rows = p.groups * SNI_WGMMA_ROWS;
    sni_expr tiles = sni_sym_mul(sym, sni_sym_ceil_div(sym, c.size_n, sni_sym_const(sym, p.bn)),
                                 sni_sym_ceil_div(sym, c.size_m, sni_sym_const(sym, rows)));
    tiles = sni_sym_min(sym, tiles, sni_sym_const(sym, caps->compute_units));
    out_spec->dims = 3;
    out_spec->global[0] = sni_sym_mul_i(sym, tiles, items);
    out_spec->global[1] = sni_sym_const(sym, 1);
    out_spec->global[2] = c.size_b;
    out_spec->local[0] = (size_t)items;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->notes = sni_emit_format(&e, "f32 as %d planes of bf16, wgmma, tiles of %d x %d x %d, %d stages", p.planes,
                                      rows, p.bn, SNI_PLANES_K, p.stages);
    const char *attributes = sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", items);
    SNI_TRY(sni_emit_end(&e, "gpu_planes", attributes));
    return prepend(&e, &p);
}

const sni_strategy sni_strategy_gpu_planes = {.name = "gpu_planes",
                                              .params = params,
                                              .param_count = PARAM_COUNT,
                                              .accepts = accepts,
                                              .choose = choose,
                                              .fits = fits,
                                              .generate = generate,
                                              .instead = "gpu_gemm"};
