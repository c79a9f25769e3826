"""OpenVINO, whose products are oneDNN's, on the same graphs as ONNX Runtime."""

from __future__ import annotations

import openvino

import encoder_graph
import onnx_graphs
from arrays import Made, inputs, result
from cases import Case



def make(case: Case, threads: int) -> Made | None:
    if case.operation == "rms_norm":
        return None
    args = inputs(case)
    if case.operation in ("attention", "causal"):
        model, given = attention(case, args)
    elif case.operation == "encoder":
        model, given = encoder_graph.model(encoder_graph.weights(), *case.sizes), encoder_graph.inputs(args[0])
    else:
        model, given = onnx_graphs.graph(case, args, 20)
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
                "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(core.read_model(model) if isinstance(model, bytes) else model, "CPU", settings)
    request = compiled.create_infer_request()
    for name, array in given.items():
        request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
    out = result(case)
    request.set_output_tensor(0, openvino.Tensor(out, shared_memory=True))
    return lambda memory=(args, given, compiled): request.infer(), lambda: out


def attention(case: Case, args: list) -> tuple[openvino.Model, dict]:
    from openvino import opset13 as ops

    names = ("q", "k", "v")
    parameters = [ops.parameter(list(a.shape), openvino.Type.f32, name=name) for name, a in zip(names, args)]
    seen = ops.scaled_dot_product_attention(*parameters, causal=case.operation == "causal")
    for parameter, name in zip(parameters, names):
        parameter.output(0).set_names({name})
    return openvino.Model([seen], parameters, "attention"), dict(zip(names, args))
