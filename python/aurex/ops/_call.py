"""How the operations reach their kernels: AX files loaded once, foreign arrays taken in and given back."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

import aurex
from aurex import _core, interchange

_KERNELS = pathlib.Path(aurex.__file__).parent / "kernels"


@functools.cache
def kernels(file: str) -> aurex.Module:
    """The kernels of one file of the library; machine code is made at their first call."""
    return aurex.load(_KERNELS / f"{file}.ax")


def array(value: Any) -> np.ndarray:
    return np.asarray(value)


def public(function: Callable) -> Callable:
    """Lets arrays of other libraries in through DLPack and gives results in the kind of the first of them."""

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        caller = None

        def take(value: Any) -> Any:
            nonlocal caller
            if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "__dlpack__"):
                return value
            caller = value if caller is None else caller
            return _core.array_from_dlpack(value)

        out = keywords.get("out")
        result = function(*map(take, args), **{name: take(value) for name, value in keywords.items()})
        if caller is None:
            return result
        if out is not None:
            return out
        if isinstance(result, tuple):
            return type(result)(*(interchange.like(caller, value) for value in result))
        return None if result is None else interchange.like(caller, np.asarray(result))

    return call


def finish(result: np.ndarray, dtype: np.dtype, out: np.ndarray | None) -> np.ndarray:
    """The result in the dtype that NumPy's rules give, in ``out`` where there is one."""
    if out is None:
        return result if result.dtype == dtype else result.astype(dtype)
    if out is not result:
        np.copyto(out, result if result.dtype == dtype else result.astype(dtype), casting="same_kind")
    return out


def is_narrow_integer(dtype: np.dtype) -> bool:
    """8 and 16 bits: kernels compute in 32 and saturate at the store, NumPy wraps."""
    return dtype.kind in "iu" and dtype.itemsize < 4


def is_floating(dtype: np.dtype) -> bool:
    """NumPy's floats, and those of ml_dtypes, which NumPy calls void or user types."""
    return dtype.kind == "f" or dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")


def floating(value: Any, *others: Any) -> np.ndarray:
    """An array of a float type; integers become f64, as NumPy has it."""
    result = array(value)
    return result if is_floating(result.dtype) else result.astype(np.float64)


def last(x: np.ndarray, axis: int) -> np.ndarray:
    """A view with ``axis`` last. Raises ``numpy.exceptions.AxisError``."""
    return np.moveaxis(x, axis, -1)
