"""Convolution, pooling and the normalisation of channels: arrays are ``[N, channels, ...space]``, rules are torch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from aurex.errors import DimensionMismatch, InvalidConfig, ShapeMismatch
from aurex.ops._call import floating, kernels, public

__all__ = [
    "avg_pool2d", "batch_norm", "conv1d", "conv2d", "conv_transpose2d", "group_norm", "instance_norm", "max_pool2d",
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


def _filters(function: str, x: Any, weight: Any, bias: Any, axes: int, groups: int, transposed: bool = False):
    """Image, weights and bias of a convolution over ``axes`` axes, which fit each other; True where a batch is missing."""
    x, weight = floating(x), floating(weight)
    for name, array, layout in (("x", x, axes + 2), ("weight", weight, axes + 2)):
        if array.ndim != layout and not (name == "x" and array.ndim == layout - 1):
            raise DimensionMismatch(f"{function}: '{name}' has {array.ndim} axes, expected {layout}",
                                    {"parameter": name, "expected": layout, "actual": array.ndim})
    single = x.ndim == axes + 1
    x = x[np.newaxis] if single else x
    channels = x.shape[1]
    if groups < 1 or channels % groups or weight.shape[0] % groups:
        raise InvalidConfig(f"{function}: 'groups' is {groups}, expected a divisor of {channels} channels and of "
                            f"{weight.shape[0]} filters", {"argument": "groups", "expected": "a common divisor",
                                                           "actual": groups})
    expected = (channels, *weight.shape[1:]) if transposed else (weight.shape[0], channels // groups, *weight.shape[2:])
    if weight.shape != expected:
        raise ShapeMismatch(f"{function}: weight has shape {weight.shape}, expected {expected} for {channels} channels in "
                            f"{groups} groups", {"parameter": "weight", "expected": expected, "actual": weight.shape})
    filters = weight.shape[1] * groups if transposed else weight.shape[0]
    if bias is not None and np.shape(bias) != (filters,):
        raise ShapeMismatch(f"{function}: bias has shape {np.shape(bias)}, expected ({filters},)",
                            {"parameter": "bias", "expected": (filters,), "actual": np.shape(bias)})
    return x, weight, bias, single


def _at_least(function: str, pairs: dict[str, tuple[tuple[int, int], int]]) -> None:
    for name, (pair, least) in pairs.items():
        if min(pair) < least:
            raise InvalidConfig(f"{function}: '{name}' is {pair}, expected {least} or more",
                                {"argument": name, "expected": f"{least} or more", "actual": pair})


def _slide(function: str, x: np.ndarray, weight: np.ndarray, bias: Any, stride: tuple[int, int],
           padding: tuple[int, int], dilation: tuple[int, int], groups: int) -> np.ndarray:
    _at_least(function, {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1)})
    for axis in range(2):
        span, room = dilation[axis] * (weight.shape[2 + axis] - 1) + 1, x.shape[2 + axis] + 2 * padding[axis]
        if span > room:
            raise InvalidConfig(f"{function}: the filter spans {span} positions, and the padded image has {room}",
                                {"argument": "weight", "expected": room, "actual": span})
    return kernels("conv2d").conv2d(x, weight, bias, *stride, *padding, *dilation, groups)


@public
def conv2d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """``torch.nn.functional.conv2d`` of ``x`` ``[N, C, H, W]`` with ``weight`` ``[out, C / groups, height, width]``.

    Options are numbers or pairs. With ``groups=C`` each channel has filters of its own (depthwise). The batch may be
    missing.

    >>> ops.conv2d(np.arange(9.0).reshape(1, 3, 3), np.ones((1, 1, 2, 2)), stride=1)
    array([[[ 8., 12.],
            [20., 24.]]])
    """
    x, weight, bias, single = _filters("conv2d", x, weight, bias, 2, groups)
    y = _slide("conv2d", x, weight, bias, _pair("conv2d", "stride", stride), _pair("conv2d", "padding", padding),
               _pair("conv2d", "dilation", dilation), groups)
    return y[0] if single else y


@public
def conv1d(x, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    """``torch.nn.functional.conv1d`` of ``x`` ``[N, C, L]`` with ``weight`` ``[out, C / groups, length]``.

    >>> ops.conv1d([[1.0, 2.0, 4.0]], [[[1.0, -1.0]]], padding=1)
    array([[-1., -1., -2.,  4.]])
    """
    x, weight, bias, single = _filters("conv1d", x, weight, bias, 1, groups)
    steps = []
    for name, value, still in (("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)):
        value = value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value
        if not isinstance(value, (int, np.integer)):
            raise InvalidConfig(f"conv1d: '{name}' is {value!r}, expected a whole number",
                                {"argument": name, "expected": "a whole number", "actual": repr(value)})
        steps.append((still, int(value)))
    y = _slide("conv1d", x[:, :, np.newaxis], weight[:, :, np.newaxis], bias, *steps, groups)[:, :, 0]
    return y[0] if single else y


@public
def conv_transpose2d(x, weight, bias=None, *, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """``torch.nn.functional.conv_transpose2d``; ``weight`` is ``[C, out / groups, height, width]``.

    >>> ops.conv_transpose2d([[[1.0, 2.0]]], [[[[1.0, 10.0]]]], stride=(1, 2))
    array([[[ 1., 10.,  2., 20.]]])
    """
    x, weight, bias, single = _filters("conv_transpose2d", x, weight, bias, 2, groups, transposed=True)
    steps, pads, more, gaps = (
        _pair("conv_transpose2d", name, value) for name, value in (
            ("stride", stride), ("padding", padding), ("output_padding", output_padding), ("dilation", dilation)))
    _at_least("conv_transpose2d", {"stride": (steps, 1), "padding": (pads, 0), "output_padding": (more, 0),
                                   "dilation": (gaps, 1)})
    for axis in range(2):
        if more[axis] >= max(steps[axis], gaps[axis]):
            raise InvalidConfig(f"conv_transpose2d: 'output_padding' is {more}, expected less than the stride {steps} or "
                                f"the dilation {gaps}", {"argument": "output_padding", "expected": steps, "actual": more})
        extent = (x.shape[2 + axis] - 1) * steps[axis] - 2 * pads[axis] + gaps[axis] * (weight.shape[2 + axis] - 1) + 1
        if extent + more[axis] < 1:
            raise InvalidConfig(f"conv_transpose2d: 'padding' is {pads}, which leaves nothing of the result",
                                {"argument": "padding", "expected": "less", "actual": pads})
    members, filters = x.shape[1] // groups, weight.shape[1]
    image = x.reshape(x.shape[0], groups, members, *x.shape[2:])
    bias = None if bias is None else np.reshape(bias, (groups, filters))
    y = kernels("conv2d").conv_transpose2d(image, weight.reshape(groups, members, *weight.shape[1:]), bias, *steps,
                                           *pads, *more, *gaps)
    y = y.reshape(y.shape[0], groups * filters, *y.shape[3:])
    return y[0] if single else y


def _windows(function: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
             ceil_mode: bool) -> tuple[np.ndarray, dict[str, int]]:
    """The image, and what both poolings take by the names of their kernels."""
    x = _with_axes(function, "x", x, 2, "[..., height, width]")
    size = _pair(function, "kernel_size", kernel_size)
    steps = size if stride is None else _pair(function, "stride", stride)
    pads, gaps = _pair(function, "padding", padding), _pair(function, "dilation", dilation)
    _at_least(function, {"kernel_size": (size, 1), "stride": (steps, 1), "padding": (pads, 0), "dilation": (gaps, 1)})
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
