#!/bin/sh
# SPDX-License-Identifier: MIT
# record.sh: how the runs beside it were made, by the program as it was then: record.sh PROGRAM FOLDER.
set -eu
program=$1 folder=$2
export PDESSM_DEVICE=cpu PDESSM_ISA=base PDESSM_GEMM=own PDESSM_TUNING=off

train() {
    name=$1
    shift
    "$program" train --data shapes --limit 16 --image-size 8x8 --channels 1 --width 8 --depth 1 \
        --states 1 --batch 4 --warmup 1 --steps 4 --save-every 2 --keep 0 --sample-every 0 \
        --log-every 1 --seed 7 --threads 1 --quiet --out "$folder/$name" "$@"
}

# Two steps stay as the run to resume; of the two after them, what they have to come to.
keep_half() {
    mkdir -p "$folder/$1/expected"
    mv "$folder/$1/step-00000004/model.safetensors" "$folder/$1/log.csv" "$folder/$1/expected"
    [ ! -f "$folder/$1/accuracy.csv" ] || mv "$folder/$1/accuracy.csv" "$folder/$1/expected"
    rm -r "$folder/$1/step-00000004"
    head -n 3 "$folder/$1/expected/log.csv" > "$folder/$1/log.csv"
}

train pde --model pde-nano/2 --coupling ot --flip
train whiten-attention --model attn-nano/2 --heads 1 --precondition whiten --precondition-pooled
train classifier --model pde-nano/2 --task classify --evaluate-every 4
for name in pde whiten-attention; do
    for step in 2 4; do
        "$program" sample --model "$folder/$name/step-0000000$step" --n 3 --steps 2 --seed 3 \
            --threads 1 --quiet -o "$folder/$name-$step.npy"
    done
done
for name in pde whiten-attention classifier; do
    keep_half $name
done
for name in pde whiten-attention; do
    mv "$folder/$name-2.npy" "$folder/$name/expected/samples-2.npy"
    mv "$folder/$name-4.npy" "$folder/$name/expected/samples-4.npy"
done
