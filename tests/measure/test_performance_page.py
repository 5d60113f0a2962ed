# SPDX-License-Identifier: MIT
# test_performance_page.py: the pieces of the performance page that figures hang on: fits, crossing points,
# ratios of slices, goals, and that a page made twice is the same. No clock is involved.
import math
import xml.etree.ElementTree

from checking import check, finish, near
import chart
import measuring
import performance_page
from curves import overtaking, power_law
from page import number

law = power_law([(n, 3e-6 * n**1.25) for n in (64, 256, 1024, 4096)])
check(near(law["exponent"], 1.25) and abs(law["error"]) < 1e-9, "an exact power law: %s" % law)
check(near(math.exp(law["factor"]), 3e-6), "its factor: %s" % law)
# Slope 1 with residuals +-d in the pattern (d, -d, -d, d): the error follows by hand.
d, x = 0.1, [0, 1, 2, 3]
law = power_law([(math.exp(a), math.exp(a + e)) for a, e in zip(x, (d, -d, -d, d))])
check(near(law["exponent"], 1) and near(law["error"], math.sqrt(4 * d * d / 2 / 5)),
      "error of the exponent: %s" % law)

linear = {n: n * 1.0 for n in (64, 256, 1024)}
square = {n: n * n / 256.0 for n in (64, 256, 1024)}
check(near(overtaking(linear, square), 256), "lines cross at 256")
moved = {n: n * n / 128.0 for n in (64, 256, 1024)}
check(near(overtaking(linear, moved), 128), "and between points: 128")
check(overtaking(square, linear) is None, "no crossing when it is slower at the end")
check(overtaking(linear, {n: 2 * v for n, v in linear.items()}) == 0, "always faster: 0")

pairs = measuring.ratios({"a": [2.0, 9.0, 4.0], "b": [1.0, 3.0, 1.0]}, "a", "b")
check((pairs["median"], pairs["low"], pairs["high"], pairs["count"]) == (3, 2, 4, 3),
      "ratios pair by pair: %s" % pairs)

check([number(v) for v in (0, 0.01234, 1.5, 123.4, 5678)] ==
      ["0", "0.0123", "1.50", "123", "5,678"], "three digits")
check(performance_page.step_goal("attn-s/2") is None and performance_page.step_goal("pde-s/2") == 1.5
      and performance_page.step_goal("pde-nano/4") == 2.5, "goals by model")


def spread(v):
    return {"median": v, "low": 0.9 * v, "high": 1.1 * v, "count": 5}


def peer(ratio):
    row = {"task": "step", "model": "pde-s/2", "size": 32, "batch": 8, "variant": "eager-first",
           "ours_seconds": spread(1.0), "peer_seconds": spread(ratio), "ratio": spread(ratio)}
    source = {"machine": "a <machine>", "cores": 2, "system": "", "commit": "", "date": "",
              "command": "peer"}
    return {"peer": {"source": source, "torch": "1", "threads": 2, "rounds": 5, "rows": [row]}}


for ratio, said, unsaid in [(1.6, "| met |", "missed"), (1.2, "**missed**", "Slower"),
                            (0.8, "**Slower than PyTorch:**", "| met |")]:
    page = performance_page.make(peer(ratio))
    check(said in page["docs/results/performance.md"] and unsaid not in page["docs/results/performance.md"],
          "ratio %g says %s" % (ratio, said))
    check(page == performance_page.make(peer(ratio)), "made twice, the same")
    xml.etree.ElementTree.fromstring(page["docs/results/performance/peer.svg"])
check("Not measured yet: step" in page["docs/results/performance.md"], "missing parts are named")

steps = {"rows": [{"model": "pde-s/2", "size": 32, "after": {"operators": [
    {"name": "linear", "pass": "forward", "seconds": 0.25, "flops": 5e10, "bytes": 1},
    {"name": "linear", "pass": "backward", "seconds": 0.5, "flops": 1e11, "bytes": 1},
    {"name": "adamw", "pass": "forward", "seconds": 0.25, "flops": 1, "bytes": 1}]}}]}
row = peer(1.2)["peer"]["rows"][0]
check("75 % of our time, at 200 GFLOP/s" in performance_page.model_reason(row, steps) and
      "would be 1.60" in performance_page.model_reason(row, steps), "why a step misses its goal")
check("100 % of our time" in performance_page.model_reason(dict(row, task="sample"), steps),
      "sampling has no optimiser")
row = dict(row, task="filter", model=None, peer_seconds=spread(0.8))
copies = {"rows": [{"side": 32, "threads": 2, "copy_seconds": spread(0.05)}]}
check("2.0 copies" in performance_page.filter_reason(row, copies), "why an operator misses its goal")

picture = chart.lines("a & b", "x", "y", {"one": {"points": {64: 2.0, 256: 20.0}, "guessed": {1024: 90}}})
xml.etree.ElementTree.fromstring(picture)
check(picture.count("stroke-dasharray=\"5 4\"") == 1, "what was guessed is dashed")
finish()
