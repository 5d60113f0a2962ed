# SPDX-License-Identifier: MIT
# test_graph.py: rows and seeds of `graph`, Ctrl-C, and what it says to wrong input.
import json
import signal
import time

from cli import check, expect, finish, run, start

KEYS = ["dataset", "network", "method", "levels", "seed", "test_accuracy", "validation_accuracy",
        "seconds", "node_work", "edge_work"]
SMALL = ["--data", "clubs", "--epochs", 10, "--device", "cpu", "--threads", 1]


def rows(*arguments):
    answer = run("graph", *arguments, *SMALL, "--format", "json", "--quiet")
    check(answer.returncode == 0 and answer.stderr == "", f"{arguments}: {answer.stderr}")
    result = json.loads(answer.stdout)
    check(result["schema_version"] == 1, "schema_version")
    return result["rows"]


def without_times(table):
    plain = [{k: v for k, v in row.items() if k not in ("seconds", "cpu_seconds")} for row in table]
    for row in plain:
        row["curve"] = [look[:2] + look[4:] for look in row["curve"]]
    return plain


def test_rows():
    for network in ["gcn", "gin"]:
        for method, epochs in [("single", 10), ("coarse-to-fine", 70), ("sub-to-full", 70),
                               ("mge", 10)]:
            row, = rows("--network", network, "--method", method, "--pooling", "rns")
            check(all(key in row for key in KEYS), f"keys: {list(row)}")
            check((row["network"], row["method"]) == (network, method), f"{row}")
            check(row["dataset"] == "clubs" and row["seed"] == 0, f"{row}")
            check(row["levels"] == (1 if method == "single" else 3), f"{row}")
            check(row["epochs"] == epochs and 1 <= row["best_epoch"] <= epochs, f"{row}")
            check(0 <= row["test_accuracy"] <= 1 and row["validation_accuracy"] > 0, f"{row}")
            check(row["node_work"] >= 10 and row["edge_work"] >= 10, f"{row}")


def test_seeds():
    table = rows("--runs", 3, "--seed", 5, "--method", "mge")
    check([row["seed"] for row in table] == [5, 6, 7], f"{table}")
    again = rows("--seed", 6, "--method", "mge")
    check(without_times(again) == without_times(table[1:2]), "a run depends on its seed alone")
    check(table[0]["edge_work"] != table[1]["edge_work"], "other seeds select other nodes")


def test_text():
    answer = run("graph", *SMALL, "--runs", 2)
    check(answer.returncode == 0, answer.stderr)
    check("34 nodes" in answer.stderr, answer.stderr)
    lines = answer.stdout.splitlines()
    check(len(lines) == 4 and lines[0].startswith("data"), answer.stdout)
    check(lines[3].startswith("test accuracy") and "over 2 seeds" in lines[3], answer.stdout)


def test_interrupt():
    process = start("graph", "--data", "clubs", "--epochs", 1000000, "--device", "cpu")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    check(process.returncode == 130 and out == "", f"Ctrl-C: {process.returncode} {err}")


def test_wrong_input():
    for arguments, code, words in [
            (["--data", "nowhere"], 4, ["nowhere", "clubs"]),
            (["--network", "mlp"], 2, ["gcn", "gin"]),
            (["--method", "fast"], 2, ["mge"]),
            (["--pooling", "max"], 2, ["rns"]),
            (["--method", "single", "--levels", 2], 2, ["one level"]),
            (["--levels", 0], 2, ["levels"]),
            (["--lr", -1], 2, ["lr"])]:
        expect(run("graph", *arguments, "--device", "cpu", "--quiet"), code, *words)


for test in (test_rows, test_seeds, test_text, test_interrupt, test_wrong_input):
    test()
finish()
