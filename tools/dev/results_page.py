# SPDX-License-Identifier: MIT
# results_page.py: docs/results.md and its charts out of docs/results/*.json. Every figure on the page
# comes from there, verdicts too.
import json
import math
import statistics

import chart
import results_plan as plan
from measuring import ROOT
from performance_page import number, table, verdict

NAMES = {"pde": "PDE", "attn": "attention", "filter": "free filter", "conv": "depthwise 3x3"}
# Of the matched ones, which see as many images as the floor, and of all images.
METRICS = {"frechet": "Frechet", "frechet_matched": "Frechet, matched", "mmd_matched": "kernel, matched",
           "precision_matched": "precision", "recall_matched": "recall",
           "sliced_wasserstein_matched": "sliced W.", "label_accuracy": "label accuracy",
           "low_eigenvalue_recovery": "low-eigenvalue recovery"}


def mean_sd(values):
    values = [v for v in values if v is not None]
    if not values:
        return ""
    text = number(statistics.mean(values))
    return text + (" ± " + number(statistics.stdev(values), 2) if len(values) > 1 else "")


def pick(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def values(rows, metric):
    return [row.get(metric) for row in sorted(rows, key=lambda row: row["seed"])]


def source_line(result):
    s = result["source"]
    return ["*%s, %d cores, %s; commit `%s`; %s; `%s`.*" % (
        s["machine"], s["cores"], s["system"], s["commit"], s["date"], s["command"]), ""]


def metric_table(groups, first, metrics=tuple(METRICS)):
    """groups: {name: rows of several seeds}; the floor, from the same reference, is the last line."""
    metrics = [m for m in metrics if any(m in row for rows in groups.values() for row in rows)]
    lines = [[name, str(len(rows))] + [mean_sd(values(rows, m)) for m in metrics]
             for name, rows in groups.items()]
    any_row = next(iter(groups.values()))[0]
    floors = [m.replace("_matched", "_floor") for m in metrics]
    lines.append(["real images against real ones", ""] +
                 [number(any_row[f]) if f.endswith("_floor") and f in any_row else "" for f in floors])
    return table([first, "seeds"] + [METRICS[m] for m in metrics], lines)


# ---------------------------------------------------------------------- mixers


def classifier_section(result):
    names = {"pde": "PDE, depthwise 3x3 before the filter", "pde-plain": "PDE", "attn": "attention"}
    rows = [[names[row["mixer"]], format(row["parameters"], ","),
             "%.2f %%" % (100 * row["test_accuracy"]), format(row["steps"], ",")]
            for row in result["rows"]]
    best = pick(result["rows"], mixer="pde")[0]["test_accuracy"]
    return (["## Classifier", "", "The same blocks, a mean over tokens and a linear layer; 196 tokens, "
             "width 64, depth 4; Fashion-MNIST with mirrored and shifted images. The features of the first "
             "one are those of every metric below.", ""] +
            source_line(result) +
            table(["model", "parameters", "test accuracy", "steps"], rows) +
            ["Goal, 91 %% with fewer than a million parameters: %s." % verdict(best >= 0.91), ""])


def rates_section(result):
    rows = []
    for mixer in plan.MIXERS:
        losses = {row["rate"]: row["loss"] for row in pick(result["rows"], mixer=mixer)}
        rows.append([NAMES[mixer]] + [
            "not finite" if losses[rate] is None else
            ("**%.4f**" if rate == result["best"][mixer] else "%.4f") % losses[rate]
            for rate in plan.RATES])
    return (["## Learning rates", "", "28 x 28 images, patches of 2: 196 tokens, width 64, depth 4, batches "
             "of 64. Mean training loss of steps 201 to 300 for each base rate, same images, noise and "
             "times for all; the best is used below. The PDE's coefficients learn at %g throughout." %
             plan.COEFFICIENT_RATE, ""] + source_line(result) +
            table(["mixer"] + list(plan.RATES), rows))


def crossing(points, target):
    """Where a falling curve {x: y} first reaches the target, straight lines in log y between points;
    None when it does not."""
    before = None
    for x, y in sorted(points.items()):
        if y <= target:
            if before is None:
                return x
            share = (math.log(before[1]) - math.log(target)) / (math.log(before[1]) - math.log(y))
            return before[0] + share * (x - before[0])
        before = (x, y)
    return None


def curves(rows, mixer):
    """{step: mean Frechet distance over seeds}."""
    own = pick(rows, variant=mixer)
    return {step: statistics.mean(values(pick(own, step=step), "frechet"))
            for step in sorted({row["step"] for row in own})}


def equal_cost(result, name, cost, note):
    """Frechet distance of every mixer at the least final cost of all, and the share of attention's cost
    after which each reaches attention's last distance."""
    last = {m: max(curves(result["rows"], m)) for m in cost}
    budget = min(cost[m] * last[m] for m in cost)
    target = curves(result["rows"], "attn")[last["attn"]]
    rows = []
    for m in cost:
        curve = {step * cost[m]: y for step, y in curves(result["rows"], m).items()}
        at = interpolate(curve, budget)
        reached = crossing(curve, target)
        rows.append([NAMES[m], number(at), "not reached" if reached is None else
                     "%.2f" % (reached / (cost["attn"] * last["attn"]))])
    return ["**%s.** %s" % (name, note), ""] + table(
        ["mixer", "Frechet at equal cost", "share of attention's cost to its last Frechet"], rows)


def interpolate(curve, x):
    points = sorted(curve.items())
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if x0 <= x <= x1 + 1e-9 * x1:
            return math.exp(math.log(y0) + (x - x0) / (x1 - x0) * (math.log(y1) - math.log(y0)))
    return points[-1][1]


def extremes(values):
    return min(values), max(values)


def mixers_section(results, files):
    result, speed = results["mixers"], results.get("speed")
    rows, models = result["rows"], result["models"]
    last = max(row["step"] for row in rows)
    groups = {NAMES[m]: pick(rows, variant=m, step=last) for m in plan.MIXERS}
    out = ["## Mixers", "",
           "The models above, trained for longer: the same steps, images, noise and times for all; constant "
           "rate, averaged weights; %s samples a model and 16 evaluations (Heun, no guidance)." %
           format(plan.SAMPLES, ","), ""]
    out += ["### After %s steps of 64 images" % format(last, ","), ""] + source_line(result)
    out += metric_table(groups, "mixer")
    series = {}
    for m in plan.MIXERS:
        cost = speed["seconds"][m]["median"] if speed else 1
        series[NAMES[m]] = {"points": {round(step * cost, 1): y
                                       for step, y in curves(rows, m).items()}, "guessed": {}}
    files["docs/results/mixers.svg"] = chart.lines(
        "Frechet distance over training time", "seconds of training" if speed else "steps", "Frechet",
        series, chart.round_numbers(*extremes([x for s in series.values() for x in s["points"]])))
    out += ["![Frechet distance over training time](results/mixers.svg)", "",
            "### At equal cost", ""]
    work = {m: models[m]["step_flops"] for m in plan.MIXERS}
    out += table(["mixer", "parameters", "step, MFLOP an image"] + (["step over PDE's"] if speed else []),
                 [[NAMES[m], format(models[m]["parameters"], ","), number(work[m] / 1e6)] +
                  (["%.2f (%.2f to %.2f)" % tuple(speed["over_pde"][m][k] for k in
                                                  ("median", "low", "high"))] if speed else [])
                  for m in plan.MIXERS])
    out += equal_cost(result, "Equal multiply-adds", work, "Floating point operations of training.")
    if speed:
        seconds = {m: speed["seconds"][m]["median"] for m in plan.MIXERS}
        out += equal_cost(result, "Equal wall time", seconds,
                          "Seconds of training steps measured in turn on %d threads." % speed["threads"])
        curve = {step * seconds["pde"]: y for step, y in curves(rows, "pde").items()}
        full = seconds["attn"] * last
        reached = crossing(curve, curves(rows, "attn")[last])
        share = None if reached is None else reached / full
        out += ["Goal, attention's Frechet distance in half of its wall time: %s%s." % (
            verdict(share is not None and share <= 0.5),
            "" if share is None else " (%.2f)" % share), ""]
    return out


# ---------------------------------------------------------------------- the rest


def variants_section(result, title, text, order, step=None):
    last = step or max(row["step"] for row in result["rows"])
    groups = {v: pick(result["rows"], variant=v, step=last) for v in order}
    return (["## " + title, "", text, ""] + source_line(result) +
            metric_table({v: rows for v, rows in groups.items() if rows}, "variant"))


def precondition_section(result):
    out = variants_section(
        result, "Preconditioned flow matching", "`pde-nano/4`, 49 tokens; the map is fitted first and "
        "frozen; samples are mapped back. *none* is the plain run.", plan.MAPS)
    return out


def coupling_section(result, files):
    rows = result["rows"]
    variants = [v for v in ("independent", "ot", "logit-normal", "reflow") if pick(rows, variant=v)]
    lines, series = [], {}
    for v in variants:
        own = pick(rows, variant=v)
        at = {n: [row for row in own if row["evaluations"] == n]
              for n in sorted({row["evaluations"] for row in own})}
        lines.append([v] + [mean_sd(values(r, "frechet")) for r in at.values()])
        series[v] = {"points": {n: statistics.mean(values(r, "frechet")) for n, r in at.items()},
                     "guessed": {}}
        head = ["coupling"] + ["%d" % n for n in at]
    files["docs/results/coupling.svg"] = chart.lines(
        "Frechet distance over network evaluations", "evaluations", "Frechet", series)
    return (["## Few evaluations", "", "Frechet distance over the number of network evaluations a sample "
             "(1 and 2: Euler, then Heun). *reflow* starts from the independent run and trains on pairs "
             "that it drew itself.", ""] + source_line(result) + table(head, lines) +
            ["![Frechet distance over evaluations](results/coupling.svg)", ""])


def ablation_section(result):
    return variants_section(result, "Ablations", "`pde-nano/4`, 49 tokens, one change at a time.",
                            list(plan.ABLATIONS))


def transfer_section(result):
    groups = {}
    for row in result["rows"]:
        name = "%s, %s" % (NAMES[row["variant"]], "finer grid" if row["size"] else "own grid")
        groups.setdefault(name, []).append(row)
    return (["## A finer grid than in training", "", "The models of the section on mixers sample 56 x 56 "
             "images: four times as many tokens, nothing trained anew. The images are averaged down to "
             "28 x 28 and judged there.", ""] + source_line(result) + metric_table(groups, "mixer"))


def make(results):
    files = {}
    out = ["<!-- Generated by tools/dev/results.py from docs/results/*.json; do not edit. -->",
           "# Results", "",
           "Every figure here is written by `python3 tools/dev/results.py` from `docs/results/*.json`: "
           "training, sampling and judging on a CPU in plain C, no GPU; it goes on where it was "
           "interrupted. ± is the standard deviation over seeds. [metrics.md](metrics.md) defines the "
           "metrics.", ""]
    sections = {"classifier": lambda: classifier_section(results["classifier"]),
                "rates": lambda: rates_section(results["rates"]),
                "mixers": lambda: mixers_section(results, files),
                "precondition": lambda: precondition_section(results["precondition"]),
                "coupling": lambda: coupling_section(results["coupling"], files),
                "ablation": lambda: ablation_section(results["ablation"]),
                "transfer": lambda: transfer_section(results["transfer"])}
    for part, section in sections.items():
        out += section() if part in results else ["*Not measured yet: %s.*" % part, ""]
    files["docs/results.md"] = "\n".join(out).rstrip("\n") + "\n"
    return files


def write(folder, check):
    """Writes the page, or says whether it is up to date."""
    results = {path.stem: json.loads(path.read_text(encoding="utf-8"))
               for path in sorted(folder.glob("*.json"))}
    good = True
    for name, text in make(results).items():
        path = ROOT / name
        same = path.exists() and path.read_text(encoding="utf-8") == text
        if check and not same:
            print("results.py: %s is not what docs/results/*.json gives; run: python3 "
                  "tools/dev/results.py page" % name)
            good = False
        elif not same:
            path.write_text(text, encoding="utf-8")
    return good
