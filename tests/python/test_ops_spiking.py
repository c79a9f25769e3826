"""Spiking layers against loops in NumPy, in float64."""

import numpy as np
import pytest

import aurex
from aurex import ops

RNG = np.random.default_rng(23)
STEPS, BATCH, INPUTS, NEURONS = 40, 3, 17, 5


def neurons(spikes, weight, v, wait, hold, reset=-0.25, rest=0.1):
    """One step: the spikes, and the state behind it."""
    following = rest + 0.9 * (v - rest) + spikes @ weight.T
    fired = (following >= 1) & (wait == 0)
    return fired, np.where(fired | (wait > 0), reset, following), np.where(fired, hold, np.maximum(wait - 1, 0))


def learned(pre, post, weight, pre_trace, post_trace):
    pre_trace = 0.95 * pre_trace + pre
    post_trace = 0.8 * post_trace
    weight = np.clip(weight + 0.03 * post.T @ pre_trace - 0.02 * post_trace.T @ pre, 0, 0.4)
    return weight, pre_trace, post_trace + post


@pytest.fixture
def layer():
    spikes = RNG.random((STEPS, BATCH, INPUTS)) < 0.2
    state = {"v": np.zeros((BATCH, NEURONS)), "wait": np.zeros((BATCH, NEURONS), np.int32)}
    return spikes, RNG.random((NEURONS, INPUTS)) * 0.4, state


LEARNING = {"up": 0.03, "down": 0.02, "post_decay": 0.8, "high": 0.4}


@pytest.mark.parametrize("hold", [0, 2])
def test_lif(layer, hold):
    spikes, weight, state = layer
    v, wait = state["v"].copy(), state["wait"].copy()
    out = ops.lif(spikes, weight, **state, hold=hold, reset=-0.25, rest=0.1)
    assert out.dtype == np.bool_ and 0.05 < out.mean() < 0.6
    for step in range(STEPS):
        fired, v, wait = neurons(spikes[step], weight, v, wait, hold)
        np.testing.assert_array_equal(out[step], fired)
    np.testing.assert_allclose(state["v"], v, atol=1e-12)
    np.testing.assert_array_equal(state["wait"], wait)


def test_a_sequence_may_come_in_pieces(layer):
    spikes, weight, state = layer
    other = {name: value.copy() for name, value in state.items()}
    whole = ops.lif(spikes, weight, **state, hold=1)
    pieces = [ops.lif(spikes[a:b], weight, **other, hold=1) for a, b in ((0, 13), (13, 13), (13, STEPS))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    np.testing.assert_array_equal(state["v"], other["v"])


def test_stdp(layer):
    pre, weight, _ = layer
    post = RNG.random((STEPS, BATCH, NEURONS)) < 0.2
    expected, before, after = weight.copy(), np.zeros((BATCH, INPUTS)), np.zeros((BATCH, NEURONS))
    pre_trace, post_trace = before.copy(), after.copy()
    assert ops.stdp(pre, post, weight, pre_trace, post_trace, **LEARNING) is None
    for step in range(STEPS):
        expected, before, after = learned(pre[step], post[step], expected, before, after)
    np.testing.assert_allclose(weight, expected, atol=1e-12)
    np.testing.assert_allclose(pre_trace, before, atol=1e-12)
    np.testing.assert_allclose(post_trace, after, atol=1e-12)


def test_lif_with_stdp_is_both_step_by_step(layer):
    spikes, weight, state = layer
    traces = np.zeros((BATCH, INPUTS)), np.zeros((BATCH, NEURONS))
    expected, before, after = weight.copy(), *(trace.copy() for trace in traces)
    v, wait = state["v"].copy(), state["wait"].copy()
    out = ops.lif_stdp(spikes, weight, *state.values(), *traces, hold=1, reset=-0.25, rest=0.1, **LEARNING)
    for step in range(STEPS):
        fired, v, wait = neurons(spikes[step], expected, v, wait, 1)
        np.testing.assert_array_equal(out[step], fired)
        expected, before, after = learned(spikes[step], fired, expected, before, after)
    np.testing.assert_allclose(weight, expected, atol=1e-12)
    assert (weight == 0.4).any()


def test_stdp_grows_what_comes_before_and_shrinks_what_comes_after():
    early, late = np.zeros((5, 1, 2), bool), np.zeros((5, 1, 1), bool)
    early[1, 0, 0] = early[4, 0, 1] = late[3, 0, 0] = True
    weight = np.full((1, 2), 0.5)
    ops.stdp(early, late, weight, np.zeros((1, 2)), np.zeros((1, 1)))
    np.testing.assert_allclose(weight, [[0.5 + 0.01 * 0.95**2, 0.5 - 0.012 * 0.95]])


def test_launches_are_counted_for_the_spiking_core(layer):
    spikes, weight, state = layer
    with aurex.profile() as profile:
        ops.lif(spikes, weight, **state)
    assert {event.core for event in profile.records() if event.kind == "launch"} == {"spiking"}


def test_what_does_not_fit_is_refused(layer):
    spikes, weight, state = layer
    with pytest.raises(aurex.DTypeMismatch) as caught:
        ops.lif(spikes.astype(np.float32), weight, **state)
    assert caught.value.argument == "spikes" and caught.value.expected == "bool"
    with pytest.raises(aurex.DimensionMismatch):
        ops.lif(spikes[0], weight, **state)
    with pytest.raises(aurex.InvalidConfig, match="expected 0 or more"):
        ops.lif(spikes, weight, **state, hold=-1)
    with pytest.raises(aurex.ShapeMismatch):
        ops.lif(spikes, weight[:, 1:].copy(), **state)
