# SPDX-License-Identifier: MIT
# test_interrupted.py: long work beside training resumes byte for byte after Ctrl-C and kill -9; other
# work is not taken for it; and what cannot be done is refused before it starts.
import math
import signal
import time

from cli import check, expect, finish, folder, parse, run, start, write_tensors

COUNT, SIDE, CLASSES = 60, 4, 2
NETWORK = ["--model", "pde-nano/2", "--width", "16", "--depth", "1", "--heads", "1", "--states", "1",
           "--batch", "4", "--warmup", "1", "--sample-every", "0"]


def write_data(path, phase=0.0):
    pixels = range(SIDE * SIDE)
    images = [math.sin(1.7 * i + 0.9 * p + phase) + 0.3 * math.sin(0.7 * (16 * i + p) ** 2)
              for i in range(COUNT) for p in pixels]
    write_tensors(path, {"latents": ("F32", (COUNT, 1, SIDE, SIDE), images),
                         "labels": ("I32", (COUNT,), [i % CLASSES for i in range(COUNT)])})
    return path


def stop(path, number, *arguments):
    """Starts a command and signals it once a file is there."""
    process = start(*arguments)
    for _ in range(6000):
        if path.exists() or process.poll() is not None:
            break
        time.sleep(0.005)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    what = " ".join(map(str, arguments[:6]))
    check(stdout == "", f"{what}: no result: {stdout}")
    if number == signal.SIGINT:
        check(process.returncode == 130, f"{what}: exit {process.returncode} {stderr[-300:]}")
        check("is kept" in stderr or "are kept" in stderr, f"{what}: {stderr[-300:]}")
    return stderr


def test_fits(tmp, data):
    other = write_data(tmp / "other.safetensors", 0.5)
    for kind, first, more in [
            ("realnvp", "whiten.safetensors", ["--steps", "4000", "--layers", "2", "--hidden", "4"]),
            ("flow", "fit", ["--steps", "30"])]:
        out, whole = tmp / f"{kind}.safetensors", tmp / f"{kind}-whole.safetensors"
        parts = tmp / f"{kind}.safetensors.parts"
        fit = ["precondition", "fit", "--kind", kind, *more, "--data"]
        expect(run(*fit, data, "-o", whole), 0)
        stop(parts / first, signal.SIGINT, *fit, data, "-o", out)
        check(not out.exists() and parts.is_dir(), f"{kind}: parts alone are there")
        kept = "couplings.safetensors" if kind == "realnvp" else "step-00000010"
        check((parts / kept).exists(), f"{kind}: {kept}: {sorted(p.name for p in parts.iterdir())}")
        expect(run(*fit, other, "-o", out), 4, "was started as", "remove its folder")
        expect(run(*fit, data, "--seed", "1", "-o", out), 4, "was started as", "seed 1")
        expect(run(*fit, data, "-o", out), 0)
        check(out.read_bytes() == whole.read_bytes(), f"{kind}: the same map")
        check(not parts.exists(), f"{kind}: no parts are left")


def test_damaged_state(tmp, data):
    """Files of a fit that are cut off, or say more steps than were asked for."""
    fit = ["precondition", "fit", "--kind", "realnvp", "--steps", "4000", "--layers", "2", "--hidden",
           "4", "--data", data, "-o", tmp / "map.safetensors"]
    parts = tmp / "map.safetensors.parts"
    stop(parts / "whiten.safetensors", signal.SIGINT, *fit)
    state = parts / "couplings.safetensors"
    good = state.read_bytes()
    for bad in [good[:-4], good.replace(b'"pdessm.step":"', b'"pdessm.step":"9999'), good[:20], b""]:
        state.write_bytes(bad)
        expect(run(*fit), 4, "couplings.safetensors")
    state.write_bytes(good)
    (parts / "whiten.safetensors").write_bytes(b"junk")
    expect(run(*fit), 4, "whiten.safetensors")


def test_training(tmp, data):
    """A run interrupted and then killed in its first stage; the map and the mapped data stay."""
    for kind in ["realnvp", "flow"]:
        train = ["train", "--data", data, *NETWORK, "--steps", "3", "--precondition", kind,
                 "--precondition-steps", "40"]
        whole, out = tmp / f"{kind}-whole", tmp / f"{kind}-run"
        expect(run(*train, "--out", whole), 0)
        parts = out / "precondition.safetensors.parts"
        stop(parts / "fit", signal.SIGINT, *train, "--out", out)
        expect(run(*train, "--out", out), 2, "holds a run already", "--resume")
        stop(out / "precondition.safetensors", signal.SIGKILL, "train", "--resume", out)
        expect(run("train", "--resume", out), 0)
        for name in ["precondition.safetensors", "step-00000003/model.safetensors"]:
            check((out / name).read_bytes() == (whole / name).read_bytes(), f"{kind}: {name}")
        check(not parts.exists(), f"{kind}: no parts of the fit")
        check((out / "mapped").is_dir() == (kind == "flow"), f"{kind}: mapped data are kept")
    # Mapped data of another map are not taken for this one's.
    for part in (out / "mapped").iterdir():
        part.write_bytes(part.read_bytes().replace(b"map ", b"mop "))
    expect(run("train", "--resume", out, "--steps", "4"), 4, "was drawn as")


def test_refused_fit(tmp):
    """The folder stays free for another try."""
    images = [math.sin(i * i) for i in range(6 * 16)]
    write_tensors(tmp / "few.safetensors", {"latents": ("F32", (6, 1, 4, 4), images),
                                            "labels": ("I32", (6,), [0, 0, 0, 0, 0, 1])})
    train = ["train", "--data", tmp / "few.safetensors", *NETWORK, "--steps", "1", "--out",
             tmp / "again", "--precondition", "whiten"]
    expect(run(*train), 2, "class 1 has 1 images", "pooled")
    expect(run(*train, "--precondition-pooled"), 0)


def test_init(tmp, data):
    """Weights of another map's space are told from those of the same."""
    train = ["train", "--data", data, *NETWORK, "--steps", "1"]
    for name, more in [("plain", []), ("white", ["--precondition", "whiten"]),
                       ("eps", ["--precondition", "whiten", "--precondition-eps", "0.1"]),
                       ("spectral", ["--precondition", "spectral"])]:
        expect(run(*train, *more, "--out", tmp / name), 0)
    again = [*train, "--precondition", "whiten", "--init"]
    for name, words in [("plain", "was trained without a map"), ("eps", "another map (whiten, here"),
                        ("spectral", "another map (spectral, here whiten"), ("white", None)]:
        result = run(*again, tmp / name, "--out", tmp / f"from-{name}")
        expect(result, 0)
        check(("much to unlearn" in result.stderr) == (words is not None) and
              (words or "") in result.stderr, f"--init {name}: {result.stderr}")


def test_drawing(tmp, model):
    sample = ["sample", "--model", model, "--n", "1100", "--steps", "8", "-o"]
    for name, first in [("x.npz", "000000000-512.safetensors"), ("pngs/", "000000512-512.safetensors")]:
        whole, out = tmp / f"whole-{name}", tmp / name
        parts = tmp / (name.rstrip("/") + ".parts")
        expect(run(*sample, f"{whole}/" if name.endswith("/") else whole), 0)
        target = f"{out}/" if name.endswith("/") else out
        stop(parts / first, signal.SIGINT if name == "x.npz" else signal.SIGKILL, *sample, target)
        check(parts.is_dir() and not out.exists(), f"{name}: parts alone are there")
        expect(run(*sample, target, "--guidance", "1"), 4, "was drawn as", "guidance 1")
        expect(run(*sample, target), 0)
        files = sorted(whole.iterdir()) if whole.is_dir() else [whole]
        same = [f.read_bytes() == (out / f.name if out.is_dir() else out).read_bytes() for f in files]
        check(all(same) and len(same) == (1100 if out.is_dir() else 1), f"{name}: the same images")
        check(not parts.exists(), f"{name}: no parts are left")


def test_eval(tmp, model, data):
    evaluate = ["eval", "--model", model, "--reference", data, "--n", "1100", "--steps", "8",
                "--format", "json", "--quiet"]
    keep = ["--keep", tmp / "drawn"]
    whole = parse(run(*evaluate), "frechet")
    stop(tmp / "drawn/000000000-512.safetensors", signal.SIGKILL, *evaluate, *keep)
    for _ in range(2):  # resumed, then read
        again = parse(run(*evaluate, *keep), "frechet", "evaluations")
        for key in ["frechet", "mmd", "precision", "velocity_loss", "evaluations"]:
            check(again[key] == whole[key], f"eval --keep: {key}: {again[key]}, not {whole[key]}")
    expect(run(*evaluate, *keep, "--seed", "1"), 4, "was drawn as")
    expect(run("eval", "--samples", data, "--reference", data, *keep), 2, "--keep")


def test_refused_early(tmp, model, data):
    """Before anything is drawn, which would take longer than a day here."""
    long = ["--model", model, "--reference", data, "--steps", "1000000"]
    expect(run("eval", *long, "--n", "5", timeout=20), 2, "5 samples", "at least 6")
    expect(run("eval", *long, "--n", "16777216", timeout=20), 1, "GiB", "--n")
    expect(run("eval", *long, "--image-size", "8x8", "--fit", "resize", timeout=20), 2,
           "give --image-size 4x4 --fit resize")
    expect(run("sample", *long[:2], "--n", "16777216", "--size", "256x256", "-o", tmp / "x.npz",
               timeout=20), 1, "GiB", "--n")
    mapped = ["sample", "--model", tmp / "white", "--steps", "1000000", "-o", tmp / "x.npz"]
    expect(run(*mapped, "--class", "none", timeout=20), 2, "ask for a class")
    expect(run(*mapped, "--size", "8x8", timeout=20), 2, "made for images of 4 x 4")
    expect(run("train", "--data", data, *NETWORK, "--task", "classify", "--test", data, "--steps", "1",
               "--out", tmp / "classifier"), 0)
    report = ["precondition", "report", "-o", tmp / "report", "--model"]
    expect(run(*report, tmp / "classifier", "--data", data), 2, "is a classifier")
    expect(run(*report, tmp / "white", "--data", "shapes", "--limit", "20"), 2, "the data of its training")
    expect(run("precondition", "apply", "--data", data, "--map", tmp / "white", "-o", tmp / "y.npy"), 0)
    expect(run("precondition", "apply", "--data", data, "--map", tmp / "plain", "-o", tmp / "y.npy"), 4,
           "no preconditioner")


with folder() as temporary:
    drawn = write_data(temporary / "data.safetensors")
    test_fits(temporary, drawn)
    test_damaged_state(temporary, drawn)
    test_training(temporary, drawn)
    test_refused_fit(temporary)
    test_init(temporary, drawn)
    test_drawing(temporary, temporary / "plain")
    test_eval(temporary, temporary / "plain", drawn)
    test_refused_early(temporary, temporary / "plain", drawn)
finish()
