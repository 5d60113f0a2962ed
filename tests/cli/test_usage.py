# SPDX-License-Identifier: MIT
# test_usage.py: exit codes, clean stdout, help, JSON, missing OpenCL.
import os
import subprocess

from cli import PROGRAM, check, expect, finish, parse, run

COMMANDS = ["devices", "doctor", "verify", "op", "train", "sample", "eval", "forward", "info",
            "bench", "tune", "cache", "optimize"]
NO_OPENCL = {"OCL_ICD_VENDORS": "/nonexistent"}


def test_help():
    version = run("--version")
    check(version.returncode == 0 and version.stdout.startswith("pdessm-cl 0."), "--version")
    text = run("--help")
    check(text.returncode == 0 and text.stderr == "", "--help goes to stdout")
    for name in COMMANDS:
        check(f"  {name} " in text.stdout, f"--help lists {name}")
        own = run(name, "--help")
        check(own.returncode == 0 and own.stderr == "", f"{name} --help")
        check("Example:" in own.stdout, f"{name} --help has an example")
        for option in ["--device", "--seed", "--threads", "--quiet", "--help"]:
            check(option in own.stdout, f"{name} --help has {option}")
        check(("--format" in own.stdout) == (name != "forward"), f"{name}: --format")


def test_wrong_usage():
    for arguments in (["fly"], ["devices", "--fly"], ["tine", "--quiet"]):
        guessed = "did you mean" in run(*arguments).stderr
        check(guessed == (arguments[0] == "tine"), f"a guess for {arguments}: {guessed}")
    for arguments, words in [
            ([], "a subcommand is missing"),
            (["fly"], "no subcommand fly"),
            (["--fly"], "no option --fly"),
            (["devices", "--fly"], "no option --fly"),
            (["devices", "left", "over"], "too many"),
            (["devices", "--threads", "x"], "whole number"),
            (["devices", "--threads", "1.5"], "whole number"),
            (["devices", "--threads", "-1"], "whole number"),
            (["devices", "--threads", "99999999999999999999"], "whole number"),
            (["devices", "--threads"], "needs a value"),
            (["devices", "--seed="], "whole number"),
            (["devices", "--format", "xml"], "text json"),
            (["forward", "--format", "json"], "no option"),
            (["sampel"], "did you mean sample?"),
            (["sample", "--guidence=2"], "did you mean --guidance?"),
            (["train", "--pdelr-scale", "2"], "did you mean --pde-lr-scale?"),
            (["op"], "name is missing"),
            (["op", "gelu"], "--in is missing"),
            (["op", "fly", "--in", "a", "--out", "b"], "no operator 'fly'"),
            (["op", "--list", "gelu"], "no other argument"),
            (["op", "adamw", "--in", "a", "--out", "b", "--grad"], "no gradient"),
            (["verify", "--op", "fly"], "no operator"),
            (["verify", "--cases", "0"], "whole number"),
            (["sample"], "--model is missing"),
            (["sample", "--model", "m"], "--out is missing"),
            (["sample", "--model", "m", "-o", "x.jpg"], ".png"),
            (["sample", "--model", "m", "-o", "x.png", "--solver", "rk5"], "rk5"),
            (["sample", "--model", "m", "-o", "x.png", "--size", "28"], "HEIGHTxWIDTH"),
            (["sample", "--model", "m", "-o", "x.png", "--guidance", "nan"], "a number"),
            (["forward"], "--model is missing"),
            (["info"], "file is missing"),
            (["cache"], "action is missing"),
            (["cache", "burn"], "no action burn"),
            (["train"], "--data is missing"),
            (["train", "--data", "shapes"], "--model is missing"),
            (["train", "--data", "shapes", "--model", "pde-nano/4"], "--out is missing"),
            (["train", "--data", "shapes", "--model", "pde-nano/3", "--out", "/x"], "pde-nano/3"),
            (["train", "--data", "shapes", "--schedule", "linear"], "constant cosine"),
            (["train", "--resume", "/x", "--model", "pde-s/2"], "--model cannot change"),
            (["train", "--resume", "/x", "--seed", "3"], "--seed cannot change")]:
        result = run(*arguments)
        expect(result, 2, words, "--help")
        check(result.stderr.count("\n") == 1, f"{arguments}: one line: {result.stderr}")


def test_devices():
    value = parse(run("devices", "--format", "json"), "devices", "device", "driver")
    first = value["devices"][0]
    check(first["id"] == "cpu" and first["index"] == 0, "plain C comes first")
    check(sum(d["auto"] for d in value["devices"]) == 1, "one device is auto")
    for device in value["devices"]:
        for key in ["name", "driver", "memory_bytes", "largest_allocation_bytes", "fp16", "fp64"]:
            check(key in device, f"devices: {key}")
    expect(run("devices", device="no such thing"), 0)
    expect(run("devices", "--device", "no such thing"), 3, "no device 'no such thing'", "'cpu'")
    expect(run("verify", device="no such thing"), 3, "no such thing")


def test_no_opencl():
    result = run("devices", env=NO_OPENCL)
    expect(result, 0, "OpenCL")
    check("cpu" in result.stdout, "plain C is there without OpenCL")
    check(run("devices", "--quiet", env=NO_OPENCL).stderr == "", "--quiet drops notes")
    expect(run("doctor", "--require-opencl", env=NO_OPENCL, device="auto"), 3, "no OpenCL device",
           answers=True)
    expect(run("doctor", env=NO_OPENCL, device="auto"), 0)
    expect(run("verify", "--op", "gelu", env=NO_OPENCL, device="auto"), 0, "running in plain C")
    cpu = run("verify", "--op", "gelu", "--device", "cpu", env=NO_OPENCL, device=None)
    expect(cpu, 0)
    check("install" not in cpu.stderr, "--device cpu does not look for OpenCL")
    expect(run("devices", env={"PDESSM_MODULE_PATH": "/nonexistent"}), 0, "OpenCL")
    expect(run("cache", "list", env={"PDESSM_MODULE_PATH": "/nonexistent"}), 0)


def test_answers():
    value = parse(run("verify", "--op", "linear", "--cases", "3", "--format", "json"), "device",
                  "driver", "rows", "pass", "reference")
    check(value.get("pass") is True and len(value["rows"]) == 2, "verify --op linear")
    check(value["rows"][0]["worst_error"] <= value["rows"][0]["tolerance"], "error in tolerance")
    value = parse(run("doctor", "--format", "json"), "facts", "devices_that_run_kernels")
    check(all(f["severity"] in ("ok", "note", "wrong") for f in value["facts"]), "severities")
    value = parse(run("op", "--list", "--format", "json"), "operators")
    rows = {r["name"]: r for r in value["operators"]}
    check([i["name"] for i in rows["linear"]["inputs"]] == ["x", "weight", "bias"], "linear")
    check(rows["linear"]["inputs"][2]["optional"] is True, "bias is optional")
    check(rows["cdr_symbol"]["attributes"] == ["height", "width", "solution"], "cdr_symbol")
    check([o["name"] for o in rows["layer_norm"]["outputs"]] == ["y"], "statistics are no output")


def test_stdout():
    with open("/dev/full", "w") as full:
        result = subprocess.run([PROGRAM, "op", "--list"], stdout=full, stderr=subprocess.PIPE,
                                text=True)
    check(result.returncode == 1 and "stdout" in result.stderr, "a full stdout is a failure")
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([PROGRAM, "op", "--list"], stdout=writer, stderr=subprocess.PIPE,
                            text=True)
    os.close(writer)
    check(result.returncode == 0 and result.stderr == "", f"| head is no failure: {result}")


def test_routes_and_profile():
    expect(run("verify", "--op", "gelu", env={"PDESSM_OPS": "host:fly"}), 2, "fly")
    expect(run("verify", "--op", "gelu", env={"PDESSM_OPS": "gelu"}), 2, "host:NAME")
    result = run("verify", "--op", "gelu", env={"PDESSM_PROFILE": "1"})
    expect(result, 0, "GFLOP/s", "gelu", "backward")
    check("GFLOP/s" not in result.stdout, "the profile is on stderr")


test_help()
test_wrong_usage()
test_devices()
test_no_opencl()
test_answers()
test_stdout()
test_routes_and_profile()
finish()
