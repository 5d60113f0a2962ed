#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# optimize_peer.py: L-BFGS and CMA-ES of `optimize` beside SciPy's and pycma's on the same instances
# of three problems: tools/measure/optimize_peer.py PROGRAM. Writes docs/results/homotopy/peers.json, comparison
# by comparison; what is there is not made again. Needs NumPy, SciPy and pycma, so it is run by hand.
# The instances are drawn once more here, by a separate Philox, and the functions are written down
# once more; so it also checks what `optimize` minimises.
import json
import subprocess
import sys

import cma
import numpy as np
import scipy.optimize

from homotopy import FOLDER
from ledger import Bar, runs_of, store

STARTS, DIMENSION, BUDGET, SEED, NEAR = 25, 10, 5000, 1, 1e-2
DATA = 8  # the purpose of built-in data in src/core/random.h
HALF = {"levy": 10.0, "griewank": 600.0, "ackley": 32.768}


def philox(seed, counter):
    c, k0, k1 = list(counter), seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k0, b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k1, a & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def uniform(stream, instance):
    return np.array([(philox(SEED, (DATA, stream, instance, j // 4))[j % 4] >> 8) * 2.0**-24
                     for j in range(DIMENSION)])


def instance_of(name, number):
    size, sign, start = (uniform(stream, number) for stream in range(3))
    place = np.where(sign < 0.5, -1, 1) * HALF[name] * (0.1 + 0.7 * size)
    return place.astype(np.float32).astype(float), HALF[name] * (2 * start - 1)


def ackley(z):
    return (20 + np.e - 20 * np.exp(-0.2 * np.sqrt(np.mean(z**2, -1)))
            - np.exp(np.mean(np.cos(2 * np.pi * z), -1)))


def griewank(z):
    root = np.sqrt(np.arange(1, z.shape[-1] + 1))
    return 1 + np.sum(z**2, -1) / 4000 - np.prod(np.cos(z / root), -1)


def levy(z):
    w = 1 + z / 4
    first, last = w[..., 0], w[..., -1]
    inner = (w[..., :-1] - 1)**2 * (1 + 10 * np.sin(np.pi * w[..., :-1] + 1)**2)
    return (np.sin(np.pi * first)**2 + np.sum(inner, -1)
            + (last - 1)**2 * (1 + np.sin(2 * np.pi * last)**2))


FUNCTIONS = {"levy": levy, "griewank": griewank, "ackley": ackley}


def gradient(f, z):
    """Central differences in float64: good to nine digits, and nobody's derivation."""
    h = np.diag(1e-6 * np.maximum(1, np.abs(z)))
    return (f(z + h) - f(z - h)) / (2 * np.diag(h))


class Counted:
    """f around its place, its least value so far, and the evaluations until that came near 0."""

    def __init__(self, f, place):
        self.f, self.place, self.spent, self.best, self.hit = f, place, 0, np.inf, np.inf

    def note(self, value, cost):
        self.spent += cost
        self.best = min(self.best, value)
        if value < NEAR:
            self.hit = min(self.hit, self.spent)
        return value

    def value(self, x):
        return self.note(self.f(np.asarray(x) - self.place), 1)

    def both(self, x):
        z = x - self.place
        return self.note(self.f(z), 2), gradient(self.f, z)


def by_scipy(counted, x, half, number):
    """Descents from the start and then from anywhere until the budget is spent."""
    rng = np.random.default_rng(number)
    while counted.spent < BUDGET:
        scipy.optimize.minimize(counted.both, x, jac=True, method="L-BFGS-B",
                                bounds=[(-half, half)] * len(x),
                                options={"maxcor": 10, "ftol": 1e-15, "gtol": 1e-12,
                                         "maxfun": (BUDGET - counted.spent) // 2 + 1})
        x = rng.uniform(-half, half, len(x))


def by_pycma(counted, x, half, number):
    options = {"maxfevals": BUDGET, "verbose": -9, "seed": number + 1, "bounds": [-half, half]}
    cma.CMAEvolutionStrategy(x, 0.6 * half, options).optimize(counted.value)


PEERS = {"lbfgs": by_scipy, "cmaes": by_pycma}


def theirs(name, method, checkpoints):
    runs = []
    for number in range(STARTS):
        place, x = instance_of(name, number)
        runs.append(Counted(FUNCTIONS[name], place))
        PEERS[method](runs[-1], x, HALF[name], number)
    return {"successes_1e-2": sum(bool(r.best < NEAR) for r in runs), "starts": STARTS,
            "median_best": float(np.median([r.best for r in runs])),
            "evaluations": float(np.mean([min(r.spent, BUDGET) for r in runs])),
            "half": half_way(checkpoints, [sum(r.hit <= c for r in runs) / STARTS for c in checkpoints])}


def half_way(checkpoints, rates):
    """The first point of a budget curve at which half of the starts have come near, or None."""
    return next((c for c, rate in zip(checkpoints, rates) if rate >= 0.5), None)


def ours(program, name, method):
    answer = subprocess.run([program, "optimize", "--device", "cpu", "--threads", "1", "--quiet",
                             "--format", "json", "--problem", name, "--dim", str(DIMENSION), "--methods",
                             method, "--starts", str(STARTS), "--budget", str(BUDGET), "--seed",
                             str(SEED)], stdout=subprocess.PIPE, check=True)
    result = json.loads(answer.stdout)
    row, curve = result["rows"][0], result["rows"][0]["curve"]
    found = {key: row[key] for key in ("successes_1e-2", "starts", "median_best")}
    found["evaluations"] = row["function_evaluations"] + row["gradient_evaluations"]
    found["half"] = half_way(curve["evaluations"], curve["success_1e-2"])
    return found, curve["evaluations"], result["program"]


def agree(a, b):
    """Success rates of the same instances within three standard errors of their difference."""
    rates = [r["successes_1e-2"] / r["starts"] for r in (a, b)]
    error = np.sqrt(sum(r * (1 - r) for r in rates) / STARTS)
    # A rate of 0 or 1 has no standard error: three misses would still be chance.
    return bool(abs(rates[0] - rates[1]) <= 3 * max(error, 1 / STARTS))


def main():
    if len(sys.argv) != 2:
        sys.exit("optimize_peer.py: expected PROGRAM")
    path = FOLDER / "peers.json"
    kept = runs_of(FOLDER, "peers")
    cases = [(name, method) for name in FUNCTIONS for method in PEERS]
    bar = Bar(len(cases), len(kept["runs"]))
    for name, method in cases:
        key = name + " " + method
        if key not in kept["runs"]:
            bar.show(key)
            mine, checkpoints, kept["program"] = ours(sys.argv[1], name, method)
            kept["runs"][key] = {"ours": mine, "peer": theirs(name, method, checkpoints)}
            kept.update(budget=BUDGET, scipy=scipy.__version__, cma=cma.__version__)
            store(path, kept)
            bar.made += 1
    bar.show("done")
    differ = [key for key, pair in kept["runs"].items() if not agree(pair["ours"], pair["peer"])]
    sys.exit("\noptimize_peer.py: success rates differ: " + ", ".join(differ) if differ else 0)


if __name__ == "__main__":
    main()
