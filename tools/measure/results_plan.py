# SPDX-License-Identifier: MIT
# results_plan.py: the experiments behind docs/results/training.md: which runs there are, what each is given, and
# when it is looked at. No run knows of another's result but for the learning rate of its mixer.
import dataclasses
import math

SEEDS = (0, 1, 2)
FEWER = SEEDS[:2]  # where many variants are compared
MIXERS = ("pde", "attn", "filter", "conv")
RATES = ("4e-3", "8e-3", "1.6e-2", "3.2e-2")
# The PDE coefficients keep this rate whatever the others learn at: a trial showed 30 times the base rate
# to be best at 1e-3, 8 times at 4e-3, and 30 times too fast there.
COEFFICIENT_RATE = 0.03

THREADS, BATCH, WIDE_STEPS = 2, 64, 1500
SAVED = 250  # steps between checkpoints, at most

# 28 x 28 images with patches of 2: 196 tokens. A constant rate, so that the averaged weights of every
# step are a fair result of training for so long; a cosine would be fair at its end only.
WIDE = ["--width", "64", "--depth", "4", "--heads", "2"]
KEPT = ["--keep", "0", "--sample-every", "0"]

# Heun, 8 steps, no guidance: 16 evaluations.
SAMPLES, SOLVER = 2000, ["--solver", "heun", "--steps", "8", "--guidance", "1"]


@dataclasses.dataclass
class Run:
    """One training run: DIR/PLACE/variant-seedN, looked at after each step in `at`."""
    place: str
    variant: str
    seed: int
    arguments: list
    steps: int
    at: list
    solvers: list = dataclasses.field(default_factory=lambda: [SOLVER])
    schedule: str = "constant"
    batch: int = BATCH
    count: int = SAMPLES  # drawn and judged
    evaluating: tuple = ()
    data: list = dataclasses.field(default_factory=lambda: ["--data", "fashion-mnist"])

    @property
    def name(self):
        return "%s/%s-seed%d" % (self.place, self.variant, self.seed)

    def command(self, steps=None):
        return (self.data + self.arguments + KEPT +
                ["--schedule", self.schedule, "--batch", str(self.batch), "--steps", str(steps or self.steps),
                 "--save-every", str(math.gcd(SAVED, self.steps, *self.at)),
                 "--seed", str(self.seed)])


def classifiers():
    """Eight epochs of 60,000 images at the size of the models of the section on mixers."""
    common = (["--task", "classify", "--data", "fashion-mnist"] + WIDE +
              ["--batch", str(BATCH), "--steps", "7500", "--lr", "2e-3", "--pde-lr-scale", "15",
               "--flip", "--shift", "1", "--evaluate-every", "938", "--save-every", "469", "--keep", "2"])
    return {"pde": common + ["--model", "pde-nano/2", "--local", "conv3x3"],
            "pde-plain": common + ["--model", "pde-nano/2"],
            "attn": common + ["--model", "attn-nano/2"]}


def rate_arguments(mixer, rate):
    scale = ["--pde-lr-scale", "%g" % (COEFFICIENT_RATE / float(rate))] if mixer == "pde" else []
    return ["--lr", rate] + scale


def rates():
    """A short run for each mixer and rate; the lowest training loss over its last third decides. All see
    the same images, noise and times, so differences of a percent mean something."""
    return [Run("rates", "%s-%s" % (mixer, rate), 0,
                ["--model", mixer + "-nano/2"] + rate_arguments(mixer, rate) + WIDE, 300, [300])
            for mixer in MIXERS for rate in RATES]


def mixers(best):
    """best: {mixer: rate}."""
    return [Run("mixers", mixer, seed,
                ["--model", mixer + "-nano/2"] + rate_arguments(mixer, best[mixer]) + WIDE,
                WIDE_STEPS, [750, 1125, 1500]) for seed in SEEDS for mixer in MIXERS]


# What each reaches in a time that is given beforehand: a rate that falls to zero by a cosine, so that
# every length is a separate run. Two attention steps take the time of three of the PDE.
ANNEALED = {"attn": (1000,), "pde": (500, 750)}


def annealed(best):
    return [Run("annealed", "%s-%d" % (mixer, steps), seed,
                ["--model", mixer + "-nano/2"] + rate_arguments(mixer, best[mixer]) + WIDE, steps,
                [steps], schedule="cosine")
            for seed in SEEDS for mixer, lengths in ANNEALED.items() for steps in lengths]


# The same at 56 x 56: 784 tokens. Judged at 28 x 28, as the metrics' classifier wants.
FINER = {"attn": (300,), "pde": (300,)}
FINER_BATCH, FINER_SAMPLES = 32, 500
FINER_SIZE = ["--image-size", "56x56", "--fit", "resize"]
AT_28 = ("--image-size", "28x28", "--fit", "resize")


# Models of `mixers` that draw on this grid without having been trained there.
TRANSFERRED, FINER_GRID = ("pde", "attn", "conv"), ["--size", "56x56"]


def finer(best):
    return [Run("finer", "%s-%d" % (mixer, steps), seed,
                ["--model", mixer + "-nano/2"] + rate_arguments(mixer, best[mixer]) + WIDE + FINER_SIZE,
                steps, [steps], schedule="cosine", batch=FINER_BATCH, count=FINER_SAMPLES,
                evaluating=AT_28)
            for seed in SEEDS[:1] for mixer, lengths in FINER.items() for steps in lengths]


# The small model: 28 x 28 images with patches of 4: 49 tokens. The plain run is trained once for all
# parts, and for half as long again, which is more than the fit of any map costs.
NANO = ["--model", "pde-nano/4"] + rate_arguments("pde", "4e-3")
NANO_STEPS, LONGER = 1000, 1500


def nano(place, variant, seed, arguments=(), **more):
    return Run(place, variant, seed, NANO + list(arguments), NANO_STEPS, [NANO_STEPS], **more)


def plain(seed, **more):
    return Run("nano", "plain", seed, NANO, LONGER, [NANO_STEPS, LONGER], **more)


MAPS = ("whiten", "spectral", "realnvp")
# Whitening in part: with the mean variance added to every direction the widest are made equal and the
# narrow ones keep most of their order. The prior is the velocity of normal data, which a network behind
# a map adds to. Chosen on seed 0 out of epsilon 0.001, 0.1, 1.
PART, PRIOR = ["--precondition-eps", "1"], ["--prior", "gaussian"]
MAPPED = {**{kind: ["--precondition", kind] for kind in MAPS},
          "whiten, prior": ["--precondition", "whiten"] + PRIOR,
          "in part": ["--precondition", "whiten"] + PART,
          "in part, prior": ["--precondition", "whiten"] + PART + PRIOR,
          "no map, prior": PRIOR}
SHOWN_MAPS = ("plain",) + MAPS + ("in part",)
CONTROLS = ("whiten, prior", "no map, prior")  # two seeds


def kind_of(variant):
    """The map that a variant's fit costs; None without one."""
    arguments = MAPPED[variant]
    return arguments[1] if arguments[0] == "--precondition" else None


def precondition():
    return [run for seed in SEEDS for run in
            [plain(seed)] + [nano("precondition", variant, seed, arguments)
                             for variant, arguments in MAPPED.items()
                             if seed in FEWER or variant not in CONTROLS]]


def file_name(variant):
    return variant.replace(",", "").replace(" ", "-")


def alone(kind):
    """What a map does without a network: after one step the velocity is nearly zero, so that samples are
    noise taken back through the map."""
    return Run("precondition", kind + " alone", 0, NANO + ["--precondition", kind], 1, [1])


ABLATIONS = {"S = 4": ["--states", "4"], "S = 1": ["--states", "1"],
             "no convection": ["--no-convection"], "no gate": ["--no-gate"],
             "forced": ["--solution", "forced"]}


def ablation():
    return [run for seed in FEWER for run in
            [plain(seed)] + [nano("ablation", variant, seed, extra)
                             for variant, extra in ABLATIONS.items()]]


def few(count):
    """Solvers that spend `count` evaluations."""
    return ["--solver", "euler" if count < 4 else "heun", "--steps",
            str(count if count < 4 else count // 2), "--guidance", "1"]


EVALUATIONS = (1, 2, 4, 8, 50)
SHOWN_COUPLINGS = ("plain", "reflow")


def coupling():
    solvers = [few(n) for n in EVALUATIONS]
    variants = {"ot": ["--coupling", "ot"], "logit-normal": ["--time", "logit-normal"]}
    return [run for seed in FEWER for run in
            [plain(seed, solvers=solvers)] + [nano("coupling", variant, seed, extra, solvers=solvers)
                                              for variant, extra in variants.items()]]


def reflow(folder):
    """Each student starts from the plain run, whose network it is, and is trained for as long as that
    continues."""
    teacher, steps = "%s/nano/plain-seed%d/step-%08d", LONGER - NANO_STEPS
    return [Run("coupling", "reflow", seed, rate_arguments("pde", "4e-3") + [
        "--reflow", teacher % (folder, seed, NANO_STEPS), "--reflow-pairs", "5000"], steps, [steps],
                solvers=[few(n) for n in EVALUATIONS], data=[]) for seed in FEWER]
