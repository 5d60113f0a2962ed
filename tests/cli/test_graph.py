# SPDX-License-Identifier: MIT
# test_graph.py: rows and seeds of `graph`, Ctrl-C, and what it says to wrong input.
import json
import signal
import struct
import tempfile
import time
import zipfile

from cli import check, expect, finish, run, start

KEYS = ["dataset", "network", "method", "levels", "seed", "test_accuracy", "validation_accuracy",
        "seconds", "node_work", "edge_work"]
SMALL = ["--device", "cpu", "--threads", 1]


def rows(*arguments, data="clubs", epochs=10):
    answer = run("graph", *arguments, "--data", data, "--epochs", epochs, *SMALL, "--format", "json",
                 "--quiet")
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
    for network in ["gcn", "gin", "gat"]:
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
    answer = run("graph", "--data", "clubs", "--epochs", 10, *SMALL, "--runs", 2)
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


def csr(rows, width):
    """A dense matrix as compressed rows: data, indices, indptr, shape."""
    data, indices, indptr = [], [], [0]
    for row in rows:
        for column, value in enumerate(row):
            if value:
                data.append(value)
                indices.append(column)
        indptr.append(len(data))
    return {"data": npy("<f4", "f", data), "indices": npy("<i4", "i", indices),
            "indptr": npy("<i8", "q", indptr), "shape": npy("<i8", "q", [len(rows), width])}


def npy(descr, letter, values):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }" % (descr, len(values))
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return (b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head.encode()
            + struct.pack("<%d%s" % (len(values), letter), *values))


def write_npz(path, **changes):
    """Twelve nodes in a ring, a chord, an edge given twice; the second half is of class 1."""
    n = 12
    ring = [[int(j in ((i + 1) % n, (i + 2 * (i == 3)) % n) and i != j) for j in range(n)]
            for i in range(n)]
    ring[1][0] = 1
    members = {"labels": npy("<i4", "i", [i // 6 for i in range(n)])}
    for name, part in (("train", 0), ("val", 1), ("test", 2)):
        members[name + "_mask"] = npy("|b1", "?", [i // 2 % 3 == part for i in range(n)])
    for prefix, matrix in (("adj_", csr(ring, n)), ("attr_", csr([[i // 6, 1] for i in range(n)], 2))):
        members.update({prefix + name: data for name, data in matrix.items()})
    members.update(changes)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name + ".npy", data)


def test_files():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/ring.npz"
        write_npz(path)
        answer = run("graph", "--data", path, "--epochs", 60, "--lr", 0.05, "--width", 8, "--layers", 2,
                     "--device", "cpu", "--format", "json")
        check(answer.returncode == 0, answer.stderr)
        check("12 nodes, 13 edges, 2 features, 2 classes; 4 training, 4 validation, 4 test"
              in answer.stderr, answer.stderr)
        row, = json.loads(answer.stdout)["rows"]
        check(row["validation_accuracy"] == 1, f"a feature is the class: {row}")
        write_npz(path, train_mask=None, val_mask=None, test_mask=None)
        check(rows("--seed", 3, data=path)[0]["epochs"] == 10, "parts that are drawn")
        for changes, words in [
                ({"labels": None}, ["no array 'labels'"]),
                ({"labels": npy("<i4", "i", [0] * 11)}, ["11 labels for 12 nodes"]),
                ({"val_mask": None}, ["train_mask, val_mask, test_mask"]),
                ({"val_mask": npy("|b1", "?", [1] * 12)}, ["two masks name node 0"]),
                ({"adj_indices": npy("<i4", "i", [12] * 14)}, ["adj_indices is 12, expected 0 to 11"]),
                ({"adj_indptr": npy("<i8", "q", [0] * 12 + [99])}, ["adj_indptr"]),
                ({"attr_shape": npy("<i8", "q", [12, 2**40])}, ["GB allowed", "fewer features"])]:
            write_npz(path, **changes)
            expect(run("graph", "--data", path, "--device", "cpu", "--quiet"), 4, path, *words)
        with open(folder + "/edges.csv", "w", encoding="ascii") as file:
            file.write("0,1\n")
        expect(run("graph", "--data", folder, "--device", "cpu", "--quiet"), 4, "features.csv")
        expect(run("graph", "--data", folder + "/edges.csv", "--device", "cpu", "--quiet"), 4, ".npz")


def test_batches():
    for data, batch in (("qtips:11", 2), ("clubs", 3)):
        for method in ("single", "mge"):
            arguments = ["--method", method, "--batch", batch, "--layers", 2, "--width", 8]
            row, = rows(*arguments, data=data, epochs=1)
            check(row["dataset"] == data and 0 < row["node_work"], f"{row}")
            check(without_times(rows(*arguments, data=data, epochs=1)) == without_times([row]), "a seed decides")
    expect(run("graph", "--data", "clubs", "--batch", 13, "--device", "cpu", "--quiet"), 2,
           "12 training nodes")
    expect(run("graph", "--data", "qtips:5", "--device", "cpu", "--quiet"), 2, "11 to 1100")


def test_wrong_input():
    for arguments, code, words in [
            (["--data", "nowhere"], 4, ["nowhere", "clubs"]),
            (["--network", "mlp"], 2, ["gcn", "gin", "gat"]),
            (["--method", "fast"], 2, ["mge"]),
            (["--pooling", "max"], 2, ["rns"]),
            (["--method", "single", "--levels", 2], 2, ["one level"]),
            (["--levels", 0], 2, ["levels"]),
            (["--lr", -1], 2, ["lr"])]:
        expect(run("graph", *arguments, "--device", "cpu", "--quiet"), code, *words)


for test in (test_rows, test_seeds, test_text, test_files, test_batches, test_interrupt,
             test_wrong_input):
    test()
finish()
