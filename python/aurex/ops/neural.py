"""What neural networks are made of, with torch's definitions."""

from __future__ import annotations

import math

import numpy as np

from aurex.errors import DimensionMismatch, InvalidConfig
from aurex.ops._call import array, floating, kernels, last, public

__all__ = [
    "ACTIVATIONS", "add_layer_norm", "attention", "celu", "elu", "embedding",
    "gated_linear", "geglu", "gelu", "gelu_tanh", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "l2_normalize", "layer_norm", "leaky_relu", "linear", "log_softmax", "logsigmoid", "mish",
    "neuromorphic_activation", "prelu", "relu", "relu6", "rms_norm", "rope", "selu", "sigmoid", "silu", "softmax",
    "softplus", "softshrink", "softsign", "swiglu", "tanhshrink", "threshold",
]

#: Names that ``activation=`` takes, in the order of ``activate`` in activations.ax.
ACTIVATIONS = (None, "relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid")


def _activation(name: str, *parameters: tuple[str, float | None]):
    def operation(x, *values, **named):
        return getattr(kernels("activations"), name)(floating(x), *values, **named)

    shown = "".join(f", {parameter}" if value is None else f", {parameter}={value}" for parameter, value in parameters)
    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"``{name}(x{shown}, out=None)``, element by element."
    return public(operation)


sigmoid = _activation("sigmoid")
relu = _activation("relu")
relu6 = _activation("relu6")
gelu = _activation("gelu")
gelu_tanh = _activation("gelu_tanh")
silu = _activation("silu")
mish = _activation("mish")
logsigmoid = _activation("logsigmoid")
softsign = _activation("softsign")
tanhshrink = _activation("tanhshrink")
leaky_relu = _activation("leaky_relu", ("slope", 0.01))
prelu = _activation("prelu", ("weight", None))
elu = _activation("elu", ("alpha", 1))
celu = _activation("celu", ("alpha", 1))
selu = _activation("selu")
softplus = _activation("softplus", ("beta", 1), ("threshold", 20))
hardtanh = _activation("hardtanh", ("low", -1), ("high", 1))
hardsigmoid = _activation("hardsigmoid")
hardswish = _activation("hardswish")
threshold = _activation("threshold", ("threshold", None), ("value", None))
softshrink = _activation("softshrink", ("bound", 0.5))
hardshrink = _activation("hardshrink", ("bound", 0.5))
neuromorphic_activation = _activation("neuromorphic_activation", ("alpha", None), ("beta", None))
glu = _activation("glu")
swiglu = _activation("swiglu")
geglu = _activation("geglu")


def _along(file: str, kernel: str, x, axis: int, out):
    x = floating(x)
    result = np.empty(x.shape, x.dtype) if out is None else out
    getattr(kernels(file), kernel)(last(x, axis), out=last(result, axis))
    return result


@public
def softmax(x, axis=-1, out=None):
    """``exp(x) / sum(exp(x))`` along an axis, without overflow."""
    return _along("softmax", "softmax", x, axis, out)


@public
def log_softmax(x, axis=-1, out=None):
    """The logarithm of :func:`softmax`."""
    return _along("softmax", "log_softmax", x, axis, out)


@public
def l2_normalize(x, axis=-1, out=None):
    """``x`` divided by its Euclidean length along an axis."""
    return _along("normalization", "l2_normalize", x, axis, out)


@public
def layer_norm(x, weight=None, bias=None, eps=1e-5, out=None):
    """Rows (the last axis) of mean 0 and variance 1, times ``weight``, plus ``bias``."""
    return kernels("normalization").layer_norm(floating(x), weight, bias, eps, out=out)


@public
def add_layer_norm(x, residual, weight=None, bias=None, eps=1e-5):
    """Layer norm of ``x + residual``, and that sum: a named tuple ``(y, s)``."""
    return kernels("normalization").add_layer_norm(floating(x), residual, weight, bias, eps)


@public
def rms_norm(x, weight=None, eps=1e-6, out=None):
    """Rows divided by their root mean square, times ``weight``."""
    return kernels("normalization").rms_norm(floating(x), weight, eps, out=out)


def _activation_number(name: str | None) -> int:
    if name not in ACTIVATIONS:
        known = ", ".join(str(known) for known in ACTIVATIONS)
        raise InvalidConfig(f"no fused activation is called {name!r}; there are: {known}", {"argument": "activation"})
    return ACTIVATIONS.index(name)


@public
def linear(x, weight, bias=None, activation=None, residual=None, out=None):
    """``activation(x @ weight.T + bias) + residual`` in one kernel; ``weight`` is ``[out, in]``."""
    return kernels("linear").linear(floating(x), weight, bias, residual, _activation_number(activation), out=out)


@public
def gated_linear(x, gate, up, activation="silu", out=None):
    """``activation(x @ gate.T) * (x @ up.T)`` in one kernel."""
    return kernels("linear").gated_linear(floating(x), gate, up, _activation_number(activation), out=out)


@public
def attention(q, k, v, *, causal=False, scale=None, window=None, key_lengths=None, bias=None, softcap=None):
    """``softmax(q @ k.T * scale) @ v`` per head, without ever storing the scores.

    Arrays are ``[..., heads, length, dim]``; fewer heads in ``k`` and ``v`` serve groups of query heads. The last query
    stands beside the last key. ``window``: a query sees its own position and the ``window - 1`` before it.
    ``key_lengths`` ``[...]``: only the first keys of each sequence are there. ``bias`` is added to the scores (broadcast
    to ``[..., heads, length of q, length of k]``). A row that sees no key gives 0.
    """
    q, k, v = floating(q), floating(k), floating(v)
    for name, x in (("q", q), ("k", k), ("v", v)):
        if x.ndim < 3:
            raise DimensionMismatch(f"attention: '{name}' has {x.ndim} axes, expected at least 3 ([..., heads, length, "
                                    "dim])", {"parameter": name, "expected": 3, "actual": x.ndim})
    batch = np.broadcast_shapes(q.shape[:-3], k.shape[:-3], v.shape[:-3])
    flat = [np.broadcast_to(x, (*batch, *x.shape[-3:])).reshape(-1, *x.shape[-3:]) for x in (q, k, v)]
    heads, queries, keys = q.shape[-3], q.shape[-2], k.shape[-2]
    if bias is not None:
        bias = np.broadcast_to(np.asarray(bias, q.dtype), (*batch, heads, queries, keys))
        bias = bias.reshape(-1, heads, queries, keys)
    if key_lengths is not None:
        key_lengths = np.broadcast_to(np.asarray(key_lengths, np.int32), batch).reshape(-1)
    result = kernels("attention").attention(
        *flat, scale=1 / math.sqrt(q.shape[-1]) if scale is None else scale, causal=bool(causal),
        window=0 if window is None else window, key_lengths=key_lengths, bias=bias,
        softcap=0.0 if softcap is None else softcap)
    return result.reshape(*batch, *result.shape[1:])


@public
def rope(x, *, offset=0, positions=None, base=10000.0, adjacent=False):
    """Rotary position embedding of ``x`` ``[..., length, dim]``.

    Row ``s`` has position ``s + offset``, or ``positions[s]``. Pairs are ``(p, p + dim / 2)``, or with ``adjacent``
    ``(2 p, 2 p + 1)``.
    """
    name = "rope_adjacent" if adjacent else "rope"
    if positions is None:
        return getattr(kernels("rope"), name)(floating(x), offset, base)
    return getattr(kernels("rope"), name + "_at")(floating(x), array(positions), base)


@public
def embedding(table, ids):
    """Rows of ``table`` by number. A number outside raises :class:`aurex.IndexOutOfRange`."""
    return kernels("embedding").embedding(table, ids)
