"""Aurex: the texts of kernels.ax and of the library, results into memory that is there."""

from __future__ import annotations

import pathlib
import sys

import aurex
import numpy as np

from arrays import Made, inputs, result
from cases import Case

HERE = pathlib.Path(__file__).parent
OPS = HERE.parent / "src" / "aurex" / "ops"
sys.path.insert(0, str(HERE.parent / "examples" / "minilm"))


def make(case: Case, threads: int) -> Made | None:
    aurex.set_threads(threads)
    args = inputs(case)
    out = result(case)
    named = {}
    match case.operation:
        case "encoder":
            return make_encoder(args[0])
        case "attention":
            kernel = aurex.load(HERE / "kernels.ax").attention
        case "causal":
            kernel = aurex.load(OPS / "attention.ax").attention
            named = {"scale": case.sizes[-1] ** -0.5, "causal": True}
        case "conv":
            kernel = aurex.load(OPS / "conv2d.ax").conv2d
            *_, window, stride = case.sizes
            named = {"stride_y": stride, "stride_x": stride, "pad_y": window // 2, "pad_x": window // 2}
        case _:
            kernel = aurex.load(HERE / "kernels.ax")[case.operation]
    return lambda: kernel(*args, **named, out=out), lambda: out


def make_encoder(ids: np.ndarray) -> Made:
    from minilm import Encoder

    encoder = Encoder()
    rows = ids.tolist()
    return lambda: encoder.encode_ids(rows), lambda: encoder.encode_ids(rows)
