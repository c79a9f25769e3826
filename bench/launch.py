#!/usr/bin/env python3
"""What one call costs from Python: an 8-element add with out=, in nanoseconds, the least of many rounds.

Beside it the same through NumPy's ufunc, and the share of the loop itself is taken off.
"""

import timeit

import numpy as np

import aurex

CALLS, ROUNDS = 20_000, 25


def nanoseconds(statement: str, **names) -> float:
    return min(timeit.repeat(statement, globals=names, number=CALLS, repeat=ROUNDS)) / CALLS * 1e9


def main() -> None:
    add = aurex.compile("kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }").add
    x = np.arange(8, dtype=np.float32)
    z = np.empty_like(x)
    add(x, x, out=z)
    loop = nanoseconds("pass")
    for name, statement, function in (("mod.add(x, y, out=z)", "f(x, x, out=z)", add),
                                      ("mod.add(x, y)", "f(x, x)", add),
                                      ("np.add(x, y, out=z)", "f(x, x, out=z)", np.add)):
        print(f"{name:<24}{nanoseconds(statement, f=function, x=x, z=z) - loop:8.0f} ns")


if __name__ == "__main__":
    main()
