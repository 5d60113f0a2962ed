# SPDX-License-Identifier: MIT
# judged.py: rows of judged runs, {variant, seed, step, metric: value}: choosing some, their mean over the
# seeds, and a table of all metrics.
import statistics

from page import number, table

# Of the matched ones, which see as many images as the floor, and of all images.
METRICS = {"frechet": "Frechet", "frechet_matched": "Frechet, matched", "mmd_matched": "kernel, matched",
           "precision_matched": "precision", "recall_matched": "recall",
           "sliced_wasserstein_matched": "sliced W.", "label_accuracy": "label accuracy",
           "low_eigenvalue_recovery": "low-eigenvalue recovery"}


def mean_sd(values):
    values = [v for v in values if v is not None]
    if not values:
        return ""
    text = number(statistics.mean(values))
    return text + (" ± " + number(statistics.stdev(values), 2) if len(values) > 1 else "")


def pick(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def values(rows, metric):
    return [row.get(metric) for row in sorted(rows, key=lambda row: row["seed"])]


def metric_table(groups, first, metrics=tuple(METRICS)):
    """groups: {name: rows of several seeds}; the floor, from the same reference, is the last line."""
    metrics = [m for m in metrics if any(m in row for rows in groups.values() for row in rows)]
    lines = [[name, str(len(rows))] + [mean_sd(values(rows, m)) for m in metrics]
             for name, rows in groups.items()]
    any_row = next(iter(groups.values()))[0]
    floors = [m.replace("_matched", "_floor") for m in metrics]
    lines.append(["real images against real ones", ""] +
                 [number(any_row[f]) if f.endswith("_floor") and f in any_row else "" for f in floors])
    return table([first, "seeds"] + [METRICS[m] for m in metrics], lines)
