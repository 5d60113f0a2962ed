#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test.sh: installs, builds and runs all tests: tools/test.sh [ARGUMENTS OF meson test]
#
# The last line is "N passed, N failed" (and ", N skipped"). CI=true forbids skips. BUILD names
# another build folder than ./build.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build}
export POCL_AFFINITY=1 # PoCL's threads would share a core otherwise

bash tools/install-deps.sh
[ -e "$build/build.ninja" ] || meson setup "$build"
ninja -C "$build"

code=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || code=$?

# One JSON object a line, one line a test.
summary=$(python3 - "$build/meson-logs/testlog.json" <<'PYTHON'
import json
import sys

counts = {"passed": 0, "failed": 0, "skipped": 0}
for line in open(sys.argv[1], encoding="utf-8"):
    result = json.loads(line)["result"]
    kind = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}.get(result, "failed")
    counts[kind] += 1
    if kind == "skipped":
        print("skipped: " + json.loads(line)["name"], file=sys.stderr)
text = "{passed} passed, {failed} failed".format(**counts)
print(text + (", {skipped} skipped".format(**counts) if counts["skipped"] else ""))
PYTHON
)
if [ "${CI:-}" = true ] && [[ "$summary" == *skipped* ]]; then
    echo "tests were skipped, which CI=true forbids" >&2
    code=1
fi
[[ "$summary" == *" 0 failed"* ]] || code=1
echo "$summary"
exit "$code"
