"""Gradients: what a change of the loss by each result of an operation is as a change by each of its arguments.

Every function takes the gradient by the result first; what it gives has the shape of the argument it belongs to.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from aurex.errors import DimensionMismatch, InvalidConfig, ShapeMismatch
from aurex.ops._call import array, floating, kernels, last, public
from aurex.ops.linear_algebra import matmul
from aurex.ops.losses import _classes
from aurex.ops.reductions import sum as _sum

__all__ = [
    "AttentionGradients", "LayerNormGradients", "LinearGradients", "ProductGradients", "RmsNormGradients",
    "attention_backward", "cross_entropy_backward", "gelu_backward", "gelu_tanh_backward", "layer_norm_backward",
    "linear_backward", "log_softmax_backward", "matmul_backward", "rms_norm_backward", "silu_backward",
    "softmax_backward",
]


class LayerNormGradients(NamedTuple):
    dx: np.ndarray
    dweight: np.ndarray
    dbias: np.ndarray


class RmsNormGradients(NamedTuple):
    dx: np.ndarray
    dweight: np.ndarray


class ProductGradients(NamedTuple):
    da: np.ndarray
    db: np.ndarray


class LinearGradients(NamedTuple):
    dx: np.ndarray
    dweight: np.ndarray
    dbias: np.ndarray


class AttentionGradients(NamedTuple):
    dq: np.ndarray
    dk: np.ndarray
    dv: np.ndarray


def _fitting(function: str, grad, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The gradient by a result of that shape, in the type of the argument."""
    grad = floating(grad)
    if grad.shape != shape:
        raise ShapeMismatch(f"{function}: grad has shape {grad.shape}, expected {shape}, as the result has",
                            {"parameter": "grad", "expected": shape, "actual": grad.shape})
    return grad.astype(dtype, copy=False)


def _along(kernel: str, grad, y, axis: int):
    y = floating(y)
    grad, dx = _fitting(kernel, grad, y.shape, y.dtype), np.empty(y.shape, y.dtype)
    getattr(kernels("backward"), kernel)(last(y, axis), last(grad, axis), out=last(dx, axis))
    return dx


@public
def softmax_backward(grad, y, axis=-1):
    """Of :func:`softmax`, by its result ``y``.

    >>> ops.softmax_backward([1.0, 0.0], [0.5, 0.5])
    array([ 0.25, -0.25])
    """
    return _along("softmax_backward", grad, y, axis)


@public
def log_softmax_backward(grad, y, axis=-1):
    """Of :func:`log_softmax`, by its result ``y``.

    >>> ops.log_softmax_backward([1.0, 0.0], np.log([0.5, 0.5])).round(6)
    array([ 0.5, -0.5])
    """
    return _along("log_softmax_backward", grad, y, axis)


@public
def layer_norm_backward(grad, x, weight=None, eps=1e-5):
    """Of :func:`layer_norm`: a named tuple ``(dx, dweight, dbias)``.

    >>> ops.layer_norm_backward([[1.0, 2.0]], [[-1.0, 1.0]], eps=0.0)
    LayerNormGradients(dx=array([[0., 0.]]), dweight=array([-1.,  2.]), dbias=array([1., 2.]))
    """
    x = floating(x)
    grad = _fitting("layer_norm_backward", grad, x.shape, x.dtype)
    return LayerNormGradients(*kernels("backward").layer_norm_backward(x, grad, weight, eps))


@public
def rms_norm_backward(grad, x, weight=None, eps=1e-6):
    """Of :func:`rms_norm`: a named tuple ``(dx, dweight)``.

    >>> ops.rms_norm_backward([[1.0, 2.0]], [[-1.0, 1.0]], eps=0.0)
    RmsNormGradients(dx=array([[1.5, 1.5]]), dweight=array([-1.,  2.]))
    """
    x = floating(x)
    grad = _fitting("rms_norm_backward", grad, x.shape, x.dtype)
    return RmsNormGradients(*kernels("backward").rms_norm_backward(x, grad, weight, eps))


def _activation(name: str, example: str):
    def operation(grad, x):
        x = floating(x)
        return getattr(kernels("backward"), name)(x, _fitting(name, grad, x.shape, x.dtype))

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"Of :func:`{name.removesuffix('_backward')}`.\n\n    >>> ops.{name}([2.0], [0.0])\n    {example}\n    "
    return public(operation)


gelu_backward = _activation("gelu_backward", "array([1.])")
gelu_tanh_backward = _activation("gelu_tanh_backward", "array([1.])")
silu_backward = _activation("silu_backward", "array([1.])")


def _summed_to(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``x`` summed over the axes along which ``shape`` was stretched to its own."""
    extra = x.ndim - len(shape)
    axes = (*range(extra), *(extra + i for i, extent in enumerate(shape) if x.shape[extra + i] != extent))
    return _sum(x, axes).reshape(shape) if axes else x.reshape(shape)


@public
def matmul_backward(grad, a, b):
    """Of :func:`matmul`, for vectors, matrices and stretched batches: a named tuple ``(da, db)``.

    >>> ops.matmul_backward([[1.0]], [[2.0, 3.0]], [[4.0], [5.0]])
    ProductGradients(da=array([[4., 5.]]), db=array([[2.],
           [3.]]))
    """
    a, b = floating(a), floating(b)
    if a.ndim == 0 or b.ndim == 0:
        raise DimensionMismatch("matmul_backward takes no scalars", {"parameter": "a" if a.ndim == 0 else "b",
                                                                    "expected": 1, "actual": 0})
    left = a[np.newaxis] if a.ndim == 1 else a
    right = b[:, np.newaxis] if b.ndim == 1 else b
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    shape = (*batch, *left.shape[-2:-1] * (a.ndim > 1), *right.shape[-1:] * (b.ndim > 1))
    product = (*batch, left.shape[-2], right.shape[-1])
    grad = _fitting("matmul_backward", grad, shape, np.result_type(a, b)).reshape(product)
    da = _summed_to(matmul(grad, right.swapaxes(-1, -2)), left.shape)
    if right.ndim == 2:  # all batches are rows of one product
        db = matmul(np.broadcast_to(left, (*batch, *left.shape[-2:])).reshape(-1, left.shape[-1]).T,
                    grad.reshape(-1, grad.shape[-1]))
    else:
        db = _summed_to(matmul(left.swapaxes(-1, -2), grad), right.shape)
    return ProductGradients(da.reshape(a.shape), db.reshape(b.shape))


@public
def linear_backward(grad, x, weight):
    """Of :func:`linear` without an activation: a named tuple ``(dx, dweight, dbias)``; ``weight`` is ``[out, in]``.

    >>> ops.linear_backward([[1.0]], [[2.0, 3.0]], [[4.0, 5.0]])
    LinearGradients(dx=array([[4., 5.]]), dweight=array([[2., 3.]]), dbias=array([1.]))
    """
    x, weight = floating(x), floating(weight)
    if weight.ndim != 2 or x.ndim < 1:
        raise DimensionMismatch(f"linear_backward: weight has {weight.ndim} axes, expected 2, and x has {x.ndim}",
                                {"parameter": "weight", "expected": 2, "actual": weight.ndim})
    grad = _fitting("linear_backward", grad, (*x.shape[:-1], weight.shape[0]), x.dtype)
    rows = grad.reshape(-1, grad.shape[-1])
    return LinearGradients(matmul(rows, weight).reshape(x.shape), matmul(rows.T, x.reshape(-1, x.shape[-1])),
                           _sum(rows, 0))


@public
def cross_entropy_backward(grad, x, target, *, ignore_index=-100, label_smoothing=0.0, reduction="mean"):
    """Of :func:`cross_entropy` by the logits ``x``; ``grad`` is a number, or with ``reduction="none"`` one for each row.

    >>> ops.cross_entropy_backward(1.0, [[0.0, 0.0]], [1])
    array([[ 0.5, -0.5]])
    """
    if reduction not in ("mean", "sum", "none"):
        raise InvalidConfig(f"cross_entropy_backward: 'reduction' is {reduction!r}, expected 'mean', 'sum' or 'none'",
                            {"argument": "reduction", "expected": ("mean", "sum", "none"), "actual": reduction})
    x = floating(x)
    target = _classes("cross_entropy_backward", target, x.shape[:-1])
    grad = _fitting("cross_entropy_backward", grad, target.shape if reduction == "none" else (), x.dtype)
    if reduction == "mean":
        count = np.count_nonzero(target != ignore_index)
        grad = (grad / x.dtype.type(count if count else np.nan)).astype(x.dtype)
    return kernels("backward").cross_entropy_backward(x, target, np.broadcast_to(grad, target.shape), ignore_index,
                                                      label_smoothing)


@public
def attention_backward(grad, q, k, v, *, causal=False, scale=None, window=None, key_lengths=None):
    """Of :func:`attention`: a named tuple ``(dq, dk, dv)``. Probabilities are found again and never stored.

    Shapes and options are those of :func:`attention`, with the same leading axes for all three; there is none for a bias
    or a softcap.

    >>> one = np.ones((1, 1, 1))
    >>> ops.attention_backward(one, one, one, one).dv
    array([[[1.]]])
    """
    q, k, v = floating(q), floating(k), floating(v)
    for name, x in (("q", q), ("k", k), ("v", v)):
        if x.ndim < 3:
            raise DimensionMismatch(f"attention_backward: '{name}' has {x.ndim} axes, expected at least 3 ([..., heads, "
                                    "length, dim])", {"parameter": name, "expected": 3, "actual": x.ndim})
        if x.shape[:-3] != q.shape[:-3]:
            raise ShapeMismatch(f"attention_backward: '{name}' has leading axes {x.shape[:-3]}, expected those of q, "
                                f"{q.shape[:-3]}", {"parameter": name, "expected": q.shape[:-3],
                                                    "actual": x.shape[:-3]})
    batch = q.shape[:-3]
    grad = _fitting("attention_backward", grad, (*q.shape[:-1], v.shape[-1]), q.dtype)
    if key_lengths is not None:
        key_lengths = np.broadcast_to(array(key_lengths).astype(np.int32, copy=False), batch).reshape(-1)
    flat = [x.reshape(-1, *x.shape[-3:]) for x in (q, k, v, grad)]
    result = kernels("backward").attention_backward(
        *flat, scale=1 / math.sqrt(q.shape[-1]) if scale is None else scale, causal=bool(causal),
        window=0 if window is None else window, key_lengths=key_lengths)
    return AttentionGradients(*(part.reshape(x.shape) for part, x in zip(result, (q, k, v))))
