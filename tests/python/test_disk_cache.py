"""Code from disk in processes of their own: what is compiled in one is loaded in the next."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json
import numpy as np
import aurex
mod = aurex.compile('''
kernel add(x: T[N], y: T[N]) -> (z: T[N]) { parallel i in N { z[i] = x[i] + y[i] } }
kernel rows(x: T[R, C]) -> (y: T[R]) { parallel r in R { y[r] = sum(x[r, C], C) } }
''')
x = np.arange(12, dtype=np.float32).reshape(3, 4)
rows, add = mod.rows.explain(x), mod.add.explain(x[0], x[1])
soft = aurex.ops.softmax(x)
print(json.dumps({"caches": [rows.cache, add.cache], "again": mod.rows.explain(x).cache, "times": rows.timing,
                  "values": [mod.rows(x).tolist(), mod.add(x[0], x[1]).tolist(), soft.tolist()],
                  "asm": rows.asm, "schedule": rows.schedule, "loop": rows.loop}))
"""


@pytest.fixture
def start(tmp_path):
    """Starts a process with a cache of the test's own."""

    def call(**variables):
        env = os.environ | {"AUREX_CACHE_DIR": str(tmp_path), "AUREX_CACHE_SIZE": "64M"} | variables
        return subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, env=env)

    return call


def report(process):
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(output)


def test_a_warm_start_compiles_nothing(start):
    cold, warm = report(start()), report(start())
    assert cold["caches"] == ["compiled", "compiled"] and warm["caches"] == ["disk", "disk"]
    assert cold["again"] == warm["again"] == "memory"
    for stage in ("lower", "emit", "codegen"):
        assert cold["times"][stage] > 0 and warm["times"][stage] == 0
    for same in ("values", "asm", "schedule", "loop"):
        assert cold[same] == warm[same]


def test_processes_may_start_together_on_an_empty_cache(start, tmp_path):
    reports = [report(process) for process in [start() for _ in range(4)]]
    assert all(each["values"] == reports[0]["values"] for each in reports)
    assert list(tmp_path.glob("kernels/*/.tmp-*")) == []
    assert report(start())["caches"] == ["disk", "disk"]


def test_a_lower_target_has_entries_of_its_own(start):
    report(start())
    assert report(start(AUREX_TARGET="cpu.avx2"))["caches"] == ["compiled", "compiled"]
    assert report(start(AUREX_TARGET="cpu.avx2"))["caches"] == ["disk", "disk"]
    assert report(start())["caches"] == ["disk", "disk"]


def test_a_cache_that_cannot_be_used_is_done_without(start, tmp_path):
    (tmp_path / "kernels").write_text("a file is in the way")
    for _ in range(2):
        assert report(start())["caches"] == ["compiled", "compiled"]
