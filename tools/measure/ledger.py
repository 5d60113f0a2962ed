# SPDX-License-Identifier: MIT
# ledger.py: measurements that are kept: where they were made, one JSON file for each part of a page, and
# runs of a program under their arguments, a line each, which are not made again.
import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_text(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def machine():
    return "%s, %s" % (processor(), platform.system())


def source(command):
    """Where figures come from: machine, commit, command."""
    changed = run_text("git", "status", "--porcelain", "--untracked-files=no",
                       "--", "src", "fallback", "cl", "include", "tools/pdessm-cl")
    return {"machine": processor(), "cores": len(os.sched_getaffinity(0)),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "system": "%s %s" % (platform.system(), platform.release()),
            "date": datetime.date.today().isoformat(),
            "commit": run_text("git", "rev-parse", "--short=10", "HEAD") + ("+" if changed else ""),
            "command": command}


def text_of(result):
    """JSON with a line for each of its runs, if it is made of runs."""
    if not isinstance(result.get("runs"), dict):
        return json.dumps(result, indent=1) + "\n"
    rest = {key: value for key, value in result.items() if key != "runs"}
    runs = ["%s: %s" % (json.dumps(key), json.dumps(run, sort_keys=True))
            for key, run in sorted(result["runs"].items())]
    return "{%s, \"runs\": {\n%s\n}}\n" % (json.dumps(rest, sort_keys=True)[1:-1], ",\n".join(runs))


def store(path, result):
    """The old file stays until the new one is whole."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(text_of(result), encoding="ascii")
    os.replace(new, path)


def load(folder, part):
    """What is kept of a part; None if nothing has been measured."""
    path = pathlib.Path(folder) / (part + ".json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def load_all(folder):
    """{part: what is kept of it}."""
    return {path.stem: load(folder, path.stem) for path in sorted(folder.glob("*.json"))}


def short(value):
    """Six digits say all that a page shows."""
    if isinstance(value, float):
        return float("%.6g" % value)
    if isinstance(value, list):
        return [short(v) for v in value]
    return {k: short(v) for k, v in value.items()} if isinstance(value, dict) else value


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


def keys(plan):
    return [" ".join(map(str, arguments)) for arguments in plan]


def answer(command):
    """What a program says as JSON, on one thread."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True,
                          env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))
    return json.loads(done.stdout)


def runs_of(folder, part):
    return load(folder, part) or {"runs": {}}


def measure(folder, plans, parts, run):
    """Runs what is not kept yet of some parts; plans: {part: arguments of each run}; run(part, key)
    gives what to keep of it and of them all, such as the program's version."""
    folder.mkdir(parents=True, exist_ok=True)
    there = [key in runs_of(folder, part)["runs"] for part in parts for key in keys(plans[part])]
    bar = Bar(len(there), sum(there))
    try:
        for part in parts:
            kept = runs_of(folder, part)
            for key in keys(plans[part]):
                if key in kept["runs"]:
                    continue
                bar.show(part + " " + key)
                result, about = run(part, key)
                kept["runs"][key] = short(result)
                kept.update(machine=machine(), **about)
                store(folder / (part + ".json"), kept)
                bar.made += 1
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; finished parts are kept; the same command resumes")
    bar.show("done")
    print(file=sys.stderr)
