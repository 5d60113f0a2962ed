# SPDX-License-Identifier: MIT
# test_levels_page.py: the page of multiscale image training out of made-up results: costs, verdicts, the
# best batches; and that the plan's command lines say what they should. No clock is involved.
import math
import xml.etree.ElementTree

from checking import check, finish, near
import levels
import levels_page as page
import levels_plan as plan
import results_plan

SOURCE = {"machine": "none", "cores": 2, "system": "none", "commit": "0", "date": "2000-01-01",
          "command": "none"}
SECONDS = {"full": 1.0, "coarse": 0.5, "mge": 0.75}


def spread(value):
    return {"median": value, "low": value, "high": value, "count": 1}


def made_up(better):
    """Frechet distances fall as 1 / cost; coarse-to-fine's `better` times as fast."""
    rows = {"single-scale": [], "coarse-to-fine": [], "mge": []}
    annealed = []

    def add(run, coarse_steps, to):
        method = levels.method_of(run)
        for step in run.at:
            row = {"method": method, "seed": run.seed, "step": step, "flops": 2e9 * step}
            cost = page.seconds_of(row, {"coarse_steps": coarse_steps},
                                   {k: spread(v) for k, v in SECONDS.items()})
            row["frechet"] = 1000.0 / cost / (better if method == "coarse-to-fine" else 0.5)
            to(method).append(row)

    for run in plan.full() + plan.coarse_to_fine() + plan.mge():
        add(run, plan.COARSE_STEPS, rows.get)
    for run in plan.annealed_full() + plan.annealed():
        add(run, plan.ANNEALED_COARSE, lambda method: annealed)
    seconds = {"threads": 1, "seconds": {k: spread(v) for k, v in SECONDS.items()},
               "over_full": {k: spread(v) for k, v in SECONDS.items()}}
    terms = [("gradient", 0, 4.0, 1.0), ("difference", 0, 1.0, 1.25), ("coarsest", 1, 3.0, 0.25)]
    variance = [{"seed": s, "step": step, "level": level, "term": term, "variance": v, "adam": v,
                 "flops": c} for s in (0, 1) for step in (375, 1500) for term, level, v, c in terms]
    parts = {"single": {"rows": rows["single-scale"]},
             "coarse-to-fine": {"rows": rows["coarse-to-fine"], "coarse_steps": plan.COARSE_STEPS},
             "annealed": {"rows": annealed, "coarse_steps": plan.ANNEALED_COARSE, "trials": [
                 {"method": run.variant, "seed": 0, "step": run.steps, "frechet": 3.0} for run in plan.trials()]},
             "mge": {"rows": rows["mge"], "batch": plan.MGE_BATCH}, "seconds": seconds,
             "variance": {"rows": variance, "batch": 8, "repeats": 60}}
    return {name: {"source": SOURCE, **part} for name, part in parts.items()}


row = {"method": "coarse-to-fine", "step": 800}
times = {k: spread(v) for k, v in SECONDS.items()}
check(page.seconds_of(row, {"coarse_steps": 600}, times) == 600 * 0.5 + 200, "seconds of two levels")
check(page.seconds_of({**row, "step": 100}, {"coarse_steps": 600}, times) == 50, "in the coarse one")
check(page.seconds_of({**row, "method": "mge"}, {}, times) == 600, "seconds of mge")

# Single-scale ends at 1000 / 1500 / 0.5; coarse-to-fine at 1000 / 800 or four times that.
for better, word in ((1.0, "met (0."), (0.25, "**missed**.")):
    files = page.make(made_up(better))
    text = files["docs/results/multiscale-images.md"]
    check("Goal, single-scale's Frechet distance in 0.6 of its wall time: " + word in text,
          "the verdict: %s: %s" % (word, [line for line in text.split("\n") if "Goal" in line]))
    check(text.count("| coarse-to-fine | 0.60 |") == 1, "the annealed runs cost 0.6: 450 of 750 seconds")
    check("200 coarse and 350 fine steps 3.00, 400 coarse and 250 fine steps 3.00." in text, "other shares")
    check("Not measured" not in text, "all parts are on the page")
    check(files == page.make(made_up(better)), "a page made twice is the same")
    xml.etree.ElementTree.fromstring(files["docs/results/levels/quality.svg"])
check(page.make({})["docs/results/multiscale-images.md"].count("Not measured yet") == 4, "missing parts")

own = [row for row in made_up(1)["variance"]["rows"] if row["seed"] == 0 and row["step"] == 375]
work, batch = page.cost_ratio(own, "variance")
check(near(work, (math.sqrt(1.25) + math.sqrt(0.75)) ** 2 / 4), "work of the best batches: %g" % work)
check(near(batch, math.sqrt(3 / 0.25) / math.sqrt(1 / 1.25)), "the best batches: %g" % batch)

log = [{"step": 10, "step_flops": 2.0}, {"step": 30, "step_flops": 3.0}, {"step": 31, "step_flops": 9.0}]
check(levels.flops(log, 30) == 80, "work from a log")

words = plan.mge()[0].command()
check(words[words.index("--batch") + 1] == str(plan.MGE_BATCH) and words[-1] == "0", "mge's batch, seed")
full, fine = plan.full()[2].command(), plan.coarse_to_fine()[2].command()
check(fine[:2] == full[:2] and "--schedule" in fine and str(results_plan.BATCH) in fine,
      "coarse-to-fine is the same run in all else")
timed = plan.timed(12)
check(timed["coarse"][timed["coarse"].index("--coarse-steps") + 1] == "12" and "13" in timed["coarse"] and
      "12" in timed["full"], "timed runs have steps of one kind")

finish()
