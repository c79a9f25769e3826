"""The sentence encoder at 32 x 128 tokens beside ONNX Runtime: rate, and share of the FMA ceiling.

    bench/encoder.py [--threads 1 2] [--rounds 5]

Token ids go in, sentence vectors come out. Every contestant runs in a process of its own; rounds alternate between them
and the ceiling, and the medians count. Operations are those that the kernels' texts ask for, as `aurex.profile` counts
them, for both. The vectors of both are compared first.
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
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples" / "minilm"))

import aurex
from aurex import _core
from minilm import Encoder

SENTENCES, TOKENS = 32, 128
IDS = [[(7 * sentence + token) % 30000 for token in range(TOKENS)] for sentence in range(SENTENCES)]
MOST_APART = 1e-5  # of elements of the two contestants' unit vectors


class Contestant:
    """A worker process; see `serve`."""

    def __init__(self, name: str, threads: int) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self.name = name
        self.process = subprocess.Popen([sys.executable, __file__, "--serve", name, "--threads", str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.embedding = np.array(self.answer())

    def answer(self) -> object:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} failed, exit status {self.process.wait()}")
        return json.loads(line)

    def seconds(self) -> float:
        """Of one pass."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()


def serve(name: str, threads: int) -> None:
    """Prints the vectors, then the seconds of one pass for every line that comes in."""
    encoder = Encoder()
    if name == "aurex":
        aurex.set_threads(threads)
        run = lambda: encoder.encode_ids(IDS)  # noqa: E731
    else:
        import encoder_onnx

        run = encoder_onnx.make_encoder(encoder.weights, IDS, threads)
    print(json.dumps(run().tolist()), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(json.dumps(time.perf_counter() - start), flush=True)


def operations_of_a_pass() -> int:
    with aurex.profile() as profile:
        Encoder().encode_ids(IDS)
    return sum(launch.flops for launch in profile.records())


def measure(threads: int, rounds: int, operations: int) -> None:
    names = ["aurex"] + (["onnxruntime"] if importlib.util.find_spec("onnxruntime") else [])
    racers = [Contestant(name, threads) for name in names]
    apart = max(float(np.abs(racer.embedding - racers[0].embedding).max()) for racer in racers)
    if not apart <= MOST_APART:
        sys.exit(f"the contestants' vectors differ by {apart:.2g}")
    ceilings: list[float] = []
    rates: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        ceilings.append(_core.measure_ceilings().fma_gflops * threads)
        for racer in racers:
            rates[racer.name].append(operations / racer.seconds() / 1e9)
    for racer in racers:
        racer.process.kill()
    ceiling = statistics.median(ceilings)
    own = statistics.median(rates["aurex"])
    for name in names:
        rate = statistics.median(rates[name])
        beside = "" if name == "aurex" else f"; aurex has {own / rate:.2f} of it, vectors apart {apart:.1g}"
        print(f"encoder {SENTENCES}x{TOKENS} tokens, {threads} thread(s), {name}: {rate:.1f} GF/s, "
              f"{rate / ceiling:.0%} of {ceiling:.0f} GF/s{beside}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", choices=["aurex", "onnxruntime"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.threads[0])
        return
    operations = operations_of_a_pass()
    for threads in options.threads:
        measure(threads, options.rounds, operations)


if __name__ == "__main__":
    main()
