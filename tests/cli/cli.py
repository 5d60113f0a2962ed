# SPDX-License-Identifier: MIT
# cli.py: what the tests of the command line share: running it, files in and out, counting. Standard
# library only.
import contextlib
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

# Absolute, because some tests run it from another folder.
PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/pdessm-cl")
failures = []
count = 0


def check(condition, what):
    """Counts one check; a failed one is printed at once."""
    global count
    count += 1
    if not condition:
        failures.append(what)
        print("FAIL", what, flush=True)
    return bool(condition)


def run(*arguments, env=None, stdin=None, timeout=240, cwd=None, device="cpu", preexec=None,
        program=PROGRAM):
    """Runs the program; PDESSM_DEVICE chooses plain C unless the test says otherwise."""
    environment = dict(os.environ, PDESSM_DEVICE=device or "", **(env or {}))
    return subprocess.run([program, *map(str, arguments)], env=environment, input=stdin, text=True,
                          capture_output=True, timeout=timeout, cwd=cwd, preexec_fn=preexec)


def start(*arguments, env=None):
    """The same in the background."""
    environment = dict(os.environ, PDESSM_DEVICE="cpu", **(env or {}))
    return subprocess.Popen([PROGRAM, *map(str, arguments)], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def expect(result, code, *fragments, answers=False):
    """The exit code, and what stderr has to mention. Failures print nothing on stdout, and one line
    (not counting notes and warnings) on stderr; `answers` says that this one has a result too."""
    what = " ".join(map(str, result.args[1:]))
    good = check(result.returncode == code,
                 f"{what}: exit {result.returncode}, expected {code}: {result.stderr[-500:]}")
    for fragment in fragments:
        good &= check(fragment in result.stderr, f"{what}: '{fragment}' not in: {result.stderr}")
    if code != 0 and not answers:
        good &= check(result.stdout == "", f"{what}: stdout is not empty: {result.stdout[:200]}")
        last = result.stderr.rstrip("\n").split("\n")[-1]
        good &= check(last.startswith("pdessm-cl"), f"{what}: last line is: {last}")
    return good


def parse(result, *keys):
    """stdout as JSON with the keys that every answer has."""
    what = " ".join(map(str, result.args[1:]))
    try:
        value = json.loads(result.stdout)
    except ValueError as error:
        check(False, f"{what}: not JSON ({error}): {result.stdout[:300]} {result.stderr[-300:]}")
        return {}
    check(value.get("schema_version") == 1, f"{what}: schema_version")
    check(value.get("program", {}).get("name") == "pdessm-cl", f"{what}: program.name")
    check("version" in value.get("program", {}), f"{what}: program.version")
    for key in keys:
        check(key in value, f"{what}: no key {key}")
    return value


def finish():
    """The end of each test file."""
    print(f"{count - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="pdessm-cli-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


# ---------------------------------------------------------------------- safetensors

FORMATS = {"F32": "f", "F64": "d", "I32": "i", "I64": "q", "U8": "B"}


def write_tensors(path, tensors, metadata=None):
    """tensors: {name: (dtype, shape, values)}."""
    header, body = {}, b""
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, (dtype, shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def read_tensors(path):
    """{name: (shape, values)} and the metadata."""
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + o for o in entry["data_offsets"])
        form = FORMATS[entry["dtype"]]
        count_of = (end - begin) // struct.calcsize(form)
        tensors[name] = (entry["shape"], struct.unpack(f"<{count_of}{form}", data[begin:end]))
    return tensors, metadata
