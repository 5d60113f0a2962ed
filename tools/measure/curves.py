# SPDX-License-Identifier: MIT
# curves.py: where falling curves {x: y} are between the points that have been measured: straight lines
# in log y.
import math


def crossing(points, target):
    """Where a curve first reaches the target; None when it does not."""
    before = None
    for x, y in sorted(points.items()):
        if y <= target:
            if before is None:
                return x
            share = (math.log(before[1]) - math.log(target)) / (math.log(before[1]) - math.log(y))
            return before[0] + share * (x - before[0])
        before = (x, y)
    return None


def interpolate(curve, x):
    """The value at x, the last one beyond the end."""
    points = sorted(curve.items())
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= x <= x1 + 1e-9 * x1:
            return math.exp(math.log(y0) + (x - x0) / (x1 - x0) * (math.log(y1) - math.log(y0)))
    return points[-1][1]
