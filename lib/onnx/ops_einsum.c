/* ONNX Einsum: operands are contracted in pairs, from the left; a pair becomes a matrix product where
 * its labels allow, else a product of broadcast operands and a sum. */
#include "onnx/importer.h"

#include <string.h>

#define ELLIPSIS_LABEL 52 /* and on, for the dimensions that ... stands for, from the right */
#define MAX_LABELS 60

typedef struct {
    uint32_t value;
    int count;
    int labels[SINTER_MAX_RANK];
} operand;

typedef struct {
    const char *text; /* of one term, without blanks */
    size_t length;
} term;

static int label_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return 26 + c - 'a';
    return -1;
}

/* Where in the operand a label is, or -1. */
static int find(const operand *o, int label) {
    for (int i = 0; i < o->count; i++)
        if (o->labels[i] == label) return i;
    return -1;
}

static uint64_t mask_of(const operand *o) {
    uint64_t mask = 0;
    for (int i = 0; i < o->count; i++) mask |= (uint64_t)1 << o->labels[i];
    return mask;
}

static void malformed(sni_onnx_call *call) {
    sni_onnx_fail(call, SINTER_PARSE, "the equation is malformed or does not fit the operands");
}

static void add_label(sni_onnx_call *call, operand *o, int label) {
    if (o->count >= SINTER_MAX_RANK)
        malformed(call);
    else
        o->labels[o->count++] = label;
}

/* Labels of a term; "..." takes hidden dimensions. */
static void parse_term(sni_onnx_call *call, term t, int hidden, operand *out) {
    out->count = 0;
    for (size_t i = 0; i < t.length; i++) {
        int label = label_of(t.text[i]);
        if (label >= 0)
            add_label(call, out, label);
        else if (t.length - i >= 3 && memcmp(t.text + i, "...", 3) == 0) {
            for (int d = hidden; d > 0; d--) add_label(call, out, ELLIPSIS_LABEL + d - 1);
            i += 2;
        } else
            malformed(call);
    }
}

static int letters_in(term t) {
    int count = 0;
    for (size_t i = 0; i < t.length; i++) count += label_of(t.text[i]) >= 0;
    return count;
}

/* A label that occurs twice: only the diagonal stays. */
static void take_diagonals(sni_onnx_call *call, operand *o) {
    for (int p = 0; p < o->count; p++)
        for (int q = p + 1; q < o->count; q++) {
            if (o->labels[q] != o->labels[p]) continue;
            sni_onnx_list shape = sni_onnx_shape(call, o->value);
            uint32_t same = sni_onnx_binary(call, "eq", sni_onnx_iota(call, &shape, SINTER_I64, p),
                                            sni_onnx_iota(call, &shape, SINTER_I64, q));
            uint32_t zero = sni_onnx_scalar_like(call, o->value, 0);
            o->value = sni_onnx_reduce(call, "reduce_sum", sni_onnx_where(call, same, o->value, zero), 1, &q, false);
            o->count--;
            memmove(o->labels + q, o->labels + q + 1, (size_t)(o->count - q) * sizeof *o->labels);
            q--;
        }
}

/* Sums over every label that is not in keep. */
static void sum_out(sni_onnx_call *call, operand *o, uint64_t keep) {
    int axes[SINTER_MAX_RANK], count = 0, left = 0;
    for (int i = 0; i < o->count; i++) {
        if (keep >> o->labels[i] & 1)
            o->labels[left++] = o->labels[i];
        else
            axes[count++] = i;
    }
    if (count > 0) o->value = sni_onnx_reduce(call, "reduce_sum", o->value, count, axes, false);
    o->count = left;
}

/* The operand with its labels in the order of to, which has no other labels than these. */
static void arrange(sni_onnx_call *call, operand *o, int count, const int *to) {
    int perm[SINTER_MAX_RANK];
    for (int i = 0; i < count; i++) {
        perm[i] = find(o, to[i]);
        if (perm[i] < 0 || count != o->count) {
            malformed(call);
            return;
        }
    }
    o->value = sni_onnx_transpose(call, o->value, count, perm);
    memcpy(o->labels, to, (size_t)count * sizeof *to);
}

/* The operand as it broadcasts over all of the labels. */
static uint32_t spread(sni_onnx_call *call, operand o, int count, const int *labels) {
    int order[SINTER_MAX_RANK] = {0}, have = 0;
    sni_onnx_list shape = {.count = count};
    for (int i = 0; i < count; i++)
        if (find(&o, labels[i]) >= 0) order[have++] = labels[i];
    arrange(call, &o, have, order);
    for (int i = 0, at = 0; i < count; i++)
        shape.at[i] = find(&o, labels[i]) >= 0 ? sni_onnx_dim(call, o.value, at++) : sni_onnx_const(call, 1);
    return sni_onnx_reshape(call, o.value, &shape);
}

static operand multiply(sni_onnx_call *call, const operand *a, const operand *b, uint64_t keep) {
    operand out = *a;
    for (int i = 0; i < b->count; i++)
        if (find(&out, b->labels[i]) < 0) {
            if (out.count >= SINTER_MAX_RANK) {
                sni_onnx_fail(call, SINTER_UNSUPPORTED, "more than %d labels at once", SINTER_MAX_RANK);
                return out;
            }
            out.labels[out.count++] = b->labels[i];
        }
    out.value =
        sni_onnx_binary(call, "mul", spread(call, *a, out.count, out.labels), spread(call, *b, out.count, out.labels));
    sum_out(call, &out, keep);
    return out;
}

/* The labels of a pair by what they are in a matrix product. */
typedef struct {
    int batch[SINTER_MAX_RANK], rows[SINTER_MAX_RANK], columns[SINTER_MAX_RANK], inner[SINTER_MAX_RANK];
    int batch_count, row_count, column_count, inner_count;
} roles;

/* False when the pair is no matrix product: nothing to sum, or a dimension broadcasts. */
static bool roles_of(sni_onnx_call *call, const operand *a, const operand *b, uint64_t keep, roles *r) {
    memset(r, 0, sizeof *r);
    if (!sni_dtype_is_real(sni_onnx_type(call, a->value).dtype)) return false;
    for (int i = 0; i < a->count; i++) {
        int label = a->labels[i], in_b = find(b, label);
        if (in_b < 0)
            r->rows[r->row_count++] = label;
        else if (sni_onnx_dim(call, a->value, i) != sni_onnx_dim(call, b->value, in_b))
            return false;
        else if (keep >> label & 1)
            r->batch[r->batch_count++] = label;
        else
            r->inner[r->inner_count++] = label;
    }
    for (int i = 0; i < b->count; i++)
        if (find(a, b->labels[i]) < 0) r->columns[r->column_count++] = b->labels[i];
    return r->inner_count > 0 && r->batch_count + 2 <= SINTER_MAX_RANK;
}

static sni_expr extent_of(sni_onnx_call *call, const operand *o, int count, const int *labels) {
    sni_expr product = sni_onnx_const(call, 1);
    for (int i = 0; i < count; i++)
        product = sni_sym_mul(call->sym, product, sni_onnx_dim(call, o->value, find(o, labels[i])));
    return product;
}

/* o as [batch..., first, second], the labels of each of the two in one dimension. */
static uint32_t as_matrix(sni_onnx_call *call, operand o, const roles *r, int first_count, const int *first,
                          int second_count, const int *second) {
    int order[SINTER_MAX_RANK * 3] = {0}, count = 0;
    sni_onnx_list shape = {0};
    for (int i = 0; i < r->batch_count; i++) {
        order[count++] = r->batch[i];
        shape.at[shape.count++] = extent_of(call, &o, 1, &r->batch[i]);
    }
    shape.at[shape.count++] = extent_of(call, &o, first_count, first);
    shape.at[shape.count++] = extent_of(call, &o, second_count, second);
    for (int i = 0; i < first_count; i++) order[count++] = first[i];
    for (int i = 0; i < second_count; i++) order[count++] = second[i];
    arrange(call, &o, count, order);
    return sni_onnx_reshape(call, o.value, &shape);
}

static operand contract(sni_onnx_call *call, operand a, operand b, uint64_t keep) {
    roles r;
    sum_out(call, &a, keep | mask_of(&b));
    sum_out(call, &b, keep | mask_of(&a));
    if (!roles_of(call, &a, &b, keep, &r) || r.batch_count + r.row_count + r.column_count > SINTER_MAX_RANK)
        return multiply(call, &a, &b, keep);
    operand out = {0};
    sni_onnx_list shape = {0};
    for (int i = 0; i < r.batch_count + r.row_count + r.column_count; i++) {
        int at = i - r.batch_count, label = at < 0             ? r.batch[i]
                                            : at < r.row_count ? r.rows[at]
                                                               : r.columns[at - r.row_count];
        const operand *from = find(&a, label) >= 0 ? &a : &b;
        out.labels[out.count++] = label;
        shape.at[shape.count++] = extent_of(call, from, 1, &label);
    }
    uint32_t left = as_matrix(call, a, &r, r.row_count, r.rows, r.inner_count, r.inner);
    uint32_t right = as_matrix(call, b, &r, r.inner_count, r.inner, r.column_count, r.columns);
    out.value = sni_onnx_reshape(call, sni_onnx_binary(call, "matmul", left, right), &shape);
    return out;
}

/* Without "->" the result has the labels that occur once, in alphabetical order, after "...". */
static void implicit_result(sni_onnx_call *call, const operand *operands, int count, operand *out) {
    int seen[MAX_LABELS + SINTER_MAX_RANK] = {0};
    for (int o = 0; o < count; o++)
        for (int i = 0; i < operands[o].count; i++) seen[operands[o].labels[i]]++;
    for (int d = SINTER_MAX_RANK; d > 0; d--)
        if (seen[ELLIPSIS_LABEL + d - 1] > 0) add_label(call, out, ELLIPSIS_LABEL + d - 1);
    for (int l = 0; l < ELLIPSIS_LABEL; l++)
        if (seen[l] == 1) add_label(call, out, l);
}

/* Splits the equation, without its blanks, into terms; *out_result has text NULL without "->". */
static int split_terms(char *text, term *terms, int capacity, term *out_result) {
    char *to = text;
    for (const char *from = text; *from; from++)
        if (*from != ' ') *to++ = *from;
    *to = '\0';
    char *arrow = strstr(text, "->");
    *out_result = (term){NULL, 0};
    if (arrow) {
        *out_result = (term){arrow + 2, strlen(arrow + 2)};
        *arrow = '\0';
    }
    int count = 0;
    for (char *at = text; at; count++) {
        size_t length = strcspn(at, ",");
        if (count < capacity) terms[count] = (term){at, length};
        at = at[length] ? at + length + 1 : NULL;
    }
    return count;
}

#define MAX_OPERANDS 16

static void einsum(sni_onnx_call *call) {
    term terms[MAX_OPERANDS], result_term;
    operand operands[MAX_OPERANDS], result = {0};
    char *text = sni_arena_strdup(call->importer->arena, sni_onnx_attr_text(call, "equation", ""));
    int count = text ? split_terms(text, terms, MAX_OPERANDS, &result_term) : 0, hidden = 0;
    if (count != call->in_count || count > MAX_OPERANDS || count == 0) {
        malformed(call);
        return;
    }
    for (int i = 0; i < count && call->status == SINTER_OK; i++) {
        int rank = sni_onnx_rank(call, call->in[i]), rest = rank - letters_in(terms[i]);
        operands[i].value = call->in[i];
        parse_term(call, terms[i], rest > 0 ? rest : 0, &operands[i]);
        if (operands[i].count != rank) malformed(call);
        if (rest > hidden) hidden = rest;
        if (call->status == SINTER_OK) take_diagonals(call, &operands[i]);
    }
    if (call->status != SINTER_OK) return;
    if (result_term.text)
        parse_term(call, result_term, hidden, &result);
    else
        implicit_result(call, operands, count, &result);
    operand sum = operands[0];
    for (int i = 1; i < count && call->status == SINTER_OK; i++) {
        uint64_t keep = mask_of(&result);
        for (int j = i + 1; j < count; j++) keep |= mask_of(&operands[j]);
        sum = contract(call, sum, operands[i], keep);
    }
    if (call->status != SINTER_OK) return;
    sum_out(call, &sum, mask_of(&result));
    arrange(call, &sum, result.count, result.labels);
    call->out[0] = sum.value;
}

static const sni_onnx_row rows[] = {
    {"Einsum", 12, 1, -1, 1, einsum, NULL},
};
const sni_onnx_family sni_onnx_einsum_family = {rows, sizeof rows / sizeof *rows};
