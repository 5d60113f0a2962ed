# SPDX-License-Identifier: MIT
# test_recorded.py: runs that the first release left half done load, draw the same samples and resume
# to the same bits: test_recorded.py PROGRAM [--near], which allows for another compiler's rounding.
import csv
import math
import os
import pathlib
import shutil
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli import check, expect, finish, folder, parse, read_tensors, run  # noqa: E402

NEAR = "--near" in sys.argv[2:]
# Where bits depend on nothing but the compiler.
STEADY = {"PDESSM_ISA": "base", "PDESSM_GEMM": "own", "PDESSM_TUNING": "off", "PDESSM_OPS": ""}
QUIET = ["--threads", "1", "--quiet"]


def agree(found, expected, what):
    """The same bits, or with --near the same up to rounding."""
    if not NEAR:
        check(found == expected, f"{what}: other bits")
        return
    scale = max(map(abs, expected), default=0.0)
    worst = max((abs(a - b) for a, b in zip(found, expected)), default=0.0)
    check(len(found) == len(expected) and worst <= 1e-4 * scale + 1e-6,
          f"{what}: off by {worst} of {scale}")


def floats_of(path):
    """The numbers of a float32 .npy file."""
    data = path.read_bytes()
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack(f"<{(len(data) - begin) // 4}f", data[begin:])


def rows(path):
    """A log's lines, without what depends on the machine."""
    with open(path, newline="") as file:
        return [{k: float(v) for k, v in row.items() if k not in ("images_per_second", "wall_seconds",
                                                                 "memory_bytes")}
                for row in csv.DictReader(file)]


def same_rows(found, expected, what):
    check(len(found) == len(expected) and all(
        math.isclose(a[k], b[k], rel_tol=1e-4 if NEAR else 0) for a, b in zip(found, expected) for k in b),
        f"{what}: {found}, expected {expected}")


def samples(tmp, name, step):
    """Of the averaged weights."""
    out = tmp / f"{name}-{step}.npy"
    expect(run("sample", "--model", tmp / name / f"step-0000000{step}", "--n", "3", "--steps", "2", "--seed", "3",
               *QUIET, "-o", out, env=STEADY), 0)
    agree(floats_of(out), floats_of(HERE / name / f"expected/samples-{step}.npy"), f"{name}: samples of {step}")


def resumes(tmp, name):
    result = run("train", "--resume", tmp / name, *QUIET, "--format", "json", env=STEADY)
    expect(result, 0)
    parse(result, "checkpoint", "loss")
    found, _ = read_tensors(tmp / name / "step-00000004/model.safetensors")
    expected, _ = read_tensors(HERE / name / "expected/model.safetensors")
    check(sorted(found) == sorted(expected), f"{name}: tensors {sorted(found)}")
    for tensor, (shape, values) in expected.items():
        check(found[tensor][0] == shape, f"{name}: shape of {tensor}")
        agree(found[tensor][1], values, f"{name}: {tensor}")
    same_rows(rows(tmp / name / "log.csv"), rows(HERE / name / "expected/log.csv"), name + ": log.csv")


with folder() as scratch:
    for recorded in ("pde", "whiten-attention", "classifier"):
        shutil.copytree(HERE / recorded, scratch / recorded, ignore=shutil.ignore_patterns("expected"))
    os.environ["PDESSM_CACHE_DIR"] = str(scratch / "cache")
    for recorded in ("pde", "whiten-attention"):
        samples(scratch, recorded, 2)
        resumes(scratch, recorded)
        samples(scratch, recorded, 4)
    resumes(scratch, "classifier")
    accuracy = "classifier/expected/accuracy.csv"
    same_rows(rows(scratch / "classifier/accuracy.csv"), rows(HERE / accuracy), "test accuracy")

finish()
