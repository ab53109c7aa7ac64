#!/usr/bin/env python3
"""Writes the cases of this directory in the layout of ONNX's backend tests. Needs the onnx package (1.16 or later).

Each is a neighbour of something that was wrong once; expected outputs come from numpy, written out below."""
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)
NAN, INF = np.nan, np.inf


def kind(a):
    return h.np_dtype_to_tensor_dtype(a.dtype)


def save(name, nodes, inputs, outputs, opset, inits=(), functions=(), dims=None):
    """inputs and outputs: {name: array}; dims: {input: shape to declare}; bf16 outputs come as (TensorProto)."""
    value = lambda n, a: h.make_tensor_value_info(
        n, a.data_type if isinstance(a, onnx.TensorProto) else kind(a),
        (dims or {}).get(n, list(a.dims) if isinstance(a, onnx.TensorProto) else list(a.shape)))
    graph = h.make_graph(nodes, name, [value(n, a) for n, a in inputs.items()],
                         [value(n, a) for n, a in outputs.items()], [nh.from_array(a, n) for n, a in inits])
    domains = [h.make_opsetid("", opset)] + ([h.make_opsetid("local", 1)] if functions else [])
    model = h.make_model(graph, opset_imports=domains, ir_version=10 if functions else 8, functions=list(functions))
    at = os.path.join(HERE, name, "test_data_set_0")
    os.makedirs(at, exist_ok=True)
    onnx.save(model, os.path.join(HERE, name, "model.onnx"))
    for what, values in (("input", inputs), ("output", outputs)):
        for i, (n, a) in enumerate(values.items()):
            tensor = a if isinstance(a, onnx.TensorProto) else nh.from_array(a, n)
            with open(os.path.join(at, f"{what}_{i}.pb"), "wb") as f:
                f.write(tensor.SerializeToString())


def node(op, ins, outs=("y",), **attrs):
    return h.make_node(op, list(ins), list(outs), **attrs)


f32 = lambda *shape: rng.standard_normal(shape).astype(np.float32)
i64 = lambda *values: np.array(values, np.int64)

# No axes and noop_with_empty_axes: each element is reduced alone.
x = np.abs(f32(2, 3)) + np.float32(0.25)
for op, want in (("L1", np.abs), ("L2", np.abs), ("SumSquare", np.square), ("LogSum", np.log), ("LogSumExp", np.array),
                 ("Sum", np.array), ("Prod", np.array), ("Max", np.array), ("Min", np.array), ("Mean", np.array)):
    for absent in (True, False):
        signed = x if op == "LogSum" else x * np.float32([[1, -1, 1]])
        save(f"reduce_{op.lower()}_noop_{'absent' if absent else 'empty'}",
             [node("Reduce" + op, ["x"] if absent else ["x", "a"], noop_with_empty_axes=1)], {"x": signed},
             {"y": want(signed)}, 18, [] if absent else [("a", i64())])
whole = np.array([[-3, 2], [0, 5]], np.int32)
save("reduce_sumsquare_noop_i32", [node("ReduceSumSquare", ["x"], noop_with_empty_axes=1, keepdims=0)], {"x": whole},
     {"y": whole * whole}, 18)

# Rows of zeros have no direction.
x = np.array([[[3, 0], [-4, 0]], [[0, 0], [0, 2]]], np.float32)
save("lpnorm_zero_p1", [node("LpNormalization", ["x"], axis=1, p=1)], {"x": x},
     {"y": np.array([[[3 / 7, 0], [-4 / 7, 0]], [[0, 0], [0, 1]]], np.float32)}, 17)

# Integers between integers are cut off.
line = np.array([[[0, 10, -20, 5]]], np.int8)
save("resize_i8_linear", [node("Resize", ["x", "", "s"], mode="linear", coordinate_transformation_mode="asymmetric")],
     {"x": line}, {"y": np.array([[[0, 5, 10, -5, -20, -7, 5, 5]]], np.int8)}, 13, [("s", np.float32([1, 1, 2]))])
save("resize_i32_linear_sizes", [node("Resize", ["x", "", "", "s"], mode="linear", coordinate_transformation_mode="align_corners")],
     {"x": np.array([[[0, 1000000, 2000003]]], np.int32)},
     {"y": np.array([[[0, 500000, 1000000, 1500001, 2000003]]], np.int32)}, 13, [("s", i64(1, 1, 5))])
save("resize_i16_cubic", [node("Resize", ["x", "", "s"], mode="cubic")], {"x": np.full((1, 1, 5), -30001, np.int16)},
     {"y": np.full((1, 1, 8), -30001, np.int16)}, 13, [("s", np.float32([1, 1, 1.7]))])

# Nothing to scatter.
data = f32(3, 2)
for reduction in ("none", "add", "mul", "max", "min"):
    save(f"scatternd_empty_{reduction}", [node("ScatterND", ["d", "i", "u"], reduction=reduction)],
         {"d": data, "i": np.zeros((0, 1), np.int64), "u": np.zeros((0, 2), np.float32)}, {"y": data}, 18)
save("scatterel_empty_named", [node("ScatterElements", ["d", "i", "u"], axis=1)],
     {"d": data, "i": np.zeros((3, 0), np.int64), "u": np.zeros((3, 0), np.float32)}, {"y": data}, 18,
     dims={"i": [3, "k"], "u": [3, "k"]})

# NaN is the largest.
x = np.array([[1, NAN, 3, NAN, -INF], [INF, 2, NAN, 5, 4]], np.float32)
save("topk_largest_nan", [node("TopK", ["x", "k"], ["v", "i"])], {"x": x},
     {"v": np.array([[NAN, NAN, 3], [NAN, INF, 5]], np.float32), "i": np.array([[1, 3, 2], [2, 0, 3]])}, 17, [("k", i64(3))])
save("topk_smallest_nan_f64_axis0", [node("TopK", ["x", "k"], ["v", "i"], largest=0, axis=0)], {"x": x.T.astype(np.float64).copy()},
     {"v": np.array([[-INF, 2], [1, 4], [3, 5], [NAN, INF], [NAN, NAN]]), "i": np.array([[4, 1], [0, 4], [2, 3], [1, 0], [3, 2]])},
     17, [("k", i64(5))])

# Integers beyond 2^53, and values that are known only in a run.
x = np.array([[1, 2], [3, 4]], np.int64)
big = 2**62 + 1
save("pad_i64_crop_18", [node("Pad", ["x", "p", "v", "a"])], {"x": x}, {"y": np.array([[2, big], [4, big]])}, 18,
     [("p", i64(-1, 1)), ("v", np.array(big)), ("a", i64(1))])
save("pad_value_of_a_run", [node("Pad", ["x", "p", "v"])], {"x": f32(2) * 0 + 1, "v": np.array(2.5, np.float32)},
     {"y": np.float32([2.5, 1, 1])}, 13, [("p", i64(1, 0))])

# To 16 bits in one rounding.
def bf16(name, bits):
    return h.make_tensor(name, T.BFLOAT16, [len(bits)], np.array(bits, np.uint16).tobytes(), raw=True)
save("cast_f64_bf16_once", [node("Cast", ["x"], to=T.BFLOAT16)], {"x": np.array([1 + 2**-8 + 2**-40, 1 + 2**-8, 1 + 3 * 2**-8 - 2**-40])},
     {"y": bf16("y", [0x3f81, 0x3f80, 0x3f81])}, 17)
save("cast_i32_bf16_once", [node("Cast", ["x"], to=T.BFLOAT16)], {"x": np.array([2**30 + 2**22 + 1, 2**30 + 2**22, -(2**30 + 2**22 + 1)], np.int32)},
     {"y": bf16("y", [0x4e81, 0x4e80, 0xce81])}, 17)
save("cast_i64_bf16_once", [node("Cast", ["x"], to=T.BFLOAT16)], {"x": i64(2**60 + 2**52 + 1, 2**60 + 2**52, 2**63 - 1, -2**63)},
     {"y": bf16("y", [0x5d81, 0x5d80, 0x5f00, 0xdf00])}, 17)
save("cast_f64_f16_odd", [node("Cast", ["x"], to=T.FLOAT16)], {"x": np.array([2049 + 2**-30, 2049 - 2**-30, 2**-25 + 2**-60, 65519.999999999, 65520, NAN, -INF])},
     {"y": np.array([2050, 2048, 2**-24, 65504, INF, NAN, -INF], np.float16)}, 17)

# Slice bounds on axes longer than 2^31, and those that mean the end.
x = np.array([[1], [3]], np.float32)
expand = node("Expand", ["x", "s"], ["c"])
long = [("s", i64(2, 2**32))]
save("slice_long_negative", [expand, node("Slice", ["c", "st", "en", "ax"])], {"x": x}, {"y": np.repeat(x, 4, 1)}, 17,
     long + [("st", i64(-5)), ("en", i64(-1)), ("ax", i64(1))])
save("slice_long_to_2_31", [expand, node("Slice", ["c", "st", "en", "ax"])], {"x": x}, {"y": np.repeat(x, 7, 1)}, 17,
     long + [("st", i64(2**31 - 8)), ("en", i64(2**31 - 1)), ("ax", i64(1))])
x = f32(4, 3)
save("slice_named_end", [node("Slice", ["x", "st", "en"])], {"x": x}, {"y": x[1:]}, 17, [("st", i64(1)), ("en", i64(2**31 - 1))], dims={"x": ["n", 3]})
save("slice_named_backwards", [node("Slice", ["x", "st", "en", "ax", "sp"])], {"x": x}, {"y": x[::-1].copy()}, 17,
     [("st", i64(2**63 - 1)), ("en", i64(-2**63)), ("ax", i64(0)), ("sp", i64(-1))], dims={"x": ["n", 3]})
x = f32(2, 1, 3, 1)
save("squeeze_named", [node("Squeeze", ["x"])], {"x": x}, {"y": x[:, 0, :, 0].copy()}, 17, dims={"x": ["n", 1, 3, 1], "y": ["n", 3]})

# Functions: default attributes, overloads.
def function(name, nodes, attributes=(), defaults=(), overload="", ins=("X",), outs=("Y",)):
    f = h.make_function("local", name, list(ins), list(outs), nodes, [h.make_opsetid("", 17), h.make_opsetid("local", 1)],
                        list(attributes), list(defaults))
    if overload:
        f.overload = overload
    return f


def refers(op, ins, outs, attr, name, type):
    n = h.make_node(op, list(ins), list(outs))
    a = n.attribute.add()
    a.name, a.ref_attr_name, a.type = attr, name, type
    return n


A = onnx.AttributeProto
leaky = function("Leaky", [refers("LeakyRelu", ["X"], ["Y"], "alpha", "al", A.FLOAT)], defaults=[h.make_attribute("al", 0.5)])
x = np.float32([-2, 4])
save("function_given_over_default", [h.make_node("Leaky", ["x"], ["y"], domain="local", al=0.25)], {"x": x}, {"y": np.float32([-0.5, 4])}, 17, functions=[leaky])
outer = function("Outer", [refers("Leaky", ["X"], ["Y"], "al", "slope", A.FLOAT)], defaults=[h.make_attribute("slope", 0.125)])
outer.node[0].domain = "local"
save("function_default_nested", [h.make_node("Outer", ["x"], ["y"], domain="local")], {"x": x}, {"y": np.float32([-0.25, 4])}, 17, functions=[outer, leaky])
turn = function("Turn", [refers("Transpose", ["X"], ["Y"], "perm", "order", A.INTS)], defaults=[h.make_attribute("order", [1, 0, 2])])
x = f32(2, 3, 4)
save("function_default_list", [h.make_node("Turn", ["x"], ["y"], domain="local")], {"x": x}, {"y": x.transpose(1, 0, 2).copy()}, 17, functions=[turn])
cast = function("To", [refers("Cast", ["X"], ["Y"], "to", "kind", A.INT)], defaults=[h.make_attribute("kind", int(T.INT32))])
x = np.float32([1.5, -2.5])
save("function_default_cast", [h.make_node("To", ["x"], ["y"], domain="local")], {"x": x}, {"y": np.int32([1, -2])}, 17, functions=[cast])
plain, other = function("Ov", [node("Neg", ["X"], ["Y"])]), function("Ov", [node("Abs", ["X"], ["Y"])], overload="abs")
call = h.make_node("Ov", ["x"], ["m"], domain="local")
second = h.make_node("Ov", ["m"], ["y"], domain="local")
second.overload = "abs"
save("function_overloads", [call, second], {"x": x}, {"y": np.abs(x)}, 17, functions=[other, plain])

# With ceil_mode a kernel may be larger than the input: one window, and what is inside counts (global pooling as PyTorch writes it).
x = f32(1, 2, 2, 3)
mean = x.mean((2, 3), keepdims=True)
save("avgpool_ceil_kernel_beyond", [node("AveragePool", ["x"], kernel_shape=[9, 8], strides=[9, 8], ceil_mode=1)], {"x": x}, {"y": mean}, 17)
save("avgpool_ceil_kernel_beyond_named", [node("AveragePool", ["x"], kernel_shape=[9, 8], strides=[9, 8], ceil_mode=1, count_include_pad=1)], {"x": x}, {"y": mean}, 17, dims={"x": ["n", 2, "h", "w"], "y": ["n", 2, "p", "q"]})
save("maxpool_ceil_kernel_beyond", [node("MaxPool", ["x"], kernel_shape=[3, 2], strides=[3, 2], ceil_mode=1)], {"x": x}, {"y": np.stack([x[:, :, :, :2].max((2, 3)), x[:, :, :, 2].max(2)], -1)[:, :, None, :]}, 17)
