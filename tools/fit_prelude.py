#!/usr/bin/env python3
"""Fits the polynomials of src/aurex/ax/prelude.ax and prints them, highest power first.

A fit is the weighted minimax polynomial (Remez exchange on a dense Chebyshev grid, 60 digits). Its coefficients are then
rounded to the register type one by one, lowest power first, and the others are fitted again after each rounding, so the
later coefficients absorb what the earlier ones lost; where that is no better, all are rounded at once. The error printed is that of the rounded polynomial, as a power of
two, measured as the weight says (mostly relative to the function's value). Needs mpmath and numpy.

    python3 tools/fit_prelude.py [NAME...]      # all fits, or those whose name contains one of the words
"""

import sys
from dataclasses import dataclass
from typing import Callable, Sequence

import numpy
from mpmath import mp, mpf

mp.dps = 60
GRID = 600


@dataclass
class Fit:
    """target(t) ~ sum c_k t^k for k < terms on [low, high]; the error is weight(t) * (polynomial - target)."""

    name: str
    bits: int  # 24 for f32, 53 for f64
    low: float
    high: float
    terms: int
    target: Callable
    weight: Callable
    split: bool = False  # the constant term is used in two parts, the second for what rounding the first loses


def round_to(bits: int, value) -> mpf:
    """The nearest number of `bits` significant bits; exponents are in the normal range."""
    exponent = mp.floor(mp.log(abs(value), 2)) - (bits - 1)
    return mp.nint(mp.ldexp(value, -int(exponent))) * mp.ldexp(1, int(exponent))


def remez(grid: Sequence, values: Sequence, weights: Sequence, powers: Sequence[int]) -> list:
    """Coefficients of `powers` that minimise the largest weights * |sum c t^p - values| over the grid."""
    count = len(powers)
    size = len(grid)
    table = [[t**p for p in powers] for t in grid]
    picks = [round((1 - mp.cos(mp.pi * i / count)) / 2 * (size - 1)) for i in range(count + 1)]
    picks = [int(p) for p in picks]
    best, least = [], mp.inf  # the exchange may run in circles at high degree, so the best of its steps is kept
    for _ in range(12):
        matrix = mp.matrix(count + 1, count + 1)
        right = mp.matrix(count + 1, 1)
        for row, at in enumerate(picks):
            for column in range(count):
                matrix[row, column] = table[at][column] * weights[at]
            matrix[row, count] = (-1) ** row
            right[row] = values[at] * weights[at]
        solution = mp.lu_solve(matrix, right)
        coefficients = [solution[i] for i in range(count)]
        error = [(mp.fdot(table[i], coefficients) - values[i]) * weights[i] for i in range(size)]
        worst = max(abs(e) for e in error)
        if worst < least:
            best, least = coefficients, worst
        if worst <= abs(solution[count]) * mpf("1.0001"):
            break
        picks = alternation(error, count + 1)
        if len(picks) <= count:
            break
    return best


def alternation(error: Sequence, wanted: int) -> list[int]:
    """Up to `wanted` grid places with extreme errors of alternating sign."""
    runs: list[int] = []
    for i, e in enumerate(error):
        if runs and (error[runs[-1]] > 0) == (e > 0):
            if abs(e) > abs(error[runs[-1]]):
                runs[-1] = i
        else:
            runs.append(i)
    while len(runs) > wanted:
        if len(runs) == wanted + 1:
            runs.pop(0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1)
        else:
            weakest = min(range(len(runs) - 1), key=lambda i: max(abs(error[runs[i]]), abs(error[runs[i + 1]])))
            del runs[weakest : weakest + 2]
    return runs


def fit(case: Fit) -> tuple[list, mpf]:
    """The rounded coefficients, lowest power first, and the largest weighted error."""
    low, high = mpf(case.low), mpf(case.high)
    middle, half = (low + high) / 2, (high - low) / 2
    # An odd function's quotient is 0/0 at 0: the grid has no such point because its length is even.
    grid = [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * GRID)) for i in range(GRID)]
    values = [case.target(t) for t in grid]
    weights = [abs(case.weight(t)) for t in grid]
    def error(coefficients):
        return max(abs((mp.polyval(coefficients[::-1], t) - v) * w) for t, v, w in zip(grid, values, weights))

    plain = [round_to(case.bits, c) for c in remez(grid, values, weights, range(case.terms))]
    fixed: list = []
    for _ in range(case.terms):
        rest = [v - mp.polyval(fixed[::-1], t) if fixed else v for v, t in zip(values, grid)]
        free = remez(grid, rest, weights, range(len(fixed), case.terms))
        fixed.append(round_to(2 * case.bits if case.split and not fixed else case.bits, free[0]))
    if case.split:
        return fixed, error(fixed)
    # Around 0 the higher powers alone are a poor basis, and many of them are better rounded at once.
    return min(((c, error(c)) for c in (plain, fixed)), key=lambda pair: pair[1])


def literal(bits: int, value) -> str:
    """The shortest decimal that reads back as the same number."""
    return str(numpy.float32(float(value))) if bits == 24 else repr(float(value))


LN2 = mp.log(2)
HALF_LN2 = LN2 / 2
ROOT = mp.sqrt(2)


def _fits() -> list[Fit]:
    out: list[Fit] = []

    def add(name, terms32, terms64, low, high, target, weight):
        for bits, terms in ((24, terms32), (53, terms64)):
            if terms:
                out.append(Fit(f"{name} {'f32' if bits == 24 else 'f64'}", bits, low, high, terms, target, weight))

    edge = HALF_LN2 * mpf("1.0001")
    # exp(r) = 1 + r + r^2 P(r)
    add("exp", 5, 10, -edge, edge, lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.exp(r))
    # expm1(r) = r + r^2 P(r)
    add("expm1", 5, 11, -edge, edge, lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.expm1(r))
    # 2^r = 1 + r P(r)
    add("exp2", 6, 12, -0.5, 0.5, lambda r: (mp.expm1(r * LN2)) / r, lambda r: r / 2**r)
    # log(1 + f) = f + f^2 P(f)
    low, high = 1 / ROOT - 1 - mpf("1e-6"), ROOT - 1 + mpf("1e-6")
    add("log", 9, 0, low, high, lambda f: (mp.log1p(f) - f) / f**2, lambda f: f**2 / mp.log1p(f))
    # log2(1 + f) = f P(f)
    add("log2", 10, 0, low, high, lambda f: mp.log1p(f) / LN2 / f, lambda f: f / mp.log1p(f))
    # log((1 + s) / (1 - s)) = 2 s + s^3 P(s^2), s = f / (2 + f), |s| <= 0.1716
    top = mpf("0.02945")
    add("log by quotient", 0, 7, 0, top, lambda z: (2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z,
        lambda z: z / 2)
    # the same without its first term, for the doubled logarithm of pow: s^5 P(s^2)
    add("log tail", 0, 7, 0, top, lambda z: ((2 * mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z - mpf(2) / 3) / z,
        lambda z: z * z / 2)
    # sin(r) = r + r^3 P(r^2), cos(r) = 1 - r^2 / 2 + r^4 P(r^2), up to pi / 4
    top = mpf("0.6169")
    add("sin", 3, 6, 0, top, lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.sin(mp.sqrt(z)) * mp.sqrt(z))
    add("cos", 3, 6, 0, top, lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2 / mp.cos(mp.sqrt(z)))
    # sinh(x) = x + x^3 P(x^2) below 1
    add("sinh", 4, 8, 0, 1, lambda z: (mp.sinh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.sinh(mp.sqrt(z)) * mp.sqrt(z))
    # tanh(x) = x + x^3 P(x^2) up to 0.55
    add("tanh", 5, 0, 0, 0.303, lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.tanh(mp.sqrt(z)) * mp.sqrt(z))
    # asin(x) = x + x^3 P(x^2) up to 0.55
    add("asin", 6, 13, 0, 0.303, lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.asin(mp.sqrt(z)) * mp.sqrt(z))
    # atan(x) = x + x^3 P(x^2), f32 up to 1, f64 up to 0.66
    add("atan", 9, 0, 0, 1, lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.atan(mp.sqrt(z)) * mp.sqrt(z))
    add("atan", 0, 18, 0, mpf("0.4357"), lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.atan(mp.sqrt(z)) * mp.sqrt(z))
    # erf(x) = x + x P(x^2) below 1
    add("erf near", 7, 12, 0, mpf("0.8464"), lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1,
        lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)))
    # 1 - erf(x) = 2^(x P(x)) from 0.9 on; what counts is the absolute error of the power
    add("erf far", 7, 0, 0.88, 3.95, lambda x: mp.log(mp.erfc(x), 2) / x, lambda x: x * LN2 * mp.erfc(x) / mp.erf(x))
    # for f32 results found in f64: 2^r = 1 + r P(r); log2(1 + f) = f P(f); exp(x^2) erfc(x) = P(2 / (2 + x)) up to 10.2;
    # tan(r) = r + r^3 P(r^2)
    add("wide exp2", 0, 7, -0.5, 0.5, lambda r: mp.expm1(r * LN2) / r, lambda r: r / 2**r)
    add("wide log2", 0, 14, low, high, lambda f: mp.log1p(f) / LN2 / f, lambda f: f / mp.log1p(f))
    add("wide erfc", 0, 12, mpf("0.1639"), 1, lambda t: mp.exp((2 / t - 2) ** 2) * mp.erfc(2 / t - 2),
        lambda t: 1 / (mp.exp((2 / t - 2) ** 2) * mp.erfc(2 / t - 2)))
    add("wide tan", 0, 7, 0, mpf("0.6169"), lambda z: (mp.tan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
        lambda z: z / mp.tan(mp.sqrt(z)) * mp.sqrt(z))
    # exp(x^2) erfc(x) (1 + 2 x) = P((x - 4) / (x + 4)) from 0.79 to 28
    def scaled(q):
        x = 4 * (1 + q) / (1 - q)
        return mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x)

    out.append(Fit("erfc f64", 53, mpf("-0.6705"), mpf("0.752"), 21, scaled, lambda q: 1 / scaled(q), split=True))
    return out


def main(words: Sequence[str]) -> None:
    for case in _fits():
        if words and not any(word in case.name for word in words):
            continue
        coefficients, worst = fit(case)
        print(f"{case.name}: error 2^{float(mp.log(worst, 2)):.1f}", flush=True)
        for c in reversed(coefficients):
            print(f"    {literal(case.bits, c)}")
        if case.split:
            print(f"    {literal(case.bits, coefficients[0] - mpf(float(coefficients[0])))} (rest of the last)")


if __name__ == "__main__":
    main(sys.argv[1:])
