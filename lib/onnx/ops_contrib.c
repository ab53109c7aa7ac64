/* Operators of the domain com.microsoft that map or normalise: what ONNX Runtime's optimiser and exporters leave in
 * models of transformers. */
#include "onnx/attend.h"
#include "onnx/contrib.h"
#include "onnx/product.h"

#include <stdio.h>
#include <string.h>

/* ---- activations ---- */

static void gelu(sni_onnx_call *call) {
    call->out[0] = sni_onnx_unary(call, "gelu", sni_onnx_in(call, 0));
}

static void bias_gelu(sni_onnx_call *call) {
    uint32_t sum = sni_onnx_binary(call, "add", sni_onnx_in(call, 0), sni_onnx_in(call, 1));
    call->out[0] = sni_onnx_unary(call, "gelu", sum);
}

static void fast_gelu(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), bias = sni_onnx_in(call, 1);
    call->out[0] = sni_onnx_unary(call, "gelu_tanh", bias ? sni_onnx_binary(call, "add", x, bias) : x);
}

static void quick_gelu(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0);
    uint32_t turned = sni_onnx_binary_scalar(call, "mul", x, sni_onnx_attr_float(call, "alpha", 1.702));
    call->out[0] = sni_onnx_binary(call, "mul", x, sni_onnx_unary(call, "sigmoid", turned));
}

/* ---- normalisations ---- */

/* Along the last axis; bias 0: none, centred false: by the root of the mean square alone. */
static uint32_t normalised(sni_onnx_call *call, uint32_t x, uint32_t scale, uint32_t bias, bool centred) {
    int last = sni_onnx_rank(call, x) - 1;
    const sni_attr *attrs =
        SNI_ATTRS([SNI_NORM_AXIS] = sni_attr_int(last), [SNI_NORM_EPSILON] = sni_attr_float(
                                                            sni_onnx_attr_float(call, "epsilon", 1e-12)));
    if (last < 0) sni_onnx_fail(call, SINTER_SHAPE, "a scalar has no axis to normalise");
    if (centred) return sni_onnx_emit(call, "layer_norm", SNI_IN(x, scale, bias), attrs);
    return sni_onnx_emit(call, "rms_norm", SNI_IN(x, scale), attrs);
}

/* skip may lack x's batch: [rows, width] or [1, rows, width]. */
static void skip_norm(sni_onnx_call *call, bool centred) {
    uint32_t sum = sni_onnx_binary(call, "add", sni_onnx_in(call, 0), sni_onnx_in(call, 1));
    uint32_t bias = sni_onnx_in(call, centred ? 4 : 3);
    if (bias) sum = sni_onnx_binary(call, "add", sum, bias);
    call->out[0] = normalised(call, sum, sni_onnx_in(call, 2), centred ? sni_onnx_in(call, 3) : 0, centred);
    for (int i = 1; i < 3; i++)
        if (sni_onnx_wants(call, i)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "output %d (a training statistic)", i);
    if (sni_onnx_wants(call, 3)) call->out[3] = sum;
}

static void skip_layer_norm(sni_onnx_call *call) {
    skip_norm(call, true);
}

static void skip_rms_norm(sni_onnx_call *call) {
    skip_norm(call, false);
}

/* ---- products ---- */

/* The matrix axes exchanged (trans), or the first axis moved behind the rows (batch). */
static uint32_t arranged(sni_onnx_call *call, uint32_t x, bool trans, bool batch) {
    int rank = sni_onnx_rank(call, x), perm[SINTER_MAX_RANK];
    if (rank < 2) return x;
    for (int i = 0; i < rank; i++) perm[i] = i;
    if (batch && rank > 2) { /* [rows, batches.., columns] is read as [batches.., rows, columns] */
        for (int i = 0; i + 2 < rank; i++) perm[i] = i + 1;
        perm[rank - 2] = 0;
    }
    if (trans) {
        int row = perm[rank - 2];
        perm[rank - 2] = perm[rank - 1];
        perm[rank - 1] = row;
    }
    return sni_onnx_transpose(call, x, rank, perm);
}

static void fused_matmul(sni_onnx_call *call) {
    uint32_t a = arranged(call, sni_onnx_in(call, 0), sni_onnx_attr_int(call, "transA", 0) != 0,
                          sni_onnx_attr_int(call, "transBatchA", 0) != 0);
    uint32_t b = arranged(call, sni_onnx_in(call, 1), sni_onnx_attr_int(call, "transB", 0) != 0,
                          sni_onnx_attr_int(call, "transBatchB", 0) != 0);
    double alpha = sni_onnx_attr_float(call, "alpha", 1);
    uint32_t y = sni_onnx_binary(call, "matmul", a, b);
    call->out[0] = alpha == 1 ? y : sni_onnx_binary_scalar(call, "mul", y, alpha);
}

/* Bytes [n, bytes] as the numbers that they hold, [n, bytes * (8 / bits)], lowest bits first. */
static uint32_t unpacked(sni_onnx_call *call, uint32_t bytes, int64_t bits) {
    sni_onnx_list s = sni_onnx_shape(call, bytes);
    uint32_t wide = sni_onnx_cast(call, bytes, SINTER_I32);
    if (bits == 8 || s.count != 2) return wide;
    uint32_t high = sni_onnx_binary_scalar(call, "div", wide, 16);
    uint32_t low = sni_onnx_binary(call, "sub", wide, sni_onnx_binary_scalar(call, "mul", high, 16));
    uint32_t pair[] = {sni_onnx_unsqueeze(call, low, 2), sni_onnx_unsqueeze(call, high, 2)};
    sni_onnx_list flat = {2, {s.at[0], sni_sym_mul_i(call->sym, s.at[1], 2)}};
    return sni_onnx_reshape(call, sni_onnx_concat(call, 2, pair, 2), &flat);
}

/* The zero points of all blocks, [n, blocks, 1], of dtype; given packed like weights, or as numbers of the scales' kind. */
static uint32_t zero_points(sni_onnx_call *call, int64_t n, int64_t blocks, int64_t bits, sinter_dtype dtype) {
    uint32_t given = sni_onnx_in(call, 3);
    sni_onnx_list column = {3, {sni_onnx_const(call, n), sni_onnx_const(call, blocks), sni_onnx_const(call, 1)}};
    if (!given) return sni_onnx_scalar(call, dtype, bits == 4 ? 8 : 128);
    if (sni_onnx_type(call, given).dtype == SINTER_U8) {
        int64_t row = bits == 4 ? (blocks + 1) / 2 : blocks; /* a row of an odd number ends with half a byte */
        sni_onnx_list packed = {2, {sni_onnx_const(call, n), sni_onnx_const(call, row)}};
        given = unpacked(call, sni_onnx_reshape(call, given, &packed), bits);
        given = sni_onnx_slice_axis(call, given, 1, sni_onnx_const(call, 0), sni_onnx_const(call, blocks));
    }
    return sni_onnx_cast(call, sni_onnx_reshape(call, given, &column), dtype);
}

/* B is n rows of blocks along k, each with a scale and a zero point; the last block may reach past k. */
static void matmul_nbits(sni_onnx_call *call) {
    uint32_t x = sni_onnx_in(call, 0), bias = sni_onnx_in(call, 5);
    static const int perm[] = {1, 0};
    int64_t n = sni_onnx_attr_int(call, "N", 0), k = sni_onnx_attr_int(call, "K", 0);
    int64_t bits = sni_onnx_attr_int(call, "bits", 4), block = sni_onnx_attr_int(call, "block_size", 0);
    if (sni_onnx_in(call, 4)) sni_onnx_fail(call, SINTER_UNSUPPORTED, "g_idx (an order of its own for each input)");
    if (sni_onnx_attr_int(call, "weight_prepacked", 0))
        sni_onnx_fail(call, SINTER_UNSUPPORTED, "weight_prepacked (a layout of one device)");
    if (bits != 4 && bits != 8) sni_onnx_fail(call, SINTER_UNSUPPORTED, "bits %lld (4 and 8)", (long long)bits);
    if (n < 1 || k < 1 || n > INT32_MAX || k > INT32_MAX)
        sni_onnx_fail(call, SINTER_PARSE, "N %lld and K %lld (1 to %d)", (long long)n, (long long)k, INT32_MAX);
    if (block < 16 || (block & (block - 1)) != 0 || block > INT32_MAX)
        sni_onnx_fail(call, SINTER_PARSE, "block_size %lld (a power of two from 16 on)", (long long)block);
    if (call->status != SINTER_OK) return;
    sinter_dtype dtype = sni_onnx_type(call, x).dtype;
    int64_t blocks = (k + block - 1) / block;
    sni_onnx_list bytes = {2, {sni_onnx_const(call, n), sni_onnx_const(call, blocks * block * bits / 8)}};
    sni_onnx_list cells = {3, {sni_onnx_const(call, n), sni_onnx_const(call, blocks), sni_onnx_const(call, block)}};
    sni_onnx_list column = {3, {cells.at[0], cells.at[1], sni_onnx_const(call, 1)}};
    sni_onnx_list rows = {2, {sni_onnx_const(call, n), sni_onnx_const(call, blocks * block)}};
    uint32_t w = unpacked(call, sni_onnx_reshape(call, sni_onnx_in(call, 1), &bytes), bits);
    w = sni_onnx_cast(call, sni_onnx_reshape(call, w, &cells), dtype);
    uint32_t scales = sni_onnx_cast(call, sni_onnx_reshape(call, sni_onnx_in(call, 2), &column), dtype);
    w = sni_onnx_binary(call, "sub", w, zero_points(call, n, blocks, bits, dtype));
    w = sni_onnx_reshape(call, sni_onnx_binary(call, "mul", w, scales), &rows);
    if (blocks * block != k) w = sni_onnx_slice_axis(call, w, 1, sni_onnx_const(call, 0), sni_onnx_const(call, k));
    uint32_t y = sni_onnx_binary(call, "matmul", x, sni_onnx_transpose(call, w, 2, perm));
    call->out[0] = bias ? sni_onnx_binary(call, "add", y, bias) : y;
}

static uint32_t scalar_or_along(sni_onnx_call *call, uint32_t x, uint32_t like) {
    return sni_onnx_rank(call, x) == 1
               ? sni_onnx_along(call, x, sni_onnx_rank(call, like) - 1, sni_onnx_rank(call, like))
               : x;
}

/* Integers less their zero points, multiplied, and taken times both scales. */
static uint32_t scaled_product(sni_onnx_call *call, uint32_t a, uint32_t a_scale, uint32_t a_zero, uint32_t b,
                               uint32_t b_scale, uint32_t b_zero) {
    a = sni_onnx_cast(call, a, SINTER_I32);
    b = sni_onnx_cast(call, b, SINTER_I32);
    if (a_zero) a = sni_onnx_binary(call, "sub", a, sni_onnx_cast(call, a_zero, SINTER_I32));
    if (b_zero) b = sni_onnx_binary(call, "sub", b, scalar_or_along(call, sni_onnx_cast(call, b_zero, SINTER_I32), b));
    uint32_t y = sni_onnx_cast(call, sni_onnx_product(call, a, b), sni_onnx_type(call, a_scale).dtype);
    return sni_onnx_binary(call, "mul", y, sni_onnx_binary(call, "mul", a_scale, scalar_or_along(call, b_scale, y)));
}

static void matmul_integer_to_float(sni_onnx_call *call) {
    uint32_t bias = sni_onnx_in(call, 6);
    uint32_t y = scaled_product(call, sni_onnx_in(call, 0), sni_onnx_in(call, 2), sni_onnx_in(call, 4),
                                sni_onnx_in(call, 1), sni_onnx_in(call, 3), sni_onnx_in(call, 5));
    call->out[0] = bias ? sni_onnx_binary(call, "add", y, bias) : y;
}

/* These have the meaning of the operator of their name in the default domain, for more dtypes. */
static void as_default(sni_onnx_call *call) {
    const sni_onnx_row *row = sni_onnx_find_row(call->row->name);
    call->opset = 21;
    if (row) row->build(call);
}

static const sni_onnx_contrib_row rows[] = {
    {{"Gelu", 1, 1, 1, 1, gelu, NULL}, " "},
    {{"BiasGelu", 1, 2, 2, 1, bias_gelu, NULL}, " "},
    {{"FastGelu", 1, 1, 2, 1, fast_gelu, NULL}, " "},
    {{"QuickGelu", 1, 1, 1, 1, quick_gelu, NULL}, " alpha "},
    {{"SkipLayerNormalization", 1, 3, 5, 4, skip_layer_norm, NULL}, " epsilon "},
    {{"SkipSimplifiedLayerNormalization", 1, 3, 4, 4, skip_rms_norm, NULL}, " epsilon "},
    {{"FusedMatMul", 1, 2, 2, 1, fused_matmul, NULL}, " alpha transA transB transBatchA transBatchB "},
    {{"MatMulNBits", 1, 3, 6, 1, matmul_nbits, NULL}, " K N bits block_size accuracy_level weight_prepacked "},
    {{"MatMulIntegerToFloat", 1, 4, 7, 1, matmul_integer_to_float, NULL}, " "},
    {{"QuantizeLinear", 1, 2, 3, 1, as_default, NULL}, " axis "},
    {{"DequantizeLinear", 1, 2, 3, 1, as_default, NULL}, " axis "},
};
const sni_onnx_contrib_family sni_onnx_contrib_maps = {rows, sizeof rows / sizeof *rows};

static const sni_onnx_contrib_family *const families[] = {&sni_onnx_contrib_maps, &sni_onnx_contrib_attention};

static const sni_onnx_contrib_row *find(const char *name) {
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (size_t i = 0; i < families[f]->count; i++)
            if (strcmp(families[f]->rows[i].row.name, name) == 0) return &families[f]->rows[i];
    return NULL;
}

const sni_onnx_row *sni_onnx_find_contrib(const char *domain, const char *name) {
    const sni_onnx_contrib_row *found = domain && strcmp(domain, "com.microsoft") == 0 ? find(name) : NULL;
    return found ? &found->row : NULL;
}

void sni_onnx_check_contrib_attributes(sni_onnx_call *call) {
    const sni_onnx_contrib_row *known = find(call->row->name);
    for (size_t i = 0; i < call->node->n_attribute; i++) {
        const char *name = call->node->attribute[i]->name ? call->node->attribute[i]->name : "";
        char word[64];
        int length = snprintf(word, sizeof word, " %s ", name);
        if (length >= (int)sizeof word || !known || !strstr(known->attributes, word))
            sni_onnx_fail(call, SINTER_UNSUPPORTED, "attribute %s", name);
    }
}
