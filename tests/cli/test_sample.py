# SPDX-License-Identifier: MIT
# test_sample.py: `sample`, `forward`, `info`, `cache` on the model of a short run.
import pathlib
import random
import signal
import struct
import time
import zipfile

from cli import check, expect, finish, folder, parse, read_tensors, run, start, write_tensors


def png_size(path):
    data = pathlib.Path(path).read_bytes()
    check(data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is a PNG")
    return struct.unpack(">II", data[16:24])  # width, height


def npz_arrays(path):
    """{name: (shape, bytes)} of arrays that are not compressed."""
    arrays = {}
    with zipfile.ZipFile(path) as file:
        check(file.testzip() is None, "npz: checksums")
        for name in file.namelist():
            data = file.read(name)
            size = 10 + struct.unpack("<H", data[8:10])[0]
            head = data[10:size].decode()
            shape = head.split("'shape': (")[1].split(")")[0]
            arrays[name] = (tuple(int(n) for n in shape.split(",") if n.strip()), data[size:])
    return arrays


def sample(tmp, model, out, *more, **options):
    return run("sample", "--model", model, "-o", tmp / out, "--steps", "3", "--quiet", *more,
               **options)


def test_forms(tmp, model):
    expect(sample(tmp, model, "a.npz", "--n", "10"), 0)
    arrays = npz_arrays(tmp / "a.npz")
    check(arrays["arr_0.npy"][0] == (10, 32, 32, 3), f"npz: {arrays['arr_0.npy'][0]}")
    check(len(set(arrays["arr_0.npy"][1])) > 50, "npz: bytes of all kinds")
    labels = next(v for k, v in arrays.items() if k.startswith("labels"))
    check(labels[0] == (10,) and labels[1][:1] == b"\0", "npz: labels")
    expect(sample(tmp, model, "a.npy", "--n", "2", "--class", "3"), 0)
    check((tmp / "a.npy").stat().st_size >= 2 * 3 * 32 * 32 * 4, "npy: float32")
    expect(sample(tmp, model, "one.png", "--n", "1", "--class", "none"), 0)
    small = png_size(tmp / "one.png")
    expect(sample(tmp, model, "two.png", "--n", "1", "--class", "none", "--scale", "2"), 0)
    check(png_size(tmp / "two.png")[0] > small[0], "--scale")
    expect(sample(tmp, model, "grid.png", "--n", "20"), 0)
    width, height = png_size(tmp / "grid.png")
    check(height >= 10 * 32 and width >= 2 * 32, f"grid: {width} x {height}: one row for each class")
    expect(sample(tmp, model, "pngs/", "--n", "3", "--class", "2", "--size", "16x24"), 0)
    names = sorted(p.name for p in (tmp / "pngs").iterdir())
    check(names == [f"{i:05}-class-2.png" for i in range(3)], f"folder: {names}")
    check(png_size(tmp / "pngs/00000-class-2.png") == (24, 16), "--size HxW")
    check(not list(tmp.glob("*.tmp*")), "no leftovers")


def test_same_images(tmp, model):
    """An image depends on its number and the seed, not on the batch or the others."""
    expect(sample(tmp, model, "x.npz", "--n", "6", "--class", "1", "--batch", "6"), 0)
    expect(sample(tmp, model, "y.npz", "--n", "4", "--class", "1", "--batch", "3"), 0)
    x, y = (npz_arrays(tmp / n)["arr_0.npy"][1] for n in ("x.npz", "y.npz"))
    check(max(abs(a - b) for a, b in zip(x, y)) <= 1, "the batch does not matter")
    expect(sample(tmp, model, "z.npz", "--n", "4", "--class", "1", "--seed", "1"), 0)
    check(npz_arrays(tmp / "z.npz")["arr_0.npy"][1] != y, "another seed")
    for guidance in ["1", "0"]:
        expect(sample(tmp, model, "g.npz", "--n", "2", "--guidance", guidance), 0)
    for solver, evaluations in [("euler", 3), ("midpoint", 6), ("heun", 6), ("rk4", 12)]:
        value = parse(sample(tmp, model, "s.npz", "--n", "2", "--solver", solver, "--format", "json"),
                      "evaluations", "seconds", "output", "device", "driver")
        check(abs(value.get("evaluations", 0) - evaluations) <= 1, f"{solver}: {value}")
    value = parse(sample(tmp, model, "s.npz", "--n", "2", "--solver", "dopri5", "--rtol", "1e-2",
                         "--atol", "1e-2", "--format", "json"), "evaluations")
    check(value.get("evaluations", 0) > 6, "dopri5 evaluates")


def test_models(tmp, model):
    newest = max(model.glob("step-*"))
    for path in [newest, newest / "ema.safetensors", newest / "model.safetensors"]:
        expect(sample(tmp, path, "m.npz", "--n", "1"), 0)
    expect(sample(tmp, tmp / "none", "m.npz"), 4, "none")
    (tmp / "empty").mkdir()
    expect(sample(tmp, tmp / "empty", "m.npz"), 4, "no complete checkpoint")
    expect(sample(tmp, newest / "optimizer.safetensors", "m.npz"), 4, "optimizer.safetensors")
    data = (newest / "ema.safetensors").read_bytes()
    for size in [0, 7, 100, len(data) // 2, len(data) - 1]:
        (tmp / "cut.safetensors").write_bytes(data[:size])
        expect(sample(tmp, tmp / "cut.safetensors", "m.npz"), 4, "cut.safetensors")
    # The configuration in the file decides sizes: absurd ones must not be believed.
    for old, new in [(b'\\"width\\":32', b'\\"width\\":-2'), (b'\\"depth\\":2', b'\\"depth\\":9'),
                     (b'\\"mixer\\":\\"pde\\"', b'\\"mixer\\":\\"pdx\\"')]:
        check(old in data, f"{old} is in the header")
        (tmp / "odd.safetensors").write_bytes(data.replace(old, new))
        expect(sample(tmp, tmp / "odd.safetensors", "m.npz"), 4, "odd.safetensors")


def test_wrong_usage(tmp, model):
    expect(sample(tmp, model, "a.npz", "--class", "10"), 2, "from 0 to 9")
    expect(sample(tmp, model, "a.npz", "--class", "x"), 2, "all, none")
    expect(sample(tmp, model, "a.npz", "--size", "30x32"), 2, "patch")
    expect(sample(tmp, model, "no/such/place.png"), 1, "no/such")
    expect(sample(tmp, model, "big.npz", "--size", "16384x16384", "--batch", "64"), 1, "--batch")


def test_interrupt(tmp, model):
    process = start("sample", "--model", model, "-o", tmp / "i.npz", "--steps", "1000000")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    check(process.returncode == 130 and stdout == "", f"interrupt: {process.returncode} {stderr}")
    check(not (tmp / "i.npz").exists(), "interrupt: nothing is written")


def test_forward(tmp, model):
    newest = max(model.glob("step-*")) / "model.safetensors"
    random.seed(2)
    x = [random.gauss(0, 1) for _ in range(2 * 3 * 32 * 32)]
    base = {"x": ("F32", [2, 3, 32, 32], x), "t": ("F32", [2], [0.1, 0.9])}

    def forward(tensors, *more):
        write_tensors(tmp / "in.safetensors", tensors)
        result = run("forward", "--model", newest, "--in", tmp / "in.safetensors", "--out",
                     tmp / "v.safetensors", *more)
        check(result.stdout == "", "forward: stdout stays empty")
        return result

    expect(forward(base), 0)
    shape, null = read_tensors(tmp / "v.safetensors")[0]["v"]
    check(shape == [2, 3, 32, 32] and all(v == v for v in null), "forward: v")
    expect(forward(dict(base, y=("I64", [2], [10, 10]))), 0)
    check(read_tensors(tmp / "v.safetensors")[0]["v"][1] == null, "absent y is the null class")
    expect(forward(dict(base, y=("I32", [2], [3, 4]))), 0)
    check(read_tensors(tmp / "v.safetensors")[0]["v"][1] != null, "a class makes a difference")
    half = {"x": ("F32", [1, 3, 16, 24], x[:3 * 16 * 24]), "t": ("F32", [1], [0.5])}
    expect(forward(half), 0)
    check(read_tensors(tmp / "v.safetensors")[0]["v"][0] == [1, 3, 16, 24], "another grid")
    expect(forward(dict(base, y=("I64", [2], [3, 11]))), 4, "tensor y", "11")
    expect(forward(dict(base, y=("I64", [3], [1, 2, 3]))), 4, "tensor y")
    expect(forward(dict(base, y=("F32", [2], [1, 2]))), 4, "tensor y")
    expect(forward(dict(base, t=("F32", [1], [1]))), 4, "tensor t")
    expect(forward({"t": base["t"]}), 4, "tensor x")
    expect(forward(dict(base, x=("F32", [2, 1, 32, 32], x[:2048]))), 4, "tensor x")
    expect(forward(dict(base, x=("F32", [2, 3, 32, 31], x[:2 * 3 * 32 * 31]))), 4, "patch")
    expect(forward(dict(base, x=("F32", [0, 3, 32, 32], []))), 4, "tensor x")


def test_info(tmp, model):
    expect(run("info", model), 0)
    value = parse(run("info", model, "--format", "json", "--batch", "16"), "config", "parameters",
                  "memory_to_train", "memory_to_sample", "blocks", "batch", "device", "driver")
    check(value["config"]["width"] == 32 and value["config"]["mixer"] == "pde", "info: config")
    newest = max(model.glob("step-*")) / "ema.safetensors"
    tensors = read_tensors(newest)[0]
    check(value["parameters"] == sum(len(v) for _, v in tensors.values()), "info: parameters")
    check(len(value["blocks"]) == 2, "info: a row for each block")
    block = value["blocks"][0]
    check(0.1 < block["blur_width_tokens"]["median"] < 4, f"info: widths {block}")
    check(abs(block["blur_width_pixels"]["median"] / block["blur_width_tokens"]["median"] - 8) < 1e-9,
          "info: a token has 8 pixels")
    check(0.9 < block["mean_kept"]["least"] <= block["mean_kept"]["most"] <= 1, "info: e^r")
    check(value["memory_to_train"]["total_bytes"] > value["memory_to_sample"]["total_bytes"],
          "info: memory")
    ratio = value["memory_to_train"]["flops"] / value["memory_to_sample"]["flops"]
    check(2.5 < ratio < 3.2, "info: a step costs about three evaluations, not %.2f" % ratio)
    expect(run("info", tmp / "none"), 4, "none")
    write_tensors(tmp / "plain.safetensors", {"x": ("F32", [1], [1.0])})
    expect(run("info", tmp / "plain.safetensors"), 4, "plain.safetensors", "config")


def test_cache(tmp, model):
    env = {"PDESSM_CACHE_DIR": str(tmp / "cache")}
    for action in ["list", "clear", "warm"]:
        value = parse(run("cache", action, "--format", "json", env=env), "path", "files", "bytes")
        check(value.get("files") == 0, f"cache {action} with plain C")


with folder() as temporary:
    run_folder = temporary / "run"
    expect(run("train", "--data", "shapes", "--limit", "64", "--model", "pde-nano/8", "--width", "32",
               "--depth", "2", "--states", "2", "--batch", "8", "--steps", "20", "--sample-every",
               "0", "--save-every", "10", "--out", run_folder), 0)
    for number, test in enumerate([test_forms, test_same_images, test_models, test_wrong_usage,
                                   test_interrupt, test_forward, test_info, test_cache]):
        place = temporary / str(number)
        place.mkdir()
        test(place, run_folder)
finish()
