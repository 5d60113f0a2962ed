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

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "homotopy"
METHODS = ["pgho", "pgho-free", "pgho-grad", "gh", "gd", "adam", "lbfgs", "sa", "cmaes", "ipop"]
FUNCTIONS = ["ackley", "rastrigin", "griewank", "levy", "alpine1", "styblinski-tang", "schwefel"]
SEED = 1  # defaults were chosen on seed 0
ABLATIONS = {
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
GRADUAL = ["--samples", 8, "--sigma", 0.2, "--step", "adam", "--polish", 0.3]
SPARSE_METHODS = {"pgho": ["--sigma", 0.1, "--polish", 0.9], "pgho-grad": GRADUAL, "gh": GRADUAL,
                  "lbfgs": [], "gd": []}


# x^2 / (x^2 + e^2) is flat beyond e, so that a search from anywhere needs a wider one.
PENALTY = {"sparse-log": [], "sparse-ratio": ["--penalty", 0.02, "--penalty-width", 0.2]}


def sparse():
    return [["--problem", kind, "--dim", 200, "--methods", method, "--starts", 50, "--budget", 4000,
             "--measurements", m, "--nonzeros", nonzeros] + more + PENALTY[kind]
            for kind, m in (("sparse-log", 80), ("sparse-ratio", 80), ("sparse-log", 60),
                            ("sparse-log", 100))
            for nonzeros in (5, 10, 15, 20, 25) for method, more in SPARSE_METHODS.items()]


# The last one is a single descent from no shift at all; with more it would begin again elsewhere.
CDR_METHODS = [("pgho", 1000), ("pgho-grad", 1000), ("gh", 1000), ("cmaes", 1000), ("lbfgs", 1000),
               ("lbfgs", 120)]


def cdr():
    return [["--problem", "cdr", "--methods", m, "--starts", 50, "--budget", budget, "--shift", shift]
            for shift in (0.05, 0.1, 0.15, 0.2, 0.25) for m, budget in CDR_METHODS]


def ablation():
    return [["--problem", ",".join(FUNCTIONS), "--methods", "pgho", "--starts", 50] + change
            for change in ABLATIONS.values()]


PARTS = {"d10": lambda: tests(10), "ablation": ablation, "cdr": cdr, "sparse": sparse,
         "d50": lambda: tests(50), "d100": lambda: tests(100), "d2": lambda: tests(2)}


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        names = [line.split(":")[1].strip() for line in f if line.startswith("model name")]
    return "%s, %s" % (names[0] if names else platform.processor(), platform.system())


def store(path, kept):
    new = path.with_suffix(".new")
    new.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n", encoding="ascii")
    os.replace(new, path)


def short(value):
    """Six digits say all that a page shows."""
    if isinstance(value, float):
        return float("%.6g" % value)
    if isinstance(value, list):
        return [short(v) for v in value]
    return {k: short(v) for k, v in value.items()} if isinstance(value, dict) else value


def measure(program, part):
    path = FOLDER / (part + ".json")
    kept = json.loads(path.read_text(encoding="ascii")) if path.exists() else {"runs": {}}
    runs = PARTS[part]()
    for number, arguments in enumerate(runs, 1):
        key = " ".join(map(str, arguments))
        if key in kept["runs"]:
            continue
        print("%s %d/%d: %s" % (part, number, len(runs), key), file=sys.stderr, flush=True)
        answer = subprocess.run(
            [program, "optimize", "--device", "cpu", "--threads", "1", "--seed", str(SEED), "--quiet",
             "--format", "json"] + key.split(), stdout=subprocess.PIPE, check=True,
            env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))
        result = json.loads(answer.stdout)
        kept["runs"][key] = short(result["rows"])
        kept.update(machine=machine(), program=result["program"])
        store(path, kept)


def main():
    if len(sys.argv) < 2 or any(p not in PARTS for p in sys.argv[2:]):
        sys.exit("homotopy.py: expected PROGRAM and parts out of: " + " ".join(PARTS))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for part in sys.argv[2:] or PARTS:
        measure(sys.argv[1], part)


if __name__ == "__main__":
    main()
