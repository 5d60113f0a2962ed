# SPDX-License-Identifier: MIT
# test_reflow.py: --coupling, --init and --reflow of `train`: what they do, keep and refuse.
import signal
import time

from cli import check, expect, finish, folder, read_tensors, run, start

SMALL = ["--data", "shapes", "--limit", "64", "--image-size", "16x16", "--model", "pde-nano/4",
         "--width", "32", "--depth", "1", "--states", "2", "--batch", "8", "--warmup", "2",
         "--sample-every", "0"]
DRAW = ["--reflow-pairs", "2600", "--reflow-steps", "2", "--reflow-solver", "euler", "--batch", "8",
        "--warmup", "2", "--sample-every", "0"]


def weights(out, name="model"):
    newest = max(out.glob("step-*"))
    return (newest / f"{name}.safetensors").read_bytes()


def settings(out):
    return dict(line.split(": ", 1) for line in (out / "config.yaml").read_text().splitlines())


def test_coupling(tmp):
    more = ["--steps", "8", "--lr", "0.01"]
    for name, options in [("plain", []), ("ot", ["--coupling", "ot"]),
                          ("part", ["--coupling", "ot", "--max-time", "0.000001"])]:
        expect(run("train", *SMALL, *more, *options, "--out", tmp / name), 0)
    check(settings(tmp / "ot")["coupling"] == "ot", "config.yaml keeps the coupling")
    check(weights(tmp / "ot") != weights(tmp / "plain"), "transport changes the run")
    expect(run("train", "--resume", tmp / "part"), 0, "resuming from")
    check(weights(tmp / "ot") == weights(tmp / "part"), "1 + 7 = 8 steps with transport")
    expect(run("train", *SMALL, "--coupling", "some", "--out", tmp / "x"), 2, "independent ot")


def test_init(tmp, teacher):
    out = tmp / "init"
    expect(run("train", *SMALL, "--init", teacher, "--steps", "1", "--lr", "0", "--out", out), 0,
           "weights begin as those of")
    check(read_tensors(max(out.glob("step-*")) / "model.safetensors")[0] ==
          read_tensors(max(teacher.glob("step-*")) / "ema.safetensors")[0],
          "a step of rate 0 keeps the averaged weights that the run began with")
    expect(run("train", "--resume", out, "--init", "random"), 2, "--init")
    expect(run("train", *SMALL, "--init", teacher, "--steps", "1", "--precondition", "spectral", "--out",
               tmp / "mapped"), 0, "without a map")
    expect(run("train", *SMALL, "--width", "48", "--init", teacher, "--steps", "1", "--out",
               tmp / "wide"), 4, "ema.safetensors", "48")
    expect(run("train", *SMALL, "--init", tmp / "none", "--steps", "1", "--out", tmp / "n"), 4, "none")


def test_reflow(tmp, teacher):
    whole = ["train", "--reflow", teacher, *DRAW, "--steps", "9"]
    result = run(*whole, "--out", tmp / "whole")
    expect(result, 0, "weights begin as those of", "data: 2600 images")
    pairs, origin = read_tensors(tmp / "whole/pairs.safetensors")
    check(pairs["images"][0] == [2600, 3, 16, 16], f"pairs: {pairs['images'][0]}")
    check(pairs["labels"][1][:12] == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1), "all classes in turn")
    check("seed 0" in origin["pdessm.origin"], f"origin: {origin}")
    check((tmp / "whole/classes.txt").read_text().split()[0] == "disc", "names of classes")
    # Killed among the pairs, resumed, broken again in training, resumed: the same bits.
    out = tmp / "killed"
    process = start(*whole, "--out", out)
    parts = out / "pairs.safetensors.parts"
    for _ in range(2000):
        if process.poll() is not None or any(parts.glob("*[0-9].safetensors")):
            break
        time.sleep(0.002)
    process.kill()
    process.communicate()
    check(not (out / "pairs.safetensors").exists(), "killed while drawing")
    expect(run("train", "--resume", out, "--max-time", "0.000001"), 0, "the time is up after step 1")
    check(not parts.exists(), "no parts are left")
    expect(run("train", "--resume", out), 0, "resuming from")
    check((out / "pairs.safetensors").read_bytes() ==
          (tmp / "whole/pairs.safetensors").read_bytes(), "the same pairs")
    check(weights(out) == weights(tmp / "whole"), "the same weights")
    # The model that drew is not needed any more.
    moved = teacher.rename(teacher.with_name("moved"))
    expect(run("train", "--resume", out, "--steps", "11"), 0)
    moved.rename(teacher)
    # A student of its own kind begins at random.
    expect(run("train", "--reflow", teacher, "--model", "pde-nano/4", "--width", "48", "--depth", "1",
               *DRAW, "--steps", "1", "--out", tmp / "wide"), 0, "weights begin at random")


def test_interrupt(tmp, teacher):
    out = tmp / "interrupted"
    slow = DRAW[2:] + ["--reflow-pairs", "100000", "--reflow-steps", "20"]
    process = start("train", "--reflow", teacher, *slow, "--steps", "2", "--out", out)
    for _ in range(2000):
        if process.poll() is not None or (out / "pairs.safetensors.parts").exists():
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    check(process.returncode == 130 and stdout == "", f"Ctrl-C among pairs: {process.returncode}")
    check("interrupted while drawing pairs" in stderr and "--resume" in stderr, stderr)


def test_wrong_input(tmp, teacher):
    base = ["train", "--reflow", teacher, *DRAW, "--steps", "2", "--out", tmp / "w"]
    expect(run(*base, "--data", "shapes"), 2, "--reflow cannot be combined with --data")
    expect(run(*base, "--coupling", "ot"), 2, "--reflow cannot be combined with --coupling ot")
    expect(run(*base, "--image-size", "8x8", "--fit", "resize"), 2, "cannot be combined with --image-size")
    expect(run(*base, "--channels", "1"), 2, "cannot be combined with --channels")
    expect(run(*base, "--reflow-solver", "magic"), 2, "magic")
    expect(run("train", "--reflow", teacher, "--steps", "2"), 2, "--out is missing")
    expect(run("train", "--reflow", tmp / "none", "--steps", "2", "--out", tmp / "n"), 4, "none")
    expect(run("train", "--reflow", teacher, *DRAW, "--flip", "--steps", "2", "--out", tmp / "f"), 2,
           "flips and shifts would separate")


with folder() as temporary:
    teacher = temporary / "teacher"
    expect(run("train", *SMALL, "--steps", "20", "--out", teacher), 0)
    test_coupling(temporary)
    for test in [test_init, test_reflow, test_interrupt, test_wrong_input]:
        test(temporary, teacher)
finish()
