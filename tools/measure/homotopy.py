#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# homotopy.py: measures what docs/results/homotopy.md shows: tools/measure/homotopy.py PROGRAM [PART..]. Every run
# of `optimize` is kept under its arguments in docs/results/homotopy/PART.json as soon as it has ended, and is
# not made again: an interrupted measurement resumes. homotopy_page.py writes the page.
import pathlib
import sys

import ledger

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "results" / "homotopy"
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


def slim(row):
    """Without the effective sample size over time of a method that has none."""
    return row if any(row["effective"]["share"]) else {k: v for k, v in row.items() if k != "effective"}


def run(program, key):
    result = ledger.answer([program, "optimize", "--device", "cpu", "--threads", "1", "--seed", str(SEED),
                            "--quiet", "--format", "json"] + key.split())
    return [slim(row) for row in result["rows"]], {"program": result["program"]}


def main():
    if len(sys.argv) < 2 or any(p not in PARTS for p in sys.argv[2:]):
        sys.exit("homotopy.py: expected PROGRAM and parts out of: " + " ".join(PARTS))
    parts = sys.argv[2:] or list(PARTS)
    ledger.measure(FOLDER, {part: PARTS[part]() for part in parts}, parts,
                 lambda part, key: run(sys.argv[1], key))


if __name__ == "__main__":
    main()
