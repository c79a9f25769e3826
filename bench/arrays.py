"""Memory for inputs and results, allocated beforehand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cases import Case, arguments, result_shape

# A callable that runs the case once, and one that gives the result of the last run.
Made = tuple[Callable[[], object], Callable[[], np.ndarray]]


def aligned(shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    """64-byte aligned, as libraries' own results are: an array of NumPy's may lie 16 bytes off."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def inputs(case: Case) -> list[np.ndarray]:
    arrays = arguments(case)
    copies = [aligned(a.shape, a.dtype) for a in arrays]
    for copy, array in zip(copies, arrays):
        copy[...] = array
    return copies


def result(case: Case) -> np.ndarray:
    return aligned(result_shape(case))
