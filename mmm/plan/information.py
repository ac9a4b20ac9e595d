"""What knowing more would be worth to the decision at hand.

A test on a channel would be read, the posterior updated by its result, and the plan chosen anew.
Before it is run, its result is what the posterior says it may be, so that the mean gain can be
worked out (preposterior analysis; Raiffa and Schlaifer, 1961, "Applied statistical decision
theory"): results are simulated from draws, draws weighed by how well they agree with each, and
the best of a set of plans taken under those weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm.plan.lift import LiftTest, best_design, lift_tests
from mmm.plan.optimise import Problem

RESULTS = 2000
"""Simulated results of a test."""


def value_of_certainty(profit: np.ndarray) -> float:
    """Expected value of perfect information: profit (D, J) of J plans, the best of them in each
    draw against the one that is best on average."""
    return float(profit.max(axis=1).mean() - profit.mean(axis=0).max())


def value_of_test(
    profit: np.ndarray, lift: np.ndarray, error: float, rng: np.random.Generator,
    results: int = RESULTS,
) -> float:  # fmt: skip
    """Expected value of sample information: profit (D, J) of J plans, the lift (D,) that a test
    would measure with standard error `error`. Never below zero, never above certainty's."""
    truth = rng.integers(0, len(lift), results)
    seen = lift[truth] + error * rng.standard_normal(results)
    gained = np.empty(results)
    for start in range(0, results, 500):
        z = (seen[start : start + 500, None] - lift[None, :]) / error
        weights = np.exp(-0.5 * (z**2 - (z**2).min(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        after = weights @ profit
        now = int(profit.mean(axis=0).argmax())
        gained[start : start + 500] = after.max(axis=1) - after[:, now]
    return float(gained.mean())


def what_to_test(task: Problem, plans: Sequence[np.ndarray]) -> pd.DataFrame:
    """One row a free channel, most worth testing first: the design with the power it has, what it
    costs and what its result would be worth to the choice among `plans` (each (n,)).

    Columns channel, change, geos (; between them), periods, lift_mean, lift_sd, error, power,
    cost, value (expected value of sample information), net (value less cost, where it costs).
    `task` counts profit.
    """
    profit = np.stack([task.valuation.values(z)[0] for z in plans], axis=1)
    response, made = task.response, task.levers
    rows = []
    for channel in made.chosen.tolist():
        tests = lift_tests(task.valuation, channel)
        rows.append(_row(profit, best_design(tests), response.fit.study.inference.seed, channel))
    table = pd.DataFrame(rows)
    return table.sort_values("net", ascending=False, kind="stable", ignore_index=True)


def _row(profit: np.ndarray, test: LiftTest, seed: int, channel: int) -> dict[str, object]:
    rng = np.random.default_rng([seed, 11, channel])
    value = value_of_test(profit, test.lift, test.error, rng)
    return {
        "channel": test.channel,
        "change": test.change,
        "geos": ";".join(test.geos),
        "periods": test.periods,
        "lift_mean": float(test.lift.mean()),
        "lift_sd": float(test.lift.std()),
        "error": test.error,
        "power": test.power,
        "cost": test.cost,
        "value": value,
        "net": value - max(test.cost, 0.0),
    }
