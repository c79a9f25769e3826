"""Losses and optimisers: aurex.ops against NumPy in float64, by torch's formulas."""

import numpy as np
import pytest

import aurex
from aurex import ops

F = np.float32
RNG = np.random.default_rng(17)


def rand(*shape, dtype=F):
    return RNG.standard_normal(shape).astype(dtype)


def close(actual, expected, tolerance=1e-5):
    expected = np.asarray(expected)
    assert np.shape(actual) == expected.shape
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=tolerance, atol=tolerance)


def smooth(d, beta):
    return np.where(np.abs(d) < beta, 0.5 * d * d / beta, np.abs(d) - 0.5 * beta)


def binary(x, t, weight=1.0, pos_weight=1.0):
    s = 1 / (1 + np.exp(-x))
    return -(pos_weight * t * np.log(s) + (1 - t) * np.log(1 - s)) * weight


SHARES = rand(4, 7, dtype=float) ** 2 % 1.0
LOSSES = {
    "mse_loss": ({}, rand(4, 7), lambda x, t: (x - t) ** 2),
    "l1_loss": ({}, rand(4, 7), lambda x, t: np.abs(x - t)),
    "smooth_l1_loss": ({"beta": 0.5}, rand(4, 7), lambda x, t: smooth(x - t, 0.5)),
    "huber_loss": ({"delta": 1.5}, rand(4, 7), lambda x, t: 1.5 * smooth(x - t, 1.5)),
    "binary_cross_entropy_with_logits": ({}, SHARES.astype(F), binary),
    "kl_div": ({}, SHARES.astype(F), lambda x, t: t * (np.log(t) - x)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_by_element_their_sum_and_their_mean(name, dtype):
    options, target, reference = LOSSES[name]
    x, loss = rand(4, 7, dtype=dtype), getattr(ops, name)
    each = reference(x.astype(float), target.astype(float))
    close(loss(x, target, reduction="none", **options), each)
    close(loss(x, target, reduction="sum", **options), each.sum())
    close(loss(x, target, **options), each.mean())
    assert loss(x, target, **options).dtype == dtype
    close(loss(x, target[0], **options), reference(x.astype(float), target[:1].astype(float)).mean())
    assert np.isnan(loss(x[:0], target[:0], **options)) and loss(x[:0], target[:0], reduction="sum", **options) == 0


def test_binary_cross_entropy_is_weighted_and_does_not_overflow():
    x, t, w, p = rand(5, 3), rand(5, 3) > 0, rand(5, 3) ** 2, rand(3) ** 2
    each = binary(x.astype(float), t, w, p)
    close(ops.binary_cross_entropy_with_logits(x, t, w, pos_weight=p, reduction="none"), each)
    close(ops.binary_cross_entropy_with_logits(x, t, w, pos_weight=p), each.mean())
    close(ops.binary_cross_entropy_with_logits(np.array([1e4, -1e4, -1e4], F), [1, 0, 1], reduction="none"),
          [0, 0, 1e4])


def test_kl_div_of_zeros_of_logarithms_and_by_batch():
    x, t = np.log(SHARES), SHARES[:, ::-1].copy()
    t[0, 0] = 0
    each = np.where(t > 0, t * (np.log(np.where(t > 0, t, 1)) - x), 0)
    close(ops.kl_div(x, t, reduction="batchmean"), each.sum() / 4)
    close(ops.kl_div(x[1:], np.log(t[1:]), reduction="none", log_target=True), each[1:])


@pytest.mark.parametrize("name", [*LOSSES, "cross_entropy"])
def test_an_unknown_reduction_is_refused(name):
    with pytest.raises(aurex.InvalidConfig, match="expected one of 'mean', 'sum', 'none'") as caught:
        getattr(ops, name)(rand(2, 3), np.zeros(2, int) if name == "cross_entropy" else rand(2, 3), reduction="avg")
    assert caught.value.argument == "reduction" and caught.value.actual == "avg"


def test_shapes_and_numbers_that_do_not_fit_a_loss_are_refused():
    with pytest.raises(aurex.ShapeMismatch):
        ops.mse_loss(rand(3), rand(4))
    with pytest.raises(aurex.InvalidConfig):
        ops.huber_loss(rand(3), rand(3), delta=0)
    with pytest.raises(aurex.InvalidConfig):
        ops.smooth_l1_loss(rand(3), rand(3), beta=-1)
    with pytest.raises(aurex.InvalidConfig):
        ops.cross_entropy(rand(3, 4), [0, 1, 2], label_smoothing=1.5)
    with pytest.raises(aurex.ShapeMismatch) as caught:
        ops.cross_entropy(rand(3, 4), [0, 1])
    assert caught.value.expected == (3,) and caught.value.actual == (2,)
    with pytest.raises(aurex.DTypeMismatch):
        ops.cross_entropy(rand(3, 4), rand(3))
    with pytest.raises(aurex.IndexOutOfRange):
        ops.cross_entropy(rand(3, 4), [0, 1, 4])


def cross_entropy(z, target, ignore=-100, smoothing=0.0):
    log = z - z.max(-1, keepdims=True)
    log = log - np.log(np.exp(log).sum(-1, keepdims=True))
    picked = np.take_along_axis(log, target.clip(0)[..., None], -1)[..., 0]
    return np.where(target == ignore, 0, -(1 - smoothing) * picked - smoothing * log.mean(-1))


@pytest.mark.parametrize("options", [{}, {"ignore_index": 3}, {"label_smoothing": 0.2}])
def test_cross_entropy(options):
    x, target = rand(2, 5, 7), RNG.integers(0, 7, (2, 5))
    target[0, 1] = ignore = options.get("ignore_index", -100)
    each = cross_entropy(x.astype(float), target, ignore, options.get("label_smoothing", 0))
    close(ops.cross_entropy(x, target, reduction="none", **options), each)
    close(ops.cross_entropy(x, target, reduction="sum", **options), each.sum())
    close(ops.cross_entropy(x, target, **options), each.sum() / np.count_nonzero(target != ignore))


def test_cross_entropy_of_classes_of_any_integer_type():
    x, target = rand(3, 5), np.array([0, 4, 2])
    for dtype in (np.uint8, np.int8, np.uint32, np.uint64, np.int32):
        close(ops.cross_entropy(x, target.astype(dtype)), cross_entropy(x.astype(float), target).mean())
        np.testing.assert_array_equal(ops.cross_entropy_backward(1.0, x, target.astype(dtype)),
                                      ops.cross_entropy_backward(1.0, x, target))
    assert np.isnan(ops.cross_entropy(x, np.full(3, -100)))


@pytest.mark.parametrize("classes", [1, 3, 64, 1000])
def test_cross_entropy_with_its_linear_layer(classes):
    x, w, b, target = rand(2, 5, 24), rand(classes, 24), rand(classes), RNG.integers(0, classes, (2, 5))
    target[1, 2] = -100
    each = cross_entropy(x.astype(float) @ w.T.astype(float) + b, target)
    close(ops.linear_cross_entropy(x, w, target, b, reduction="none"), each, 5e-5)
    close(ops.linear_cross_entropy(x, w, target, b), each.sum() / 9, 5e-5)
    close(ops.linear_cross_entropy(x, w, target, reduction="sum"),
          cross_entropy(x.astype(float) @ w.T.astype(float), target).sum(), 5e-5)


def steps(step, state, count=3):
    """Runs ``count`` steps of an optimiser and of its formulas on the same gradients, in f64 each."""
    p = rand(9, dtype=float)
    q = p.copy()
    ours = {name: np.zeros(9) for name in state}
    theirs = {name: np.zeros(9) for name in state}
    for number in range(1, count + 1):
        g = rand(9, dtype=float)
        q = step(p, q, g, ours, theirs, number)
    close(p, q, 1e-12)
    for name in state:
        close(ours[name], theirs[name], 1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd(nesterov):
    def step(p, q, g, ours, theirs, number):
        ops.sgd(p, g, ours["velocity"], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=nesterov)
        d = g + 0.01 * q
        theirs["velocity"] = 0.9 * theirs["velocity"] + d
        return q - 0.1 * (d + 0.9 * theirs["velocity"] if nesterov else theirs["velocity"])

    steps(step, ["velocity"])


@pytest.mark.parametrize("form", ["plain", "velocity", "m"])
def test_rmsprop(form):
    def step(p, q, g, ours, theirs, number):
        more = {} if form == "plain" else {form: ours[form]}
        ops.rmsprop(p, g, ours["v"], lr=0.1, alpha=0.9, weight_decay=0.01, momentum=0.8, **more)
        d = g + 0.01 * q
        theirs["v"] = 0.9 * theirs["v"] + 0.1 * d * d
        spread = theirs["v"]
        if form == "m":
            theirs["m"] = 0.9 * theirs["m"] + 0.1 * d
            spread = spread - theirs["m"] ** 2
        change = d / (np.sqrt(spread) + 1e-8)
        if form == "velocity":
            change = theirs["velocity"] = 0.8 * theirs["velocity"] + change
        return q - 0.1 * change

    steps(step, ["v"] if form == "plain" else ["v", form])


def test_rmsprop_takes_one_of_its_two_forms():
    with pytest.raises(aurex.InvalidConfig):
        ops.rmsprop(rand(3), rand(3), rand(3), velocity=rand(3), m=rand(3))


def test_lion():
    def step(p, q, g, ours, theirs, number):
        ops.lion(p, g, ours["m"], lr=0.1, weight_decay=0.2)
        q = q * (1 - 0.1 * 0.2) - 0.1 * np.sign(0.9 * theirs["m"] + 0.1 * g)
        theirs["m"] = 0.99 * theirs["m"] + 0.01 * g
        return q

    steps(step, ["m"])


def test_adagrad():
    def step(p, q, g, ours, theirs, number):
        ops.adagrad(p, g, ours["total"], lr=0.1, lr_decay=0.5, weight_decay=0.01, step=number)
        d = g + 0.01 * q
        theirs["total"] = theirs["total"] + d * d
        return q - 0.1 / (1 + (number - 1) * 0.5) * d / (np.sqrt(theirs["total"]) + 1e-10)

    steps(step, ["total"])


def test_adamw():
    def step(p, q, g, ours, theirs, number):
        ops.adamw(p, g, ours["m"], ours["v"], lr=0.1, weight_decay=0.2, step=number)
        theirs["m"] = 0.9 * theirs["m"] + 0.1 * g
        theirs["v"] = 0.999 * theirs["v"] + 0.001 * g * g
        first, second = theirs["m"] / (1 - 0.9**number), theirs["v"] / (1 - 0.999**number)
        return q * (1 - 0.1 * 0.2) - 0.1 * first / (np.sqrt(second) + 1e-8)

    steps(step, ["m", "v"])
