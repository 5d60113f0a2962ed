#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh: what reviewers should not have to say: tools/check/lint.sh. Prints what is wrong with its
# file and line; silent and 0 when nothing is.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd) || exit 1
cd "$root" || exit 1
format=${CLANG_FORMAT:-clang-format}
failed=0

python3 tools/check/lint.py || failed=1
python3 tools/check/namesakes.py || failed=1

if ! command -v "$format" >/dev/null 2>&1; then
    echo "lint.sh: no $format (Debian, Ubuntu: apt install clang-format)" >&2
    exit $((failed ? 1 : 77))
fi
find include src fallback tests tools docs -name '*.[ch]' -print0 | sort -z |
    xargs -0 "$format" --dry-run -Werror || {
    echo "lint.sh: '$format -i' on the files above mends this" >&2
    failed=1
}
exit $failed
