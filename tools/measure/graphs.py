#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# graphs.py: measures what docs/results/graphs.md shows: tools/measure/graphs.py PROGRAM [PART..]. Every run of
# `graph` is kept under its arguments in docs/results/graphs/PART.json as soon as it has ended, and is not made
# again: an interrupted measurement resumes. graphs_page.py writes the page.
import pathlib
import sys

import ledger

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "results" / "graphs"
SEEDS = [0, 1, 2]
POOLINGS = ["random", "rns", "topk", "subgraph"]


def run(data, network, method, epochs, evaluate, seed, *more):
    return ["--data", data, "--network", network, "--method", method, "--epochs", epochs,
            "--evaluate", evaluate, "--lr", 0.01, "--width", 64, "--seed", seed, *more]


def pooled(pooling, levels=3):
    return ["--pooling", pooling, "--levels", levels]


def fashion(data, network):
    """One level; over levels with less than half of its work on nodes; mge with two thirds of it.
    Looks at the validation nodes are of the whole graph, so that a short run can afford few."""
    plan = [run(data, network, method, epochs, every, seed, *more)
            for seed in SEEDS for method, epochs, every, more in (
                ("single", 60, 4, []), ("coarse-to-fine", 8, 4, pooled("random")),
                ("coarse-to-fine", 6, 3, pooled("random", 4)))]
    plan += [run(data, network, "coarse-to-fine", 8, 4, seed, *pooled(pooling))
             for seed in SEEDS for pooling in POOLINGS[1:]]
    return plan + [run(data, network, "mge", 10, 2, seed, *pooled("random")) for seed in SEEDS]


def qtips(data, network):
    """Batches of 32 graphs; mge with 8 at level 0, 32 at level 2."""
    return [run(data, network, method, epochs, 1, seed, *more)
            for seed in SEEDS for method, epochs, more in (
                ("single", 12, ["--batch", 32]),
                ("coarse-to-fine", 3, ["--batch", 32] + pooled("random")),
                ("coarse-to-fine", 3, ["--batch", 32] + pooled("subgraph")),
                ("coarse-to-fine", 3, ["--batch", 32] + pooled("topk")),
                ("mge", 3, ["--batch", 8] + pooled("random")))]


# The first tenth of each set says in minutes what the whole says in hours.
SMALL = {"fashion-knn": "fashion-knn:7000", "qtips": "qtips:220"}
NETWORKS = ["gcn", "gin", "gat"]
PARTS = {"%s-%s" % (name, network): (plan, SMALL[data] if small else data, network)
         for small, data, name, plan in (
             (1, "fashion-knn", "small-fashion", fashion), (1, "qtips", "small-qtips", qtips),
             (0, "fashion-knn", "fashion", fashion), (0, "qtips", "qtips", qtips))
         for network in NETWORKS}


# How the terms of mge scatter: three levels of whole graphs, and of batches of graphs.
VARIANCE = [[data, network, pooling, 3, batch, epochs, 40, seed]
            for data, batch, epochs, poolings in (("fashion-knn:7000", 0, 20, POOLINGS),
                                                  ("qtips:220", 8, 2, POOLINGS[:1]))
            for network in NETWORKS for pooling in poolings for seed in SEEDS]


def run_graph(program, key):
    result = ledger.answer([program, "graph", "--device", "cpu", "--threads", "1", "--quiet", "--format",
                            "json"] + key.split())
    return result["rows"][0], {"program": result["program"]}


def run_variance(program, key):
    tool = pathlib.Path(program).resolve().parent / "tools" / "measure" / "graph_variance"
    return ledger.answer([str(tool)] + key.split()), {}


def main():
    plans = {part: planner(data, network) for part, (planner, data, network) in PARTS.items()}
    plans["variance"] = VARIANCE
    if len(sys.argv) < 2 or any(p not in plans for p in sys.argv[2:]):
        sys.exit("graphs.py: expected PROGRAM and parts out of: " + " ".join(plans))
    ledger.measure(FOLDER, plans, sys.argv[2:] or list(plans),
                   lambda part, key: (run_variance if part == "variance" else run_graph)(sys.argv[1], key))


if __name__ == "__main__":
    main()
