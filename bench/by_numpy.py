"""NumPy, whose products are OpenBLAS's."""

from __future__ import annotations

import numpy as np

from arrays import Made, inputs, result
from cases import Case


def make(case: Case, threads: int) -> Made | None:
    args = inputs(case)
    out = result(case)
    match case.operation:
        case "matmul":
            run = lambda: np.matmul(*args, out=out)  # noqa: E731
        case "linear":
            x, weight, bias = args
            run = lambda: np.add(np.matmul(x, weight.T, out=out), bias, out=out)  # noqa: E731
        case "exp":
            run = lambda: np.exp(args[0], out=out)  # noqa: E731
        case "add":
            run = lambda: np.add(*args, out=out)  # noqa: E731
        case "sum":
            run = lambda: np.sum(args[0], keepdims=True, out=out)  # noqa: E731
        case "softmax":
            run = lambda: softmax(args[0], out)  # noqa: E731
        case "transpose":
            run = lambda: np.copyto(out, args[0].T)  # noqa: E731
        case _:
            return None
    return run, lambda: out


def softmax(x: np.ndarray, out: np.ndarray) -> None:
    np.subtract(x, x.max(-1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(-1, keepdims=True), out=out)
