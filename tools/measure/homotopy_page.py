#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# homotopy_page.py: writes docs/results/homotopy.md and its pictures from docs/results/homotopy/*.json, which
# homotopy.py measures; --check only says whether they are what the numbers give.
import math
import sys

import chart
import ledger
from homotopy import ABLATIONS, FOLDER, FUNCTIONS, METHODS, PARTS
from page import text_table, whole, write

PAGE = FOLDER.parent / "homotopy.md"
SHOWN = ["pgho", "gh", "lbfgs", "sa", "cmaes", "ipop"]  # of the budget curves

HEAD = """# Probabilistic Gaussian homotopy: what it finds

`pdessm-cl optimize` and `<pdessm/optimize.h>` minimise a nonconvex f by following the minimum of
its soft minimum over a Gaussian cloud while the cloud shrinks:

    F(x; sigma, lambda) = -lambda log E exp(-f(x + sigma z) / lambda)
    y_i = x + sigma z_i,   w = softmax(-f(y_i) / lambda),   x <- sum w_i y_i

**Defaults.** Clouds have budget / 80 samples (32 to 256) in antithetic pairs, folded at the sides
of the box. Sigma falls as (1 - p/P)^2 from half the box to a thousandth of that; lambda falls
linearly from 0.3 standard deviations of f over the first cloud, and is adjusted at each cloud so
that the effective sample size 1 / sum w^2 stays within 10 and 50 % of the samples. L-BFGS from the
best point seen follows. For that 5 % of the budget is kept, more in many dimensions: 1 - budget /
(150 d), since with fewer than 150 evaluations per unknown clouds cannot say much. What a converged
descent leaves over is spent on further ones, each from the weighted mean of one cloud around the
best point, as wide as the first. These defaults were chosen on seed 0; everything below is seed 1.

**Method.** Every start is a separate instance: its optimum is drawn anywhere in the box except near
its centre and sides (Schwefel's within 50 of its usual place), its start anywhere in the box. All
methods share one count: a value costs 1, a gradient 1 more. Success means f - f* < 0.01. In
brackets: Wilson's 95 % interval. A method that has converged may leave budget unspent: `gd`,
`adam`, `gh`, `pgho-grad` and `cmaes` do not restart; `pgho` (around the best point), `lbfgs`
(anywhere) and `ipop` (CMA-ES with doubled population) do. `sa` moves one coordinate at a time,
which suits the separable functions: all but Ackley and Griewank. `-`: not measured.

Made by `tools/measure/homotopy.py PROGRAM` (which resumes after an interruption) and
`tools/measure/homotopy_page.py`, from SOURCES
"""

METHOD_LINES = """
| method | what it is |
|---|---|
| pgho | the homotopy as above |
| pgho-free | the same without any gradient: no L-BFGS, so no further descents |
| pgho-grad | steps along sum w_i grad f(y_i), 32 samples, sigma from 0.2 of the box, linear |
| gh | the same with equal weights: classical Gaussian homotopy |
| gd, adam | gradient descent (Armijo) and Adam, once from the start |
| lbfgs | L-BFGS from the start, then from random points |
| sa | simulated annealing of Corana et al. |
| cmaes, ipop | CMA-ES as in Hansen's tutorial; the same with restarts |
"""


def rows_of(kept):
    return [dict(row, arguments=key) for key, rows in kept["runs"].items() for row in rows]


def wilson(hits, n):
    z = 1.959963984540054
    centre, reach = hits / n + z * z / (2 * n), z * math.sqrt(
        hits / n * (1 - hits / n) / n + z * z / (4 * n * n))
    return max(0, (centre - reach) / (1 + z * z / n)), min(1, (centre + reach) / (1 + z * z / n))


def rate(hits, n):
    return "%.2f (%.2f-%.2f)" % ((hits / n,) + wilson(hits, n))


def by_method(kept, key, names=FUNCTIONS):
    rows = {(r["method"], r["problem"]): r for r in rows_of(kept)}
    return [[m] + [key(rows[m, f]) if (m, f) in rows else "-" for f in names]
            for m in METHODS if any((m, f) in rows for f in names)]


def rates(title, x_name, series, logarithmic, dots=None):
    """Success rates, 0 to 1, over budgets or sparsity: {name: {x: rate}}; dots are another {x: rate}."""
    left, right, top, bottom = 60, 520, 50, 300
    xs = sorted({x for s in series.values() for x in s})
    place = math.log if logarithmic else float
    low, high = place(xs[0]), place(xs[-1])

    def at(x, y):
        return left + (place(x) - low) / (high - low) * (right - left), bottom - y * (bottom - top)

    parts = []
    for y in (0, 0.25, 0.5, 0.75, 1):
        parts += [chart.line(left, at(xs[0], y)[1], right, at(xs[0], y)[1], "grid"),
                  chart.text(left - 8, at(xs[0], y)[1] + 4, "%g" % y, "end", "small")]
    for x in chart.round_numbers(xs[0], xs[-1]) if logarithmic else xs[7::8] if len(xs) > 12 else xs:
        parts.append(chart.text(at(x, 0)[0], bottom + 18, format(int(x), ","), "middle", "small"))
    for number, (name, points) in enumerate(series.items()):
        colour = chart.COLOURS[number]
        path = " ".join("%.1f,%.1f" % at(x, y) for x, y in sorted(points.items()))
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour))
        y = top + 14 + 22 * number
        parts += ['<rect x="%d" y="%d" width="14" height="4" fill="%s"/>' % (right + 20, y - 6, colour),
                  chart.text(right + 42, y, name)]
    parts += ['<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>' % (at(x, y) + (chart.COLOURS[0],))
              for x, y in (dots or {}).items()]
    parts.append(chart.text((left + right) / 2, bottom + 38, x_name, "middle"))
    return chart.document(660, 350, title, parts)


def curves(kept, files):
    text = ("\n## Success over the budget, d = 10\n\nThe homotopies have a schedule for the whole "
            "budget and arrive at its end; with less budget, they take a shorter one")
    given = rows_of(ledger.load(FOLDER, "budgets") or {"runs": {}})
    text += (": the dots are pgho with budgets of 2,500, 5,000, 10,000 and 20,000" if given else "") + ".\n\n"
    rows = {(r["problem"], r["method"]): r["curve"] for r in rows_of(kept)}
    for f in FUNCTIONS:
        series = {m: dict(zip(rows[f, m]["evaluations"], rows[f, m]["success_1e-2"]))
                  for m in SHOWN if (f, m) in rows}
        if series:
            name = "curve-%s.svg" % f
            dots = {int(option(r["arguments"], "--budget")): r["successes_1e-2"] / r["starts"]
                    for r in given if r["problem"] == f}
            dots.update({20000: series["pgho"][20000]} if dots else {})
            files[FOLDER / name] = rates(f + ": share of starts within 0.01",
                                         "function and gradient evaluations", series, True, dots)
            text += "![%s: share of starts within 0.01](homotopy/%s)\n" % (f, name)
    return text


WHY_MANY = """
**Where it loses, and why.** No cloud has more than 256 samples, and each coordinate contributes one
fiftieth of a value. On Styblinski-Tang two coordinates of fifty end in the shallower of their two
valleys (28.3 each); annealing, which moves one coordinate at a time, sees each separately, as it
does on Alpine1 (at 0.0001 also because of the kinks). On Rastrigin about 19 coordinates end in the
valley next to the right one, a loss of 1 each. Schwefel's deep valleys lie in different corners, so
the mean of good samples is not a good point, and the wide clouds of the start carry it to the
middle.
"""
WHY_HUNDRED = """
**Where it loses, and why.** For the reasons above, but more so: annealing is ahead on Alpine1, whose
kinks stall the descent, and closer on Styblinski-Tang and Schwefel, which are sums over coordinates
and therefore suit a method that moves one at a time. On Schwefel all but annealing stay far away,
the homotopy farthest. On Rastrigin its median is the lowest of all, with about 57 coordinates of a
hundred in the valley next to the right one.
"""


def effective(kept, files):
    """Effective sample size over the schedule: mean over the starts, for each function."""
    series = {r["problem"]: {x: share for x, share in zip(r["effective"]["evaluations"], r["effective"]["share"])
                             if share is not None}
              for r in rows_of(kept) if r["method"] == "pgho" and "effective" in r}
    if not series:
        return ""
    files[FOLDER / "effective.svg"] = rates("pgho: effective samples, share of the cloud",
                                            "function and gradient evaluations", series, False)
    return ("\nEffective samples stay at the lower end of their range, 10 % of the cloud, while "
            "it spans many valleys (Ackley's to the end), and at the upper end, 50 %, once it "
            "lies in one; the wide clouds of further descents are in the last "
            "part.\n\n![effective samples over the budget](homotopy/effective.svg)\n")


def beats(kept):
    rows = {(r["method"], r["problem"]): r["successes_1e-2"] for r in rows_of(kept)}
    words = []
    for other in ("cmaes", "ipop", "lbfgs", "sa", "gh"):
        pairs = [(rows["pgho", f], rows[other, f]) for f in FUNCTIONS
                 if ("pgho", f) in rows and (other, f) in rows]
        words.append("%s: more often on %d, as often on %d, less often on %d" % (
            other, sum(a > b for a, b in pairs), sum(a == b for a, b in pairs),
            sum(a < b for a, b in pairs)))
    return "Of the seven functions, pgho succeeds, against " + "; against ".join(words) + ".\n"


def tests(part, title, files):
    kept = ledger.load(FOLDER, part)
    if not kept:
        return ""
    text = "\n## %s\n\n" % title
    text += text_table(["f - f* < 0.01"] + FUNCTIONS,
                  by_method(kept, lambda r: rate(r["successes_1e-2"], r["starts"])))
    if part == "d10":
        text += "\n" + beats(kept)
    text += "\nThe same at f - f* < 0.0001, and the median of f - f*:\n\n"
    text += text_table(["< 0.0001, median"] + FUNCTIONS, by_method(
        kept, lambda r: "%.2f, %.1e" % (r["successes_1e-4"] / r["starts"], r["median_best"])))
    if part == "d10":
        return text + curves(kept, files) + effective(kept, files) + WHY
    return text + {"d50": WHY_MANY, "d100": WHY_HUNDRED}.get(part, "")


WHY = """
**Where it loses, and why.** At 0.0001 on Alpine1, which has a kink in every coordinate: L-BFGS
stalls there, CMA-ES and annealing do not. Rastrigin and Schwefel remain unsolved by all: while the
cloud is wide enough to see the bowl, the ripples of the other coordinates drown what one of them
says, so one or two of ten end in the valley next to the right one. Larger clouds help (20 starts of
seed 0, Rastrigin: 0.00 with 96 samples, 0.15 with 256, 0.55 with 400) until there are too few
stages (Schwefel: 0.40 with 192, 0.00 with 400). Over the budget: a homotopy arrives when its
schedule ends, so where CMA-ES or annealing succeed, they are there first. `pgho-free` ends at what
the last width of the cloud, a thousandth of half the box, allows: too wide for 0.01 on Ackley,
Griewank and Alpine1. Weighted gradients (`pgho-grad`) are better than equal ones (`gh`) on three
functions and worse on three: weights pay when the step itself is made of them.
"""


def ablations():
    kept = ledger.load(FOLDER, "ablation")
    if not kept:
        return ""
    lines = []
    for name, key in zip(ABLATIONS, ledger.keys(PARTS["ablation"]())):
        if key in kept["runs"]:
            found = {r["problem"]: r for r in kept["runs"][key]}
            lines.append([name] + [rate(found[f]["successes_1e-2"], found[f]["starts"]) for f in FUNCTIONS])
    return ("\n## One choice changed at a time (pgho, d = 10)\n\nWithout further descents, for "
            "which at most 5 % of the budget would be left here.\n\n" + text_table(["f - f* < 0.01"] + FUNCTIONS, lines) + ABLATED)


def option(arguments, name):
    words = arguments.split()
    return words[words.index(name) + 1]


CDR_WHY = """
L-BFGS from no shift is often lost once the bumps no longer overlap. The few misses of pgho and
pgho-grad end at 0.4 to 0.8 of the squared field, where a wrong shift puts some bumps on top of
others: weights that prefer the best samples settle there early, the equal ones of `gh` average over
it. The misfit has one deep valley and shallow ones, the case for which classical smoothing was
made.
"""


def cdr():
    kept = ledger.load(FOLDER, "cdr")
    if not kept:
        return ""
    rows = {}
    for r in rows_of(kept):
        name = r["method"] + (", one descent" if option(r["arguments"], "--budget") == "120" else "")
        rows.setdefault(name, {})[float(option(r["arguments"], "--shift"))] = r
    shifts = sorted({s for line in rows.values() for s in line})
    lines = [[name] + [rate(line[s]["recovered"], line[s]["starts"]) if s in line else "-" for s in shifts]
             for name, line in rows.items()]
    return ("\n## Coefficients of the equation from two snapshots\n\nA field of five narrow bumps "
            "on 32 x 32 points is moved, blurred and damped by one term of the mixer's equation, "
            "with 1 % noise. Six raw coefficients are sought from the middle of the box, which "
            "means no shift, with 1,000 evaluations (120: one L-BFGS descent without restarts). "
            "Recovered: the shift within 0.01 of the side. By length of the true shift:\n\n"
            + text_table(["recovered"] + ["%g" % s for s in shifts], lines) + CDR_WHY)


SPARSE = """
## Sparse recovery

|A x - y|^2 / 2 + weight sum penalty(x_j / width), d = 200, A Gaussian, noise 0.01, 4,000
evaluations; weight 0.003 and width 0.05 for log(1 + t^2), 0.02 and 0.2 for t^2 / (1 + t^2), which
is flat beyond its width. pgho has its defaults, which here keep 87 % of the budget for descents;
pgho-grad and gh have 8 samples, Adam and 30 %, the best of several choices. Recovered: |x - x*|
below 0.05 |x*|; then the mean relative error and the F1 score of the support.

One homotopy with one descent stops with most of the budget unspent, and falls behind `lbfgs`, which
keeps the best of many descents, once the truth has many nonzeros. Three ways to spend the rest were
tried on seed 0 (80 measurements, 25 nonzeros, log; 50 or 100 starts; one descent recovered 0.34),
with an L-BFGS that then still lost evaluations at the sides of the box: restarting anywhere, 0.68;
from the best point after another whole homotopy, a narrow one whose first cloud is 0.02, 0.05, 0.1,
0.2 of half the box wide, 0.34, 0.38, 0.44, 0.50; from the weighted mean of a single cloud of the
first width around the best point, 0.88 to 0.94. Restarting around the best point keeps what it has
right, and the step must be long enough to leave its valley.
"""


def sparse_name(row):
    return row["method"] + (", one descent" if "--restarts 0" in row["arguments"] else "")


ABLATED = ""


def sparse_beats(cases):
    """How often pgho recovers more, as much, and less than each rival over all cases of the tables."""
    words = []
    for other in ("lbfgs", "gh", "pgho-grad", "gd"):
        pairs = [(lines["pgho"][k]["recovered"], lines[other][k]["recovered"]) for lines in cases.values()
                 for k in lines.get("pgho", {}) if k in lines.get(other, {})]
        words.append("%s: %d, %d, %d" % (other, sum(a > b for a, b in pairs), sum(a == b for a, b in pairs),
                                         sum(a < b for a, b in pairs)))
    return "\nCases in which pgho recovers more often, as often, less often than " + "; ".join(words) + ".\n"


def sparse(files):
    kept = ledger.load(FOLDER, "sparse")
    if not kept:
        return ""
    cases = {}
    for r in rows_of(kept):
        case = (r["problem"], int(option(r["arguments"], "--measurements")))
        cases.setdefault(case, {}).setdefault(sparse_name(r), {})[
            int(option(r["arguments"], "--nonzeros"))] = r
    text = SPARSE + sparse_beats(cases)
    for (problem, m), methods in sorted(cases.items()):
        counts = sorted({k for line in methods.values() for k in line})
        text += "\n%s, %d measurements, by nonzeros:\n\n" % (problem, m)
        text += text_table(["method"] + [str(k) for k in counts], [
            [name] + ["%s %.2f %.2f" % (rate(methods[name][k]["recovered"], methods[name][k]["starts"]),
                                        methods[name][k]["relative_error"], methods[name][k]["support_f1"])
                      if k in methods[name] else "-" for k in counts]
            for name in sorted(methods, key=lambda n: (METHODS.index(n.split(",")[0]), n))])
        name = "phase-%s-%d.svg" % (problem, m)
        files[FOLDER / name] = rates(
            "%s, %d measurements: share recovered" % (problem, m), "nonzeros",
            {n: {k: r["recovered"] / r["starts"] for k, r in methods[n].items()}
             for n in ("pgho", "pgho-grad", "gh", "lbfgs", "gd") if n in methods}, False)
        text += "\n![share recovered](homotopy/%s)\n" % name
    return text


def build():
    files = {}
    main = ledger.load(FOLDER, "d10")
    if not main:
        sys.exit("homotopy_page.py: docs/results/homotopy/d10.json is missing; run homotopy.py "
                 "first")
    text = HEAD.replace("SOURCES", "%s, by %s %s on %s." % (
        ", ".join("`%s`" % p.name for p in sorted(FOLDER.glob("*.json"))), main["program"]["name"],
        main["program"]["version"], main["machine"])) + METHOD_LINES
    text += tests("d10", "Ten dimensions, 20,000 evaluations, 50 starts", files)
    for part, title in (("d2", "Two dimensions"), ("d50", "Fifty dimensions"),
                        ("d100", "A hundred dimensions")):
        text += tests(part, title + ", 20,000 evaluations, 50 starts", files)
    text += ablations() + cdr() + sparse(files) + peers()
    files[PAGE] = text
    return files


PEERS = """
## Beside independent programs

`tools/measure/optimize_peer.py` draws the first STARTS instances again (d = 10, BUDGET evaluations)
and gives them to the L-BFGS-B of SciPy SCIPY, restarted at random points, and to pycma CMA, whose
first step is 0.6 of half the box, as ours. Both must succeed as often as ours, within three
standard errors. The script needs packages of the Python registry and is run manually. Spent: mean
number of evaluations until the method ended. Half: evaluations by which half of the starts had come
within 0.01. From (-1.2, 1), Rosenbrock's valley takes SciPy's L-BFGS-B 46 values with gradients; a
unit test holds ours to 80.

"""


PEERS_WHY = """
On Levy the 335 descents that SciPy makes from one set of random points with 40,000 evaluations end
at a median of 28, 358 of ours at 33: about as many descents, of about as many steps, but another
line search (halving and doubling here, cubic interpolation there), which leads into other valleys
of the ripples. Comparing medians where all success rates were 0 also revealed that L-BFGS once lost
whole budgets at the sides of the box.
"""


def peers():
    kept = ledger.load(FOLDER, "peers")
    if not kept:
        return ""
    lines = []
    for key, pair in kept["runs"].items():
        cells = [[rate(r["successes_1e-2"], r["starts"]), "%.1e" % r["median_best"],
                  whole(r["evaluations"]), whole(r["half"])] for r in (pair["ours"], pair["peer"])]
        lines.append(key.split() + [cell for both in zip(*cells) for cell in both])
    head = ["problem", "method"]
    for what in ("f - f* < 0.01", "median", "spent", "half"):
        head += [what + ", ours", "peer's"]
    starts = max(r["starts"] for pair in kept["runs"].values() for r in pair.values())
    return PEERS.replace("BUDGET", whole(kept["budget"])).replace("STARTS", str(starts)).replace("SCIPY", kept["scipy"]).replace(
        "CMA,", kept["cma"] + ",") + text_table(head, lines) + PEERS_WHY


if __name__ == "__main__":
    write(build(), "homotopy_page.py", sys.argv[1:] == ["--check"])
