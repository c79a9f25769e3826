"""The cases as ONNX graphs, for the runtimes that read them: one operator each where ONNX has it."""

from __future__ import annotations

import numpy as np
import onnx

from cases import Case, result_shape

# Operator, attributes, and which arguments are weights (constants that a runtime may pack once).
OPERATORS = {
    "matmul": ("MatMul", {}, ()),
    "linear": ("Gemm", {"transB": 1}, (1, 2)),
    "softmax": ("Softmax", {"axis": -1}, ()),
    "layer_norm": ("LayerNormalization", {"axis": -1, "epsilon": 1e-5}, (1, 2)),
    "rms_norm": ("RMSNormalization", {"axis": -1, "epsilon": 1e-6}, (1,)),
    "gelu": ("Gelu", {}, ()),
    "exp": ("Exp", {}, ()),
    "sum": ("ReduceSum", {"keepdims": 1}, ()),
    "add": ("Add", {}, ()),
    "transpose": ("Transpose", {"perm": [1, 0]}, ()),
    "attention": ("Attention", {}, ()),
    "causal": ("Attention", {"is_causal": 1}, ()),
    "conv": ("Conv", {}, (1, 2)),
}


def graph(case: Case, args: list[np.ndarray], opset: int) -> tuple[bytes, dict[str, np.ndarray]]:
    """The model, and its inputs by name; the result is ``y``."""
    operator, attributes, constants = OPERATORS[case.operation]
    if case.operation == "conv":
        *_, window, stride = case.sizes
        attributes = {"strides": [stride, stride], "pads": [window // 2] * 4}
    names = [f"x{i}" for i in range(len(args))]
    node = onnx.helper.make_node(operator, names, ["y"], **attributes)
    given = {name: array for i, (name, array) in enumerate(zip(names, args)) if i not in constants}
    inputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, a.shape) for name, a in given.items()]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, result_shape(case))
    weights = [onnx.numpy_helper.from_array(args[i], names[i]) for i in constants]
    body = onnx.helper.make_graph([node], "case", inputs, [output], weights)
    opsets = [onnx.helper.make_opsetid("", opset)]
    return onnx.helper.make_model(body, opset_imports=opsets, ir_version=10).SerializeToString(), given
