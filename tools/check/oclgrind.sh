#!/bin/sh
# SPDX-License-Identifier: MIT
# oclgrind.sh: runs one program under the Oclgrind simulator and fails if it found anything:
#   tools/check/oclgrind.sh PROGRAM ARGUMENTS...
#
# Oclgrind itself exits 0 after errors, so its log decides: it has to exist and to be empty. The log
# belongs to one process, so wrap programs, not scripts that start several. Exit status: the
# program's own if it failed, 1 when the log has text, 77 (which Meson calls a skip) without Oclgrind.
# Uninitialised values are not looked for unless asked: OCLGRIND_FLAGS=--uninitialized. Oclgrind 21.10
# misplaces what was written at an offset into a buffer, so it blames the innocent.
# clFFT and CLBlast are switched off unless asked for: clFFT's kernels race by Oclgrind's rules.
# PDESSM_KERNEL_FORM=gpu makes the simulator, which calls itself a CPU too, run the GPU forms.
set -u

if [ $# -eq 0 ]; then
    echo "usage: oclgrind.sh PROGRAM ARGUMENTS..." >&2
    exit 2
fi
if ! command -v oclgrind >/dev/null 2>&1; then
    echo "oclgrind.sh: Oclgrind is not installed (Debian, Ubuntu: apt install oclgrind)" >&2
    exit 77
fi

# Prints the log with the right source lines: Oclgrind takes them from the text that it was given,
# where common.clh stands in front and its #line is not heeded.
show() {
    awk -v cl="$(dirname "$0")/../../cl/" '
        wrong { wrong = 0; print "\t  " source; next }
        { print }
        /At line [0-9]+ \(column [0-9]+\) of / {
            source = ""
            file = cl $NF
            sub(/:$/, "", file)
            for (i = 0; i < $3 && (getline line < file) > 0; i++) source = line
            close(file)
            wrong = source != ""
        }' "$log"
}

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT INT TERM
log=$folder/log

# A separate cache: a kernel loaded from a cached binary has no source lines to report. Oclgrind
# may come through the loader or in front of it; the loader must not bring other devices along.
PDESSM_CACHE_DIR=$folder/cache OCL_ICD_VENDORS=$folder \
    PDESSM_CLFFT=${PDESSM_CLFFT:-off} PDESSM_CLBLAST=${PDESSM_CLBLAST:-off} \
    oclgrind --data-races --max-errors 20 ${OCLGRIND_FLAGS:-} --log "$log" "$@"
status=$?

if [ ! -e "$log" ]; then
    echo "oclgrind.sh: no OpenCL was used: Oclgrind wrote no log" >&2
    [ $status -ne 0 ] && exit $status
    exit 1
fi
if [ -s "$log" ]; then
    echo "oclgrind.sh: Oclgrind complains about: $*" >&2
    show >&2
    [ $status -ne 0 ] && exit $status
    exit 1
fi
exit $status
