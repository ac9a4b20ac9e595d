"""A plan's profit and a case's net present value are the same cash."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.config.finance import Finance
from mmm.invest.appraise import plan_worth
from mmm.invest.valuation import present_value
from mmm.plan.compare import outlook
from mmm.plan.levers import levers
from mmm.plan.money import prices, spending
from mmm.plan.optimise import optimise
from mmm.plan.profit import profit_findings
from mmm.plan.target import valuation_of
from mmm.plan.worth import profit_measure

RICH = {
    "margin": 0.4,
    "discount_rate": 0.1,
    "payment_delay": 2,
    "collection": (0.6, 0.4),
    "bad_debt": 0.02,
    "cost_delay": 1,
    "customers": {"retention": 0.9, "orders_per_period": 0.1, "order_value": 20.0},
    "horizon": 40,
}
CURVE = {"discount_rate": 0.0, "discount_curve": ((0.1, 0.05), (0.5, 0.2))}
UNCERTAIN = {
    "margin": (0.3, 0.5),
    "customers": {"retention": (0.8, 0.95), "orders_per_period": 0.1, "order_value": 20.0},
}


def case_value(read, scenario):
    """Net present value by draw of `scenario` as the case has it, without tax."""
    finance = read.fit.study.finance.settled(read.fit.panel.periods_per_year)
    finance = finance.model_copy(update={"costs": ()})
    return present_value(plan_worth(read, scenario, finance).cash(finance))


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
@pytest.mark.parametrize("change", [{}, CURVE, {"cost_delay": 500}], ids=["rate", "curve", "owed"])
def test_the_optimiser_counts_what_the_case_does(make, likelihood, change):
    read = make.response(finance=RICH | change, likelihood=likelihood)
    made = levers(prices(read.fit), blocks=2)
    z = 1.3 * made.decisions(made.prices.today)
    plan = spending(made.prices, made.money(z), "plan")
    valuation = valuation_of(read, made, profit_measure(read, made))
    expected = case_value(read, plan)
    np.testing.assert_allclose(valuation.values(z)[0], expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(outlook(read, plan).profit, expected, rtol=1e-9)


def test_uncertain_finance_is_in_the_profit_of_a_plan_as_in_the_case(make):
    read = make.response(finance=RICH | UNCERTAIN, draws=200)
    found = optimise(read, make.settings(objective="expected_profit"))
    np.testing.assert_allclose(found.profit, case_value(read, found.plan), rtol=1e-8)
    np.testing.assert_allclose(found.profit_today, case_value(read, found.today), rtol=1e-8)
    assert found.status.score == pytest.approx(found.profit.mean())


def test_retention_moves_the_best_plan_to_what_wins_early(make):
    # a short horizon leaves later sales no time for later purchases
    finance = {"margin": 0.4, "horizon": 8}
    stay = {"retention": 0.97, "orders_per_period": 0.5, "order_value": 1.0}
    start, later = (
        optimise(make.response(finance=finance | extra), make.settings())
        for extra in ({"customers": stay}, {})
    )
    when = np.arange(len(later.money))
    first, second = (
        (one.money.sum(axis=(1, 2)) @ when) / one.money.sum() for one in (start, later)
    )
    assert first < second


def test_costs_that_every_plan_has_are_named(make):
    lines = [{"name": "film", "amount": 300.0}, {"name": "team", "amount": 700.0}]
    fit = make.fit(finance=Finance(margin=0.4, costs=lines))
    assert "film, team (1,000 in all)" in profit_findings(fit)[0].message
    assert profit_findings(make.fit()) == ()
