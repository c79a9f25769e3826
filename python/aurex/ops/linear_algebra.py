"""Matrix products and what moves elements."""

from __future__ import annotations

import numpy as np

from aurex.errors import DTypeMismatch, ShapeMismatch
from aurex.ops._call import array, finish, is_narrow_integer, kernels, public

__all__ = [
    "copy", "matmul", "outer", "take", "transpose",
]


def _operands(a, b) -> tuple[np.ndarray, np.ndarray, np.dtype]:
    a, b = array(a), array(b)
    dtype = np.result_type(a, b)
    if dtype == np.bool_:
        raise DTypeMismatch("products of bool matrices are not there", {"expected": "numbers", "actual": "bool"})
    compute = np.dtype(np.int32) if is_narrow_integer(dtype) else dtype
    return np.asarray(a, compute), np.asarray(b, compute), dtype


def _stretched(x: np.ndarray, batch: tuple[int, ...], fixed: int) -> np.ndarray:
    return np.broadcast_to(x, (*batch, *x.shape[x.ndim - fixed :]))


@public
def matmul(a, b, out=None):
    """``numpy.matmul``: vectors, matrices and broadcast batches of them."""
    a, b, dtype = _operands(a, b)
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeMismatch("matmul takes no scalars; multiply does", {"expected": (1,), "actual": ()})
    if a.ndim == 1 and b.ndim == 1:
        kernel, operands = "dot", (a, b)
    elif b.ndim == 1:
        kernel, operands = "matvec", (a, b)
    elif a.ndim == 1:
        kernel, operands = "vecmat", (a, b)
    else:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        kernel, operands = "matmul", (_stretched(a, batch, 2), _stretched(b, batch, 2))
    direct = out is not None and out.dtype == dtype == operands[0].dtype
    result = getattr(kernels("matmul"), kernel)(*operands, out=out if direct else None)
    return finish(result, dtype, out) if out is not None or result.ndim else finish(result, dtype, None)[()]


@public
def outer(a, b):
    """All products of the elements of ``a`` and ``b``."""
    a, b, dtype = _operands(a, b)
    return finish(kernels("matmul").outer(a.reshape(-1), b.reshape(-1)), dtype, None)


@public
def transpose(x, axes=None):
    """``x`` with its axes in another order, laid out anew; ``numpy.transpose`` gives a view instead."""
    view = np.transpose(array(x), axes)
    return kernels("movement").copy(view, out=np.empty(view.shape, view.dtype))


@public
def copy(x, dtype=None):
    """``x`` laid out anew, converted to ``dtype``."""
    x = array(x)
    return kernels("movement").copy(x, out=np.empty(x.shape, x.dtype if dtype is None else dtype))


@public
def take(x, indices, axis=None):
    """``numpy.take`` along an axis. An index outside raises :class:`aurex.IndexOutOfRange`; none counts from the end."""
    x, indices = array(x), array(indices)
    if axis is None:
        x, axis = x.reshape(-1), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
    taken = kernels("movement").take(np.moveaxis(x, axis, -1), indices.reshape(-1))
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return np.moveaxis(taken, -1, axis).reshape(shape)
