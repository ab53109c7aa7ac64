/* Attributes that a row may leave unread. Any other attribute of a node that its row has not asked for is refused: it
 * comes from a version of the operator that nobody has looked at, or from none, and may change the result. */
#include "onnx/importer.h"

#include <string.h>

/* Names between spaces; NULL as the operator: every one. They say what memory to use, what the operands' shapes say
 * already, what only training needs, or what only some values of other attributes give a meaning to. */
static const struct {
    const char *op, *names;
} unread[] = {
    {NULL, " consumed_inputs "},
    {"Add", " axis "},
    {"Sub", " axis "},
    {"Mul", " axis "},
    {"Div", " axis "},
    {"Pow", " axis "},
    {"And", " axis "},
    {"Or", " axis "},
    {"Xor", " axis "},
    {"Equal", " axis "},
    {"Greater", " axis "},
    {"Less", " axis "},
    {"Gemm", " broadcast "},
    {"Cast", " saturate round_mode "}, /* of targets of 8 bits and less only */
    {"CastLike", " saturate round_mode "},
    {"QuantizeLinear", " axis saturate "}, /* one scale has no axis */
    {"DequantizeLinear", " axis "},
    {"Dropout", " ratio seed is_test "},
    {"BatchNormalization", " momentum is_test spatial "},
    {"LayerNormalization", " stash_type "}, /* sums are kept in f32 or wider whatever it says */
    {"GroupNormalization", " stash_type "},
    {"RMSNormalization", " stash_type "},
    {"SimplifiedLayerNormalization", " stash_type "},
    {"Range", " stash_type "},
    {"Attention", " softmax_precision q_num_heads kv_num_heads qk_matmul_output_mode "},
    {"RotaryEmbedding", " num_heads "},
    {"RNN", " hidden_size output_sequence "},
    {"GRU", " hidden_size output_sequence "},
    {"LSTM", " hidden_size output_sequence "},
    {"TopK", " sorted "}, /* sorted results are as good where any order would do */
    {"Split", " num_outputs "},
    {"MaxPool", " storage_order pads dilations kernel_shape "}, /* storage_order is about the indices */
    {"AveragePool", " pads dilations kernel_shape "},
    {"LpPool", " pads dilations kernel_shape "},
    {"Conv", " pads dilations kernel_shape "}, /* auto_pad takes the place of pads */
    {"DeformConv", " kernel_shape "},
    {"ConvInteger", " pads dilations kernel_shape "},
    {"QLinearConv", " pads dilations kernel_shape "},
    {"ConvTranspose", " pads output_padding output_shape dilations kernel_shape "},
    {"Resize", " cubic_coeff_a exclude_outside extrapolation_value nearest_mode "},
    {"Pad", " value "},
    {"If", " then_branch else_branch "}, /* of a condition that is known */
};

static bool may_be_unread(const char *op, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++) {
        if (unread[i].op && strcmp(unread[i].op, op) != 0) continue;
        const char *at = length ? strstr(unread[i].names, name) : NULL;
        if (at && at[-1] == ' ' && at[length] == ' ') return true;
    }
    return false;
}

void sni_onnx_check_attrs(sni_onnx_call *call) {
    const Onnx__NodeProto *node = call->node;
    for (size_t i = 0; i < node->n_attribute; i++) {
        const char *name = node->attribute[i]->name ? node->attribute[i]->name : "";
        if (i < 64 && (call->asked >> i & 1)) continue;
        if (!may_be_unread(call->row->name, name))
            sni_onnx_fail(call, SINTER_UNSUPPORTED, "attribute '%s' is not known to it in opset %lld", name,
                          (long long)call->opset);
    }
}
