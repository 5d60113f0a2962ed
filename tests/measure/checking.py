# SPDX-License-Identifier: MIT
# checking.py: what the tests of the measuring scripts share: the folder of those scripts, counting, and
# the end.
import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/measure"))
failures = []


def check(condition, what):
    """A failed check is printed at once."""
    if not condition:
        failures.append(what)
        print("FAIL " + what)


def near(a, b):
    return math.isclose(a, b, rel_tol=1e-9)


def finish():
    print("%d failed" % len(failures))
    sys.exit(1 if failures else 0)
