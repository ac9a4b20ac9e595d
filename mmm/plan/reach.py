"""Targets that every plan reaches, or none: where their chance cannot choose a plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmm.config import PlanSettings
from mmm.errors import Finding, Severity
from mmm.plan.objective import SURE, Objective
from mmm.plan.search import Problem, problem, solve
from mmm.plan.solve import Solution, bound
from mmm.plan.target import with_noise_of

HALVINGS = 12


def chance_of(task: Problem, z: np.ndarray) -> float:
    """The chance that plan z (n,) reaches the target of `task`."""
    objective = with_noise_of(task.objective, task.valuation, task.levers.money(z))
    return objective.score(task.valuation.values(z)[0])


def within_reach(
    task: Problem, settings: PlanSettings, budget: float | None, found: Solution
) -> tuple[Solution, tuple[Finding, ...]]:
    """`found`, or another plan where its chance of the target is as good as one or none.

    As good as one: of plans as sure, one with the most expected profit. As good as none: the plan
    with the most expected outcome. Either is told in a finding.
    """
    if task.objective.kind != "probability_of_target":
        return found, ()
    chance = chance_of(task, found.z)
    target = f"{task.objective.target:,.6g}"
    if chance >= SURE:
        z = _profitable_and_sure(task, settings, budget, found.z)
        return _certified(task, z, found), (
            Finding(
                "plan_target_sure", Severity.INFO, "plan.target",
                f"the target of {target} is reached for all but sure by many plans, between which "
                "its chance cannot choose: of those as sure, one with the most expected profit is "
                "taken.",
                "Raise the target, or name the objective 'expected_profit'.",
            ),
        )  # fmt: skip
    if chance > 1.0 - SURE:
        return found, ()
    z = most_outcome(task, found.z)
    return _certified(task, z, found), (
        Finding(
            "plan_target_out_of_reach", Severity.WARNING, "plan.target",
            f"no plan within the constraints reaches {target} with a chance of more than "
            f"{1.0 - SURE:.1%}; the one with the most expected outcome is taken.",
            "Lower the target, raise the budget or widen the bounds.",
        ),
    )  # fmt: skip


def most_outcome(task: Problem, start: np.ndarray) -> np.ndarray:
    """The plan (n,) of `task`'s region with the most expected outcome within the horizon, or
    `start` where it has more."""
    mean = Objective("expected_outcome")
    z = solve(replace(task, objective=mean, rough_objective=mean)).z
    return max((z, start), key=lambda one: float(task.valuation.values(one)[0].mean()))


def _profitable_and_sure(
    task: Problem, settings: PlanSettings, budget: float | None, sure: np.ndarray
) -> np.ndarray:
    """The plan with the most expected profit, moved towards `sure` (n,) until it is as sure."""
    asked = settings.model_copy(update={"objective": "expected_profit"})
    best = solve(problem(task.response, asked, budget, task.levers.prices)).z
    if chance_of(task, best) >= SURE:
        return best
    near, far = 1.0, 0.0
    for _ in range(HALVINGS):
        middle = 0.5 * (near + far)
        if chance_of(task, best + middle * (sure - best)) >= SURE:
            near = middle
        else:
            far = middle
    return best + near * (sure - best)


def _certified(task: Problem, z: np.ndarray, found: Solution) -> Solution:
    part = task.objective.smoothings[-1]
    gap, price = bound(task.valuation, task.objective, task.region, z, part)
    return Solution(z, chance_of(task, z), gap, price, found.steps, found.message)
