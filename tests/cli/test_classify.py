# SPDX-License-Identifier: MIT
# test_classify.py: `train --task classify`: tests while it learns, resuming, what is refused.
import csv

from cli import check, expect, finish, folder, parse, read_tensors, run, write_tensors

SMALL = ["--task", "classify", "--data", "shapes", "--limit", "64", "--image-size", "16x16",
         "--model", "pde-nano/4", "--width", "32", "--depth", "1", "--states", "2", "--batch", "8",
         "--warmup", "2"]


def lines(out):
    with open(out / "accuracy.csv", newline="") as file:
        return [(int(r["step"]), float(r["test_accuracy"])) for r in csv.DictReader(file)]


def same_weights(a, b):
    names = ["model.safetensors", "ema.safetensors", "optimizer.safetensors"]
    a, b = max(a.glob("step-*")), max(b.glob("step-*"))
    return all((a / n).read_bytes() == (b / n).read_bytes() for n in names)


def test_run(tmp, test):
    more = ["--steps", "12", "--evaluate-every", "5", "--flip", "--shift", "2", "--test", test,
            "--save-every", "5"]
    value = parse(run("train", *SMALL, *more, "--out", tmp / "whole", "--format", "json"),
                  "checkpoint", "loss", "test_accuracy", "test_images")
    check([s for s, _ in lines(tmp / "whole")] == [5, 10, 12], f"accuracy.csv: {lines(tmp / 'whole')}")
    check(abs(value["test_accuracy"] - lines(tmp / "whole")[-1][1]) < 1e-6, "the last line is the result")
    check(value["test_images"] == 20, "test images")
    check(not (tmp / "whole/samples").exists(), "a classifier draws no pictures")
    settings = (tmp / "whole/config.yaml").read_text()
    for line in ["task: classify", "weight-decay: 0.05", "shift: 2", "sample-every: 0"]:
        check(line in settings, f"config.yaml: {line}")
    # Twenty images: the share is a twentieth of something.
    check(all(abs(20 * v - round(20 * v)) < 1e-6 and 0 <= v <= 1 for _, v in lines(tmp / "whole")),
          "shares of 20 images")
    result = run("train", *SMALL, *more, "--out", tmp / "part", "--max-time", "0.000001")
    expect(result, 0, "step 1: test accuracy", "the time is up")
    expect(run("train", "--resume", tmp / "part"), 0, "step 5: test accuracy", "step 12: test accuracy")
    check(same_weights(tmp / "whole", tmp / "part"), "1 + 11 = 12 steps")
    check(lines(tmp / "part")[1:] == lines(tmp / "whole"), "the same accuracies")
    with open(tmp / "part/accuracy.csv", "a") as log:
        log.write("99,0.5\n1")
    again = parse(run("train", "--resume", tmp / "part", "--format", "json"), "test_accuracy")
    check(again["test_accuracy"] == value["test_accuracy"], "a finished run still knows its accuracy")
    check(lines(tmp / "part")[1:] == lines(tmp / "whole"), "lines of steps to come are cut off")
    expect(run("train", "--resume", tmp / "part", "--task", "velocity"), 2, "--task")
    expect(run("train", "--config", tmp / "whole/config.yaml", "--out", tmp / "again"), 0)
    check(same_weights(tmp / "whole", tmp / "again"), "--config repeats a classifier")


def test_other_commands(tmp):
    model = tmp / "whole"
    expect(run("info", model), 0)
    expect(run("sample", "--model", model, "--n", "2", "-o", tmp / "x.npz"), 2, "classifier")
    check(not (tmp / "x.npz").exists(), "no samples of a classifier")
    expect(run("train", "--reflow", model, "--out", tmp / "reflow", "--steps", "1"), 2, "classifier")


def test_wrong_input(tmp, test):
    base = ["train", *SMALL, "--steps", "2"]
    write_tensors(tmp / "plain.safetensors", {"images": ("F32", [8, 3, 16, 16], [0.5] * 8 * 768)})
    plain = ["train", "--task", "classify", "--model", "pde-nano/4", "--steps", "2", "--out", tmp / "p"]
    expect(run(*plain, "--data", tmp / "plain.safetensors", "--test", test), 4, "no labels")
    expect(run(*plain, "--data", test), 2, "no test split", "--test DATA")
    expect(run(*base, "--out", tmp / "q", "--test", tmp / "plain.safetensors"), 4, "no labels")
    expect(run(*base, "--out", tmp / "q2", "--test", tmp / "none"), 4, "none")
    expect(run(*base, "--out", tmp / "r", "--test", test, "--coupling", "ot"), 2, "--coupling ot")
    expect(run(*base, "--out", tmp / "s", "--test", test, "--label-smoothing", "1"), 2,
           "label-smoothing")
    expect(run("train", *SMALL[2:], "--steps", "2", "--out", tmp / "t", "--test", test), 2,
           "--test is for --task classify")
    expect(run(*base, "--init", tmp / "whole", "--width", "48", "--out", tmp / "u", "--test", test), 4,
           "48")


with folder() as temporary:
    values = [((i * 37) % 101) / 50 - 1 for i in range(20 * 768)]
    write_tensors(temporary / "test.safetensors",
                  {"images": ("F32", [20, 3, 16, 16], values),
                   "labels": ("I32", [20], [i % 10 for i in range(20)])})
    test_run(temporary, temporary / "test.safetensors")
    test_other_commands(temporary)
    test_wrong_input(temporary, temporary / "test.safetensors")
finish()
