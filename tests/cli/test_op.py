# SPDX-License-Identifier: MIT
# test_op.py: `op`: numbers, gradients, attributes, and files that are wrong in every way.
import json
import math
import random
import struct

from cli import check, expect, finish, folder, read_tensors, run, write_tensors

random.seed(1)


def numbers(count):
    """Values that float32 holds exactly."""
    return [struct.unpack("<f", struct.pack("<f", random.gauss(0, 1)))[0] for _ in range(count)]


def close(a, b, tolerance=1e-5):
    return len(a) == len(b) and all(abs(x - y) <= tolerance * (1 + abs(y)) for x, y in zip(a, b))


def op(tmp, name, tensors, attributes=None, *more):
    write_tensors(tmp / "in.safetensors", tensors, attributes)
    result = run("op", name, "--in", tmp / "in.safetensors", "--out", tmp / "out.safetensors", *more)
    check(result.stdout == "", f"op {name}: stdout stays empty")
    return result


def outputs(tmp):
    return read_tensors(tmp / "out.safetensors")[0]


def test_linear(tmp):
    x, w, b, dy = numbers(6), numbers(12), numbers(4), numbers(8)
    tensors = {"x": ("F32", [2, 3], x), "weight": ("F32", [4, 3], w), "bias": ("F32", [4], b)}
    expect(op(tmp, "linear", tensors), 0)
    y = [sum(x[3 * i + k] * w[3 * j + k] for k in range(3)) + b[j] for i in range(2) for j in range(4)]
    check(list(outputs(tmp)) == ["y"], "linear: y and nothing else")
    check(outputs(tmp)["y"][0] == [2, 4] and close(outputs(tmp)["y"][1], y), "linear: y")
    tensors["grad.y"] = ("F32", [2, 4], dy)
    expect(op(tmp, "linear", tensors, None, "--grad"), 0)
    out = outputs(tmp)
    check(sorted(out) == ["grad.bias", "grad.weight", "grad.x", "y"], f"linear --grad: {list(out)}")
    dw = [sum(dy[4 * i + j] * x[3 * i + k] for i in range(2)) for j in range(4) for k in range(3)]
    check(close(out["grad.weight"][1], dw), "linear: grad.weight")
    check(close(out["grad.bias"][1], [dy[j] + dy[4 + j] for j in range(4)]), "linear: grad.bias")
    del tensors["bias"]
    expect(op(tmp, "linear", tensors, {"parts": "2"}, "--grad"), 2 + 2, "grad.y")
    tensors["grad.y"] = ("F32", [2, 2, 2], dy)
    expect(op(tmp, "linear", tensors, {"parts": "2"}, "--grad"), 0)
    check("grad.bias" not in outputs(tmp), "no bias, no gradient of it")


def symbol(k, h, w, solution):
    """G of one channel and one state by the definition; k = kyy, kxy, kxx, by, bx, r, weight, skip."""
    values = []
    for i in range(h):
        for j in range(w // 2 + 1):
            my, mx = (i if i < (h + 1) // 2 else i - h), j
            ky, kx = 2 * math.pi * my, 2 * math.pi * mx
            odd_y = 0 if h % 2 == 0 and i == h // 2 else ky
            odd_x = 0 if w % 2 == 0 and j == w // 2 else kx
            real = -(k[0] * ky * ky + 2 * k[1] * odd_y * odd_x + k[2] * kx * kx) + k[5]
            value = complex(real, k[3] * odd_y + k[4] * odd_x)
            e = complex(math.exp(value.real)) * complex(math.cos(value.imag), math.sin(value.imag))
            if solution == "forced":
                e = (e - 1) / value if abs(value) > 1e-9 else 1
            values += [(k[6] * e + k[7]).real, (k[6] * e).imag]
    return values


def test_symbol(tmp):
    k = [0.01, 0.002, 0.02, 0.1, -0.05, -0.3, 0.7, 1.0]
    tensors = {"diffusion": ("F32", [1, 1, 3], k[:3]), "convection": ("F32", [1, 1, 2], k[3:5]),
               "reaction": ("F32", [1, 1], k[5:6]), "weight": ("F32", [1, 1], k[6:7]),
               "skip": ("F32", [1], k[7:8])}
    for h, w in [(4, 6), (5, 7), (1, 1), (2, 3)]:
        for solution in ["evolve", "forced", None]:
            attributes = {"height": str(h), "width": str(w)}
            if solution:
                attributes["solution"] = solution
            expect(op(tmp, "cdr_symbol", tensors, attributes), 0)
            shape, values = outputs(tmp)["symbol"]
            check(shape == [h, w // 2 + 1, 1, 2], f"cdr_symbol: shape {shape}")
            check(close(values, symbol(k, h, w, solution)), f"cdr_symbol {h}x{w} {solution}")
    expect(op(tmp, "cdr_symbol", tensors, {"height": "4"}), 4, "width", "in.safetensors")
    expect(op(tmp, "cdr_symbol", tensors), 4, "height")
    expect(op(tmp, "cdr_symbol", tensors, {"height": "4", "width": "x"}), 4, "width", "'x'")
    expect(op(tmp, "cdr_symbol", tensors, {"height": "4", "width": "-4"}), 4, "width")
    expect(op(tmp, "cdr_symbol", tensors, {"height": "1e300", "width": "4"}), 4, "height")
    expect(op(tmp, "cdr_symbol", tensors, {"height": "4", "width": "4", "solution": "maybe"}), 4,
           "evolve or forced")


def test_spectral_filter(tmp):
    u = numbers(2 * 3 * 5 * 2)
    ones = [1.0, 0.0] * (3 * 3 * 2)
    tensors = {"u": ("F32", [2, 3, 5, 2], u), "symbol": ("F32", [3, 3, 2, 2], ones),
               "grad.y": ("F32", [2, 3, 5, 2], u)}
    expect(op(tmp, "spectral_filter", tensors, None, "--grad"), 0)
    out = outputs(tmp)
    check(close(out["y"][1], u), "spectral_filter: a symbol of ones changes nothing")
    check(close(out["grad.u"][1], u), "spectral_filter: nor does its gradient")
    check(out["grad.symbol"][0] == [3, 3, 2, 2], "spectral_filter: grad.symbol")


def test_integers(tmp):
    for dtype in ["I32", "I64", "U8"]:
        tensors = {"table": ("F32", [3, 2], [0, 1, 2, 3, 4, 5]), "index": (dtype, [2], [2, 0])}
        expect(op(tmp, "embedding", tensors), 0)
        check(list(outputs(tmp)["y"][1]) == [4, 5, 0, 1], f"embedding with {dtype}")
    tensors["index"] = ("I64", [2], [2, 1 << 40])
    expect(op(tmp, "embedding", tensors), 4, "index", "holds 1099511627776")
    tensors["index"] = ("I64", [2], [2, 3])
    expect(op(tmp, "embedding", tensors), 4, "index", "holds 3")
    tensors["index"] = ("F32", [2], [2, 0])
    expect(op(tmp, "embedding", tensors), 4, "index")
    expect(op(tmp, "gelu", {"x": ("I32", [2], [1, 2])}), 4, "x")


def test_modified_in_place(tmp):
    state = [1, 1, 1, 0, 0, 0, 0, 0]
    tensors = {"average": ("F32", [2], [1, 2]), "parameter": ("F32", [2], [3, 4]),
               "state": ("F32", [8], state)}
    expect(op(tmp, "ema", tensors, {"decay": "0.5"}), 0)
    check(list(outputs(tmp)["average"][1]) == [2, 3], "ema writes average")


def test_wrong_tensors(tmp):
    x = numbers(6)
    expect(op(tmp, "gelu", {}), 4, "operand x is missing")
    expect(op(tmp, "gelu", {"y": ("F32", [6], x)}), 4, "operand x is missing")
    expect(op(tmp, "gelu", {"x": ("F32", [0], [])}), 4, "tensor x")
    expect(op(tmp, "gelu", {"x": ("F32", [], [1.0])}), 4, "tensor x", "rank 0")
    expect(op(tmp, "gelu", {"x": ("F32", [1] * 6, [1.0])}), 4, "tensor x", "rank 6")
    expect(op(tmp, "linear", {"x": ("F32", [2, 3], x), "weight": ("F32", [3, 2], x)}), 4,
           "weight", "[3, 2]", "3]", "in.safetensors")
    expect(op(tmp, "gelu", {"x": ("F32", [6], x)}, None, "--grad"), 4, "grad.y")
    expect(op(tmp, "gelu", {"x": ("F32", [6], x), "grad.y": ("F32", [2, 3], x)}, None, "--grad"), 4,
           "grad.y", "[2, 3]")
    check(not (tmp / "nothing").exists(), "no stray files")


def test_hostile_files(tmp):
    good = tmp / "good.safetensors"
    write_tensors(good, {"x": ("F32", [6], numbers(6))})
    data = good.read_bytes()
    bad = tmp / "bad.safetensors"
    header = json.dumps({"x": {"dtype": "F32", "shape": [1 << 40, 1 << 40],
                               "data_offsets": [0, 24]}}).encode()
    cases = {"empty": b"", "short": data[:5], "cut header": data[:20], "cut data": data[:-3],
             "garbage": bytes(range(256)) * 4, "text": b"hello\n" * 40,
             "huge header": struct.pack("<Q", 1 << 62) + data[8:],
             "overflow": struct.pack("<Q", len(header)) + header + bytes(24)}
    for name, content in cases.items():
        bad.write_bytes(content)
        result = run("op", "gelu", "--in", bad, "--out", tmp / "out2.safetensors")
        expect(result, 4, "bad.safetensors")
        check(not (tmp / "out2.safetensors").exists(), f"{name}: nothing is written")
    expect(run("op", "gelu", "--in", tmp / "none", "--out", tmp / "o"), 4, "none")
    expect(run("op", "gelu", "--in", tmp, "--out", tmp / "o"), 4, str(tmp))
    expect(run("op", "gelu", "--in", good, "--out", tmp / "no/such/folder"), 1, "no/such/folder")
    expect(run("op", "gelu", "--in", good, "--out", "/dev/full"), 1, "/dev/full")


with folder() as temporary:
    for test in [test_linear, test_symbol, test_spectral_filter, test_integers,
                 test_modified_in_place, test_wrong_tensors, test_hostile_files]:
        test(temporary)
finish()
