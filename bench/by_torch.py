"""PyTorch, whose products are oneDNN's or MKL's."""

from __future__ import annotations

import torch

from arrays import Made, inputs, result
from cases import Case


def function(case: Case, args: list[torch.Tensor], out: torch.Tensor):
    F = torch.nn.functional
    match case.operation:
        case "matmul":
            return lambda: torch.matmul(*args, out=out)
        case "linear":
            return lambda: torch.addmm(args[2], args[0], args[1].T, out=out)
        case "softmax":
            return lambda: torch.softmax(args[0], -1, out=out)
        case "exp":
            return lambda: torch.exp(args[0], out=out)
        case "add":
            return lambda: torch.add(*args, out=out)
        case "sum":
            return lambda: torch.sum(args[0], 0, keepdim=True, out=out)
        case "transpose":
            return lambda: out.copy_(args[0].T)
        case "layer_norm":
            return lambda: F.layer_norm(args[0], args[0].shape[-1:], *args[1:])
        case "rms_norm":
            return lambda: F.rms_norm(args[0], args[0].shape[-1:], args[1], 1e-6)
        case "gelu":
            return lambda: F.gelu(args[0])
        case "attention" | "causal":
            return lambda: F.scaled_dot_product_attention(*args, is_causal=case.operation == "causal")
        case "conv":
            *_, window, stride = case.sizes
            return lambda: F.conv2d(*args, stride=stride, padding=window // 2)
    return None


def make(case: Case, threads: int) -> Made | None:
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    run = function(case, [torch.from_numpy(array) for array in inputs(case)], torch.from_numpy(result(case)))
    return None if run is None else (run, lambda: run().numpy())
