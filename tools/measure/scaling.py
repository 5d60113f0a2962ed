# SPDX-License-Identifier: MIT
# scaling.py: time of one mixer, and of one whole block, over the number of tokens, for the PDE and for
# attention: scaling.py --timed BUILD/tools/measure/timed [--out FILE.json]
#
# One image, width 384, forward, as in sampling: the symbol stands still. "fresh" computes it again in
# each run, as training does. A block is half of what three blocks take more than one.
import argparse
import json
import pathlib
import sys

import ledger
import measuring
from curves import overtaking, power_law

SIDES = [8, 16, 32, 64, 128, 256]  # of the token grid
PATCH = 2
ROUNDS, SLICE = 5, 0.2
KINDS = {"pde": ("mixer", "pde-s/2", 1), "pde fresh": ("mixer-fresh", "pde-s/2", 1),
         "attention": ("mixer", "attn-s/2", 1), "pde 1": ("forward", "pde-s/2", 1),
         "pde 3": ("forward", "pde-s/2", 3), "attention 1": ("forward", "attn-s/2", 1),
         "attention 3": ("forward", "attn-s/2", 3)}
BLOCKS = {"pde block": ("pde 3", "pde 1"), "attention block": ("attention 3", "attention 1")}


def measure_side(timed, threads, side, kinds):
    """{kind: spread of seconds}, blocks among them."""
    size = "%dx%d" % (side * PATCH, side * PATCH)
    workers = {}
    for kind in kinds:
        work, model, depth = KINDS[kind]
        workers[kind] = measuring.Worker([timed, work, "--model", model, "--depth", depth, "--size",
                                          size, "--batch", 1, "--threads", threads])
    slices = measuring.alternate(workers, ROUNDS, SLICE)
    for worker in workers.values():
        worker.end()
    for block, (three, one) in BLOCKS.items():
        if three in slices and one in slices:
            slices[block] = [(a - b) / 2 for a, b in zip(slices[three], slices[one])]
    return {kind: measuring.spread(seconds) for kind, seconds in slices.items()}


def evaluate(rows):
    """Fits over all points and over those of 1,024 tokens and more; where the lines cross."""
    series = {}
    for row in rows:
        for kind, seconds in row["seconds"].items():
            series.setdefault(kind, {})[row["tokens"]] = seconds["median"]
    fits = {}
    for kind, points in series.items():
        long = [p for p in points.items() if p[0] >= 1024]
        fits[kind] = {"all": power_law(list(points.items())), "long": power_law(long) if len(long) > 1 else None}
    return {"fits": fits, "crossing": {
        "mixer": overtaking(series["pde"], series["attention"]),
        "mixer fresh": overtaking(series["pde fresh"], series["attention"]),
        "block": overtaking(series["pde block"], series["attention block"])}}


def measure(timed, threads, limit):
    rows, last, stopped = [], {}, {}
    for side in SIDES:
        kinds = []
        for kind in sorted(KINDS, reverse=True):  # three blocks before one: useless alone
            growth = 16 if kind.startswith("attention") else 5  # of four times as many tokens
            useless = kind.endswith(" 1") and kind[:-1] + "3" in stopped
            if kind not in stopped and (useless or last.get(kind, 0) * growth > limit):
                stopped[kind] = side * side
            if kind not in stopped:
                kinds.append(kind)
        seconds = measure_side(timed, threads, side, kinds)
        last = {kind: s["median"] for kind, s in seconds.items()}
        rows.append({"tokens": side * side, "seconds": seconds})
        print("%6d tokens, us per token:" % (side * side), ", ".join("%s %.3f" % (
            kind, 1e6 * s["median"] / side**2) for kind, s in seconds.items()), file=sys.stderr)
    return rows, stopped


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timed", required=True, type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=float, default=6, help="longest call, in seconds")
    parser.add_argument("--out")
    o = parser.parse_args()
    rows, stopped = measure(o.timed, o.threads, o.limit)
    result = {"source": ledger.source("python3 tools/measure/scaling.py"), "threads": o.threads,
              "width": 384, "limit_seconds": o.limit, "stopped_before": stopped, "rows": rows}
    result.update(evaluate(rows))
    if o.out:
        ledger.store(o.out, result)
    else:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
