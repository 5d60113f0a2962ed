#!/bin/sh
# SPDX-License-Identifier: MIT
# tidy.sh: clang-tidy with the checks of .clang-tidy over the library, plain C (one instruction set of
# the three) and the command line: tools/check/tidy.sh [BUILD]. Silent and 0 when nothing is wrong.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
build=$(cd "${1:-$root/build}" && pwd) || exit 1
tidy=${CLANG_TIDY:-clang-tidy}
if ! command -v "$tidy" >/dev/null 2>&1; then
    echo "SKIP: no $tidy (Debian, Ubuntu: apt install clang-tidy)" >&2
    exit 77
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT INT TERM

# Each file once: clang-tidy would read it again for every command that compiles it.
python3 - "$root" "$build" "$scratch" <<'PYTHON' || exit 1
import json
import pathlib
import sys

root, build, scratch = map(pathlib.Path, sys.argv[1:])
chosen = {}
for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
    path = pathlib.Path(entry["directory"], entry["file"]).resolve()
    folder = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    if path.suffix == ".c" and folder.startswith(("src/", "fallback/", "tools/pdessm-cl/")):
        chosen.setdefault(path, dict(entry, file=str(path)))
(scratch / "compile_commands.json").write_text(json.dumps(list(chosen.values())), encoding="utf-8")
(scratch / "files").write_text("".join(f"{path}\n" for path in chosen), encoding="utf-8")
PYTHON

# The analyser of one file takes as long as it takes: few files for each process, as many as cores.
cd "$root" && xargs -P "$(nproc)" -n 8 "$tidy" -p "$scratch" --quiet <"$scratch/files" \
    >"$scratch/said" 2>"$scratch/noise"
code=$?
cat "$scratch/said"
[ $code = 0 ] || grep -v "warnings\? generated\|^Suppressed\|^Use -header-filter" "$scratch/noise" >&2
exit $((code ? 1 : 0))
