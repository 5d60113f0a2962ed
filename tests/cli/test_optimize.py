# SPDX-License-Identifier: MIT
# test_optimize.py: rows, counting and seeds of `optimize`, and what it says to wrong input.
import json
import math
import signal
import time

from cli import check, expect, finish, run, start

KEYS = ["problem", "dimension", "method", "starts", "successes_1e-2", "successes_1e-4",
        "median_best", "function_evaluations", "gradient_evaluations"]
SMALL = ["--starts", 3, "--budget", 1500, "--quiet", "--threads", 1]


def rows(*arguments):
    answer = run("optimize", *arguments, *SMALL, "--format", "json")
    check(answer.returncode == 0 and answer.stderr == "", f"{arguments}: {answer.stderr}")
    result = json.loads(answer.stdout)
    check(result["schema_version"] == 1, "schema_version")
    return result["rows"]


def without_times(table):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table]


def test_rows():
    table = rows("--problem", "ackley,levy", "--dim", "2,5", "--methods", "pgho,cmaes,lbfgs")
    check(len(table) == 12, f"{len(table)} rows")
    for row in table:
        check(all(key in row for key in KEYS), f"keys: {list(row)}")
        spent = row["function_evaluations"] + row["gradient_evaluations"]
        check(0 < spent <= 1500, f"budget: {spent}")
        best = sorted(row["best"])
        check(len(best) == 3 and best[1] == row["median_best"], f"median of {best}")
        check(sum(b < 1e-2 for b in best) == row["successes_1e-2"], "successes")
        curve = [math.inf if m is None else m for m in row["curve"]["median_best"]]
        check(curve == sorted(curve, reverse=True), "curves fall")
        check(curve[-1] == row["median_best"], "a curve ends at the end")
        share = [s for s in row["effective"]["share"] if s is not None]
        check(row["effective"]["evaluations"][-1] == 1500, "effective samples over the budget")
        check(all(0.1 - 1e-6 <= s <= 0.5 + 1e-6 for s in share), f"effective samples: {share}")
        check((len(share) > 20) == (row["method"] == "pgho"), f"effective samples: {share}")
    found = [row for row in table if row["method"] == "pgho" and row["dimension"] == 2]
    check(all(row["successes_1e-2"] == 3 for row in found), f"pgho in 2 dimensions: {found}")


def test_seeds():
    arguments = ["--problem", "rastrigin", "--dim", "3", "--methods", "pgho,sa"]
    first, again, other = (without_times(rows(*arguments, "--seed", seed)) for seed in (5, 5, 6))
    check(first == again, "a seed repeats itself")
    check(first != other, "another seed is another run")


def test_recovery():
    table = rows("--problem", "sparse-log", "--dim", "20", "--measurements", 15, "--nonzeros", 2,
                 "--methods", "gh")
    check(table[0]["support_f1"] > 0.5, f"sparse recovery: {table[0]}")
    table = rows("--problem", "cdr", "--grid", 16, "--shift", 0.02, "--methods", "lbfgs")
    check(table[0]["dimension"] == 6 and table[0]["recovered"] == 3, f"a small shift: {table[0]}")


def test_restarts():
    arguments = ["--problem", "sparse-log", "--dim", "20", "--methods", "pgho"]
    alone, more = rows(*arguments, "--restarts", 0)[0], rows(*arguments)[0]
    check(more["function_evaluations"] > alone["function_evaluations"], "what is left is spent")
    check(all(a >= b for a, b in zip(alone["best"], more["best"])), "restarts lose nothing")


def test_text():
    answer = run("optimize", "--problem", "levy", "--methods", "gd", *SMALL)
    check(answer.returncode == 0 and "levy" in answer.stdout and "gd" in answer.stdout, "a table")


def test_wrong_input():
    for arguments, words in [
            (["--problem", "everest"], ["no problem 'everest'", "schwefel"]),
            (["--methods", "magic"], ["no method 'magic'", "cmaes"]),
            (["--dim", "0"], ["--dim '0'", "at least 1"]),
            (["--dim", "x"], ["--dim 'x'"]),
            (["--starts", "0"], ["--starts"]),
            (["--budget", "1"], ["--budget"]),
            (["--lambda", "magic"], ["--lambda"]),
            (["--ess-least", "0.9"], ["effective samples"]),
            (["--restarts", "-1"], ["--restarts"]),
            (["--polish", "1"], ["--polish"]),
            (["--methods", "pgho", "--samples", "30000"], ["does not pay"]),
            (["--problem", "sparse-log", "--nonzeros", "99"], ["nonzeros"])]:
        expect(run("optimize", "--quiet", *arguments), 2, *words)


def test_interrupt():
    process = start("optimize", "--starts", "1000", "--methods", "pgho", "--quiet")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    check(process.returncode == 130 and out == "", f"Ctrl-C: {process.returncode} {err}")


for test in (test_rows, test_seeds, test_recovery, test_restarts, test_text, test_wrong_input, test_interrupt):
    test()
finish()
