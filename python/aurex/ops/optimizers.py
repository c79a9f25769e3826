"""Optimiser steps on one tensor; parameters and state change in place."""

from __future__ import annotations

from aurex.ops._call import kernels, public

__all__ = [
    "adam", "adamw", "adaptive_learning_rate", "adaptive_step", "sgd",
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
def sgd(p, g, velocity, *, lr=1e-2, momentum=0.0, weight_decay=0.0):
    """Gradient descent with momentum."""
    kernels("optimizer").sgd(p, g, velocity, lr, momentum, weight_decay)


@public
def adaptive_learning_rate(g, momentum, *, learning_rate=1e-3, decay=0.9):
    """Momentum updated in place; the ``rate`` ``learning_rate / (1 + norm)`` and the ``norm`` of ``g`` it rests on."""
    return kernels("optimizer").adaptive_learning_rate(g, momentum, learning_rate, decay)


@public
def adaptive_step(p, g, momentum, *, learning_rate=1e-3, decay=0.9):
    """As :func:`adaptive_learning_rate`, and ``p`` takes the step."""
    return kernels("optimizer").adaptive_step(p, g, momentum, learning_rate, decay)
