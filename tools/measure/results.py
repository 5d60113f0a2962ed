# SPDX-License-Identifier: MIT
# results.py: trains, samples and judges what docs/results/training.md shows, and writes that page: the one place
# where its figures come from. Hours on two cores; after an interruption it resumes.
#
#   python3 tools/measure/results.py [--program build/pdessm-cl] [--folder build-results] [PART ...]
#   python3 tools/measure/results.py page [--check]
#
# Parts, in this order unless named: classifier rates mixers speed annealed finer precondition coupling
# ablation transfer pictures page. Each stores docs/results/training/PART.json.
import argparse
import concurrent.futures
import csv
import json
import pathlib
import shutil
import subprocess
import sys
import threading

import ledger
import measuring
import page
import results_page
import results_plan as plan
from ledger import ROOT

STORE = ROOT / "docs/results/training"
CLASSIFIER = "classifier/pde"  # whose features the metrics use


# What an answer of eval says about this run of it, not about the samples.
PASSING = ("device", "driver", "program", "samples", "features", "seed", "spectrum", "spectrum_reference")


class Interrupted(Exception):
    pass


class Laboratory:
    """The program, the folder of runs, and as many runs at a time as there are lanes."""

    def __init__(self, options):
        self.program, self.folder = pathlib.Path(options.program).resolve(), pathlib.Path(options.folder)
        self.lanes, self.lock, self.stopped = options.lanes, threading.Lock(), False
        self.folder.mkdir(parents=True, exist_ok=True)

    def say(self, text):
        with self.lock:
            print("results.py: " + text, file=sys.stderr, flush=True)

    def call(self, *arguments, threads=1):
        """Runs the program; its JSON."""
        if self.stopped:
            raise Interrupted
        words = [str(self.program), *map(str, arguments), "--device", "cpu", "--threads", str(threads),
                 "--quiet", "--format", "json"]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode == 130:
            raise Interrupted
        if done.returncode != 0:
            raise RuntimeError("%s exited with %d: %s" % (" ".join(words), done.returncode,
                                                          done.stderr.strip()))
        return json.loads(done.stdout)

    def train(self, name, arguments, steps):
        """Starts a run or resumes it; nothing is left to do when its last checkpoint is there."""
        folder = self.folder / name
        if (folder / ("step-%08d" % steps)).is_dir():
            return folder
        if (folder / "config.yaml").exists():
            self.call("train", "--resume", folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            self.call("train", *arguments, "--out", folder)
        return folder

    def judge(self, model, key, sampling, evaluating=(), count=plan.SAMPLES):
        """The metrics of `count` samples of a model, kept in the run's folder under `key`."""
        kept = model.parent / "judged" / (model.name + "-" + key + ".json")
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            samples, drawn = kept.with_suffix(".npz"), kept.with_suffix(".drawn")
            if not drawn.exists():
                ledger.store(drawn, self.call("sample", "--model", model, "--n", count, "--seed", 1,
                                                 "-o", samples, *sampling))
            result = self.call("eval", "--samples", samples, "--reference", "fashion-mnist",
                               "--classifier", self.folder / CLASSIFIER, "--seed", 1, *evaluating)
            drawing = json.loads(drawn.read_text(encoding="utf-8"))
            result["evaluations"] = drawing["evaluations"]
            result["seconds"] += drawing["seconds"]
            ledger.store(kept, result)
        row = json.loads(kept.read_text(encoding="utf-8"))
        return {key: value for key, value in row.items() if key not in PASSING}

    def experiment(self, run):
        """Trains a run and judges its checkpoints: one row for each and each solver."""
        folder = self.train(run.name, run.command(), run.steps)
        self.say(run.name + " is trained")
        rows = []
        for step in run.at:
            for solver in run.solvers:
                key = "".join(solver).replace("--", "-")
                judged = self.judge(folder / ("step-%08d" % step), key, solver, run.evaluating,
                                    run.count)
                rows.append({**judged, "run": run.name, "variant": run.variant, "seed": run.seed,
                             "step": step, "solver": solver})
        self.say(run.name + " is judged")
        return rows

    def all(self, work, items):
        """work(item) of all items, in lanes; stops at the first error."""
        with concurrent.futures.ThreadPoolExecutor(self.lanes) as pool:
            futures = [pool.submit(work, item) for item in items]
            try:
                return [future.result() for future in futures]
            except BaseException:
                self.stopped = True
                pool.shutdown(wait=True, cancel_futures=True)
                raise


def mean_loss(folder, last):
    """Mean training loss from the log over its last steps; None when it is not finite."""
    rows = table_of(folder / "log.csv")
    losses = [float(row["loss"]) for row in rows if int(row["step"]) > int(rows[-1]["step"]) - last]
    mean = sum(losses) / len(losses)
    return mean if mean == mean else None


# ---------------------------------------------------------------------- the parts


def classifier(lab):
    def one(mixer):
        folder = lab.folder / "classifier" / mixer
        if not (folder / "result.json").exists():
            words = ["--resume", folder] if (folder / "config.yaml").exists() else [
                *plan.classifiers()[mixer], "--seed", 0, "--out", folder]
            ledger.store(folder / "result.json", lab.call("train", *words))
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        info = lab.call("info", folder)
        return {"mixer": mixer, "parameters": info["parameters"],
                "test_accuracy": result["test_accuracy"], "steps": result["steps"],
                "seconds": result.get("seconds")}
    return {"rows": lab.all(one, plan.classifiers())}


def rates(lab):
    def one(run):
        folder = lab.folder / run.name
        try:
            lab.train(run.name, run.command(), run.steps)
        except RuntimeError as error:  # too fast a rate may well end in infinity: that is its result
            lab.say(str(error))
            return None
        return mean_loss(folder, run.steps // 3)
    runs = plan.rates()
    rows = [{"mixer": run.variant.split("-")[0], "rate": run.variant.split("-", 1)[1], "loss": loss}
            for run, loss in zip(runs, lab.all(one, runs))]
    return {"rows": rows, "best": {mixer: min(
        (row for row in rows if row["mixer"] == mixer and row["loss"] is not None),
        key=lambda row: row["loss"])["rate"] for mixer in plan.MIXERS}}


def stored(part):
    return ledger.load(STORE, part)


def table_of(path):
    """Rows of a CSV file as dictionaries."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judged(lab, runs):
    """The rows of all runs, and the core hours that they took: one thread each."""
    rows = [row for rows in lab.all(lab.experiment, runs) for row in rows]
    seconds = sum(float(table_of(lab.folder / run.name / "log.csv")[-1]["wall_seconds"])
                  for run in {run.name: run for run in runs}.values())
    return {"rows": rows, "hours": (seconds + sum(row["seconds"] for row in rows)) / 3600}


def work(lab, variants):
    """Parameters and floating point operations of each variant's model."""
    out = {}
    for variant, folder in variants.items():
        info = lab.call("info", lab.folder / folder)
        out[variant] = {"parameters": info["parameters"],
                        "step_flops": info["memory_to_train"]["flops"] / info["batch"],
                        "evaluation_flops": info["memory_to_sample"]["flops"] / info["batch"]}
    return out


def mixers(lab):
    return {**judged(lab, plan.mixers(stored("rates")["best"])), "rates": stored("rates")["best"],
            "models": work(lab, {mixer: "mixers/%s-seed0" % mixer for mixer in plan.MIXERS})}


def annealed(lab):
    return judged(lab, plan.annealed(stored("rates")["best"]))


def finer(lab):
    return judged(lab, plan.finer(stored("rates")["best"]))


def in_turn(lab, commands, rounds):
    """Seconds of a training step of each command, all in turn, on all threads."""
    seconds = {name: [] for name in commands}
    for r in range(rounds):
        for name in list(commands)[::-1 if r % 2 else 1]:
            seconds[name].append(step_seconds(lab, commands[name], name, plan.THREADS))
    return {"seconds": {name: measuring.spread(values) for name, values in seconds.items()},
            "over_pde": {name: measuring.ratios(seconds, name, "pde") for name in seconds}}


def speed(lab):
    """Training steps of all mixers at 196 tokens, and of two at four times as many."""
    runs = {run.variant: run for run in plan.mixers(stored("rates")["best"]) if run.seed == 0}
    finer = {mixer: runs[mixer].command(12) + plan.FINER_SIZE
             for mixer in ("pde", "attn")}
    return {"threads": plan.THREADS, "batch": plan.BATCH,
            **in_turn(lab, {mixer: run.command(60) for mixer, run in runs.items()}, 5),
            "finer": in_turn(lab, finer, 3)}


def step_seconds(lab, arguments, name, threads):
    """Seconds of a training step, over the last third of a short run."""
    steps = int(arguments[arguments.index("--steps") + 1])
    folder = lab.folder / "speed" / name
    shutil.rmtree(folder, ignore_errors=True)
    lab.call("train", *arguments, "--log-every", steps // 3, "--out", folder, threads=threads)
    return plan.BATCH / float(table_of(folder / "log.csv")[-1]["images_per_second"])


def fits(lab):
    """What fitting each map costs on one thread, in training steps measured beside it."""
    def trained(steps):
        folder = lab.folder / "speed/plain"
        shutil.rmtree(folder, ignore_errors=True)
        return measuring.child_seconds(
            lambda: lab.call("train", *plan.plain(0).command(steps), "--out", folder))

    out = {}
    for kind in plan.MAPS:
        step = (trained(60) - trained(10)) / 50
        out[kind] = measuring.child_seconds(
            lambda: lab.call("precondition", "fit", "--kind", kind, "--data", "fashion-mnist", "-o",
                             lab.folder / "speed/map.safetensors")) / step
    return out


def diagnostics(lab, run):
    """Condition numbers before and after the map of a run, and the errors per band of its end."""
    folder = lab.folder / "diagnostics" / plan.file_name(run.variant)
    if not (folder / "bands.csv").exists():
        lab.call("precondition", "report", "--data", "fashion-mnist", "--model", lab.folder / run.name,
                 "--limit", 10000, "-o", folder)
    bands = table_of(folder / "bands.csv")
    last = [row for row in bands if row["step"] == bands[-1]["step"]]
    return {"summary": table_of(folder / "summary.csv"), "bands": last}


def precondition(lab):
    first = [run for run in plan.precondition() if run.seed == 0]
    runs = plan.precondition() + [plan.alone(kind) for kind in plan.MAPS]
    return {**judged(lab, runs), "fit_steps": fits(lab),
            "diagnostics": {run.variant: diagnostics(lab, run) for run in first}}


def coupling(lab):
    first = judged(lab, plan.coupling())
    second = judged(lab, plan.reflow(lab.folder))
    return {key: first[key] + second[key] for key in first}


PICTURES = 40  # four of each class


def picture(lab, name, model, sampling):
    """A grid of samples on the page; the same noise for all."""
    path = STORE / (name + ".png")
    lab.call("sample", "--model", lab.folder / model, "--n", PICTURES, "--seed", 1, "-o", path, *sampling)
    return path.name


def pictures(lab):
    """Samples of the first seed's models."""
    out = {}

    def show(part, run, step, name, sampling):
        model = "%s/step-%08d" % (run.name, step)
        if run.seed == 0 and not (lab.folder / model).is_dir():
            lab.say("no picture of %s: it is not trained yet" % model)
        elif run.seed == 0:
            name = plan.file_name(name)
            out.setdefault(part, {})[name] = picture(lab, "%s-%s" % (part, name), model, sampling)
    for run in plan.mixers(stored("rates")["best"]):
        show("mixers", run, run.steps, run.variant, plan.SOLVER)
        if run.variant in plan.TRANSFERRED:
            show("transfer", run, run.steps, run.variant, plan.SOLVER + plan.FINER_GRID)
    for run in plan.precondition():
        if run.variant in plan.SHOWN_MAPS:
            show("precondition", run, run.at[0], run.variant, plan.SOLVER)
    for run in plan.coupling() + plan.reflow(lab.folder):
        for count in (1, 2, 4) if run.variant in plan.SHOWN_COUPLINGS else ():
            show("coupling", run, run.at[0], "%s-%d" % (run.variant, count), plan.few(count))
    return {"files": out}


def ablation(lab):
    return judged(lab, plan.ablation())


def transfer(lab):
    """The models of `mixers` on twice as fine a grid of tokens, and on their own."""
    def one(job):
        mixer, seed, size = job
        model = lab.folder / ("mixers/%s-seed%d/step-%08d" % (mixer, seed, plan.WIDE_STEPS))
        sampling = plan.SOLVER + (["--size", size] if size else [])
        judged_ = lab.judge(model, "transfer-%s" % (size or "own"), sampling,
                            plan.AT_28 if size else (), plan.FINER_SAMPLES)
        return {**judged_, "variant": mixer, "seed": seed, "size": size}
    jobs = [(mixer, seed, size) for mixer in plan.TRANSFERRED for seed in plan.FEWER
            for size in (None, plan.FINER_GRID[1])]
    return {"rows": lab.all(one, jobs)}


PARTS = {part.__name__: part for part in (classifier, rates, mixers, speed, annealed, finer,
                                          precondition, coupling, ablation, transfer, pictures)}


def command_line(script, parts, store, make_page, lanes):
    """Does what the arguments of this script, or of one like it, ask for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--program", default=ROOT / "build/pdessm-cl")
    parser.add_argument("--folder", default=ROOT / "build-results", help="where the runs are kept")
    parser.add_argument("--lanes", type=int, default=lanes, help="runs at a time, a thread each")
    parser.add_argument("--check", action="store_true", help="page: only compare")
    options = parser.parse_args()
    for name in options.parts or [*parts, "page"]:
        if name == "page":
            continue
        if name not in parts:
            parser.error("no part '%s'; expected %s or page" % (name, ", ".join(parts)))
        lab = Laboratory(options)
        lab.say("part " + name)
        try:
            result = parts[name](lab)
        except (Interrupted, KeyboardInterrupt):
            sys.exit(130)
        ledger.store(store / (name + ".json"), {
            "source": ledger.source("python3 tools/measure/%s %s" % (script, name)), **result})
    if not options.parts or "page" in options.parts:
        page.write(make_page(ledger.load_all(store)), script + " page", options.check)


if __name__ == "__main__":
    command_line("results.py", PARTS, STORE, results_page.make, plan.THREADS)
