# SPDX-License-Identifier: MIT
# test_bench.py: what `bench` prints and when it fails. Nothing here depends on how long anything
# takes; times are only asked to be there and in order.
import csv
import html.parser
import io
import json
import os
import re
import signal

from cli import check, expect, finish, folder, parse, run, start

ROW_KEYS = ["case", "pass", "device", "shape", "status", "reason", "first_seconds", "seconds",
            "seconds_all", "gflops", "gbytes_per_s", "memcpy_ratio", "peak_bytes", "error"]
QUICK = ["--grid", "8", "--batch", "1", "--channels", "32", "-r", "2", "-w", "1", "-q"]


def bench(*arguments, **how):
    return run("bench", *QUICK, *arguments, **how)


def rows_of(result, code=0):
    if not expect(result, code, answers=True):
        return []
    return parse(result, "device", "copy_gbytes_per_s", "gemm_gflops", "rows").get("rows", [])


def one(rows, **wanted):
    """The only row with these values."""
    found = [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]
    check(len(found) == 1, f"{len(found)} rows with {wanted}")
    return found[0] if found else {}


def check_row(row):
    name = f"{row.get('case')} {row.get('pass')}"
    for key in ROW_KEYS:
        check(key in row, f"{name}: no key {key}")
    if row["status"] != "ok":
        check(row["reason"], f"{name}: {row['status']} without a reason")
        check(row["seconds"] is None and row["seconds_all"] == [], f"{name}: times of nothing")
        return
    spread, times = row["seconds_spread"], row["seconds_all"]
    check(row["reason"] is None, f"{name}: reason of an ok row")
    check(len(times) == 2 and min(times) > 0, f"{name}: {times}")
    check(row["first_seconds"] > 0 and row["runs_per_repetition"] >= 1, f"{name}: first run")
    check(spread["min"] == min(times) and spread["max"] == max(times), f"{name}: {spread}")
    check(spread["min"] <= spread["low"] <= row["seconds"] <= spread["high"] <= spread["max"],
          f"{name}: {spread}")
    check(abs(row["seconds"] - sum(times) / 2) <= 1e-9 * sum(times), f"{name}: median of two")
    if row["flops"]:
        check(abs(row["gflops"] * row["seconds"] * 1e9 / row["flops"] - 1) < 1e-6, f"{name}: rate")


def test_every_operator():
    operators = {o["name"]: o for o in parse(run("op", "--list", "--format", "json")).get(
        "operators", [])}
    check(len(operators) >= 20, f"op --list: {list(operators)}")
    result = bench("--suite", "ops", "--validate", "--format", "json")
    rows, answer = rows_of(result), parse(result, "devices")
    for row in rows:
        check_row(row)
        check(row["status"] == "ok", f"{row['case']} {row['pass']}: {row['reason']}")
        shape = {key: row["shape"][key] for key in "BHWC"}
        check(shape == {"B": 1, "H": 8, "W": 8, "C": 32}, f"{row['case']}: {row['shape']}")
        check(row["memcpy_ratio"] > 0 and row["peak_bytes"] > 0, f"{row['case']}: {row}")
        check(0 <= row["error"] <= row["tolerance"] < 1e-2, f"{row['case']}: error {row['error']}")
    for name, operator in operators.items():
        passes = sorted({r["pass"] for r in rows if r["case"] == name})
        wanted = ["backward", "forward"] if operator["gradient"] else ["forward"]
        check(passes == wanted, f"{name}: {passes}, expected {wanted}")
    check({r["case"] for r in rows} == set(operators), "a case for each operator and no other")
    check({r["shape"]["N"] for r in rows if r["case"] == "linear"} == {32, 128}, "C and 4C")
    device = answer["devices"][0]
    check(device["copy_gbytes_per_s"] > 0 and device["gemm_gflops"] > 0, "rates of the device")
    check("copy_drift" in device and "gemm_drift" in device, "how steady the machine was")
    u = 8 * 8 * 32 * 4
    filtered = one(rows, **{"case": "spectral_filter", "pass": "forward"})
    check(filtered["copied_bytes"] == u, "the copy is one of the input")
    check(2 * u <= filtered["peak_bytes"] <= 4 * u, f"u, y, symbol: {filtered['peak_bytes']}")


def test_default_batch():
    rows = rows_of(run("bench", "--op", "ema", "-r", "1", "--format", "json", "-q"))
    check(rows and rows[0]["shape"] == {"B": 64, "H": 16, "W": 16, "C": 384}, "25 MB by default")


def test_ranges():
    common = ["--op", "spectral_filter", "--channels", "16", "-r", "1", "--format", "json", "-q"]
    rows = rows_of(run("bench", *common, "--grid", "2-8*2,3x5,6-9+3", "--batch", "1,2"))
    grids = [(r["shape"]["B"], r["shape"]["H"], r["shape"]["W"]) for r in rows
             if r["pass"] == "forward"]
    expected = [(b, h, w) for h, w in [(2, 2), (4, 4), (8, 8), (3, 5), (6, 6), (9, 9)]
                for b in (1, 2)]
    check(grids == expected, f"grids: {grids}")
    for grid, words in [("16-64", "step"), ("0", "from 1"), ("x", "no size"), ("8,", "no size"),
                        ("9-8+1", "does not end"), ("2-8*1", "does not end"), ("4x", "no size"),
                        ("1-4096+1", "more than 256"), ("99999", "from 1 to 4096"),
                        ("-4", "a range needs")]:
        expect(run("bench", "--op", "gelu", f"--grid={grid}"), 2, words)
    for arguments, words in [(["--batch", "4x6"], "expected numbers"), (["--op", "fly"], "'fly'"),
                             (["--op", "gelu,gelu"], "there already"),
                             (["--model", "pde-huge/2"], "pde-huge/2"),
                             (["--suite", "none"], "ops step sample all"),
                             (["--fail-above", "5"], "--compare"), (["--solver", "x"], "heun"),
                             (["--format", "xml"], "jsonl"), (["-r", "0"], "from 1 to")]:
        expect(run("bench", *arguments), 2, words)
    expect(run("bench", "--device", "cpu,cpu"), 2, "cpu")
    expect(run("bench", "--device", "cpu,no-such-thing"), 3, "no-such-thing")


def test_formats():
    arguments = ["--op", "gelu,add"]
    table = list(csv.DictReader(io.StringIO(bench(*arguments, "--format", "csv").stdout)))
    check([(r["case"], r["pass"]) for r in table] == [
        ("gelu", "forward"), ("gelu", "backward"), ("add", "forward"), ("add", "backward")],
        f"csv: {table}")
    check(all(float(r["seconds"]) > 0 and r["C"] == "32" and r["error"] == "" for r in table), "csv")
    lines = bench(*arguments, "--format", "jsonl").stdout.splitlines()
    check(len(lines) == 4, f"jsonl: {len(lines)} lines")
    for line in lines:
        row = json.loads(line)
        check_row(row)
        check(row["schema_version"] == 1 and row["gemm_gflops"] > 0, "jsonl: a line is complete")
    text = bench(*arguments, "--format", "md").stdout
    rows = [line for line in text.splitlines() if line.startswith("|")]
    check(len(rows) == 6 and len({line.count("|") for line in rows}) == 1, f"md: {text}")
    check(set(rows[1]) <= set("|-:"), f"md: {rows[1]}")
    text = bench(*arguments).stdout
    check("GFLOP/s" in text and text.count("gelu") == 2, f"text: {text}")
    loud = run("bench", "--op", "gelu", "--batch", "1", "-r", "1", "--format", "json")
    check("bench [" in loud.stderr and parse(loud), "progress goes to stderr")


def test_networks():
    result = bench("--suite", "step", "--model", "pde-nano/4,attn-nano/4", "--image-size", "16,18",
                   "--detail", "--format", "json", "--validate")
    rows = rows_of(result)
    check([r["status"] for r in rows] == ["ok", "unsupported"] * 2, f"{rows}")
    for row in rows:
        check_row(row)
        check(row["pass"] == "step" and row["suite"] == "step", row["case"])
    check("multiple of the patch" in rows[1]["reason"], "18 pixels and patches of 4")
    row = one(rows, case="step pde-nano/4", status="ok")
    check(row["shape"] == {"B": 1, "H": 16, "W": 16, "C": 3}, f"{row['shape']}")
    check(row["images_per_s"] > 0 and row["parameters"] > 1e5 and row["error"] < 1e-4, "numbers")
    inside = {(o["operator"], o["pass"]): o for o in row["operators"]}
    check(inside[("spectral_filter", "backward")]["calls"] == 4, "one filter for each of 4 blocks")
    check(("adamw", "forward") in inside and ("attention", "forward") not in inside, "operators")
    total = sum(o["seconds"] for o in row["operators"]) + row["outside_operators_seconds"]
    check(abs(total / row["profiled_seconds"] - 1) < 1e-6, "operators and the rest make the whole")
    check(abs(sum(o["flops"] if "flops" in o else o["gflops"] * o["seconds"] * 1e9
                  for o in row["operators"]) / row["flops"] - 1) < 1e-3, "the sum of operations")
    one(rows, case="step attn-nano/4", status="ok")
    rows = rows_of(bench("--suite", "sample", "--model", "pde-nano/4", "--image-size", "8", "-n",
                         "3", "-s", "1", "--solver", "euler", "--format", "json"))
    row = one(rows, case="sample pde-nano/4", status="ok")
    check_row(row)
    check(row["images"] == 3 and row["shape"]["B"] == 1, "three images, one at a time")
    names = {r["suite"] for r in rows_of(bench("--model", "pde-nano/4", "--image-size", "8", "-n",
                                               "1", "-s", "1", "--format", "json"))}
    check(names == {"step", "sample"}, "--model alone means the networks")


def test_limits():
    row = one(rows_of(run("bench", "--op", "guide", "--batch", "1000000000", "-q",
                          "--format", "json")), status="skipped")
    check("2752512000000000 bytes" in row["reason"], f"{row['reason']}")
    result = bench("--suite", "step", "--model", "pde-nano/4", "--batch", "100000000", "--format",
                   "json")
    one(rows_of(result), status="skipped")
    rows = rows_of(bench("--op", "gelu,add", "--max-time", "1e-9", "--format", "json"))
    check(len(rows) == 4 and all(r["status"] == "skipped" and "--max-time" in r["reason"]
                                 for r in rows), f"{rows}")
    for row in rows:
        check_row(row)


def test_compare():
    arguments = ["--op", "gelu", "--format", "json"]
    with folder() as path:
        old, bad = path / "old.json", path / "bad.json"

        measured = bench(*arguments).stdout

        def compare(factor, *more, **change):
            """Against a doctored earlier result, in which everything took `factor` of the time."""
            document = json.loads(measured)
            for row in document["rows"]:
                row["seconds_all"] = [t * factor for t in row["seconds_all"]]
            document.update(change)
            old.write_text(json.dumps(document))
            return bench(*arguments, "--compare", old, *more)

        result = compare(1e-3, "--fail-above", "10")
        expect(result, 5, "2 of 2 cases", "slower", answers=True)
        for row in parse(result)["rows"]:
            check(row["change"] == "slower" and row["ratio"] > 10, f"{row['change']}")
        result = compare(1e3, "--fail-above", "10")
        for row in rows_of(result):
            check(row["change"] == "faster" and row["ratio"] < 0.1, f"{row['change']}")
        check(all(r["change"] == "slower" for r in rows_of(compare(1e-3))), "no limit, no failure")
        expect(compare(1, schema_version=99), 4, "schema_version is 99")
        expect(compare(1, devices=[{"name": "abacus", "label": "abacus"}]), 4, "abacus")
        expect(compare(1, rows=[]), 0, answers=True)
        expect(compare(1, "--fail-above", "1", rows=[]), 5, "nothing was checked", answers=True)
        expect(compare(1, rows=7), 4, "no rows")
        for text in ["", "{", "[]", "7", '{"rows": []}', "\0\0"]:
            bad.write_text(text)
            expect(bench(*arguments, "--compare", bad), 4, "bad.json")
        expect(bench(*arguments, "--compare", path / "absent.json"), 4, "absent.json")


def test_wrong_result():
    wrong = os.environ.get("PDESSM_WRONG_CL")
    if not check(wrong, "PDESSM_WRONG_CL is not set"):
        return
    result = bench("--op", "gelu", "--validate", "--format", "json", program=wrong)
    rows = rows_of(result, 5)
    expect(result, 5, "1 of 2 rows", "gelu backward", answers=True)
    row = one(rows, status="error")
    check(row["pass"] == "backward" and "wrong result" in row["reason"], f"{row['reason']}")
    check(one(rows, status="ok")["error"] == 1e-7, "the forward pass is fine")


class Page(html.parser.HTMLParser):
    """Open tags, and everything that a browser would fetch."""
    VOID = {"meta", "link", "br", "img", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.count, self.fetched, self.broken = [], {}, [], []

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.fetched += [v for k, v in attributes if k in ("src", "href", "xlink:href", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.broken.append(tag)


def test_page():
    with folder() as path:
        page = path / "a & b.html"
        result = bench("--op", "spectral_filter,gelu", "--model", "pde-nano/4", "--image-size", "8",
                       "-n", "1", "-s", "1", "--detail", "--html", page)
        expect(result, 0, answers=True)
        text = page.read_text()
        parser = Page()
        parser.feed(text)
        check(not parser.broken and not parser.open, f"tags: {parser.broken} {parser.open}")
        check(parser.fetched == [] and "@import" not in text and "url(" not in text,
              f"the page fetches {parser.fetched}")
        check(re.sub(r'xmlns(:\w+)?="[^"]*"', "", text).count("http") == 0, "no address")
        check(parser.count.get("svg") == 4, f"{parser.count.get('svg')} charts")
        check(text.count("<details>") == 2, "operators inside the step and the sample")
        check("a &amp; b.html" in text, "the command line is escaped")
        expect(bench("--op", "gelu", "--html", path / "none" / "x.html"), 1, "none", answers=True)


def test_interrupt():
    process = start("bench", "--op", "gelu,add,silu", "--grid", "8", "--batch", "1", "-r", "100000",
                    "--format", "jsonl", "-q")
    # One repetition takes 5 ms, so 100,000 of them are still under way when the signal comes.
    try:
        process.communicate(timeout=1.5)
        check(False, "it ended by itself")
    except Exception:  # subprocess.TimeoutExpired
        process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    check(process.returncode == 130, f"exit {process.returncode}: {errors}")
    check(out == "" and "interrupted" in errors, f"no row was done: {out} {errors}")
    process = start("bench", "--suite", "ops", "--grid", "8", "--batch", "1", "-r", "40", "--format",
                    "jsonl", "-q")
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    rows = [json.loads(line) for line in [first, *out.splitlines()]]
    check(process.returncode == 130 and 1 <= len(rows) < 20, f"{process.returncode}, {len(rows)}")
    check(all(r["status"] == "ok" for r in rows), "only what was measured is told")


test_every_operator()
test_default_batch()
test_ranges()
test_formats()
test_networks()
test_limits()
test_compare()
test_wrong_result()
test_page()
test_interrupt()
finish()
