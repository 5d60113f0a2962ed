# SPDX-License-Identifier: MIT
# seeds.py: small valid files of every format, and damaged ones made from them, for replaying and as
# a corpus to start fuzzing from: seeds.py FORMAT FOLDER [--mutants N] [--seed S]
import argparse
import gzip
import io
import json
import pathlib
import random
import struct
import zipfile
import zlib


def safetensors():
    def file(header, data):
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + data

    x = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    y = {"dtype": "I64", "shape": [1], "data_offsets": [16, 24]}
    z = {"dtype": "BF16", "shape": [0], "data_offsets": [24, 24]}
    meta = {"k": "v", "a\u00e9": "b\n"}
    yield file({}, b"")
    yield file({"__metadata__": meta, "x": x, "y": y, "z": z}, bytes(24))
    yield file({"x": dict(x, shape=[2**32, 2**32])}, bytes(16))  # product overflows
    yield file({"x": x, "y": dict(y, data_offsets=[8, 16])}, bytes(24))  # overlap
    yield file({"x": dict(x, data_offsets=[16, 0])}, bytes(16))
    yield struct.pack("<Q", 2**63) + b"{}"


def idx():
    images = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(8)
    yield images
    yield gzip.compress(images, mtime=0)
    yield bytes([0, 0, 13, 1, 0, 0, 0, 2]) + bytes(8)
    yield bytes([0, 0, 8, 3]) + b"\xff" * 12
    yield gzip.compress(bytes(1 << 23), mtime=0)  # a bomb: larger than the target allows


def npy_file(descr, shape, data, version=1, fortran=False):
    text = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)
    text = text.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def npy():
    yield npy_file("|u1", (2, 2, 2), bytes(8))
    yield npy_file(">f8", (2,), bytes(16))
    yield npy_file("<f2", (), bytes(2), 2)
    yield npy_file("<f4", (2, 3), bytes(24), fortran=True)
    yield npy_file("|O", (1,), bytes(8))
    yield npy_file("|u1", (2**40, 2**40), bytes(8))


def npz():
    for method in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in (
                ("arr_0.npy", npy_file("|u1", (2, 4, 4, 3), bytes(96))),
                ("labels.npy", npy_file("<i4", (2,), bytes(8))),
            ):
                archive.writestr(zipfile.ZipInfo(name), data, method)
        yield out.getvalue()
    yield b"PK\x05\x06" + bytes(18)


def integers(*values):
    return npy_file("<i8", (len(values),), struct.pack("<%dq" % len(values), *values))


def floats(*values):
    return npy_file("<f4", (len(values),), struct.pack("<%df" % len(values), *values))


def node_npz():
    """A path of four nodes with two features, and the same with one array that is wrong."""
    base = {"adj_data": floats(1, 1, 1), "adj_indices": integers(1, 2, 3),
            "adj_indptr": integers(0, 1, 2, 3, 3), "adj_shape": integers(4, 4),
            "attr_data": floats(1, 2, 3, 4), "attr_indices": integers(0, 1, 0, 1),
            "attr_indptr": integers(0, 1, 2, 3, 4), "attr_shape": integers(4, 2),
            "labels": integers(0, 1, 0, 1), "train_mask": integers(1, 1, 0, 0),
            "val_mask": integers(0, 0, 1, 0), "test_mask": integers(0, 0, 0, 1)}
    wrong = [("adj_indices", integers(1, 2, 4)), ("adj_indices", integers(-1, 2, 3)),
             ("adj_indptr", integers(0, 3, 2, 3, 3)), ("adj_indptr", integers(0, 1)),
             ("adj_indptr", integers(0, 1, 2, 3, 2**62)), ("adj_shape", integers(2**40, 2**40)),
             ("adj_shape", integers(4, 5)), ("adj_data", floats(1, 1)), ("adj_data", integers(0, 0, 0)),
             ("attr_shape", integers(4, 2**40)), ("attr_shape", integers(4, 2**62)),
             ("attr_indices", integers(0, 1, 0, 2)), ("attr_data", floats(1, 2, 3, float("nan"))),
             ("labels", integers(0, 1, 0)), ("labels", integers(0, 1, 0, 2**31)),
             ("labels", floats(0, 1, 0, 0.5)), ("labels", npy_file("<i8", (2, 2), bytes(32))),
             ("val_mask", integers(1, 0, 1, 0)), ("test_mask", integers(0, 0, 0))]
    missing = [{k: v for k, v in base.items() if k != name} for name in base]
    for arrays in [base] + [{**base, name: data} for name, data in wrong] + missing:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in arrays.items():
                archive.writestr(zipfile.ZipInfo(name + ".npy"), data)
        yield out.getvalue()


def csv():
    yield b"a,b\n0,1\n1,2\n"
    yield b"0 1\r\n 1;2\t\n# nothing\n\n2,3 # the last"
    yield b"1e308\n-inf\nnan\n0x10\n"
    yield b"1,2\n3\n"
    yield b"1" * 100
    yield b"\n" * 100 + b"5"


def png(color, depth, rows, extra=b""):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, depth, color, 0, 0, 0))
    palette = b"".join(chunk(kind, data) for kind, data in extra) if extra else b""
    return (b"\x89PNG\r\n\x1a\n" + head + palette + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


def image():
    yield png(0, 8, b"\0abcd" * 4)
    yield png(6, 8, (b"\0" + bytes(range(16))) * 4)
    yield png(0, 16, (b"\0" + bytes(8)) * 4)
    yield png(3, 2, b"\0\x1b" * 4, [(b"PLTE", bytes(range(12))), (b"tRNS", b"\0\x80")])
    yield png(4, 8, (b"\0" + bytes(range(8))) * 4)
    yield b"\xff\xd8\xff\xe0" + bytes(32)


def cifar():
    yield bytes(3073 * 2)
    yield bytes(3074)
    yield b"\xff" * 3073


def config():
    base = {"mixer": "pde", "width": 96, "depth": 4, "heads": 3, "patch": 4, "expand": 1, "states": 8,
            "solution": "evolve", "image_size": [28, 28], "channels": 1, "num_classes": 10,
            "reference_grid": [7, 7], "b_max": 0.25}
    yield json.dumps(base).encode()
    yield json.dumps({**base, "mixer": "attention", "solution": "forced", "unknown": [1, {}]}).encode()
    for key in base:
        yield json.dumps({**base, key: -1}).encode()
        yield json.dumps({k: v for k, v in base.items() if k != key}).encode()


def yaml():
    yield b""
    yield b"data: shapes\nmodel: pde-nano/4\nsteps: 100\nlr: 1e-3\nimage-size: 32x32\nflip: yes\n"
    yield b"# a comment\ndata: 'a \\'' b'\nmodel: \"a\\tb\"\nschedule: cosine\nseed: 7\n"
    yield b"init: |\n  a\n  b\nreflow-solver: >-\n  heun\n"
    yield b"steps: 1\nsteps: 2\n"
    yield b"steps: [1, 2]\nlr: {a: b}\n"
    yield b"data: &x shapes\nmodel: *x\n"
    yield b"---\ndata: shapes\n...\n---\ndata: other\n"
    yield b"%YAML 1.1\n---\nclip: .inf\nema: -.5\nlimit: 9223372036854775808\n"
    yield b"precondition: whiten\nprecondition-eps: 1e-6\ntask: classify\nno-gate: no\n"
    yield b"? steps\n: 3\n"
    yield b"[" * 500


def damage(rng, data):
    """One small act of violence: a cut, some bytes, a block moved, a number made large."""
    data = bytearray(data)
    act = rng.randrange(4)
    if act == 0 or not data:
        return bytes(data[: rng.randrange(len(data) + 1)])
    if act == 1:
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    elif act == 2:
        at, length = rng.randrange(len(data)), rng.randrange(1, 17)
        to = rng.randrange(len(data))
        data[to:to] = data[at:at + length]
    else:
        at = rng.randrange(len(data))
        data[at:at + 4] = rng.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"9999", b"\0\0\0\0"))
    return bytes(data)


FORMATS = {f.__name__: f for f in (safetensors, idx, npy, npz, image, cifar, config, yaml, node_npz,
                                 csv)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--mutants", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    whole = list(FORMATS[options.format]())
    options.folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(whole):
        (options.folder / ("seed-%02d" % i)).write_bytes(data)
    for i in range(options.mutants):
        data = rng.choice(whole)
        for _ in range(rng.randrange(1, 4)):
            data = damage(rng, data)
        (options.folder / ("mutant-%04d" % i)).write_bytes(data)


main()
