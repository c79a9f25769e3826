"""JAX, compiled by XLA; results are new arrays, which is its only form."""

from __future__ import annotations

import os

THREADS = int(os.environ["OMP_NUM_THREADS"])
os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if THREADS > 1 else 'false'}"
os.environ["JAX_PLATFORMS"] = "cpu"
if THREADS == 1:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # its pool has as many threads as there are processors

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from arrays import Made, inputs  # noqa: E402
from cases import Case  # noqa: E402


def function(case: Case):
    match case.operation:
        case "matmul":
            return jnp.matmul
        case "linear":
            return lambda x, w, b: x @ w.T + b
        case "softmax":
            return lambda x: jax.nn.softmax(x, axis=-1)
        case "layer_norm":
            return lambda x, w, b: (x - x.mean(-1, keepdims=True)) * jax.lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * w + b
        case "rms_norm":
            return lambda x, w: x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w
        case "gelu":
            return lambda x: jax.nn.gelu(x, approximate=False)
        case "exp":
            return jnp.exp
        case "sum":
            return lambda x: jnp.sum(x, keepdims=True)
        case "add":
            return jnp.add
        case "transpose":
            return lambda x: x.T.copy()
        case "attention" | "causal":
            return lambda q, k, v: jnp.swapaxes(jax.nn.dot_product_attention(
                *(jnp.swapaxes(a, 1, 2) for a in (q, k, v)), is_causal=case.operation == "causal"), 1, 2)
        case "conv":
            *_, window, stride = case.sizes
            pad = window // 2
            return lambda x, w, b: jax.lax.conv_general_dilated(x, w, (stride, stride), [(pad, pad)] * 2) + b[:, None, None]
    return None


def make(case: Case, threads: int) -> Made | None:
    called = function(case)
    if called is None:
        return None
    compiled = jax.jit(called)
    args = [jax.device_put(array) for array in inputs(case)]
    return lambda: compiled(*args).block_until_ready(), lambda: np.asarray(compiled(*args))
