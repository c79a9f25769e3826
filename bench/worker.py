"""One contestant in a process of its own: thread pools of different libraries disturb each other.

Speaks lines of JSON: a request names a case and a number of threads and gets the nanoseconds of one call, the best of a
few batches; the first line says which contestant this is.
"""

from __future__ import annotations

import json
import sys
import time

from cases import CASES
from implementations import MAKERS

BATCH_SECONDS = 0.03


def measure(run) -> float:
    """Nanoseconds per call: a batch long enough for the clock, best of three."""
    start = time.perf_counter_ns()
    run()
    calls = max(1, int(BATCH_SECONDS * 1e9 / max(time.perf_counter_ns() - start, 1)))
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter_ns()
        for _ in range(calls):
            run()
        best = min(best, (time.perf_counter_ns() - start) / calls)
    return best


def main() -> None:
    make = MAKERS[sys.argv[1]]
    by_name = {case.name: case for case in CASES}
    prepared = (None, None)
    for line in sys.stdin:
        request = json.loads(line)
        key = (request["case"], request["threads"])
        if prepared[0] != key:
            run = make(by_name[key[0]], key[1])
            if run:
                run()  # compiles, packs, touches pages
            prepared = (key, run)
        print(json.dumps({"ns": measure(prepared[1]) if prepared[1] else None}), flush=True)


if __name__ == "__main__":
    main()
