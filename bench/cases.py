"""What is measured: one line per case, the same for every contestant.

A case names an operation and its sizes. ``work`` is what one call does: floating-point operations for unit GF/s (those of
the products that the operation consists of; what is masked away does not count), bytes read and written for unit GB/s
(the least that the operation must move; caches may hold it).
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
    ceiling: str  # "GF/s", "GB/s" (a copy) or "GB/s read"
    tolerance: float = 1e-4  # between the contestants' results, of the largest element


def _label(operation: str, sizes: tuple[int, ...]) -> str:
    return f"{operation} {'x'.join(map(str, sizes))}"


def _matmul(m: int, k: int, n: int) -> Case:
    return Case(_label("matmul", (m, k, n)), "matmul", (m, k, n), "GF/s", 2.0 * m * k * n, "GF/s")


def _linear(m: int, k: int, n: int) -> Case:
    """x [m, k] by a weight stored as [n, k], as models store it."""
    return Case(_label("linear", (m, k, n)), "linear", (m, k, n), "GF/s", 2.0 * m * k * n, "GF/s")


def _skinny(operation: str, m: int, k: int, n: int) -> Case:
    """So few rows that the weights' way out of memory is what counts."""
    return Case(_label(operation, (m, k, n)), operation, (m, k, n), "GB/s", 4.0 * k * n, "GB/s read")


def _attention(operation: str, length: int, seen: float) -> Case:
    """8 heads of 64; ``seen``: the share of all pairs that the mask leaves."""
    return Case(f"{operation} 8x{length}x64", operation, (8, length, 64), "GF/s", 4.0 * 8 * length * length * 64 * seen, "GF/s")


def _conv(channels: int, size: int, filters: int, window: int, stride: int) -> Case:
    """One image [channels, size, size], padded so that only the stride shrinks it."""
    out = (size + 2 * (window // 2) - window) // stride + 1
    sizes = (channels, size, filters, window, stride)
    name = f"conv {window}x{window} s{stride} {channels}->{filters} {size}x{size}"
    return Case(name, "conv", sizes, "GF/s", 2.0 * filters * channels * window * window * out * out, "GF/s")


def _stream(operation: str, sizes: tuple[int, ...], arrays: int) -> Case:
    ceiling = "GB/s read" if arrays == 1 else "GB/s"
    return Case(_label(operation, sizes), operation, sizes, "GB/s", 4.0 * arrays * float(np.prod(sizes)), ceiling)


def _encoder(sentences: int, tokens: int) -> Case:
    """all-MiniLM-L6-v2: 6 layers, 384 wide, from token ids to sentence vectors of length one."""
    each = 2.0 * 384 * (4 * 384 + 2 * 1536) + 4.0 * tokens * 384
    return Case(_label("encoder", (sentences, tokens)), "encoder", (sentences, tokens), "GF/s",
                6 * sentences * tokens * each, "GF/s")


CASES = [
    *(_matmul(n, n, n) for n in (16, 64, 128, 256, 512, 1024, 2048)),
    _matmul(37, 211, 509),
    _matmul(128, 768, 3072),
    _skinny("matmul", 1, 4096, 4096),
    _skinny("matmul", 8, 4096, 4096),
    _skinny("linear", 1, 4096, 4096),
    _skinny("linear", 8, 4096, 4096),
    _linear(1, 384, 1536),
    _linear(128, 384, 1536),
    _linear(4096, 384, 1536),
    _linear(128, 4096, 4096),
    _attention("attention", 512, 1),
    _attention("attention", 2048, 1),
    _attention("causal", 512, 0.5),
    _attention("causal", 2048, 0.5),
    _conv(64, 56, 64, 3, 1),
    _conv(256, 28, 512, 3, 2),
    _conv(3, 224, 64, 7, 2),
    _conv(256, 14, 256, 1, 1),
    _stream("softmax", (4096, 1024), 2),
    _stream("softmax", (256, 32768), 2),
    _stream("softmax", (128, 128), 2),
    _stream("layer_norm", (4096, 1024), 2),
    _stream("rms_norm", (4096, 1024), 2),
    _stream("gelu", (4 << 20,), 2),
    _stream("exp", (16 << 20,), 2),
    _stream("sum", (16 << 20,), 1),
    _stream("add", (32 << 20,), 3),
    _stream("transpose", (4096, 4096), 2),
    _encoder(32, 128),
    _encoder(1, 128),
    _encoder(1, 16),
]


def arguments(case: Case) -> list[np.ndarray]:
    """The same random inputs in every process."""
    rng = np.random.default_rng(7)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    match case.operation, case.sizes:
        case "matmul", (m, k, n):
            return [draw(m, k), draw(k, n)]
        case "linear", (m, k, n):
            return [draw(m, k), draw(n, k), draw(n)]
        case "attention" | "causal", (heads, length, width):
            return [draw(1, heads, length, width) for _ in range(3)]
        case "conv", (channels, size, filters, window, _):
            return [draw(1, channels, size, size), draw(filters, channels, window, window), draw(filters)]
        case "layer_norm", (_, columns):
            return [draw(*case.sizes), draw(columns), draw(columns)]
        case "rms_norm", (_, columns):
            return [draw(*case.sizes), draw(columns)]
        case "add", _:
            return [draw(*case.sizes), draw(*case.sizes)]
        case "encoder", (sentences, tokens):
            return [np.array([[(7 * s + t) % 30000 for t in range(tokens)] for s in range(sentences)], np.int32)]
        case _:
            return [draw(*case.sizes)]


def result_shape(case: Case) -> tuple[int, ...]:
    match case.operation, case.sizes:
        case "matmul" | "linear", (m, _, n):
            return m, n
        case "attention" | "causal", (heads, length, width):
            return 1, heads, length, width
        case "conv", (_, size, filters, window, stride):
            out = (size + 2 * (window // 2) - window) // stride + 1
            return 1, filters, out, out
        case "sum", _:
            return (1,)
        case "transpose", (rows, columns):
            return columns, rows
        case "encoder", (sentences, _):
            return sentences, 384
        case _:
            return case.sizes
