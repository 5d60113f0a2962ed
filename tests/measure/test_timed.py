# SPDX-License-Identifier: MIT
# test_timed.py: what the measuring scripts rely on: test_timed.py TIMED. Every kind of work answers each
# line with positive seconds, saves a model when asked, and tells its memory and operators at the end.
import pathlib
import subprocess
import sys
import tempfile

from checking import check, finish
import measuring

TIMED = sys.argv[1]
SMALL = ["--size", "16x16", "--batch", "2", "--steps", "1"]
# Work: an operator that it must have run.
WORKS = {"filter": "spectral_filter", "filter-gradient": "spectral_filter", "copy": "spectral_filter",
         "gemm": "linear", "mixer-fresh": "cdr_symbol",
         "mixer": "spectral_filter", "forward": "linear", "step": "adamw", "sample": "combine"}
with tempfile.TemporaryDirectory() as folder:
    for work, operator in WORKS.items():
        model = pathlib.Path(folder) / (work + ".safetensors")
        worker = measuring.Worker([TIMED, work, "--model", "pde-nano/4", "--profile", "1", "--save",
                                   model, "--between", "1"] + SMALL)
        seconds = worker.run(0) + worker.run(0.01)
        check(len(seconds) >= 2 and all(0 < s < 60 for s in seconds), "%s: %s" % (work, seconds))
        end = worker.end()
        check(end["peak_bytes"] > 1e6, "%s: %s" % (work, end))
        names = {row["name"] for row in end["operators"]}
        check(operator in names, "%s ran %s, expected %s among them" % (work, names, operator))
        check(model.exists() == (work in ("mixer", "mixer-fresh", "forward", "step", "sample")),
              "%s: --save" % work)
    many = measuring.Worker([TIMED, "mixer", "--model", "attn-nano/4"] + SMALL)
    slices = measuring.alternate({"a": many}, 3, 0)
    many.end()
    check(len(slices["a"]) == 3, "a slice for each round: %s" % slices)

for words in [[], ["nothing"], ["step", "--size", "0x0"], ["step", "--batch"], ["step", "--x", "1"]]:
    code = subprocess.run([TIMED] + words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(code.returncode == 2 and "usage" in code.stderr, "usage: %s" % words)
wrong = subprocess.run([TIMED, "step", "--model", "pde-huge/3"], capture_output=True, text=True,
                       stdin=subprocess.DEVNULL)
check(wrong.returncode != 0 and "pde-huge" in wrong.stderr, "an unknown model is named")
finish()
