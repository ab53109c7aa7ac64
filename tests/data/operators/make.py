#!/usr/bin/env python3
"""Writes the cases of this directory in the layout of ONNX's backend tests: one or more for each operator of the importer that
Debian's test data does not know. Needs the packages onnx (1.23) and onnxruntime (1.32): expected outputs are ONNX Runtime's, or
those of ONNX's reference evaluator where ONNX Runtime lacks the operator, or written out below with numpy."""
import os
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh
from onnx.reference import ReferenceEvaluator

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(11)
onnxruntime.set_default_logger_severity(4)


def f32(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def u8(*shape):
    return rng.integers(0, 255, shape).astype(np.uint8)


def node(op, ins, outs=("y",), **attrs):
    return h.make_node(op, list(ins), list(outs), **attrs)


def ms(op, ins, outs=("y",), **attrs):
    return h.make_node(op, list(ins), list(outs), domain="com.microsoft", **attrs)


def run(model, inputs, oracle):
    feeds = dict(inputs)
    if oracle == "reference":
        return ReferenceEvaluator(model).run(None, feeds)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def save(name, nodes, inputs, outputs, opset=18, inits=(), dims=None, oracle="runtime"):
    """inputs: {name: array}; outputs: {name: data type, or the array}; dims: {input: shape to declare}."""
    ins = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype), (dims or {}).get(n, a.shape)) for n, a in inputs.items()]
    outs = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(a.dtype) if isinstance(a, np.ndarray) else a, None)
            for n, a in outputs.items()]
    graph = h.make_graph(nodes, name, ins, outs, [nh.from_array(np.asarray(a), n) for n, a in inits])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), h.make_opsetid("com.microsoft", 1)], ir_version=8)
    want = list(outputs.values())
    if not all(isinstance(a, np.ndarray) for a in want):
        want = run(model, inputs, oracle)
    shutil.rmtree(os.path.join(HERE, name), ignore_errors=True)
    at = os.path.join(HERE, name, "test_data_set_0")
    os.makedirs(at)
    onnx.save(model, os.path.join(HERE, name, "model.onnx"))
    for what, values in (("input", inputs.items()), ("output", zip(outputs, want))):
        for i, (n, a) in enumerate(values):
            with open(os.path.join(at, f"{what}_{i}.pb"), "wb") as f:
                f.write(nh.from_array(np.asarray(a), n).SerializeToString())


i64 = lambda *values: np.array(values, np.int64)
F, I, B = T.FLOAT, T.INT64, T.BOOL

# ---- products and reductions of integers ----
a, b = rng.integers(-9, 9, (2, 3, 4)).astype(np.int32), rng.integers(-9, 9, (4, 5)).astype(np.int32)
save("matmul_i32_batch", [node("MatMul", "ab")], {"a": a, "b": b}, {"y": a @ b})
save("matmul_i64_vectors", [node("MatMul", "ab")], {"a": i64(1, -2, 3), "b": i64(4, 5, 6)}, {"y": np.array(12, np.int64)})
save("matmul_f32_row_vector", [node("MatMul", "ab")], {"a": f32(4), "b": f32(2, 4, 3)}, {"y": F})
save("gemm_i32", [node("Gemm", "abc", transA=1, alpha=2.0)], {"a": a[0].T.copy(), "b": b, "c": np.int32([1, 2, 3, 4, 5])},
     {"y": 2 * (a[0] @ b) + np.int32([1, 2, 3, 4, 5])})
save("reduce_l2_i64", [node("ReduceL2", ["x"], keepdims=0)], {"x": i64(3, 4, 12)}, {"y": np.array(13, np.int64)}, 13)
save("reduce_max_bool", [node("ReduceMax", ["x", "axes"], keepdims=0)], {"x": np.array([[0, 1], [0, 0]], bool)},
     {"y": np.array([True, False])}, 20, [("axes", i64(1))])
save("qlinearconv_channels", [node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], pads=[1, 1, 1, 1], group=2)],
     {"x": u8(1, 4, 5, 5)}, {"y": T.UINT8}, 13,
     [("xs", np.float32(0.1)), ("xz", np.uint8(120)), ("w", rng.integers(-99, 99, (6, 2, 3, 3)).astype(np.int8)),
      ("ws", np.float32([.01, .02, .03, .04, .05, .06])), ("wz", np.zeros(6, np.int8)), ("ys", np.float32(0.9)),
      ("yz", np.uint8(100)), ("b", rng.integers(-999, 999, 6).astype(np.int32))], oracle="reference")

# ---- places in windows and pictures ----
x = f32(2, 3, 7, 6)
x[0, 0] = -np.inf
save("maxpool_indices", [node("MaxPool", "x", ["y", "i"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1)],
     {"x": x[1:]}, {"y": F, "i": I})
save("maxpool_indices_ties", [node("MaxPool", "x", ["y", "i"], kernel_shape=[2, 2], strides=[1, 1], pads=[1, 1, 1, 1])],
     {"x": np.zeros((1, 2, 3, 3), np.uint8)}, {"y": T.UINT8, "i": I}, 12)
save("maxpool_indices_columns", [node("MaxPool", "x", ["y", "i"], kernel_shape=[2, 2], dilations=[2, 1], storage_order=1)],
     {"x": f32(1, 2, 5, 4)}, {"y": F, "i": I}, 12)
save("maxunpool_repeated", [node("MaxUnpool", ["x", "i"], kernel_shape=[2, 2], strides=[2, 2])],
     {"x": np.float32([[[[1, 2], [3, 4]]]]), "i": i64(5, 5, 0, 15).reshape(1, 1, 2, 2)},
     {"y": np.float32([[[[3, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 4]]]])}, 11)
for mode in ("linear", "cubic"):
    save(f"resize_antialias_{mode}", [node("Resize", ["x", "", "", "s"], mode=mode, antialias=1)], {"x": f32(1, 2, 9, 13)},
         {"y": F}, 18, [("s", i64(1, 2, 4, 5))], oracle="reference")
save("resize_antialias_excluded", [node("Resize", ["x", "", "s"], mode="cubic", antialias=1, exclude_outside=1)], {"x": f32(1, 1, 12, 8)},
     {"y": F}, 18, [("s", np.float32([1, 1, .4, .6]))], oracle="reference")
for policy in ("not_larger", "not_smaller"):
    save(f"resize_{policy}", [node("Resize", ["x", "", "", "s"], mode="linear", axes=[2, 3], keep_aspect_ratio_policy=policy)],
         {"x": f32(1, 1, 4, 6)}, {"y": F}, 18, [("s", i64(7, 8))], oracle="reference")
save("resize_symmetric", [node("Resize", ["x", "", "s"], mode="linear", coordinate_transformation_mode="half_pixel_symmetric")],
     {"x": f32(1, 1, 5, 7)}, {"y": F}, 19, [("s", np.float32([1, 1, 1.5, .65]))], oracle="reference")
x = np.float32([[[[1, np.inf, 3, 4, 5, 6, 7, 8]]]])
save("resize_antialias_inf", [node("Resize", ["x", "", "", "s"], mode="linear", antialias=1)], {"x": x},
     {"y": np.float32([[[[np.inf, np.inf, 5.5, 7.375]]]])}, 18, [("s", i64(1, 1, 1, 4))])
for mode, padding in (("linear", "zeros"), ("nearest", "border"), ("linear", "reflection")):
    save(f"gridsample_3d_{mode}_{padding}", [node("GridSample", "xg", mode=mode, padding_mode=padding)],
         {"x": f32(1, 2, 3, 4, 5), "g": f32(1, 2, 3, 2, 3)}, {"y": F}, 20, oracle="reference")
rois = np.float32([[0, 0, 5, 6], [1.5, -3, 9, 4], [2, 2, 2.5, 3]])
for mode in ("avg", "max"):
    for way in ("half_pixel", "output_half_pixel"):
        save(f"roialign_{mode}_{way}", [node("RoiAlign", "xrb", mode=mode, output_height=3, output_width=2, sampling_ratio=2,
                                             spatial_scale=.8, coordinate_transformation_mode=way)],
             {"x": f32(2, 2, 7, 6), "r": rois, "b": i64(1, 0, 1)}, {"y": F}, 16, oracle="reference")
save("deformconv", [node("DeformConv", "xwobm", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], group=2, offset_group=2)],
     {"x": f32(1, 4, 6, 5), "w": f32(4, 2, 3, 2), "o": f32(1, 24, 3, 5), "b": f32(4), "m": f32(1, 12, 3, 5)}, {"y": F}, 19,
     oracle="reference")
save("spacetodepth_crd", [node("SpaceToDepth", "x", blocksize=2, mode="CRD")], {"x": f32(1, 3, 4, 6)}, {"y": F}, 28, oracle="reference")

# ---- bits ----
x = np.float32([0, -0.0, 1.5, np.inf, -np.inf, 1e-40])
save("bitcast_f32_i32", [node("BitCast", "x", to=T.INT32)], {"x": x}, {"y": x.view(np.int32)}, 26)
save("bitcast_u32_f32", [node("BitCast", "x", to=T.FLOAT)], {"x": x.view(np.uint32)}, {"y": x}, 26)
save("bitcast_i8_u8", [node("BitCast", "x", to=T.UINT8)], {"x": np.int8([-1, 5, -128])}, {"y": np.uint8([255, 5, 128])}, 26)


# ---- order ----
def topk(name, x, k, axis=-1, largest=1, dims=None):
    rows = np.moveaxis(x, axis, -1)
    key, nan = np.nan_to_num(rows.astype(np.float64), nan=np.inf, posinf=np.inf, neginf=-np.inf), rows != rows
    order = np.lexsort((np.broadcast_to(np.arange(rows.shape[-1]), rows.shape), -key if largest else key, ~nan if largest else nan))[..., :k]
    save(name, [node("TopK", ["x", "k"], ["y", "i"], axis=axis, largest=largest)], {"x": x},
         {"y": np.moveaxis(np.take_along_axis(rows, order, -1), -1, axis).copy(), "i": np.moveaxis(order, -1, axis).copy()},
         18, [("k", i64(k))], dims)


x = np.round(f32(2, 700) * 4) / 4
x[0, 5:9], x[1, ::7], x[1, 3] = np.nan, -np.inf, np.inf
topk("topk_blocks_nan", x, 40)
topk("topk_merge_nan_smallest", x, 100, largest=0)
topk("topk_middle_axis", rng.integers(-5, 5, (1, 600, 2)), 70, axis=1)
topk("topk_symbolic", f32(2, 300), 7, dims={"x": ["batch", "n"]})
x = f32(2, 90)
save("sort_symbolic", [node("Shape", "x", "s", start=1), node("TopK", ["x", "s"], ["y", "i"], largest=0)], {"x": x},
     {"y": np.sort(x), "i": np.argsort(x, kind="stable")}, 18, dims={"x": ["rows", "n"]})
parts = [node("SplitToSequence", ["x", "p"], "q", axis=1), node("SequenceAt", ["q", "one"], "a"), node("SequenceAt", ["q", "last"], "b"),
         node("SequenceConstruct", "ab", "c"), node("SequenceInsert", ["c", "a", "zero"], "d"), node("ConcatFromSequence", "d", axis=1)]
x = f32(2, 8)
save("sequence_parts", parts, {"x": x}, {"y": np.concatenate([x[:, 2:5], x[:, 2:5], x[:, 5:]], 1)}, 13,
     [("p", i64(2, 3, 3)), ("one", np.array(1, np.int64)), ("last", np.array(-1, np.int64)), ("zero", np.array(0, np.int64))])
save("range_of_cast", [node("Cast", "f", "i", to=T.INT64), node("Range", ["i", "n", "one"], "r"), node("Add", "xr")], {"x": i64(1, 2, 3)},
     {"y": i64(2, 4, 6)}, 13, [("f", np.array(1, np.float32)), ("n", np.array(4, np.int64)), ("one", np.array(1, np.int64))])
topk("topk_u8_whole", u8(1, 520), 520, largest=0)

# ---- results whose size depends on data ----
x = np.float32([[0, 2, 0], [-1, 0, 3]])
save("nonzero_matrix", [node("NonZero", "x")], {"x": x}, {"y": I}, 13)
save("nonzero_none", [node("NonZero", "x")], {"x": np.zeros((2, 0, 3), np.float32)}, {"y": I}, 13)
save("nonzero_bool_symbolic", [node("NonZero", "x")], {"x": rng.random((5, 40)) < .3}, {"y": I}, 13, dims={"x": ["a", "b"]})
save("nonzero_known", [node("NonZero", "m", "i"), node("Transpose", "i", "t", perm=[1, 0]), node("GatherND", "xt")], {"x": f32(2, 3)},
     {"y": F}, 13, [("m", np.array([[1, 0, 0], [0, 1, 1]], bool))])
save("masked_rows", [node("NonZero", "m", "i"), node("Transpose", "i", "t", perm=[1, 0]), node("GatherND", "xt", "g"), node("Add", "gb")],
     {"x": f32(4, 3), "m": np.array([1, 0, 1, 1], bool), "b": f32(3)}, {"y": F}, 13)
save("compress_axis", [node("Compress", "xc", axis=1)], {"x": f32(3, 4), "c": np.array([0, 1, 1], bool)}, {"y": F}, 11)
save("compress_flat", [node("Compress", "xc")], {"x": f32(3, 4), "c": np.array([0, 1, 1, 0, 0, 1], bool)}, {"y": F}, 11)
x = np.float32([3, 1, 1, np.nan, 3, -2, np.nan, 0])
for sort in (0, 1):
    save(f"unique_{'sorted' if sort else 'first'}", [node("Unique", "x", ["y", "f", "i", "c"], sorted=sort)], {"x": i64(3, 1, 1, 7, 3, -2, 7, 0)},
         {"y": I, "f": I, "i": I, "c": I}, 11)
save("unique_long", [node("Unique", "x", ["y", "f", "i", "c"])], {"x": rng.integers(0, 99, (30, 20))}, {"y": I, "f": I, "i": I, "c": I}, 11)
corners = rng.random((2, 30, 4)).astype(np.float32)
corners[..., 2:] = corners[..., :2] + corners[..., 2:] * np.float32(.5)
scores = rng.random((2, 2, 30)).astype(np.float32)
thresholds = [("n", i64(6)), ("o", np.float32([.3])), ("s", np.float32([.4]))]
save("nms_corners", [node("NonMaxSuppression", ["b", "c", "n", "o", "s"])], {"b": corners, "c": scores}, {"y": I}, 11, thresholds)
save("nms_centres", [node("NonMaxSuppression", ["b", "c", "n", "o", "s"], center_point_box=1)], {"b": corners, "c": scores}, {"y": I}, 11, thresholds)
save("nms_then_boxes", [node("NonMaxSuppression", ["b", "c", "n", "o", "s"], "p"), node("Gather", ["p", "two"], "i", axis=1),
                        node("Squeeze", ["i", "one"], "j"), node("Squeeze", ["b", "zero"], "r"), node("Gather", "rj")],
     {"b": corners[:1], "c": scores[:1, :1]}, {"y": F}, 13, thresholds + [("two", i64(2)), ("one", i64(1)), ("zero", i64(0))])

# ---- com.microsoft ----
rows, heads, size = 5, 3, 8
wide = heads * size
mask = np.int32([[1, 1, 1, 1, 0, 0, 0], [1] * 7])
save("ms_mha_bias_mask", [ms("MultiHeadAttention", ["q", "k", "v", "b", "m", "a"], num_heads=heads)],
     {"q": f32(2, rows, wide), "k": f32(2, 7, wide), "v": f32(2, 7, wide), "b": f32(3 * wide), "m": mask, "a": f32(1, heads, rows, 7)}, {"y": F})
save("ms_mha_past", [ms("MultiHeadAttention", ["q", "k", "v", "", "", "", "pk", "pv"], ["y", "nk", "nv"], num_heads=heads, scale=.3)],
     {"q": f32(2, 2, wide), "k": f32(2, 2, wide), "v": f32(2, 2, wide), "pk": f32(2, heads, 4, size), "pv": f32(2, heads, 4, size)},
     {"y": F, "nk": F, "nv": F})
save("ms_mha_lengths_causal", [ms("MultiHeadAttention", ["q", "k", "v", "", "m"], num_heads=heads, unidirectional=1)],
     {"q": f32(2, rows, wide), "k": f32(2, rows, wide), "v": f32(2, rows, wide), "m": np.int32([3, 5])}, {"y": F})
save("ms_attention_past", [ms("Attention", ["x", "w", "b", "", "p"], ["y", "n"], num_heads=heads, unidirectional=1)],
     {"x": f32(2, rows, wide), "w": f32(wide, 3 * wide), "b": f32(3 * wide), "p": f32(2, 2, heads, 4, size)}, {"y": F, "n": F})
save("ms_attention_sizes", [ms("Attention", ["x", "w", "b", "m"], num_heads=heads, qkv_hidden_sizes=[wide, wide, 12])],
     {"x": f32(2, 7, wide), "w": f32(wide, 2 * wide + 12), "b": f32(2 * wide + 12), "m": mask}, {"y": F})
size, caches = 16, {"c": f32(16, 8), "s": f32(16, 8)}
save("ms_gqa_prompt", [ms("GroupQueryAttention", ["q", "k", "v", "", "", "l", "t", "c", "s"], ["y", "nk", "nv"], num_heads=2, kv_num_heads=1, do_rotary=1)],
     {"q": f32(2, rows, 32), "k": f32(2, rows, 16), "v": f32(2, rows, 16), "l": np.int32([4, 4]), "t": np.array(5, np.int32), **caches},
     {"y": F, "nk": F, "nv": F})
save("ms_gqa_step_window", [ms("GroupQueryAttention", ["q", "k", "v", "pk", "pv", "l", "t", "c", "s"], ["y", "nk", "nv"], num_heads=2,
                               kv_num_heads=1, do_rotary=1, rotary_interleaved=1, local_window_size=4, softcap=2.0)],
     {"q": f32(2, 1, 32), "k": f32(2, 1, 16), "v": f32(2, 1, 16), "pk": f32(2, 1, 6, 16), "pv": f32(2, 1, 6, 16), "l": np.int32([6, 6]),
      "t": np.array(7, np.int32), **caches}, {"y": F, "nk": F, "nv": F})
save("ms_gqa_packed", [ms("GroupQueryAttention", ["q", "", "", "", "", "l", "t"], ["y", "nk", "nv"], num_heads=2, kv_num_heads=1)],
     {"q": f32(2, rows, 64), "l": np.int32([4, 4]), "t": np.array(5, np.int32)}, {"y": F, "nk": F, "nv": F})
save("ms_rotary_part", [ms("RotaryEmbedding", "xpcs", num_heads=3, rotary_embedding_dim=4)],
     {"x": f32(2, rows, wide), "p": rng.integers(0, 16, (2, rows)), "c": f32(16, 2), "s": f32(16, 2)}, {"y": F})
save("ms_rotary_offset", [ms("RotaryEmbedding", "xpcs", interleaved=1)],
     {"x": f32(2, 3, rows, 16), "p": i64(3), **caches}, {"y": F})
save("ms_embed", [ms("EmbedLayerNormalization", ["i", "g", "w", "p", "t", "a", "b", "m"], ["y", "n"], epsilon=1e-12)],
     {"i": rng.integers(0, 9, (2, 7)).astype(np.int32), "g": rng.integers(0, 2, (2, 7)).astype(np.int32), "m": mask},
     {"y": F, "n": T.INT32}, inits=[("w", f32(10, 8)), ("p", f32(16, 8)), ("t", f32(2, 8)), ("a", f32(8)), ("b", f32(8))])
save("ms_matmul_integer_to_float", [ms("MatMulIntegerToFloat", ["a", "b", "p", "q", "r", "s", "t"])], {"a": u8(3, 8), "b": u8(8, 4)},
     {"y": F}, inits=[("p", np.float32(.1)), ("q", f32(4)), ("r", np.uint8(7)), ("s", u8(4)), ("t", f32(4))])
save("ms_dequantize_axis", [ms("DequantizeLinear", "xsz", axis=0)], {"x": u8(3, 4)}, {"y": F}, inits=[("s", f32(3)), ("z", u8(3))])
save("simplified_layer_norm", [node("SimplifiedLayerNormalization", "xs", epsilon=1e-5, stash_type=1)], {"x": f32(3, 8), "s": f32(8)}, {"y": F}, 17)
for name, nodes, extra in (("gelu", [ms("Gelu", "x")], {}), ("bias_gelu", [ms("BiasGelu", "xb")], {"b": f32(6)}), ("fast_gelu", [ms("FastGelu", "x")], {}),
                           ("quick_gelu", [ms("QuickGelu", "x", alpha=1.3)], {}),
                           ("skip_norm", [ms("SkipLayerNormalization", "xbgc", epsilon=1e-5)], {"b": f32(2, 3, 6), "g": f32(6), "c": f32(6)}),
                           ("fused_matmul", [ms("FusedMatMul", "xb", transB=1, alpha=.5)], {"b": f32(2, 5, 6)})):
    save("ms_" + name, nodes, {"x": f32(2, 3, 6), **extra}, {"y": F})
