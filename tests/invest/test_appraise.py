"""From a fit to its case: one response engine, the last unit of spending, and refusals."""

import json

import numpy as np
import pytest

from mmm.config import Finance
from mmm.errors import InputError
from mmm.inference.fit import load_fit, save_fit
from mmm.invest.appraise import appraise, investment_case, variable_cost
from mmm.invest.export import case_to_dict
from mmm.invest.valuation import present_value
from mmm.plan.forecast import incremental_value
from mmm.plan.scenario import as_is
from mmm.results.respond import response


@pytest.fixture(scope="module")
def appraisal(fitted):
    return appraise(response(fitted), as_is(fitted), fit_verdict="trusted")


def test_cash_is_read_from_the_response_engine(fitted, appraisal):
    plan = as_is(fitted)
    value = incremental_value(response(fitted), plan, 104)
    inflow = np.pad(0.4 * value, ((0, 0), (2, 0)))[:, :104]
    assert appraisal.cash.inflow == pytest.approx(inflow)
    assert appraisal.cash.cost[:8] == pytest.approx(plan.cost.sum(axis=1))
    assert appraisal.case.npv_draws == pytest.approx(present_value(appraisal.cash))


def test_a_case_lists_where_everything_comes_from(appraisal):
    rows = {row.name: row for row in appraisal.case.assumptions}
    assert {"margin", "plan 1", "effect of tv", "memory of the brand"} <= set(rows)
    assert all(row.source for row in rows.values())
    assert rows["effect of tv"].low < rows["effect of tv"].value < rows["effect of tv"].high
    names = {swing.name for swing in appraisal.case.tornado}
    assert {"margin", "horizon", "effect of tv", "memory of the brand", "cost"} <= names
    assert {row.priors for row in appraisal.case.prior_sensitivity} >= {"size of effects"}
    json.dumps(case_to_dict(appraisal.case), allow_nan=False)


def test_the_last_unit_of_a_straight_line_earns_what_the_average_does(make_fit):
    straight = {"role": "tactical", "saturation": "none"}
    fit = make_fit(({"name": "tv", **straight}, {"name": "search", **straight}))
    case = investment_case(fit, fit_verdict="trusted", finance=Finance(margin=0.5))
    assert case.marginal_npv_per_cost.mean == pytest.approx(case.npv_per_cost.mean, rel=1e-6)
    assert case.marginal_npv_per_cost.p05 == pytest.approx(case.npv_per_cost.p05, rel=1e-6)


def test_the_last_unit_is_the_change_of_the_whole(fitted, appraisal):
    from dataclasses import replace

    plan, step = as_is(fitted), 1e-4
    read = response(fitted)
    up, down = (
        incremental_value(read, replace(plan, media=f * plan.media, spend=f * plan.spend), 104).sum(
            axis=1
        )
        for f in (1 + step, 1 - step)
    )
    ours = appraisal.worth.last.value[:, :104].sum(axis=1)
    assert ours == pytest.approx((up - down) / (2 * step), rel=5e-3)


def test_fixed_cost_is_no_part_of_the_last_unit(fitted):
    plan = as_is(fitted)
    spend = plan.spend.sum(axis=1)
    expected = 1.1 * spend[:, 0] + spend[:, 1]
    assert variable_cost(fitted, plan) == pytest.approx(expected)
    assert plan.cost.sum(axis=1) == pytest.approx(expected + 200.0)


def test_customers_are_counted_by_the_outcome(make_fit):
    fit = make_fit(kind="customers")
    stated = {"retention": 0.9, "orders_per_period": 0.1}
    finance = Finance(margin=0.4, horizon=52, customers=stated)
    found = appraise(response(fit), as_is(fit), fit_verdict="trusted", finance=finance)
    assert found.worth.whole.units == pytest.approx(found.worth.whole.value / 2.0)
    reading = found.case.customers
    # worth of one: its first order of 2, and 0.2 a period at 90 %, times the margin
    assert reading.lifetime_value.mean == pytest.approx(0.4 * (2.0 + 0.2 * 9))


@pytest.mark.parametrize(
    ("finance", "where"),
    [
        ({"horizon": 5}, "finance.horizon"),
        ({"currency": "USD"}, "finance.currency"),
        ({"horizon": 13, "payment_delay": 13}, "finance.payment_delay"),
        ({"horizon": 13, "payment_delay": 12, "collection": (0, 1.0)}, "finance.collection"),
        ({"payment_delay": 200}, "finance.payment_delay"),
    ],
)
def test_refusals_name_the_field(fitted, finance, where):
    with pytest.raises(InputError) as refused:
        investment_case(fitted, fit_verdict="trusted", finance=Finance(**finance))
    assert refused.value.findings[0].where == where


def test_a_case_without_a_margin_asks_for_one_whatever_is_moved(fitted):
    none, stated = (
        investment_case(fitted, fit_verdict="trusted", finance=Finance(**block))
        for block in ({"hurdle": -1.0}, {"hurdle": -1.0, "margin": 1.0})
    )
    assert stated.decision.verdict == "invest" and none.npv == stated.npv
    assert none.decision.verdict == "state a margin first"
    assert {swing.verdict_low for swing in none.tornado} == {"state a margin first"}
    assert {row.verdict for row in none.prior_sensitivity} == {"state a margin first"}


def test_amounts_are_in_their_currency(fitted):
    film = {"name": "film", "amount": 100.0}
    finance = Finance(margin=0.4, test_cost=5.0, costs=[film])
    case = investment_case(fitted, fit_verdict="trusted", finance=finance)
    units = {row.name: row.unit for row in (*case.assumptions, *case.tornado)}
    assert units["test_cost"] == units["cost"] == "EUR"
    assert units["cost: film"].startswith("EUR (other")
    assert not any(unit.startswith("money") for unit in units.values())


def test_the_shortest_horizon_that_works_works(fitted):
    finance = Finance(horizon=14, payment_delay=12, collection=(0, 0.5, 0.5))
    case = investment_case(fitted, fit_verdict="trusted", finance=finance)
    assert case.inflow_past_horizon.mean > 0 and np.isfinite(case.break_even_margin.expected)


def test_a_saved_fit_gives_the_same_case(fitted, appraisal, tmp_path):
    read = load_fit(save_fit(fitted, tmp_path / "fit.nc"))
    again = investment_case(read, fit_verdict="trusted")
    assert json.dumps(case_to_dict(again)) == json.dumps(case_to_dict(appraisal.case))
    assert read.study.finance.model_fields_set == fitted.study.finance.model_fields_set
