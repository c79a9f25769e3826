"""Kernels that several files of tests call."""

import numpy as np
import pytest

import aurex

SOURCE = """
kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }
kernel scale(x: T[R...], factor: float = 2) -> (y: T[R...]) { parallel r in R { y[r] = x[r] * factor } }
kernel sum_rows(x: T[R..., C]) -> (y: T[R...]) { parallel r in R { y[r] = sum(x[r, C], C) } }
kernel split(x: T[N]) -> (low: T[N], high: T[N]) { parallel i in N { low[i] = x[i] - 1; high[i] = x[i] + 1 } }
kernel bump(inout p: T[N], factor: float = 1) { parallel i in N { p[i] = p[i] + factor } }
kernel ramp(step: float) -> (y: f32[N]) { parallel i in N { y[i] = i * step } }
kernel fill(value: float) -> (y: f32[N]) { parallel i in N { y[i] = value } }
kernel gather(table: T[V], at: i32[N]) -> (y: T[N]) { parallel n in N { y[n] = table[at[n]] } }
kernel shift(x, step) = x + step
"""


@pytest.fixture(scope="session")
def mod():
    return aurex.compile(SOURCE, "tests.ax")


@pytest.fixture
def x():
    return np.arange(6, dtype=np.float32)
