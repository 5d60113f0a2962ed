#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh: lets libFuzzer look for inputs that crash the file readers: fuzz.sh [BUILD]
#
# Clang, address and undefined-behaviour sanitizers (under which loops do not vectorise, hence
# -Wno-pass-failed), 8 s a target: a smoke test of the suite. To look for longer, run a target below
# BUILD/tests/fuzz by hand. The tests fuzz-* replay generated inputs under any compiler; this finds new ones.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=${1:-$root/build-fuzz}
if ! command -v clang >/dev/null 2>&1; then
    echo "fuzz.sh: no clang (Debian, Ubuntu: apt install clang libclang-rt-dev)" >&2
    exit 77
fi
if [ ! -e "$build/build.ninja" ]; then
    CC=clang meson setup "$build" "$root" -Dfuzz=true -Dopencl=disabled -Dcblas=disabled \
        -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined -Wno-pass-failed' || exit 1
fi
targets=$(sed -n 's/^build tests\/fuzz\/\(fuzz_[a-z_]*\): .*/tests\/fuzz\/\1/p' "$build/build.ninja")
# shellcheck disable=SC2086
nice ninja -C "$build" $targets || exit 1
cd "$build" && meson test --no-rebuild --print-errorlogs $(echo "$targets" | sed 's/tests\/fuzz\/fuzz_/fuzz-/')
