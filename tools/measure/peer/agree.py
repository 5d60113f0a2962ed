# SPDX-License-Identifier: MIT
# agree.py: the PyTorch peer and pdessm-cl compute the same: agree.py PDESSM_CL [DUMP]
#
# Velocities of `pdessm-cl forward` for models whose weights are all random (a new model is zero); with
# DUMP (tests/model/dump of a build) also the loss and every gradient. Largest difference at most 1e-4 of
# the largest element.
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import peer_torch  # noqa: F401  says how to get PyTorch, if it is missing
import safetensors.torch
import torch

import network

TOLERANCE = 1e-4
FORWARD = {  # model: image size
    "pde-nano/4": (32, 32), "attn-nano/4": (32, 32), "pde-tiny/2": (28, 20), "attn-tiny/2": (32, 32),
    "pde-s/2": (32, 32), "attn-s/2": (16, 24),
}
GRADIENTS = ["--mixer pde", "--mixer pde --solution forced --height 6 --width 5",
             "--mixer pde --height 7 --width 11", "--mixer pde --height 1 --width 12",
             "--mixer pde --patch 4 --height 3 --width 4 --channels 3",
             "--mixer pde --expand 2 --height 4 --width 6",
             "--mixer pde --height 6 --width 4 --rows 4 --columns 8", "--mixer attention"]


def difference(got, expected):
    if not bool(torch.isfinite(got).all()) or expected.abs().max() == 0:
        return float("inf")
    return float((got - expected).abs().max() / expected.abs().max())


def make_checkpoint(program, model, size, path):
    """A new model with all its zero weights replaced, so that every branch counts."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "train", "--data", "shapes", "--limit", "8", "--batch", "2",
                        "--steps", "1", "--model", model, "--image-size", "%dx%d" % size,
                        "--fit", "resize", "--sample-every", "0", "--device", "cpu", "--quiet",
                        "--out", folder + "/run"], check=True, stdout=subprocess.DEVNULL)
        file = folder + "/run/step-00000001/model.safetensors"
        tensors = safetensors.torch.load_file(file)
        with safetensors.safe_open(file, "pt") as opened:
            metadata = opened.metadata()
    generator = torch.Generator().manual_seed(1)
    for name, value in tensors.items():
        if "adaLN" in name or "final_layer" in name or name.endswith("bias"):
            value.copy_(0.05 * torch.randn(value.shape, generator=generator))
        elif name.endswith("convection"):
            value.add_(0.3 * torch.randn(value.shape, generator=generator))
    safetensors.torch.save_file(tensors, path, metadata)


def check_forward(program, model, size, folder):
    path, asked, answer = (str(folder / n) for n in ("m.safetensors", "in.safetensors", "out"))
    make_checkpoint(program, model, size, path)
    net = network.load(path)
    generator = torch.Generator().manual_seed(2)
    inputs = {"x": torch.randn(3, net.c["channels"], *size, generator=generator),
              "t": torch.rand(3, generator=generator),
              "y": torch.tensor([0, 3, net.c["num_classes"]])}
    safetensors.torch.save_file(inputs, asked)
    subprocess.run([program, "forward", "--model", path, "--in", asked, "--out", answer,
                    "--device", "cpu", "--quiet"], check=True)
    got = safetensors.torch.load_file(answer)["v"]
    worst = 0
    for layout in network.FILTERS:
        with torch.no_grad():
            worst = max(worst, difference(network.load(path, layout)(**inputs), got))
    return worst


def check_gradients(dump, arguments, folder):
    path = str(folder / "dump.safetensors")
    subprocess.run([dump, "--device", "cpu", "--out", path] + arguments.split(), check=True)
    tensors = safetensors.torch.load_file(path)
    with safetensors.safe_open(path, "pt") as file:
        net = network.Network(json.loads(file.metadata()["pdessm.config"]))
    net.load_state_dict({n[6:]: v for n, v in tensors.items() if n.startswith("param.")})
    v = net(tensors["x"], tensors["t"], tensors["y"].long())
    loss = torch.nn.functional.mse_loss(v, tensors["target"])
    loss.backward()
    worst = max(difference(v.detach(), tensors["v"]), difference(loss.detach(), tensors["loss"][0]))
    return max([worst] + [difference(p.grad, tensors["grad." + n])
                          for n, p in net.named_parameters()])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("dump", nargs="?")
    options = parser.parse_args()
    cases = [("forward " + m, check_forward, (options.program, m, s)) for m, s in FORWARD.items()]
    if options.dump:
        cases += [("gradients " + a, check_gradients, (options.dump, a)) for a in GRADIENTS]
    failed = 0
    for name, check, arguments in cases:
        with tempfile.TemporaryDirectory() as folder:
            worst = check(*arguments, pathlib.Path(folder))
        failed += not worst <= TOLERANCE
        print("%s %-60s %.1e" % ("ok  " if worst <= TOLERANCE else "FAIL", name, worst), flush=True)
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
