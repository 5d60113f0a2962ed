#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install-deps.sh: installs what building and testing need (Debian, Ubuntu). Does nothing when all of
# it is there; uses sudo where it is not run by root.
set -euo pipefail

required=(
    build-essential pkg-config meson ninja-build python3 python3-numpy
    ocl-icd-opencl-dev opencl-headers ocl-icd-libopencl1 pocl-opencl-icd libclfft-dev libclblast-dev
    libopenblas-dev liblapacke
    libpng-dev libturbojpeg0-dev zlib1g-dev libzip-dev libcyaml-dev libcjson-dev libpopt-dev
    libcmocka-dev oclgrind clang clang-format clang-tidy
)
# Names that not every release has: without them something is left out, which is said.
optional=(dataset-fashion-mnist libclang-rt-dev)

if ! command -v apt-get >/dev/null; then
    echo "install-deps.sh: no apt-get here; install the equivalents of: ${required[*]} ${optional[*]}" >&2
    exit 0
fi

is_installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

missing=()
for package in "${required[@]}" "${optional[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# Absent optional packages alone are no reason to ask for a password, unless apt can bring them.
echo "install-deps.sh: missing: ${missing[*]}" >&2
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "install-deps.sh: neither root nor sudo; as root: apt-get install ${missing[*]}" >&2
    for package in "${missing[@]}"; do
        [[ " ${optional[*]} " == *" $package "* ]] || exit 1
    done
    exit 0
fi
as_root apt-get update -q >&2

wanted=()
for package in "${missing[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        wanted+=("$package")
    elif [[ " ${optional[*]} " == *" $package "* ]]; then
        echo "install-deps.sh: this release has no $package; continuing without it" >&2
    else
        echo "install-deps.sh: this release has no package $package, which is needed" >&2
        exit 1
    fi
done
[ ${#wanted[@]} -gt 0 ] || exit 0
echo "install-deps.sh: apt-get install ${wanted[*]}" >&2
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${wanted[@]}" >&2
