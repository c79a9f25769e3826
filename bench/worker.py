"""One contestant in a process of its own: thread pools of different libraries disturb each other.

    bench/worker.py NAME THREADS

Speaks lines of JSON. ``{"prepare": case}`` makes the case ready and answers with some elements of its result; ``{}`` runs
a slice of calls and answers with the nanoseconds of one.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time

import numpy as np

from cases import CASES

SLICE_SECONDS = 0.012
SAMPLES = 64


def samples(result: np.ndarray) -> list[float]:
    flat = np.asarray(result).reshape(-1)
    return [float(value) for value in flat[np.linspace(0, flat.size - 1, min(SAMPLES, flat.size)).astype(int)]]


def timed(run, calls: int) -> float:
    start = time.perf_counter_ns()
    for _ in range(calls):
        run()
    return (time.perf_counter_ns() - start) / calls


def calls_of_a_slice(run) -> int:
    """Doubled until they take a good part of a slice: a first call alone says little about short ones."""
    calls = 1
    while (ns := timed(run, calls) * calls) < SLICE_SECONDS * 1e9 / 4:
        calls *= 2
    return max(1, round(calls * SLICE_SECONDS * 1e9 / ns))


def answers(requests, make, threads: int):
    by_name = {case.name: case for case in CASES}
    run, calls = None, 0
    for line in requests:
        request = json.loads(line)
        try:
            if "prepare" not in request:
                yield {"ns": timed(run, calls)}
                continue
            run = result = None  # what the last case held goes before the next is made
            made = make(by_name[request["prepare"]], threads)
            if made is None:
                yield {"samples": None}
                continue
            run, result = made
            run()  # compiles, packs, touches pages
            calls = calls_of_a_slice(run)
            yield {"samples": samples(result())}
        except Exception as error:  # noqa: BLE001 -- whatever a library raises, the race goes on without it
            yield {"error": f"{type(error).__name__}: {error}".split("\n")[0]}


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not an answer
    make = importlib.import_module("by_" + name).make
    for answer in answers(sys.stdin, make, threads):
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main()
