"""Reductions with NumPy's ``axis`` and ``keepdims``: sums of integers are 64-bit, indices are i64."""

from __future__ import annotations

from typing import Any

import numpy as np

from aurex.errors import InvalidConfig
from aurex.ops._call import array, floating, is_floating, kernels, public

__all__ = [
    "all", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max", "mean", "min", "norm", "prod", "std", "sum", "var",
]

_Axis = int | tuple[int, ...] | None


def _rows(x: np.ndarray, axis: _Axis) -> tuple[np.ndarray, tuple[int, ...]]:
    """``x`` with the reduced axes merged into one last axis, and which they were."""
    if axis is None:
        axes = tuple(range(x.ndim))
    else:
        axes = np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    kept = [i for i in range(x.ndim) if i not in axes]
    moved = x.transpose(*kept, *axes)
    length = int(np.prod([x.shape[i] for i in axes], dtype=np.int64))
    return moved.reshape(*(x.shape[i] for i in kept), length), axes


def _reduce(kernel: str, x: np.ndarray, axis: _Axis, keepdims: bool, **arguments: Any) -> np.ndarray:
    rows, axes = _rows(x, axis)
    result = getattr(kernels("reductions"), kernel)(rows, **arguments)
    return np.expand_dims(result, axes) if keepdims else result[()]


def _refuse_empty(name: str, x: np.ndarray, axis: _Axis) -> None:
    if _rows(x, axis)[0].shape[-1] == 0:
        raise InvalidConfig(f"{name} of no elements has no value", {"argument": "x", "shape": x.shape})


def _accumulate(kernel: str, x: np.ndarray, axis: _Axis, keepdims: bool) -> np.ndarray:
    """Integers in 64 bits; an unsigned sum is the same bits as the signed one."""
    if is_floating(x.dtype):
        return _reduce(kernel, x, axis, keepdims)
    result = _reduce(kernel + "_integers", x.astype(np.uint8) if x.dtype == np.bool_ else x, axis, keepdims)
    return result.view(np.uint64) if x.dtype.kind == "u" else result


@public
def sum(x, axis=None, keepdims=False):  # noqa: A001 - NumPy's name
    """The sum; of integers and bools in 64 bits."""
    return _accumulate("sum", array(x), axis, keepdims)


@public
def prod(x, axis=None, keepdims=False):
    """The product; of integers and bools in 64 bits."""
    return _accumulate("prod", array(x), axis, keepdims)


@public
def mean(x, axis=None, keepdims=False):
    """The mean; of integers and bools in f64."""
    x = array(x)
    if is_floating(x.dtype):
        return _reduce("mean", x, axis, keepdims)
    return _reduce("mean_integers", x.astype(np.uint8) if x.dtype == np.bool_ else x, axis, keepdims)


def _extreme(name: str, on_bool: str):
    def operation(x, axis=None, keepdims=False):
        x = array(x)
        _refuse_empty(name, x, axis)
        return _reduce(on_bool if x.dtype == np.bool_ else name, x, axis, keepdims)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"``numpy.{name}``: NaN wins; of no elements raises :class:`aurex.InvalidConfig`."
    return public(operation)


max = _extreme("max", "any")  # noqa: A001 - NumPy's name
min = _extreme("min", "all")  # noqa: A001 - NumPy's name


def _place(name: str):
    def operation(x, axis=None, keepdims=False):
        x = array(x)
        _refuse_empty(name, x, axis)
        return _reduce(name, x.view(np.uint8) if x.dtype == np.bool_ else x, axis, keepdims)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"``numpy.{name}``: the first NaN, else the first extreme, as i64."
    return public(operation)


argmax = _place("argmax")
argmin = _place("argmin")


def _truth(name: str):
    def operation(x, axis=None, keepdims=False):
        x = array(x)
        return _reduce(name if x.dtype == np.bool_ else name + "_nonzero", x, axis, keepdims)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"``numpy.{name}``; NaN counts as true."
    return public(operation)


any = _truth("any")  # noqa: A001 - NumPy's name
all = _truth("all")  # noqa: A001 - NumPy's name


@public
def count_nonzero(x, axis=None, keepdims=False):
    """How many elements are not 0."""
    x = array(x)
    return _reduce("count" if x.dtype == np.bool_ else "count_nonzero", x, axis, keepdims)


@public
def var(x, axis=None, keepdims=False, *, correction=0):
    """The variance in two passes; ``correction=1`` gives the unbiased estimate."""
    return _reduce("variance", floating(x), axis, keepdims, correction=correction)


@public
def std(x, axis=None, keepdims=False, *, correction=0):
    """The standard deviation."""
    return _reduce("std", floating(x), axis, keepdims, correction=correction)


@public
def norm(x, axis=None, keepdims=False):
    """The Euclidean norm."""
    return _reduce("norm", floating(x), axis, keepdims)


@public
def logsumexp(x, axis=None, keepdims=False):
    """``log(sum(exp(x)))`` without overflow."""
    return _reduce("logsumexp", floating(x), axis, keepdims)
