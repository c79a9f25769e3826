"""Numba: loops as its users write them, fast arithmetic allowed, in parallel where there is more than one thread."""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import njit, prange

from arrays import Made, inputs, result
from cases import Case


def loops(parallel: bool) -> dict:
    compiled = njit(fastmath=True, parallel=parallel)

    @compiled
    def exp(x, y):
        for i in prange(x.size):
            y[i] = np.exp(x[i])

    @compiled
    def add(x, y, z):
        for i in prange(x.size):
            z[i] = x[i] + y[i]

    @compiled
    def gelu(x, y):
        for i in prange(x.size):
            y[i] = np.float32(0.5) * x[i] * (np.float32(1) + np.float32(math.erf(x[i] * np.float32(0.7071067811865476))))

    @compiled
    def total(x, y):
        s = np.float32(0)
        for i in prange(x.size):
            s += x[i]
        y[0] = s

    @compiled
    def softmax(x, y):
        for r in prange(x.shape[0]):
            top = np.max(x[r])
            s = np.float32(0)
            for c in range(x.shape[1]):
                y[r, c] = np.exp(x[r, c] - top)
                s += y[r, c]
            for c in range(x.shape[1]):
                y[r, c] /= s

    @compiled
    def rms_norm(x, w, y):
        for r in prange(x.shape[0]):
            s = np.float32(0)
            for c in range(x.shape[1]):
                s += x[r, c] * x[r, c]
            scale = np.float32(1) / np.sqrt(s / np.float32(x.shape[1]) + np.float32(1e-6))
            for c in range(x.shape[1]):
                y[r, c] = x[r, c] * scale * w[c]

    return {"exp": exp, "add": add, "gelu": gelu, "sum": total, "softmax": softmax, "rms_norm": rms_norm}


def make(case: Case, threads: int) -> Made | None:
    loop = loops(threads > 1).get(case.operation)
    if loop is None:
        return None
    numba.set_num_threads(threads)
    args, out = inputs(case), result(case)
    return lambda: loop(*args, out), lambda: out
