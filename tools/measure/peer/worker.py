# SPDX-License-Identifier: MIT
# worker.py: the PyTorch side of time_both.py: does what tools/measure/timed.c does, by the same
# protocol, with PyTorch.
#
# worker.py TASK [--variants eager-first,eager-last,compile-first,..] [--model FILE] [--size HxW]
#           [--batch N] [--steps N] [--threads N]. Of several variants the fastest is found and kept.
# Each line of stdin is a number of seconds; the answer is a JSON list of seconds of single runs. At
# the end a line with the peak memory.
import argparse
import json
import pathlib
import statistics
import sys
import time

import peer_torch  # noqa: F401
import torch
from torch.nn import functional as F

import network

FILTER_CHANNELS = 384
PILOT_SECONDS = 0.7
GEMM_ROWS, GEMM_SIZE = 4096, 1024
RATE, PDE_RATE_SCALE, CLIP, EMA, LABEL_DROPOUT = 1e-3, 30, 1.0, 0.999, 0.1


def peak_bytes():
    """Of this program alone: ru_maxrss begins with that of the process that started it."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    sys.exit("worker.py: no VmHWM in /proc/self/status, so peak memory is not known")


def make_network(o):
    layout = "channels_" + o.variant.split("-")[1]
    net = network.load(o.model, layout)
    if o.variant.startswith("compile"):
        # Blocks are all alike, so that one compilation serves all of them. The transforms are complex,
        # which the compiler hands back to eager code; what stands around them is fused.
        for block in net.blocks:
            block.compile()
    return net


def filter_task(o, with_gradient):
    height, width = o.size
    run = network.FILTERS["channels_" + o.variant.split("-")[1]]
    if o.variant.startswith("compile"):
        run = torch.compile(run)
    shape = (FILTER_CHANNELS, height, width // 2 + 1)
    # Rows as the layout reads them: for channels last the symbol is [H, W/2 + 1, C] in memory.
    symbol = torch.complex(torch.randn(shape), torch.randn(shape))
    if run is network.filter_channels_last:
        symbol = symbol.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    u, g = (torch.randn(o.batch, height, width, FILTER_CHANNELS) for _ in range(2))

    def forward():
        with torch.inference_mode():
            run(u, symbol)

    def both():
        torch.autograd.grad(run(u, symbol), (u, symbol), g)

    if with_gradient:
        u.requires_grad_()
        symbol.requires_grad_()
    return both if with_gradient else forward


def gemm_task(o):
    x, weight = torch.randn(GEMM_ROWS, GEMM_SIZE), torch.randn(GEMM_SIZE, GEMM_SIZE)

    def once():
        with torch.inference_mode():
            F.linear(x, weight)

    return once


def forward_task(o):
    net = make_network(o)
    p = net.c["patch"]
    x = torch.rand(o.batch, net.c["channels"], *o.size)
    t, y = torch.rand(o.batch), torch.arange(o.batch) % net.c["num_classes"]
    net.keep_symbols(o.size[0] // p, o.size[1] // p)

    def once():
        with torch.inference_mode():
            net(x, t, y)

    return once


def step_task(o):
    """Flow matching as pdessm_trainer_step does it: draw, forward, backward, clip, AdamW, average."""
    net = make_network(o)
    config = net.c
    data = torch.rand(4 * o.batch, config["channels"], *o.size) * 2 - 1
    labels = torch.arange(4 * o.batch) % config["num_classes"]
    pde = [p for n, p in net.named_parameters() if ".pde." in n]
    rest = [p for n, p in net.named_parameters() if ".pde." not in n]
    groups = [{"params": rest, "lr": RATE}]
    groups += [{"params": pde, "lr": RATE * PDE_RATE_SCALE}] if pde else []
    optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=True)
    parameters = rest + pde
    average = [p.detach().clone() for p in parameters]

    def once():
        chosen = torch.randint(len(data), (o.batch,))
        x, y = data[chosen], labels[chosen]
        y = torch.where(torch.rand(o.batch) < LABEL_DROPOUT, config["num_classes"], y)
        z, t = torch.randn_like(x), torch.rand(o.batch)
        x_t = torch.lerp(z, x, t[:, None, None, None])
        F.mse_loss(net(x_t, t, y), x - z).backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP, foreach=True)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - EMA)

    return once


def sample_task(o):
    """Heun's method with guidance 2; both velocities of an evaluation in one batch."""
    net = make_network(o)
    p, channels, classes = net.c["patch"], net.c["channels"], net.c["num_classes"]
    y = torch.arange(o.batch) % classes
    labels = torch.cat([y, torch.full_like(y, classes)])

    def velocity(x, t):
        v, null = net(torch.cat([x, x]), torch.full((2 * o.batch,), t), labels).chunk(2)
        return torch.lerp(null, v, 2.0)

    def once():
        with torch.inference_mode():
            net.keep_symbols(o.size[0] // p, o.size[1] // p)
            x, h = torch.randn(o.batch, channels, *o.size), 1 / o.steps
            for i in range(o.steps):
                k = velocity(x, i * h)
                k2 = velocity(torch.add(x, k, alpha=h), (i + 1) * h)
                x = x + (k + k2) * (h / 2)

    return once


TASKS = {"filter": lambda o: filter_task(o, False), "filter-gradient": lambda o: filter_task(o, True),
         "gemm": gemm_task, "forward": forward_task, "step": step_task, "sample": sample_task}


def run_for(once, duration):
    """Seconds of single runs, at least one."""
    begin = last = time.perf_counter()
    seconds = []
    while not seconds or last - begin < duration:
        once()
        end = time.perf_counter()
        seconds.append(end - last)
        last = end
    return seconds


def warm_up(once):
    """Compilation, caches of the allocator and of the libraries."""
    run_for(once, 0.5)


def choose(o, make):
    """The fastest of the variants, and what each took."""
    seconds, made = {}, {}
    for o.variant in o.variants:
        made[o.variant] = make(o)
        warm_up(made[o.variant])
        seconds[o.variant] = statistics.median(run_for(made[o.variant], PILOT_SECONDS))
    o.variant = min(seconds, key=seconds.get)
    return made[o.variant], seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task")
    parser.add_argument("--variants", default="eager-first", type=lambda s: s.split(","))
    parser.add_argument("--model")
    parser.add_argument("--size", default="32x32", type=lambda s: tuple(map(int, s.split("x"))))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=0)
    o = parser.parse_args()
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    imported = peak_bytes()
    once, pilots = choose(o, TASKS[o.task])
    print(json.dumps({"variant": o.variant, "pilot_seconds": pilots}), flush=True)
    for line in sys.stdin:
        print(json.dumps(run_for(once, float(line))), flush=True)
    print(json.dumps({"peak_bytes": peak_bytes(), "import_bytes": imported,
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
