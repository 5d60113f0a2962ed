# SPDX-License-Identifier: MIT
# test_precondition.py: `precondition`, `train --precondition`, and what sampling makes of it. Data are
# drawn here; expected numbers are computed here, in float64.
import csv
import math
import pathlib
import shutil
import struct

from cli import check, expect, finish, folder, parse, read_tensors, run, write_tensors

COUNT, SIDE, CLASSES = 60, 4, 2
PIXELS = SIDE * SIDE


def draw():
    """Images [COUNT, 1, SIDE, SIDE] and labels; two classes of unlike spectra."""
    images = []
    for i in range(COUNT):
        for p in range(PIXELS):
            y, x = divmod(p, SIDE)
            wave = math.sin(1.7 * i) * math.sin(0.9 * x + i % CLASSES) + math.cos(2.3 * i + y)
            grain = math.sin(0.7 * (i * PIXELS + p) ** 2)  # of full rank, which a plain sine is not
            images.append(wave + 0.2 * grain)
    return images, [i % CLASSES for i in range(COUNT)]


def write_data(path):
    images, labels = draw()
    write_tensors(path, {"latents": ("F32", (COUNT, 1, SIDE, SIDE), images),
                         "labels": ("I32", (COUNT,), labels)})
    return images


def covariance(values):
    """Of rows of PIXELS numbers, divided by their count."""
    rows = [values[i:i + PIXELS] for i in range(0, len(values), PIXELS)]
    mean = [sum(c) / len(rows) for c in zip(*rows)]
    rows = [[v - m for v, m in zip(r, mean)] for r in rows]
    return [[sum(r[a] * r[b] for r in rows) / len(rows) for b in range(PIXELS)]
            for a in range(PIXELS)]


def floats(path, name="latents"):
    tensors, _ = read_tensors(path)
    return list(tensors[name][1])


def test_there_and_back(tmp, data, images):
    small = ["--steps", "20", "--layers", "3", "--hidden", "8"]
    for kind, more in [("whiten", []), ("spectral", []), ("realnvp", small)]:
        fit = run("precondition", "fit", "--data", data, "--kind", kind, "--eps", "1e-6", "-o",
                  tmp / "map.safetensors", "--format", "json", *more)
        expect(fit, 0)
        answer = parse(fit, "kind", "classes", "round_trip_rms", "round_trip_largest")
        check(answer.get("kind") == kind and answer.get("classes") == CLASSES, f"{kind}: {answer}")
        check(0 <= answer.get("round_trip_largest", 1) < 1e-5, f"{kind}: {answer}")
        for verb, source, target in [("apply", data, "there"), ("invert", "there", "back")]:
            source = data if source is data else tmp / "there.safetensors"
            taken = run("precondition", verb, "--data", source, "--map", tmp / "map.safetensors",
                        "-o", tmp / f"{target}.safetensors", "--format", "json")
            expect(taken, 0)
            check(("nats_per_number" in parse(taken, "kind")) ==
                  (verb == "apply" and kind != "spectral"), f"{kind} {verb}: who knows its density")
        there, back = floats(tmp / "there.safetensors"), floats(tmp / "back.safetensors")
        check(max(abs(a - b) for a, b in zip(images, back)) < 1e-5, f"{kind}: there and back")
        check(max(abs(a - b) for a, b in zip(images, there)) > 0.1, f"{kind}: it moves images")


def test_pooled_whitening_is_white(tmp, data):
    expect(run("precondition", "fit", "--data", data, "--pooled", "--eps", "1e-6", "-o",
               tmp / "pooled.safetensors"), 0)
    expect(run("precondition", "apply", "--data", data, "--map", tmp / "pooled.safetensors", "-o",
               tmp / "white.safetensors"), 0)
    white = covariance(floats(tmp / "white.safetensors"))
    worst = max(abs(white[a][b] - (a == b)) for a in range(PIXELS) for b in range(PIXELS))
    check(worst < 0.02, f"pooled: covariance is {worst} away from the identity")


def train(tmp, data, out, *more):
    return run("train", "--data", data, "--model", "pde-nano/2", "--width", "16", "--depth", "1",
               "--heads", "1", "--states", "1", "--batch", "4", "--steps", "4", "--save-every", "2",
               "--sample-every", "0", "--out", tmp / out, *more)


def test_training(tmp, data):
    """Resuming gives the same bits, the map stays, and a model file alone is enough to sample."""
    for kind, more in [("whiten", []), ("spectral", []), ("realnvp", ["--precondition-steps", "3"]),
                       ("flow", ["--precondition-steps", "3"])]:
        out = tmp / kind
        expect(train(tmp, data, kind, "--precondition", kind, *more), 0)
        check((out / "precondition.safetensors").exists(), f"{kind}: the run keeps its map")
        before = (out / "precondition.safetensors").stat().st_mtime_ns
        last = out / "step-00000004"
        expected = {n: (last / n).read_bytes() for n in ["model.safetensors", "ema.safetensors"]}
        shutil.rmtree(last)
        resumed = run("train", "--resume", out)
        expect(resumed, 0)
        check((out / "precondition.safetensors").stat().st_mtime_ns == before,
              f"{kind}: the map is not fitted again")
        for name, bytes_ in expected.items():
            check((last / name).read_bytes() == bytes_, f"{kind}: {name} after a resume")
        alone = tmp / f"{kind}-alone.safetensors"
        shutil.copy(last / "ema.safetensors", alone)
        shown = run("info", alone, "--format", "json")
        check(parse(shown, "precondition").get("precondition", {}).get("kind") == kind, "info")
        expect(run("sample", "--model", alone, "--n", "2", "--steps", "2", "-o",
                   tmp / "x.npy"), 0)
        null = run("sample", "--model", alone, "--n", "2", "--steps", "2", "--class", "none",
                   "--guidance", "1", "-o", tmp / "x.npy")
        if kind == "flow":
            expect(null, 0)
        else:
            expect(null, 2, "ask for a class")


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_report(tmp, data, images):
    """Condition numbers against the trace and determinant-free bounds of the same covariance."""
    out = tmp / "report"
    answer = parse(run("precondition", "report", "--data", data, "--model", tmp / "whiten", "--n", "40",
                       "-o", out, "--format", "json"), "condition", "low_eigenvalue_recovery")
    rows = rows_of(out / "condition.csv")
    check(len(rows) == 101 and float(rows[0]["raw"]) == 1 and float(rows[0]["mapped"]) == 1,
          "condition: 1 at t = 0")
    eigenvalues = [float(r["raw"]) for r in rows_of(out / "eigenvalues.csv") if r["class"] == "all"]
    matrix = covariance(images)
    check(len(eigenvalues) == PIXELS and eigenvalues == sorted(eigenvalues), "eigenvalues: sorted")
    for power, what in [(1, "trace"), (2, "squared norm")]:
        direct = (sum(matrix[i][i] for i in range(PIXELS)) if power == 1
                  else sum(v * v for r in matrix for v in r))
        total = sum(v ** power for v in eigenvalues)
        check(abs(total - direct) < 1e-5 * direct, f"eigenvalues: {what} {total}, not {direct}")
    t = 0.95
    condition = (((1 - t) ** 2 + t * t * eigenvalues[-1]) /
                 ((1 - t) ** 2 + t * t * max(eigenvalues[0], 0)))
    check(abs(float(rows[95]["raw"]) / condition - 1) < 1e-6, "condition at t = 0.95")
    check(float(rows[95]["mapped"]) < 0.2 * condition, "the map evens the path out")
    summary = {r["class"]: r for r in rows_of(out / "summary.csv")}
    check(set(summary) == {"all", "0", "1"}, f"summary: {set(summary)}")
    check(float(summary["0"]["mapped_effective_rank"]) > float(summary["0"]["raw_effective_rank"]),
          "summary: the effective rank rises")
    bands = rows_of(out / "bands.csv")
    check([r["step"] for r in bands] == ["2"] * 8 + ["4"] * 8, "bands: each checkpoint")
    check(all(float(r["error"]) > 0 and float(r["linear"]) > 0 for r in bands), "bands: errors")
    page = (out / "report.html").read_text()
    recovery = rows_of(out / "recovery.csv")
    check([float(r["eigenvalue"]) for r in recovery] == eigenvalues, "recovery: the data's eigenvalues")
    # The same images by `sample`; variances along all eigenvectors add up to their trace.
    labels = [i * COUNT // 40 % CLASSES for i in range(40)]
    of_class = []
    for k in range(CLASSES):
        expect(run("sample", "--model", tmp / "whiten", "--class", k, "--n", "40", "--steps", "25",
                   "--guidance", "1", "-o", tmp / "x.npy"), 0)
        data_of = (tmp / "x.npy").read_bytes()[-4 * 40 * PIXELS:]
        of_class.append(struct.unpack(f"<{40 * PIXELS}f", data_of))
    images = [v for i, k in enumerate(labels) for v in of_class[k][i * PIXELS:(i + 1) * PIXELS]]
    matrix = covariance(images)
    trace = sum(matrix[i][i] for i in range(PIXELS)) * 40 / 39
    drawn = sum(float(r["drawn"]) for r in recovery)
    check(abs(drawn / trace - 1) < 1e-4, f"recovery: {drawn} in all, not {trace}")
    low = range(PIXELS // 4)
    ratio = (sum(float(recovery[i]["drawn"]) for i in low) / sum(eigenvalues[i] for i in low))
    check(abs(answer["low_eigenvalue_recovery"] / ratio - 1) < 1e-6, "recovery: the lowest quarter")
    check(page.count("<svg") == 4 and "http" not in page.replace("http://www.w3.org", ""),
          "report.html: four charts, nothing from elsewhere")


def test_refusals(tmp, data):
    expect(run("precondition", "sharpen", "--data", data, "-o", tmp / "x"), 2, "fit, apply")
    expect(run("precondition", "apply", "--data", data, "-o", tmp / "x.npy"), 2, "--map")
    expect(run("precondition", "apply", "--data", data, "--map", data, "-o", tmp / "x.npy"), 4,
           "no preconditioner")
    expect(run("precondition", "apply", "--data", "shapes", "--limit", "4", "--map",
               tmp / "map.safetensors", "-o", tmp / "x.npy"), 2, "channels")
    expect(run("precondition", "apply", "--data", data, "--map", tmp / "map.safetensors", "-o",
               tmp / "x.gif"), 2, "x.npy")
    expect(run("precondition", "fit", "--data", data, "--kind", "realnvp", "--layers", "1", "-o",
               tmp / "x"), 2, "--layers")
    expect(train(tmp, data, "flipped", "--precondition", "whiten", "--flip"), 2, "--flip")
    expect(train(tmp, data, "classes", "--precondition", "whiten", "--task", "classify",
                 "--test", data), 2, "--precondition")


with folder() as tmp:
    tmp = pathlib.Path(tmp)
    drawn = write_data(tmp / "x.safetensors")
    test_there_and_back(tmp, tmp / "x.safetensors", drawn)
    test_pooled_whitening_is_white(tmp, tmp / "x.safetensors")
    test_training(tmp, tmp / "x.safetensors")
    test_report(tmp, tmp / "x.safetensors", drawn)
    test_refusals(tmp, tmp / "x.safetensors")
finish()
