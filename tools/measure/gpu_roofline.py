#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# gpu_roofline.py: what the hot OpenCL kernels could reach on four GPUs, counted on paper:
#   tools/measure/gpu_roofline.py            prints the tables
#   tools/measure/gpu_roofline.py FILE       writes them into FILE, in place of all behind its marker
# Nothing here was measured. Card data are the vendors' public figures; bytes, flops, registers and
# local memory follow from the kernels' own scheme (cl/spectral_filter_registers.clh and others).
import contextlib
import io
import math
import pathlib
import sys

MARKER = "<!-- made by tools/measure/gpu_roofline.py: do not edit below -->\n"

# Public figures of each card: memory GB/s, fp32 TFLOP/s, compute units (AMD CU, Intel Xe-core, NVIDIA
# SM), GHz, local bytes a clock and unit, and of a unit: registers of 4 bytes, work-items, local bytes;
# last the local bytes that OpenCL offers one group.
CARDS = {
    "RX 7900 XTX": dict(memory=960, flops=61.4, units=96, clock=2.5, local_clock=128,
                        registers=98304, items=2048, local=65536, group_local=65536),
    "Arc A770": dict(memory=560, flops=19.7, units=32, clock=2.4, local_clock=128,
                     registers=131072, items=2048, local=131072, group_local=65536),
    "RTX 4090": dict(memory=1008, flops=82.6, units=128, clock=2.52, local_clock=128,
                     registers=65536, items=1536, local=102400, group_local=49152),
    "H200": dict(memory=4800, flops=67.0, units=132, clock=1.98, local_clock=128,
                 registers=65536, items=2048, local=233472, group_local=49152),
}
CHANNELS = 384


def local_rate(card):
    """Bytes a second of all units' local memories, conflict-free: 128 bytes a clock and unit."""
    return card["units"] * card["local_clock"] * card["clock"] * 1e9


def stages(n):
    """Stages of one side: 16 is one radix, 32 = 8 x 4, 64 = 8 x 8."""
    return {16: 1, 32: 2, 64: 2}[n]


def plan(grid, back, card, points=16):
    """The standard plan of src/ops/spectral_filter_plan.c: work-items of a pair, pairs of a group."""
    items, tile = grid * grid // points, 16
    while tile > 1 and tile * grid * grid * 4 > card["group_local"]:
        tile //= 2
    while tile > 2 and tile * items > (256 if back else 512):
        tile //= 2
    return items, tile


def filter_row(grid, back, card):
    """One pass of spectral_filter; all figures are for one pair of channels (8 bytes a point)."""
    points, planes = grid * grid, 2 if back else 1
    items, tile = plan(grid, back, card)
    # Global memory: each tensor once. The symbol and its partial sums serve the whole batch.
    memory = points * 8 * (3 if back else 2)
    # Every transform exchanges between its stages, forward transforms once more for the mirror.
    exchanges = 2 * (2 * stages(grid) - 1) + 1
    if back:
        exchanges += 2 * stages(grid) - 1 + 1
    local = exchanges * points * 16
    # 5 n log2 n for each complex transform, the multiply, and backwards the correlation.
    transforms = 3 if back else 2
    flops = transforms * 5 * points * math.log2(points) + points * (44 if back else 28)
    # The symbol comes from the second-level cache: both channels, every mode of the full plane.
    cache = points * 16
    registers = 16 * 2 * (4 if back else 2) + (40 if back else 32)
    group = items * tile
    groups = min(card["registers"] // (registers * group), card["items"] // group,
                 card["local"] // (tile * points * 4))
    times = {"memory": memory / (card["memory"] * 1e9), "local": local / local_rate(card),
             "flops": flops / (card["flops"] * 1e12)}
    bound = max(times, key=times.get)
    copy = times["memory"]
    # Optimistic and pessimistic: all three overlap, or none of them does.
    share = (copy / max(times.values()), copy / sum(times.values()))
    return dict(memory=memory, local=local, flops=flops, cache=cache, registers=registers,
                group=group, tile=tile, group_local=tile * points * 4, groups=groups, bound=bound,
                share=share, planes=planes)


def print_filter():
    print("### spectral_filter, a pair of channels of one image\n")
    print("| grid, pass | card | global bytes | local bytes | flops | registers | pairs x items | "
          "local of a group | groups a unit | bound | share of copy bandwidth |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for grid in (16, 32, 64):
        for back in (False, True):
            for name, card in CARDS.items():
                r = filter_row(grid, back, card)
                spill = "" if r["groups"] else ", must spill"
                print("| %d %s | %s | %d | %d | %d | %d%s | %d x %d | %d | %d | %s | %.0f-%.0f %% |" % (
                    grid, "backward" if back else "forward", name, r["memory"], r["local"],
                    r["flops"], r["registers"], spill, r["tile"], r["group"] // r["tile"],
                    r["group_local"], max(1, r["groups"]), r["bound"], 100 * r["share"][1],
                    100 * r["share"][0]))


def print_product():
    """Own matrix product: a tile of 64 x 64 sums, 16 x 16 items with 4 x 4 sums, 16 deep."""
    print("\n### linear, our own product (where CLBlast is not used), 16,384 x 1,536 x 384\n")
    print("| tile | card | flops a byte of global memory | local bytes a flop | local bound, TFLOP/s | "
          "share of peak |")
    print("|---|---|---|---|---|---|")
    for tile, micro in ((64, 4), (128, 8)):
        for name, card in CARDS.items():
            # A k-step of a group: 2 tile^2 flops from 2 tile floats of global memory (or of the
            # second-level cache); an item reads 2 micro floats of local memory for 2 micro^2 flops,
            # and a subgroup, two rows of 16 items, shares those of the left matrix.
            intensity = 2 * tile * tile / (2 * tile * 4)
            per_flop = (micro * 4 + micro * 4 / 16) / (2 * micro * micro)
            limit = min(card["flops"], local_rate(card) / per_flop / 1e12)
            print("| %d | %s | %.0f | %.2f | %.1f | %.0f %% |" % (
                tile, name, intensity, per_flop, local_rate(card) / per_flop / 1e12,
                100 * limit / card["flops"]))


def print_attention():
    print("\n### attention forward, 1,024 tokens, heads of 64\n")
    print("| card | flops of a head | global bytes | local bytes | bound | TFLOP/s at most |")
    print("|---|---|---|---|---|---|")
    tokens, width, group = 1024, 64, 64
    for name, card in CARDS.items():
        flops = tokens * tokens * (4 * width + 20)
        memory = 4 * tokens * width * (2 + 2 * tokens / group)
        # All items of a group read the same key and value: one broadcast of 16 bytes for each
        # subgroup of 32, which takes the clock that 128 bytes would.
        local = tokens * tokens * 2 * width * 4 / 32
        times = {"memory": memory / (card["memory"] * 1e9), "local": local / local_rate(card) * 8,
                 "flops": flops / (card["flops"] * 1e12)}
        worst = max(times, key=times.get)
        print("| %s | %.2e | %.2e | %.2e | %s | %.1f |" % (
            name, flops, memory, local, worst, flops / times[worst] / 1e12))


def main():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_filter()
        print_product()
        print_attention()
    if len(sys.argv) < 2:
        print(text.getvalue(), end="")
        return
    path = pathlib.Path(sys.argv[1])
    head, marker, _ = path.read_text(encoding="utf-8").partition(MARKER)
    if not marker:
        sys.exit("gpu_roofline.py: %s has no line %s" % (path, MARKER.strip()))
    path.write_text(head + marker + "\n" + text.getvalue(), encoding="utf-8")


main()
