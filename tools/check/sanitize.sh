#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitize.sh: the suites that need no OpenCL once more, under the address and undefined-behaviour
# sanitizers, from a separate build that has no OpenCL: sanitize.sh SOURCE BUILD
#
# So this is also the test of -Dopencl=disabled: what is built must start and work.
set -u

source=$1 build=$2
MESON=${MESON:-meson}
# Environment of an outer test run that this one must not inherit.
unset PDESSM_MODULE_PATH PDESSM_DEVICE PDESSM_OPS

if [ ! -e "$build/build.ninja" ]; then
    rm -rf "$build"
    $MESON setup "$build" "$source" -Dopencl=disabled -Db_sanitize=address,undefined \
        -Dbuildtype=debugoptimized -Db_lundef=false -Ddefault_library=both \
        -Dc_args=-fno-sanitize-recover=undefined >"$build.log" 2>&1 || {
        cat "$build.log" >&2
        echo "FAIL: $MESON setup $build" >&2
        exit 1
    }
fi
nice ninja -C "$build" -j 2 --quiet || {
    echo "FAIL: ninja -C $build" >&2
    exit 1
}

# Preloaded test libraries come before the sanitizer's, which is as it should be here. Use after return
# is not looked for: GCC 12 aligns its heap frames to 32 bytes (GCC bug 110027), our vectors have 64.
export ASAN_OPTIONS=verify_asan_link_order=0
export UBSAN_OPTIONS=print_stacktrace=1
$MESON test -C "$build" --no-rebuild --suite plain --num-processes 2 --print-errorlogs || {
    echo "FAIL: replay with: $MESON test -C $build --suite plain" >&2
    exit 1
}
"$build/pdessm-cl" devices >"$build/devices.txt" 2>&1 || {
    cat "$build/devices.txt" >&2
    echo "FAIL: pdessm-cl devices of a build without OpenCL" >&2
    exit 1
}
"$build/pdessm-cl" verify --device gpu >/dev/null 2>"$build/refusal.txt"
if [ $? -ne 3 ] || ! grep -q 'without OpenCL' "$build/refusal.txt"; then
    cat "$build/refusal.txt" >&2
    echo "FAIL: --device gpu of a build without OpenCL: expected exit code 3 and the reason" >&2
    exit 1
fi
echo "plain suites pass under the sanitizers and without OpenCL"
