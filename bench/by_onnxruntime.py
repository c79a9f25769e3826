"""ONNX Runtime, inputs and results bound to memory that is there."""

from __future__ import annotations

import numpy as np
import onnxruntime

import encoder_graph
import onnx_graphs
from arrays import Made, inputs, result
from cases import Case

NEWEST_OPSET = {"rms_norm": 23, "attention": 23, "causal": 23}  # 20 has the others


def make(case: Case, threads: int) -> Made | None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # after a run, not within one
    args = inputs(case)
    if case.operation == "encoder":
        model, given = encoder_graph.model(encoder_graph.weights(), *case.sizes), encoder_graph.inputs(args[0])
    else:
        model, given = onnx_graphs.graph(case, args, NEWEST_OPSET.get(case.operation, 20))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    out = result(case)
    binding = session.io_binding()
    for name, array in given.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
    binding.bind_output(session.get_outputs()[0].name, "cpu", 0, np.float32, out.shape, out.ctypes.data)
    return lambda memory=(args, given): session.run_with_iobinding(binding), lambda: out  # bound by address
