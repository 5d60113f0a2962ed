# SPDX-License-Identifier: MIT
# bench_on_device.py: `bench` with plain C and PoCL in one table; operators that a device hands to
# plain C are not timed as the device's.
from cli import check, expect, finish, parse, run

QUICK = ["bench", "--device", "cpu,pocl", "--grid", "8", "--batch", "1", "--channels", "32", "-r", "2",
         "--format", "json", "-q"]


def rows_of(*arguments, env=None):
    result = run(*QUICK, *arguments, env=env)
    expect(result, 0, answers=True)
    return parse(result, "devices", "rows")


def test_two_devices():
    answer = rows_of("--op", "gelu,combine", "--validate")
    labels = [d["label"] for d in answer["devices"]]
    check(labels == ["cpu", "pocl"] and answer["device"]["kind"] == "plain-c", f"{labels}")
    check(all(d["copy_gbytes_per_s"] > 0 and d["gemm_gflops"] > 0 for d in answer["devices"]), "rates")
    check(answer["devices"][1]["copy_way"] in ("buffer copy", "kernel"), "its copy")
    found = [(r["case"], r["pass"], r["device"]) for r in answer["rows"]]
    check(found == [("gelu", p, d) for d in labels for p in ("forward", "backward")] +
          [("combine", "forward", d) for d in labels], f"{found}")
    for row in answer["rows"]:
        check(row["status"] == "ok" and row["seconds"] > 0, f"{row['case']}: {row['reason']}")
        check(row["error"] <= row["tolerance"] and row["peak_bytes"] > 0, f"{row['case']}")


def test_plain_c_is_told():
    answer = rows_of("--op", "gelu,silu", env={"PDESSM_OPS": "host:gelu"})
    for row in answer["rows"]:
        kept = row["case"] == "gelu" and row["device"] == "pocl"
        check(row["status"] == ("unsupported" if kept else "ok"), f"{row['case']}: {row['reason']}")
        check(not kept or ("PDESSM_OPS" in row["reason"] and row["seconds"] is None), "its reason")


def test_step():
    answer = rows_of("--suite", "step", "--model", "pde-nano/4", "--image-size", "8", "--detail")
    for row in answer["rows"]:
        check(row["status"] == "ok", f"{row['device']}: {row['reason']}")
        wanted = {"cpu": {"host"}, "pocl": {"device"}}[row["device"]]
        check({o["place"] for o in row["operators"]} == wanted, f"{row['device']}: places")


test_two_devices()
test_plain_c_is_told()
test_step()
finish()
