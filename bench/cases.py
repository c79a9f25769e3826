"""What is measured: one line per case, the same for every implementation.

A case names an operation and its sizes. ``work`` is what one call does: floating-point operations for unit GF/s, bytes
read and written for unit GB/s (the least that the operation must move; caches may hold it).
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    operation: str
    sizes: tuple[int, ...]
    unit: str  # "GF/s" or "GB/s"
    work: float


def _matmul(m: int, k: int, n: int) -> Case:
    return Case(f"matmul {m}x{k}x{n}", "matmul", (m, k, n), "GF/s", 2.0 * m * k * n)


def _linear(m: int, k: int, n: int) -> Case:
    return Case(f"linear {m}x{k}x{n}", "linear", (m, k, n), "GF/s", 2.0 * m * k * n)


def _stream(operation: str, sizes: tuple[int, ...], arrays: int) -> Case:
    label = "x".join(map(str, sizes))
    return Case(f"{operation} {label}", operation, sizes, "GB/s", 4.0 * arrays * float(np.prod(sizes)))


CASES = [
    *(_matmul(n, n, n) for n in (64, 128, 256, 512, 1024, 2048)),
    _matmul(37, 211, 509),
    _matmul(128, 768, 3072),
    _linear(128, 384, 1536),
    _stream("softmax", (4096, 1024), 2),
    _stream("softmax", (256, 32768), 2),
    _stream("softmax", (128, 128), 2),
    _stream("layer_norm", (4096, 1024), 2),
    _stream("gelu", (4 << 20,), 2),
    _stream("exp", (16 << 20,), 2),
    _stream("sum", (16 << 20,), 1),
    _stream("add", (32 << 20,), 3),
]


def arguments(case: Case) -> list[np.ndarray]:
    """The same random inputs in every process."""
    rng = np.random.default_rng(7)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    match case.operation:
        case "matmul":
            m, k, n = case.sizes
            return [draw(m, k), draw(k, n)]
        case "linear":
            m, k, n = case.sizes
            return [draw(m, k), draw(n, k), draw(n)]
        case "layer_norm":
            return [draw(*case.sizes), draw(case.sizes[-1]), draw(case.sizes[-1])]
        case "add":
            return [draw(*case.sizes), draw(*case.sizes)]
        case _:
            return [draw(*case.sizes)]


def result_shape(case: Case) -> tuple[int, ...]:
    match case.operation:
        case "matmul" | "linear":
            return case.sizes[0], case.sizes[2]
        case "sum":
            return (1,)
        case _:
            return case.sizes
