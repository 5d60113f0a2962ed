# SPDX-License-Identifier: MIT
# test_train.py: runs, their folders, settings files, interruption, resuming with the same bits.
import csv
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

from cli import PROGRAM, check, expect, finish, folder, parse, read_tensors, run, start, write_tensors

SMALL = ["--data", "shapes", "--limit", "64", "--model", "pde-nano/8", "--width", "32", "--depth",
         "2", "--states", "2", "--batch", "4", "--warmup", "2", "--sample-every", "0"]


def train(out, *more, **options):
    return run("train", *SMALL, "--out", out, *more, **options)


def rows(out):
    with open(out / "log.csv", newline="") as file:
        return list(csv.DictReader(file))


def same_files(a, b):
    names = ["model.safetensors", "ema.safetensors", "optimizer.safetensors"]
    return all((a / n).read_bytes() == (b / n).read_bytes() for n in names)


def wait_for(process, path):
    """Until a background run has made something; a run that ends first is given back."""
    for _ in range(2000):
        if path.exists() or process.poll() is not None:
            return
        time.sleep(0.01)


def settings(out):
    return dict(line.split(": ", 1) for line in (out / "config.yaml").read_text().splitlines())


def test_run(tmp):
    out = tmp / "deep/er/run"
    result = train(out, "--steps", "12", "--log-every", "4", "--save-every", "5", "--keep", "2",
                   "--sample-every", "6")
    expect(result, 0, "data: 64 images", "memory:")
    check(result.stdout == f"{out}/step-00000012\n", f"the result is the checkpoint: {result.stdout}")
    check(sorted(p.name for p in out.glob("step-*")) == ["step-00000010", "step-00000012"], "--keep 2")
    check([r["step"] for r in rows(out)] == ["4", "5", "8", "10", "12"], f"log.csv: {rows(out)}")
    check(list(rows(out)[0]) == ["step", "loss", "learning_rate", "gradient_norm",
                                 "images_per_second", "wall_seconds", "memory_bytes"], "log.csv head")
    check(all(0 < float(r["loss"]) < 10 for r in rows(out)), "losses are numbers")
    check([p.name for p in sorted((out / "samples").iterdir())] ==
          ["step-00000006.png", "step-00000012.png"], "samples")
    check((out / "classes.txt").read_text().split()[0] == "disc", "classes.txt")
    check(settings(out)["batch"] == "4" and settings(out)["seed"] == "0", "config.yaml")
    expect(train(out, "--steps", "3"), 2, "holds a run already", "--resume")
    quiet = train(tmp / "quiet", "--steps", "2", "--quiet")
    check(quiet.returncode == 0 and quiet.stderr == "", f"--quiet: {quiet.stderr}")
    value = parse(train(tmp / "json", "--steps", "2", "--format", "json"), "checkpoint", "steps",
                  "loss", "seconds", "bad_steps", "device", "driver")
    check(value.get("steps") == 2, "json: steps")


def test_repeat(tmp):
    """config.yaml says everything; the command line goes before it."""
    expect(train(tmp / "a", "--steps", "6", "--seed", "7", "--accum", "2", "--lr", "0.0123"), 0)
    yaml = tmp / "a/config.yaml"
    expect(run("train", "--config", yaml, "--out", tmp / "b"), 0)
    check(same_files(tmp / "a/step-00000006", tmp / "b/step-00000006"), "--config repeats a run")
    check(settings(tmp / "b")["lr"] == "0.0123", "numbers are written exactly")
    expect(run("train", "--config", yaml, "--out", tmp / "c", "--seed", "8"), 0)
    check(not same_files(tmp / "a/step-00000006", tmp / "c/step-00000006"), "another seed")
    check(settings(tmp / "c")["seed"] == "8", "the command line wins")


def test_resume(tmp):
    whole = ["--steps", "14", "--save-every", "7", "--log-every", "7", "--keep", "0"]
    expect(train(tmp / "whole", *whole), 0)
    expect(train(tmp / "part", *whole, "--max-time", "0.000001"), 0, "the time is up after step 1")
    expect(run("train", "--resume", tmp / "part"), 0, "resuming from")
    check(same_files(tmp / "whole/step-00000014", tmp / "part/step-00000014"), "1 + 13 = 14 steps")
    expect(run("train", "--resume", tmp / "part"), 0, "has its 14 steps already")
    expect(run("train", "--resume", tmp / "part", "--steps", "16"), 0)
    check((tmp / "part/step-00000016").is_dir(), "--steps extends")
    check(settings(tmp / "part")["steps"] == "16", "and is kept")
    other = tmp / "elsewhere"
    other.mkdir()
    expect(run("train", "--resume", "../part", "--steps", "17", cwd=other), 0)


def test_kill(tmp):
    """kill -9 in the middle, with a half-written line in the log: the same bits in the end."""
    steps = ["--steps", "60", "--save-every", "10", "--log-every", "5", "--keep", "0"]
    expect(train(tmp / "whole", *steps), 0)
    process = start("train", *SMALL, "--out", tmp / "killed", *steps)
    wait_for(process, tmp / "killed/step-00000020")
    process.kill()
    process.communicate()
    check(not (tmp / "killed/step-00000060").exists(), "killed in time")
    # Where it died while writing one, a folder of a longer name lies there too.
    newest = max((tmp / "killed").glob("step-????????")).name
    (tmp / "killed/step-00000099").mkdir()
    with open(tmp / "killed/log.csv", "a") as log:
        log.write("57,1.0,0.1,0.1,1.0,1.0,1\n58,0.9")
    result = run("train", "--resume", tmp / "killed")
    expect(result, 0, "step-00000099 is incomplete", "resuming from")
    check(f"/{newest}" in result.stderr, f"resumes from {newest}: {result.stderr}")
    check(same_files(tmp / "whole/step-00000060", tmp / "killed/step-00000060"), "the same bits")
    both = [[(r["step"], r["loss"]) for r in rows(tmp / n)] for n in ("whole", "killed")]
    check(both[0] == both[1], f"the same log: {both}")
    seconds = [float(r["wall_seconds"]) for r in rows(tmp / "killed")]
    check(seconds == sorted(seconds), "wall seconds continue")


def test_signals(tmp):
    for number, name in [(signal.SIGINT, "int"), (signal.SIGTERM, "term")]:
        out = tmp / name
        process = start("train", *SMALL, "--out", out, "--steps", "1000000", "--save-every", "5")
        wait_for(process, out / "step-00000005")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        check(process.returncode == 130 and stdout == "", f"{name}: exit {process.returncode}")
        check("interrupted after step" in stderr and "--resume" in stderr, f"{name}: {stderr}")
        saved = stderr.split("saved in ")[1].split(";")[0]
        check((pathlib.Path(saved) / "complete").exists(), f"{name}: saved in {saved}")
        step = int(saved[-8:])
        expect(run("train", "--resume", out, "--steps", step + 3), 0)


def test_second_process(tmp):
    process = start("train", *SMALL, "--out", tmp / "busy", "--steps", "1000000", "--save-every", "5")
    wait_for(process, tmp / "busy/step-00000005")
    expect(run("train", "--resume", tmp / "busy"), 1, "another process")
    process.kill()
    process.communicate()


def test_resume_errors(tmp):
    expect(run("train", "--resume", tmp / "none"), 4, "no such folder")
    (tmp / "empty").mkdir()
    expect(run("train", "--resume", tmp / "empty"), 4, "config.yaml")
    expect(train(tmp / "r", "--steps", "2"), 0)
    checkpoint = tmp / "r/step-00000002"
    for change in [["--model", "pde-s/2"], ["--states", "4"], ["--image-size", "16x16"],
                   ["--out", "x"], ["--config", "x"], ["--seed", "3"]]:
        expect(run("train", "--resume", tmp / "r", *change), 2, change[0])
    expect(run("train", "--resume", checkpoint), 4, "config.yaml")
    model = checkpoint / "model.safetensors"
    good = model.read_bytes()
    model.write_bytes(good[:-5])
    expect(run("train", "--resume", tmp / "r", "--steps", "4"), 4, "model.safetensors")
    model.write_bytes(good)
    (tmp / "r/log.csv").write_text("a,b\n1,2\n")
    expect(run("train", "--resume", tmp / "r", "--steps", "4"), 4, "log.csv")
    (tmp / "early").mkdir()
    (tmp / "early/config.yaml").write_text((tmp / "r/config.yaml").read_text())
    expect(run("train", "--resume", tmp / "early"), 0, "starts again")
    check(same_files(tmp / "early/step-00000002", checkpoint), "a run started again has the same bits")
    (checkpoint / "complete").unlink()
    expect(run("train", "--resume", tmp / "r", "--steps", "4"), 4, "no complete checkpoint")


def test_yaml(tmp):
    yaml = tmp / "c.yaml"
    for text, *words in [
            ("stepz: 3\n", "c.yaml:1", "stepz"),
            ("data: shapes\n\n# more\nsteps: many\n", "c.yaml:4", "steps", "'many'", "whole number"),
            ("steps: -1\n", "c.yaml:1", "steps"),
            ("steps: [1, 2]\n", "c.yaml:1", "STRING"),
            ("steps: 1\nsteps: 2\n", "c.yaml:2", "already seen"),
            ("schedule: linear\n", "schedule", "constant cosine"),
            ("flip: maybe\n", "flip", "no yes"),
            ("image-size: 28\n", "image-size", "HEIGHTxWIDTH"),
            ("lr:\n", "lr", "a number"),
            ("lr: {\n", "c.yaml:"),
            ("- data\n", "c.yaml:1"),
            ("data: &a shapes\nmodel: *a\n", "c.yaml:"),
            ("\t\x01\x02", "c.yaml:"),
            ("[" * 20000, "c.yaml:")]:
        yaml.write_text(text)
        expect(run("train", "--config", yaml, "--out", tmp / "y"), 4, *words)
    expect(run("train", "--config", tmp / "none.yaml", "--out", tmp / "y"), 4, "none.yaml")
    expect(run("train", "--config", tmp, "--out", tmp / "y"), 4, str(tmp))
    yaml.write_text("")
    expect(run("train", "--config", yaml, "--out", tmp / "y"), 2, "--data is missing")
    yaml.write_text("# a comment\ndata: shapes\nmodel: pde-nano/8\nlimit: 32\nsteps: 2\nbatch: 2\n"
                    "flip: yes\nsample-every: 0\n")
    expect(run("train", "--config", yaml, "--out", tmp / "y"), 0)


def test_wrong_input(tmp):
    base = ["train", "--model", "pde-nano/4", "--out", tmp / "w", "--steps", "2"]
    expect(run(*base, "--data", tmp / "none"), 4, "none")
    (tmp / "junk").write_bytes(b"junk" * 100)
    expect(run(*base, "--data", tmp / "junk"), 4, "junk")
    write_tensors(tmp / "odd.safetensors", {"images": ("F32", [4, 1, 6, 6], [0.5] * 144)})
    expect(run(*base, "--data", tmp / "odd.safetensors"), 2, "patch")
    write_tensors(tmp / "even.safetensors", {"images": ("F32", [4, 1, 8, 8], [0.5] * 256)})
    expect(run(*base, "--data", tmp / "even.safetensors", "--image-size", "16x16"), 4, "fit")
    expect(run(*base, "--data", "shapes", "--image-size", "28x30"), 2, "width 30", "patch 4")
    check(not (tmp / "w").exists(), "a run that cannot begin leaves no folder")
    result = run(*base, "--data", "shapes", "--batch", "1048576")
    expect(result, 1, "--batch", "--accum")
    (tmp / "file").write_text("")
    expect(run("train", *SMALL, "--out", tmp / "file", "--steps", "2"), 1, "file")


def test_bad_steps(tmp):
    """A learning rate that blows up: bad steps are counted, then the run stops; checkpoints stay."""
    result = train(tmp / "bad", "--steps", "400", "--lr", "1000", "--clip", "0", "--save-every", "2",
                   "--pde-lr-scale", "1000000", "--warmup", "0")
    expect(result, 1, "not finite", "steps in a row", "first bad tensor is")
    newest = max((tmp / "bad").glob("step-*"))
    shape, values = next(iter(read_tensors(newest / "model.safetensors")[0].values()))
    check(all(v == v and abs(v) != float("inf") for v in values), "the last checkpoint is good")


def test_latents(tmp):
    values = [((i * 37) % 101) / 50 - 1 for i in range(16 * 4 * 8 * 8)]
    write_tensors(tmp / "l.safetensors", {"images": ("F32", [16, 4, 8, 8], values)})
    result = run("train", "--data", tmp / "l.safetensors", "--model", "pde-nano/2", "--width", "32",
                 "--depth", "1", "--steps", "3", "--batch", "4", "--out", tmp / "lat")
    expect(result, 0, "no pictures")


def test_disk_full(tmp):
    """On a file system of 1.5 MB, where one is allowed to be made: the old checkpoint stays whole."""
    place = tmp / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        print("note: no tmpfs can be mounted here; the test of a full disk is left out")
        return
    try:
        result = train(place / "run", "--steps", "40", "--save-every", "10", "--keep", "0")
        expect(result, 1, "disk is full", "needs", "step-")
        kept = sorted((place / "run").glob("step-*"))
        check(kept and all((k / "complete").exists() for k in kept), f"whole checkpoints: {kept}")
        check(not list((place / "run").glob("*.tmp*")), "no leftovers")
        for unneeded in kept[:-1]:
            shutil.rmtree(unneeded)
        expect(run("info", kept[-1]), 0)
    finally:
        subprocess.run(["umount", str(place)], capture_output=True)


with folder() as temporary:
    for number, test in enumerate([test_run, test_repeat, test_resume, test_kill, test_signals,
                                   test_second_process, test_resume_errors, test_yaml,
                                   test_wrong_input, test_bad_steps, test_latents, test_disk_full]):
        place = temporary / str(number)
        place.mkdir()
        test(place)
finish()
