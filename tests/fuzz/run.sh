#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh: feeds one fuzz target: run.sh TARGET FORMAT PYTHON [SECONDS]
#
# Without SECONDS the target replays generated inputs; a crash leaves the input behind and prints
# where. With SECONDS it is a libFuzzer program and looks for more by itself.
set -u

target=$1 format=$2 python=$3 seconds=${4:-}
here=$(cd "$(dirname "$0")" && pwd) || exit 1
folder=$(mktemp -d "${TMPDIR:-/tmp}/pdessm-fuzz-$format-XXXXXX") || exit 1

if [ -z "$seconds" ]; then
    "$python" "$here/seeds.py" "$format" "$folder" --mutants 2000 || exit 1
    if ! "$target" "$folder"/*; then
        # Again one by one, to name the file.
        for input in "$folder"/*; do
            "$target" "$input" >/dev/null 2>&1 || {
                echo "FAIL: $target crashes; replay: $target $input" >&2
                exit 1
            }
        done
        echo "FAIL: $target fails on all of $folder together only" >&2
        exit 1
    fi
else
    "$python" "$here/seeds.py" "$format" "$folder" || exit 1
    "$target" -max_total_time="$seconds" -max_len=20000 -rss_limit_mb=1500 -timeout=10 \
        -print_final_stats=1 -artifact_prefix="$folder/crash-" "$folder" || {
        echo "FAIL: $target; the input is below $folder" >&2
        exit 1
    }
fi
rm -rf "$folder"
