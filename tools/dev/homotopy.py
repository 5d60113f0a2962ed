#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# homotopy.py: measures what docs/homotopy.md shows: tools/dev/homotopy.py PROGRAM [PART..]. Every run
# of `optimize` is kept under its arguments in docs/homotopy/PART.json as soon as it has ended, and is
# not made again: an interrupted measurement goes on where it was. homotopy_page.py writes the page.
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "homotopy"
METHODS = ["pgho", "pgho-free", "pgho-grad", "gh", "gd", "adam", "lbfgs", "sa", "cmaes", "ipop"]
FUNCTIONS = ["ackley", "rastrigin", "griewank", "levy", "alpine1", "styblinski-tang", "schwefel"]
SEED = 1  # defaults were chosen on seed 0
# Without further descents, which here have at most 5 % of the budget: the homotopy alone is compared.
ABLATIONS = {
    "as it is": [],
    "lambda = sigma^2": ["--lambda", "coupled"],
    "lambda by schedule alone": ["--lambda", "schedule"], "no polish": ["--polish", "0"],
    "no antithetic pairs": ["--no-antithetic"], "sigma falls linearly": ["--sigma-power", "1"],
    "64 samples": ["--samples", "64"], "half as wide a start": ["--sigma", "0.5"],
    "effective samples 3 to 10 %": ["--ess-least", "0.03", "--ess-most", "0.1"],
}


def tests(dimension, starts=50):
    return [["--problem", f, "--dim", dimension, "--methods", m, "--starts", starts]
            for m in METHODS for f in FUNCTIONS]


# 200 unknowns are too many for 50 clouds to say much: few samples, many steps, a long descent after.
# pgho needs no such settings: what it keeps for L-BFGS goes by the evaluations for each unknown.
GRADUAL = ["--samples", 8, "--sigma", 0.2, "--step", "adam", "--polish", 0.3]
SPARSE_METHODS = [("pgho", []), ("pgho-grad", GRADUAL), ("gh", GRADUAL), ("lbfgs", []), ("gd", [])]
# In one of the four cases.
SPARSE_REST = [("pgho", ["--restarts", 0]), ("adam", []), ("sa", []), ("cmaes", [])]


# x^2 / (x^2 + e^2) is flat beyond e, so that a search from anywhere needs a wider one.
PENALTY = {"sparse-log": [], "sparse-ratio": ["--penalty", 0.02, "--penalty-width", 0.2]}


def sparse():
    return [["--problem", kind, "--dim", 200, "--methods", method, "--starts", 50, "--budget", 4000,
             "--measurements", m, "--nonzeros", nonzeros] + more + PENALTY[kind]
            for kind, m in (("sparse-log", 80), ("sparse-ratio", 80), ("sparse-log", 60),
                            ("sparse-log", 100))
            for nonzeros in (5, 10, 15, 20, 25)
            for method, more in SPARSE_METHODS + (SPARSE_REST if (kind, m) == ("sparse-log", 80) else [])]


# The last one is a single descent from no shift at all; with more it would begin again elsewhere.
CDR_METHODS = [("pgho", 1000), ("pgho-grad", 1000), ("gh", 1000), ("cmaes", 1000), ("lbfgs", 1000),
               ("lbfgs", 120)]


def cdr():
    return [["--problem", "cdr", "--methods", m, "--starts", 50, "--budget", budget, "--shift", shift]
            for shift in (0.05, 0.1, 0.15, 0.2, 0.25) for m, budget in CDR_METHODS]


def ablation():
    return [["--problem", ",".join(FUNCTIONS), "--methods", "pgho", "--starts", 50, "--restarts", 0] + change
            for change in ABLATIONS.values()]


def budgets():
    """A homotopy goes by the budget it is given: 20,000 is in d10."""
    return [["--problem", ",".join(FUNCTIONS), "--methods", "pgho", "--starts", 50, "--budget", budget]
            for budget in (2500, 5000, 10000)]


PARTS = {"d10": lambda: tests(10), "ablation": ablation, "budgets": budgets, "cdr": cdr,
         "sparse": sparse,
         "d50": lambda: tests(50), "d100": lambda: tests(100), "d2": lambda: tests(2)}


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        names = [line.split(":")[1].strip() for line in f if line.startswith("model name")]
    return "%s, %s" % (names[0] if names else platform.processor(), platform.system())


def store(path, kept):
    """A line for each run."""
    rest = {key: value for key, value in kept.items() if key != "runs"}
    runs = ["%s: %s" % (json.dumps(key), json.dumps(run, sort_keys=True))
            for key, run in sorted(kept["runs"].items())]
    new = path.with_suffix(".new")
    new.write_text("{%s, \"runs\": {\n%s\n}}\n" % (json.dumps(rest, sort_keys=True)[1:-1], ",\n".join(runs)),
                   encoding="ascii")
    os.replace(new, path)


def short(value):
    """Six digits say all that a page shows."""
    if isinstance(value, float):
        return float("%.6g" % value)
    if isinstance(value, list):
        return [short(v) for v in value]
    return {k: short(v) for k, v in value.items()} if isinstance(value, dict) else value


def slim(row):
    """Without the effective sample size over time of a method that has none."""
    return row if any(row["effective"]["share"]) else {k: v for k, v in row.items() if k != "effective"}


class Bar:
    """Runs done out of all, and the time that the rest will take at the pace so far, on stderr."""

    def __init__(self, runs, before):
        self.runs, self.before, self.made, self.begin = runs, before, 0, time.monotonic()
        self.end = "\r" if sys.stderr.isatty() else "\n"

    def show(self, what):
        done = self.before + self.made
        left = "?"
        if self.made:
            seconds = int((time.monotonic() - self.begin) / self.made * (self.runs - done))
            left = "%d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
        filled = 20 * done // max(1, self.runs)
        print("[%s%s] %d/%d, %s left: %-80.80s" % ("#" * filled, "." * (20 - filled), done, self.runs, left,
                                                   what), end=self.end, file=sys.stderr, flush=True)


def load(part):
    path = FOLDER / (part + ".json")
    return json.loads(path.read_text(encoding="ascii")) if path.exists() else {"runs": {}}


def keys(part):
    return [" ".join(map(str, arguments)) for arguments in PARTS[part]()]


def measure(program, part, bar):
    kept = load(part)
    for key in keys(part):
        if key in kept["runs"]:
            continue
        bar.show(part + " " + key)
        answer = subprocess.run(
            [program, "optimize", "--device", "cpu", "--threads", "1", "--seed", str(SEED), "--quiet",
             "--format", "json"] + key.split(), stdout=subprocess.PIPE, check=True,
            env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))
        result = json.loads(answer.stdout)
        kept["runs"][key] = short([slim(row) for row in result["rows"]])
        kept.update(machine=machine(), program=result["program"])
        store(FOLDER / (part + ".json"), kept)
        bar.made += 1


def main():
    if len(sys.argv) < 2 or any(p not in PARTS for p in sys.argv[2:]):
        sys.exit("homotopy.py: expected PROGRAM and parts out of: " + " ".join(PARTS))
    FOLDER.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[2:] or list(PARTS)
    there = [key in load(part)["runs"] for part in parts for key in keys(part)]
    bar = Bar(len(there), sum(there))
    try:
        for part in parts:
            measure(sys.argv[1], part, bar)
    except KeyboardInterrupt:
        sys.exit("\nhomotopy.py: interrupted; what has ended is kept, the same command goes on")
    bar.show("done")
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
