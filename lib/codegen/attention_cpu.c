/* The strategy cpu_attention: one work-item per work-group computes some rows of attention, without storing a score.
 *
 *     for every block of keys
 *         pack q's rows and k's keys, multiply into a scratch: scores        (the tiles of cpu_gemm)
 *         for every row: logits and their maximum; weights and their total; what the row has summed so far is rescaled
 *         pack v's columns, multiply by the weights, add to the sums
 *     for every row: the epilogue, along the columns
 *
 * The scratch of a block fits a core's cache; a block whose logits are all masked by their coordinates is left out. */
#include "codegen/attention.h"
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { KEYS, COLUMNS, ROWS, WAVES, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [KEYS] = SNI_PARAM("keys", "keys of a block, also of depth in a step of the first product", 32, 64, 128, 256),
    [COLUMNS] = SNI_PARAM("columns", "columns of the result that a work-group computes, at most", 32, 64, 128, 256),
    [ROWS] = SNI_PARAM("rows", "rows of a work-group, at most", 6, 12, 24, 48, 96),
    [WAVES] = SNI_PARAM("waves", "work-groups for each core, at least, where there are rows enough", 1, 2, 4, 8),
};

enum { TILE_ROWS = 6 /* of cl/gemm/cpu_gemm.cl */ };

typedef struct kernel {
    sni_emitter *e;
    const sni_attention *a;
    sni_contract scores, result;
    int width;
    int keys, columns, rows; /* of a block */
    int pitch;               /* of the scratch: the wider of keys and columns */
} kernel;

/* Bytes of local memory: two scratches, a packed block of k or v, q's rows. */
static uint64_t local_bytes(int keys, int columns, int rows) {
    uint64_t pitch = (uint64_t)(keys > columns ? keys : columns);
    return 4 *
           (2 * (uint64_t)rows * pitch + (uint64_t)keys * pitch + (uint64_t)rows * (uint64_t)keys + 2 * (uint64_t)rows);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    sni_attention a;
    if (caps->device_class != SNI_DEVICE_CPU) return sni_contract_refuse(why, "made for CPUs");
    if (caps->work_items_are_lanes) return sni_contract_refuse(why, "the device's lanes are work-items, not vectors");
    if (local_bytes(32, 32, 6) > sni_contract_local_bytes(caps))
        return sni_contract_refuse(why, "the smallest blocks do not fit in local memory");
    return sni_attention_of(loop, &a, why);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *s, sni_str *why) {
    (void)loop;
    if (local_bytes(s->values[KEYS], s->values[COLUMNS], s->values[ROWS]) <= sni_contract_local_bytes(caps))
        return true;
    sni_str_append(why, "the blocks do not fit in local memory");
    return false;
}

/* The columns in one block where they are known and few, so that scores are computed once; as many rows and keys as
 * local memory holds. */
static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *s) {
    sni_attention a;
    int64_t columns = 64;
    if (sni_attention_of(loop, &a, NULL)) sni_sym_is_const(loop->sym, sni_extent_product(loop, a.columns), &columns);
    sni_schedule_fill(s, COLUMNS, columns <= 32 ? 32 : columns <= 64 ? 64 : columns <= 128 ? 128 : 256);
    sni_schedule_fill(s, WAVES, 4);
    bool keys_open = s->values[KEYS] == 0, rows_open = s->values[ROWS] == 0;
    sni_schedule_fill(s, KEYS, 128);
    sni_schedule_fill(s, ROWS, 48);
    while (local_bytes(s->values[KEYS], s->values[COLUMNS], s->values[ROWS]) > sni_contract_local_bytes(caps)) {
        if (rows_open && s->values[ROWS] > 12)
            s->values[ROWS] /= 2;
        else if (keys_open && s->values[KEYS] > 32)
            s->values[KEYS] /= 2;
        else if (rows_open && s->values[ROWS] > 6)
            s->values[ROWS] = 6;
        else
            break;
    }
}

/* ---- A block's products ----------------------------------------------------------------------- */

static void print_tiles(const kernel *k, const char *rows_of_a, const char *to, const char *depth, const char *first) {
    sni_emitter *e = k->e;
    sni_emit_open(e, "for (int i = 0; i < rows;)");
    sni_emit_line(e, "const int step = sn_gemm_rows(rows - i);");
    sni_emit_line(e, "SN_GEMM_A_PTR a[SN_GEMM_MR];");
    sni_emit_line(e, "for (int r = 0; r < step; ++r) a[r] = %s;", rows_of_a);
    sni_emit_line(e, "for (int p = 0; p < panels; ++p)");
    sni_emit_line(e,
                  "    sn_gemm_tile(step, a, b_block + p * (SN_GEMM_KC * SN_GEMM_NR), %s + i * SN_GEMM_LDC + p * "
                  "SN_GEMM_NR, %s, %s);",
                  to, depth, first);
    sni_emit_line(e, "i += step;");
    sni_emit_close(e);
}

/* Scores of the rows and the block's keys. q is packed once where one step holds its depth. */
static void print_scores(const kernel *k) {
    sni_emitter *e = k->e;
    const char *depth = sni_contract_number(e, k->scores.size_k);
    sni_emit_open(e, "%s", "");
    sni_emit_line(e, "const sn_idx col0 = key0;");
    sni_emit_line(e, "const int cols = keys, panels = (keys + SN_GEMM_NR - 1) / SN_GEMM_NR;");
    sni_emit_open(e, "for (sn_idx kb = 0; kb == 0 || kb < %s; kb += SN_GEMM_KC)", depth);
    sni_emit_line(e, "const int kc = (int)min((sn_idx)SN_GEMM_KC, (sn_idx)(%s - kb));", depth);
    sni_emit_open(e, "if (kc > 0 && (first || %s > SN_GEMM_KC))", depth);
    sni_emit_line(e, "const sn_idx a_row0 = row0;");
    sni_emit_line(e, "const int a_rows = rows;");
    sni_contract_pack_a(e, &k->scores, k->width);
    sni_emit_close(e);
    sni_emit_open(e, "if (kc > 0 && keys > 0)");
    sni_contract_pack_b(e, &k->scores, k->width);
    sni_emit_close(e);
    print_tiles(k, "a_block + (i + r) * SN_GEMM_KC", "scores", "kc", "kb == 0");
    sni_emit_close(e);
    sni_emit_close(e);
}

static void print_sums(const kernel *k) {
    sni_emitter *e = k->e;
    sni_emit_open(e, "%s", "");
    sni_emit_line(e, "const sn_idx kb = key0;");
    sni_emit_line(e, "const int kc = keys;");
    sni_emit_line(e, "const int panels = (cols + SN_GEMM_NR - 1) / SN_GEMM_NR;");
    sni_emit_open(e, "if (kc > 0)");
    sni_contract_pack_b(e, &k->result, k->width);
    sni_emit_close(e);
    print_tiles(k, "scores + (i + r) * SN_GEMM_LDC", "sums", "kc", "first");
    sni_emit_close(e);
}

/* ---- A row ------------------------------------------------------------------------------------ */

/* The scope of a row's statements; along: the axis of the lanes, named by the variable index. */
static sni_scope row_scope(const kernel *k, int along, const char *index, bool lanes) {
    sni_scope scope = {.lane_axis = lanes ? along : -1, .width = lanes ? k->width : 1, .prefix = lanes ? "v" : "s"};
    sni_contract_name(k->e, &scope, &k->result.b, false, "bi");
    sni_contract_name(k->e, &scope, &k->result.m, false, "row");
    scope.names[along] = index;
    return scope;
}

typedef struct step {
    const bool *needed;
    int from, to;        /* statements: what is loaded from the scratch, what is stored there */
    const char *maximum; /* variable of the maximum, or NULL */
    const char *total;   /* what to's values are combined in, and how; "_v" is the vector */
    sni_combiner combiner;
} step;

static void print_step(const kernel *k, const step *s, bool lanes) {
    sni_emitter *e = k->e;
    int width = lanes ? k->width : 1;
    const char **have = sni_emit_names(e, NULL), **names = sni_emit_names(e, NULL);
    if (have == NULL || names == NULL) return;
    sni_scope scope = row_scope(k, k->a->key_axis, "key", lanes);
    sni_emit_line(e, "const sn_idx key = key0 + j;");
    sni_emit_line(e, "const %s acc = %s;", sni_ctype_name(SNI_C_FLOAT, width),
                  lanes ? "SN_GEMM_VLOAD(0, line + j)" : "line[j]");
    have[s->from] = "acc";
    if (s->maximum != NULL) have[k->a->maximum] = s->maximum;
    scope.have = have;
    for (int i = 0; i < e->loop->stmt_count; ++i) names[i] = have[i];
    sni_emit_stmts(e, &scope, s->needed, names);
    scope.have = names;
    const char *value = sni_emit_operand(e, &scope, s->to, SNI_C_FLOAT, width);
    if (s->to != s->from) sni_emit_line(e, lanes ? "SN_GEMM_VSTORE(%s, 0, line + j);" : "line[j] = %s;", value);
    const char *acc = sni_emit_format(e, "%s%s", s->total, lanes ? "_v" : "");
    sni_emit_line(e, "%s = %s;", acc, sni_emit_combine(e, s->combiner, SNI_C_FLOAT, width, acc, value));
}

/* Vectors of keys, then single ones; the total is then in the scalar variable. */
static void print_keys(const kernel *k, const step *s) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "int j = 0;");
    sni_emit_open(e, "for (; j + SN_GEMM_W <= keys; j += SN_GEMM_W)");
    print_step(k, s, true);
    sni_emit_close(e);
    sni_emit_open(e, "for (; j < keys; ++j)");
    print_step(k, s, false);
    sni_emit_close(e);
    const char *folded = sni_emit_fold(e, s->combiner, SNI_C_FLOAT, k->width, sni_emit_format(e, "%s_v", s->total));
    sni_emit_line(e, "%s = %s;", s->total, sni_emit_combine(e, s->combiner, SNI_C_FLOAT, 1, s->total, folded));
}

static void declare(const kernel *k, const char *name, const char *from, sni_combiner combiner) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "float %s = %s;", name, from);
    sni_emit_line(e, "%s %s_v = %s;", sni_ctype_name(SNI_C_FLOAT, k->width), name,
                  sni_emit_identity(e, combiner, SINTER_F32, k->width));
}

static void print_row(const kernel *k) {
    sni_emitter *e = k->e;
    const bool *logit = sni_attention_logit_need(k->a, k->a->logit, e->arena),
               *weight = sni_attention_weight_need(k->a, e->arena);
    if (logit == NULL || weight == NULL) {
        e->failed = true;
        return;
    }
    sni_emit_use(e, SNI_C_FLOAT, 1);
    sni_emit_open(e, "for (int i = 0; i < rows; ++i)");
    sni_emit_line(e, "const sn_idx row = row0 + i;");
    sni_contract_split(e, &k->result.m, false, "row", true);
    sni_emit_line(e, "__local float *line = scores + i * SN_GEMM_LDC;");
    declare(k, "best", "best_of[i]", SNI_COMBINE_MAX);
    sni_emit_open(e, "%s", "");
    print_keys(k, &(step){logit, k->a->score, k->a->logit, NULL, "best", SNI_COMBINE_MAX});
    sni_emit_close(e);
    /* Weights of a row that has nothing but minus infinity so far are 0, not NaN: another block may have more. */
    sni_emit_line(e, "const float zero = best == -INFINITY ? 0.0f : best;");
    sni_emit_line(e, "const float scale = sn_exp_float(best_of[i] - zero);");
    sni_emit_line(e, "best_of[i] = best;");
    declare(k, "total", "total_of[i] * scale", SNI_COMBINE_SUM);
    sni_emit_open(e, "%s", "");
    print_keys(k, &(step){weight, k->a->logit, k->a->weight, "zero", "total", SNI_COMBINE_SUM});
    sni_emit_close(e);
    sni_emit_line(e, "total_of[i] = total;");
    sni_emit_open(e, "if (!first && scale != 1.0f)");
    sni_emit_line(e, "__local float *sum = sums + i * SN_GEMM_LDC;");
    sni_emit_line(
        e, "for (int c = 0; c < cols; c += SN_GEMM_W) SN_GEMM_VSTORE(SN_GEMM_VLOAD(0, sum + c) * scale, 0, sum + c);");
    sni_emit_close(e);
    sni_emit_close(e);
}

/* ---- The epilogue ----------------------------------------------------------------------------- */

static void print_stores(const kernel *k, const bool *needed, const char *acc, bool lanes) {
    sni_emitter *e = k->e;
    const char **have = sni_emit_names(e, NULL), **names = sni_emit_names(e, NULL);
    if (have == NULL || names == NULL) return;
    sni_scope scope = row_scope(k, k->result.n.last >= 0 ? k->result.n.last : 0, "col", lanes);
    if (k->result.n.last < 0) scope = row_scope(k, k->a->key_axis, "0", false);
    have[k->a->sum] = acc;
    have[k->a->maximum] = "best";
    if (k->a->total >= 0) have[k->a->total] = "total";
    scope.have = have;
    for (int i = 0; i < e->loop->stmt_count; ++i) names[i] = have[i];
    sni_emit_stmts(e, &scope, needed, names);
    scope.have = names;
    for (int i = 0; i < e->loop->store_count; ++i)
        sni_emit_store(e, &scope, &e->loop->stores[i], names[e->loop->stores[i].stmt]);
}

static void print_epilogue(const kernel *k) {
    sni_emitter *e = k->e;
    const bool *needed = sni_attention_store_need(k->a, e->arena);
    if (needed == NULL) {
        e->failed = true;
        return;
    }
    sni_emit_open(e, "for (int i = 0; i < rows; ++i)");
    sni_emit_line(e, "const sn_idx row = row0 + i;");
    sni_contract_split(e, &k->result.m, false, "row", true);
    sni_emit_line(e, "const float best = best_of[i], total = total_of[i];");
    sni_emit_line(e, "__local const float *from = sums + i * SN_GEMM_LDC;");
    sni_emit_line(e, "int j = 0;");
    if (k->result.n.last >= 0) {
        sni_emit_open(e, "for (; j + SN_GEMM_W <= cols; j += SN_GEMM_W)");
        sni_emit_line(e, "const sn_idx col = col0 + j;");
        sni_emit_line(e, "const SN_GEMM_V acc = SN_GEMM_VLOAD(0, from + j);");
        print_stores(k, needed, "acc", true);
        sni_emit_close(e);
    }
    sni_emit_open(e, "for (; j < cols; ++j)");
    sni_emit_line(e, "const sn_idx col = col0 + j;");
    sni_emit_line(e, "const float acc = from[j];");
    print_stores(k, needed, "acc", false);
    sni_emit_close(e);
    sni_emit_close(e);
}

/* ---- The kernel ------------------------------------------------------------------------------- */

/* Rows of a work-group: as many as a block has, fewer where that leaves cores without work. */
static sni_expr rows_of_group(const kernel *k, int64_t wanted, sni_expr column_blocks) {
    sni_sym *sym = k->e->loop->sym;
    sni_expr one = sni_sym_const(sym, 1),
             around = sni_sym_max(sym, one, sni_sym_mul(sym, k->result.size_b, column_blocks));
    sni_expr parts = sni_sym_ceil_div(sym, sni_sym_const(sym, wanted), around);
    sni_expr each = sni_sym_ceil_div(sym, k->result.size_m, sni_sym_max(sym, parts, one));
    each = sni_sym_ceil_div(sym, each, sni_sym_const(sym, TILE_ROWS));
    each = sni_sym_min(sym, sni_sym_max(sym, each, one), sni_sym_const(sym, k->rows / TILE_ROWS));
    return sni_sym_mul_i(sym, each, TILE_ROWS);
}

static void print_head(const kernel *k, sni_expr rows) {
    sni_emitter *e = k->e;
    const char *each = sni_contract_number(e, rows);
    sni_emit_line(e, "__local float a_block[%d];", k->rows * k->keys);
    sni_emit_line(e, "__local float b_block[%d];", k->keys * k->pitch);
    sni_emit_line(e, "__local float scores[%d], sums[%d];", k->rows * k->pitch, k->rows * k->pitch);
    sni_emit_line(e, "__local float best_of[%d], total_of[%d];", k->rows, k->rows);
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)get_group_id(0) * %s;", each);
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(1) * %d;", k->columns);
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &k->result.b, false, "bi", true);
    sni_emit_line(e, "const int rows = (int)min((sn_idx)(%s), (sn_idx)(%s - row0));", each,
                  sni_contract_number(e, k->result.size_m));
    sni_emit_line(e, "const int cols = (int)min((sn_idx)%d, (sn_idx)(%s - col0));", k->columns,
                  sni_contract_number(e, k->result.size_n));
    sni_emit_line(e, "for (int i = 0; i < rows; ++i) { best_of[i] = -INFINITY; total_of[i] = 0.0f; }");
}

/* Rows of the scratch that no block has written yet are written by the first block that is not left out. */
static void print_blocks(const kernel *k) {
    sni_emitter *e = k->e;
    static const char *const row[2] = {"row0", "row_high"}, *const key[2] = {"key0", "key_high"};
    const char *count = sni_contract_number(e, k->result.size_k);
    const char *masked = sni_attention_masked(e, k->a, row, key);
    sni_emit_line(e, "bool first = true;");
    sni_emit_open(e, "for (sn_idx key0 = 0; key0 < %s || first; key0 += SN_GEMM_KC)", count);
    sni_emit_line(e, "const int keys = (int)max((sn_idx)0, min((sn_idx)SN_GEMM_KC, (sn_idx)(%s - key0)));", count);
    if (masked != NULL) {
        sni_emit_line(e, "const sn_idx row_high = row0 + rows - 1, key_high = key0 + keys - 1;");
        sni_emit_line(e, "if (keys > 0 && %s) continue;", masked);
    }
    print_scores(k);
    print_row(k);
    print_sums(k);
    sni_emit_line(e, "first = false;");
    sni_emit_close(e);
}

static sinter_status finish(const kernel *k) {
    SNI_TRY(sni_emit_end(k->e, "cpu_attention", "__attribute__((reqd_work_group_size(1, 1, 1)))"));
    sni_str head = SNI_STR_INIT;
    sni_str_printf(&head, "#define SN_GEMM_REAL float\n#define SN_GEMM_W %d\n#define SN_GEMM_LDC %d\n", k->width,
                   k->pitch);
    sni_str_printf(&head, "#define SN_GEMM_KC %d\n#define SN_GEMM_A_PACKED\n#include \"gemm/cpu_gemm.cl\"\n", k->keys);
    return sni_emit_prepend(k->e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_attention a;
    if (!sni_attention_of(loop, &a, NULL)) return sni_fail(SINTER_INTERNAL, "cpu_attention: not attention");
    int width = caps->native_float_width >= 16 ? 16 : caps->native_float_width >= 8 ? 8 : 4;
    kernel k = {.e = &e,
                .a = &a,
                .width = width,
                .keys = schedule->values[KEYS],
                .columns = schedule->values[COLUMNS],
                .rows = schedule->values[ROWS]};
    k.pitch = k.keys > k.columns ? k.keys : k.columns;
    SNI_TRY(sni_contract_init(&k.scores, &a.scores, caps, arena, false));
    SNI_TRY(sni_contract_init(&k.result, &a.result, caps, arena, false));
    if (k.result.b.axes != a.batch || k.scores.b.axes != a.batch || k.result.n.count > 1)
        return sni_fail(SINTER_UNSUPPORTED, "the columns are not one axis");
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    sni_expr column_blocks = sni_sym_ceil_div(loop->sym, k.result.size_n, sni_sym_const(loop->sym, k.columns));
    sni_expr rows = rows_of_group(&k, (int64_t)caps->compute_units * schedule->values[WAVES], column_blocks);
    print_head(&k, rows);
    print_blocks(&k);
    print_epilogue(&k);
    out_spec->dims = 3;
    out_spec->global[0] = sni_sym_ceil_div(loop->sym, k.result.size_m, rows);
    out_spec->global[1] = column_blocks;
    out_spec->global[2] = k.result.size_b;
    for (int d = 0; d < 3; ++d) out_spec->local[d] = 1;
    out_spec->notes = sni_emit_format(&e, "blocks of %d keys, %d columns, %d rows", k.keys, k.columns, k.rows);
    return finish(&k);
}

const sni_strategy sni_strategy_cpu_attention = {
    .name = "cpu_attention",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
    .nests = true,
};
