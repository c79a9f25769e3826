"""Measures Aurex beside its peers: alternating rounds, medians, shares of the machine's ceiling.

    bench/run.py [FILTER] [--threads 1 2] [--rounds 5] [--json build/bench.json]

Every contestant runs in a process of its own and gets its best form: results allocated beforehand, weights packed where
the library can. Rounds alternate, so that what disturbs the machine disturbs all of them; the median of the rounds
counts. The ceiling is what this machine reached in this run: f32 FMA from registers, or a copy of 16 MiB.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys

from cases import CASES, Case

HERE = pathlib.Path(__file__).parent
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Contestant:
    """A worker process."""

    def __init__(self, name: str, threads: int) -> None:
        environment = os.environ | {variable: str(threads) for variable in THREAD_VARIABLES}
        self.name = name
        self.threads = threads
        self.process = subprocess.Popen([sys.executable, str(HERE / "worker.py"), name], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment)

    def measure(self, case: Case) -> float | None:
        """Nanoseconds of one call; None where the contestant has no such operation."""
        try:
            self.process.stdin.write(json.dumps({"case": case.name, "threads": self.threads}) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            sys.exit(f"{self.name} failed on {case.name}, exit status {self.process.wait()}")
        return json.loads(answer)["ns"]


def contestants(threads: int) -> list[Contestant]:
    names = ["aurex", "numpy"] + (["onnxruntime"] if importlib.util.find_spec("onnxruntime") else [])
    return [Contestant(name, threads) for name in names]


def measure_case(case: Case, racers: list[Contestant], rounds: int) -> dict[str, float]:
    """Median rate of each contestant, in the case's unit."""
    times: dict[str, list[float]] = {racer.name: [] for racer in racers}
    for _ in range(rounds):
        for racer in racers:
            ns = racer.measure(case)
            if ns is not None:
                times[racer.name].append(ns)
    return {name: case.work / statistics.median(ns) for name, ns in times.items() if ns}


def row(case: Case, threads: int, rates: dict[str, float], ceiling: float) -> dict:
    peers = {name: rate for name, rate in rates.items() if name != "aurex"}
    return {"case": case.name, "threads": threads, "unit": case.unit, "better": "higher", "aurex": rates["aurex"],
            "peers": peers, "ceiling": ceiling,
            "ratio_best_peer": rates["aurex"] / max(peers.values()) if peers else None,
            "ratio_ceiling": rates["aurex"] / ceiling}


def print_row(result: dict) -> None:
    peers = "".join(f"{name} {rate:8.1f}  " for name, rate in result["peers"].items())
    ratio = f"{result['ratio_best_peer']:.2f}" if result["ratio_best_peer"] else "-"
    print(f"{result['case']:<24}{result['threads']:>3}  {result['aurex']:8.1f} {result['unit']}  x{ratio:<6}"
          f"{result['ratio_ceiling']:6.0%} of ceiling   {peers}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="?", default="", help="only cases whose name contains this")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, default=HERE.parent / "build" / "bench.json")
    options = parser.parse_args()

    import aurex

    ceilings = aurex.ceilings()
    print(f"{aurex.devices()[0].name}; ceilings on one thread: {ceilings.fma_gflops:.0f} GF/s f32 FMA, "
          f"{ceilings.copy_gbs:.1f} GB/s copy, {ceilings.read_gbs:.1f} GB/s read")
    results = []
    for threads in options.threads:
        racers = contestants(threads)
        for case in CASES:
            if options.filter not in case.name:
                continue
            ceiling = (ceilings.fma_gflops if case.unit == "GF/s" else ceilings.copy_gbs) * threads
            results.append(row(case, threads, measure_case(case, racers, options.rounds), ceiling))
            print_row(results[-1])
        for racer in racers:
            racer.process.kill()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
