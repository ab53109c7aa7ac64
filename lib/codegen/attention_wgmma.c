/* The strategy gpu_attention_wgmma: attention of f16 or bf16 by wgmma, on NVIDIA's 9.0 (cl/attention/gpu_attention_wgmma.cl).
 *
 *     a warp copies q, and k and v block by block; of the others, two groups of 64 rows each
 *         start the scores of the first block; weights of them
 *         for every next block of keys
 *             start its scores, start sums of the last block's weights and v
 *             logits, weights and totals while the latter are under way; rescale the sums
 *         the last sums; the epilogue
 *
 * q, k and v have to be matrices in memory, q and k with neighbours along the depth, v along columns; anything else is left to
 * gpu_attention_mma. */
#include "codegen/attention_gpu.h"
#include "codegen/strategies.h"
#include "codegen/wgmma_map.h"
#include "device/wgmma.h"
#include "kernel/patch.h"

enum { KEYS, COLUMNS, DEPTH, BLOCKS, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [KEYS] = SNI_PARAM("keys", "keys of a block", 64, 128),
    [COLUMNS] = SNI_PARAM("columns", "columns of the result that a work-group computes", 64, 128, 256),
    [DEPTH] = SNI_PARAM("depth", "depth of the tiles of q and k, at least that of the program", 64, 128, 256),
    [BLOCKS] = SNI_PARAM("blocks", "blocks of k and v each in local memory", 1, 2, 3, 4),
};

enum { MOST_DEPTH = 256, LEAST_ROWS = 64, LEAST_KEYS = 64, GUESS = 1024 };

/* ---- What it runs ---- */

typedef struct operands {
    sni_wgmma_matrix q, k, v;
} operands;

static bool find_operands(const sni_attention_kernel *kernel, operands *out) {
    const sni_contract *s = &kernel->scores, *r = &kernel->result;
    return r->b.axes == kernel->a->batch && s->b.axes == kernel->a->batch &&
           sni_wgmma_matrix_of(s, &s->a_op, &out->q) && out->q.along_k && sni_wgmma_matrix_of(s, &s->b_op, &out->k) &&
           out->k.along_k && sni_wgmma_matrix_of(r, &r->b_op, &out->v) && !out->v.along_k;
}

static sinter_status init(sni_attention_kernel *k, const sni_attention *a, const sni_caps *caps, sni_arena *arena) {
    k->a = a;
    SNI_TRY(sni_contract_init(&k->scores, &a->scores, caps, arena, false));
    return sni_contract_init(&k->result, &a->result, caps, arena, false);
}

static bool are_matrices(const sni_attention *a, const sni_caps *caps) {
    sni_attention_kernel k = {0};
    operands found;
    sni_arena *arena = sni_arena_create();
    bool all = arena != NULL && init(&k, a, caps, arena) == SINTER_OK && find_operands(&k, &found);
    sni_arena_release(arena);
    return all;
}

static int64_t estimate(const sni_loop *loop, uint32_t axes) {
    int64_t value = GUESS;
    sni_sym_is_const(loop->sym, sni_extent_product(loop, axes), &value);
    return value;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    sni_attention a;
    int64_t depth;
    if (!sni_attention_of(loop, &a, why)) return false;
    sinter_dtype dtype = sni_attention_dtype(&a);
    if (dtype == SINTER_DTYPE_NONE || (caps->wgmma & sni_wgmma_bit(dtype)) == 0)
        return sni_contract_refuse(why, "the device has no wgmma that multiplies these dtypes exactly");
    if (!sni_sym_is_const(loop->sym, sni_extent_product(loop, a.depth), &depth) || depth > MOST_DEPTH)
        return sni_contract_refuse(why, "the depth is not known to fit in a tile");
    if (estimate(loop, a.rows) < LEAST_ROWS || estimate(loop, a.keys) < LEAST_KEYS)
        return sni_contract_refuse(why, "fewer rows or keys than a tile has");
    if (!are_matrices(&a, caps))
        return sni_contract_refuse(why, "an operand is no matrix in memory whose lines are multiples of 16 bytes apart "
                                        "and lie along the depth (v: along the columns)");
    return true;
}

/* ---- Choosing ---- */

static sni_wgmma_attention shape_of(const sni_loop *loop, const int *values) {
    sni_attention a;
    sinter_dtype dtype = sni_attention_of(loop, &a, NULL) ? sni_attention_dtype(&a) : SINTER_DTYPE_NONE;
    return (sni_wgmma_attention){dtype, values[KEYS], values[COLUMNS], values[DEPTH], values[BLOCKS]};
}

static int class_of(int64_t size) {
    return size <= 64 ? 64 : size <= 128 ? 128 : 256;
}

/* As many keys as fit, and two blocks, or as many as keep a second work-group from the multiprocessor. */
static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    static const int keys[] = {128, 64}, blocks[] = {2, 3, 4, 1};
    sni_attention a;
    sni_schedule set = *schedule;
    if (!sni_attention_of(loop, &a, NULL)) return;
    sni_schedule_fill(&set, COLUMNS, class_of(estimate(loop, a.columns)));
    sni_schedule_fill(&set, DEPTH, class_of(estimate(loop, a.depth)));
    for (int i = 0; i < 8; ++i) {
        sni_schedule with = set;
        sni_schedule_fill(&with, KEYS, keys[i / 4]);
        sni_schedule_fill(&with, BLOCKS, blocks[i % 4]);
        sni_wgmma_attention w = shape_of(loop, with.values);
        *schedule = with;
        if (sni_wgmma_attention_fits(&w, caps)) return;
    }
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule, sni_str *why) {
    sni_attention a;
    sni_wgmma_attention w = shape_of(loop, schedule->values);
    if (!sni_attention_of(loop, &a, why)) return false;
    if (estimate(loop, a.depth) > w.depth) return sni_contract_refuse(why, "the depth does not fit in the tile");
    return sni_wgmma_attention_fits(&w, caps) ||
           sni_contract_refuse(why,
                               "blocks do not fit local memory and registers, or leave room for a second work-group");
}

/* ---- The kernel ---- */

static void print_maps(const sni_attention_kernel *k, const operands *o) {
    sni_emitter *e = k->e;
    const sni_wgmma_map q = {"map_Q", "size_m", "size_depth", "SN_ATT_ROWS"};
    const sni_wgmma_map keys = {"map_K", "size_keys", "size_depth", "SN_ATT_KEYS"};
    const sni_wgmma_map v = {"map_V", "size_n", "size_keys", "SN_ATT_KEYS"};
    sni_emit_open(e, "if (item == 0)");
    sni_wgmma_print_map(e, &k->scores, &k->scores.a_op, &o->q, &q);
    sni_wgmma_print_map(e, &k->scores, &k->scores.b_op, &o->k, &keys);
    sni_wgmma_print_map(e, &k->result, &k->result.b_op, &o->v, &v);
    sni_emit_close(e);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);");
}

/* Row blocks are taken from the last on where blocks are left out, because later rows have more keys. */
static void print_head(const sni_attention_kernel *k, bool last_first) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "SN_ATT_BEGIN");
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(0) * SN_ATT_COLUMNS;");
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)%s * SN_ATT_ROWS;",
                  last_first ? "(get_num_groups(1) - 1 - get_group_id(1))" : "get_group_id(1)");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &k->result.b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s, size_n = %s;", sni_contract_number(e, k->result.size_m),
                  sni_contract_number(e, k->result.size_n));
    sni_emit_line(e, "const sn_idx size_keys = %s, size_depth = %s;", sni_contract_number(e, k->result.size_k),
                  sni_contract_number(e, k->scores.size_k));
    if (last_first) sni_emit_line(e, "const sn_idx row_high = min(row0 + SN_ATT_ROWS, size_m) - 1;");
}

/* Code: every logit of a block is minus infinity; none is so by a mask, and the statement that the logit then is. */
typedef struct masks {
    const char *all, *none;
    int logit;
} masks;

/* Moves key0 on to a block that is not masked. */
static void print_skip(sni_emitter *e, const char *masked) {
    if (masked == NULL) return;
    sni_emit_open(e, "for (; key0 < size_keys; key0 += SN_ATT_KEYS)");
    sni_emit_line(e, "const sn_idx key_high = min(key0 + SN_ATT_KEYS, size_keys) - 1;");
    sni_emit_line(e, "if (!(%s)) break;", masked);
    sni_emit_close(e);
}

static void print_copies(sni_emitter *e, const char *masked) {
    sni_emit_line(e, "SN_ATT_FEW_REGISTERS");
    sni_emit_open(e, "if (item == SN_WG_GROUPS * 128)");
    sni_emit_line(e, "bool is_first = true;");
    sni_emit_open(e, "for (sn_idx key0 = 0;; key0 += SN_ATT_KEYS)");
    print_skip(e, masked);
    sni_emit_line(e, "if (key0 >= size_keys) break;");
    sni_emit_line(e, "SN_ATT_COPY_BLOCK(is_first)");
    sni_emit_line(e, "is_first = false;");
    sni_emit_close(e);
    sni_emit_close(e);
}

/* Twice: in most blocks nothing has to be compared with edges, and no mask has a say. */
static void print_weights(const sni_attention_kernel *k, const masks *m) {
    sni_emitter *e = k->e;
    sni_attention_kernel fast = *k;
    fast.whole = true;
    fast.logit = m->none != NULL ? m->logit : 0;
    if (m->none != NULL) sni_emit_line(e, "const sn_idx key_high = key0 + SN_ATT_KEYS - 1;");
    sni_emit_open(e, "if (row0 + SN_ATT_ROWS <= size_m && key0 + SN_ATT_KEYS <= size_keys%s%s)",
                  m->none != NULL ? " && " : "", m->none != NULL ? m->none : "");
    sni_attention_print_rows(&fast);
    sni_emit_close(e);
    sni_emit_open(e, "else");
    sni_attention_print_rows(k);
    sni_emit_close(e);
}

static void print_blocks(const sni_attention_kernel *k, const masks *m) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "SN_ATT_MULTIPLY_QK");
    sni_emit_line(e, "SN_ATT_DONE(0, scores, SN_ATT_KEYS / 2)");
    sni_emit_line(e, "SN_ATT_GIVE_BACK(stage)");
    print_weights(k, m);
    sni_emit_line(e, "SN_ATT_PACK");
    sni_emit_line(e, "SN_WG_NEXT_STAGE");
    sni_emit_open(e, "while (true)");
    sni_emit_line(e, "key0 += SN_ATT_KEYS;");
    print_skip(e, m->all);
    sni_emit_line(e, "if (key0 >= size_keys) break;");
    sni_emit_line(e, "const uint v_stage = stage, v_phase = phase;");
    sni_emit_line(e, "SN_WG_NEXT_STAGE");
    sni_emit_line(e, "SN_ATT_MULTIPLY_QK");
    sni_emit_line(e, "SN_ATT_MULTIPLY_WV(v_stage, v_phase)");
    sni_emit_line(e, "SN_ATT_DONE(1, scores, SN_ATT_KEYS / 2)");
    sni_emit_line(e, "SN_ATT_GIVE_BACK(stage)");
    print_weights(k, m);
    sni_emit_line(e, "SN_ATT_DONE(0, sums, SN_ATT_COLUMNS / 2)");
    sni_emit_line(e, "SN_ATT_GIVE_BACK(v_stage)");
    sni_emit_line(e, "SN_ATT_RESCALE");
    sni_emit_line(e, "SN_ATT_PACK");
    sni_emit_line(e, "SN_WG_NEXT_STAGE");
    sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_MULTIPLY_WV(stage, phase)");
    sni_emit_line(e, "SN_ATT_DONE(0, sums, SN_ATT_COLUMNS / 2)");
}

/* Sums go through local memory into whole rows, as those of products do. */
static void print_epilogue(const sni_attention_kernel *k) {
    sni_emitter *e = k->e;
    const bool *needed = sni_attention_store_need(k->a, e->arena);
    bool four = k->result.along_n.aligned4;
    int width = four ? 4 : 1;
    if (needed == NULL) {
        e->failed = true;
        return;
    }
    sni_emit_line(e, "__local float *const slab = SN_WG_SLAB_AT;");
    sni_emit_line(e, "SN_ATT_PUT_ROWS(slab)");
    sni_emit_line(e, "_Pragma(\"unroll\")");
    sni_emit_open(e, "for (int part = 0; part < SN_ATT_COLUMNS / SN_WG_PART; ++part)");
    sni_emit_line(e, "SN_WG_PUT(slab, part, sums)");
    sni_emit_open(e, "for (uint at = lane; at < 16 * SN_WG_PART / %d; at += 32)", width);
    sni_emit_line(e, "const uint in_row = at / (SN_WG_PART / %d), in_col = at %% (SN_WG_PART / %d) * %d;", width, width,
                  width);
    sni_emit_line(e, "const sn_idx row = row0 + group * 64 + (warp & 3) * 16 + in_row;");
    sni_emit_line(e, "const sn_idx col = col0 + part * SN_WG_PART + in_col;");
    sni_emit_open(e, "if (row < size_m)");
    sni_emit_line(e, "__local const float *const of_row = slab + in_row * SN_WG_PITCH;");
    sni_emit_line(e, "const float row_total = of_row[SN_WG_PART], row_best = of_row[SN_WG_PART + 1];");
    const char *type = sni_ctype_name(SNI_C_FLOAT, width);
    sni_emit_line(e, "const %s acc = *(__local const %s *)(of_row + in_col);", type, type);
    sni_contract_split(e, &k->result.m, false, "row", true);
    sni_attention_print_stores(k, needed, four, "row_best", "row_total");
    for (int i = 0; i < 3; ++i) sni_emit_close(e);
}

static void print_rows(const sni_attention_kernel *k, const masks *m) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "SN_ATT_MANY_REGISTERS");
    sni_emit_line(e, "float best[SN_ATT_TM], most[SN_ATT_TM], total[SN_ATT_TM], rescale[SN_ATT_TM];");
    sni_emit_line(e, "float scores[SN_ATT_KEYS / 2], sums[SN_ATT_COLUMNS / 2];");
    sni_emit_line(e, "uint weights[SN_ATT_KEYS / 16][4];");
    sni_emit_open(e, "SN_ATT_EACH(i, SN_ATT_TM)");
    sni_emit_line(e, "best[i] = -INFINITY;");
    sni_emit_line(e, "total[i] = 0;");
    sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_EACH(i, SN_ATT_COLUMNS / 2) sums[i] = 0;");
    sni_emit_line(e, "SN_ATT_EACH(i, SN_ATT_KEYS / 2) scores[i] = 0;");
    sni_emit_line(e, "sn_idx key0 = 0;");
    print_skip(e, m->all);
    sni_emit_open(e, "if (key0 < size_keys)");
    print_blocks(k, m);
    sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_OVER_LANES(total, SN_ATT_ADD)");
    print_epilogue(k);
}

static sinter_status prepend(sni_emitter *e, const sni_wgmma_attention *w) {
    sni_str head = SNI_STR_INIT;
    sni_str_append(&head, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n#define " SNI_PATCH_MARK "\n");
    sni_wgmma_attention_print(w, &head);
    sni_str_append(&head, "#include \"attention/gpu_attention_wgmma.cl\"\n");
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    static const char *const row[2] = {"row0", "row_high"}, *const key[2] = {"key0", "key_high"};
    sni_emitter e;
    sni_attention a;
    operands o;
    sni_sym *sym = loop->sym;
    sni_wgmma_attention w = shape_of(loop, schedule->values);
    if (!sni_attention_of(loop, &a, NULL)) return sni_fail(SINTER_INTERNAL, "gpu_attention_wgmma: not attention");
    sni_attention_kernel k = {.e = &e, .matrix = true};
    SNI_TRY(init(&k, &a, caps, arena));
    if (!find_operands(&k, &o)) return sni_fail(SINTER_INTERNAL, "gpu_attention_wgmma: an operand is no matrix");
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    masks m = {.all = sni_attention_masked(&e, &a, row, key)};
    m.none = sni_attention_unmasked(&e, &a, row, key, &m.logit);
    print_head(&k, m.all != NULL || m.none != NULL);
    print_maps(&k, &o);
    sni_emit_open(&e, "if (group == SN_WG_GROUPS)");
    print_copies(&e, m.all);
    sni_emit_close(&e);
    sni_emit_open(&e, "else");
    print_rows(&k, &m);
    sni_emit_close(&e);
    int items = sni_wgmma_attention_items();
    out_spec->dims = 3;
    out_spec->global[0] =
        sni_sym_mul_i(sym, sni_sym_ceil_div(sym, k.result.size_n, sni_sym_const(sym, w.columns)), items);
    out_spec->global[1] = sni_sym_ceil_div(sym, k.result.size_m, sni_sym_const(sym, SNI_WGMMA_ATTENTION_ROWS));
    out_spec->global[2] = k.result.size_b;
    out_spec->local[0] = (size_t)items;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->notes = sni_emit_format(&e, "wgmma, blocks of %d rows and %d keys, %d columns, %d blocks in local memory",
                                      SNI_WGMMA_ATTENTION_ROWS, w.keys, w.columns, w.blocks);
    const char *attributes = sni_emit_format(&e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", items);
    SNI_TRY(sni_emit_end(&e, "gpu_attention_wgmma", attributes));
    return prepend(&e, &w);
}

const sni_strategy sni_strategy_gpu_attention_wgmma = {
    .name = "gpu_attention_wgmma",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
    .nests = true,
    .instead = "gpu_attention_mma",
};
