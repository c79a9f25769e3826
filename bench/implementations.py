"""The contestants. Each makes a callable that runs one case into memory that is allocated beforehand.

A contestant says None where it has no such operation; nobody is given a form that is slower than its best.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from cases import Case, arguments, result_shape

AX = pathlib.Path(__file__).with_name("kernels.ax")
Run = Callable[[], object]


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """64-byte aligned, as the library's own results are: an array of NumPy's may lie 16 bytes off."""
    size = int(np.prod(shape)) * 4
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(np.float32).reshape(shape)


def align_all(arrays: list[np.ndarray]) -> list[np.ndarray]:
    copies = [aligned(a.shape) for a in arrays]
    for copy, array in zip(copies, arrays):
        copy[...] = array
    return copies


def make_aurex(case: Case, threads: int) -> Run:
    import aurex

    aurex.set_threads(threads)
    kernel = aurex.load(AX)[case.operation]
    args = align_all(arguments(case))
    out = aligned(result_shape(case))
    return lambda: kernel(*args, out=out)


def make_numpy(case: Case, threads: int) -> Run | None:
    args = align_all(arguments(case))
    out = aligned(result_shape(case))
    match case.operation:
        case "matmul":
            return lambda: np.matmul(*args, out=out)
        case "linear":
            x, weight, bias = args
            transposed = weight.T
            return lambda: np.add(np.matmul(x, transposed, out=out), bias, out=out)
        case "exp":
            return lambda: np.exp(args[0], out=out)
        case "add":
            return lambda: np.add(*args, out=out)
        case "sum":
            return lambda: np.sum(args[0], keepdims=True, out=out)
        case "softmax":
            return lambda: _numpy_softmax(args[0], out)
        case _:
            return None


def _numpy_softmax(x: np.ndarray, out: np.ndarray) -> None:
    np.subtract(x, x.max(-1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(-1, keepdims=True), out=out)


# ONNX operator, attributes, and which arguments are weights (constants that a session may pack once).
ONNX = {
    "matmul": ("MatMul", {}, ()),
    "linear": ("Gemm", {"transB": 1}, (1, 2)),
    "softmax": ("Softmax", {"axis": -1}, ()),
    "layer_norm": ("LayerNormalization", {"axis": -1, "epsilon": 1e-5}, (1, 2)),
    "gelu": ("Gelu", {}, ()),
    "exp": ("Exp", {}, ()),
    "sum": ("ReduceSum", {"keepdims": 1}, ()),
    "add": ("Add", {}, ()),
}


def make_onnxruntime(case: Case, threads: int) -> Run:
    import onnx
    import onnxruntime

    operator, attributes, constants = ONNX[case.operation]
    args = align_all(arguments(case))
    names = [f"x{i}" for i in range(len(args))]
    node = onnx.helper.make_node(operator, names, ["y"], **attributes)
    inputs = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, a.shape)
              for i, (n, a) in enumerate(zip(names, args)) if i not in constants]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, result_shape(case))
    weights = [onnx.numpy_helper.from_array(args[i], names[i]) for i in constants]
    graph = onnx.helper.make_graph([node], case.name, inputs, [output], weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    out = aligned(result_shape(case))
    for i, (name, array) in enumerate(zip(names, args)):
        if i not in constants:
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
    binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)
    return lambda memory=(args, out): session.run_with_iobinding(binding)  # bound by address: must outlive the binding


MAKERS = {"aurex": make_aurex, "numpy": make_numpy, "onnxruntime": make_onnxruntime}
