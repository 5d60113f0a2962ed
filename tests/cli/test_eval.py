# SPDX-License-Identifier: MIT
# test_eval.py: `eval` against an independent float64 computation and on distributions whose distances are
# known; files that NumPy reads and writes; what is refused.
import json
import signal
import sys
import time

from cli import check, expect, finish, folder, parse, read_tensors, run, start, write_tensors

try:
    import numpy
except ImportError:
    print("SKIP: no NumPy (Debian, Ubuntu: apt install python3-numpy)")
    sys.exit(77)
import eval_reference as reference

EVERY = ["samples", "reference", "frechet", "frechet_floor", "mmd", "mmd_floor", "precision", "recall",
         "sliced_wasserstein", "label_accuracy", "spectrum", "features", "count", "reference_count",
         "floor_count", "seed", "device", "driver"]


def random(seed):
    return numpy.random.Generator(numpy.random.PCG64(seed))


def evaluate(tmp, x, r, *more):
    """The JSON for float images [n, channels, h, w], which are used as they are."""
    numpy.save(tmp / "x.npy", x.astype(numpy.float32))
    numpy.save(tmp / "r.npy", r.astype(numpy.float32))
    result = run("eval", "--samples", tmp / "x.npy", "--reference", tmp / "r.npy", "--format", "json",
                 "--layout", "nchw", "--quiet", *more)
    expect(result, 0)
    return parse(result, *EVERY)


def near(value, expected, tolerance, what):
    check(abs(value - expected) <= tolerance, f"{what}: {value}, expected {expected} +- {tolerance}")


def same(found, expected, suffix, tolerance=1e-5):
    """Images pass through float32: 1e-7 of each number, more of what is a small difference."""
    for key, value in expected.items():
        near(found[key + suffix], value, tolerance * max(1, abs(value)), key + suffix)


def standard(generator, n, d):
    """Points whose sample mean and covariance are exactly 0 and 1."""
    x = generator.standard_normal((n, d))
    x -= x.mean(0)
    return x @ numpy.linalg.inv(numpy.linalg.cholesky(numpy.cov(x.T))).T


def as_images(points):
    return points.reshape(len(points), 1, 2, -1)


# ---------------------------------------------------------------------- against NumPy

def test_everything(tmp):
    """All numbers, different counts, two channels, a size that is odd and not square."""
    g = random(1)
    for seed, n, m in [(0, 37, 50), (12345678901, 60, 41)]:
        mix = g.standard_normal((2 * 5 * 6, 2 * 5 * 6)) / 30
        x = (g.standard_normal((n, 60)) @ mix * 1.2 + 0.1).reshape(n, 2, 5, 6).astype(numpy.float32)
        r = (g.standard_normal((m, 60)) @ mix).reshape(m, 2, 5, 6).astype(numpy.float32)
        found = evaluate(tmp, x, r, "--seed", seed)
        x, r = x.astype(float), r.astype(float)
        same(found, reference.compare(x, r, seed), "")
        chosen, a, b = reference.halves(x, r, seed)
        same(found, reference.compare(chosen, a, seed), "_matched")
        same(found, reference.compare(b, a, seed), "_floor")
        check(found["low_eigenvalue_recovery"] is None, "too few images for eigenvectors")
        power = [row["samples"] for row in found["spectrum"]]
        check(numpy.allclose(power, reference.spectrum(x), rtol=1e-6), "spectrum")
        power = [row["reference"] for row in found["spectrum"]]
        check(numpy.allclose(power, reference.spectrum(r), rtol=1e-6), "spectrum of the reference")
        check(found["features"] == "pixels" and found["feature_dimension"] == 60, "features")
        counts = [found[k] for k in ("count", "reference_count", "floor_count", "seed")]
        check(counts == [n, m, min(n, m // 2), seed], f"counts: {counts}")


def test_threads(tmp):
    g = random(2)
    x, r = (as_images(g.standard_normal((n, 20))) for n in (300, 200))
    one, two = (evaluate(tmp, x, r, "--threads", t) for t in (1, 2))
    for key in EVERY[2:11] + ["low_eigenvalue_recovery"]:
        check(one[key] == two[key], f"{key} depends on the number of threads")
    other = evaluate(tmp, x, r, "--seed", 1)
    check(other["frechet"] == one["frechet"] and other["frechet_floor"] != one["frechet_floor"],
          "the seed chooses the halves")


# ---------------------------------------------------------------------- known distributions

def test_gaussians(tmp):
    g = random(3)
    d = 24
    x, r = standard(g, 200, d), standard(g, 300, d)
    # Commuting covariances: |m|^2 + sum (a - b)^2 of the deviations.
    a, b, m = g.uniform(0.05, 0.6, d), g.uniform(0.05, 0.6, d), g.uniform(-0.2, 0.2, d)
    turn = numpy.linalg.qr(g.standard_normal((d, d)))[0]
    found = evaluate(tmp, as_images(x * a @ turn.T + m), as_images(r * b @ turn.T))
    near(found["frechet"], m @ m + ((a - b)**2).sum(), 1e-6, "Gaussians that commute")
    # A shift alone, and no difference at all.
    found = evaluate(tmp, as_images(x / 4 + m), as_images(x / 4))
    near(found["frechet"], m @ m, 1e-6, "a shift")
    # Along theta a shift by m moves every quantile by theta m: |m| sqrt(mean theta_m^2).
    near(found["sliced_wasserstein"], numpy.linalg.norm(m) / numpy.sqrt(d),
         0.1 * numpy.linalg.norm(m) / numpy.sqrt(d), "a shift, sliced")
    found = evaluate(tmp, as_images(x / 4), as_images(x / 4))
    near(found["frechet"], 0, 1e-6, "nothing")
    check(found["precision"] == found["recall"] == 1 and found["mmd"] <= 0, f"nothing: {found}")
    near(found["sliced_wasserstein"], 0, 1e-9, "nothing, sliced")
    # Fewer points than dimensions, and a direction in which nothing varies.
    few, more = g.standard_normal((14, d)), g.standard_normal((17, d))
    few[:, 3] = more[:, 3] = 0.5
    found = evaluate(tmp, as_images(few), as_images(more))
    expected = reference.frechet(*(v.astype(numpy.float32).astype(float) for v in (few, more)))
    near(found["frechet"], expected, 1e-5 * expected, "singular covariances")


def test_kernel_distance(tmp):
    """Unbiased: about 0 for equal distributions, and well above its noise for others."""
    g = random(4)
    values = [evaluate(tmp, as_images(g.standard_normal((80, 12))),
                       as_images(g.standard_normal((80, 12))))["mmd"] for _ in range(6)]
    check(min(values) < 0 < max(values) and max(numpy.abs(values)) < 0.02, f"mmd of equals: {values}")
    far = evaluate(tmp, as_images(g.standard_normal((80, 12)) + 0.7),
                   as_images(g.standard_normal((80, 12))))
    check(far["mmd"] > 5 * max(numpy.abs(values)), f"mmd of others: {far['mmd']}")


def test_modes(tmp):
    """Dropped modes cost recall in proportion and leave precision; samples beside the data cost
    precision in proportion and leave recall."""
    g = random(5)
    modes, each, d = 8, 40, 12
    centre = 20 * g.standard_normal((modes, d))

    def draw(kept, count):
        return centre[numpy.arange(count) % kept] + g.standard_normal((count, d))
    real = as_images(draw(modes, modes * each))
    whole = evaluate(tmp, as_images(draw(modes, modes * each)), real)
    check(whole["precision"] > 0.8 and whole["recall"] > 0.8, f"all modes: {whole}")
    kept = 5
    dropped = evaluate(tmp, as_images(draw(kept, kept * each)), real)
    near(dropped["recall"], whole["recall"] * kept / modes, 0.06, "recall of 5 modes of 8")
    near(dropped["precision"], whole["precision"], 0.06, "precision of 5 modes of 8")
    off = draw(modes, modes * each)
    off[::4] += 50 * g.standard_normal((modes * each // 4, d))
    beside = evaluate(tmp, as_images(off), real)
    near(beside["precision"], 0.75 * whole["precision"], 0.06, "a quarter beside the data")


def test_spectrum(tmp):
    """A cosine of amplitude a: a^2/4 at each of its two wavenumbers, all of it in one ring."""
    y, x = numpy.meshgrid(numpy.arange(16), numpy.arange(12), indexing="ij")
    g = random(6)
    phase = g.uniform(0, 6, (20, 1, 1, 1))
    wave = 0.8 * numpy.cos(2 * numpy.pi * (3 * y / 16 - 4 * x / 12) + phase)
    power = [row["samples"] for row in evaluate(tmp, wave, g.uniform(-1, 1, (20, 1, 16, 12)))["spectrum"]]
    modes = sum(1 for my in range(-8, 8) for mx in range(-6, 6)
                if int((my * my + mx * mx)**0.5 + 0.5) == 5)
    check(len(power) == 7, f"{len(power)} rings")
    near(power[5] * modes, 2 * 0.8**2 / 4, 1e-6, "cosine")
    check(max(power[:5] + power[6:]) < 1e-12, f"cosine: {power}")


def test_recovery(tmp):
    g = random(7)
    d, n = 16, 1500
    scale = numpy.geomspace(0.01, 1, d)
    turn = numpy.linalg.qr(g.standard_normal((d, d)))[0]

    x, r = (g.standard_normal((count, d)).astype(numpy.float32) for count in (50, 81))
    found = evaluate(tmp, as_images(x), as_images(r))
    _, a, b = reference.halves(x.astype(float), r.astype(float), 0)
    ratio, median = reference.recovery(a, x.astype(float), b)
    near(found["low_eigenvalue_recovery"], ratio, 1e-5 * ratio, "recovery")
    near(found["low_eigenvalue_recovery_median"], median, 1e-5 * median, "recovery, median")

    def draw(factor):
        return as_images(g.standard_normal((n, d)) * scale * factor @ turn.T)
    low = numpy.where(numpy.arange(d) < d // 4, 1.0, 0)
    for factor, expected in [(1, 1), (1 - low, 0), (1 - low / 2, 0.25), (1 + low, 4)]:
        found = evaluate(tmp, draw(factor), draw(1))["low_eigenvalue_recovery"]
        near(found, expected, 0.12 * max(expected, 0.5), "low eigenvalues recovered")


# ---------------------------------------------------------------------- files

def test_files(tmp):
    """What sample writes, NumPy reads; what NumPy writes, eval reads; labels; PNGs; --limit."""
    g = random(8)
    pixels = g.integers(0, 256, (60, 8, 8, 3)).astype(numpy.uint8)
    numpy.savez(tmp / "x.npz", arr_0=pixels, labels=numpy.arange(60) % 10)
    numpy.savez_compressed(tmp / "r.npz", arr_0=255 - pixels[:50])
    files = ["--samples", tmp / "x.npz", "--reference", tmp / "r.npz"]
    found = parse(run("eval", *files, "--format", "json"), *EVERY)
    x = pixels.transpose(0, 3, 1, 2) / 127.5 - 1
    same(found, reference.compare(x, -x[:50], 0), "")
    check(found["label_accuracy"] is None, "no classifier, no accuracy")
    text = run("eval", *files, "--quiet")
    expect(text, 0)
    for words in ["Frechet distance", "recall", "25 of them", "25 real", "features: pixels (192)"]:
        check(words in text.stdout, f"text: '{words}' not in {text.stdout}")
    found = parse(run("eval", *files, "--limit", "30", "--format", "json", "--quiet"))
    check((found["count"], found["reference_count"]) == (30, 30), "--limit")
    found = parse(run("eval", *files, "--image-size", "4x4", "--fit", "resize", "--channels", "1",
                      "--format", "json", "--quiet"))
    check(found["feature_dimension"] == 16, "--image-size, --channels")


def test_model(tmp, model):
    """--model draws what `sample` draws; the loss is that of `forward` on the same path."""
    draws = ["--steps", "2", "--guidance", "1.5", "--seed", "3"]
    expect(run("sample", "--model", model, "-o", tmp / "s.npz", "--n", "30", *draws), 0)
    with numpy.load(tmp / "s.npz") as file:
        images, labels = file["arr_0"], file["labels"]
    check(images.shape == (30, 8, 8, 3) and images.dtype == numpy.uint8, f"sample: {images.shape}")
    check(sorted(labels.tolist()) == sorted(list(range(10)) * 3), f"sample: {labels}")
    check(images.std() > 1, "sample: pixels differ")
    with numpy.load(tmp / "real.npz") as file:
        real, classes = file["images"] / 127.5 - 1, file["labels"]
    also = ["--reference", tmp / "real.npz", "--format", "json", "--seed", "3"]
    drawn = parse(run("eval", "--model", model, "--n", "30", "--batch", "7", *draws, *also))
    read = parse(run("eval", "--samples", tmp / "s.npz", *also))
    for key in EVERY[2:11] + ["frechet_matched"]:
        if key != "spectrum":
            near(drawn[key] or 0, read[key] or 0, 1e-3 * abs(read[key] or 0) + 1e-6, f"drawn, {key}")
    expect(run("sample", "--model", model, "-o", f"{tmp}/pngs/", "--n", "30", *draws), 0)
    pictures = parse(run("eval", "--samples", tmp / "pngs", *also))
    check(pictures["frechet"] == read["frechet"], "a folder of PNGs is the same images")
    check((drawn["evaluations"], drawn["solver"], drawn["steps"]) == (4, "heun", 2), f"drawn: {drawn}")
    check(read["velocity_loss"] is None and "evaluations" not in read, "no model, no loss")
    n = len(real)
    t = (numpy.array(reference.order(3, reference.TIMES, n)) +
         reference.uniform(3, reference.METRIC, reference.TIMES, 1 + numpy.arange(n))) / n
    z = reference.normal(3, reference.VALIDATE, 0, range(n), 3 * 64).reshape(n, 3, 8, 8)
    at = t[:, None, None, None]
    path = ((1 - at) * z + at * real).astype(numpy.float32)
    write_tensors(tmp / "in.safetensors",
                  {"x": ("F32", list(path.shape), path.ravel().tolist()),
                   "t": ("F32", [n], t.tolist()), "y": ("I64", [n], classes.tolist())})
    newest = max(model.glob("step-*")) / "ema.safetensors"
    expect(run("forward", "--model", newest, "--in", tmp / "in.safetensors", "--out",
               tmp / "v.safetensors"), 0)
    v = numpy.array(read_tensors(tmp / "v.safetensors")[0]["v"][1]).reshape(path.shape)
    loss = ((v - (real - z))**2).mean()
    near(drawn["velocity_loss"], loss, 1e-5 * loss, "velocity loss")


# ---------------------------------------------------------------------- classifiers

def write_classifier(path, model, generator, classes=10):
    """A classifier made of the parts of a trained model: blocks that change nothing (their adaLN is
    zero), an embedding and a last layer drawn here. Returns these four arrays."""
    tensors, metadata = read_tensors(max(model.glob("step-*")) / "ema.safetensors")
    config = json.loads(metadata["pdessm.config"])
    config.update(task="classify", num_classes=classes)
    width = config["width"]
    parts = {"x_embedder.proj.weight": generator.standard_normal((width, 3, 4, 4)) / 5,
             "x_embedder.proj.bias": generator.standard_normal(width) / 5,
             "classifier.weight": generator.standard_normal((classes, width)),
             "classifier.bias": generator.standard_normal(classes) / 5}
    parts = {name: value.astype(numpy.float32) for name, value in parts.items()}
    new = {name: ("F32", list(value.shape), value.ravel().tolist()) for name, value in parts.items()}
    new["condition"] = ("F32", [width], [0.3] * width)
    for name, (shape, values) in tensors.items():
        if name.startswith("blocks."):
            new[name] = ("F32", shape, [0.0] * len(values) if "adaLN" in name else values)
    write_tensors(path, new, {"pdessm.config": json.dumps(config)})
    return [value.astype(float) for value in parts.values()]


def test_classifier(tmp, model):
    """Features and classes as NumPy has them; labels of which some are none; another classifier."""
    g = random(11)
    weight, bias, last, offset = write_classifier(tmp / "classifier.safetensors", model, g)
    x, r = (g.integers(0, 256, (n, 8, 8, 3)).astype(numpy.uint8) for n in (45, 61))
    tones = numpy.arange(61)[:, None, None, None] % 7 * 30
    x, r = (numpy.clip(v // 2 + tones[:len(v)], 0, 255).astype(numpy.uint8) for v in (x, r))

    def features(images):
        return reference.features_of_embedding(images, weight, bias)

    def classes(images):
        return (features(images) @ last.T + offset).argmax(1)
    ours, theirs = (v.transpose(0, 3, 1, 2) / 127.5 - 1 for v in (x, r))
    labels, real = classes(ours), classes(theirs)
    check(len(set(real)) > 1, f"classes of all kinds: {real}")
    labels[:9] = (labels[:9] + 1) % 10   # wrong ones
    labels[40:] = 10                     # of no class
    real[::2] = (real[::2] + 1) % 10
    numpy.savez(tmp / "x.npz", arr_0=x, labels=labels)
    numpy.savez(tmp / "r.npz", arr_0=r, labels=real)
    files = ["--samples", tmp / "x.npz", "--reference", tmp / "r.npz", "--batch", "16"]
    also = ["--classifier", tmp / "classifier.safetensors", "--format", "json", "--quiet"]
    found = parse(run("eval", *files, *also), *EVERY)
    same(found, reference.compare(ours, theirs, 0, features), "", 1e-4)
    chosen, a, b = reference.halves(ours, theirs, 0)
    same(found, reference.compare(b, a, 0, features), "_floor", 1e-4)
    near(found["label_accuracy"], 31 / 40, 1e-9, "label accuracy")
    near(found["label_accuracy_floor"], 30 / 61, 1e-9, "label accuracy of real images")
    check(found["features"].startswith("classifier:") and found["feature_dimension"] == 16,
          f"features: {found['features']}")
    numpy.savez(tmp / "bare.npz", arr_0=x)
    bare = parse(run("eval", "--samples", tmp / "bare.npz", "--reference", tmp / "r.npz", *also))
    check(bare["label_accuracy"] is None and bare["frechet"] == found["frechet"], "without labels")
    write_classifier(tmp / "few.safetensors", model, g, 5)
    expect(run("eval", *files, "--classifier", tmp / "few.safetensors"), 2, "few.safetensors",
           "knows 0 to 4")
    expect(run("eval", *files, "--classifier", model), 2, "ema.safetensors", "--task classify")
    expect(run("eval", "--model", tmp / "classifier.safetensors", "--reference", tmp / "r.npz"), 2,
           "classifier")
    # The whole way: a classifier that was trained, if only a little.
    expect(run("train", "--task", "classify", "--data", tmp / "real.npz", "--test",
               tmp / "real.npz", "--layout", "nchw", "--model", "pde-nano/4", "--width", "16",
               "--depth", "1", "--states", "2", "--batch", "10", "--steps", "20", "--warmup", "2", "--out", tmp / "seen"), 0)
    seen = parse(run("eval", *files, "--classifier", tmp / "seen", "--format", "json", "--quiet"))
    check(0 <= seen["label_accuracy"] <= 1 and seen["frechet"] != found["frechet"], f"seen: {seen}")
    expect(run("eval", *files, "--image-size", "4x4", "--fit", "resize", "--classifier",
               tmp / "classifier.safetensors"), 2, "8 x 8", "4 x 4", "--image-size")


# ---------------------------------------------------------------------- what is refused

def test_refused(tmp, model):
    g = random(9)
    small, large, gray = ((g.integers(0, 256, shape)).astype(numpy.uint8)
                          for shape in [(40, 8, 8, 3), (40, 9, 8, 3), (40, 8, 8, 1)])
    for name, array in [("small", small), ("large", large), ("gray", gray), ("few", small[:5]),
                        ("eleven", small[:11]), ("same", small[:1].repeat(40, 0))]:
        numpy.savez(tmp / f"{name}.npz", arr_0=array)
    bad = small.transpose(0, 3, 1, 2).astype(numpy.float32) / 127.5 - 1
    bad[7, 1, 2, 3] = numpy.nan
    numpy.save(tmp / "bad.npy", bad)

    def refuse(samples, real, code, *words):
        expect(run("eval", "--samples", tmp / samples, "--reference", tmp / real, "--quiet"), code, *words)
    refuse("large.npz", "small.npz", 2, "9 x 8", "8 x 8", "--fit resize")
    refuse("gray.npz", "small.npz", 2, "1 channels", "--channels")
    refuse("few.npz", "small.npz", 2, "5 samples", "at least 6")
    refuse("small.npz", "eleven.npz", 2, "11 real images", "12")
    refuse("small.npz", "same.npz", 1, "median", "bandwidth")
    refuse("bad.npy", "small.npz", 4, "bad.npy", "not finite")
    refuse("none.npz", "small.npz", 4, "none.npz")
    small_real = ["--reference", tmp / "small.npz"]
    expect(run("eval", *small_real), 2, "--samples", "--model")
    expect(run("eval", "--samples", tmp / "few.npz", "--model", model, *small_real), 2, "one of")
    expect(run("eval", "--samples", tmp / "small.npz"), 2, "--reference is missing")
    expect(run("eval", "--model", model, "--reference", tmp / "gray.npz"), 2, "1")
    expect(run("eval", "--model", model, "--solver", "ode45", *small_real), 2, "euler midpoint heun rk4 dopri5")
    expect(run("eval", "--samples", tmp / "small.npz", "--split", "test", *small_real), 2, "split")


def test_interrupt(tmp, model):
    process = start("eval", "--model", model, "--reference", tmp / "real.npz", "--steps", "1000000")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    check(process.returncode == 130 and stdout == "", f"interrupt: {process.returncode} {stderr}")
    check("draw" in stderr, f"a bar: {stderr}")


with folder() as temporary:
    # A few images as a file, and a short run on them.
    generator = random(10)
    tone = generator.integers(0, 200, (50, 3, 1, 1)) + generator.integers(0, 50, (50, 3, 8, 8))
    numpy.savez(temporary / "real.npz", images=tone.astype(numpy.uint8),
                labels=numpy.arange(50) % 10)
    run_folder = temporary / "run"
    expect(run("train", "--data", temporary / "real.npz", "--model", "pde-nano/4", "--width", "16",
               "--depth", "1", "--states", "2", "--batch", "16", "--steps", "40", "--warmup", "5",
               "--sample-every", "0", "--layout", "nchw", "--out", run_folder), 0)
    for test in [test_everything, test_threads, test_gaussians, test_kernel_distance, test_modes,
                 test_spectrum, test_recovery, test_files]:
        test(temporary)
    for test in [test_model, test_classifier, test_refused, test_interrupt]:
        test(temporary, run_folder)
finish()
