# SPDX-License-Identifier: MIT
# test_image_levels.py: `train --multiscale`: what it settles, what it writes, that a break changes no bit in
# the middle of a level and between two, and what it refuses.
import csv
import struct

from cli import check, expect, finish, folder, parse, read_tensors, run

SMALL = ["--data", "shapes", "--image-size", "16x16", "--limit", "64", "--model", "pde-nano/2",
         "--width", "16", "--depth", "1", "--heads", "1", "--states", "2", "--batch", "2", "--warmup",
         "2", "--sample-every", "0", "--log-every", "1"]
COARSE = ["--multiscale", "coarse-to-fine"]
FILES = ("model.safetensors", "ema.safetensors", "optimizer.safetensors")


def train(out, *more):
    return run("train", *SMALL, "--out", out, *more)


def rows(out):
    with open(out / "log.csv", newline="") as file:
        return list(csv.DictReader(file))


def settings(out):
    return dict(line.split(": ", 1) for line in (out / "config.yaml").read_text().splitlines())


def same(a, b, step):
    return all((a / ("step-%08d" % step) / name).read_bytes() ==
               (b / ("step-%08d" % step) / name).read_bytes() for name in FILES)


def test_defaults(tmp):
    """Three levels, each with twice the steps of the next; all of it is written down."""
    result = train(tmp / "a", *COARSE, "--steps", "14", "--sample-every", "8")
    expect(result, 0, "4 x 4 (8 steps of 8), 8 x 8 (4 steps of 4), 16 x 16 (2 steps of 2)")
    got = settings(tmp / "a")
    check(got["levels"] == "3" and got["coarse-steps"] == "8,4", f"config.yaml: {got}")
    log = rows(tmp / "a")
    check([row["level"] for row in log] == ["2"] * 8 + ["1"] * 4 + ["0"] * 2, f"levels: {log}")
    work = {row["level"]: float(row["step_flops"]) for row in log}
    check(work["2"] < work["1"] < work["0"], f"work of a step: {work}")
    for step in (8, 14):
        picture = (tmp / f"a/samples/step-{step:08}.png").read_bytes()
        width, height = struct.unpack(">II", picture[16:24])
        check(width >= 4 * 32 and height >= 10 * 32, f"a picture of {width} x {height}")
    expect(run("train", "--config", tmp / "a/config.yaml", "--out", tmp / "b"), 0)
    check(same(tmp / "a", tmp / "b", 14), "--config repeats the run")
    expect(run("report", tmp / "a", "--no-samples", "-o", tmp / "a.html"), 0)
    check("step_flops" in (tmp / "a.html").read_text(), "report draws the new columns")
    text = run("info", tmp / "a")
    check("coarse-to-fine, 3 levels, 8 steps, 4 steps; last at level 0" in text.stdout,
          f"info: {text.stdout}")
    value = parse(run("info", tmp / "b", "--format", "json"), "multiscale", "level")
    check(value["level"] == 0, f"info as JSON: {value['level']}")
    expect(train(tmp / "two", *COARSE, "--image-size", "12x12", "--steps", "3"), 0,
           "resolutions: 6 x 6 (2 steps of 4), 12 x 12 (1 steps of 2)")


def test_resume(tmp):
    """Broken after 1 step, in the middle of a level; then once more between two levels."""
    keep = ["--steps", "9", "--save-every", "5", "--keep", "0", "--schedule", "constant"]
    for name, method in (("fine", COARSE + ["--coarse-steps", "3,2"]),
                         ("mge", ["--multiscale", "mge", "--levels", "2"])):
        whole, part = tmp / name, tmp / (name + "-part")
        expect(train(whole, *method, *keep), 0)
        expect(train(part, *method, *keep, "--max-time", "0.000001"), 0, "the time is up after step 1")
        expect(run("train", "--resume", part, "--steps", "5"), 0, "resuming from")
        expect(run("train", "--resume", part, "--steps", "9"), 0, "resuming from")
        check(same(whole, part, 9), f"{name}: 1 + 4 + 4 = 9 steps")
        both = [[(row["step"], row["loss"]) for row in rows(place)] for place in (whole, part)]
        check(both[0] == both[1], f"{name}: the same log")
    notes = read_tensors(tmp / "fine-part/step-00000001/ema.safetensors")[1]
    check(notes["pdessm.level"] == "2", f"what a coarse checkpoint says: {notes}")
    for change in (["--levels", "2"], ["--coarse-steps", "4,2"], ["--multiscale", "mge"]):
        expect(run("train", "--resume", tmp / "fine", "--steps", "12", *change), 2, change[0])
    expect(run("train", "--resume", tmp / "fine", "--steps", "10"), 0, "16 x 16 (5 steps of 2)")


def test_mixers(tmp):
    for mixer in ("attn", "conv"):
        expect(train(tmp / mixer, "--model", mixer + "-nano/2", *COARSE, "--steps", "3"), 0)
    expect(train(tmp / "free", "--model", "filter-nano/2", *COARSE, "--steps", "3"), 2, "free filter")


def test_wrong(tmp):
    for more, *words in [
            (["--levels", "2"], "--levels is for --multiscale"),
            (["--coarse-steps", "2"], "--coarse-steps is for --multiscale"),
            (["--multiscale", "coarse"], "coarse-to-fine"),
            ([*COARSE, "--levels", "0"], "levels"), ([*COARSE, "--levels", "1"], "levels"),
            ([*COARSE, "--levels", "5"], "height 16, halved 4 times", "at most 4 levels",
             "such as 32"),
            ([*COARSE, "--image-size", "28x28", "--levels", "3"], "at most 2 levels", "such as 32"),
            ([*COARSE, "--image-size", "6x6"], "at most 1 levels"),
            ([*COARSE, "--coarse-steps", "1"], "expected 2 whole numbers"),
            ([*COARSE, "--coarse-steps", "1,2,3"], "expected 2 whole numbers"),
            ([*COARSE, "--coarse-steps", "1,x"], "'1,x'"),
            ([*COARSE, "--coarse-steps", "-1,2"], "'-1,2'"),
            ([*COARSE, "--coarse-steps", "20,10"], "leaves none of 30 steps"),
            (["--multiscale", "mge", "--coarse-steps", "2,2"], "every step has all"),
            ([*COARSE, "--task", "classify"], "--task classify"),
            ([*COARSE, "--precondition", "whiten"], "--precondition"),
            (["--multiscale", "mge", "--coupling", "ot"], "the same noise")]:
        expect(train(tmp / "w", *more, "--steps", "30"), 2, *words)
    check(not (tmp / "w").exists(), "a run that cannot begin leaves no folder")
    expect(train(tmp / "ot", *COARSE, "--coupling", "ot", "--steps", "3"), 0)
    expect(run("train", "--reflow", tmp / "ot", "--reflow-pairs", "8", "--reflow-steps", "1", "--batch",
               "2", "--steps", "4", "--sample-every", "0", *COARSE, "--out", tmp / "reflow"), 0)


with folder() as temporary:
    for number, test in enumerate([test_defaults, test_resume, test_mixers, test_wrong]):
        place = temporary / str(number)
        place.mkdir()
        test(place)
finish()
