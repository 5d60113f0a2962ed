#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# quickstart.sh: from a clone to pictures in about five minutes on two CPU cores: installs, builds,
# trains a small PDE-SSM-DiT on Fashion-MNIST, draws a grid of its ten classes.
#
# A second run resumes where the first one stopped, or, if that one was finished, trains another
# model with another seed in a new folder. DEVICE=gpu (or any name that --device takes) chooses
# where.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
build=${BUILD:-build}
runs=${RUNS:-out/quickstart}
device=${DEVICE:-auto}

# ---- settings of the training: all of them are here
model=pde-nano/4
batch=64
steps=4500       # about five minutes on two cores with AVX-512
longest=420      # seconds; a slower machine stops here, and draws with what it has learned
warmup=100
rate=2e-3
ema=0.999
guidance=2
sample_steps=50
columns=8
# ----

say() { printf '\n== %s\n' "$*" >&2; }

say "packages"
bash tools/install-deps.sh

say "build"
[ -e "$build/build.ninja" ] || meson setup "$build" >&2
# The program and, where it can be built, the OpenCL module; the tests are tools/test.sh's business.
targets=(pdessm-cl)
if ninja -C "$build" -t targets all | grep -q '^src/device/ocl/pdessm-opencl.so:'; then
    targets+=(src/device/ocl/pdessm-opencl.so)
fi
ninja -C "$build" "${targets[@]}" >&2
pdessm_cl="$build/pdessm-cl"

data=fashion-mnist
if [ ! -d /usr/share/datasets/fashion-mnist ]; then
    echo "quickstart.sh: no package dataset-fashion-mnist here; training on drawn shapes instead" >&2
    data=shapes
fi

# The newest run is resumed if it does not have all of its steps.
number=1
while [ -e "$runs-$((number + 1))" ]; do number=$((number + 1)); done
run="$runs-$number"
last=$(printf '%s/step-%08d' "$run" "$steps")
if [ -e "$run/config.yaml" ] && [ ! -e "$last" ]; then
    say "training resumes in $run"
    "$pdessm_cl" train --resume "$run" --steps "$steps" --device "$device" --max-time "$longest" >&2
else
    if [ -e "$run" ]; then
        number=$((number + 1))
        run="$runs-$number"
    fi
    say "training in $run"
    "$pdessm_cl" train --data "$data" --model "$model" --out "$run" --device "$device" \
        --seed "$number" --steps "$steps" --batch "$batch" --warmup "$warmup" --lr "$rate" \
        --ema "$ema" --max-time "$longest" --save-every 500 --sample-every 0 >&2
fi

say "sampling"
"$pdessm_cl" sample --model "$run" --device "$device" --n $((10 * columns)) --steps "$sample_steps" \
    --guidance "$guidance" --scale 2 --out "$run/grid.png" >&2

say "done in $((SECONDS - started)) seconds; the picture is"
echo "$PWD/$run/grid.png"
