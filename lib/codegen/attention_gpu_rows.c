/* What a block's rows compute in the registers of their work-items: from scores to weights, and the epilogue. */
#include "codegen/attention_gpu.h"

/* The scope of a point: batch and row, and what else is named. */
static sni_scope point_scope(const sni_attention_kernel *k) {
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "s"};
    sni_contract_name(k->e, &scope, &k->result.b, false, "bi");
    sni_contract_name(k->e, &scope, &k->result.m, false, "row");
    return scope;
}

/* Statement `to` from statement `from`, which is the variable acc, and the row's maximum (NULL: not needed). exp: e to the
 * power of it. */
static void print_score(const sni_attention_kernel *k, const bool *needed, int from, int to, const char *maximum,
                        bool exp) {
    sni_emitter *e = k->e;
    const char **have = sni_emit_names(e, NULL), **names = sni_emit_names(e, NULL);
    if (have == NULL || names == NULL) return;
    sni_scope scope = point_scope(k);
    scope.names[k->a->key_axis] = "key";
    have[from] = "acc";
    if (maximum != NULL) have[k->a->maximum] = maximum;
    scope.have = have;
    for (int i = 0; i < e->loop->stmt_count; ++i) names[i] = have[i];
    sni_emit_stmts(e, &scope, needed, names);
    scope.have = names;
    sni_emit_line(e, exp ? "value = SN_ATT_EXP(%s);" : "value = %s;", sni_emit_operand(e, &scope, to, SNI_C_FLOAT, 1));
}

/* Opens the loops over a work-item's scores; past the edges value stays what it is outside. */
static void open_keys(const sni_attention_kernel *k, const char *outside) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int j = 0; j < SN_ATT_TN; ++j)");
    sni_emit_line(e, "const sn_idx key = key0 + SN_ATT_KEY(j);");
    sni_emit_line(e, "float value = %s;", outside);
    if (!k->whole) sni_emit_open(e, "if (row < size_m && key < size_keys)");
    sni_emit_line(e, "const float acc = SN_ATT_SCORE_AT(i, j);");
}

static int logit_of(const sni_attention_kernel *k) {
    return k->logit > 0 ? k->logit : k->a->logit;
}

static void open_rows(const sni_attention_kernel *k) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int i = 0; i < SN_ATT_TM; ++i)");
    sni_emit_line(e, "const sn_idx row = row0 + SN_ATT_ROW(i);");
    sni_contract_split(e, &k->result.m, false, "row", true);
}

static void print_logits(const sni_attention_kernel *k, const bool *needed) {
    sni_emitter *e = k->e;
    open_rows(k);
    sni_emit_line(e, "most[i] = best[i];");
    open_keys(k, "-INFINITY");
    print_score(k, needed, k->a->score, logit_of(k), NULL, false);
    if (!k->whole) sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_SCORE_AT(i, j) = value;");
    sni_emit_line(e, "most[i] = SN_ATT_MAX(most[i], value);");
    sni_emit_close(e);
    sni_emit_close(e);
}

/* Weights of a row that has nothing but minus infinity so far are 0, not NaN: another block may have more. */
static void print_weights(const sni_attention_kernel *k, const bool *needed) {
    sni_emitter *e = k->e;
    open_rows(k);
    sni_emit_line(e, "const float zero = most[i] == -INFINITY ? 0.0f : most[i];");
    sni_emit_line(e, "const float scale = sn_exp_float(best[i] - zero);");
    if (k->matrix) sni_emit_line(e, "const float from = SN_ATT_FROM(zero);");
    sni_emit_line(e, "best[i] = most[i];");
    sni_emit_line(e, "total[i] *= scale;");
    sni_emit_line(e, "SN_ATT_SCALE_SUMS(i, scale)");
    open_keys(k, "0.0f");
    /* Weights that a matrix instruction rounds to 16 bits may be of the device's own exp. */
    if (k->matrix && sni_attention_weight_is_plain(k->a))
        sni_emit_line(e, "value = SN_ATT_EXP_FROM(acc, from);");
    else
        print_score(k, needed, k->a->logit, k->matrix ? k->a->loop->stmts[k->a->weight].args[0] : k->a->weight, "zero",
                    k->matrix);
    if (!k->whole) sni_emit_close(e);
    sni_emit_line(e, "total[i] += value;");
    sni_emit_line(e, "SN_ATT_PUT_WEIGHT(i, j, value)");
    sni_emit_close(e);
    sni_emit_close(e);
}

void sni_attention_print_rows(const sni_attention_kernel *k) {
    sni_emitter *e = k->e;
    const bool *logit = sni_attention_logit_need(k->a, logit_of(k), e->arena),
               *weight = sni_attention_weight_need(k->a, e->arena);
    if (logit == NULL || weight == NULL) {
        e->failed = true;
        return;
    }
    sni_emit_use(e, SNI_C_FLOAT, 1);
    print_logits(k, logit);
    sni_emit_line(e, "SN_ATT_OVER_LANES(most, SN_ATT_MAX)");
    print_weights(k, weight);
}

/* ---- The epilogue ----------------------------------------------------------------------------- */

void sni_attention_print_stores(const sni_attention_kernel *k, const bool *needed, bool four, const char *best,
                                const char *total) {
    sni_emitter *e = k->e;
    const char **have = sni_emit_names(e, NULL), **names = sni_emit_names(e, NULL);
    if (have == NULL || names == NULL) return;
    sni_scope scope = point_scope(k);
    sni_contract_name(e, &scope, &k->result.n, k->result.along_n.flat, "col");
    if (four) {
        scope.lane_axis = k->result.n.last;
        scope.width = 4;
        scope.aligned = true;
    }
    sni_emit_open(e, "if (col < size_n)");
    sni_contract_split(e, &k->result.n, k->result.along_n.flat, "col", true);
    have[k->a->sum] = "acc";
    have[k->a->maximum] = best;
    if (k->a->total >= 0) have[k->a->total] = total;
    scope.have = have;
    for (int i = 0; i < e->loop->stmt_count; ++i) names[i] = have[i];
    sni_emit_stmts(e, &scope, needed, names);
    scope.have = names;
    for (int i = 0; i < e->loop->store_count; ++i)
        sni_emit_store(e, &scope, &e->loop->stores[i], names[e->loop->stores[i].stmt]);
    sni_emit_close(e);
}

void sni_attention_print_epilogue(const sni_attention_kernel *k) {
    sni_emitter *e = k->e;
    bool four = k->result.along_n.aligned4;
    const bool *needed = sni_attention_store_need(k->a, e->arena);
    if (needed == NULL) {
        e->failed = true;
        return;
    }
    open_rows(k);
    sni_emit_open(e, "if (row < size_m%s)", k->matrix ? "" : " && item_part == 0");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int j = 0; j < SN_ATT_TC; ++j)");
    if (k->matrix) {
        sni_emit_line(e, "const sn_idx col = col0 + SN_ATT_COL(j);");
        sni_emit_line(e, "const float acc = SN_ATT_SUM_AT(i, j);");
        sni_attention_print_stores(k, needed, false, "best[i]", "total[i]");
    } else if (four) {
        sni_emit_line(e, "const sn_idx col = col0 + SN_ATT_COL(j);");
        sni_emit_line(e, "const float4 acc = sums[i][j];");
        sni_attention_print_stores(k, needed, true, "best[i]", "total[i]");
    } else {
        sni_emit_line(e, "const float four[4] = {sums[i][j].x, sums[i][j].y, sums[i][j].z, sums[i][j].w};");
        sni_emit_line(e, "#pragma unroll");
        sni_emit_open(e, "for (int lane = 0; lane < 4; ++lane)");
        sni_emit_line(e, "const sn_idx col = col0 + SN_ATT_COL(j) + lane;");
        sni_emit_line(e, "const float acc = four[lane];");
        sni_attention_print_stores(k, needed, false, "best[i]", "total[i]");
        sni_emit_close(e);
    }
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_close(e);
}
