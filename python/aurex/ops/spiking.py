"""Spiking layers: leaky integrate-and-fire neurons, and plasticity by the timing of spikes. State changes in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from aurex.errors import DimensionMismatch, DTypeMismatch, InvalidConfig
from aurex.ops._call import array, kernels, public

__all__ = [
    "lif", "lif_stdp", "stdp",
]


def _spikes(function: str, name: str, value: Any) -> np.ndarray:
    value = array(value)
    if value.dtype != np.bool_:
        raise DTypeMismatch(f"{function}: '{name}' is {value.dtype}, expected bool",
                            {"argument": name, "expected": "bool", "actual": str(value.dtype)})
    if value.ndim != 3:
        raise DimensionMismatch(f"{function}: '{name}' has {value.ndim} axes, expected 3 ([steps, batch, lines])",
                                {"parameter": name, "expected": 3, "actual": value.ndim})
    return value


def _hold(function: str, value: int) -> int:
    if value < 0:
        raise InvalidConfig(f"{function}: 'hold' is {value}, expected 0 or more",
                            {"argument": "hold", "expected": "0 or more", "actual": value})
    return value


@public
def lif(spikes, weight, v, wait, *, decay=0.9, threshold=1.0, rest=0.0, reset=0.0, hold=0):
    """A layer of leaky integrate-and-fire neurons: the spikes ``[steps, batch, neurons]`` that it answers with.

    ``spikes`` ``[steps, batch, inputs]`` are bools, ``weight`` is ``[neurons, inputs]``. In each step a potential decays
    towards ``rest`` and takes in the weights of the inputs that spike; from ``threshold`` on the neuron spikes, goes to
    ``reset`` and stays there for the next ``hold`` steps. The potentials ``v`` and the steps to wait, ``wait`` (int32),
    are ``[batch, neurons]`` and change in place, so that a long sequence may come in pieces.

    >>> v, wait = np.zeros((1, 1)), np.zeros((1, 1), np.int32)
    >>> ops.lif(np.ones((4, 1, 1), bool), np.array([[0.6]]), v, wait).ravel()
    array([False,  True, False,  True])
    """
    return kernels("spiking").lif(_spikes("lif", "spikes", spikes), weight, v, wait, decay, threshold, rest, reset,
                                  _hold("lif", hold))


@public
def stdp(pre, post, weight, pre_trace, post_trace, *, up=0.01, down=0.012, pre_decay=0.95, post_decay=0.95, low=0.0,
         high=1.0):
    """Plasticity of ``weight`` ``[neurons, inputs]``, in place, by the spikes before (``pre``) and behind (``post``) it.

    A weight grows by ``up`` times the trace of its input when its neuron spikes, and shrinks by ``down`` times the trace
    of its neuron when its input spikes, within ``[low, high]``. Traces, ``[batch, inputs]`` and ``[batch, neurons]``,
    jump by 1 at a spike and decay; they change in place.

    >>> weight, before, after = np.array([[0.5]]), np.zeros((1, 1)), np.zeros((1, 1))
    >>> ops.stdp(np.ones((1, 1, 1), bool), np.ones((1, 1, 1), bool), weight, before, after, up=0.25)
    >>> weight
    array([[0.75]])
    """
    kernels("spiking").stdp(_spikes("stdp", "pre", pre), _spikes("stdp", "post", post), weight, pre_trace, post_trace, up,
                            down, pre_decay, post_decay, low, high)


@public
def lif_stdp(spikes, weight, v, wait, pre_trace, post_trace, *, decay=0.9, threshold=1.0, rest=0.0, reset=0.0, hold=0,
             up=0.01, down=0.012, pre_decay=0.95, post_decay=0.95, low=0.0, high=1.0):
    """A layer that learns while it runs: each step is one of :func:`lif`, then one of :func:`stdp` on its spikes.

    >>> weight, state = np.array([[1.0]]), [np.zeros((1, 1)) for _ in range(3)]
    >>> ops.lif_stdp(np.ones((1, 1, 1), bool), weight, state[0], np.zeros((1, 1), np.int32), *state[1:], high=2.0).ravel()
    array([ True])
    >>> weight
    array([[1.01]])
    """
    return kernels("spiking").lif_stdp(_spikes("lif_stdp", "spikes", spikes), weight, v, wait, pre_trace, post_trace,
                                       decay, threshold, rest, reset, _hold("lif_stdp", hold), up, down, pre_decay,
                                       post_decay, low, high)
