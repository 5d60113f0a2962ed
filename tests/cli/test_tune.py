# SPDX-License-Identifier: MIT
# test_tune.py: `tune` measures, stores, shows and clears; it stops when its time is over or when it
# is interrupted; a damaged store is said and not used. Nothing here is judged by how long it took.
import os
import pathlib
import shutil
import signal
import tempfile
import time

from cli import check, expect, finish, parse, run, start

DEVICE = os.environ.get("PDESSM_TEST_DEVICE", "cpu")


def tune(env, *arguments):
    return run("tune", *arguments, "--format", "json", env=env, device=DEVICE)


def test_measures(env):
    result = tune(env, "--op", "linear", "--max-time", 20)
    expect(result, 0, answers=True)
    value = parse(result, "path", "rows", "not_reached")
    rows = value.get("rows", [])
    check(rows, "there are rows")
    for row in rows:
        what = f"{row['operator']} {row['pass']} {row['shape']} {row['choice']}"
        values = [trial["value"] for trial in row["trials"]]
        check(row["operator"] == "linear", f"{what}: only what was asked for")
        check(row["standard"] == values[0] and row["chosen"] in values, f"{what}: chosen")
        check(len(set(values)) == len(values) >= 2, f"{what}: each value once")
        kept = row["chosen"] != row["standard"]
        check(not kept or row["gain"] > 1 + row["spread"], f"{what}: gain is above the spread")
        for trial in row["trials"]:
            check(trial["state"] == "timed" or "why" in trial, f"{what}: {trial}")
            check(trial["state"] != "wrong", f"{what}: {trial}")
    shown = parse(tune(env, "--show"), "path", "rows")
    check(shown.get("path") == value.get("path"), "one path")
    kept = [row for row in rows if row["chosen"] != row["standard"]]
    check(len(shown.get("rows", [])) == len(kept), "what is kept is shown")
    check(pathlib.Path(value.get("path", "/")).is_file(), "the store is there")


def test_no_time(env):
    result = tune(env, "--max-time", 0)
    expect(result, 0, "not reached", answers=True)
    value = parse(result, "rows", "not_reached")
    check(value.get("rows") == [] and value.get("not_reached", 0) > 0, "nothing is measured")


def test_damage(env):
    path = pathlib.Path(parse(tune(env, "--show")).get("path"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("nonsense\n")
    expect(tune(env, "--show"), 0, str(path), "damaged", answers=True)
    off = tune({**env, "PDESSM_TUNING": "off"}, "--show")
    check("damaged" not in off.stderr, "PDESSM_TUNING=off does not look")
    value = parse(tune(env, "--clear"), "path", "removed")
    check(value.get("removed") is True and not path.exists(), "--clear removes")
    value = parse(tune(env, "--clear"), "removed")
    check(value.get("removed") is False, "--clear twice")


def test_interrupt(env):
    process = start("tune", "--device", DEVICE, "--max-time", 600, env=env)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    # A quick machine may be done before the signal comes.
    check(process.returncode in (0, 130), f"interrupted: exit {process.returncode}: {err}")
    check(process.returncode == 0 or "interrupted" in err, "interrupted is said")
    check(not any(path.name.count(".") > 1 for path in pathlib.Path(env["PDESSM_CACHE_DIR"]).rglob("*")
                  if path.parent.name == "tuning"), "no half of a file is left")


def test_usage(env):
    expect(run("tune", "--op", "fly", env=env), 2, "no operator 'fly'")
    expect(run("tune", "--show", "--clear", env=env), 2, "--show and --clear")
    expect(run("tune", "--max-time", "-1", env=env), 2, "max-time")


folder = tempfile.mkdtemp()
try:
    environment = {"PDESSM_CACHE_DIR": folder, "PDESSM_TUNING": ""}
    for test in [test_measures, test_no_time, test_damage, test_interrupt, test_usage]:
        test(environment)
finally:
    shutil.rmtree(folder)
finish()
