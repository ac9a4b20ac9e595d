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
from scipy.stats import norm

from mmm.plan.lift import LiftTest, best_design, lift_tests
from mmm.plan.objective import Objective
from mmm.plan.regret import Regret
from mmm.plan.search import Problem
from mmm.plan.solve import climb
from mmm.plan.worth import kept_draws

RESULTS = 2000
"""Simulated results of a test."""
RESULT_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Results, as levels of what a test may show, after which a plan of its own is searched."""


def best_in_each_draw(profit: np.ndarray, lost: Regret, places: np.ndarray) -> float:
    """Mean over draws of the profit of the best plan of each draw, from profit (D, J) of J plans.

    The plans of the draws in `lost` stand at `places` (R,) among them. What a plan of its own adds
    to the best of all others is known of those draws, and taken to be the same on average of all.
    """
    best = profit.max(axis=1)
    others = profit[lost.draws].copy()
    row = np.arange(len(places))
    own = others[row, places].copy()
    others[row, places] = -np.inf
    among = others.max(axis=1)
    best[lost.draws] = among
    return float(best.mean() + np.maximum(own - among, 0.0).mean())


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


def designs(task: Problem) -> list[LiftTest]:
    """The best design of a test of each free channel."""
    return [best_design(lift_tests(task.valuation, c)) for c in task.levers.chosen.tolist()]


def plans_after(task: Problem, test: LiftTest, z: np.ndarray) -> list[np.ndarray]:
    """The plans that results of `test` spread over what it may show would lead to, searched from
    plan z (n,)."""
    lift = test.lift[kept_draws(task.response, task.rough.draws)]
    spread = float(np.hypot(lift.std(), test.error))
    found = []
    for result in lift.mean() + spread * norm.ppf(RESULT_LEVELS):
        apart = ((result - lift) / test.error) ** 2
        weights = np.exp(-0.5 * (apart - apart.min()))
        wanted = Objective("expected_profit", weights=weights / weights.sum())
        found.append(climb(task.rough, wanted, task.region, z, steps=40)[0])
    return found


def what_to_test(task: Problem, tests: Sequence[LiftTest], profit: np.ndarray) -> pd.DataFrame:
    """One row a test, most worth running first: the design with the power it has, what it costs
    and what its result would be worth to the choice among the plans whose profit (D, J) is given.

    Columns channel, change, geos (; between them), periods, lift_mean, lift_sd, error, power,
    cost, value (expected value of sample information), net (value less cost, where it costs).
    """
    seed = task.response.fit.study.inference.seed
    channels = task.levers.chosen.tolist()
    rows = [_row(profit, one, seed, c) for one, c in zip(tests, channels, strict=True)]
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
