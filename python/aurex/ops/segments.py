"""Sums and counts by number. Results have the same bits whatever the number of threads."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from aurex.errors import DimensionMismatch, DTypeMismatch, InvalidConfig, ShapeMismatch
from aurex.ops._call import array, floating, is_floating, kernels, public
from aurex.ops.reductions import max as _max
from aurex.ops.reductions import min as _min

__all__ = [
    "Histogram", "bincount", "embedding_backward", "histogram", "segment_sum",
]


class Histogram(NamedTuple):
    """Counts, or sums of weights, and the edges between which they lie: one more."""

    hist: np.ndarray
    bin_edges: np.ndarray


def _numbers(function: str, name: str, value: Any) -> np.ndarray:
    """An array of whole numbers."""
    value = array(value)
    if value.dtype.kind not in "iu":
        raise DTypeMismatch(f"{function}: '{name}' is {value.dtype}, expected integers",
                            {"argument": name, "expected": "integers", "actual": str(value.dtype)})
    return value


def _count(function: str, numbers: np.ndarray, given: int | None) -> int:
    """How many places there are: as many as asked for, else up to the largest number."""
    if given is not None:
        return given
    return int(_max(numbers)) + 1 if numbers.size else 0


@public
def segment_sum(data, segment_ids, num_segments=None):
    """``jax.ops.segment_sum``: row ``s`` is the sum of the rows of ``data`` whose number in ``segment_ids`` is ``s``.

    Without ``num_segments`` there are as many rows as the largest number needs. A number outside raises
    :class:`aurex.IndexOutOfRange`.

    >>> ops.segment_sum([1.0, 2.0, 4.0], [1, 0, 1])
    array([2., 5.])
    """
    data, ids = array(data), _numbers("segment_sum", "segment_ids", segment_ids)
    data = data.astype(np.int64) if data.dtype == np.bool_ else data  # counts
    if data.ndim == 0 or ids.shape != data.shape[:1]:
        raise ShapeMismatch(f"segment_sum: segment_ids has shape {ids.shape}, expected {data.shape[:1]}, one number for "
                            "each row of data", {"parameter": "segment_ids", "expected": data.shape[:1],
                                                 "actual": ids.shape})
    segments = _count("segment_sum", ids, num_segments)
    sums = kernels("segments").segment_sum(data.reshape(len(data), int(np.prod(data.shape[1:]))), ids, S=segments)
    return sums.reshape(segments, *data.shape[1:]).astype(data.dtype, copy=False)


@public
def embedding_backward(grad, ids, num_embeddings, *, padding_idx=None):
    """The gradient of the table of :func:`embedding`: each row of ``grad`` is added to the row that ``ids`` took.

    ``grad`` is ``[..., D]`` and ``ids`` ``[...]``; rows of the number ``padding_idx`` are left out. The sum is in f32 at
    least, the result ``[num_embeddings, D]`` has the type of ``grad``.

    >>> ops.embedding_backward([[1.0, 2.0], [3.0, 4.0]], [0, 0], 2)
    array([[4., 6.],
           [0., 0.]])
    """
    grad, ids = floating(grad), _numbers("embedding_backward", "ids", ids)
    if grad.shape[:-1] != ids.shape:
        raise ShapeMismatch(f"embedding_backward: grad has shape {grad.shape}, expected {ids.shape} and an axis more",
                            {"parameter": "grad", "expected": (*ids.shape, grad.shape[-1] if grad.ndim else 1),
                             "actual": grad.shape})
    skip = {} if padding_idx is None else {"ignore": padding_idx}
    table = kernels("segments").embedding_backward(grad.reshape(ids.size, grad.shape[-1]), ids.reshape(-1),
                                                   V=num_embeddings, **skip)
    return table.astype(grad.dtype, copy=False)


@public
def bincount(x, weights=None, minlength=0):
    """``numpy.bincount``: how often each number occurs, or the sum of the weights of its occurrences (in f64).

    >>> ops.bincount([1, 3, 1])
    array([0, 2, 0, 1])
    """
    x = _numbers("bincount", "x", x)
    if x.ndim != 1:
        raise DimensionMismatch(f"bincount: 'x' has {x.ndim} axes, expected 1", {"parameter": "x", "expected": 1,
                                                                                "actual": x.ndim})
    if x.size and int(_min(x)) < 0:
        raise InvalidConfig(f"bincount: 'x' holds {int(_min(x))}, expected no number below 0",
                            {"argument": "x", "expected": "0 or more", "actual": int(_min(x))})
    bins = _count("bincount", x, None)
    bins = minlength if minlength > bins else bins
    if weights is None:
        return kernels("segments").bincount(x, B=bins)
    return kernels("segments").bincount_weighted(x, np.asarray(weights, np.float64), B=bins)


def _edges(x: np.ndarray, bins: Any, limits: tuple[float, float] | None) -> np.ndarray:
    if not isinstance(bins, (int, np.integer)):
        edges = array(bins)
        if edges.ndim != 1 or edges.size < 2 or np.any(edges[1:] < edges[:-1]):
            raise InvalidConfig("histogram: 'bins' are a number, or edges in ascending order, two at least",
                                {"argument": "bins", "expected": "ascending edges", "actual": edges.shape})
        return edges if is_floating(edges.dtype) else edges.astype(np.float64)
    if bins < 1:
        raise InvalidConfig(f"histogram: 'bins' is {bins}, expected 1 or more",
                            {"argument": "bins", "expected": "1 or more", "actual": bins})
    low, high = limits if limits is not None else (_min(x), _max(x)) if x.size else (0, 1)
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise InvalidConfig(f"histogram: the range [{low}, {high}] is not finite and ascending",
                            {"argument": "range", "expected": "low <= high, finite", "actual": (low, high)})
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, int(bins) + 1, dtype=x.dtype if is_floating(x.dtype) else np.float64)


@public
def histogram(x, bins=10, range=None, weights=None):  # noqa: A002 - NumPy's name
    """``numpy.histogram``: how many elements lie between the edges, and the edges, as ``(hist, bin_edges)``.

    ``bins`` of equal width over ``range`` (by default from the least to the largest element), or edges in ascending
    order. A bin has its lower edge, the last one its upper edge too; what lies outside, and NaN where a range is given,
    is in none.

    >>> ops.histogram([1, 2, 1], bins=[0, 1, 2, 3]).hist
    array([0, 2, 1])
    """
    x = array(x).reshape(-1)
    x = x.view(np.uint8) if x.dtype == np.bool_ else x
    edges = _edges(x, bins, range)
    # Integers and edges meet in f64, as they do in NumPy.
    values = x if is_floating(x.dtype) else x.astype(np.float64)
    if weights is None:
        return Histogram(kernels("segments").histogram(values, edges), edges)
    weights = floating(weights).reshape(-1)
    if weights.shape != x.shape:
        raise ShapeMismatch(f"histogram: weights has {weights.size} elements, expected {x.size}, as x has",
                            {"parameter": "weights", "expected": x.shape, "actual": weights.shape})
    return Histogram(kernels("segments").histogram_weighted(values, edges, weights), edges)
