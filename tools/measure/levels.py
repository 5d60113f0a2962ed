# SPDX-License-Identifier: MIT
# levels.py: trains, judges and measures what docs/results/multiscale-images.md shows, and writes that page. It
# shares the folder of runs with results.py, whose single-scale runs and classifier it uses, and
# resumes after an interruption.
#
#   python3 tools/measure/levels.py [--program build/pdessm-cl] [--folder build-results] [PART ...]
#   python3 tools/measure/levels.py page [--check]
#
# Parts, in this order unless named: single coarse-to-fine annealed mge seconds variance page. Each stores
# docs/results/levels/PART.json.
import json
import pathlib
import shutil
import subprocess

import levels_page
import levels_plan as plan
import measuring
import results
import results_plan
from ledger import ROOT

STORE = ROOT / "docs/results/levels"


def flops(rows, until):
    """Floating point operations of the steps up to one, from the lines of a multiscale log."""
    total, before = 0.0, 0
    for row in rows:
        if int(row["step"]) <= until:
            total += (int(row["step"]) - before) * float(row["step_flops"])
            before = int(row["step"])
    return total


def method_of(run):
    """The annealed runs are compared with each other only, so that their methods have the same names."""
    return run.variant.removesuffix("-annealed") if run.place == "images" else "single-scale"


def judge(lab, run, steps):
    """A row for each checkpoint of a run, which is trained if it is not there. Every run's way of
    sampling is results.py's, so what that has judged already is not judged again."""
    folder = lab.train(run.name, run.command(), run.steps)
    key = "".join(run.solvers[0]).replace("--", "-")
    lab.say(run.name + " is trained")
    rows = [{**lab.judge(folder / ("step-%08d" % step), key, run.solvers[0]),
             "method": method_of(run), "seed": run.seed, "step": step}
            for step in steps]
    lab.say(run.name + " is judged")
    return rows, folder


def quality(lab, runs, step_flops=None):
    """Rows of all these runs, with the floating point operations done up to each."""
    rows = []
    for run in runs:
        judged, folder = judge(lab, run, run.at)
        for row in judged:
            row["flops"] = row["step"] * step_flops if step_flops else flops(
                results.table_of(folder / "log.csv"), row["step"])
        rows += judged
    return {"rows": rows}


def full_quality(lab, runs):
    """Frechet distance and its like of runs of results.py."""
    lab.train(runs[0].name, runs[0].command(), runs[0].steps)
    info = lab.call("info", lab.folder / runs[0].name)
    step_flops = info["memory_to_train"]["flops"] / info["batch"] * results_plan.BATCH
    return {"parameters": info["parameters"], **quality(lab, runs, step_flops)}


def single(lab):
    return full_quality(lab, plan.full())


def coarse_to_fine(lab):
    return {"coarse_steps": plan.COARSE_STEPS, **quality(lab, plan.coarse_to_fine())}


def annealed(lab):
    full, levels = full_quality(lab, plan.annealed_full()), quality(lab, plan.annealed())
    return {"coarse_steps": plan.ANNEALED_COARSE, "rows": full["rows"] + levels["rows"],
            "trials": quality(lab, plan.trials())["rows"]}


def mge(lab):
    return {"batch": plan.MGE_BATCH, **quality(lab, plan.mge())}


def seconds(lab):
    """CPU seconds of a step of each kind on one thread: a longer run less a shorter one, all kinds in
    turn."""
    def spent(kind, steps):
        folder = lab.folder / "levels-speed" / kind
        shutil.rmtree(folder, ignore_errors=True)
        return measuring.child_seconds(
            lambda: lab.call("train", *plan.timed(steps)[kind], "--out", folder))

    few, many = plan.TIMED_STEPS
    slices = {kind: [] for kind in plan.timed(few)}
    for r in range(plan.TIMED_ROUNDS):
        for kind in list(slices)[::-1 if r % 2 else 1]:
            slices[kind].append((spent(kind, many) - spent(kind, few)) / (many - few))
    return {"threads": 1, "seconds": {k: measuring.spread(v) for k, v in slices.items()},
            "over_full": {k: measuring.ratios(slices, k, "full") for k in slices}}


def variance(lab):
    """Scatter of the estimator's terms, for single-scale networks early and late."""
    tool = pathlib.Path(lab.program).parent / "tools/measure/level_variance"
    rows = []
    for run in plan.full():
        for step in plan.VARIANCE_STEPS:
            checkpoint = lab.folder / run.name / ("step-%08d" % step)
            words = [tool, checkpoint, "fashion-mnist", plan.LEVELS, plan.VARIANCE_BATCH,
                     plan.VARIANCE_REPEATS]
            done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr.strip())
            rows += [{"seed": run.seed, "step": step, **row} for row in json.loads(done.stdout)]
    return {"rows": rows, "batch": plan.VARIANCE_BATCH, "repeats": plan.VARIANCE_REPEATS}


PARTS = {part.__name__.replace("_", "-"): part
         for part in (single, coarse_to_fine, annealed, mge, seconds, variance)}


if __name__ == "__main__":
    results.command_line("levels.py", PARTS, STORE, levels_page.make, 1)
