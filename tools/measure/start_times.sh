#!/bin/sh
# SPDX-License-Identifier: MIT
# start_times.sh: how long `sample` takes from start to picture, cold and warm, as JSON on stdout:
#   tools/measure/start_times.sh [BUILD [DEVICE ...]]        (build, cpu pocl)
#
# One image in one step, so that starting is what is measured. cold: nothing compiled before; warm:
# `cache warm` was run for the model; again: the second start after a cold one. Caches are folders of
# this run alone, PoCL's own too. Each number is a list: one entry a repetition (REPEAT, default 3).
set -eu

build=${1:-build}
[ $# -gt 0 ] && shift
devices=${*:-cpu pocl}
repeat=${REPEAT:-3}
model=${MODEL:-pde-nano/4}
program=$build/pdessm-cl
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

export PDESSM_CACHE_DIR="$folder/cache" POCL_CACHE_DIR="$folder/pocl" PDESSM_TUNING=off
export POCL_AFFINITY="${POCL_AFFINITY:-1}"

seconds() {
    begin=$(date +%s%N)
    "$@" >"$folder/out" 2>"$folder/err" || {
        cat "$folder/err" >&2
        exit 1
    }
    end=$(date +%s%N)
    awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.3f", (b - a) / 1e9 }'
}

forget() {
    rm -rf "$folder/cache" "$folder/pocl"
    mkdir -p "$folder/cache" "$folder/pocl"
}

draw() {
    seconds "$program" sample --quiet --device "$1" --model "$folder/run" --n 1 --steps 1 --batch 1 \
        --solver euler -o "$folder/x.png"
}

# The lists of one device, parted by commas.
measure() {
    cold='' again='' warming='' warm=''
    i=0
    while [ "$i" -lt "$repeat" ]; do
        comma=$([ "$i" -eq 0 ] || echo ', ')
        forget
        cold="$cold$comma$(draw "$1")"
        again="$again$comma$(draw "$1")"
        forget
        warming="$warming$comma$(seconds "$program" cache warm --quiet --device "$1" --model "$model" \
            --batch 1)"
        warm="$warm$comma$(draw "$1")"
        i=$((i + 1))
    done
    printf '{"device": "%s", "cold_seconds": [%s], "again_seconds": [%s], ' "$1" "$cold" "$again"
    printf '"warming_seconds": [%s], "warm_seconds": [%s]}' "$warming" "$warm"
}

"$program" train --quiet --device cpu --data shapes --limit 64 --model "$model" --batch 4 --steps 1 \
    --sample-every 0 --out "$folder/run" >/dev/null 2>"$folder/err" || {
    cat "$folder/err" >&2
    exit 1
}

printf '{"model": "%s", "repeat": %d, "rows": [' "$model" "$repeat"
first=1
for device in $devices; do
    [ "$first" -eq 1 ] || printf ', '
    first=0
    measure "$device"
done
printf ']}\n'
