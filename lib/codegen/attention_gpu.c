/* The strategy gpu_attention: a work-group computes a block of rows of attention, without storing a score.
 *
 *     for every block of keys
 *         for every step of the depth: tiles of q and k in local memory, scores in registers
 *         logits, and their maxima over a row's work-items; weights into local memory; what has been summed is rescaled
 *         for every step of the keys: a tile of v in local memory, sums in registers
 *     the epilogue on every work-item's sums
 *
 * q's tile stays in local memory where its depth is known and there is room. A block whose logits are all masked by their
 * coordinates is left out. Which block is chosen when the code is made, from what is known of the sizes; every block
 * computes every size. */
#include "codegen/attention_gpu.h"
#include "codegen/strategies.h"

enum { ROWS, KEYS, COLUMNS, ITEMS, LANES, STEP, HELD, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [ROWS] = SNI_PARAM("rows", "rows of a work-group", 1, 2, 4, 8, 16, 32, 64, 128),
    [KEYS] = SNI_PARAM("keys", "keys of a block", 16, 32, 64, 128, 256),
    [COLUMNS] = SNI_PARAM("columns", "columns of the result that a work-group computes", 32, 64, 128, 256),
    [ITEMS] = SNI_PARAM("items", "work-items of a work-group", 16, 32, 64, 128, 256),
    [LANES] = SNI_PARAM("lanes", "work-items of a row", 8, 16, 32, 64, 128),
    [STEP] = SNI_PARAM("step", "depth of k's tile", 16, 32, 64),
    [HELD] = SNI_PARAM("held", "depth of q's tile: all of it, or that of k's", 16, 32, 64, 128, 256),
};

/* Shapes of blocks: rows, keys, work-items, work-items of a row, step. The first ones are for speed, from the one with the
 * least traffic to the one with the most work-groups; the others are for devices with little local memory. */
typedef struct shape {
    int rows, keys, items, lanes, step;
} shape;
static const shape shapes[] = {
    {64, 64, 128, 16, 32}, {32, 64, 128, 16, 64}, {32, 64, 128, 16, 32}, {16, 64, 128, 32, 32}, {32, 32, 128, 16, 32},
    {16, 32, 64, 16, 16},  {8, 32, 64, 16, 16},   {8, 16, 32, 16, 16},   {4, 16, 16, 16, 16},
};
enum { FOR_UNKNOWN_SIZES = 1, FOR_SPEED = 4, GROUPS_PER_UNIT = 2 /* hide each other's latency */ };

/* For a few rows: all work-items along the keys. */
static const shape flat_shapes[] = {
    {4, 128, 128, 128, 32}, {1, 128, 128, 128, 32}, {4, 64, 64, 64, 16}, {1, 64, 64, 64, 16}};
enum { SHAPES = sizeof shapes / sizeof *shapes, FLAT_SHAPES = sizeof flat_shapes / sizeof *flat_shapes };

enum { MOST_REGISTERS = 216 /* 32-bit ones that a work-item keeps in a product */ };

/* ---- Blocks ----------------------------------------------------------------------------------- */

static int parts_of(const sni_attention_block *b) {
    return b->lanes * 4 > b->columns ? b->lanes * 4 / b->columns : 1;
}

static sni_attention_block block_of(const sni_schedule *s, const sni_caps *caps) {
    const int *v = s->values;
    sni_attention_block b = {v[ROWS], v[KEYS], v[COLUMNS], v[ITEMS], v[LANES], v[STEP], v[HELD], v[KEYS], 1};
    while (b.v_step > 4 * parts_of(&b) && b.v_step * (b.columns + 4) > b.keys * (b.step + 4)) b.v_step /= 2;
    if (caps->has_inline_ptx && b.items % 32 == 0) b.shuffled = b.lanes < 32 ? b.lanes : 32;
    return b;
}

static uint64_t local_bytes(const sni_attention_block *b) {
    int kv = b->keys * (b->step + 4), v = b->v_step * (b->columns + 4), groups = b->lanes / b->shuffled;
    int line = parts_of(b) > 1 && b->columns > b->keys + 4 ? b->columns : b->keys + 4;
    return 4 * (uint64_t)(b->rows * (b->held + 4) + (kv > v ? kv : v) + b->rows * line +
                          (groups > 1 ? b->rows * (groups + 2) : 0));
}

/* Of scores, sums, and the operands of a step in both products. */
static int registers(const sni_attention_block *b) {
    int tm = b->rows * b->lanes / b->items, tn = b->keys / b->lanes, tc = b->columns * parts_of(b) / b->lanes;
    return tm * (tn + tc) + 4 * tm + (4 * tn > tc ? 4 * tn : tc) + 2 * tm;
}

static bool block_fits(const sni_attention_block *b, const sni_caps *caps, sni_str *why) {
    if (b->items < b->lanes || b->rows * b->lanes < b->items || b->keys < b->lanes || b->held < b->step ||
        b->v_step < 4 * parts_of(b))
        return sni_contract_refuse(why, "the work-items do not fill the block");
    if (registers(b) > MOST_REGISTERS) return sni_contract_refuse(why, "the block does not fit in registers");
    if (local_bytes(b) > sni_contract_local_bytes(caps))
        return sni_contract_refuse(why, "the block does not fit in local memory");
    return sni_work_group_fits(caps, b->items, why) && (uint32_t)b->items <= caps->max_work_item[0];
}

/* ---- Choosing --------------------------------------------------------------------------------- */

static int64_t known(const sni_loop *loop, uint32_t axes, int64_t otherwise) {
    int64_t value = otherwise;
    sni_sym_is_const(loop->sym, sni_extent_product(loop, axes), &value);
    return value;
}

static int class_of(int64_t size, int least, int most) {
    int class = least;
    while (class < size && class < most) class *= 2;
    return class;
}

static bool fill(sni_schedule *s, const shape *with, int columns, int held, const sni_caps *caps) {
    const int values[PARAM_COUNT] = {with->rows, with->keys, columns, with->items, with->lanes, with->step, held};
    for (int p = 0; p < PARAM_COUNT; ++p) sni_schedule_fill(s, p, values[p]);
    sni_attention_block b = block_of(s, caps);
    return block_fits(&b, caps, NULL);
}

/* The shape with q held where that fits, else with q read again for every block; columns in one block where registers
 * allow. */
static bool fill_widest(sni_schedule *s, const shape *with, const sni_loop *loop, const sni_attention *a,
                        const sni_caps *caps) {
    int columns = class_of(known(loop, a->columns, 64), 32, 256);
    int64_t depth = known(loop, a->depth, INT64_MAX);
    const sni_schedule open = *s;
    for (; columns >= 32; columns /= 2)
        for (int again = depth > 256; again < 2; ++again) {
            *s = open;
            if (fill(s, with, columns, again ? with->step : class_of(depth, with->step, 256), caps)) return true;
        }
    return false;
}

static bool find_flat(const sni_loop *loop, const sni_attention *a, const sni_caps *caps, int64_t rows,
                      sni_schedule *out) {
    for (int i = 0; i < FLAT_SHAPES && rows <= flat_shapes[0].rows; ++i) {
        sni_schedule with = *out;
        if (rows == 1 && flat_shapes[i].rows > 1) continue;
        if (!fill_widest(&with, &flat_shapes[i], loop, a, caps)) continue;
        *out = with;
        return true;
    }
    return false;
}

/* Of known sizes the first shape that fits and gives the device work-groups enough; of others one that is nearly as fast as
 * the best for few rows and for many. */
static bool find(const sni_loop *loop, const sni_caps *caps, sni_schedule *out) {
    sni_attention a;
    if (!sni_attention_of(loop, &a, NULL)) return false;
    int64_t rows = known(loop, a.rows, INT64_MAX), all = known(loop, a.rows | a.batch, INT64_MAX);
    if (find_flat(loop, &a, caps, rows, out)) return true;
    const sni_schedule open = *out;
    bool found = false;
    for (int i = all == INT64_MAX ? FOR_UNKNOWN_SIZES : 0; i < SHAPES && !(found && i >= FOR_SPEED); ++i) {
        sni_schedule with = open;
        if (!fill_widest(&with, &shapes[i], loop, &a, caps)) continue;
        *out = with;
        found = true;
        if (all / with.values[ROWS] >= (int64_t)caps->compute_units * GROUPS_PER_UNIT) break;
    }
    return found;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *s) {
    sni_schedule found = *s;
    if (find(loop, caps, &found)) *s = found;
    const int least[PARAM_COUNT] = {4, 16, 32, 16, 16, 16, 16};
    for (int p = 0; p < PARAM_COUNT; ++p) sni_schedule_fill(s, p, least[p]);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *s, sni_str *why) {
    (void)loop;
    sni_attention_block b = block_of(s, caps);
    return block_fits(&b, caps, why);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    sni_attention a;
    sni_schedule any = {0};
    if (caps->device_class != SNI_DEVICE_GPU && !caps->work_items_are_lanes)
        return sni_contract_refuse(why, "made for devices whose lanes are work-items");
    if (!sni_attention_of(loop, &a, why)) return false;
    if (find(loop, caps, &any)) return true;
    return sni_contract_refuse(why, "no block fits the device's local memory and work-group size");
}

/* ---- The kernel ------------------------------------------------------------------------------- */

/* Row blocks are taken from the last on where blocks are left out, because later rows have more keys. */
static void print_head(const sni_attention_kernel *k, bool last_first) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "__local float q_tile[SN_ATT_ROWS * SN_ATT_LDQ] __attribute__((aligned(16)));");
    sni_emit_line(e, "__local float kv_tile[SN_ATT_KV_TILE] __attribute__((aligned(16)));");
    sni_emit_line(e, "__local float weights[SN_ATT_W_TILE] __attribute__((aligned(16)));");
    sni_emit_line(e, "SN_ATT_LOCALS");
    sni_emit_line(e, "SN_ATT_ITEM");
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(0) * SN_ATT_COLUMNS;");
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)%s * SN_ATT_ROWS;",
                  last_first ? "(get_num_groups(1) - 1 - get_group_id(1))" : "get_group_id(1)");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &k->result.b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s, size_n = %s;", sni_contract_number(e, k->result.size_m),
                  sni_contract_number(e, k->result.size_n));
    sni_emit_line(e, "const sn_idx size_keys = %s, size_depth = %s;", sni_contract_number(e, k->result.size_k),
                  sni_contract_number(e, k->scores.size_k));
    sni_emit_line(e, "float scores[SN_ATT_TM][SN_ATT_TN], best[SN_ATT_TM], most[SN_ATT_TM], total[SN_ATT_TM];");
    sni_emit_line(e, "float4 sums[SN_ATT_TM][SN_ATT_TC];");
    sni_emit_open(e, "SN_ATT_EACH(i, SN_ATT_TM)");
    sni_emit_line(e, "best[i] = -INFINITY;");
    sni_emit_line(e, "total[i] = 0;");
    sni_emit_line(e, "SN_ATT_EACH(j, SN_ATT_TC) sums[i][j] = 0;");
    sni_emit_close(e);
}

/* width: of the depth that is loaded at once, from the variable first on. */
static void load_q(const sni_attention_kernel *k, const char *first, int width) {
    sni_attention_load_tile(k, &(sni_attention_tile){&k->scores, &k->scores.a_op, "q_tile", "q", k->block.rows, width,
                                                     false, k->block.held + 4, "row0", first, "size_m", "size_depth"});
}

static void print_scores(const sni_attention_kernel *k, bool held) {
    sni_emitter *e = k->e;
    const sni_attention_block *b = &k->block;
    sni_emit_line(e, "SN_ATT_EACH(i, SN_ATT_TM) SN_ATT_EACH(j, SN_ATT_TN) scores[i][j] = 0;");
    sni_emit_open(e, "for (sn_idx depth0 = 0; depth0 < size_depth; depth0 += SN_ATT_STEP)");
    if (!held) load_q(k, "depth0", b->step);
    sni_attention_load_tile(k, &(sni_attention_tile){&k->scores, &k->scores.b_op, "kv_tile", "k", b->keys, b->step,
                                                     false, b->step + 4, "key0", "depth0", "size_keys", "size_depth"});
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_line(e, "SN_ATT_MULTIPLY_QK(q_tile%s, kv_tile)", held ? " + depth0" : "");
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_close(e);
}

static void print_sums(const sni_attention_kernel *k) {
    sni_emitter *e = k->e;
    const sni_attention_block *b = &k->block;
    sni_emit_open(e, "for (int done = 0; done < SN_ATT_KEYS; done += SN_ATT_V_STEP)");
    sni_emit_line(e, "const sn_idx step0 = key0 + done;");
    sni_attention_load_tile(k, &(sni_attention_tile){&k->result, &k->result.b_op, "kv_tile", "v", b->columns, b->v_step,
                                                     true, b->columns + 4, "col0", "step0", "size_n", "size_keys"});
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_line(e, "SN_ATT_MULTIPLY_WV(weights + done, kv_tile)");
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_close(e);
}

static void print_kernel(const sni_attention_kernel *k) {
    sni_emitter *e = k->e;
    static const char *const row[2] = {"row0", "row_high"}, *const key[2] = {"key0", "key_high"};
    int64_t depth = known(e->loop, k->a->depth, INT64_MAX);
    bool held = depth <= k->block.held;
    const char *masked = sni_attention_masked(e, k->a, row, key);
    print_head(k, masked != NULL);
    if (held) {
        sni_emit_line(e, "const sn_idx depth_first = 0;");
        load_q(k, "depth_first", k->block.held);
    }
    sni_emit_open(e, "for (sn_idx key0 = 0; key0 < size_keys; key0 += SN_ATT_KEYS)");
    if (masked != NULL) {
        sni_emit_line(e, "const sn_idx row_high = min(row0 + SN_ATT_ROWS, size_m) - 1;");
        sni_emit_line(e, "const sn_idx key_high = min(key0 + SN_ATT_KEYS, size_keys) - 1;");
        sni_emit_open(e, "if (!(%s))", masked);
    }
    print_scores(k, held);
    sni_attention_print_rows(k);
    print_sums(k);
    if (masked != NULL) sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_OVER_LANES(total, SN_ATT_ADD)");
    sni_emit_line(e, "SN_ATT_ADD_PARTS(weights)");
    sni_attention_print_epilogue(k);
}

static sinter_status finish(const sni_attention_kernel *k) {
    const sni_attention_block *b = &k->block;
    const char *attributes = sni_emit_format(k->e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", b->items);
    SNI_TRY(sni_emit_end(k->e, "gpu_attention", attributes));
    const struct {
        const char *name;
        int value;
    } numbers[] = {{"ROWS", b->rows},   {"KEYS", b->keys},     {"COLUMNS", b->columns},
                   {"ITEMS", b->items}, {"LANES", b->lanes},   {"STEP", b->step},
                   {"HELD", b->held},   {"V_STEP", b->v_step}, {"SHUFFLED", b->shuffled}};
    sni_str head = SNI_STR_INIT;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i)
        sni_str_printf(&head, "#define SN_ATT_%s %d\n", numbers[i].name, numbers[i].value);
    /* Every step of a loop that is not unrolled counts where their number is limited. */
    sni_str_printf(&head, "#define SN_ATT_UNROLL _Pragma(\"unroll%s\")\n", k->e->caps->most_loop_steps > 0 ? "" : " 2");
    sni_str_append(&head, "#include \"attention/gpu_attention.cl\"\n");
    return sni_emit_prepend(k->e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_attention a;
    if (!sni_attention_of(loop, &a, NULL)) return sni_fail(SINTER_INTERNAL, "gpu_attention: not attention");
    sni_attention_kernel k = {.e = &e, .a = &a, .block = block_of(schedule, caps)};
    SNI_TRY(sni_contract_init(&k.scores, &a.scores, caps, arena, false));
    SNI_TRY(sni_contract_init(&k.result, &a.result, caps, arena, false));
    if (k.result.b.axes != a.batch || k.scores.b.axes != a.batch)
        return sni_fail(SINTER_UNSUPPORTED, "the columns do not lie together");
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    print_kernel(&k);
    const sni_attention_block *b = &k.block;
    sni_sym *sym = loop->sym;
    out_spec->dims = 3;
    out_spec->global[0] =
        sni_sym_mul_i(sym, sni_sym_ceil_div(sym, k.result.size_n, sni_sym_const(sym, b->columns)), b->items);
    out_spec->global[1] = sni_sym_ceil_div(sym, k.result.size_m, sni_sym_const(sym, b->rows));
    out_spec->global[2] = k.result.size_b;
    out_spec->local[0] = (size_t)b->items;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->notes = sni_emit_format(&e, "blocks of %d rows and %d keys, %d columns", b->rows, b->keys, b->columns);
    return finish(&k);
}

const sni_strategy sni_strategy_gpu_attention = {
    .name = "gpu_attention",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
    .nests = true,
};
