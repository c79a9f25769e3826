"""Threads, forks, signals and what the process says of itself."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import aurex



def run_python(text: str, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **options)


CTRL_C = """
import numpy as np, aurex
mod = aurex.compile("kernel pairs(x: T[N], y: T[M]) -> (z: T[N]) { parallel n in N { z[n] = sum(exp(x[n] * y[M]), M) } }")
small = np.zeros(4, np.float32)
mod.pairs(small, small)
x = np.zeros(1 << 20, np.float32)
print("ready", flush=True)
try:
    mod.pairs(x, x)
    print("finished")
except KeyboardInterrupt:
    print("interrupted", mod.pairs(small, small).tolist())
"""


def test_ctrl_c_stops_a_long_call_and_later_calls_work():
    child = run_python(CTRL_C)
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert out == "interrupted [4.0, 4.0, 4.0, 4.0]\n", err


def test_threads_share_a_kernel(mod):
    failures = []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).random(1000 + seed, dtype=np.float32)
        for _ in range(200):
            if not np.array_equal(mod.add(x, x), x + x):
                failures.append(seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


def test_threads_that_race_for_the_first_call_get_the_same():
    kernel = aurex.compile("kernel cube(x) = x * x * x").cube
    barrier, results = threading.Barrier(4), []

    def work() -> None:
        barrier.wait()
        results.append(kernel(np.float32(3)).item())

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [27.0] * 4


def test_another_thread_runs_during_a_long_call():
    kernel = aurex.compile("kernel pairs(x: T[N], y: T[M]) -> (z: T[N]) "
                           "{ parallel n in N { z[n] = sum(exp(x[n] * y[M]), M) } }").pairs
    x = np.zeros(1 << 13, np.float32)
    kernel(x[:4], x[:4])
    counts, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            counts[0] += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    before = counts[0]
    kernel(x, x)
    during = counts[0] - before
    done.set()
    other.join()
    assert during > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_computes(mod):
    x = np.ones(1 << 20, np.float32)
    mod.add(x, x)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(mod.add(x, x), x + x) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_cpu_is_among_the_devices():
    cpu = aurex.device("cpu")
    assert cpu in aurex.devices()
    assert cpu.id == cpu.kind == "cpu" and cpu.cores >= 1 and cpu.target.startswith("cpu.")
    assert cpu.memory > 0 and cpu.name in repr(cpu)


def test_the_number_of_threads_can_be_set():
    before = aurex.threads()
    try:
        aurex.set_threads(1)
        assert aurex.threads() == 1
    finally:
        aurex.set_threads(before)


def test_a_profile_has_the_launches_of_its_block(mod, x, tmp_path):
    mod.add(x, x)
    with aurex.profile() as p:
        mod.scale(x)
        mod.scale(x)
    mod.add(x, x)
    assert [record.name for record in p.records()] == ["scale", "scale"]
    assert p.records()[0].bytes == 2 * x.nbytes and p.records()[0].duration_ns > 0
    assert p.records()[0].flops == x.size and p.records()[0].flops_exact
    assert p.table().splitlines()[1].split()[:2] == ["scale", "2"]
    p.save(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())
    assert "scale" in json.dumps(events)


def test_a_table_says_where_a_rate_is_a_bound_and_where_it_is_not_known():
    text = """
    kernel until_negative(x: f32[N]) -> (y: f32[N]) { parallel n in N {
      var z[n] = x[n]
      while z > 0 { z -= 1 }
      y[n] = z } }
    kernel branches(x: f32[N]) -> (y: f32[N]) { parallel n in N {
      var z[n] = x[n]
      if x[n] > 0 { z = z * 2 } else { z = z * 3 }
      y[n] = z } }"""
    mod, x = aurex.compile(text), np.arange(4, dtype=np.float32)
    with aurex.profile() as p:
        mod.until_negative(x)
        mod.branches(x)
    assert [(record.flops, record.flops_exact) for record in p.records()] == [(None, True), (8, False)]
    rates = {line.split()[0]: line.split()[-1] for line in p.table().splitlines()[1:]}
    assert rates["until_negative"] == "-" and rates["branches"].startswith("<")


def test_importing_loads_neither_torch_nor_the_operations():
    text = "import aurex, sys; print([m for m in ('torch', 'jax', 'aurex.ops') if m in sys.modules])"
    out, err = run_python(text).communicate()
    assert out == "[]\n", err
