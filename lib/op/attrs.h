/* Attributes of the table's operators: position, name, kind and preset, declared once; and the list of composites.
 *
 * A list is SNI_ATTRS_<ROW>(X) with X(id, "name", KIND, preset) for each attribute. The row takes it as SNI_ATTRS_OF(<ROW>);
 * shape rules, references, decompositions, passes and the importer use the positions SNI_<id>. Elementwise rows
 * have theirs in elementwise.inc. */
#ifndef SNI_OP_ATTRS_H
#define SNI_OP_ATTRS_H

#define SNI_ATTR_POSITION(id, name, kind, preset) SNI_##id,
#define SNI_ATTR_SPEC(id, name, kind, preset) {name, SNI_ATTR_##kind, preset},
#define SNI_ATTRS_OF(row)                                                                                              \
    { SNI_ATTRS_##row(SNI_ATTR_SPEC) }

#define SNI_ATTRS_RESHAPE(X) X(RESHAPE_SHAPE, "shape", EXPRS, 0)
enum { SNI_ATTRS_RESHAPE(SNI_ATTR_POSITION) };

#define SNI_ATTRS_TRANSPOSE(X) X(TRANSPOSE_PERM, "perm", EXPRS, 0)
enum { SNI_ATTRS_TRANSPOSE(SNI_ATTR_POSITION) };

#define SNI_ATTRS_EXPAND(X) X(EXPAND_SHAPE, "shape", EXPRS, 0)
enum { SNI_ATTRS_EXPAND(SNI_ATTR_POSITION) };

#define SNI_ATTRS_SLICE(X)                                                                                             \
    X(SLICE_STARTS, "starts", EXPRS, 0)                                                                                \
    X(SLICE_STEPS, "steps", EXPRS, 0)                                                                                  \
    X(SLICE_SIZES, "sizes", EXPRS, 0)
enum { SNI_ATTRS_SLICE(SNI_ATTR_POSITION) };

#define SNI_ATTRS_CONCAT(X) X(CONCAT_AXIS, "axis", INT, 0)
enum { SNI_ATTRS_CONCAT(SNI_ATTR_POSITION) };

/* Modes of pad are enumerated below. */
#define SNI_ATTRS_PAD(X)                                                                                               \
    X(PAD_LOW, "low", EXPRS, 0)                                                                                        \
    X(PAD_HIGH, "high", EXPRS, 0)                                                                                      \
    X(PAD_MODE, "mode", INT, 0)                                                                                        \
    X(PAD_VALUE, "value", FLOAT, 0)
enum { SNI_ATTRS_PAD(SNI_ATTR_POSITION) };

#define SNI_ATTRS_WINDOW(X)                                                                                            \
    X(WINDOW_KERNEL, "kernel", EXPRS, 0)                                                                               \
    X(WINDOW_STRIDES, "strides", EXPRS, 0)                                                                             \
    X(WINDOW_DILATIONS, "dilations", EXPRS, 0)                                                                         \
    X(WINDOW_PADS_LOW, "pads_low", EXPRS, 0)                                                                           \
    X(WINDOW_INPUT_STRIDES, "input_strides", EXPRS, 0)                                                                 \
    X(WINDOW_SIZES, "sizes", EXPRS, 0)                                                                                 \
    X(WINDOW_VALUE, "value", FLOAT, 0)
enum { SNI_ATTRS_WINDOW(SNI_ATTR_POSITION) };

/* gather and gather_elements */
#define SNI_ATTRS_GATHER(X) X(GATHER_AXIS, "axis", INT, 0)
enum { SNI_ATTRS_GATHER(SNI_ATTR_POSITION) };

#define SNI_ATTRS_GATHER_ND(X) X(GATHER_ND_BATCH_DIMS, "batch_dims", INT, 0)
enum { SNI_ATTRS_GATHER_ND(SNI_ATTR_POSITION) };

#define SNI_ATTRS_CAST(X) X(CAST_DTYPE, "dtype", INT, SINTER_F32)
enum { SNI_ATTRS_CAST(SNI_ATTR_POSITION) };

#define SNI_ATTRS_IOTA(X)                                                                                              \
    X(IOTA_SHAPE, "shape", EXPRS, 0)                                                                                   \
    X(IOTA_DTYPE, "dtype", INT, SINTER_I64)                                                                            \
    X(IOTA_AXIS, "axis", INT, 0)
enum { SNI_ATTRS_IOTA(SNI_ATTR_POSITION) };

#define SNI_ATTRS_KNOWN(X)                                                                                             \
    X(KNOWN_SHAPE, "shape", EXPRS, 0)                                                                                  \
    X(KNOWN_ELEMENTS, "elements", EXPRS, 0)
enum { SNI_ATTRS_KNOWN(SNI_ATTR_POSITION) };

/* all reductions, those that are composites too; no axes: all of them */
#define SNI_ATTRS_REDUCE(X)                                                                                            \
    X(REDUCE_AXES, "axes", EXPRS, 0)                                                                                   \
    X(REDUCE_KEEPDIMS, "keepdims", INT, 1)
enum { SNI_ATTRS_REDUCE(SNI_ATTR_POSITION) };

/* reduce_variance: what all reductions have, and what is taken from the count that is divided by */
#define SNI_ATTRS_VARIANCE(X) SNI_ATTRS_REDUCE(X) X(VARIANCE_CORRECTION, "correction", FLOAT, 0)
enum { SNI_VARIANCE_CORRECTION = SNI_REDUCE_KEEPDIMS + 1 };

/* cumsum, cumprod, cummax, cummin: exclusive leaves out the element itself, reverse starts at the end */
#define SNI_ATTRS_SCAN(X)                                                                                              \
    X(SCAN_AXIS, "axis", INT, 0)                                                                                       \
    X(SCAN_EXCLUSIVE, "exclusive", INT, 0)                                                                             \
    X(SCAN_REVERSE, "reverse", INT, 0)
enum { SNI_ATTRS_SCAN(SNI_ATTR_POSITION) };

/* argmax, argmin */
#define SNI_ATTRS_ARG(X)                                                                                               \
    X(ARG_AXIS, "axis", INT, 0)                                                                                        \
    X(ARG_KEEPDIMS, "keepdims", INT, 1)                                                                                \
    X(ARG_SELECT_LAST, "select_last", INT, 0)
enum { SNI_ATTRS_ARG(SNI_ATTR_POSITION) };

/* softmax, log_softmax, hardmax */
#define SNI_ATTRS_SOFTMAX(X) X(SOFTMAX_AXIS, "axis", INT, -1)
enum { SNI_ATTRS_SOFTMAX(SNI_ATTR_POSITION) };

/* A label that is ignore_index counts for nothing. label_smoothing is the part of the target that all classes share; z_loss is
 * what the square of the logarithm of exp's sum is weighed with. */
#define SNI_ATTRS_CROSS_ENTROPY(X)                                                                                     \
    X(CROSS_ENTROPY_IGNORE, "ignore_index", INT, -100)                                                                 \
    X(CROSS_ENTROPY_SMOOTHING, "label_smoothing", FLOAT, 0)                                                            \
    X(CROSS_ENTROPY_Z, "z_loss", FLOAT, 0)
enum { SNI_ATTRS_CROSS_ENTROPY(SNI_ATTR_POSITION) };

/* Those of cross_entropy, and the number of parts that the logits are computed in. */
#define SNI_ATTRS_LINEAR_CROSS_ENTROPY(X)                                                                              \
    X(LINEAR_CROSS_ENTROPY_IGNORE, "ignore_index", INT, -100)                                                          \
    X(LINEAR_CROSS_ENTROPY_SMOOTHING, "label_smoothing", FLOAT, 0)                                                     \
    X(LINEAR_CROSS_ENTROPY_Z, "z_loss", FLOAT, 0)                                                                      \
    X(LINEAR_CROSS_ENTROPY_CHUNKS, "chunks", INT, 32)
enum { SNI_ATTRS_LINEAR_CROSS_ENTROPY(SNI_ATTR_POSITION) };

#define SNI_ATTRS_DROPOUT(X) X(DROPOUT_RATE, "rate", FLOAT, 0.1)
enum { SNI_ATTRS_DROPOUT(SNI_ATTR_POSITION) };

/* layer_norm, rms_norm: dimensions axis and up */
#define SNI_ATTRS_NORM(X)                                                                                              \
    X(NORM_AXIS, "axis", INT, -1)                                                                                      \
    X(NORM_EPSILON, "epsilon", FLOAT, 1e-5)
enum { SNI_ATTRS_NORM(SNI_ATTR_POSITION) };

/* batch_norm, instance_norm */
#define SNI_ATTRS_CHANNEL_NORM(X) X(CHANNEL_NORM_EPSILON, "epsilon", FLOAT, 1e-5)
enum { SNI_ATTRS_CHANNEL_NORM(SNI_ATTR_POSITION) };

#define SNI_ATTRS_GROUP_NORM(X)                                                                                        \
    X(GROUP_NORM_GROUPS, "groups", INT, 1)                                                                             \
    X(GROUP_NORM_EPSILON, "epsilon", FLOAT, 1e-5)
enum { SNI_ATTRS_GROUP_NORM(SNI_ATTR_POSITION) };

#define SNI_ATTRS_LRN(X)                                                                                               \
    X(LRN_SIZE, "size", INT, 1)                                                                                        \
    X(LRN_ALPHA, "alpha", FLOAT, 1e-4)                                                                                 \
    X(LRN_BETA, "beta", FLOAT, .75)                                                                                    \
    X(LRN_BIAS, "bias", FLOAT, 1)
enum { SNI_ATTRS_LRN(SNI_ATTR_POSITION) };

#define SNI_ATTRS_CONV(X)                                                                                              \
    X(CONV_STRIDES, "strides", EXPRS, 0)                                                                               \
    X(CONV_PADS, "pads", EXPRS, 0)                                                                                     \
    X(CONV_DILATIONS, "dilations", EXPRS, 0)                                                                           \
    X(CONV_GROUPS, "groups", INT, 1)
enum { SNI_ATTRS_CONV(SNI_ATTR_POSITION) };

/* conv_transpose */
#define SNI_ATTRS_BACK(X)                                                                                              \
    X(BACK_STRIDES, "strides", EXPRS, 0)                                                                               \
    X(BACK_PADS, "pads", EXPRS, 0)                                                                                     \
    X(BACK_DILATIONS, "dilations", EXPRS, 0)                                                                           \
    X(BACK_OUTPUT_PADDING, "output_padding", EXPRS, 0)                                                                 \
    X(BACK_GROUPS, "groups", INT, 1)
enum { SNI_ATTRS_BACK(SNI_ATTR_POSITION) };

#define SNI_ATTRS_MAX_POOL(X)                                                                                          \
    X(POOL_KERNEL, "kernel", EXPRS, 0)                                                                                 \
    X(POOL_STRIDES, "strides", EXPRS, 0)                                                                               \
    X(POOL_PADS, "pads", EXPRS, 0)                                                                                     \
    X(POOL_DILATIONS, "dilations", EXPRS, 0)                                                                           \
    X(POOL_CEIL, "ceil_mode", INT, 0)
#define SNI_ATTRS_AVG_POOL(X) SNI_ATTRS_MAX_POOL(X) X(POOL_INCLUDE_PAD, "count_include_pad", INT, 0)
enum { SNI_ATTRS_AVG_POOL(SNI_ATTR_POSITION) };

#define SNI_ATTRS_GEMM(X)                                                                                              \
    X(GEMM_ALPHA, "alpha", FLOAT, 1)                                                                                   \
    X(GEMM_BETA, "beta", FLOAT, 1)                                                                                     \
    X(GEMM_TRANS_A, "trans_a", INT, 0)                                                                                 \
    X(GEMM_TRANS_B, "trans_b", INT, 0)
enum { SNI_ATTRS_GEMM(SNI_ATTR_POSITION) };

#define SNI_ATTRS_TRILU(X)                                                                                             \
    X(TRILU_UPPER, "upper", INT, 1)                                                                                    \
    X(TRILU_K, "k", INT, 0)
enum { SNI_ATTRS_TRILU(SNI_ATTR_POSITION) };

/* squeeze, unsqueeze */
#define SNI_ATTRS_AXES(X) X(AXES_AXES, "axes", EXPRS, 0)
enum { SNI_ATTRS_AXES(SNI_ATTR_POSITION) };

#define SNI_ATTRS_FLATTEN(X) X(FLATTEN_AXIS, "axis", INT, 1)
enum { SNI_ATTRS_FLATTEN(SNI_ATTR_POSITION) };

#define SNI_ATTRS_RESIZE(X)                                                                                            \
    X(RESIZE_SIZES, "sizes", EXPRS, 0)                                                                                 \
    X(RESIZE_MODE, "mode", INT, 0)                                                                                     \
    X(RESIZE_COORDINATE, "coordinate", INT, 0)                                                                         \
    X(RESIZE_NEAREST, "nearest", INT, 0)                                                                               \
    X(RESIZE_CUBIC_A, "cubic_a", FLOAT, -0.75)
enum { SNI_ATTRS_RESIZE(SNI_ATTR_POSITION) };

/* What numbers in attributes mean. */
enum { SNI_PAD_CONSTANT, SNI_PAD_REFLECT, SNI_PAD_EDGE, SNI_PAD_WRAP };
enum { SNI_RESIZE_TO_NEAREST, SNI_RESIZE_LINEAR, SNI_RESIZE_CUBIC };
enum { SNI_RESIZE_HALF_PIXEL, SNI_RESIZE_ASYMMETRIC, SNI_RESIZE_ALIGN_CORNERS, SNI_RESIZE_PYTORCH_HALF_PIXEL };
enum { SNI_RESIZE_PREFER_FLOOR, SNI_RESIZE_PREFER_CEIL, SNI_RESIZE_FLOOR, SNI_RESIZE_CEIL };

/* The composites, X(row, function): sni_decompose_<function> in lib/rewrite makes primitives of a node of the row. */
#define SNI_COMPOSITES(X)                                                                                              \
    X(reduce_mean, mean)                                                                                               \
    X(reduce_l1, l1)                                                                                                   \
    X(reduce_l2, l2)                                                                                                   \
    X(reduce_log_sum, log_sum)                                                                                         \
    X(reduce_log_sum_exp, log_sum_exp)                                                                                 \
    X(reduce_sum_square, sum_square)                                                                                   \
    X(reduce_variance, variance)                                                                                       \
    X(argmax, argmax)                                                                                                  \
    X(argmin, argmin)                                                                                                  \
    X(hardmax, hardmax)                                                                                                \
    X(softmax, softmax)                                                                                                \
    X(log_softmax, log_softmax)                                                                                        \
    X(cross_entropy, cross_entropy)                                                                                    \
    X(linear_cross_entropy, linear_cross_entropy)                                                                      \
    X(dropout, dropout)                                                                                                \
    X(layer_norm, layer_norm)                                                                                          \
    X(rms_norm, rms_norm)                                                                                              \
    X(batch_norm, batch_norm)                                                                                          \
    X(instance_norm, instance_norm)                                                                                    \
    X(group_norm, group_norm)                                                                                          \
    X(lrn, lrn)                                                                                                        \
    X(conv, conv)                                                                                                      \
    X(conv_transpose, conv_transpose)                                                                                  \
    X(max_pool, max_pool)                                                                                              \
    X(avg_pool, avg_pool)                                                                                              \
    X(gemm, gemm)                                                                                                      \
    X(trilu, trilu)                                                                                                    \
    X(squeeze, shape)                                                                                                  \
    X(unsqueeze, shape)                                                                                                \
    X(flatten, shape)                                                                                                  \
    X(resize, resize)

#endif
