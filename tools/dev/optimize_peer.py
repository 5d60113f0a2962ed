#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# optimize_peer.py: L-BFGS and CMA-ES of `optimize` beside SciPy's and pycma's on the same instances
# of three problems: tools/dev/optimize_peer.py PROGRAM. Needs NumPy, SciPy and pycma, so it is run by
# hand. The instances are drawn once more here, by a Philox of its own, and the functions are written
# down once more; so it also checks what `optimize` minimises.
import json
import subprocess
import sys

import cma
import numpy as np
import scipy.optimize

STARTS, DIMENSION, BUDGET, SEED = 50, 10, 20000, 1
DATA = 8  # the purpose of built-in data in src/core/random.h
HALF = {"ackley": 32.768, "griewank": 600.0, "levy": 10.0}


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


FUNCTIONS = {"ackley": ackley, "griewank": griewank, "levy": levy}


def gradient(f, z):
    """Central differences in float64: good to nine digits, and nobody's derivation."""
    h = np.diag(1e-6 * np.maximum(1, np.abs(z)))
    return (f(z + h) - f(z - h)) / (2 * np.diag(h))


def by_scipy(f, place, x, half, rng):
    """Descents from the start and then from anywhere until the budget is spent."""
    spent, best = 0, np.inf
    while spent < BUDGET:
        result = scipy.optimize.minimize(lambda y: (f(y - place), gradient(f, y - place)), x, jac=True,
                                         method="L-BFGS-B", bounds=[(-half, half)] * len(x),
                                         options={"maxcor": 10, "ftol": 1e-15, "gtol": 1e-12,
                                                  "maxfun": (BUDGET - spent) // 2 + 1})
        best, spent = min(best, result.fun), spent + 2 * result.nfev
        x = rng.uniform(-half, half, len(x))
    return best


def by_pycma(f, place, x, half, number):
    options = {"maxfevals": BUDGET, "verbose": -9, "seed": number + 1, "bounds": [-half, half]}
    strategy = cma.CMAEvolutionStrategy(x, 0.6 * half, options)
    strategy.optimize(lambda y: f(np.asarray(y) - place))
    return strategy.result.fbest


def ours(program, name):
    answer = subprocess.run([program, "optimize", "--device", "cpu", "--quiet", "--format", "json",
                             "--problem", name, "--dim", str(DIMENSION), "--methods", "lbfgs,cmaes",
                             "--starts", str(STARTS), "--budget", str(BUDGET), "--seed", str(SEED)],
                            stdout=subprocess.PIPE, check=True)
    return {row["method"]: np.array(row["best"]) for row in json.loads(answer.stdout)["rows"]}


def compare(name, method, mine, theirs):
    """Success rates of the same 50 instances: the difference beside its standard error."""
    a, b = np.mean(mine < 1e-2), np.mean(theirs < 1e-2)
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / STARTS)
    # A rate of 0 or 1 has no error of its own: three misses in fifty would still be chance.
    good = abs(a - b) <= 3 * max(error, 0.02)
    print("%-9s %-6s success %.2f, peer %.2f (difference %+.2f, standard error %.2f)   median %.3g, "
          "peer %.3g   %s" % (name, method, a, b, a - b, error, np.median(mine), np.median(theirs),
                              "agree" if good else "DIFFER"), flush=True)
    return good


def main():
    if len(sys.argv) != 2:
        sys.exit("optimize_peer.py: expected PROGRAM")
    good = True
    for name, f in FUNCTIONS.items():
        mine, half = ours(sys.argv[1], name), HALF[name]
        drawn = [instance_of(name, i) for i in range(STARTS)]
        rng = np.random.default_rng(1)
        good &= compare(name, "lbfgs", mine["lbfgs"],
                        np.array([by_scipy(f, place, x, half, rng) for place, x in drawn]))
        good &= compare(name, "cmaes", mine["cmaes"],
                        np.array([by_pycma(f, place, x, half, i)
                                  for i, (place, x) in enumerate(drawn)]))
    sys.exit(not good)


if __name__ == "__main__":
    main()
