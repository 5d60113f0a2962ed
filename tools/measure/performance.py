# SPDX-License-Identifier: MIT
# performance.py: measures, and writes docs/results/performance.md with its charts: the one place where its
# figures come from. Ten minutes on two quiet cores.
#
#   python3 tools/measure/performance.py [--commit HEAD] [--before COMMIT] [--peer-python FILE]
#   python3 tools/measure/performance.py --part filter|operators|step|peer|scaling|start|page [--check]
#
# Each part builds the two commits in ./build-performance, measures, and stores JSON in
# docs/performance; `page` turns all of that into the page without measuring. --check only compares.
import argparse
import json
import shutil
import subprocess
import sys

import ledger
import measuring
import page
import performance_page
from ledger import ROOT

STORE = ROOT / "docs/results/performance"
SCRATCH = ROOT / "build-performance"
BEFORE = "c07b6c8"  # the last commit before the work on speed
GRIDS = [(16, 64), (32, 16), (64, 4)]  # tokens a side, batch: 25 MB
MORE_GRIDS = "16,32,64,7,12,14,20,24,28,48,56,13,17,31,61"
MODELS = {"pde-s/2": 8, "pde-tiny/2": 16, "pde-nano/4": 64,
          "attn-s/2": 8, "attn-tiny/2": 16, "attn-nano/4": 64}
THREADS = 2


def build(commit):
    """The folder of a build of a commit, in a separate clone. timed.c is always today's, so that both
    states are measured by the same program."""
    tree, folder = SCRATCH / commit / "tree", SCRATCH / commit / "build"
    if not tree.exists():
        subprocess.run(["git", "clone", "-q", str(ROOT), str(tree)], check=True)
        subprocess.run(["git", "checkout", "-q", commit], cwd=tree, check=True)
    for file in ("timed.c", "meson.build"):
        text = (ROOT / "tools/measure" / file).read_text(encoding="utf-8")
        target = tree / "tools/measure" / file
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    tools = tree / "tools/meson.build"
    if "subdir('measure')" not in tools.read_text(encoding="utf-8"):
        with tools.open("a", encoding="utf-8") as file:
            file.write("subdir('measure')\n")
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(folder), str(tree)], check=True, stdout=sys.stderr)
    subprocess.run(["ninja", "-C", str(folder), "tools/measure/timed", "pdessm-cl"], check=True,
                   stdout=sys.stderr)
    return folder


def build_opencl(folder):
    """The module, where the machine has what it is built from; plain C needs none of it."""
    module = "src/device/ocl/pdessm-opencl.so"
    if module + ":" in ledger.run_text("ninja", "-C", str(folder), "-t", "targets", "all"):
        subprocess.run(["ninja", "-C", str(folder), module], check=True, stdout=sys.stderr)


def timed(folder, *words):
    return measuring.Worker([folder / "tools/measure/timed"] + list(words))


def result_of(o, part, **rest):
    source = ledger.source("python3 tools/measure/performance.py --part " + part)
    source["commit"] = o.commit
    return {"source": source, "before": o.before, **rest}


def bench(folder, *words):
    text = subprocess.run([str(folder / "pdessm-cl"), "bench", "--device", "cpu", "--format", "json"] +
                          list(words), check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(text)


# ---------------------------------------------------------------------- parts


def measure_filter(o):
    """The spectral filter against copies of its input: before and after side by side at powers of two,
    then all grids by `bench`."""
    after, before = build(o.commit), build(o.before)
    rows = []
    for threads in (1, 2):
        for side, batch in GRIDS:
            words = ["--size", "%dx%d" % (side, side), "--batch", batch, "--threads", threads,
                     "--between", 1]
            workers = {"copy": timed(after, "copy", *words)}
            for state, folder in (("before", before), ("after", after)):
                workers[state] = timed(folder, "filter", *words)
                workers[state + " both"] = timed(folder, "filter-gradient", *words)
            slices = measuring.alternate(workers, 7, 0.15)
            for worker in workers.values():
                worker.end()
            row = {"side": side, "batch": batch, "threads": threads,
                   "copy_seconds": measuring.spread(slices["copy"])}
            for state in ("before", "after"):
                both, forward = slices[state + " both"], slices[state]
                slices["backward"] = [a - b for a, b in zip(both, forward)]
                row[state] = {"forward_seconds": measuring.spread(forward),
                              "forward": measuring.ratios(slices, state, "copy"),
                              "backward": measuring.ratios(slices, "backward", "copy")}
            rows.append(row)
    grids = {threads: bench(after, "--suite", "ops", "--op", "spectral_filter", "--grid", MORE_GRIDS,
                            "--threads", str(threads), "-r", "7") for threads in (1, 2)}
    return result_of(o, "filter", rows=rows, grids=grids)


def measure_operators(o):
    return result_of(o, "operators", threads=THREADS, bench=bench(
        build(o.commit), "--suite", "ops", "--threads", str(THREADS)))


def measure_step(o):
    """Whole training steps before and after, alternating; then where their time goes."""
    folders = {"before": build(o.before), "after": build(o.commit)}
    rows = []
    for model, batch in MODELS.items():
        row = {"model": model, "batch": batch, "size": 32}
        words = ["step", "--model", model, "--batch", batch, "--threads", THREADS]
        for profile in (0, 1):  # the clock of each operator costs a little: totals without it
            workers = {n: timed(f, *words, "--profile", profile) for n, f in folders.items()}
            runs = {name: 0 for name in folders}
            slices = {name: [] for name in folders}
            for _ in range(5 if not profile else 2):
                for name, worker in workers.items():
                    seconds = worker.run(0.7)
                    runs[name] += len(seconds)
                    slices[name].append(measuring.statistics.median(seconds))
            ends = {name: worker.end() for name, worker in workers.items()}
            for name in folders:
                if profile:
                    row[name]["operators"] = [dict(r, seconds=r["seconds"] / runs[name],
                                                   calls=r["calls"] / runs[name],
                                                   flops=r["flops"] / runs[name],
                                                   bytes=r["bytes"] / runs[name])
                                              for r in ends[name]["operators"]]
                else:
                    row[name] = {"seconds": measuring.spread(slices[name]),
                                 "peak_bytes": ends[name]["peak_bytes"]}
                    row["ratio"] = measuring.ratios(slices, "before", "after")
        rows.append(row)
        print("%-12s before/after %.2f" % (model, row["ratio"]["median"]), file=sys.stderr)
    yard = bench(folders["after"], "--suite", "ops", "--op", "add", "--grid", "16", "--threads",
                 str(THREADS))
    return result_of(o, "step", threads=THREADS, rows=rows, gemm_gflops=yard["gemm_gflops"],
                     copy_gbytes_per_s=yard["copy_gbytes_per_s"])


def measure_by_script(o, part, *command):
    """A script that stores its own JSON."""
    target = SCRATCH / (part + ".json")
    subprocess.run([*map(str, command), "--out", str(target)], check=True, cwd=ROOT)
    result = json.loads(target.read_text(encoding="utf-8"))
    return result_of(o, part, **{k: v for k, v in result.items() if k != "source"})


def measure_peer(o):
    return measure_by_script(o, "peer", o.peer_python, "tools/measure/peer/time_both.py", "--timed",
                             build(o.commit) / "tools/measure/timed", "--threads", THREADS)


def measure_scaling(o):
    return measure_by_script(o, "scaling", sys.executable, "tools/measure/scaling.py", "--timed",
                             build(o.commit) / "tools/measure/timed", "--threads", THREADS)


def measure_start(o):
    folder = build(o.commit)
    build_opencl(folder)
    text = subprocess.run(["sh", "tools/measure/start_times.sh", str(folder)], check=True,
                          cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    return result_of(o, "start", start=json.loads(text))


PARTS = {"filter": measure_filter, "operators": measure_operators, "step": measure_step,
         "peer": measure_peer, "scaling": measure_scaling, "start": measure_start}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", action="append", choices=list(PARTS) + ["page"])
    parser.add_argument("--commit", default="HEAD", help="what is measured; must be committed")
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--peer-python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--check", action="store_true",
                        help="measures nothing; fails if the page is not what the JSON gives")
    parser.add_argument("--clean", action="store_true", help="removes ./build-performance at the end")
    o = parser.parse_args()
    parts = [part for part in o.part or PARTS if part != "page" and not o.check]
    if "peer" in parts and subprocess.run([o.peer_python, "-c", "import torch, safetensors"]).returncode:
        sys.exit("part peer needs PyTorch and safetensors in %s: name another Python with "
                 "--peer-python, or choose other parts with --part" % o.peer_python)
    if parts:  # the page alone needs no repository
        o.commit, o.before = (ledger.run_text("git", "rev-parse", "--short=10", c)
                              for c in (o.commit, o.before))
    for part in parts:
        ledger.store(STORE / (part + ".json"), PARTS[part](o))
    page.write(performance_page.make(ledger.load_all(STORE)), "performance.py --part page", o.check)
    if o.clean:
        shutil.rmtree(SCRATCH, ignore_errors=True)


if __name__ == "__main__":
    main()
