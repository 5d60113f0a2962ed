#!/bin/sh
# SPDX-License-Identifier: MIT
# kernel_check.sh: compiles every kernel text offline, warnings are errors, in the form for CPUs and in
# the form for GPUs, for 64-bit and 32-bit devices: tools/check/kernel_check.sh [FILE.cl ...]
#
# A file whose kernels need build options says which to try, in comments of this shape, one a variant:
#   kernel_check: -DTILE=32
set -u

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
clang=${CLANG:-clang}
if ! command -v "$clang" >/dev/null 2>&1; then
    echo "kernel_check.sh: no $clang (Debian, Ubuntu: apt install clang)" >&2
    exit 77
fi
if [ $# -eq 0 ]; then
    set -- "$root"/cl/*.cl "$root"/src/device/ocl/*.cl
fi

failed=0
# $1: file, $2: its options; unquoted on purpose, they are several words.
check() {
    for target in spir64 spir; do
        for form in 0 1; do
            # shellcheck disable=SC2086
            {
                printf '#line 1 "common.clh"\n'
                cat "$root/cl/common.clh"
                printf '#line 1 "%s"\n' "$1"
                cat "$1"
            } | "$clang" -x cl -I "$(dirname "$1")" --target=$target-unknown-unknown -fsyntax-only -cl-std=CL1.2 \
                -Xclang -finclude-default-header -Wall -Wextra -Wno-unused-parameter -Wno-unused-function -Werror \
                -DCPU_FORM=$form -DLOCAL_BYTES=32768 $2 - || {
                echo "kernel_check.sh: $1 fails with CPU_FORM=$form $2 on $target" >&2
                failed=1
            }
        done
    done
}

for file; do
    variants=$(sed -n 's/.*kernel_check: *\(-D.*[^ */]\).*/\1/p' "$file")
    if [ -z "$variants" ]; then
        check "$file" ""
    else
        while IFS= read -r options; do
            check "$file" "$options"
        done <<LINES
$variants
LINES
    fi
done
exit $failed
