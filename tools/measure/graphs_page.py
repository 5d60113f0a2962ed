#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# graphs_page.py: writes docs/results/graphs.md and its pictures from docs/results/graphs/*.json, which graphs.py
# and graphs_peer.py measure; --check only says whether they are what the numbers give.
import statistics
import sys

import chart
import estimator
import ledger
from graphs import FOLDER, NETWORKS
from page import text_table, write

PAGE = FOLDER.parent / "graphs.md"
EPOCH, LEVEL, SECONDS, CPU, NODES, EDGES, LOSS, VALIDATION, TEST = range(9)
TITLES = {"fashion": "fashion-knn", "qtips": "qtips", "small-fashion": "fashion-knn, 7,000 nodes",
          "small-qtips": "qtips, 220 graphs"}

HEAD = """# Graph networks over levels: the cost of reaching what one level reaches

`pdessm-cl graph` trains GCN, GIN and GAT over coarser parts of a graph, before or along with the
whole graph ([graphs.md](../guide/graphs.md) says how). This page shows the effect.

**Method.** Networks of their usual depth but 64 channels wide, Adam at a learning rate of 0.01,
dropout 0.3, seeds 0, 1, 2, one thread. The validation nodes choose the epoch, and the test accuracy
is that of this epoch; sub-to-full is coarse-to-fine over neighbourhoods. Seconds are CPU seconds,
since other processes ran on the machine, and include evaluations of the whole graph. *Reached*: the
CPU seconds until the test accuracy of the epoch that validation would have chosen so far, averaged
over the seeds, is within one standard deviation (over seeds) of the final one of a single level; a
dash if it never is. *Of single*: the same as a share of what the single level itself takes. Node
and edge work are in passes over the whole graph, for training only.

Titles with a number of nodes or graphs refer to the first tenth (fashion-knn) or fifth (qtips) of a
set. Networks and sets that are not shown have not been measured.

Made by `tools/measure/graphs.py PROGRAM` (which resumes after an interruption),
`tools/measure/graphs_peer.py` and `tools/measure/graphs_page.py`.
"""

VARIANCE_TEXT = """V is the trace of the covariance of a term over draws (which nodes, which graphs, which units are
dropped), in units of the plain gradient's. For whole graphs the plain gradient varies with dropout
only. With costs C_l in passes of nodes the best batches are |B_l| ~ sqrt(V_l / C_l), shown over
that at level 0, and the work for a given variance is (sum sqrt(V_l C_l))^2, over V C of plain
gradients. Networks of 64 channels after 20 epochs at level 0 (qtips: batches of 8 graphs, 2
epochs), 40 draws of each term, 3 levels, 3 seeds. `tools/measure/graphs.py PROGRAM variance`.

A neighbourhood holds one or two classes, so its gradient pulls all weights towards these: that is
why subgraph and rns scatter a hundred times as much as nodes drawn from everywhere, and fall behind
above.
"""


def name_of(row):
    if row["method"] == "single":
        return "single"
    method = "sub-to-full" if row["pooling"] == "subgraph" else row["method"] + ", " + row["pooling"]
    return "%s, %d levels" % (method, row["levels"])


def grouped(kept):
    groups = {}
    for row in kept["runs"].values():
        groups.setdefault(name_of(row), []).append(row)
    return {name: sorted(groups[name], key=lambda r: r["seed"])
            for name in sorted(groups, key=lambda n: (n != "single", n))}


def mean(values):
    return statistics.mean(values)


def deviation(values):
    return statistics.stdev(values) if len(values) > 1 else 0.0


def with_deviation(values, form="%.4f"):
    return (form + " +- " + form) % (mean(values), deviation(values))


def goal_of(groups):
    ends = [r["test_accuracy"] for r in groups["single"]]
    return mean(ends) - deviation(ends)


def reached(rows, goal):
    """CPU seconds, mean over the seeds, at the first look by which their mean has come to the goal."""
    for looks in zip(*(r["curve"] for r in rows)):
        if mean([look[TEST] for look in looks]) >= goal:
            return mean([look[CPU] for look in looks])
    return None


def lines_of(groups):
    goal = goal_of(groups)
    single = reached(groups["single"], goal)
    for name, rows in groups.items():
        time = reached(rows, goal)
        yield [name, str(len(rows)), with_deviation([r["test_accuracy"] for r in rows]),
               with_deviation([r["validation_accuracy"] for r in rows]),
               with_deviation([r["cpu_seconds"] for r in rows], "%.2f"),
               "%.1f" % mean([r["node_work"] for r in rows]),
               "%.1f" % mean([r["edge_work"] for r in rows]),
               "-" if time is None else "%.2f" % time, "-" if time is None else "%.2f" % (time / single)]


def picture(title, groups):
    """Test accuracy of the epoch chosen so far over CPU seconds, each run a line of its method's colour."""
    left, right, top, bottom = 60, 520, 50, 300
    curves = [(number, row["curve"]) for number, rows in enumerate(groups.values()) for row in rows]
    longest = max(curve[-1][CPU] for _, curve in curves)
    best = max(look[TEST] for _, curve in curves for look in curve)
    low = min(curve[len(curve) // 4][TEST] for _, curve in curves) - 0.02

    def at(seconds, accuracy):
        share = (max(accuracy, low) - low) / (best - low)
        return left + seconds / longest * (right - left), bottom - share * (bottom - top)

    parts = []
    for k in range(5):
        level = low + (best - low) * k / 4
        parts += [chart.line(left, at(0, level)[1], right, at(0, level)[1], "grid"),
                  chart.text(left - 8, at(0, level)[1] + 4, "%.3f" % level, "end", "small"),
                  chart.text(at(longest * k / 4, 0)[0], bottom + 18, "%.3g" % (longest * k / 4),
                             "middle", "small")]
    for number, curve in curves:
        points = ["%.1f,%.1f" % at(look[CPU], look[TEST]) for look in curve]
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>' % (
            " ".join(points), chart.COLOURS[number % len(chart.COLOURS)]))
    for number, name in enumerate(groups):
        y = top + 14 + 22 * number
        parts += ['<rect x="%d" y="%d" width="14" height="4" fill="%s"/>' % (
            right + 20, y - 6, chart.COLOURS[number % len(chart.COLOURS)]),
            chart.text(right + 42, y, name)]
    goal = at(0, goal_of(groups))[1]
    parts += [chart.line(left, goal, right, goal, "goal"),
              chart.text((left + right) / 2, bottom + 38, "CPU seconds", "middle")]
    return chart.document(760, 350, title, parts)


def verdict(groups):
    """Does a method over levels reach in half of the time what one level does?"""
    goal, rows = goal_of(groups), groups["single"]
    single, whole = reached(rows, goal), mean([r["cpu_seconds"] for r in rows])
    done = {n: reached(r, goal) for n, r in groups.items() if n != "single" and len(r) == len(rows)}
    done = {n: t for n, t in done.items() if t is not None}
    if not done:
        return "No method over levels came within one standard deviation of a single level.\n"
    best = min(done, key=done.get)
    share = done[best] / single
    return ("First within one standard deviation of a single level (test %.4f): %s, in %.2f of "
            "the time that the single level itself takes to get there, and %.2f of its whole run. "
            "The goal of at most half is %s.\n" % (
                goal, best, share, done[best] / whole, "met" if share <= 0.5 else "missed"))


def section(part, files):
    kept = ledger.load(FOLDER, part)
    if not kept or not any(r["method"] == "single" for r in kept["runs"].values()):
        return ""
    data, network = part.rsplit("-", 1)
    title = "%s on %s" % (network.upper(), TITLES[data])
    groups = grouped(kept)
    files[FOLDER / (part + ".svg")] = picture(title + ": test accuracy of the epoch chosen so far", groups)
    head = ["method", "seeds", "test accuracy", "validation", "CPU seconds", "node work", "edge work",
            "reached", "of single"]
    return "\n## %s\n\n%s\n%s\n![%s](graphs/%s.svg)\n" % (
        title, verdict(groups), text_table(head, lines_of(groups)), title, part)


def over_plain(terms):
    """V of each term over that of the plain gradient, in the order of levels."""
    plain = next(t for t in terms if t["term"] == "gradient")
    return [t["variance"] / plain["variance"] for t in terms if t["term"] != "gradient"]


def variance():
    kept = ledger.load(FOLDER, "variance")
    if not kept:
        return ""
    groups = {}
    for key, terms in kept["runs"].items():
        data, network, pooling = key.split()[:3]
        groups.setdefault((data, network, pooling), []).append(terms)
    lines, least = [], {}
    for (data, network, pooling), seeds in groups.items():
        works, batches = zip(*(estimator.cost_ratio(terms, "variance", "node_work") for terms in seeds))
        columns = list(zip(*map(over_plain, seeds))) + list(zip(*batches))[1:]
        lines.append([data, network, pooling] + [mean_text(c) for c in columns + [works]])
        least.setdefault(data, []).append(mean(works))
    return ("\n## How much the terms of mge scatter\n\n" + VARIANCE_TEXT + "\n" + text_table(
        ["data", "network", "pooling", "V of 0 - 1", "V of 1 - 2", "V of 2", "batch at 1", "batch at 2",
         "work for the same V"], lines) + "\n" + "".join(
             "On %s the same variance takes at least %s times the work of plain gradients%s.\n" % (
                 data, digits(min(works)), " there: mge does not pay" if min(works) > 1 else "")
             for data, works in least.items()))


def digits(x):
    return "%.3g" % x if x < 1000 else "%.0f" % x


def mean_text(values):
    return "%s +- %s" % (digits(mean(values)), "%.2g" % deviation(values) if deviation(values) < 100
                         else "%.0f" % deviation(values))


def peer():
    kept = ledger.load(FOLDER, "peer")
    if not kept:
        return ""
    lines, medians, peaks = [], {}, {}
    for side, name in (("pdessm", "pdessm-cl"), ("torch", "PyTorch " + kept["torch"][0]["torch"])):
        times = [s / 2 for r in kept[side] for s in r["seconds"][1:]]
        medians[side] = statistics.median(times)
        peaks[side] = max(r["peak_bytes"] for r in kept[side])
        lines.append([name, "%.2f (%.2f-%.2f)" % (medians[side], min(times), max(times)),
                      "%.0f" % (peaks[side] / 1e6), with_deviation([r["test"] for r in kept[side]])])
    text = ("\n## Beside PyTorch\n\nThe same GCN (4 x 192) on the same %s nodes, %d threads, %d "
            "alternating runs of each; an epoch includes half an evaluation, and the first pair "
            "of each run is left out.\n\n" % (
                format(kept["nodes"], ","), kept["threads"], len(kept["pdessm"])))
    text += text_table(["", "seconds per epoch", "peak MB", "test accuracy"], lines)
    speed, memory = medians["torch"] / medians["pdessm"], peaks["pdessm"] / peaks["torch"]
    return text + ("\n%.2f times as fast (goal 1.5: %s), %.2f of the memory (goal 0.6: %s).\n" % (
        speed, "met" if speed >= 1.5 else "missed", memory, "met" if memory <= 0.6 else "missed"))


def make():
    files, text = {}, HEAD
    for data in TITLES:
        for network in NETWORKS:
            text += section("%s-%s" % (data, network), files)
    files[PAGE] = text + variance() + peer()
    return files


if __name__ == "__main__":
    write(make(), "graphs_page.py", sys.argv[1:] == ["--check"])
