# SPDX-License-Identifier: MIT
# results_page.py: docs/results/training.md and its charts out of docs/results/training/*.json. Every figure on the page
# comes from there, verdicts too.
import math
import statistics

import chart
import results_plan as plan
from curves import interpolate, reaching
from judged import mean_sd, metric_table, pick, values
from page import assemble, number, source_line, table, verdict

NAMES = {"pde": "PDE", "attn": "attention", "filter": "free filter", "conv": "depthwise 3x3"}
def gallery(pictures, part, columns):
    """Samples side by side; columns: {heading: name}."""
    files = pictures["files"].get(part, {}) if pictures else {}
    shown = {title: files[name] for title, name in columns.items() if name in files}
    if not shown:
        return []
    return table(list(shown), [["![samples, %s](training/%s)" % (title, file)
                                for title, file in shown.items()]])


# ---------------------------------------------------------------------- mixers


def classifier_section(result):
    names = {"pde": "PDE, depthwise 3x3 before the filter", "pde-plain": "PDE", "attn": "attention"}
    rows = [[names[row["mixer"]], format(row["parameters"], ","),
             "%.2f %%" % (100 * row["test_accuracy"]), format(row["steps"], ",")]
            for row in result["rows"]]
    best = pick(result["rows"], mixer="pde")[0]["test_accuracy"]
    return (["## Classifier", "", "The same blocks, then a mean over tokens and a linear layer; "
                                  "196 tokens, width 64, depth 4; Fashion-MNIST with mirrored and "
                                  "shifted images. Every metric below uses the features of the "
                                  "first one.", ""] +
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
    return (["## Learning rates", "", "28 x 28 images, patches of 2: 196 tokens, width 64, depth "
                                      "4, batches "
             "of 64. Mean training loss of steps 201 to 300 for each base learning rate, with the "
             "same images, noise and times for all; the best is used below. The PDE's "
             "coefficients have the learning rate %g throughout." %
             plan.COEFFICIENT_RATE, ""] + source_line(result) +
            table(["mixer"] + list(plan.RATES), rows))


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
        reached = reaching(curve, target)
        rows.append([NAMES[m], number(at), "not reached" if reached is None else
                     "%.2f" % (reached / (cost["attn"] * last["attn"]))])
    return ["**%s.** %s" % (name, note), ""] + table(
        ["mixer", "Frechet at equal cost", "share of attention's cost to its last Frechet"], rows)


def extremes(values):
    return min(values), max(values)


def time_goal(curve, target, full):
    """curve: {seconds: Frechet} of the PDE; target: attention's after `full` seconds."""
    reached = reaching(curve, target)
    share = None if reached is None else reached / full
    last = max(curve)
    return ["Goal, attention's Frechet distance in half of its wall time: %s (%s)." % (
        verdict(share is not None and share <= 0.5),
        "%s against %s in %.2f of it" % (number(curve[last]), number(target), last / full)
        if share is None else "%.2f" % share), ""]


def lengths_section(result, ratio, title, text):
    """Runs of several lengths, a cosine each; ratio: a step of attention over one of the PDE."""
    groups, curve = {}, {}
    for variant in sorted({row["variant"] for row in result["rows"]},
                          key=lambda v: (v.split("-")[0], int(v.split("-")[1]))):
        mixer, steps = variant.split("-")
        cost = int(steps) * (ratio if mixer == "attn" else 1)
        own = pick(result["rows"], variant=variant)
        groups[mixer, int(steps)] = (cost, own)
        if mixer == "pde":
            curve[cost] = statistics.mean(values(own, "frechet"))
    full, attention = groups[max(key for key in groups if key[0] == "attn")]
    named = {"%s, %s steps, %.2f of attention's time" % (NAMES[mixer], format(steps, ","), cost / full): own
             for (mixer, steps), (cost, own) in groups.items()}
    return (["### " + title, "", text, ""] + source_line(result) + metric_table(named, "run") +
            time_goal(curve, statistics.mean(values(attention, "frechet")), full))


def mixers_section(results, files):
    result, speed = results["mixers"], results.get("speed")
    rows, models = result["rows"], result["models"]
    last = max(row["step"] for row in rows)
    groups = {NAMES[m]: pick(rows, variant=m, step=last) for m in plan.MIXERS}
    out = ["## Mixers", "",
           "The models above, trained for longer: the same steps, images, noise and times for "
           "all; constant learning rate, EMA weights; %s samples per model with 16 evaluations "
           "each (Heun, no guidance)." %
           format(plan.SAMPLES, ","), ""]
    out += ["### After %s steps of 64 images" % format(last, ","), ""] + source_line(result)
    out += metric_table(groups, "mixer")
    # Ratios within one round are steadier than seconds, which the machine changes from round to round.
    seconds = {m: speed["seconds"]["pde"]["median"] * speed["over_pde"][m]["median"]
               for m in plan.MIXERS} if speed else {}
    series = {}
    for m in plan.MIXERS:
        cost = seconds[m] if speed else 1
        series[NAMES[m]] = {"points": {round(step * cost, 1): y
                                       for step, y in curves(rows, m).items()}, "guessed": {}}
    files["docs/results/training/mixers.svg"] = chart.lines(
        "Frechet distance over training time", "seconds of training" if speed else "steps", "Frechet",
        series, chart.round_numbers(*extremes([x for s in series.values() for x in s["points"]])))
    out += ["![Frechet distance over training time](training/mixers.svg)", "",
            "### At equal cost", ""]
    work = {m: models[m]["step_flops"] for m in plan.MIXERS}
    out += table(["mixer", "parameters", "step, MFLOP per image"] + (["step over PDE's"] if speed else []),
                 [[NAMES[m], format(models[m]["parameters"], ","), number(work[m] / 1e6)] +
                  (["%.2f (%.2f to %.2f)" % tuple(speed["over_pde"][m][k] for k in
                                                  ("median", "low", "high"))] if speed else [])
                  for m in plan.MIXERS])
    out += equal_cost(result, "Equal multiply-adds", work, "Floating-point operations of training.")
    if speed:
        out += equal_cost(result, "Equal wall time", seconds,
                          "Seconds of training steps, measured in turn on %d threads." % speed["threads"])
        finer = speed["finer"]["over_pde"]["attn"]
        out += ["At 784 tokens a step of attention takes %.2f times (%.2f to %.2f) as long as one "
                "of the PDE." % (
            finer["median"], finer["low"], finer["high"]), ""]
        curve = {step * seconds["pde"]: y for step, y in curves(rows, "pde").items()}
        out += time_goal(curve, curves(rows, "attn")[last], seconds["attn"] * last) + [
                "A step of the PDE has %.2f times the operations of one of attention: most are in "
                "the linear layers, which both have. Half of the wall time at this size would "
                "therefore require fewer steps, too." %
                (work["pde"] / work["attn"]), ""]
    out += gallery(results.get("pictures"), "mixers", {NAMES[m]: m for m in plan.MIXERS})
    if speed and "annealed" in results:
        out += lengths_section(
            results["annealed"], speed["over_pde"]["attn"]["median"], "With a learning rate that "
                                                                      "falls to zero",
            "At a constant learning rate the weights never settle, and the Frechet distance of "
            "one run fluctuates by a third between evaluations. Here each length is a separate "
            "run with a cosine schedule, at the same peak rates.")
    if speed and "finer" in results:
        out += lengths_section(
            results["finer"], speed["finer"]["over_pde"]["attn"]["median"], "784 tokens",
            "The same with images of 56 x 56 pixels, enlarged from 28 x 28, in batches of %d; %d "
            "samples each, evaluated at 28 x 28." % (plan.FINER_BATCH, plan.FINER_SAMPLES))
    return out


# ---------------------------------------------------------------------- the rest


PLAIN = "none, %s steps"


def with_plain(result, order):
    """Rows by variant, the plain run at both its lengths first."""
    groups = {PLAIN % format(step, ","): pick(result["rows"], variant="plain", step=step)
              for step in (plan.NANO_STEPS, plan.LONGER)}
    return {**groups, **{v: pick(result["rows"], variant=v, step=plan.NANO_STEPS) for v in order}}


def at_equal_compute(result, variant, metric):
    """A metric's mean behind a map, and that of plain runs which have also had the steps that the fit
    of the map costs."""
    fit = result["fit_steps"].get(plan.kind_of(variant), 0)
    plain = {step: statistics.mean(values(pick(result["rows"], variant="plain", step=step), metric))
             for step in (plan.NANO_STEPS, plan.LONGER)}
    mapped = statistics.mean(values(pick(result["rows"], variant=variant), metric))
    return mapped, interpolate(plain, plan.NANO_STEPS + fit), fit


def improvements(result):
    """A line for each map; the recovery is judged by how far it is from 1 on a logarithmic scale."""
    rows, both, narrow = [], [], []
    for variant in (v for v in plan.MAPPED if pick(result["rows"], variant=v)):
        line, wins = [variant], 0
        for metric in ("frechet", "low_eigenvalue_recovery"):
            mapped, plain, fit = at_equal_compute(result, variant, metric)
            better = (mapped < plain if metric == "frechet" else
                      abs(math.log(mapped)) < abs(math.log(plain)))
            wins += better
            line.append("%s against %s%s" % (number(mapped), number(plain), ", better" if better else ""))
        rows.append([line[0], "%.0f" % fit] + line[1:])
        if wins == 2 and plan.kind_of(variant):
            both.append(variant)
        if mapped < 0.5 and plain > 1 and variant in plan.MAPS:
            narrow.append(variant)
    return (["### At equal compute", "", "A plain run gets additional steps that cost as much as "
                                         "fitting the map.", ""] +
            table(["map", "cost of the fit, steps", "Frechet", "low-eigenvalue recovery (1 is "
                                                               "best)"], rows) +
            ["Goal, one map improves both at equal compute: %s%s." % (
                verdict(bool(both)), ": " + "; ".join(both) if both else ""), ""] +
            (["Plain runs leave noise along the low eigenvectors, more variance than the images "
              "have; behind %s, samples have less: the velocity there is hardly better than the "
              "best affine one, see below." %
              " and ".join(narrow), ""]
             if narrow else []))


def diagnostics_part(result, files):
    rows, series = [], {}
    for kind, found in result["diagnostics"].items():
        whole = found["summary"][0]
        rows.append([kind] + [number(float(whole[side + "_condition_0.95"])) if
                              whole[side + "_condition_0.95"] else "" for side in ("raw", "mapped")])
        if kind in ("plain", "in part") + plan.MAPS:
            series[kind] = {"points": {int(row["band"]) + 1: float(row["error"]) / float(row["linear"])
                                       for row in found["bands"]}, "guessed": {}}
    files["docs/results/training/bands.svg"] = chart.lines(
        "Error of the velocity over the best affine one's", "eighth of the eigenvectors, smallest "
                                                            "first",
        "error / affine error", series, range(1, 9))
    return (["### Conditioning", "", "Condition number of the covariance of x_t at t = 0.95, all "
                                     "images, "
             "before and after the map; and the error of the trained velocity there in each "
             "eighth of the eigenvectors of the training data, over the error of the best affine "
             "velocity (above 1: not learned yet).", ""] +
            table(["map", "before", "after"], rows) +
            ["![error of the velocity by eigenband](training/bands.svg)", ""])


def precondition_section(results, files):
    result = results["precondition"]
    groups = with_plain(result, [v for v in plan.MAPPED if pick(result["rows"], variant=v)])
    alone = {kind + ", no network": pick(result["rows"], variant=kind + " alone") for kind in plan.MAPS}
    alone = {name: rows for name, rows in alone.items() if rows}
    groups |= alone
    what = (" *In part*: whitened with epsilon 1, which adds as much to every variance as their "
            "mean. *Prior*: the network's output is added to the velocity of standard normal data "
            "(`--prior gaussian`). Both were chosen on seed 0."
            if pick(result["rows"], variant="in part, prior") else "")
    what += (" *No network*: noise mapped back, which is what a network has to improve on."
            if alone else "")
    return (["## Preconditioned flow matching", "", "`pde-nano/4`, 49 tokens; the map is fitted "
                                                    "first and then frozen; samples are mapped "
                                                    "back." + what, ""] + source_line(result) +
            metric_table(groups, "map") + improvements(result) + diagnostics_part(result, files) +
            gallery(results.get("pictures"), "precondition",
                    {"none" if v == "plain" else v: plan.file_name(v) for v in plan.SHOWN_MAPS}))


def coupling_section(results, files):
    result = results["coupling"]
    groups = {name: rows for name, rows in with_plain(result, ("ot", "logit-normal")).items() if rows}
    groups["reflow"] = pick(result["rows"], variant="reflow")
    lines, series, counts = [], {}, sorted({row["evaluations"] for row in result["rows"]})
    for name, own in groups.items():
        at = {n: values(pick(own, evaluations=n), "frechet") for n in counts}
        lines.append([name, str(len(at[counts[0]]))] + [mean_sd(at[n]) for n in counts])
        series[name] = {"points": {n: statistics.mean(at[n]) for n in counts}, "guessed": {}}
    files["docs/results/training/coupling.svg"] = chart.lines(
        "Frechet distance over network evaluations", "evaluations", "Frechet", series)
    return (["## Few evaluations", "", "Frechet distance over the number of network evaluations "
                                       "per sample (1 and 2: Euler, then Heun), `pde-nano/4`. "
                                       "*none* couples independently, with uniform t; *ot* "
                                       "assigns noise to images in each batch, all labels "
                                       "together, so that the noise depends on the label, which "
                                       "is not so in sampling; *reflow* continues the plain run "
                                       "after %s steps with %d steps on pairs drawn from that "
                                       "run, so that it has as many steps as the longer plain "
                                       "run." % (format(plan.NANO_STEPS, ","), plan.LONGER - plan.NANO_STEPS), ""] +
            source_line(result) +
            table(["coupling", "seeds"] + ["%d" % n for n in counts], lines) +
            ["![Frechet distance over evaluations](training/coupling.svg)", ""] +
            gallery(results.get("pictures"), "coupling", {
                "%s, %d" % (v, n): "%s-%d" % (v, n) for v in plan.SHOWN_COUPLINGS for n in (1, 2, 4)}))


def ablation_section(result):
    groups = {"S = 8, all parts": pick(result["rows"], variant="plain", step=plan.NANO_STEPS),
              **{v: pick(result["rows"], variant=v) for v in plan.ABLATIONS}}
    return (["## Ablations", "", "`pde-nano/4`, 49 tokens, %s steps, one change at a time." %
             format(plan.NANO_STEPS, ","), ""] + source_line(result) + metric_table(groups, "variant"))


def transfer_section(results):
    result, groups = results["transfer"], {}
    for row in result["rows"]:
        name = "%s, %s" % (NAMES[row["variant"]], "finer grid" if row["size"] else "own grid")
        groups.setdefault(name, []).append(row)
    return (["## A finer grid than in training", "", "The models of the section on mixers sample "
                                                     "56 x 56 images: four times as many tokens, "
                                                     "without further training. The images are "
                                                     "averaged down to 28 x 28 and evaluated "
                                                     "there.", ""] + source_line(result) + metric_table(groups, "mixer") +
            gallery(results.get("pictures"), "transfer",
                    {NAMES[m] + ", 56 x 56": m for m in plan.TRANSFERRED}))


def make(results):
    files = {}
    out = ["<!-- Generated by tools/measure/results.py from docs/results/training/*.json; do not "
           "edit. -->",
           "# Results", "",
           "Every figure here is written by `python3 tools/measure/results.py` from "
           "`docs/results/training/*.json`: "
           "training, sampling and evaluation on a CPU in plain C, without a GPU; the script "
           "resumes after an interruption. ± is the standard deviation over seeds. "
           "[metrics.md](../guide/metrics.md) defines the "
           "metrics.", ""]
    sections = {"classifier": lambda: classifier_section(results["classifier"]),
                "rates": lambda: rates_section(results["rates"]),
                "mixers": lambda: mixers_section(results, files),
                "precondition": lambda: precondition_section(results, files),
                "coupling": lambda: coupling_section(results, files),
                "ablation": lambda: ablation_section(results["ablation"]),
                "transfer": lambda: transfer_section(results)}
    files["docs/results/training.md"] = assemble(out, sections, results)
    return files
