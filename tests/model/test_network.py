# SPDX-License-Identifier: MIT
# test_network.py: the whole network of the library, forward and every gradient, against network.py:
# test_network.py DUMP [--device D] [--only NAME,NAME] [--wrap PROGRAM]. Fails with a line that runs the
# case again. --wrap runs DUMP through a program, such as tools/check/oclgrind.sh.
import argparse
import json
import os
import pathlib
import shlex
import struct
import subprocess
import sys
import tempfile

import numpy as np

import autodiff as ad
from network import Network

TOLERANCE = 1e-4  # of the largest element of a tensor, the project's promise
DIFFERENCES = 1e-6  # of network.py's own gradients against differences of its own loss

# Token grids: square, a prime, odd by even, one row, one column, powers of two; image = grid * patch.
CASES = {
    "evolve": "--mixer pde",
    "forced": "--mixer pde --solution forced --height 6 --width 5",
    "attention": "--mixer attention",
    "attention-odd": "--mixer attention --height 3 --width 7 --channels 3",
    "prime": "--mixer pde --height 7 --width 11",
    "row": "--mixer pde --height 1 --width 12",
    "column": "--mixer pde --solution forced --height 10 --width 1",
    "wide": "--mixer pde --height 8 --width 16 --batch 2",
    "patch-4": "--mixer pde --patch 4 --height 3 --width 4 --channels 3",
    "expand": "--mixer pde --expand 2 --height 4 --width 6",
    "other-grid": "--mixer pde --height 6 --width 4 --rows 4 --columns 8",
    "small": "--mixer pde --height 2 --width 3 --batch 2",  # these two are for the simulator
    "small-attention": "--mixer attention --height 2 --width 3 --batch 2",
    "filter": "--mixer filter --height 4 --width 6",
    "filter-odd": "--mixer filter --height 5 --width 3 --batch 2",
    "no-gate": "--no-gate 1",
    "no-convection": "--no-convection 1 --height 5",
    "no-reaction": "--no-reaction 1 --solution forced",
    "no-skip": "--no-skip 1 --no-convection 1 --no-reaction 1",
    "local": "--local conv3x3 --width 5",
    "padded": "--padding zero --height 3 --width 4",
    "padded-forced": "--padding zero --solution forced --height 5 --width 2 --local conv3x3 --no-gate 1",
    "some-attention": "--depth 5 --attention-layers 2 --height 2",
    "prior": "--prior gaussian --channels 3 --width 5",
    "prior-attention": "--prior gaussian --mixer attention --height 1",
    "conv-local": "--mixer conv --local conv3x3 --no-gate 1 --attention-layers 1",
    "filter-local": "--mixer filter --local conv3x3 --expand 2",
    "classify": "--task classify",
    "classify-attention": "--task classify --mixer attention --height 3 --batch 2",
    "classify-conv": "--task classify --mixer conv --width 3 --batch 5",
    "conv": "--mixer conv --height 4 --width 6",
    "conv-row": "--mixer conv --height 1 --width 5 --batch 2 --expand 2",
    "one-image": "--mixer pde --batch 1 --height 5 --width 5 --channels 1",
}


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        kind = {"F32": "<f4", "I32": "<i4"}[entry["dtype"]]
        tensors[name] = np.frombuffer(data[begin:end], kind).reshape(entry["shape"])
    return json.loads(metadata["pdessm.config"]), tensors


def compare(name, got, expected):
    scale = np.abs(expected).max()
    error = np.abs(got - expected).max() if np.isfinite(got).all() else np.inf
    if error <= TOLERANCE * scale and scale > 0:
        return error / scale
    where = np.unravel_index(np.argmax(np.abs(got - expected)), expected.shape)
    raise AssertionError("%s%s: got %.7g, expected %.7g, off by %.2g of the largest (%.3g)" % (
        name, list(map(int, where)), got[where], expected[where], error / scale, scale))


def check_differences(parameters, loss_of, rng):
    """The oracle judges itself: slopes along a random direction in each parameter."""
    def loss(shifted, name):
        kept = parameters[name].value
        parameters[name].value = shifted
        value = loss_of().value
        parameters[name].value = kept
        return value

    for name in parameters:
        direction = rng.standard_normal(parameters[name].shape)
        value, h = parameters[name].value, 1e-5
        slope = (loss(value + h * direction, name) - loss(value - h * direction, name)) / (2 * h)
        expected = (parameters[name].gradient * direction).sum()
        scale = np.abs(parameters[name].gradient * direction).sum() + 1e-6
        assert abs(slope - expected) <= DIFFERENCES * scale + 1e-9, (
            "network.py: gradient of %s: %.9g, difference %.9g" % (name, expected, slope))


def oracle(config, parameters, tensors):
    """What network.py makes of the inputs: outputs by name, the last of which is the loss."""
    network = Network(config, parameters)
    x, y = tensors["x"].astype(float), tensors["y"]
    if config["task"] == "classify":
        logits, features = network.classify(x)
        loss = network.cross_entropy(logits, y, 0.125)
        return {"logits": logits, "features": features, "loss": loss.reshape(1)}
    v = network.velocity(x, tensors["t"].astype(float), y)
    loss = network.loss(v, tensors["target"].astype(float))
    return {"v": v, "loss": loss.reshape(1)}


def run_case(dump, device, arguments, with_differences):
    """dump: the words of the command."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "dump.safetensors"
        command = dump + ["--device", device, "--out", str(path)] + shlex.split(arguments)
        subprocess.run(command, check=True)
        config, tensors = read_safetensors(path)
    parameters = {name[6:]: ad.Var(value.astype(float)) for name, value in tensors.items()
                  if name.startswith("param.")}
    outputs = oracle(config, parameters, tensors)
    outputs["loss"].reshape().backward()
    if with_differences:
        check_differences(parameters, lambda: oracle(config, parameters, tensors)["loss"].reshape(),
                          np.random.default_rng(1))
    worst = max(compare(name, tensors[name], value.value) for name, value in outputs.items())
    gradients = {name: compare("gradient of " + name, tensors["grad." + name], p.gradient)
                 for name, p in parameters.items()}
    inputs = {"x", "y"} if config["task"] == "classify" else {"x", "t", "y", "target"}
    assert set(tensors) == inputs | set(outputs) | {
        kind + name for name in parameters for kind in ("param.", "grad.")}
    name = max(gradients, key=gradients.get)
    return "outputs within %.1e, %d gradients within %.1e (%s)" % (
        worst, len(gradients), gradients[name], name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("--device", default=os.environ.get("PDESSM_TEST_DEVICE", "cpu"))
    parser.add_argument("--only", default=",".join(CASES), help="NAME,NAME..")
    parser.add_argument("--wrap")
    options = parser.parse_args()
    dump = [options.wrap, options.dump] if options.wrap else [options.dump]
    failed = 0
    for name in options.only.split(","):
        arguments = CASES[name]
        try:
            print("%-14s %s" % (name, run_case(dump, options.device, arguments,
                                               options.device == "cpu")), flush=True)
        except (AssertionError, subprocess.CalledProcessError) as error:
            failed += 1
            print("FAIL %s: %s\n  replay: python3 %s --only %s" % (
                name, error, " ".join(sys.argv), name), flush=True)
    return 1 if failed else 0


sys.exit(main())
