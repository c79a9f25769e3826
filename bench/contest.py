"""Contestants in processes of their own, and rounds that alternate between them and the machine's ceiling.

A machine is noisy: its clock changes and other people's work comes and goes, for seconds at a time. So nobody is timed
for long: a round gives every contestant a slice of some milliseconds right after another, beside a probe of the ceiling,
and what is compared is compared within a round. The medians of these ratios are the result.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

from aurex import _core
from cases import Case

HERE = pathlib.Path(__file__).parent
MOST_ROUNDS, LEAST_ROUNDS = 31, 5
PAUSE_SECONDS = 0.003  # for threads of the one before to fall asleep
ONE_THREAD = "one thread"  # Aurex again, beside its several threads: no peer

# A pool whose threads spin after their work takes the processor from whoever is timed next.
SLEEP_SOON = {"OPENBLAS_THREAD_TIMEOUT": "22", "OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "1"}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Failed(Exception):
    """A contestant's process ended or said why it cannot go on."""


class Contestant:
    """A worker process that runs the module ``by_<module>``, called ``name`` in what comes of it."""

    def __init__(self, module: str, threads: int, name: str | None = None) -> None:
        self.module = module
        self.name = name or module
        self.threads = threads
        self._start()

    def _start(self) -> None:
        environment = os.environ | SLEEP_SOON | {variable: str(self.threads) for variable in THREAD_VARIABLES}
        command = [sys.executable, str(HERE / "worker.py"), self.module, str(self.threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=environment)

    def _ask(self, **request) -> dict:
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            self._start()
            raise Failed(f"exit status {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def prepare(self, case: Case) -> np.ndarray | None:
        """Some elements of the result; None where the contestant has no such operation."""
        samples = self._ask(prepare=case.name)["samples"]
        return None if samples is None else np.array(samples)

    def slice(self) -> float:
        """Nanoseconds of one call, the mean of a slice of calls."""
        return self._ask()["ns"]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclasses.dataclass
class Outcome:
    """What one case gave. Ratios are medians over the rounds, rates too."""

    case: Case
    threads: int
    rates: dict[str, float]  # of everyone who took part, in the case's unit
    ratios: dict[str, float]  # our rate over that peer's
    over_one_thread: float | None  # our rate over our own on one thread, where there are several
    ceiling: float
    share: float  # of the ceiling
    failed: dict[str, str]  # who fell out, and why

    def row(self) -> dict:
        """As it stands in bench.json."""
        best = min(self.ratios.values(), default=None)
        peers = {name: self.rates[name] for name in self.ratios}
        return {"case": self.case.name, "threads": self.threads, "unit": self.case.unit, "better": "higher",
                "aurex": self.rates["aurex"], "peers": peers, "ratios": self.ratios,
                "over_one_thread": self.over_one_thread, "failed": self.failed, "ceiling": self.ceiling,
                "ratio_best_peer": best, "ratio_ceiling": self.share}


def ceiling_now(probe: _core.CeilingProbe, case: Case, threads: int) -> float:
    run = {"GF/s": probe.fma_gflops, "GB/s": probe.copy_gbs, "GB/s read": probe.read_gbs}[case.ceiling]
    return statistics.median(run() for _ in range(3)) * threads


def agreeing(case: Case, racers: list[Contestant], failed: dict[str, str]) -> list[Contestant]:
    """Those who have the operation and give the first one's result."""
    present, first = [], None
    for racer in racers:
        try:
            samples = racer.prepare(case)
        except Failed as failure:
            failed[racer.name] = str(failure)
            continue
        if samples is None:
            continue
        if first is None:
            first = samples
        apart = float(np.max(np.abs(samples - first), initial=0) / max(float(np.max(np.abs(first), initial=0)), 1e-30))
        if apart <= case.tolerance:
            present.append(racer)
        else:
            failed[racer.name] = f"results differ by {apart:.2g} of the largest"
    return present


def race(case: Case, racers: list[Contestant], probe: _core.CeilingProbe, seconds: float) -> Outcome:
    """Rounds for about ``seconds``. Raises Failed where the first of the racers, Aurex, cannot."""
    failed: dict[str, str] = {}
    present = agreeing(case, racers, failed)
    if not present or present[0].name != "aurex":
        raise Failed(failed.get("aurex", "no such operation"))
    times: dict[str, list[float]] = {racer.name: [] for racer in present}
    ceilings: list[float] = []
    begin = time.monotonic()
    for number in range(MOST_ROUNDS):
        if number >= LEAST_ROUNDS and time.monotonic() - begin > seconds:
            break
        ceilings.append(ceiling_now(probe, case, racers[0].threads))
        for racer in present if number % 2 == 0 else reversed(present):
            time.sleep(PAUSE_SECONDS)
            times[racer.name].append(racer.slice())
    own = times["aurex"]
    rates = {name: case.work / statistics.median(ns) for name, ns in times.items()}
    ratios = {name: statistics.median(theirs / ours for theirs, ours in zip(ns, own))
              for name, ns in times.items() if name != "aurex"}
    over_one_thread = ratios.pop(ONE_THREAD, None)
    share = statistics.median(case.work / ns / ceiling for ns, ceiling in zip(own, ceilings))
    return Outcome(case, racers[0].threads, rates, ratios, over_one_thread, statistics.median(ceilings), share, failed)
