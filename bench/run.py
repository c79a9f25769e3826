"""Measures Aurex beside its peers: alternating rounds, medians of ratios, shares of the machine's ceiling.

    bench/run.py [FILTER] [--threads 1 2] [--peers numpy onnxruntime] [--seconds 4] [--page FILE]

Every contestant runs in a process of its own and gets its best form: results allocated beforehand, weights packed where
the library can. A share is of what this machine reached in the same round: f32 FMA from registers, a copy of 16 MiB, or
reading 64 MiB; for several threads, times their number. Results are compared before they are timed.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import math
import pathlib
import subprocess

import aurex
from aurex import _core
from cases import CASES
from contest import ONE_THREAD, Contestant, Failed, Outcome, race
from page import page

HERE = pathlib.Path(__file__).parent
PEERS = {"numpy": "numpy", "onnxruntime": "onnxruntime", "openvino": "openvino", "jax": "jax", "numba": "numba",
         "torch": "torch"}  # contestant: the module it needs


def print_outcome(outcome: Outcome) -> None:
    row = outcome.row()
    best = f"x{row['ratio_best_peer']:<5.2f}" if row["ratio_best_peer"] else "-     "
    peers = "  ".join(f"{name} x{ratio:.2f}" for name, ratio in outcome.ratios.items())
    scaling = f"  {ONE_THREAD} x{outcome.over_one_thread:.2f}" if outcome.over_one_thread else ""
    fell = "".join(f"  {name}: {why}" for name, why in outcome.failed.items())
    print(f"{row['case']:<26}{row['threads']:>2}  {row['aurex']:8.1f} {row['unit']}  {best} {row['ratio_ceiling']:5.0%} of "
          f"{row['ceiling']:.0f}   {peers}{scaling}{fell}", flush=True)


def main() -> None:
    here = [name for name, module in PEERS.items() if importlib.util.find_spec(module)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filter", nargs="?", default="", help="only cases whose name contains this")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), default=here, help="those installed, unless named")
    parser.add_argument("--seconds", type=float, default=4, help="of rounds for each case")
    parser.add_argument("--json", type=pathlib.Path, default=HERE.parent / "build" / "bench.json")
    parser.add_argument("--page", type=pathlib.Path, help="write the table as a page, too: docs/performance.md")
    options = parser.parse_args()

    probe = _core.CeilingProbe()
    print(f"{aurex.devices()[0].name}; {len(options.peers)} peers: {', '.join(options.peers)}")
    rows = []
    for threads in options.threads:
        racers = [Contestant(name, threads) for name in ["aurex", *options.peers]]
        if threads > 1:
            racers.insert(1, Contestant("aurex", 1, ONE_THREAD))
        for case in CASES:
            if options.filter not in case.name:
                continue
            try:
                outcome = race(case, racers, probe, options.seconds)
            except Failed as failure:
                print(f"{case.name:<26}{threads:>2}  lost: {failure}", flush=True)
                rows.append({"case": case.name, "threads": threads, "unit": case.unit, "better": "higher", "aurex": None,
                             "peers": {}, "failed": {"aurex": str(failure)}, "ceiling": None, "ratio_best_peer": 0,
                             "ratio_ceiling": None})
                continue
            rows.append(outcome.row())
            print_outcome(outcome)
        for racer in racers:
            racer.close()
    ratios = [row["ratio_best_peer"] for row in rows if row["ratio_best_peer"] is not None]
    if ratios:
        mean = math.prod(ratios) ** (1 / len(ratios))
        print(f"geometric mean over the best peer: {mean:.2f}; behind it in {sum(r < 1 for r in ratios)} of {len(ratios)}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if options.page:
        options.page.write_text(page(report(rows, options.peers)), encoding="utf-8")


def report(rows: list[dict], peers: list[str]) -> dict:
    """The rows, and where they come from."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False, cwd=HERE)
    return {"processor": aurex.devices()[0].name, "date": datetime.date.today().isoformat(), "rows": rows,
            "commit": commit.stdout.strip() or "of an unknown commit",
            "peers": {name: importlib.metadata.version(PEERS[name]) for name in peers}}


if __name__ == "__main__":
    main()
