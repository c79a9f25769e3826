"""Running sums, products and extremes along an axis, sorting, and the first elements in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aurex.errors import DimensionMismatch, InvalidConfig
from aurex.ops._call import array, finish, is_floating, kernels, last, public

__all__ = [
    "Extremes", "argsort", "cummax", "cummin", "cumprod", "cumsum", "sort", "top_k",
]


class Extremes(NamedTuple):
    """Values and where along the axis they are (i64)."""

    values: np.ndarray
    indices: np.ndarray


def _walked(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    """A view with ``axis`` last, running from its end where asked."""
    x = last(x, axis)
    return x[..., ::-1] if reverse else x


def _running(name: str, start: int):
    def operation(x, axis=None, out=None, *, exclusive=False, reverse=False):
        x = array(x)
        if axis is None:
            x, axis = x.reshape(-1), 0
        kernel, dtype = name, x.dtype
        if not is_floating(x.dtype):
            kernel, dtype = name + "_integers", np.dtype(np.uint64 if x.dtype.kind == "u" else np.int64)
            x = x.view(np.uint8) if x.dtype == np.bool_ else x
        result = np.empty(x.shape, np.int64 if kernel != name else dtype)
        getattr(kernels("scans"), kernel)(_walked(x, axis, reverse), bool(exclusive),
                                          out=_walked(result, axis, reverse))
        return finish(result.view(dtype), dtype, out)

    operation.__name__ = operation.__qualname__ = name
    word = name.removeprefix("cum")
    operation.__doc__ = (
        f"``numpy.{name}``; of integers in 64 bits. ``exclusive`` leaves each element itself out (the first is {start}),"
        f" ``reverse`` runs from the end.\n\n    >>> ops.{name}([1, 2, 3], reverse=True)\n"
        f"    array({'[6, 5, 3]' if word == 'sum' else '[6, 6, 3]'})\n    ")
    return public(operation)


cumsum = _running("cumsum", 0)
cumprod = _running("cumprod", 1)


def _extremes(name: str, word: str):
    def operation(x, axis=-1, *, reverse=False):
        x = array(x)
        numbers = x.view(np.uint8) if x.dtype == np.bool_ else x
        values, indices = np.empty(x.shape, numbers.dtype), np.empty(x.shape, np.int64)
        getattr(kernels("scans"), name)(_walked(numbers, axis, reverse), bool(reverse),
                                        out=(_walked(values, axis, reverse), _walked(indices, axis, reverse)))
        return Extremes(values.view(x.dtype), indices)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = (
        f"``torch.{name}``: the {word} so far along an axis and its place, a named tuple ``(values, indices)``.\n\n"
        "    Of equal ones the last counts; NaN is more extreme than all. ``reverse`` runs from the end.\n\n"
        f"    >>> ops.{name}([1, 3, 2]).values\n    array({'[1, 3, 3]' if name == 'cummax' else '[1, 1, 1]'})\n    ")
    return public(operation)


cummax = _extremes("cummax", "largest")
cummin = _extremes("cummin", "smallest")


# Of top_k: that many passes over a row cost about what sorting it costs.
_PASSES = 3


def _sorted(kernel: str, x, axis: int | None, dtype: type | None) -> np.ndarray:
    x = array(x)
    if axis is None:
        x, axis = x.reshape(-1), 0
    numbers = x.view(np.uint8) if x.dtype == np.bool_ else x
    result = np.empty(x.shape, numbers.dtype if dtype is None else dtype)
    getattr(kernels("sort"), kernel)(last(numbers, axis), out=last(result, axis))
    return result


@public
def sort(x, axis=-1):
    """``numpy.sort``, stable: a copy in ascending order along an axis, NaN last; with ``axis=None`` of all elements.

    >>> ops.sort([3, 1, 2])
    array([1, 2, 3])
    """
    return _sorted("sort", x, axis, None).view(array(x).dtype)


@public
def argsort(x, axis=-1):
    """``numpy.argsort``, stable: the places that the elements of :func:`sort` come from.

    >>> ops.argsort([3, 1, 2])
    array([1, 2, 0])
    """
    return _sorted("argsort", x, axis, np.int64)


@public
def top_k(x, k, axis=-1, *, largest=True):
    """The ``k`` largest along an axis in descending order, or the smallest in ascending, and their places.

    A named tuple ``(values, indices)``. Of equal elements the first comes first; NaN is larger than every number.

    >>> ops.top_k([5, 9, 7], 2)
    Extremes(values=array([9, 7]), indices=array([1, 2]))
    """
    x = array(x)
    if x.ndim == 0:
        raise DimensionMismatch("top_k needs an axis", {"parameter": "x", "expected": 1, "actual": 0})
    axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
    if not 0 <= k <= x.shape[axis]:
        raise InvalidConfig(f"top_k: k is {k}, expected 0 … {x.shape[axis]}, the extent of axis {axis}",
                            {"argument": "k", "expected": f"0 … {x.shape[axis]}", "actual": k})
    numbers = x.view(np.uint8) if x.dtype == np.bool_ else x
    kernel = ("top_k" if largest else "bottom_k") + ("_sorted" if k > _PASSES else "")
    result = getattr(kernels("top_k"), kernel)(last(numbers, axis), k)
    return Extremes(*(np.moveaxis(part, -1, axis) for part in (result.values.view(x.dtype), result.indices)))
