# SPDX-License-Identifier: MIT
# curves.py: curves {x: y} between the points that have been measured: where falling ones reach a value
# (straight lines in log y), where one overtakes another, and the law of a power (both in log x and log y).
import math
import statistics


def reaching(points, target):
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


def overtaking(first, second):
    """x from which `first` stays below `second`, between points by straight lines in log-log; 0
    if it always is, None if not even at the end."""
    xs = sorted(set(first) & set(second))
    gap = [math.log(first[n] / second[n]) for n in xs]
    if gap[-1] >= 0:
        return None
    for i in reversed(range(len(xs) - 1)):
        if gap[i] >= 0:
            share = gap[i] / (gap[i] - gap[i + 1])
            return xs[i] * (xs[i + 1] / xs[i]) ** share
    return 0


def power_law(points):
    """Least squares of log y over log x: exponent, its standard error, log factor."""
    x, y = ([math.log(v) for v in column] for column in zip(*points))
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    square = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / square
    factor = mean_y - slope * mean_x
    left = sum((b - factor - slope * a) ** 2 for a, b in zip(x, y))
    error = math.sqrt(left / (len(x) - 2) / square) if len(x) > 2 else None
    return {"exponent": slope, "error": error, "factor": factor, "points": len(x)}
