"""The measurements side by side: what a run writes, and what becomes of a contestant that cannot go on."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import cases
    import contest

    return cases, contest


def test_a_run_writes_a_row_for_every_case_and_thread_count(tmp_path):
    out, page = tmp_path / "bench.json", tmp_path / "performance.md"
    command = [sys.executable, str(BENCH / "run.py"), "matmul 16x", "--threads", "1", "2", "--peers", "numpy", "--seconds",
               "0.01", "--json", str(out), "--page", str(page)]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=os.environ)
    rows = json.loads(out.read_text())
    assert [(row["case"], row["threads"]) for row in rows] == [("matmul 16x16x16", 1), ("matmul 16x16x16", 2)]
    for row in rows:
        assert row["unit"] == "GF/s" and row["better"] == "higher" and row["failed"] == {}
        assert row["aurex"] > 0 and row["ceiling"] > 0 and row["ratio_best_peer"] == row["ratios"]["numpy"] > 0
    assert rows[0]["over_one_thread"] is None and rows[1]["over_one_thread"] > 0 and list(rows[1]["peers"]) == ["numpy"]
    text = page.read_text()
    assert f"numpy {np.__version__}" in text and "## 1 thread\n" in text and "## 2 threads\n" in text
    assert text.count("| one thread |") == 1
    assert text.count("| matmul 16x16x16 | ") == 2


def test_a_contestant_whose_process_dies_falls_out_and_comes_back(bench):
    cases, contest = bench
    case = next(case for case in cases.CASES if case.name == "matmul 16x16x16")
    racer = contest.Contestant("numpy", 1)
    try:
        racer.process.kill()
        racer.process.wait()
        with pytest.raises(contest.Failed, match="exit status -9"):
            racer.prepare(case)
        assert racer.prepare(case).size == 64
    finally:
        racer.close()


def test_a_contestant_with_another_result_does_not_take_part(bench):
    cases, contest = bench
    case = next(case for case in cases.CASES if case.name == "matmul 16x16x16")

    class Wrong:
        name = "wrong"

        def prepare(self, _case):
            return np.zeros(64)

    racer = contest.Contestant("numpy", 1)
    failed = {}
    try:
        assert contest.agreeing(case, [racer, Wrong()], failed) == [racer]
    finally:
        racer.close()
    assert "differ by 1 of the largest" in failed["wrong"]


def test_every_contestant_knows_its_cases_by_the_same_arguments(bench):
    cases, _ = bench
    for case in cases.CASES:
        assert case.work > 0
        if case.operation not in ("encoder",) and np.prod(case.sizes) < 1 << 20:
            first, second = cases.arguments(case), cases.arguments(case)
            assert all(np.array_equal(a, b) for a, b in zip(first, second))
            assert min(cases.result_shape(case)) > 0
