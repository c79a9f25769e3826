"""Convolution, pooling and the normalisation of channels: arrays are ``[N, channels, ...space]``, rules are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from aurex.errors import DimensionMismatch, InvalidConfig
from aurex.ops._call import floating, kernels, public

__all__ = [
    "avg_pool2d", "batch_norm", "conv2d", "group_norm", "instance_norm", "max_pool2d",
]


def _pair(function: str, name: str, value: Any) -> tuple[int, int]:
    """A number for both axes, or one for each."""
    pair = (value, value) if isinstance(value, (int, np.integer)) else value
    if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and
            all(isinstance(number, (int, np.integer)) for number in pair)):
        raise InvalidConfig(f"{function}: '{name}' is {value!r}, expected a whole number or two",
                            {"argument": name, "expected": "a whole number or two", "actual": repr(value)})
    return int(pair[0]), int(pair[1])


def _with_axes(function: str, name: str, x: Any, least: int, layout: str) -> np.ndarray:
    x = floating(x)
    if x.ndim < least:
        raise DimensionMismatch(f"{function}: '{name}' has {x.ndim} axes, expected at least {least} ({layout})",
                                {"parameter": name, "expected": least, "actual": x.ndim})
    return x


@public
def conv2d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Convolution of ``x`` ``[N, C, H, W]`` with ``weight`` ``[out, C / groups, height, width]``; numbers or pairs."""
    (stride_y, stride_x), (pad_y, pad_x), (dilation_y, dilation_x) = (
        _pair("conv2d", name, value) for name, value in (("stride", stride), ("padding", padding),
                                                         ("dilation", dilation)))
    return kernels("conv2d").conv2d(floating(x), weight, bias, stride_y, stride_x, pad_y, pad_x, dilation_y, dilation_x,
                                    groups)


def _windows(function: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
             ceil_mode: bool) -> tuple[np.ndarray, dict[str, int]]:
    """The image, and what both poolings take by the names of their kernels."""
    x = _with_axes(function, "x", x, 2, "[..., height, width]")
    size = _pair(function, "kernel_size", kernel_size)
    steps = size if stride is None else _pair(function, "stride", stride)
    pads, gaps = _pair(function, "padding", padding), _pair(function, "dilation", dilation)
    for name, pair, least in (("kernel_size", size, 1), ("stride", steps, 1), ("padding", pads, 0),
                              ("dilation", gaps, 1)):
        if min(pair) < least:
            raise InvalidConfig(f"{function}: '{name}' is {pair}, expected {least} or more",
                                {"argument": name, "expected": f"{least} or more", "actual": pair})
    for axis in range(2):
        if 2 * pads[axis] > size[axis]:
            raise InvalidConfig(f"{function}: 'padding' is {pads}, expected at most half of the window {size}",
                                {"argument": "padding", "expected": f"at most half of {size}", "actual": pads})
        span = gaps[axis] * (size[axis] - 1) + 1
        if x.shape[axis - 2] + 2 * pads[axis] < span:
            raise InvalidConfig(f"{function}: the window spans {span} positions, and the image has "
                                f"{x.shape[axis - 2]} with {pads[axis]} of padding on either side",
                                {"argument": "kernel_size", "expected": x.shape[axis - 2] + 2 * pads[axis],
                                 "actual": span})
    spill = [step - 1 if ceil_mode else 0 for step in steps]
    return x, {"size_y": size[0], "size_x": size[1], "stride_y": steps[0], "stride_x": steps[1], "pad_y": pads[0],
               "pad_x": pads[1], "spill_y": spill[0], "spill_x": spill[1]}


@public
def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """``torch.nn.functional.max_pool2d`` over the last two axes; ``stride`` is the window's size by default. NaN wins.

    >>> ops.max_pool2d(np.arange(16.0).reshape(1, 4, 4), 2)
    array([[[ 5.,  7.],
            [13., 15.]]])
    """
    x, window = _windows("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode)
    gaps = _pair("max_pool2d", "dilation", dilation)
    return kernels("pooling").max_pool2d(x, **window, dilation_y=gaps[0], dilation_x=gaps[1])


@public
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """``torch.nn.functional.avg_pool2d`` over the last two axes; ``stride`` is the window's size by default.

    >>> ops.avg_pool2d(np.arange(16.0).reshape(1, 4, 4), 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    """
    x, window = _windows("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise InvalidConfig("avg_pool2d: 'divisor_override' is 0, expected any other number",
                            {"argument": "divisor_override", "expected": "not 0", "actual": 0})
    return kernels("pooling").avg_pool2d(x, **window, count_pad=bool(count_include_pad),
                                         divisor=0.0 if divisor_override is None else float(divisor_override))


def _channels(function: str, x: Any) -> tuple[np.ndarray, np.ndarray]:
    """x, and as ``[N, channels, positions]``."""
    x = _with_axes(function, "x", x, 2, "[N, channels, ...]")
    return x, x.reshape(*x.shape[:2], int(np.prod(x.shape[2:])))


@public
def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    """``torch.nn.functional.group_norm``: each group of channels to mean 0 and variance 1, then ``weight`` and ``bias``.

    >>> ops.group_norm([[1.0, 3.0, 10.0, 30.0]], 2, eps=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    x, rows = _channels("group_norm", x)
    if num_groups < 1 or x.shape[1] % num_groups:
        raise InvalidConfig(f"group_norm: 'num_groups' is {num_groups}, expected a divisor of {x.shape[1]} channels",
                            {"argument": "num_groups", "expected": f"a divisor of {x.shape[1]}", "actual": num_groups})
    return kernels("channel_norm").group_norm(rows, weight, bias, eps, num_groups).reshape(x.shape)


@public
def instance_norm(x, weight=None, bias=None, eps=1e-5):
    """``torch.nn.functional.instance_norm`` by the statistics of each channel of each image.

    >>> ops.instance_norm([[[1.0, 3.0], [10.0, 30.0]]], eps=0.0)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    x, rows = _channels("instance_norm", x)
    return kernels("channel_norm").group_norm(rows, weight, bias, eps, max(x.shape[1], 1)).reshape(x.shape)


@public
def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """``torch.nn.functional.batch_norm``: channels by the running statistics, or in training by those of the batch.

    In training the running statistics, where they are given, move towards those of the batch by ``momentum``, in place.

    >>> ops.batch_norm([[1.0], [3.0]], None, None, training=True, eps=0.0)
    array([[-1.],
           [ 1.]])
    """
    x, rows = _channels("batch_norm", x)
    module = kernels("channel_norm")
    if not training:
        for name, value in (("running_mean", running_mean), ("running_var", running_var)):
            if value is None:
                raise InvalidConfig(f"batch_norm: '{name}' is None, expected one number for each channel",
                                    {"argument": name, "expected": "an array", "actual": "None"})
        return module.batch_norm(rows, running_mean, running_var, weight, bias, eps).reshape(x.shape)
    count = rows.shape[0] * rows.shape[2]
    if count < 2:
        raise InvalidConfig(f"batch_norm: training needs two values for each channel at least, and x has {count}",
                            {"argument": "x", "expected": 2, "actual": count})
    y, mean, variance = module.batch_norm_training(rows, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        module.track_statistics(running_mean, running_var, mean, variance, count, momentum)
    return y.reshape(x.shape)
