#include "onnx/sized.h"

#include <string.h>

#include "onnx/sort.h"

const sni_onnx_sized *sni_onnx_sized_of(const sni_onnx_importer *importer, uint32_t value) {
    for (size_t i = 0; value && i < importer->sized_count; i++)
        if (importer->sized[i].value == value) return &importer->sized[i];
    return NULL;
}

static sinter_status remember(sni_onnx_importer *importer, sni_onnx_sized sized) {
    if (sni_onnx_sized_of(importer, sized.value)) return SINTER_OK;
    if (!SNI_RESERVE(importer->sized, importer->sized_capacity, importer->sized_count + 1))
        return sni_out_of_memory("sizes that depend on data");
    importer->sized[importer->sized_count++] = sized;
    return SINTER_OK;
}

void sni_onnx_mark_sized(sni_onnx_call *call, uint32_t value, int axis, uint32_t extent) {
    const Onnx__NodeProto *node = call->node;
    sni_str by = SNI_STR_INIT;
    sni_str_printf(&by, "%s '%s'", node->op_type, node->name && node->name[0] ? node->name : node->output[0]);
    sni_onnx_sized sized = {value, axis, extent, sni_arena_strdup(call->importer->arena, sni_str_text(&by))};
    sni_str_deinit(&by);
    if (call->status != SINTER_OK) return;
    call->status = sized.by ? remember(call->importer, sized) : sni_out_of_memory("an operator's name");
}

/* ---- which operators pass a size on, and along which axis ---- */

/* The results' axis for operand i with the size; -1: the operator does not take it so. */
typedef int (*passing)(const sni_onnx_call *call, int i, int axis);

static bool is_one(const sni_onnx_call *call, sni_expr e) {
    return sni_sym_is(call->sym, e, 1);
}

/* Broadcast from the last dimension on: the others have 1 there, or the same size. */
static int elementwise(const sni_onnx_call *call, int i, int axis) {
    int behind = sni_onnx_rank(call, call->in[i]) - axis, rank = 0;
    const sni_onnx_sized *mine = sni_onnx_sized_of(call->importer, call->in[i]);
    for (int k = 0; k < call->in_count; k++) {
        int other = sni_onnx_rank(call, call->in[k]);
        const sni_onnx_sized *sized = sni_onnx_sized_of(call->importer, call->in[k]);
        if (!call->in[k]) continue;
        if (other > rank) rank = other;
        if (k == i || other < behind) continue;
        bool same = sized && sized->extent == mine->extent && other - sized->axis == behind;
        if (!same && !is_one(call, sni_onnx_dim(call, call->in[k], other - behind))) return -1;
    }
    return rank - behind;
}

/* The results' axis with as many elements in front of it, and as long. */
static int renamed(const sni_onnx_call *call, int i, int axis) {
    if (i != 0) return -1;
    sni_onnx_list in = sni_onnx_shape(call, call->in[0]), out = sni_onnx_shape(call, call->out[0]);
    sni_expr before = sni_onnx_const(call, 1), so_far = before;
    for (int k = 0; k < axis; k++) before = sni_sym_mul(call->sym, before, in.at[k]);
    for (int k = 0; k < out.count; k++) {
        if (so_far == before && out.at[k] == in.at[axis]) return k;
        so_far = sni_sym_mul(call->sym, so_far, out.at[k]);
    }
    return -1;
}

static int transposed(const sni_onnx_call *call, int i, int axis) {
    sni_onnx_call *asking = (sni_onnx_call *)call;
    sni_onnx_ints perm = sni_onnx_attr_ints(asking, "perm");
    int rank = sni_onnx_rank(call, call->in[i]);
    for (int k = 0; k < rank; k++)
        if ((perm.given && k < perm.count ? perm.at[k] : rank - 1 - k) == axis) return k;
    return -1;
}

static int axis_attribute(const sni_onnx_call *call, int64_t preset, int rank) {
    return sni_onnx_attr_axis((sni_onnx_call *)call, "axis", preset, rank);
}

/* Elements of one axis are taken at indices, of which only some may be meant; or all of the others' are. */
static int gathered(const sni_onnx_call *call, int i, int axis) {
    int along = axis_attribute(call, 0, sni_onnx_rank(call, call->in[0]));
    if (i == 1) return along + axis;
    if (axis == along) return -1;
    return axis < along ? axis : axis + sni_onnx_rank(call, call->in[1]) - 1;
}

/* Rows of indices name elements or slices. */
static int gathered_nd(const sni_onnx_call *call, int i, int axis) {
    bool batched = sni_onnx_attr_int((sni_onnx_call *)call, "batch_dims", 0) != 0;
    return i == 1 && !batched && axis + 1 < sni_onnx_rank(call, call->in[1]) ? axis : -1;
}

/* The same size in all operands, along another axis than the one they are joined along. */
static int joined(const sni_onnx_call *call, int i, int axis) {
    const sni_onnx_sized *mine = sni_onnx_sized_of(call->importer, call->in[i]);
    if (axis_attribute(call, 0, sni_onnx_rank(call, call->in[i])) == axis) return -1;
    for (int k = 0; k < call->in_count; k++) {
        const sni_onnx_sized *sized = sni_onnx_sized_of(call->importer, call->in[k]);
        if (!sized || sized->axis != axis || sized->extent != mine->extent) return -1;
    }
    return axis;
}

/* Operators whose result keeps the operand's rank, and an axis that keeps its length is not touched. */
static int kept(const sni_onnx_call *call, int i, int axis) {
    if (i != 0 || sni_onnx_rank(call, call->out[0]) != sni_onnx_rank(call, call->in[0])) return -1;
    return sni_onnx_dim(call, call->out[0], axis) == sni_onnx_dim(call, call->in[0], axis) ? axis : -1;
}

/* Softmax and its kin go along one axis, which must be another. */
static int beside_axis(const sni_onnx_call *call, int i, int axis) {
    int rank = sni_onnx_rank(call, call->in[0]);
    if (i != 0 || (call->opset < 13 && rank > 2) || axis_attribute(call, -1, rank) == axis) return -1;
    return kept(call, i, axis);
}

/* Rows times a matrix. */
static int product_rows(const sni_onnx_call *call, int i, int axis) {
    int rank = sni_onnx_rank(call, call->in[0]);
    return i == 0 && axis == rank - 2 && sni_onnx_rank(call, call->in[1]) == 2 ? axis : -1;
}

static const struct {
    const char *names;
    passing pass;
} passers[] = {
    {" Identity Cast CastLike Abs Neg Sign Floor Ceil Round Sqrt Exp Log Sigmoid Tanh Relu Erf Not Clip LeakyRelu "
     "Softplus "
     "Reciprocal IsNaN IsInf Add Sub Mul Div Pow Mod Min Max Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor "
     "Where BitwiseAnd BitwiseOr BitwiseXor BitwiseNot Dropout ",
     elementwise},
    {" Reshape Flatten Squeeze Unsqueeze ", renamed},
    {" Transpose ", transposed},
    {" Gather ", gathered},
    {" GatherND ", gathered_nd},
    {" Concat ", joined},
    {" Slice Split ", kept},
    {" Softmax LogSoftmax ", beside_axis},
    {" MatMul ", product_rows},
};

static passing passing_of(const sni_onnx_call *call) {
    const char *op = call->row->name;
    size_t length = strlen(op);
    for (size_t i = 0; i < sizeof passers / sizeof *passers; i++)
        for (const char *at = strstr(passers[i].names, op); at; at = strstr(at + 1, op))
            if (at[-1] == ' ' && at[length] == ' ') return passers[i].pass;
    return NULL;
}

static sinter_status refuse(const sni_onnx_sized *sized) {
    return sni_fail(SINTER_UNSUPPORTED,
                    "its operand's size depends on data (%s); such a value can be an output of the model, and "
                    "before it go through operators that leave its axis %d alone",
                    sized->by, sized->axis);
}

sinter_status sni_onnx_check_sized(const sni_onnx_call *call) {
    for (int i = 0; call->importer->sized_count > 0 && i < call->in_count; i++) {
        const sni_onnx_sized *sized = sni_onnx_sized_of(call->importer, call->in[i]);
        if (sized && !passing_of(call)) return refuse(sized);
    }
    return SINTER_OK;
}

sinter_status sni_onnx_spread_sized(sni_onnx_call *call) {
    for (int i = 0; call->importer->sized_count > 0 && i < call->in_count; i++) {
        const sni_onnx_sized *at = sni_onnx_sized_of(call->importer, call->in[i]);
        if (!at) continue;
        sni_onnx_sized sized = *at;
        passing pass = passing_of(call);
        int axis = pass ? pass(call, i, sized.axis) : -1;
        SNI_TRY(call->status);
        if (axis < 0) return refuse(&sized);
        sized.axis = axis;
        for (int o = 0; o < call->out_count; o++) {
            sized.value = call->out[o];
            if (sized.value) SNI_TRY(remember(call->importer, sized));
        }
    }
    return SINTER_OK;
}

/* ---- positions ---- */

/* How many flags are set up to each place; the k-th set one is the first place where k of them are. */
uint32_t sni_onnx_positions_of(sni_onnx_call *call, uint32_t flags, uint32_t *out_count) {
    sni_onnx_list shape = sni_onnx_shape(call, flags);
    static const int axis = 0;
    uint32_t set = sni_onnx_cast(call, flags, SINTER_I32);
    uint32_t counts = sni_onnx_unary(
        call, "materialize", sni_onnx_emit(call, "cumsum", SNI_IN(set), SNI_ATTRS([SNI_SCAN_AXIS] = sni_attr_int(0))));
    uint32_t count = sni_onnx_reduce(call, "reduce_sum", set, 1, &axis, false);
    uint32_t place = sni_onnx_iota(call, &shape, SINTER_I32, 0);
    uint32_t at = sni_onnx_lower_bound(call, counts, sni_onnx_binary_scalar(call, "add", place, 1));
    at = sni_onnx_where(call, sni_onnx_binary(call, "lt", place, count), at, sni_onnx_scalar(call, SINTER_I32, 0));
    *out_count = sni_onnx_cast(call, count, SINTER_I64);
    return at;
}
