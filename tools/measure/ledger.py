# SPDX-License-Identifier: MIT
# ledger.py: what homotopy.py, graphs.py and their pages share: runs of a program that are kept under
# their arguments, a line each, in FOLDER/PART.json as soon as they have ended, and are not made again.
import json
import os
import platform
import subprocess
import sys
import time


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


def load(folder, part):
    """{"runs": {arguments: result}, ..}, with no runs if there is no such file."""
    path = folder / (part + ".json")
    return json.loads(path.read_text(encoding="ascii")) if path.exists() else {"runs": {}}


def keys(plan):
    return [" ".join(map(str, arguments)) for arguments in plan]


def answer(command):
    """What a program says as JSON, on one thread."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True,
                          env=dict(os.environ, OPENBLAS_NUM_THREADS="1"))
    return json.loads(done.stdout)


def measure(folder, plans, parts, run):
    """Runs what is not kept yet of some parts; plans: {part: arguments of each run}; run(part, key)
    gives what to keep of it and of them all, such as the program's version."""
    folder.mkdir(parents=True, exist_ok=True)
    there = [key in load(folder, part)["runs"] for part in parts for key in keys(plans[part])]
    bar = Bar(len(there), sum(there))
    try:
        for part in parts:
            kept = load(folder, part)
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
        sys.exit("\ninterrupted; what has ended is kept, the same command goes on")
    bar.show("done")
    print(file=sys.stderr)


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(out + ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


def write_files(files, script, check):
    """Writes a page and its pictures, {path: text}, or ends with what differs."""
    stale = [path.name for path, text in files.items()
             if not path.exists() or path.read_text(encoding="utf-8") != text]
    if check:
        sys.exit(script + ": not what the numbers give: " + " ".join(stale) if stale else 0)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
