"""aurex.ops against NumPy in float64."""

import doctest
import inspect
import math
import pathlib
import re

import numpy as np
import pytest

import aurex
from aurex import ops

F = np.float32
RNG = np.random.default_rng(7)


def rand(*shape, dtype=F):
    return RNG.standard_normal(shape).astype(dtype)


def close(actual, expected, tolerance=2e-6):
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=tolerance, atol=tolerance)


UNARY = {"exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "sin": np.sin, "cos": np.cos, "tan": np.tan,
         "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "arctan": np.arctan, "negative": np.negative,
         "abs": np.abs, "sign": np.sign, "square": np.square, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc,
         "round": np.rint}
POSITIVE = {"sqrt": np.sqrt, "log": np.log, "log2": np.log2, "log1p": np.log1p, "reciprocal": lambda x: 1 / x,
            "rsqrt": lambda x: 1 / np.sqrt(x)}
INSIDE = {"arcsin": np.arcsin, "arccos": np.arccos}


@pytest.mark.parametrize("name", [*UNARY, *POSITIVE, *INSIDE])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_of_one_operand(name, dtype):
    x = rand(3, 7, dtype=dtype)
    if name in POSITIVE:
        x = np.abs(x) + dtype(0.1)
    if name in INSIDE:
        x = np.tanh(x)
    reference = (UNARY | POSITIVE | INSIDE)[name]
    result = getattr(ops, name)(x)
    assert result.dtype == dtype
    close(result, reference(x.astype(np.float64)), 5e-6 if dtype == np.float32 else 1e-12)


BINARY = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
          "maximum": np.maximum, "minimum": np.minimum, "arctan2": np.arctan2, "copysign": np.copysign,
          "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
          "equal": np.equal, "not_equal": np.not_equal}
INTEGERS = {"floor_divide": np.floor_divide, "remainder": np.remainder, "bitwise_and": np.bitwise_and,
            "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor, "left_shift": np.left_shift,
            "right_shift": np.right_shift}


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_operands_broadcast(name):
    x, y = rand(4, 1, 5), rand(3, 1)
    expected = BINARY[name](x, y)
    result = getattr(ops, name)(x, y)
    assert result.dtype == expected.dtype
    close(result, expected)


@pytest.mark.parametrize("pair", [("i1", "i1"), ("u1", "i1"), ("i4", "f4"), ("i4", "u4"), ("f2", "f4"), ("f4", "f8"),
                                  ("?", "i4"), ("?", "?"), ("i8", "i2")])
def test_types_promote_as_in_numpy(pair):
    x, y = np.array([0, 1, 1]).astype(pair[0]), np.array([1, 0, 1]).astype(pair[1])
    expected = x + y
    result = ops.add(x, y)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "u2", "u4"])
def test_functions_of_integers(name, dtype):
    x, y = np.arange(20, 32).astype(dtype), np.arange(1, 5).astype(dtype).repeat(3)
    expected = INTEGERS[name](x, y)
    result = getattr(ops, name)(x, y)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_integers_wrap():
    for dtype in (np.int8, np.uint8, np.int16, np.int32, np.int64):
        top = np.array([np.iinfo(dtype).max], dtype)
        np.testing.assert_array_equal(ops.add(top, dtype(1)), [np.iinfo(dtype).min])
        np.testing.assert_array_equal(ops.multiply(top, dtype(2)), top * dtype(2))


def test_functions_of_integers_are_floats_as_in_numpy():
    for dtype in ("i1", "i2", "i4", "i8"):
        x = np.array([1, 4, 9], dtype)
        assert ops.sqrt(x).dtype == np.sqrt(x).dtype
        close(ops.sqrt(x), [1, 2, 3], 1e-3)


def test_numbers_are_weak():
    assert ops.add(np.ones(2, F), 1.5).dtype == F
    assert ops.multiply(2, np.ones(2, np.int16)).dtype == np.int16


def test_a_result_can_be_written_into_an_array():
    x, out = rand(5), np.zeros(5, F)
    assert ops.exp(x, out=out) is out
    close(out, np.exp(x))
    wide = np.zeros(5)
    assert ops.add(x, x, out=wide) is wide
    np.testing.assert_array_equal(wide, x + x)


def test_where_clamp_fma_power():
    x, y = rand(4, 5), rand(5)
    np.testing.assert_array_equal(ops.where(x > 0, x, y), np.where(x > 0, x, y))
    assert ops.where(x > 0, 1, 0).dtype == np.where(x > 0, 1, 0).dtype
    np.testing.assert_array_equal(ops.clamp(x, -0.5, 0.5), np.clip(x, -0.5, 0.5))
    np.testing.assert_array_equal(ops.clamp(x, low=0), np.maximum(x, 0))
    close(ops.fma(x, x, y), x.astype(float) * x + y)
    close(ops.power(np.abs(x), y), np.abs(x).astype(float) ** y, 1e-5)
    assert np.isnan(ops.clamp(np.array([np.nan], F), 0, 1))[0]


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "var", "std"])
def test_reductions_over_any_axes(name, axis, keepdims):
    x = rand(3, 4, 5)
    close(getattr(ops, name)(x, axis=axis, keepdims=keepdims),
          getattr(np, name)(x.astype(np.float64), axis=axis, keepdims=keepdims), 1e-5)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_places_are_i64(name, axis):
    x = rand(4, 6)
    result = getattr(ops, name)(x, axis)
    assert result.dtype == np.int64
    np.testing.assert_array_equal(result, getattr(np, name)(x, axis))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u4", "i8", "u8", "?"])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "any", "all", "argmax", "count_nonzero"])
def test_reductions_of_integers_have_numpys_types(name, dtype):
    x = np.array([[3, 1, 2], [1, 1, 0]]).astype(dtype)
    expected = getattr(np, name)(x, axis=1)
    result = getattr(ops, name)(x, axis=1)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_reductions_of_nothing():
    nothing = np.zeros((2, 0), F)
    np.testing.assert_array_equal(ops.sum(nothing, 1), [0, 0])
    np.testing.assert_array_equal(ops.prod(nothing, 1), [1, 1])
    assert not ops.any(nothing) and ops.all(nothing)
    for name in ("max", "min", "argmax", "argmin"):
        with pytest.raises(ValueError) as caught:
            getattr(ops, name)(nothing, 1)
        assert isinstance(caught.value, aurex.InvalidConfig)


def test_nan_wins_in_max_and_argmax():
    x = np.array([1, np.nan, 3, np.nan], F)
    assert np.isnan(ops.max(x)) and np.isnan(ops.min(x)) and ops.argmax(x) == 1 and ops.argmin(x) == 1


SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4)),
          ((2, 3), (5, 3, 4)), ((4, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((0, 3), (3, 4)),
          ((2, 0), (0, 4)), ((17, 33), (33, 65))]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int8])
def test_matmul_of_all_shapes(shapes, dtype):
    a, b = ((rand(*shape) * 3).astype(dtype) for shape in shapes)
    expected = np.matmul(a, b) if dtype != np.float32 else np.matmul(a.astype(float), b)
    result = ops.matmul(a, b)
    assert result.dtype == dtype
    close(result, expected, 1e-4 if dtype == np.float32 else 1e-12)


def test_matmul_of_transposed_views():
    a, b = rand(6, 4), rand(5, 6)
    close(ops.matmul(a.T, b.T), a.T.astype(float) @ b.T, 1e-5)


def test_transpose_copy_take_outer():
    x = rand(2, 3, 4)
    np.testing.assert_array_equal(ops.transpose(x), x.T)
    np.testing.assert_array_equal(ops.transpose(x, (1, 0, 2)), x.transpose(1, 0, 2))
    np.testing.assert_array_equal(ops.copy(x, np.float16), x.astype(np.float16))
    np.testing.assert_array_equal(ops.take(x, [[2, 0], [1, 1]], axis=1), np.take(x, [[2, 0], [1, 1]], axis=1))
    np.testing.assert_array_equal(ops.outer(x[0, 0], x[0, 1]), np.outer(x[0, 0], x[0, 1]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


ACTIVATIONS = {
    "sigmoid": sigmoid, "relu": lambda x: np.maximum(x, 0), "relu6": lambda x: np.clip(x, 0, 6), "gelu": gelu,
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * sigmoid(x), "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "logsigmoid": lambda x: np.log(sigmoid(x)), "softsign": lambda x: x / (1 + np.abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x), "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)), "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "softplus": lambda x: np.log1p(np.exp(x)), "hardtanh": lambda x: np.clip(x, -1, 1),
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6, "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "softshrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hardshrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    x = rand(4, 33) * 4
    close(getattr(ops, name)(x), ACTIVATIONS[name](x.astype(np.float64)), 1e-5)


def test_activations_with_parameters():
    x = rand(4, 8)
    w = x.astype(float)
    close(ops.leaky_relu(x, 0.2), np.where(w > 0, w, 0.2 * w))
    close(ops.prelu(x, F(0.3)), np.where(w > 0, w, 0.3 * w))
    close(ops.threshold(x, 0.1, 20.0), np.where(w > 0.1, w, 20))
    close(ops.neuromorphic_activation(x, 0.5, 2.0), np.tanh(0.5 * w) + 2 * w * np.exp(-w * w), 1e-5)
    close(ops.glu(x), w[:, :4] * sigmoid(w[:, 4:]), 1e-5)
    close(ops.swiglu(x), w[:, :4] * sigmoid(w[:, :4]) * w[:, 4:], 1e-5)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_along_an_axis(axis):
    x = rand(3, 5, 7)
    close(ops.softmax(x, axis), softmax(x.astype(float), axis))
    close(ops.log_softmax(x, axis), np.log(softmax(x.astype(float), axis)), 1e-5)


def test_norms():
    x, w, b = rand(3, 4, 16), rand(16), rand(16)
    d = x.astype(float) - x.mean(-1, keepdims=True, dtype=float)
    unit = d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-5)
    close(ops.layer_norm(x), unit, 1e-5)
    close(ops.layer_norm(x, w, b), unit * w + b, 1e-5)
    close(ops.rms_norm(x, w), x / np.sqrt((x.astype(float) ** 2).mean(-1, keepdims=True) + 1e-6) * w, 1e-5)
    close(ops.l2_normalize(x), x / np.linalg.norm(x.astype(float), axis=-1, keepdims=True), 1e-5)
    y, s = ops.add_layer_norm(x, x)
    np.testing.assert_array_equal(s, x + x)
    close(y, unit, 1e-4)


def test_linear_with_what_follows_it():
    x, w, b, r = rand(2, 3, 8), rand(5, 8), rand(5), rand(2, 3, 5)
    plain = x.astype(float) @ w.T
    close(ops.linear(x, w), plain, 1e-5)
    close(ops.linear(x, w, b, activation="gelu", residual=r), gelu(plain + b) + r, 1e-5)
    close(ops.gated_linear(x, w, w), plain * sigmoid(plain) * plain, 1e-4)
    with pytest.raises(aurex.InvalidConfig, match="there are: None, relu"):
        ops.linear(x, w, activation="unknown")


def attention(q, k, v, *, causal=False, scale=None, window=None, key_lengths=None, bias=None, softcap=None):
    groups = q.shape[1] // k.shape[1]
    k, v = k.astype(float).repeat(groups, 1), v.astype(float).repeat(groups, 1)
    z = q.astype(float) @ k.swapaxes(-1, -2) * (scale or 1 / math.sqrt(q.shape[-1]))
    z = z + (0 if bias is None else bias)
    z = z if softcap is None else softcap * np.tanh(z / softcap)
    place, key = np.arange(q.shape[2])[:, None] + k.shape[2] - q.shape[2], np.arange(k.shape[2])
    seen = np.ones(z.shape, bool)
    if causal:
        seen &= key <= place
    if window:
        seen &= key > place - window
    if key_lengths is not None:
        seen &= (key < np.asarray(key_lengths)[:, None, None, None])
    e = np.where(seen, np.exp(z - z.max(-1, keepdims=True)), 0)
    return e @ v / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"causal": True, "window": 3}, {"key_lengths": [3, 9]},
                                     {"softcap": 2.0}, {"scale": 0.5}, {"bias": rand(2, 4, 5, 9)}],
                         ids=lambda options: "+".join(options) or "plain")
def test_attention(options):
    q, k, v = rand(2, 4, 5, 8), rand(2, 2, 9, 8), rand(2, 2, 9, 6)
    close(ops.attention(q, k, v, **options), attention(q, k, v, **options), 1e-5)


def test_attention_without_a_batch_and_with_two():
    q, k, v = rand(2, 3, 4, 5, 8), rand(2, 3, 4, 7, 8), rand(2, 3, 4, 7, 8)
    close(ops.attention(q, k, v)[1], attention(q[1], k[1], v[1]), 1e-5)
    close(ops.attention(q[0, 0], k[0, 0], v[0, 0]), attention(q[0], k[0], v[0])[0], 1e-5)


@pytest.mark.parametrize("adjacent", [False, True])
def test_rope_in_both_pairings(adjacent):
    x = rand(2, 3, 6, 8)
    angle = np.arange(6)[:, None] * 10000.0 ** (-np.arange(4) / 4)
    first, second = (slice(0, None, 2), slice(1, None, 2)) if adjacent else (slice(0, 4), slice(4, 8))
    expected = np.zeros(x.shape)
    expected[..., first] = x[..., first] * np.cos(angle) - x[..., second] * np.sin(angle)
    expected[..., second] = x[..., second] * np.cos(angle) + x[..., first] * np.sin(angle)
    close(ops.rope(x, adjacent=adjacent), expected, 1e-5)
    close(ops.rope(x, positions=np.arange(6), adjacent=adjacent), expected, 1e-5)
    close(ops.rope(x[..., 2:, :], offset=2, adjacent=adjacent), expected[..., 2:, :], 1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
def test_embedding_takes_ids_of_any_width(dtype):
    table, ids = rand(9, 4), np.array([[1, 8], [0, 1]], dtype)
    np.testing.assert_array_equal(ops.embedding(table, ids), table[ids])
    with pytest.raises(aurex.IndexOutOfRange):
        ops.embedding(table, np.array([9], dtype))


def test_adam_takes_a_step_in_place():
    p, g, m, v = rand(6), rand(6), np.zeros(6, F), np.zeros(6, F)
    before = p.astype(float)
    assert ops.adam(p, g, m, v, lr=0.1) is None
    close(p, before - 0.1 * np.sign(g), 1e-4)
    close(m, 0.1 * g, 1e-5)


def test_the_adaptive_learning_rate_says_what_it_used():
    g, momentum = rand(50), np.zeros(50, F)
    used = ops.adaptive_learning_rate(g, momentum, learning_rate=0.5)
    norm = np.linalg.norm(g.astype(float))
    close(used.norm, norm, 1e-5)
    close(used.rate, 0.5 / (1 + norm), 1e-5)
    close(momentum, 0.1 * g, 1e-5)


def test_the_examples_of_the_first_version():
    assert ops.add(1, 2) == 3
    assert ops.multiply(F(2), F(4)) == 8


def test_every_operation_says_what_it_is():
    for name in ops.__all__:
        if callable(getattr(ops, name)):
            assert getattr(ops, name).__doc__, name


def test_the_guide_lists_every_operation():
    page = (pathlib.Path(__file__).parents[2] / "docs/guide/library.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", "".join(line for line in page.splitlines() if line.startswith("| ")))
    functions = [name for name in ops.__all__ if inspect.isfunction(getattr(ops, name))]
    assert sorted(listed) == sorted(functions)


@pytest.mark.parametrize("name", [name for name in ops.__all__ if ">>>" in (getattr(ops, name).__doc__ or "")])
def test_examples_in_help_show_what_they_give(name):
    runner = doctest.DocTestRunner()
    for example in doctest.DocTestFinder(recurse=False).find(getattr(ops, name), name, globs={"ops": ops, "np": np}):
        runner.run(example)
    assert runner.tries > 0 and runner.failures == 0
