#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# graphs_peer.py: the time of an epoch and the memory of the program and of PyTorch, for the same GCN on
# the same graph: tools/measure/graphs_peer.py PROGRAM PYTHON [ROUNDS [EPOCHS [NODES]]]. Both have two
# threads and run in turn, so that a drift of the machine meets both; nothing else may run beside them, or
# threads that wait for each other decide. Needs numpy; PYTHON needs torch. Writes docs/results/graphs/peer.json.
import gzip
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

import numpy

from graphs import FOLDER
from ledger import machine, short, store

IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")
NEAREST, LAYERS, WIDTH, THREADS = 8, 4, 192, 2
PEER = pathlib.Path(__file__).resolve().parent / "peer" / "gcn.py"


def read_idx(name, skip):
    return numpy.frombuffer(gzip.decompress((IMAGES / name).read_bytes()), numpy.uint8, offset=skip)


def write_graph(folder, program, nodes):
    """What `fashion-knn` is, as the folder of arrays that both sides read. The program finds the
    neighbours, and keeps them in its cache."""
    cache = folder / "cache"
    environment = dict(os.environ)
    if nodes < 70000:  # a separate graph: whoever has the whole one keeps it
        environment["PDESSM_CACHE_DIR"] = str(cache)
    subprocess.run([program, "graph", "--data", "fashion-knn:%d" % nodes, "--epochs", "1", "--layers",
                    "1", "--width", "1", "--device", "cpu"], stdout=subprocess.DEVNULL, check=True,
                   env=environment)
    root = pathlib.Path(environment.get("PDESSM_CACHE_DIR") or pathlib.Path(
        environment.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "pdessm-cl")
    near, = (numpy.load(f) for f in (root / "graphs").glob("fashion-knn-%dx784-8-*.npy" % nodes))
    tests = nodes // 7
    pixels = [read_idx(kind + "-images-idx3-ubyte.gz", 16).reshape(-1, 784) for kind in ("train", "t10k")]
    labels = [read_idx(kind + "-labels-idx1-ubyte.gz", 8) for kind in ("train", "t10k")]
    count = (nodes - tests, tests)
    numpy.save(folder / "features.npy", numpy.concatenate(
        [p[:n] for p, n in zip(pixels, count)]).astype(numpy.float32) / 255)
    numpy.save(folder / "labels.npy", numpy.concatenate([k[:n] for k, n in zip(labels, count)]))
    numpy.save(folder / "parts.npy", numpy.repeat([1, 2, 3], [nodes - 2 * tests, tests, tests]))
    numpy.save(folder / "edges.npy", numpy.stack(
        [numpy.arange(nodes).repeat(NEAREST), near.reshape(-1)], 1))


def run_program(program, folder, epochs):
    """Through a separate process, which says the peak of its child."""
    command = [program, "graph", "--data", folder, "--network", "gcn", "--epochs", epochs, "--evaluate",
               2, "--layers", LAYERS, "--width", WIDTH, "--device", "cpu", "--threads", THREADS,
               "--quiet", "--format", "json"]
    answer = subprocess.run([sys.executable, __file__, "--child"] + list(map(str, command)),
                            stdout=subprocess.PIPE, check=True)
    text, peak = answer.stdout.decode().rsplit("\n", 2)[:2]
    row, = json.loads(text)["rows"]
    times = [0] + [look[2] for look in row["curve"]]
    return {"seconds": [b - a for a, b in zip(times, times[1:])], "peak_bytes": int(peak),
            "validation": row["validation_accuracy"], "test": row["test_accuracy"]}


def child(command):
    subprocess.run(command, check=True)
    print(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2:])
    if len(sys.argv) < 3:
        sys.exit("graphs_peer.py: expected PROGRAM PYTHON [ROUNDS [EPOCHS [NODES]]]")
    program, python = sys.argv[1:3]
    rounds, epochs, nodes = ([int(a) for a in sys.argv[3:]] + [3, 6, 70000][len(sys.argv) - 3:])
    kept = {"nodes": nodes, "epochs": epochs, "threads": THREADS, "machine": machine(),
            "pdessm": [], "torch": []}
    with tempfile.TemporaryDirectory() as folder:
        write_graph(pathlib.Path(folder), program, nodes)
        environment = dict(os.environ, OMP_NUM_THREADS=str(THREADS))
        for number in range(rounds):
            sides = ["pdessm", "torch"]
            for side in sides[::-1] if number % 2 else sides:
                if side == "pdessm":
                    kept[side].append(run_program(program, folder, epochs))
                    continue
                answer = subprocess.run(
                    [python, PEER, folder] + list(map(str, (LAYERS, WIDTH, epochs, THREADS))),
                    stdout=subprocess.PIPE, check=True, env=environment)
                kept[side].append(json.loads(answer.stdout))
    FOLDER.mkdir(parents=True, exist_ok=True)
    store(FOLDER / "peer.json", short(kept))
    for side in ("pdessm", "torch"):
        times = [s for r in kept[side] for s in r["seconds"]]
        print("%s: %.3f s a pair of epochs (%.3f to %.3f), %.0f MB" % (
            side, statistics.median(times), min(times), max(times),
            max(r["peak_bytes"] for r in kept[side]) / 1e6))


if __name__ == "__main__":
    main()
