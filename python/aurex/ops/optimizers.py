"""Optimiser steps on one tensor; parameters and state change in place."""

from __future__ import annotations

from aurex.errors import InvalidConfig
from aurex.ops._call import kernels, public

__all__ = [
    "adagrad", "adam", "adamw", "adaptive_learning_rate", "adaptive_step", "lion", "rmsprop", "sgd",
]


@public
def adam(p, g, m, v, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, step=1):
    """Adam; ``step`` counts from 1, weight decay is added to the gradient."""
    kernels("optimizer").adam(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step)


@public
def adamw(p, g, m, v, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01, step=1):
    """AdamW: the decay shrinks the parameters themselves."""
    kernels("optimizer").adamw(p, g, m, v, lr, beta1, beta2, eps, weight_decay, step)


@public
def sgd(p, g, velocity, *, lr=1e-2, momentum=0.0, weight_decay=0.0, nesterov=False):
    """Gradient descent with momentum, which starts as zeros; ``nesterov`` looks a step ahead.

    >>> p, velocity = np.array([1.0]), np.zeros(1)
    >>> ops.sgd(p, np.array([0.5]), velocity, lr=0.1, momentum=0.9)
    >>> p
    array([0.95])
    """
    kernels("optimizer").sgd(p, g, velocity, lr, momentum, weight_decay, bool(nesterov))


@public
def rmsprop(p, g, v, *, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.9, velocity=None, m=None):
    """``torch.optim.RMSprop``: ``v`` is the mean of the squares of gradients, which starts as zeros, as what follows.

    With ``velocity`` steps gather speed by ``momentum``; with ``m``, the mean of the gradients, they are divided by the
    standard deviation (torch's ``centered``). One of the two at most.

    >>> p = np.array([1.0])
    >>> ops.rmsprop(p, np.array([0.5]), np.zeros(1), lr=0.1, alpha=0.75)
    >>> p.round(6)
    array([0.8])
    """
    module, options = kernels("optimizer"), {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
    if velocity is not None and m is not None:
        raise InvalidConfig("rmsprop: both 'velocity' and 'm' are given, expected one of them at most",
                            {"argument": "m", "expected": "None", "actual": "an array"})
    if m is not None:
        module.rmsprop_centered(p, g, v, m, **options)
    elif velocity is not None:
        module.rmsprop_momentum(p, g, v, velocity, momentum=momentum, **options)
    else:
        module.rmsprop(p, g, v, **options)


@public
def lion(p, g, m, *, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay=0.0):
    """Lion: steps of ``lr`` in the direction of a blend of the gradient and its mean ``m``, which starts as zeros.

    >>> p = np.array([1.0, 2.0])
    >>> ops.lion(p, np.array([0.5, -3.0]), np.zeros(2), lr=0.25)
    >>> p
    array([0.75, 2.25])
    """
    kernels("optimizer").lion(p, g, m, lr, beta1, beta2, weight_decay)


@public
def adagrad(p, g, total, *, lr=1e-2, lr_decay=0.0, eps=1e-10, weight_decay=0.0, step=1):
    """``torch.optim.Adagrad``: ``total`` is the sum of squares of gradients; ``step`` counts from 1.

    >>> p = np.array([1.0])
    >>> ops.adagrad(p, np.array([0.5]), np.zeros(1), lr=0.25)
    >>> p.round(6)
    array([0.75])
    """
    kernels("optimizer").adagrad(p, g, total, lr, lr_decay, eps, weight_decay, step)


@public
def adaptive_learning_rate(g, momentum, *, learning_rate=1e-3, decay=0.9):
    """Momentum updated in place; the ``rate`` ``learning_rate / (1 + norm)`` and the ``norm`` of ``g`` it rests on."""
    return kernels("optimizer").adaptive_learning_rate(g, momentum, learning_rate, decay)


@public
def adaptive_step(p, g, momentum, *, learning_rate=1e-3, decay=0.9):
    """As :func:`adaptive_learning_rate`, and ``p`` takes the step."""
    return kernels("optimizer").adaptive_step(p, g, momentum, learning_rate, decay)
