"""The decision: the plan a study asks for, beside its alternatives, with what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mmm.config import PlanSettings
from mmm.errors import Finding
from mmm.inference.fit import Fit
from mmm.plan.compare import compared
from mmm.plan.constraints import nearest
from mmm.plan.frontier import (
    HurdleBudget,
    LeastBudget,
    frontier,
    hurdle_budget,
    least_budget,
    marginal_returns,
    profit_problem,
)
from mmm.plan.information import best_in_each_draw, designs, plans_after, what_to_test
from mmm.plan.money import prices
from mmm.plan.optimise import Optimum, optimum_of
from mmm.plan.record import Record
from mmm.plan.regret import Regret, regret_of
from mmm.plan.scenario import Scenario, as_is, with_prices
from mmm.plan.scenarios import multiplied_by, stopped, with_controls_of
from mmm.plan.search import Problem, problem
from mmm.plan.support import outside, scenario_findings
from mmm.plan.unused import unpaced, unused_settings
from mmm.results.respond import Response
from mmm.results.summary import SUFFIXES, summarise

TILTS = (0.75, 1.25)
"""Multiples of one channel's money in the plans that tests are to choose between."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is planned and what is known of it.

    scenario: the plan that forecast and case are read from. comparison: see `comparison`, first
    row today's. optimum and what follows it are there where a plan was optimised: frontier, regret
    in money, by draw and on average (`expected_regret`), what to test next, certainty (expected
    value of perfect information: the expected regret of the plan with the most expected profit),
    marginal return by channel, and the budgets found backwards: `hurdle` that at which the next
    unit returns 1 + the study's hurdle, `least` that which reaches the study's target.
    noted: what is to be known of the settings and files it was made from.
    """

    scenario: Scenario
    comparison: pd.DataFrame
    optimum: Optimum | None = None
    frontier: pd.DataFrame | None = None
    regret: Regret | None = None
    tests: pd.DataFrame | None = None
    certainty: float = 0.0
    expected_regret: float = 0.0
    marginal: Mapping[str, float] | None = None
    hurdle: HurdleBudget | None = None
    least: LeastBudget | None = None
    record: Record | None = None
    noted: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self.noted, *(self.optimum.findings if self.optimum else ()))


def decide(
    response: Response,
    settings: PlanSettings | None = None,
    scenario: Scenario | None = None,
    record: Record | None = None,
) -> Decision:
    """The decision that `settings` ask for (the study's where left out).

    Without a budget or an objective, spending is that of `scenario`, or repeats its last periods.
    Raises `InputError` for constraints in conflict.
    """
    fit = response.fit
    settings = settings or fit.study.plan
    base = as_is(fit, scenario.periods if scenario else settings.horizon, settings.prices)
    if scenario is not None:
        scenario = with_prices(fit, scenario, settings.prices)
        base = with_controls_of(fit, base, scenario)
    at = prices(fit, base)
    noted = (
        *unused_settings(settings),
        *unpaced(settings, fit.panel.channels, at.today),
        *(() if scenario is None else scenario_findings(fit, scenario)),
    )
    shown = [base, stopped(fit, base)]
    if scenario is not None and scenario.name != base.name:
        shown.append(scenario)
    if not settings.optimised:
        chosen = scenario or base
        return Decision(
            chosen, compared(response, shown, settings.target),
            record=record, noted=noted,
        )  # fmt: skip
    budget = settings.budget if settings.budget is not None else float(at.today.sum())
    task = problem(response, settings, budget, at)
    best = optimum_of(task, settings, budget)
    # today's money at the prices of the plan it is compared with
    shown[0] = replace(best.today, name=base.name)
    shown.append(best.plan)
    if abs(budget - float(at.today.sum())) > 1e-6 * budget and float(at.today.sum()) > 0:
        scale = budget / float(at.today.sum())
        shown.append(multiplied_by(fit, scale, base))
    profit = task if task.objective.money else profit_problem(response, settings, budget, at)
    # flights are kept by hand, so that the frontier starts from a plan that may break them
    edge, plans = frontier(profit, best.z, settings.level)
    lost = regret_of(profit, best.z)
    tests = designs(profit)
    after = [z for test in tests for z in plans_after(profit, test, best.z)]
    choices = [*lost.plans, best.z, *plans, *tilted(profit, best.z), *after]
    worth = np.stack([profit.valuation.values(z)[0] for z in choices], axis=1)
    known = best_in_each_draw(worth, lost, np.arange(len(lost.plans)))
    least = None
    if settings.target is not None:
        least = least_budget(response, settings.target, settings.level, settings, at)
    return Decision(
        scenario=best.plan,
        comparison=compared(response, shown, settings.target),
        optimum=best,
        frontier=edge,
        regret=lost,
        tests=what_to_test(profit, tests, worth),
        certainty=known - float(worth.mean(axis=0).max()),
        expected_regret=known - float(worth[:, len(lost.plans)].mean()),
        marginal=marginal_returns(profit, best.z),
        hurdle=hurdle_budget(response, None, settings, at),
        least=least,
        record=record,
        noted=noted,
    )


def tilted(task: Problem, z: np.ndarray) -> list[np.ndarray]:
    """Plans of the region with one channel's money moved up or down from plan z (n,)."""
    of = task.levers.channel_of()
    return [
        nearest(task.region, np.where(of == channel, z * multiple, z))
        for channel in task.levers.chosen.tolist()
        for multiple in TILTS
    ]


def plan_json(fit: Fit, decision: Decision) -> dict[str, Any]:
    """`plan.json`."""
    scenario, best = decision.scenario, decision.optimum
    content: dict[str, Any] = {
        "plan": scenario.name,
        "horizon": scenario.periods,
        "start": f"{scenario.dates[0]:%Y-%m-%d}",
        "end": f"{scenario.dates[-1]:%Y-%m-%d}",
        "currency": fit.study.currency or None,
        "statements": list(scenario.statements),
        "comparison": decision.comparison.to_dict("records"),
        "prices": {"given": dict(scenario.given), "drawn": dict(scenario.drawn)},
        "objective": None,
        "record": None if decision.record is None else decision.record.to_dict(),
        "findings": [
            {key: str(value) for key, value in asdict(one).items()} for one in decision.findings
        ],
    }
    if best is None:
        return content
    change = best.profit - best.profit_today
    left = outside(fit, best.money)
    settings = best.settings
    content |= {
        "objective": settings.objective or "expected_profit",
        "budget": best.budget,
        "level": settings.level,
        "risk_aversion": settings.risk_aversion,
        "target": settings.target,
        "status": asdict(best.status),
        "channels": _channels(decision, best, left),
        "profit": {**_summary(best.profit), "deviation": float(best.profit.std())},
        "profit_today": {
            **_summary(best.profit_today),
            "deviation": float(best.profit_today.std()),
        },
        "gain": {
            **_summary(change),
            "probability_better": float((change > 0).mean()),
        },
    }
    if decision.frontier is not None:
        content["frontier"] = decision.frontier.to_dict("records")
    if decision.regret is not None:
        content["regret"] = {
            **_summary(decision.regret.regret),
            "mean": decision.expected_regret,
            "draws": len(decision.regret.draws),
        }
    if decision.tests is not None:
        content["certainty"] = decision.certainty
        content["tests"] = decision.tests.to_dict("records")
    if decision.hurdle is not None:
        found = decision.hurdle
        content["hurdle_budget"] = {
            "hurdle": found.hurdle,
            "budget": found.budget,
            "today": found.today,
            "marginal_return": found.marginal,
            "profit": _summary(found.profit),
            "bounded": list(found.bounded),
        }
    if decision.least is not None:
        least = decision.least
        content["least_budget"] = {
            "target": least.target,
            "probability": least.probability,
            "reached": least.reached,
            "budget": least.budget,
            "chance": least.chance,
            "today": least.today,
            "cut": least.cut,
        }
    return content


def _channels(decision: Decision, best: Optimum, left: np.ndarray) -> list[dict[str, Any]]:
    """Money and marginal return of each channel."""
    at = best.levers.prices
    marginal = decision.marginal or {}
    return [
        {
            "channel": name,
            "money": float(best.money[:, :, c].sum()),
            "money_today": float(at.totals[c]),
            "decided": bool((best.levers.chosen == c).any()),
            "marginal_return": marginal.get(name),
            "periods_outside_data": int(left[:, c].sum()),
        }
        for c, name in enumerate(at.channels)
    ]


def _summary(draws: np.ndarray) -> dict[str, float]:
    return dict(zip(SUFFIXES, map(float, summarise(draws)), strict=True))
