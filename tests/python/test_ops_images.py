"""Pooling and the normalisation of channels: aurex.ops against loops in NumPy that follow torch's documentation."""

import numpy as np
import pytest

import aurex
from aurex import ops

F = np.float32
RNG = np.random.default_rng(13)


def rand(*shape, dtype=F):
    return RNG.standard_normal(shape).astype(dtype)


def close(actual, expected, tolerance=1e-5):
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=tolerance, atol=tolerance)


def windows(extent, size, stride, pad, dilation, ceil):
    room = extent + 2 * pad - dilation * (size - 1) - 1
    count = (-(-room // stride) if ceil else room // stride) + 1
    return count - (ceil and (count - 1) * stride >= extent + pad)


def pooled(x, size, stride, pad, dilation=(1, 1), ceil=False, kind="max", count_pad=True, divisor=None):
    height, width = x.shape[-2:]
    shape = [windows(x.shape[-2 + i], size[i], stride[i], pad[i], dilation[i], ceil) for i in range(2)]
    y = np.zeros((*x.shape[:-2], *shape))
    for i in range(shape[0]):
        for j in range(shape[1]):
            rows = [i * stride[0] - pad[0] + p * dilation[0] for p in range(size[0])]
            columns = [j * stride[1] - pad[1] + q * dilation[1] for q in range(size[1])]
            padded = sum(r < height + pad[0] for r in rows) * sum(c < width + pad[1] for c in columns)
            rows, columns = [r for r in rows if 0 <= r < height], [c for c in columns if 0 <= c < width]
            patch = x[..., rows, :][..., columns].astype(float)
            count = divisor or (padded if count_pad else len(rows) * len(columns))
            y[..., i, j] = patch.max((-1, -2)) if kind == "max" else patch.sum((-1, -2)) / count
    return y


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("options", [((2, 2), (2, 2), (0, 0)), ((3, 2), (2, 3), (1, 1)), ((4, 5), (3, 1), (2, 2)),
                                     ((1, 1), (3, 2), (0, 0))])
def test_pooling(options, ceil):
    x = rand(2, 3, 9, 11)
    size, stride, padding = options
    close(ops.max_pool2d(x, size, stride, padding, ceil_mode=ceil), pooled(x, size, stride, padding, ceil=ceil), 0)
    close(ops.avg_pool2d(x, size, stride, padding, ceil), pooled(x, size, stride, padding, ceil=ceil, kind="mean"))
    close(ops.avg_pool2d(x, size, stride, padding, ceil, count_include_pad=False),
          pooled(x, size, stride, padding, ceil=ceil, kind="mean", count_pad=False))


def test_pooling_with_dilation_with_a_divisor_and_by_one_number():
    x = rand(3, 8, 9)
    close(ops.max_pool2d(x, 3, 1, 1, 2), pooled(x, (3, 3), (1, 1), (1, 1), (2, 2)), 0)
    close(ops.avg_pool2d(x, 3, divisor_override=7), pooled(x, (3, 3), (3, 3), (0, 0), kind="mean", divisor=7))
    close(ops.max_pool2d(x[:, ::-1, ::2], 2), pooled(x[:, ::-1, ::2], (2, 2), (2, 2), (0, 0)), 0)


def test_nan_and_infinities_in_pooling():
    x = np.array([[[np.nan, 1], [-np.inf, -np.inf]]], F)
    assert np.isnan(ops.max_pool2d(x, 2)[0, 0, 0])
    np.testing.assert_array_equal(ops.max_pool2d(x, (1, 2))[0, 1], [-np.inf])


@pytest.mark.parametrize("call, argument", [
    (lambda x: ops.max_pool2d(x, 6), "kernel_size"),
    (lambda x: ops.max_pool2d(x, 0), "kernel_size"),
    (lambda x: ops.max_pool2d(x, (2, 2, 2)), "kernel_size"),
    (lambda x: ops.max_pool2d(x, 2, 0), "stride"),
    (lambda x: ops.max_pool2d(x, 2, padding=2), "padding"),
    (lambda x: ops.avg_pool2d(x, 2, padding=-1), "padding"),
    (lambda x: ops.avg_pool2d(x, 2, divisor_override=0), "divisor_override"),
    (lambda x: ops.max_pool2d(x, 2, dilation=0), "dilation"),
    (lambda x: ops.max_pool2d(x, 2, 1, 0, 5), "kernel_size"),
    (lambda x: ops.max_pool2d(x, 1.5), "kernel_size"),
    (lambda x: ops.group_norm(x, 2), "num_groups"),
    (lambda x: ops.batch_norm(x, None, None), "running_mean"),
    (lambda x: ops.batch_norm(x[:1, :, :1], None, None, training=True), "x"),
])
def test_what_does_not_fit_is_refused_by_name(call, argument):
    with pytest.raises(aurex.InvalidConfig) as caught:
        call(rand(1, 5, 5))
    assert caught.value.argument == argument and str(caught.value.expected) and isinstance(caught.value, ValueError)


def test_too_few_axes_are_refused():
    for call in (lambda: ops.max_pool2d(rand(4), 2), lambda: ops.group_norm(rand(4), 2)):
        with pytest.raises(aurex.DimensionMismatch) as caught:
            call()
        assert caught.value.expected == 2 and caught.value.actual == 1


def normal(x, axes, eps=1e-5):
    x = x.astype(float)
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("space", [(), (7,), (5, 4), (2, 3, 4)])
def test_group_and_instance_norm(space):
    x, w, b = rand(3, 6, *space), rand(6), rand(6)
    wide = (6, *(1 for _ in space))
    grouped = normal(x.reshape(3, 2, 3, -1), (2, 3)).reshape(x.shape)
    close(ops.group_norm(x, 2), grouped)
    close(ops.group_norm(x, 2, w, b), grouped * w.reshape(wide) + b.reshape(wide))
    if space:
        each = normal(x.reshape(3, 6, -1), 2).reshape(x.shape)
        close(ops.instance_norm(x, w, b), each * w.reshape(wide) + b.reshape(wide), 1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_learns_its_statistics_and_goes_by_them(dtype):
    x, w, b = rand(5, 4, 3, 3, dtype=dtype), rand(4, dtype=dtype), rand(4, dtype=dtype)
    mean, var = np.zeros(4, dtype), np.ones(4, dtype)
    wide = (4, 1, 1)
    expected = normal(x, (0, 2, 3)) * w.reshape(wide) + b.reshape(wide)
    close(ops.batch_norm(x, mean, var, w, b, training=True, momentum=0.25), expected)
    close(mean, 0.25 * x.mean((0, 2, 3), dtype=float))
    close(var, 0.75 + 0.25 * x.astype(float).var((0, 2, 3), ddof=1))
    kept = (x.astype(float) - mean.reshape(wide)) / np.sqrt(var.reshape(wide) + 1e-5)
    close(ops.batch_norm(x, mean, var, w, b), kept * w.reshape(wide) + b.reshape(wide))
    close(ops.batch_norm(x, None, None, training=True), normal(x, (0, 2, 3)))


def convolved(x, w, b, stride, padding, dilation, groups):
    (sy, sx), (py, px), (dy, dx) = stride, padding, dilation
    x = np.pad(x.astype(float), ((0, 0), (0, 0), (py, py), (px, px)))
    n, _, h, width = x.shape
    o, i, p, q = w.shape
    rows, columns = (h - dy * (p - 1) - 1) // sy + 1, (width - dx * (q - 1) - 1) // sx + 1
    y = np.zeros((n, o, rows, columns))
    for out in range(o):
        first = out // (o // groups) * i
        for r, s in np.ndindex(rows, columns):
            patch = x[:, first : first + i, r * sy : r * sy + dy * (p - 1) + 1 : dy, s * sx : s * sx + dx * (q - 1) + 1 : dx]
            y[:, out, r, s] = (patch * w[out]).sum((1, 2, 3)) + b[out]
    return y


@pytest.mark.parametrize("options", [((1, 1), (0, 0), (1, 1), 1), ((2, 1), (1, 2), (1, 1), 1), ((1, 1), (1, 1), (2, 2), 2),
                                     ((1, 2), (1, 0), (1, 1), 4), ((2, 2), (2, 2), (2, 1), 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conv2d(options, dtype):
    stride, padding, dilation, groups = options
    x, w, b = rand(2, 4, 8, 9, dtype=dtype), rand(8, 4 // groups, 3, 3, dtype=dtype), rand(8, dtype=dtype)
    expected = convolved(x, w, b, *options)
    close(ops.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups), expected)
    close(ops.conv2d(x[0], w, b, stride=stride, padding=padding, dilation=dilation, groups=groups), expected[0])


@pytest.mark.parametrize("options", [(1, 0, 1, 1), (2, 3, 1, 2), (1, 2, 3, 4)])
def test_conv1d(options):
    stride, padding, dilation, groups = options
    x, w, b = rand(2, 4, 23), rand(4, 4 // groups, 5), rand(4)
    expected = convolved(x[:, :, None], w[:, :, None], b, (1, stride), (0, padding), (1, dilation), groups)[:, :, 0]
    close(ops.conv1d(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups), expected)


@pytest.mark.parametrize("options", [((1, 1), (0, 0), (0, 0), (1, 1), 1), ((2, 3), (1, 0), (1, 2), (1, 2), 2),
                                     ((3, 2), (2, 1), (0, 1), (2, 1), 4)])
def test_conv_transpose2d_spreads_what_conv2d_gathers(options):
    stride, padding, more, dilation, groups = options
    x, w, b = rand(2, 4, 5, 6), rand(4, 3, 3, 2), rand(3 * groups)
    y = ops.conv_transpose2d(x, w, b, stride=stride, padding=padding, output_padding=more, dilation=dilation,
                             groups=groups)
    expected = np.zeros(y.shape)
    for n, c, h, k in np.ndindex(*x.shape):
        first = c // (4 // groups) * 3
        for o, p, q in np.ndindex(3, 3, 2):
            i, j = h * stride[0] + p * dilation[0] - padding[0], k * stride[1] + q * dilation[1] - padding[1]
            if 0 <= i < y.shape[2] and 0 <= j < y.shape[3]:
                expected[n, first + o, i, j] += float(x[n, c, h, k]) * w[c, o, p, q]
    close(y, expected + b[:, None, None])
    for axis in range(2):
        assert y.shape[2 + axis] == ((x.shape[2 + axis] - 1) * stride[axis] - 2 * padding[axis] +
                                     dilation[axis] * (w.shape[2 + axis] - 1) + more[axis] + 1)


def test_an_empty_batch_stays_empty():
    x, w = rand(0, 4, 5, 5), rand(4, 4, 3, 3)
    assert ops.conv2d(x, w).shape == (0, 4, 3, 3)
    assert ops.conv_transpose2d(x, w).shape == (0, 4, 7, 7)
    assert ops.max_pool2d(x, 2).shape == (0, 4, 2, 2)
    assert ops.group_norm(x, 2).shape == x.shape


@pytest.mark.parametrize("call, error, name", [
    (lambda x, w: ops.conv2d(x, w, groups=3), aurex.InvalidConfig, "groups"),
    (lambda x, w: ops.conv2d(x, w[:, :2]), aurex.ShapeMismatch, "weight"),
    (lambda x, w: ops.conv2d(x, w, np.ones(3, F)), aurex.ShapeMismatch, "bias"),
    (lambda x, w: ops.conv2d(x, w[0]), aurex.DimensionMismatch, "weight"),
    (lambda x, w: ops.conv2d(x, w, stride=0), aurex.InvalidConfig, "stride"),
    (lambda x, w: ops.conv2d(x, w, dilation=9), aurex.InvalidConfig, "weight"),
    (lambda x, w: ops.conv2d(x, w, padding=(1, -1)), aurex.InvalidConfig, "padding"),
    (lambda x, w: ops.conv1d(x[:, :, 0], w[:, :, 0], stride="2"), aurex.InvalidConfig, "stride"),
    (lambda x, w: ops.conv_transpose2d(x, w, output_padding=1), aurex.InvalidConfig, "output_padding"),
    (lambda x, w: ops.conv_transpose2d(x, w, padding=9), aurex.InvalidConfig, "padding"),
])
def test_filters_that_do_not_fit_are_refused_by_name(call, error, name):
    with pytest.raises(error) as caught:
        call(rand(2, 4, 7, 7), rand(4, 4, 3, 3))
    assert name in (caught.value.fields.get("argument"), caught.value.fields.get("parameter"))
