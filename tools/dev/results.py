# SPDX-License-Identifier: MIT
# results.py: trains, samples and judges what docs/results.md shows, and writes that page: the one place
# where its figures come from. Hours on two cores; it can be interrupted and goes on where it was.
#
#   python3 tools/dev/results.py [--program build/pdessm-cl] [--folder build-results] [PART ...]
#   python3 tools/dev/results.py page [--check]
#
# Parts, in this order unless named: classifier rates mixers speed precondition coupling ablation
# transfer page. Each stores docs/results/PART.json.
import argparse
import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import sys
import threading

import measuring
import results_page
import results_plan as plan
from measuring import ROOT

STORE = ROOT / "docs/results"
CLASSIFIER = "classifier/pde"  # whose features the metrics use


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
        """Begins a run or goes on with it; nothing is left to do when its last checkpoint is there."""
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
                measuring.store(drawn, self.call("sample", "--model", model, "--n", count, "--seed", 1,
                                                 "-o", samples, *sampling))
            result = self.call("eval", "--samples", samples, "--reference", "fashion-mnist",
                               "--classifier", self.folder / CLASSIFIER, "--seed", 1, *evaluating)
            for name in ("device", "driver", "program", "spectrum", "spectrum_reference"):
                result.pop(name, None)
            result["evaluations"] = json.loads(drawn.read_text(encoding="utf-8"))["evaluations"]
            measuring.store(kept, result)
        return json.loads(kept.read_text(encoding="utf-8"))

    def experiment(self, run):
        """Trains a run and judges its checkpoints: one row for each and each solver."""
        folder = self.train(run.name, run.command(), run.steps)
        self.say(run.name + " is trained")
        rows = []
        for step in run.at:
            for solver in run.solvers:
                key = "".join(solver).replace("--", "-")
                judged = self.judge(folder / ("step-%08d" % step), key, solver)
                rows.append({"run": run.name, "variant": run.variant, "seed": run.seed, "step": step,
                             "solver": solver, **judged})
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
    lines = (folder / "log.csv").read_text(encoding="utf-8").splitlines()
    head = lines[0].split(",")
    rows = [dict(zip(head, map(float, line.split(",")))) for line in lines[1:]]
    losses = [row["loss"] for row in rows if row["step"] > rows[-1]["step"] - last]
    mean = sum(losses) / len(losses)
    return mean if mean == mean else None


# ---------------------------------------------------------------------- the parts


def classifier(lab):
    def one(mixer):
        folder = lab.folder / "classifier" / mixer
        if not (folder / "result.json").exists():
            words = ["--resume", folder] if (folder / "config.yaml").exists() else [
                *plan.classifiers()[mixer], "--seed", 0, "--out", folder]
            measuring.store(folder / "result.json", lab.call("train", *words))
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        info = lab.call("info", folder)
        return {"mixer": mixer, "parameters": info["parameters"],
                "test_accuracy": result["test_accuracy"], "steps": result["step"],
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
    return json.loads((STORE / (part + ".json")).read_text(encoding="utf-8"))


def judged(lab, runs):
    return [row for rows in lab.all(lab.experiment, runs) for row in rows]


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
    rows = judged(lab, plan.mixers(stored("rates")["best"]))
    return {"rows": rows, "rates": stored("rates")["best"],
            "models": work(lab, {mixer: "mixers/%s-seed0" % mixer for mixer in plan.MIXERS})}


def speed(lab):
    """Seconds of a training step, all mixers in turn in a quiet machine, both threads."""
    rates_of = stored("rates")["best"]
    runs = {run.variant: run for run in plan.mixers(rates_of) if run.seed == 0}
    seconds = {mixer: [] for mixer in runs}
    for r in range(5):
        for mixer in list(runs)[::-1 if r % 2 else 1]:
            folder = lab.folder / "speed" / mixer
            shutil.rmtree(folder, ignore_errors=True)
            words = runs[mixer].command()
            words[words.index("--steps") + 1] = "60"
            lab.call("train", *words, "--log-every", 20, "--out", folder, threads=plan.THREADS)
            lines = (folder / "log.csv").read_text(encoding="utf-8").splitlines()
            column = lines[0].split(",").index("images_per_second")
            seconds[mixer].append(plan.BATCH / float(lines[-1].split(",")[column]))
    return {"threads": plan.THREADS, "batch": plan.BATCH,
            "seconds": {mixer: measuring.spread(values) for mixer, values in seconds.items()},
            "over_pde": {mixer: measuring.ratios(seconds, mixer, "pde") for mixer in seconds}}


def precondition(lab):
    return {"rows": judged(lab, plan.precondition())}


def coupling(lab):
    rows = judged(lab, plan.coupling())
    return {"rows": rows + judged(lab, plan.reflow(lab.folder))}


def ablation(lab):
    return {"rows": judged(lab, plan.ablation())}


def transfer(lab):
    """The models of `mixers` on twice as fine a grid of tokens, and on their own."""
    def one(job):
        mixer, seed, size = job
        model = lab.folder / ("mixers/%s-seed%d/step-%08d" % (mixer, seed, plan.WIDE_STEPS))
        sampling = plan.SOLVER + (["--size", size] if size else [])
        evaluating = ["--image-size", "28x28", "--fit", "resize"] if size else []
        judged_ = lab.judge(model, "transfer-%s" % (size or "own"), sampling, evaluating, count=500)
        return {"variant": mixer, "seed": seed, "size": size, **judged_}
    jobs = [(mixer, seed, size) for mixer in ("pde", "attn", "conv") for seed in plan.SEEDS
            for size in (None, "56x56")]
    return {"rows": lab.all(one, jobs)}


PARTS = {part.__name__: part for part in (classifier, rates, mixers, speed, precondition, coupling,
                                          ablation, transfer)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--program", default=ROOT / "build/pdessm-cl")
    parser.add_argument("--folder", default=ROOT / "build-results", help="where the runs are kept")
    parser.add_argument("--lanes", type=int, default=plan.THREADS, help="runs at a time, a thread each")
    parser.add_argument("--check", action="store_true", help="page: only compare")
    options = parser.parse_args()
    for name in options.parts or [*PARTS, "page"]:
        if name == "page":
            continue
        if name not in PARTS:
            parser.error("no part '%s'; expected %s or page" % (name, ", ".join(PARTS)))
        lab = Laboratory(options)
        lab.say("part " + name)
        try:
            result = PARTS[name](lab)
        except (Interrupted, KeyboardInterrupt):
            sys.exit(130)
        measuring.store(STORE / (name + ".json"), {
            "source": measuring.source("python3 tools/dev/results.py " + name), **result})
    if not options.parts or "page" in options.parts:
        sys.exit(0 if results_page.write(STORE, options.check) else 5)


if __name__ == "__main__":
    main()
