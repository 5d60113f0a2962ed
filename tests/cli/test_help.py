# SPDX-License-Identifier: MIT
# test_help.py: every command's --help and --help all fit a terminal of 80 columns, show what there
# is and what it is unless given; the table of settings in the guide is what the program says.
import json
import pathlib
import re
import subprocess
import sys

from cli import PROGRAM, check, expect, finish, run

COMMANDS = re.findall(r"^  (\w+) ", run("--help").stdout, re.M)
SCRIPT = pathlib.Path(__file__).parents[2] / "tools" / "build" / "settings_table.py"
LEFT = 28


def rows_of(text):
    """Name of an option and all that is said of it, from the two columns of a help."""
    rows, name = {}, None
    for line in text.split("\nExample:")[0].splitlines():
        found = re.match(r"  (?:-\w,|   ) --([a-z0-9-]+)", line)
        if found:
            name = found[1]
            rows[name] = line[LEFT:].strip() if len(line) > LEFT else ""
        elif name and line.startswith(" " * LEFT):
            rows[name] = (rows[name] + " " + line.strip()).strip()
        elif not line.startswith("  "):
            name = None
    return rows


def test_layout():
    for line in run("--help").stdout.splitlines():
        check(len(line) <= 80, f"--help: {len(line)} columns: {line}")
    for name in COMMANDS:
        for how in ([], ["all"]):
            result = run(name, "--help", *how)
            what = f"{name} --help {' '.join(how)}"
            check(result.returncode == 0 and result.stderr == "", what)
            for line in result.stdout.splitlines():
                check(len(line) <= 80, f"{what}: {len(line)} columns: {line}")
            for line in result.stdout.split("\nExample:")[0].splitlines():
                found = re.match(r"  (?:-\w,|   ) --\S+", line)
                if found and len(line) > LEFT:
                    check(len(found[0]) <= LEFT - 2 and line[LEFT - 1] == " " != line[LEFT],
                          f"{what}: the left column: {line}")


def squeeze(text):
    return text.replace(" ", "")


def test_contents():
    for name in COMMANDS:
        options = json.loads(run(name, "--help", "json").stdout)["options"]
        some, everything = (rows_of(run(name, "--help", *how).stdout) for how in ([], ["all"]))
        check(set(everything) == {o["name"] for o in options}, f"{name} --help all has all options")
        check(set(some) == {o["name"] for o in options if not o["rare"]},
              f"{name} --help has all but the rare options")
        for o in options:
            said = everything[o["name"]]
            check(squeeze(o["help"]) in squeeze(said), f"{name} --{o['name']}: {said}")
            if "default" in o:
                check(f"default:{squeeze(o['default'])}" in squeeze(said),
                      f"{name} --{o['name']}: the default {o['default']} in: {said}")
            check(o.get("choices", "") in said, f"{name} --{o['name']}: the choices in: {said}")
        rare = sum(o["rare"] for o in options)
        last = run(name, "--help").stdout.splitlines()[-1]
        check((f"{rare} more option" in last) == (rare > 0), f"{name} --help says what it left out")


def test_train_begins_with_what_everybody_uses():
    text = run("train", "--help").stdout
    first = text[:text.index("\nData:")]
    for option in ["data", "model", "out", "steps", "batch", "lr", "resume", "config", "device",
                   "seed"]:
        check(f"--{option}" in first, f"train --help begins with --{option}")
    check("pde-lr-scale" not in text, "rare options are left out")


def test_defaults():
    """A few that are known; a command line before --help does not change what is said."""
    train = rows_of(run("train", "--batch", "7", "--help").stdout)
    check("(default: 64)" in train["batch"], train["batch"])
    check("(default: 0; classify: 0.05)" in train["weight-decay"], train["weight-decay"])
    check("(constant, cosine; default: cosine)" in train["schedule"], train["schedule"])
    check("default" not in train["limit"], train["limit"])
    expect(run("train", "--help=everything"), 0)
    expect(run("sample", "-h"), 0)


def test_guide():
    result = subprocess.run([sys.executable, SCRIPT, PROGRAM, "--check"], capture_output=True,
                            text=True)
    check(result.returncode == 0, result.stdout + result.stderr)


test_layout()
test_contents()
test_train_begins_with_what_everybody_uses()
test_defaults()
test_guide()
finish()
