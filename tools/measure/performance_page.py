# SPDX-License-Identifier: MIT
# performance_page.py: docs/results/performance.md and its charts out of docs/results/performance/*.json. Every figure
# on the page comes from there, verdicts against the goals too.
import math

import chart
from page import assemble, number, source_line, table, verdict

TASKS = {"filter": "operator", "filter-gradient": "operator and gradients", "forward": "forward",
         "step": "training step", "sample": "sampling", "gemm": "matrix product"}
# Times memcpy, forward and backward, by the side of the grid.
FILTER_GOALS = {16: (1.5, 2.5), 32: (2.0, 3.3), 64: (3.0, 5.0)}
# Operators whose forward pass sampling does not have.
ONLY_TRAINING = {"adamw", "ema", "grad_norm", "mse_loss", "flow_path", "philox_normal", "combine"}
OPERATOR_GOAL, MEMORY_GOAL, EXPONENT_GOAL = 8, 0.6, 1.05


def step_goal(model):
    """How many times as fast as PyTorch; there is no goal for attention."""
    if not model or model.startswith("attn"):
        return None
    return 1.5 if model.startswith("pde-s/") else 2.5


# ---------------------------------------------------------------------- text


def milliseconds(seconds):
    return number(1e3 * seconds)


def spread(s):
    return "%.2f (%.2f to %.2f)" % (s["median"], s["low"], s["high"])


def size_of(row):
    if row.get("task") == "gemm":
        return "%d rows, %d to %d" % (row["batch"], row["size"], row["size"])
    return "%d x %d, batch %d" % (row["size"], row["size"], row["batch"])


# ---------------------------------------------------------------------- PyTorch


def peer_rows(peer, *tasks):
    return [row for row in peer["rows"] if row["task"] in tasks]


def peer_goal(row):
    if row["task"] in ("step", "sample"):
        return step_goal(row["model"])
    return OPERATOR_GOAL if row["task"].startswith("filter") else None


def model_reason(row, steps):
    """Why a goal is missed, from our own accounts: what the ratio would be if everything but the
    matrix products were free."""
    ours = [s for s in steps["rows"] if s["model"] == row["model"] and row["size"] == s["size"]]
    if not ours:
        return None
    operators = [r for r in ours[0]["after"]["operators"] if row["task"] == "step" or
                 r["pass"] == "forward" and r["name"] not in ONLY_TRAINING]
    linear = [r for r in operators if r["name"].startswith("linear")]
    share = sum(r["seconds"] for r in linear) / sum(r["seconds"] for r in operators)
    rate = sum(r["flops"] for r in linear) / sum(r["seconds"] for r in linear) / 1e9
    return ("%s `%s`: matrix products take %.0f %% of our time, at %.0f GFLOP/s; if everything "
            "else took no time, the ratio would be %.2f." % (TASKS[row["task"]], row["model"], 100 * share, rate,
                                                row["ratio"]["median"] / share))


def filter_reason(row, filters):
    """How near to a mere copy the goal lies."""
    same = [f for f in filters["rows"] if f["side"] == row["size"] and f["threads"] == 2]
    if not same:
        return None
    needed = row["peer_seconds"]["median"] / OPERATOR_GOAL / same[0]["copy_seconds"]["median"]
    return ("%s, %s: the goal would require ours to take no longer than %.1f copies of its input; "
            "PyTorch takes %.0f." % (TASKS[row["task"]], size_of(row), needed, needed * OPERATOR_GOAL))


def reasons(missed, results):
    for row in missed:
        if row["model"] and "step" in results:
            yield model_reason(row, results["step"])
        elif not row["model"] and "filter" in results:
            yield filter_reason(row, results["filter"])


def peer_table(rows):
    out = []
    for row in rows:
        goal = peer_goal(row)
        out.append([TASKS[row["task"]] + (" `%s`" % row["model"] if row["model"] else ""),
                    size_of(row), milliseconds(row["ours_seconds"]["median"]),
                    milliseconds(row["peer_seconds"]["median"]), row["variant"],
                    spread(row["ratio"]), "%g" % goal if goal else "",
                    verdict(row["ratio"]["median"] >= goal if goal else None)])
    return table(["", "size", "ours, ms", "PyTorch, ms", "its fastest form", "PyTorch / ours", "goal",
                  ""], out)


def peer_section(results, files):
    peer = results["peer"]
    timed = [row for row in peer["rows"] if row["task"] != "memory"]
    lost = [row for row in timed if row["ratio"]["median"] < 1]
    missed = [row for row in timed if peer_goal(row) and row["ratio"]["median"] < peer_goal(row)]
    out = ["## Beside PyTorch", "",
           "The same network in PyTorch %s (`tools/measure/peer`): it loads our checkpoints and "
           "agrees with our velocities and gradients to 1e-4 (`agree.py`). Both run on %d threads "
           "in float32, in alternating slices of one run; a ratio above 1 means that ours is "
           "faster, and its range is over %d pairs of slices. PyTorch is shown in its fastest "
           "form: eager with channels first or last in the transforms, or blocks compiled by "
           "torch.compile." % (
               peer["torch"], peer["threads"], peer["rounds"]), ""]
    out += source_line(peer)
    groups = []
    for task in ("filter", "filter-gradient", "gemm", "forward", "step", "sample"):
        for row in peer_rows(peer, task):
            if row["size"] == 32 or not row["model"]:
                name = TASKS[task] + " " + (row["model"] or "%d x %d" % (row["size"], row["size"]))
                groups.append((name, [tuple(row["ratio"][k] for k in ("median", "low", "high"))]))
    goals = {"%s %s" % (TASKS[r["task"]], r["model"]): step_goal(r["model"])
             for r in peer_rows(peer, "step", "sample") if step_goal(r["model"])}
    goals.update({name: OPERATOR_GOAL for name, _ in groups if name.startswith("operator ")})
    files["docs/results/performance/peer.svg"] = chart.bars(
        "Time of PyTorch over ours", "times; dashes: the goal", ["ratio"], groups, goals)
    out += ["![Time of PyTorch over ours](performance/peer.svg)", ""] + peer_table(timed)
    out += ["`sampling` draws the images of the batch with Heun's method and guidance 2, with few "
            "steps to keep the measurement short: the time is proportional to the number of "
            "steps.", ""]
    if lost:
        out += ["**Slower than PyTorch:** " + "; ".join("%s%s at %s (%.2f)" % (
            TASKS[r["task"]], " `%s`" % r["model"] if r["model"] else "", size_of(r),
            r["ratio"]["median"]) for r in lost) + ".", ""]
    if missed:
        out += ["**Goals missed:** %d of %d." % (len(missed), len([r for r in timed if peer_goal(r)]))]
        out += [""] + ["- " + r for r in reasons(missed, results) if r] + [""]
    return out + memory_section(peer)


def memory_section(peer):
    rows = peer_rows(peer, "memory")
    if not rows:
        return []
    out = ["### Peak memory of training", "",
           "Peak resident memory of a process that only trains. What importing PyTorch takes is "
           "shown separately, since it depends on how it was built.", ""]
    return out + table(
        ["model", "ours, MB", "PyTorch, MB", "of which import", "ours / PyTorch",
         "without the import", "goal 0.6"],
        [["`%s` " % r["model"] + size_of(r), "%.0f" % (r["ours_bytes"] / 1e6),
          "%.0f" % (r["peer_bytes"] / 1e6), "%.0f" % (r["peer_import_bytes"] / 1e6),
          "%.2f" % r["ratio"], "%.2f" % r["ratio_without_import"],
          verdict(r["ratio"] <= MEMORY_GOAL)] for r in rows])


# ---------------------------------------------------------------------- before and after


def account(result, operators):
    """{(name, pass): row with share and roofline fraction}. The roofline: the lower of the rate of a
    large matrix product and of bytes at the speed of a copy."""
    total = sum(row["seconds"] for row in operators)
    rows = {}
    for row in operators:
        attainable = max(row["flops"] / (result["gemm_gflops"] * 1e9),
                         row["bytes"] / (result["copy_gbytes_per_s"] * 1e9))
        rows[row["name"], row["pass"]] = dict(row, share=row["seconds"] / total,
                                              roofline=attainable / row["seconds"])
    return rows


def step_table(result, model):
    before, after = (account(result, model[s]["operators"]) for s in ("before", "after"))
    keys = sorted(set(before) | set(after), reverse=True,
                  key=lambda k: (after.get(k) or before.get(k))["seconds"])
    rows = []
    for key in keys:
        both = before.get(key), after.get(key)
        if max(r["share"] for r in both if r) < 0.002:
            continue
        cells = [[milliseconds(r["seconds"]), "%.1f %%" % (100 * r["share"]),
                  number(r["flops"] / r["seconds"] / 1e9), number(r["bytes"] / r["seconds"] / 1e9),
                  "%.0f %%" % (100 * r["roofline"])] if r else [""] * 5 for r in both]
        rows.append(["%s %s" % key] + [c for pair in zip(*cells) for c in pair])
    head = [""] + ["%s %s" % (what, state) for what in ("ms", "share", "GFLOP/s", "GB/s", "roofline")
                   for state in ("before", "after")]
    return table(head, rows)


def step_section(result):
    out = ["## Training step, before and after", "",
           "Both states of the program in alternating slices of one run, %d threads. Roofline: "
           "the share of the attainable rate, which is limited by %s GFLOP/s (a large matrix "
           "product) or by moving the operator's bytes at %s GB/s (a copy, read and written); an "
           "operator whose operands stay in the cache can exceed it. Operators below 0.2 %% of "
           "the time are omitted." % (result["threads"], number(result["gemm_gflops"]),
                          number(result["copy_gbytes_per_s"])), ""]
    out += source_line(result, result["before"])
    out += table(["model", "before, ms", "after, ms", "before / after", "peak before, MB",
                  "peak after, MB"],
                 [["`%s` %s" % (r["model"], size_of(r)),
                   milliseconds(r["before"]["seconds"]["median"]),
                   milliseconds(r["after"]["seconds"]["median"]), spread(r["ratio"]),
                   "%.0f" % (r["before"]["peak_bytes"] / 1e6),
                   "%.0f" % (r["after"]["peak_bytes"] / 1e6)] for r in result["rows"]])
    for row in result["rows"]:
        out += ["<details><summary>Operators of <code>%s</code>, %s</summary>" % (
            row["model"], size_of(row)), ""] + step_table(result, row) + ["</details>", ""]
    return out


def filter_section(result, files):
    out = ["## The spectral filter against a copy", "",
           "In multiples of one memcpy of the input (384 channels, 25 MB, the same threads). "
           "Filter and copy alternate in one loop, so that neither finds its operands in a cache "
           "because of that; before and after run in alternating slices. Backward is both "
           "gradients: the time of forward and backward minus that of forward.", ""]
    out += source_line(result, result["before"])
    rows, groups = [], []
    for row in result["rows"]:
        goals = FILTER_GOALS[row["side"]]
        cells = ["%d x %d, batch %d, %d thread%s" % (row["side"], row["side"], row["batch"],
                                                    row["threads"], "s"[:row["threads"] - 1])]
        for goal, kind in zip(goals, ("forward", "backward")):
            value = row["after"][kind]
            cells += ["%.2f" % row["before"][kind]["median"], spread(value),
                      "%g %s" % (goal, verdict(value["median"] <= goal))]
            groups.append(("%s %d x %d, %d thread%s" % (
                kind, row["side"], row["side"], row["threads"], "s"[:row["threads"] - 1]),
                [tuple(row[s][kind][k] for k in ("median", "low", "high"))
                 for s in ("before", "after")]))
        rows.append(cells)
    files["docs/results/performance/filter.svg"] = chart.bars(
        "Spectral filter over a copy of its input", "times; dashes: the goal", ["before", "after"],
        sorted(groups, key=lambda g: g[0][0] != "f"),
        {name: FILTER_GOALS[int(name.split()[1])][name.startswith("backward")]
         for name, _ in groups})
    out += ["![Spectral filter over a copy](performance/filter.svg)", ""]
    out += table(["grid", "forward before", "forward after", "goal", "backward before",
                  "backward after", "goal"], rows)
    return out + grids_table(result["grids"])


def grids_table(grids):
    """All sizes by `bench`."""
    cells = {}
    for threads, bench in grids.items():
        for row in bench["rows"]:
            if row["status"] == "ok":
                cells.setdefault(row["shape"]["H"], {})[threads, row["pass"]] = row
    rows = []
    for side, found in sorted(cells.items()):
        line = ["%d x %d" % (side, side)]
        for key in [(t, p) for t in grids for p in ("forward", "backward")]:
            line.append("%.2f" % found[key]["memcpy_ratio"] if key in found else "")
        rows.append(line)
    head = ["grid"] + ["%s, %s thread%s" % (p, t, "s"[:int(t) - 1]) for t in grids
                       for p in ("forward", "backward")]
    return ["Other grids, in multiples of a memcpy, by `pdessm-cl bench --suite ops --op "
            "spectral_filter`:",
            ""] + table(head, rows)


def operators_section(result):
    bench, rows = result["bench"], []
    for row in bench["rows"]:
        if row["status"] != "ok":
            rows.append(["%s %s" % (row["case"], row["pass"]), row["status"]] + [""] * 4)
            continue
        shape = " x ".join(str(v) for v in row["shape"].values())
        rows.append(["%s %s" % (row["case"], row["pass"]), shape, milliseconds(row["seconds"]),
                     number(row["gflops"]), number(row["gbytes_per_s"]),
                     "%.0f %%" % (100 * row["roofline_share"])])
    out = ["## Operators alone", "",
           "384 channels, tensors of 25 MB, %d threads, by `pdessm-cl bench --suite ops` "
           "([bench.md](../guide/bench.md) says how to read it): a copy reaches %s GB/s, a matrix "
           "product %s GFLOP/s." % (result["threads"], number(bench["copy_gbytes_per_s"]),
                         number(bench["gemm_gflops"])), ""]
    return out + source_line(result) + ["<details><summary>Table</summary>", ""] + table(
        ["operator", "shape", "ms", "GFLOP/s", "GB/s", "roofline"], rows) + ["</details>", ""]


# ---------------------------------------------------------------------- scaling, start


def scaling_series(result, kind):
    """Microseconds per token; the fit over long inputs continues where measuring stopped."""
    points = {row["tokens"]: 1e6 * row["seconds"][kind]["median"] / row["tokens"]
              for row in result["rows"] if kind in row["seconds"]}
    law, guessed = result["fits"][kind]["long"], {}
    for row in result["rows"]:
        n = row["tokens"]
        if n not in points and law and law["points"] > 2:  # two points tell no law
            guessed[n] = 1e6 * math.exp(law["factor"]) * n ** (law["exponent"] - 1)
    return {"points": points, "guessed": guessed}


def scaling_section(result, files):
    names = {"pde": "PDE mixer", "pde fresh": "PDE mixer, fresh symbol", "attention": "attention",
             "pde block": "PDE block", "attention block": "attention block"}
    files["docs/results/performance/scaling.svg"] = chart.lines(
        "Time of one token over the number of tokens", "tokens of the image",
        "microseconds a token", {names[k]: scaling_series(result, k) for k in names})
    fits = result["fits"]
    exponent = fits["pde"]["all"]["exponent"]
    out = ["## Scaling", "",
           "One image, width %d, forward, %d threads; from %s to %s tokens. *Fresh symbol* "
           "computes the multipliers of the equation in each run, as training does once per "
           "batch; sampling keeps them. Empty circles were not measured (a call would exceed %g "
           "s): they continue the fit over 1,024 and more tokens." % (
               result["width"], result["threads"], format(result["rows"][0]["tokens"], ","),
               format(result["rows"][-1]["tokens"], ","), result["limit_seconds"]), ""]
    out += source_line(result) + ["![Time of one token](performance/scaling.svg)", ""]
    rows = []
    for kind, name in names.items():
        cells = [name]
        for part in ("all", "long"):
            f = fits[kind][part]
            cells.append("%.3f%s (%d points)" % (
                f["exponent"], " ± %.3f" % f["error"] if f["error"] is not None else "",
                f["points"]) if f else "")
        rows.append(cells)
    out += table(["time of an image ~ tokens^x", "x, all points", "x, 1,024 tokens and more"], rows)
    long = fits["pde"]["long"]["exponent"]
    out += ["The PDE mixer's exponent is %.3f over all sizes; the goal, at most %g, is %s. Over "
            "1,024 tokens and more it is %.3f, %s." % (exponent, EXPONENT_GOAL,
                                          verdict(exponent <= EXPONENT_GOAL), long,
                                          "which is within it too" if long <= EXPONENT_GOAL else
                                          "**above it**"), ""]
    crossing = {"mixer": "The PDE mixer", "mixer fresh": "The PDE mixer with a fresh symbol",
                "block": "The whole PDE block"}
    for kind, name in crossing.items():
        at = result["crossing"][kind]
        out.append("- %s %s." % (name, "is never faster than attention here" if at is None else
                                 "is faster than attention at every size measured" if at == 0 else
                                 "is faster than attention from about %s tokens on" % number(at, 2)))
    return out + [""]


def start_section(result):
    """Rows as start_times.sh gives them: lists of seconds, one entry a repetition."""
    start, kinds = result["start"], ("cold", "again", "warming", "warm")
    rows = []
    for row in start["rows"]:
        seconds = [sorted(row[kind + "_seconds"]) for kind in kinds]
        rows.append(["`%s`" % row["device"]] + ["%s (%s to %s)" % tuple(
            number(v) for v in (s[len(s) // 2], s[0], s[-1])) for s in seconds])
    out = ["## Cold and warm start", "",
           "Wall time of `sample` for one image in one step of `%s`, %d times: *cold* with "
           "nothing compiled, *again* right after that, *warm* after `cache warm`; *warming* is "
           "the time of `cache warm` itself." % (start["model"], start["repeat"]), ""]
    return out + source_line(result) + table(
        ["device"] + [kind + ", s" for kind in kinds], rows)


def make(results):
    """{path: text} of the page and its charts; parts that were not measured are left out by name."""
    files = {}
    out = ["<!-- Made by tools/measure/performance.py from docs/results/performance/*.json; "
           "do not edit. -->",
           "# Performance", "",
           "Every figure here is written by `python3 tools/measure/performance.py` from the "
           "measurements in "
           "`docs/results/performance/*.json`; each section names machine, commit and command. "
           "Ratios are taken between neighbouring slices; ranges are from minimum to maximum. "
           "Absolute times on this kind of machine drift from minute to minute, ratios do not.", "",
           "No GPU was used: everything ran on a CPU in plain C. "
           "[gpu-roofline.md](gpu-roofline.md) calculates what the kernels should reach on GPUs.", ""]
    sections = {"peer": lambda: peer_section(results, files),
                "filter": lambda: filter_section(results["filter"], files),
                "step": lambda: step_section(results["step"]),
                "operators": lambda: operators_section(results["operators"]),
                "scaling": lambda: scaling_section(results["scaling"], files),
                "start": lambda: start_section(results["start"])}
    files["docs/results/performance.md"] = assemble(out, sections, results)
    return files
