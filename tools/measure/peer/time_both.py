# SPDX-License-Identifier: MIT
# time_both.py: times pdessm-cl and the PyTorch peer side by side, in alternating slices on the same
# threads: time_both.py --timed BUILD/tools/measure/timed [--only filter,forward,step,sample,memory]
#                       [--models NAME,..] [--out FILE.json]
#
# Run it with the Python that has PyTorch. A ratio is the time of PyTorch over ours, slice by slice.
import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import ledger  # noqa: E402
import measuring  # noqa: E402

ROUNDS = 5
HERE = pathlib.Path(__file__).resolve().parent
GRIDS = [(16, 64), (32, 16), (64, 4)]  # tokens a side, batch: 25 MB of 384 channels
# model: {pixels a side: batch}
MODELS = {
    "pde-nano/4": {32: 64, 64: 16}, "attn-nano/4": {32: 64, 64: 16},
    "pde-tiny/2": {32: 16, 64: 4}, "attn-tiny/2": {32: 16, 64: 4},
    "pde-s/2": {32: 8, 64: 2}, "attn-s/2": {32: 8, 64: 2},
}
# model: images drawn at once, steps of Heun's method (two evaluations each, with guidance)
SAMPLES = {"pde-nano/4": (64, 4), "attn-nano/4": (64, 4), "pde-tiny/2": (64, 1),
           "attn-tiny/2": (64, 1), "pde-s/2": (8, 1), "attn-s/2": (8, 1)}


def variants(o, model, side):
    """Layouts concern the transforms only; compiling takes a minute, so once for each model."""
    plain = "eager-first" if model.startswith("attn") else "eager-first,eager-last"
    return plain + (",compile-first" if o.compile and side == 32 else "")


def cases(o):
    """(task, model or None, size, batch, steps, variants), cheap ones first."""
    if "filter" in o.only:
        yield "gemm", None, 1024, 4096, 1, "eager-first"
    for task in ("filter", "filter-gradient"):
        for side, batch in GRIDS if "filter" in o.only else []:
            yield task, None, side, batch, 1, "eager-first,eager-last"
    for model in o.models:
        for side, batch in MODELS[model].items():
            for task in ("forward", "step"):
                if task in o.only and (side == 32 or task == "step"):
                    yield task, model, side, batch, 1, variants(o, model, side)
        if "sample" in o.only:
            images, steps = SAMPLES[model]
            yield "sample", model, 32, images, steps, variants(o, model, 32)


def both_workers(o, folder, task, model, side, batch, steps, choice):
    words = [task, "--size", "%dx%d" % (side, side), "--batch", batch, "--steps", steps,
             "--threads", o.threads]
    ours, theirs = [], []
    if model:
        file = folder / "model.safetensors"
        ours, theirs = ["--model", model, "--save", file], ["--model", file]
    yield "ours", measuring.Worker([o.timed] + words + ours)
    yield "peer", measuring.Worker([sys.executable, HERE / "worker.py"] + words + theirs +
                                   ["--variants", choice])


def measure(o, folder, case):
    task, model, side, batch, steps, _ = case
    workers = dict(both_workers(o, folder, *case))
    slices = measuring.alternate(workers, o.rounds, o.seconds)
    ready = workers["peer"].ready
    ends = {name: worker.end() for name, worker in workers.items()}
    return {"task": task, "model": model, "size": side, "batch": batch, "steps": steps,
            "torch": ends["peer"]["torch"], "variant": ready["variant"],
            "pilot_seconds": ready["pilot_seconds"],
            "ours_seconds": measuring.spread(slices["ours"]),
            "peer_seconds": measuring.spread(slices["peer"]),
            "ratio": measuring.ratios(slices, "peer", "ours")}


def measure_memory(o, folder, model):
    """Peak resident set of processes that train only, for a few steps."""
    side, batch = 32, MODELS[model][32]
    ends = {}
    for name, worker in both_workers(o, folder, "step", model, side, batch, 1, "eager-first"):
        worker.run(1)
        ends[name] = worker.end()
    peer = ends["peer"]
    return {"task": "memory", "model": model, "size": side, "batch": batch, "torch": peer["torch"],
            "ours_bytes": ends["ours"]["peak_bytes"], "peer_bytes": peer["peak_bytes"],
            "peer_import_bytes": peer["import_bytes"],
            "ratio": ends["ours"]["peak_bytes"] / peer["peak_bytes"],
            "ratio_without_import": ends["ours"]["peak_bytes"] /
                                    (peer["peak_bytes"] - peer["import_bytes"])}


def show(row):
    name = "%-16s %-12s %dx%d batch %-3d" % (row["task"], row["model"] or "", row["size"], row["size"],
                                            row["batch"])
    if row["task"] == "memory":
        text = "%6.0f MB ours, %6.0f MB PyTorch (%.0f MB after import): %.2f, without import %.2f" % (
            row["ours_bytes"] / 1e6, row["peer_bytes"] / 1e6, row["peer_import_bytes"] / 1e6,
            row["ratio"], row["ratio_without_import"])
    else:
        text = "%9.2f ms ours, %9.2f ms PyTorch %-13s ratio %.2f (%.2f..%.2f)" % (
            row["ours_seconds"]["median"] * 1e3, row["peer_seconds"]["median"] * 1e3, row["variant"],
            row["ratio"]["median"], row["ratio"]["low"], row["ratio"]["high"])
    print(name, text, file=sys.stderr, flush=True)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timed", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="filter,forward,step,sample,memory",
                        type=lambda s: s.split(","))
    parser.add_argument("--models", default=list(MODELS), type=lambda s: s.split(","))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=0.7, help="of one slice")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--out")
    return parser.parse_args()


def main():
    o = parse()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for case in cases(o):
            rows.append(measure(o, pathlib.Path(name), case))
            show(rows[-1])
        for model in o.models if "memory" in o.only else []:
            rows.append(measure_memory(o, pathlib.Path(name), model))
            show(rows[-1])
    result = {"source": ledger.source("python3 tools/measure/peer/time_both.py"),
              "torch": rows[0]["torch"], "threads": o.threads, "rounds": o.rounds, "rows": rows}
    if o.out:
        ledger.store(o.out, result)
    else:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
