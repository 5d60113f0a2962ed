# SPDX-License-Identifier: MIT
# levels_plan.py: the runs behind docs/results/multiscale-images.md: the PDE network of results_plan.py's section
# on mixers with the same data, seeds, rate and schedule, at full resolution (results.py's own runs) and
# in several ways at 28 x 28 and 14 x 14.
import results_plan as plan

LEVELS = 2
RATE = "1.6e-2"  # the best of results.py's part `rates` for this network
COARSE_STEPS, FINE_STEPS = 600, 500
MGE_BATCH, MGE_STEPS, MGE_SEEDS = 32, 800, plan.SEEDS[:1]
# Where variances are measured: single-scale networks early and late.
VARIANCE_STEPS, VARIANCE_BATCH, VARIANCE_REPEATS = (375, plan.WIDE_STEPS), 8, 60
# Seconds of a step: runs of these numbers of steps, the difference timed, all kinds in turn.
TIMED_STEPS, TIMED_ROUNDS = (2, 12), 3


def arguments(*more):
    return ["--model", "pde-nano/2"] + plan.rate_arguments("pde", RATE) + plan.WIDE + list(more)


def full():
    """The runs of results.py."""
    return [run for run in plan.mixers({mixer: RATE for mixer in plan.MIXERS})
            if run.variant == "pde"]


def coarse_to_fine():
    steps = COARSE_STEPS + FINE_STEPS
    own = arguments("--multiscale", "coarse-to-fine", "--levels", str(LEVELS), "--coarse-steps",
                    str(COARSE_STEPS))
    return [plan.Run("images", "coarse-to-fine", seed, own, steps, [800, steps])
            for seed in plan.SEEDS]


# With a cosine, where each length is a separate run: 0.6 of the time of results.py's longest.
ANNEALED_COARSE, ANNEALED_FINE = 300, 300
TRIALS = ((200, 350), (400, 250))  # seed 0 only, for the same cost


def annealed_full():
    return [run for run in plan.annealed({mixer: RATE for mixer in plan.MIXERS})
            if run.variant.startswith("pde")]


def ending_with_a_cosine(variant, seed, coarse, fine):
    own = arguments("--multiscale", "coarse-to-fine", "--levels", str(LEVELS), "--coarse-steps", str(coarse))
    return plan.Run("images", variant, seed, own, coarse + fine, [coarse + fine], schedule="cosine")


def annealed():
    return [ending_with_a_cosine("coarse-to-fine-annealed", seed, ANNEALED_COARSE, ANNEALED_FINE)
            for seed in plan.SEEDS]


def trials():
    return [ending_with_a_cosine("coarse-to-fine-%d" % coarse, 0, coarse, fine)
            for coarse, fine in TRIALS]


def mge():
    own = arguments("--multiscale", "mge", "--levels", str(LEVELS))
    return [plan.Run("images", "mge", seed, own, MGE_STEPS, [MGE_STEPS], batch=MGE_BATCH)
            for seed in MGE_SEEDS]


def timed(steps):
    """{kind: words}: runs whose first steps are all of one kind."""
    words = {"full": full()[0].command(steps), "coarse": coarse_to_fine()[0].command(steps + 1),
             "mge": mge()[0].command(steps)}
    words["coarse"][words["coarse"].index("--coarse-steps") + 1] = str(steps)
    return words
