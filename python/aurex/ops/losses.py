"""Losses with torch's definitions; ``reduction`` is "mean", "sum" or "none"."""

from __future__ import annotations

from typing import Any

import numpy as np

from aurex.errors import DTypeMismatch, InvalidConfig, ShapeMismatch
from aurex.ops._call import array, floating, kernels, public

__all__ = [
    "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div", "l1_loss", "linear_cross_entropy",
    "mse_loss", "smooth_l1_loss",
]


def _reduction(function: str, value: str, *more: str) -> None:
    known = ("mean", "sum", "none", *more)
    if value not in known:
        raise InvalidConfig(f"{function}: 'reduction' is {value!r}, expected one of {', '.join(map(repr, known))}",
                            {"argument": "reduction", "expected": known, "actual": value})


def _reduced(kernel: str, reduction: str, arrays: dict[str, Any], divisor: float | None = None, **numbers: float):
    """By element, or the sum over ``divisor``: by default the count of elements for their mean.

    Everything has the type of ``x``, and is broadcast.
    """
    x = floating(arrays["x"])
    given = {name: np.asarray(value, x.dtype) for name, value in ({"x": x} | arrays).items() if value is not None}
    module = kernels("losses")
    if reduction == "none":
        return getattr(module, kernel)(**given, **numbers)
    try:
        stretched = np.broadcast_arrays(*given.values())
    except ValueError:
        shapes = {name: value.shape for name, value in given.items()}
        raise ShapeMismatch(f"{kernel}: shapes {shapes} do not broadcast",
                            {"parameter": "target", "expected": x.shape, "actual": given["target"].shape}) from None
    if divisor is None:
        divisor = stretched[0].size if reduction == "mean" else 1
    if divisor == 0:  # a mean of nothing
        return x.dtype.type(np.nan)
    return getattr(module, kernel + "_total")(**dict(zip(given, stretched)), divisor=float(divisor), **numbers)[()]


@public
def mse_loss(x, target, *, reduction="mean"):
    """``(x - target) ** 2``.

    >>> ops.mse_loss([1.0, 2.0], [1.0, 4.0])
    np.float64(2.0)
    """
    _reduction("mse_loss", reduction)
    return _reduced("mse_loss", reduction, {"x": x, "target": target})


@public
def l1_loss(x, target, *, reduction="mean"):
    """``abs(x - target)``.

    >>> ops.l1_loss([1.0, 2.0], [1.0, 4.0], reduction="none")
    array([0., 2.])
    """
    _reduction("l1_loss", reduction)
    return _reduced("l1_loss", reduction, {"x": x, "target": target})


@public
def smooth_l1_loss(x, target, *, reduction="mean", beta=1.0):
    """``0.5 * d ** 2 / beta`` where the distance ``d`` is below ``beta``, ``d - 0.5 * beta`` elsewhere.

    >>> ops.smooth_l1_loss([1.0, 2.0], [1.5, 4.0], reduction="none")
    array([0.125, 1.5  ])
    """
    _reduction("smooth_l1_loss", reduction)
    if beta < 0:
        raise InvalidConfig(f"smooth_l1_loss: 'beta' is {beta}, expected 0 or more",
                            {"argument": "beta", "expected": "0 or more", "actual": beta})
    return _reduced("smooth_l1_loss", reduction, {"x": x, "target": target}, beta=float(beta))


@public
def huber_loss(x, target, *, reduction="mean", delta=1.0):
    """``0.5 * d ** 2`` where the distance ``d`` is at most ``delta``, ``delta * (d - 0.5 * delta)`` elsewhere.

    >>> ops.huber_loss([1.0, 2.0], [1.5, 5.0], reduction="none", delta=2.0)
    array([0.125, 4.   ])
    """
    _reduction("huber_loss", reduction)
    if delta <= 0:
        raise InvalidConfig(f"huber_loss: 'delta' is {delta}, expected more than 0",
                            {"argument": "delta", "expected": "more than 0", "actual": delta})
    return _reduced("huber_loss", reduction, {"x": x, "target": target}, delta=float(delta))


@public
def binary_cross_entropy_with_logits(x, target, weight=None, *, reduction="mean", pos_weight=None):
    """``-(pos_weight * t * log(s) + (1 - t) * log(1 - s)) * weight`` where ``s = sigmoid(x)``, without overflow.

    >>> ops.binary_cross_entropy_with_logits([0.0], [1.0]).round(6)
    np.float64(0.693147)
    """
    _reduction("binary_cross_entropy_with_logits", reduction)
    return _reduced("binary_cross_entropy_with_logits", reduction,
                    {"x": x, "target": target, "weight": weight, "pos_weight": pos_weight})


@public
def kl_div(x, target, *, reduction="mean", log_target=False):
    """``target * (log(target) - x)`` of logarithms ``x``; with ``log_target`` the target is one, too.

    ``reduction`` may also be "batchmean", the sum over the extent of the first axis.

    >>> ops.kl_div(np.log([[0.5, 0.5]]), [[1.0, 0.0]], reduction="batchmean").round(6)
    np.float64(0.693147)
    """
    _reduction("kl_div", reduction, "batchmean")
    x = floating(x)
    divisor = (x.shape[0] if x.ndim else 1) if reduction == "batchmean" else None
    return _reduced("kl_div_log" if log_target else "kl_div", reduction, {"x": x, "target": target}, divisor)


def _classes(function: str, target: Any, rows: tuple[int, ...]) -> np.ndarray:
    """Numbers of classes, one for each row."""
    target = array(target)
    if target.dtype.kind not in "iu":
        raise DTypeMismatch(f"{function}: 'target' is {target.dtype}, expected integers",
                            {"argument": "target", "expected": "integers", "actual": str(target.dtype)})
    if target.shape != rows:
        raise ShapeMismatch(f"{function}: target has shape {target.shape}, expected {rows}, one class for each row",
                            {"parameter": "target", "expected": rows, "actual": target.shape})
    return target


def _of_rows(loss: np.ndarray, target: np.ndarray, ignore_index: int, reduction: str):
    if reduction == "none":
        return loss
    total = kernels("reductions").sum(loss.reshape(-1))[()]
    if reduction == "sum":
        return total
    count = np.count_nonzero(target != ignore_index)
    return total / loss.dtype.type(count) if count else loss.dtype.type(np.nan)


@public
def cross_entropy(x, target, *, ignore_index=-100, label_smoothing=0.0, reduction="mean"):
    """``-log(softmax(x)[target])`` for each row of logits; classes are on the last axis.

    Rows whose target is ``ignore_index`` give 0, and do not count in the mean. A class outside raises
    :class:`aurex.IndexOutOfRange`.

    >>> ops.cross_entropy([[0.0, 0.0], [5.0, 1.0]], [1, -100]).round(6)
    np.float64(0.693147)
    """
    _reduction("cross_entropy", reduction)
    if not 0 <= label_smoothing <= 1:
        raise InvalidConfig(f"cross_entropy: 'label_smoothing' is {label_smoothing}, expected 0 … 1",
                            {"argument": "label_smoothing", "expected": "0 … 1", "actual": label_smoothing})
    x = floating(x)
    target = _classes("cross_entropy", target, x.shape[:-1])
    loss = kernels("cross_entropy").cross_entropy(x, target, ignore_index, label_smoothing)
    return _of_rows(loss, target, ignore_index, reduction)


@public
def linear_cross_entropy(x, weight, target, bias=None, *, ignore_index=-100, reduction="mean"):
    """:func:`cross_entropy` of the logits ``x @ weight.T + bias``, which are never stored; ``weight`` is ``[classes, K]``.

    >>> ops.linear_cross_entropy([[1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]], [0]).round(6)
    np.float64(0.693147)
    """
    _reduction("linear_cross_entropy", reduction)
    x = floating(x)
    target = _classes("linear_cross_entropy", target, x.shape[:-1])
    loss = kernels("cross_entropy").linear_cross_entropy(x, floating(weight), target, bias, ignore_index)
    return _of_rows(loss, target, ignore_index, reduction)
