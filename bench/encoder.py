"""The sentence encoder at 32 x 128 tokens: rate, and share of the FMA ceiling measured in alternating rounds.

    bench/encoder.py [--threads 1 2] [--rounds 5]

Only the kernels count: token ids go in, sentence vectors come out. Operations are those that the kernels' texts ask for,
as `aurex.profile` counts them.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples" / "minilm"))

import aurex
from aurex import _core
from minilm import Encoder

SENTENCES, TOKENS = 32, 128


def operations_of_a_pass(encoder: Encoder, ids: list[list[int]]) -> int:
    with aurex.profile() as profile:
        encoder.encode_ids(ids)
    return sum(launch.flops for launch in profile.records())


def seconds_of_a_pass(encoder: Encoder, ids: list[list[int]]) -> float:
    start = time.perf_counter()
    encoder.encode_ids(ids)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    encoder = Encoder()
    ids = [[(7 * sentence + token) % 30000 for token in range(TOKENS)] for sentence in range(SENTENCES)]
    for threads in options.threads:
        aurex.set_threads(threads)
        operations = operations_of_a_pass(encoder, ids)
        rates, ceilings = [], []
        for _ in range(options.rounds):
            ceilings.append(_core.measure_ceilings().fma_gflops * threads)
            rates.append(operations / seconds_of_a_pass(encoder, ids) / 1e9)
        rate, ceiling = statistics.median(rates), statistics.median(ceilings)
        print(f"encoder {SENTENCES}x{TOKENS} tokens, {threads} thread(s): {rate:.1f} GF/s, {rate / ceiling:.0%} of {ceiling:.0f} GF/s")


if __name__ == "__main__":
    main()
