"""The frontier, and budgets found backwards, against forward evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.plan.frontier import frontier, hurdle_budget, least_budget, profit_problem
from mmm.plan.optimise import optimise
from mmm.plan.target import target_objective, valuation_of
from mmm.plan.worth import outcome_measure

TWO = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.2}, "saturation": "michaelis_menten"},
    {"name": "search", "role": "tactical", "saturation": "michaelis_menten"},
)


@pytest.fixture(scope="module")
def read(make):
    return make.response(*TWO, draws=60, finance={"margin": 0.8, "horizon": 60})


def test_the_frontier_gives_up_profit_for_risk(read, make):
    best = optimise(read, make.settings())
    task = profit_problem(read, make.settings(), best.budget)
    table, plans = frontier(task, best.z, 0.9)
    assert (np.diff(table["expected_profit"]) <= 1e-6).all()
    assert (np.diff(table["deviation"]) <= 1e-6).all()
    assert table["expected_profit"].iloc[0] == pytest.approx(best.profit.mean(), rel=1e-5)
    for z, aversion in zip(plans, table["risk_aversion"], strict=True):
        profit = task.valuation.values(z)[0]
        mine = profit.mean() - aversion * profit.std()
        for other in plans:
            worth = task.valuation.values(other)[0]
            assert mine >= worth.mean() - aversion * worth.std() - 1e-4 * abs(mine)


def test_no_plan_of_the_frontier_is_worse_in_both_than_another(make):
    # more draws than plans are searched on
    read = make.response(*TWO, draws=700, spread=0.6, finance={"margin": 0.8, "horizon": 60})
    settings = make.settings()
    best = optimise(read, settings)
    table, _ = frontier(profit_problem(read, settings, best.budget), best.z, 0.9)
    assert (np.diff(table["expected_profit"]) <= 0).all()
    assert (np.diff(table["deviation"]) <= 0).all()
    assert table["expected_profit"].iloc[0] >= best.profit.mean()


def test_at_the_hurdle_budget_the_next_unit_returns_the_hurdle(read, make):
    wide = {"tv": (0.0, 50.0), "search": (0.0, 50.0)}
    settings = make.settings(bounds=wide)
    budgets = []
    for hurdle in (0.0, 0.3):
        found = hurdle_budget(read, hurdle, settings)
        budgets.append(found.budget)
        for channel, marginal in found.marginal.items():
            assert marginal == pytest.approx(1.0 + hurdle, abs=2e-3), channel
        if hurdle == 0.0:
            # the same as optimising at that budget, and no better with more or less
            at = optimise(read, make.settings(bounds=wide, budget=found.budget))
            assert at.profit.mean() == pytest.approx(found.profit.mean(), rel=1e-6)
            for factor in (0.9, 1.1):
                other = optimise(read, make.settings(bounds=wide, budget=factor * found.budget))
                assert other.profit.mean() < found.profit.mean()
    assert budgets[1] < budgets[0]


def test_the_least_budget_reaches_the_target_and_a_little_less_does_not(read, make):
    settings = make.settings(bounds={"tv": (0.0, 5.0), "search": (0.0, 5.0)})
    at = optimise(read, make.settings()).levers
    within = valuation_of(read, at, outcome_measure(read.fit, at, within=True))
    start = target_objective(read, at, 0.0)
    usual = start.start + within.of_money(at.prices.today)
    target = float(np.quantile(usual, 0.6))
    found = least_budget(read, target, 0.5, settings)
    assert found.reached
    assert found.chance >= 0.5 - 2e-3
    assert 0 < found.budget < at.prices.today.sum() * 5
    assert found.cut == pytest.approx(found.today - found.budget)
    for factor, reaches in ((0.97, False), (1.03, True)):
        plan = optimise(
            read,
            make.settings(bounds=settings.bounds, budget=factor * found.budget,
                          objective="probability_of_target", target=target),
        )  # fmt: skip
        assert (plan.status.score >= 0.5) is reaches
    never = least_budget(read, 1e9, 0.5, settings)
    assert not never.reached
    assert never.chance == pytest.approx(0.0, abs=1e-9)
    always = least_budget(read, 1.0, 0.5, settings)
    assert always.reached
    assert always.budget == pytest.approx(0.0, abs=1e-6)
