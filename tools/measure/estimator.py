# SPDX-License-Identifier: MIT
# estimator.py: what measured variances of the terms of a telescoping gradient estimator say about it.


def cost_ratio(terms, variance, cost):
    """Work for a given variance with the best batches |B_l| ~ sqrt(V_l / C_l) over that of the plain
    gradient, (sum_l sqrt(V_l C_l))^2 / (V C); and those batches, |B_l| / |B_0|. variance, cost: the keys
    of V and C."""
    plain = next(row for row in terms if row["term"] == "gradient")
    levels = sorted((row for row in terms if row["term"] != "gradient"), key=lambda row: row["level"])
    total = sum((row[variance] * row[cost]) ** 0.5 for row in levels) ** 2
    batches = [(row[variance] / row[cost]) ** 0.5 for row in levels]
    return total / (plain[variance] * plain[cost]), [b / batches[0] for b in batches]
