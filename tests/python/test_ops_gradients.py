"""Gradients against central differences of the operations themselves, in float64, and float32 against float64."""

import numpy as np
import pytest

import aurex
from aurex import ops

RNG = np.random.default_rng(19)


def rand(*shape):
    return RNG.standard_normal(shape)


def difference(f, arguments, which, grad, step=1e-6):
    """The gradient of ``sum(grad * f(*arguments))`` by one argument."""
    x = arguments[which]
    result = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        kept = x[place]
        x[place] = kept + step
        above = np.sum(grad * f(*arguments))
        x[place] = kept - step
        below = np.sum(grad * f(*arguments))
        x[place] = kept
        result[place] = (above - below) / (2 * step)
    return result


def hold(f, gradients, arguments, grad, count=None):
    """Every gradient in f64 to differences, and in f32 to that in f64."""
    exact = gradients(grad, *arguments)
    exact = exact if isinstance(exact, tuple) else (exact,)
    for which in range(len(exact) if count is None else count):
        assert exact[which].shape == arguments[which].shape and exact[which].dtype == np.float64
        np.testing.assert_allclose(exact[which], difference(f, arguments, which, grad), rtol=1e-6, atol=1e-7)
    narrow = gradients(np.float32(grad), *(x.astype(np.float32) if x.dtype == float else x for x in arguments))
    for rough, fine in zip(narrow if isinstance(narrow, tuple) else (narrow,), exact):
        assert rough.dtype == np.float32
        np.testing.assert_allclose(rough, fine, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax(axis):
    x, grad = rand(3, 4, 5), rand(3, 4, 5)
    hold(lambda x: ops.softmax(x, axis), lambda grad, x: ops.softmax_backward(grad, ops.softmax(x, axis), axis), [x], grad)
    hold(lambda x: ops.log_softmax(x, axis),
         lambda grad, x: ops.log_softmax_backward(grad, ops.log_softmax(x, axis), axis), [x], grad)


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu"])
def test_activations(name):
    hold(getattr(ops, name), getattr(ops, name + "_backward"), [rand(4, 9) * 2], rand(4, 9))


@pytest.mark.parametrize("shape", [(1, 5), (2, 3, 17)])
def test_norms(shape):
    x, w, b, grad = rand(*shape), rand(shape[-1]), rand(shape[-1]), rand(*shape)

    def layer(grad, x, w, b):
        return ops.layer_norm_backward(grad, x, w)

    hold(ops.layer_norm, layer, [x, w, b], grad)
    hold(ops.rms_norm, ops.rms_norm_backward, [x, w], grad)
    np.testing.assert_allclose(ops.layer_norm_backward(grad, x).dx, ops.layer_norm_backward(grad, x, np.ones(shape[-1])).dx)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
                                    ((5, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 4)),
                                    ((5, 2, 3), (3,)), ((3,), (5, 3, 4))])
def test_products(shapes):
    a, b = (rand(*shape) for shape in shapes)
    hold(ops.matmul, ops.matmul_backward, [a, b], rand(*np.shape(ops.matmul(a, b))))


def test_linear():
    x, w, b = rand(2, 3, 5), rand(4, 5), rand(4)
    hold(ops.linear, lambda grad, x, w, b: ops.linear_backward(grad, x, w), [x, w, b], rand(2, 3, 4))


@pytest.mark.parametrize("options", [{}, {"ignore_index": 2}, {"label_smoothing": 0.3}])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(options, reduction):
    x, target = rand(2, 3, 5), RNG.integers(0, 5, (2, 3))
    target[0, 1] = options.get("ignore_index", -100)
    grad = rand(2, 3) if reduction == "none" else np.float64(0.7)
    options = options | {"reduction": reduction}
    hold(lambda x: ops.cross_entropy(x, target, **options),
         lambda grad, x: ops.cross_entropy_backward(grad, x, target, **options), [x], grad)
    assert not ops.cross_entropy_backward(grad, x, target, **options)[0, 1].any()


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"causal": True, "window": 3}, {"key_lengths": [3, 7]},
                                     {"scale": 0.5, "causal": True}])
def test_attention(options):
    q, k, v, grad = rand(2, 4, 5, 3), rand(2, 2, 7, 3), rand(2, 2, 7, 2), rand(2, 4, 5, 2)
    hold(lambda q, k, v: ops.attention(q, k, v, **options),
         lambda grad, q, k, v: ops.attention_backward(grad, q, k, v, **options), [q, k, v], grad)


def test_attention_where_some_queries_see_no_key_and_without_a_batch():
    q, k, v, grad = rand(2, 6, 3), rand(1, 4, 3), rand(1, 4, 3), rand(2, 6, 3)
    hold(lambda q, k, v: ops.attention(q, k, v, causal=True),
         lambda grad, q, k, v: ops.attention_backward(grad, q, k, v, causal=True), [q, k, v], grad)


def test_gradients_have_the_same_bits_for_any_number_of_threads():
    x, w, grad = (rand(*shape).astype(np.float32) for shape in ((301, 65), (65,), (301, 65)))
    before, results = aurex.threads(), set()
    try:
        for threads in (1, 2, 3, 8):
            aurex.set_threads(threads)
            results.add(b"".join(part.tobytes() for part in ops.layer_norm_backward(grad, x, w)))
    finally:
        aurex.set_threads(before)
    assert len(results) == 1


def test_a_gradient_of_another_shape_is_refused():
    x = rand(2, 3)
    for call in (lambda: ops.softmax_backward(rand(3), x), lambda: ops.layer_norm_backward(rand(2, 4), x),
                 lambda: ops.matmul_backward(rand(2, 2), x, rand(3, 4)), lambda: ops.gelu_backward(rand(3), x),
                 lambda: ops.cross_entropy_backward(rand(3), x, [0, 1], reduction="none"),
                 lambda: ops.linear_backward(rand(2, 3), x, rand(4, 3)),
                 lambda: ops.attention_backward(rand(1, 2, 4), rand(1, 2, 3), rand(1, 4, 3), rand(1, 4, 3))):
        with pytest.raises(aurex.ShapeMismatch) as caught:
            call()
        assert caught.value.parameter == "grad" and caught.value.expected != caught.value.actual
