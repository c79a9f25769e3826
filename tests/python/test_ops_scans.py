"""Scans, the first elements in order, sums and counts by number: aurex.ops against NumPy."""

import numpy as np
import pytest

import aurex
from aurex import ops

F = np.float32
RNG = np.random.default_rng(11)


def rand(*shape, dtype=F):
    return RNG.standard_normal(shape).astype(dtype)


def close(actual, expected, tolerance=1e-5):
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products(name, axis):
    x = rand(4, 5, 7)
    close(getattr(ops, name)(x, axis), getattr(np, name)(x.astype(float), axis))


def test_running_sums_from_the_end_and_without_the_element():
    x = rand(5, 9)
    whole = x.astype(float).sum(1, keepdims=True)
    close(ops.cumsum(x, 1, reverse=True), np.cumsum(x[:, ::-1].astype(float), 1)[:, ::-1])
    close(ops.cumsum(x, 1, exclusive=True), np.cumsum(x.astype(float), 1) - x)
    close(ops.cumsum(x, 1, exclusive=True, reverse=True), whole - np.cumsum(x.astype(float), 1))
    np.testing.assert_array_equal(ops.cumprod([2, 3, 4], exclusive=True), [1, 2, 6])
    np.testing.assert_array_equal(ops.cumprod([2, 3, 4], exclusive=True, reverse=True), [12, 4, 1])


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u4", "i8", "u8", "?"])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_of_integers_have_numpys_types(name, dtype):
    x = np.array([[3, 1, 2], [1, 1, 100]]).astype(dtype)
    result, expected = getattr(ops, name)(x, 1), getattr(np, name)(x, 1)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_running_sums_go_where_they_are_told():
    x, out = rand(3, 4), np.zeros((3, 4))
    assert ops.cumsum(x, axis=0, out=out) is out
    close(out, np.cumsum(x.astype(float), 0))
    assert ops.cumsum(np.zeros((2, 0), F), 1).shape == (2, 0)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "u4", "?"])
def test_running_extremes_and_their_places(dtype, axis, reverse):
    x = (rand(5, 6) * 3).astype(dtype)
    turned = np.flip(x, axis) if reverse else x
    for name, ufunc in (("cummax", np.maximum), ("cummin", np.minimum)):
        values, indices = getattr(ops, name)(x, axis, reverse=reverse)
        expected = ufunc.accumulate(turned, axis)
        expected = np.flip(expected, axis) if reverse else expected
        assert values.dtype == x.dtype and indices.dtype == np.int64
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(np.take_along_axis(x, indices, axis), expected)


def test_of_equal_extremes_the_last_counts_and_nan_is_most():
    assert ops.cummax([1.0, 3.0, 2.0, 3.0]).indices.tolist() == [0, 1, 1, 3]
    values, indices = ops.cummin(np.array([1, np.nan, 0, np.nan], F))
    np.testing.assert_array_equal(values, [1, np.nan, np.nan, np.nan])
    assert indices.tolist() == [0, 1, 1, 3]


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u2", "i8", "u8", "?"])
def test_sorting(dtype, axis):
    x = (rand(7, 6) * 3).astype(dtype)
    if x.dtype.kind == "f":
        x[2, 3] = x[4, 1] = np.nan
    result = ops.sort(x, axis)
    assert result.dtype == x.dtype
    np.testing.assert_array_equal(result, np.sort(x, axis))
    np.testing.assert_array_equal(ops.argsort(x, axis), np.argsort(x, axis, kind="stable"))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1", "i8", "u8"])
def test_top_k_is_the_head_of_a_stable_sort(dtype, k, axis):
    x = (rand(7, 6) * 3).astype(dtype)
    for largest in (True, False):
        key = -x if largest and x.dtype.kind == "f" else ~x if largest else x
        order = np.take(np.argsort(key, axis=axis, kind="stable"), range(k), axis)
        values, indices = ops.top_k(x, k, axis, largest=largest)
        np.testing.assert_array_equal(indices, order)
        np.testing.assert_array_equal(values, np.take_along_axis(x, order, axis))


def test_top_k_of_nan_infinities_and_nothing():
    x = np.array([-np.inf, np.nan, 1, np.inf, -np.inf, np.nan], F)
    assert ops.top_k(x, 6).indices.tolist() == [1, 5, 3, 2, 0, 4]
    assert ops.top_k(x, 6, largest=False).indices.tolist() == [0, 4, 2, 3, 1, 5]
    assert ops.top_k(x, 3).indices.tolist() == [1, 5, 3] and ops.top_k(x[:2], 2, largest=False).indices.tolist() == [0, 1]
    assert ops.top_k(x, 0).values.shape == (0,)
    assert ops.top_k(np.array([True, False]), 1).values.dtype == np.bool_
    for k in (-1, 7):
        with pytest.raises(aurex.InvalidConfig, match="expected 0 … 6") as caught:
            ops.top_k(x, k)
        assert caught.value.argument == "k"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_segment_sum(shape, dtype):
    data, ids = (rand(20, *shape) * 5).astype(dtype), RNG.integers(0, 6, 20)
    expected = np.zeros((6, *shape))
    np.add.at(expected, ids, data)
    result = ops.segment_sum(data, ids, 6)
    assert result.dtype == dtype
    close(result, expected)


def test_segment_sum_finds_the_number_of_segments_and_refuses_what_does_not_fit():
    assert ops.segment_sum(np.ones(3, F), np.array([4, 0, 4], np.uint8)).tolist() == [1, 0, 0, 0, 2]
    assert ops.segment_sum([True, True, False], np.array([1, 1, 0], np.uint64)).tolist() == [0, 2]
    with pytest.raises(aurex.IndexOutOfRange):
        ops.segment_sum(np.ones(3, F), [0, 1, 2], 2)
    with pytest.raises(aurex.ShapeMismatch) as caught:
        ops.segment_sum(np.ones(3, F), [0, 1])
    assert caught.value.expected == (3,) and caught.value.actual == (2,)
    with pytest.raises(aurex.DTypeMismatch, match="expected integers"):
        ops.segment_sum(np.ones(3, F), np.ones(3, F))


def test_sums_by_number_have_the_same_bits_for_any_number_of_threads():
    data, ids = rand(30011, 40), RNG.integers(0, 7, 30011)
    before = aurex.threads()
    try:
        results = []
        for threads in (1, 2, 3, 8):
            aurex.set_threads(threads)
            results.append(ops.segment_sum(data, ids, 7).tobytes())
    finally:
        aurex.set_threads(before)
    assert len(set(results)) == 1


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "u8"])
def test_bincount(dtype):
    x, weights = np.array([1, 3, 1, 0]).astype(dtype), rand(4)
    np.testing.assert_array_equal(ops.bincount(x), np.bincount(x.astype(int)))
    np.testing.assert_array_equal(ops.bincount(x, minlength=7), np.bincount(x.astype(int), minlength=7))
    close(ops.bincount(x, weights), np.bincount(x.astype(int), weights))
    assert ops.bincount(np.zeros(0, dtype)).size == 0


def test_bincount_refuses_what_numpy_refuses():
    with pytest.raises(aurex.InvalidConfig, match="holds -2"):
        ops.bincount([1, -2])
    with pytest.raises(aurex.DimensionMismatch):
        ops.bincount([[1, 2]])
    with pytest.raises(aurex.DTypeMismatch):
        ops.bincount([1.5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_histogram_counts_as_numpy_does(dtype):
    x = (rand(500) * 4).astype(dtype)
    for options in ({}, {"bins": 17}, {"bins": 5, "range": (-2, 3)}, {"bins": [-3.0, -1.0, -1.0, 0.5, 4.0]}):
        hist, edges = ops.histogram(x, **options)
        expected, expected_edges = np.histogram(x, **options)
        np.testing.assert_array_equal(hist, expected)
        close(edges, expected_edges)
    weights = rand(500, dtype=np.float64)
    close(ops.histogram(x, 7, weights=weights).hist, np.histogram(x, 7, weights=weights)[0])


def test_histogram_leaves_nan_out_where_it_can_and_refuses_the_rest():
    x = np.array([0.5, np.nan, 2.0], F)
    assert ops.histogram(x, 2, (0, 2)).hist.tolist() == [1, 1]
    for bins in (0, [1.0], [2.0, 1.0]):
        with pytest.raises(aurex.InvalidConfig):
            ops.histogram([1.0], bins)
    with pytest.raises(aurex.InvalidConfig, match="not finite"):
        ops.histogram(x)


def test_embedding_backward_adds_what_embedding_took():
    ids, grad = np.array([[1, 4], [1, 0]]), rand(2, 2, 5)
    expected = np.zeros((6, 5))
    np.add.at(expected, ids, grad)
    close(ops.embedding_backward(grad, ids, 6), expected)
    expected[1] = 0
    close(ops.embedding_backward(grad, ids.astype(np.uint32), 6, padding_idx=1), expected)
    # Many small terms in half precision: added in f32, rounded once.
    assert ops.embedding_backward(np.full((4096, 1), 0.001, np.float16), np.zeros(4096, int), 1)[0, 0] == np.float16(
        4096 * float(np.float16(0.001)))
    with pytest.raises(aurex.ShapeMismatch):
        ops.embedding_backward(grad, ids[0], 6)
