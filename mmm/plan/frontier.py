"""The efficient frontier, and budgets found backwards from what is wanted of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmm.config import PlanSettings
from mmm.plan.constraints import best_linear, nearest
from mmm.plan.money import Prices
from mmm.plan.objective import Objective, tail_mean
from mmm.plan.reach import chance_of, most_outcome
from mmm.plan.search import Problem, problem, solve
from mmm.plan.solve import climb
from mmm.plan.target import valuation_of
from mmm.plan.worth import cost_slope, kept_draws, profit_measure
from mmm.results.respond import Response

AVERSIONS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Weights on the standard deviation of profit along the frontier."""
FIRST = 0.01
"""Part of today's money after which the return of a channel without money is read."""
PRECISION = 1e-3
"""How far a least budget is narrowed down, as a part of today's."""


def profit_problem(
    response: Response, settings: PlanSettings, budget: float | None, at: Prices | None = None
) -> Problem:
    """The problem of `settings` with expected profit in place of its objective."""
    return problem(
        response, settings.model_copy(update={"objective": "expected_profit"}), budget, at
    )


def frontier(
    task: Problem, start: np.ndarray, level: float, aversions: Sequence[float] = AVERSIONS
) -> tuple[pd.DataFrame, np.ndarray]:
    """Plans that trade expected profit for less risk at the problem's budget, from the boldest to
    the most careful, and their decisions (F, n).

    One row a weight of risk: risk_aversion, expected_profit, deviation, cvar (at `level`),
    probability_of_loss, and money by channel as `money_CHANNEL`. `task` counts profit. Each plan
    starts from the one before; plans are found on the searching draws and read on all of them, on
    which the best of those found, and of `start`, is taken for each weight.
    """
    made, z, known = task.levers, start, [start]
    for aversion in aversions:
        wanted = Objective("mean_variance", risk_aversion=aversion)
        z = climb(task.rough, wanted, task.region, z)[0]
        known.append(z)
    worths = [task.valuation.values(each)[0] for each in known]
    rows, plans = [], []
    for aversion in aversions:
        wanted = Objective("mean_variance", risk_aversion=aversion)
        best = int(np.argmax([wanted.score(worth) for worth in worths]))
        z, profit = known[best], worths[best]
        by_channel = made.money(z).sum(axis=(0, 1))
        names = made.prices.channels
        rows.append({
            "risk_aversion": aversion,
            "expected_profit": float(profit.mean()),
            "deviation": float(profit.std()),
            "cvar": tail_mean(profit, level)[0],
            "probability_of_loss": float((profit < 0).mean()),
            **{f"money_{name}": float(m) for name, m in zip(names, by_channel, strict=True)},
        })  # fmt: skip
        plans.append(z)
    return pd.DataFrame(rows), np.array(plans)


@dataclass(frozen=True, slots=True)
class LeastBudget:
    """The least money with which outcome over the horizon reaches `target` with `probability`.

    reached is False where no plan does; then `budget` is what the plan with the best chance
    spends, and `chance` that chance. cut: how much less than `today` reaches it (below zero: more
    is needed), None where nothing does. z (n,) the plan.
    """

    target: float
    probability: float
    reached: bool
    budget: float
    chance: float
    today: float
    z: np.ndarray

    @property
    def cut(self) -> float | None:
        return self.today - self.budget if self.reached else None


def least_budget(
    response: Response,
    target: float,
    probability: float,
    settings: PlanSettings | None = None,
    at: Prices | None = None,
) -> LeastBudget:
    """The least budget that reaches `target` (units of outcome over the horizon, baseline
    included) with `probability`, and the plan that does, within every constraint of `settings`
    but the budget: the answer also to how much can be cut."""
    wanted = (settings or response.fit.study.plan).model_copy(
        update={"objective": "probability_of_target", "target": target, "spend_all": False}
    )
    task = problem(response, wanted, None, at)
    made, region = task.levers, task.region
    rest, every = float(made.rest.sum()), np.ones(made.size)
    today = float(made.prices.today.sum())

    low = float(best_linear(region, -every).fun)
    high = -float(best_linear(region, every).fun)

    def chance(z: np.ndarray) -> float:
        return chance_of(task, z)

    def best_at(total: float, start: np.ndarray) -> np.ndarray:
        held = region.with_rows(every, -np.inf, total, "plan.budget")
        return climb(task.rough, task.rough_objective, held, nearest(held, start), steps=40)[0]

    nothing = best_at(low, nearest(region, np.zeros(made.size)))
    likeliest = best_at(high, solve(task, starts=2).z)
    # where the target is far, its chance leads nowhere, and outcome does
    fullest = most_outcome(task, likeliest)
    everything = likeliest if chance(likeliest) > chance(fullest) else fullest
    if chance(everything) < probability or chance(nothing) >= probability:
        reached = chance(nothing) >= probability
        z = nothing if reached else everything
        return LeastBudget(target, probability, reached, rest + float(z.sum()), chance(z), today, z)
    z, high = everything, float(everything.sum())
    while high - low > PRECISION * today:
        middle = 0.5 * (low + high)
        tried = best_at(middle, z * min(1.0, middle / max(float(z.sum()), 1e-300)))
        if chance(tried) >= probability:
            z, high = tried, min(middle, float(tried.sum()))
        else:
            low = middle
    return LeastBudget(target, probability, True, rest + float(z.sum()), chance(z), today, z)


@dataclass(frozen=True, slots=True)
class HurdleBudget:
    """The budget at which one more unit of loaded cost returns 1 + hurdle, and no more.

    marginal (K,): margin on what one more unit of loaded cost of each free channel brings, at the
    plan z (n,); profit (D,) is that of the plan. bounded names the constraints that keep it from
    going on.
    """

    hurdle: float
    budget: float
    today: float
    marginal: dict[str, float]
    profit: np.ndarray
    bounded: tuple[str, ...]
    z: np.ndarray


def hurdle_budget(
    response: Response,
    hurdle: float | None = None,
    settings: PlanSettings | None = None,
    at: Prices | None = None,
) -> HurdleBudget:
    """Spends until the next unit of loaded cost returns less than 1 + `hurdle` (the study's
    where left out), within every constraint of `settings` but the budget."""
    settings = settings or response.fit.study.plan
    hurdle = response.fit.study.finance.hurdle if hurdle is None else hurdle
    task = profit_problem(response, settings, None, at)
    made, measure = task.levers, profit_measure(response, task.levers)
    dearer = replace(measure, cost=measure.cost * (1.0 + hurdle))
    some = kept_draws(response, task.rough.draws)
    held = replace(
        task,
        valuation=valuation_of(response, made, dearer),
        rough=valuation_of(task.rough.response, made, dearer.take(some)),
    )
    z = solve(held, starts=2).z
    worth, _ = task.valuation.values(z)
    return HurdleBudget(
        hurdle=hurdle,
        budget=float(made.money(z).sum()),
        today=float(made.prices.today.sum()),
        marginal=marginal_returns(task, z),
        profit=worth,
        bounded=task.region.active(z, 1e-6 * max(1.0, float(z.max(initial=0.0)))),
        z=z,
    )


def marginal_returns(task: Problem, z: np.ndarray) -> dict[str, float]:
    """Margin on the outcome that one more unit of loaded cost of a channel brings, spread as its
    plan is: what is equal over channels at an optimum that nothing else constrains. Of a channel
    without money it is that after the first `FIRST` of today's, spread evenly: the very first unit
    of a curve that is concave from the start has no finite return."""
    made = task.levers
    even = made.lengths[:, None] / (made.lengths.sum() * made.groups)
    today = made.decisions(made.prices.today).reshape(made.shape).sum(axis=(1, 2))
    silent = z.reshape(made.shape).sum(axis=(1, 2)) <= 1e-9 * max(float(today.max()), 1.0)
    begun = np.where(silent, FIRST * today, 0.0)[:, None, None] * even
    _, gradient = task.valuation.values(z + np.broadcast_to(begun, made.shape).ravel())
    mean = gradient.mean(axis=0).reshape(made.shape)
    cost = cost_slope(made, task.valuation.measure).reshape(made.shape)
    plan = z.reshape(made.shape)
    found = {}
    for place, channel in enumerate(made.chosen.tolist()):
        total = plan[place].sum()
        parts = np.broadcast_to(even, plan[place].shape) if silent[place] else plan[place] / total
        gain, paid = float((mean[place] * parts).sum()), float((cost[place] * parts).sum())
        found[made.prices.channels[channel]] = gain / paid + 1.0
    return found
