"""What a unit sold or spent is worth, against the cash flow itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.cash.cashflow import cash_flow
from mmm.cash.worth import profit_before_tax, unit_worth
from mmm.config.finance import Finance

PERIODS = 40
DATES = pd.date_range("2026-01-05", periods=PERIODS, freq="W-MON")
YEAR = 52.18
RICH = {
    "margin": 0.4,
    "discount_curve": ((0.1, 0.05), (0.5, 0.2)),
    "payment_delay": 2,
    "collection": (0.5, 0.3, 0.2),
    "bad_debt": 0.05,
    "cost_delay": 3,
    "customers": {"retention": 0.9, "orders_per_period": 0.1, "order_value": 20.0},
}


def test_without_delays_it_is_the_margin_discounted():
    found = unit_worth(Finance(margin=0.4, discount_rate=0.1, repeat_value=0.5), DATES, YEAR)
    factor = 1.1 ** (-np.arange(PERIODS) / YEAR)
    np.testing.assert_allclose(found.sold, 0.6 * factor, rtol=1e-12)
    np.testing.assert_allclose(found.paid, factor, rtol=1e-12)


def test_what_comes_after_the_horizon_counts_nothing_and_what_is_owed_all():
    found = unit_worth(Finance(payment_delay=3, cost_delay=1, discount_rate=0.1), DATES, YEAR)
    factor = 1.1 ** (-np.arange(PERIODS) / YEAR)
    np.testing.assert_allclose(found.sold, np.r_[factor[3:], np.zeros(3)], rtol=1e-12)
    np.testing.assert_allclose(found.paid, np.r_[factor[1:], factor[-1]], rtol=1e-12)


@given(
    value=st.lists(st.floats(-50, 200), min_size=PERIODS, max_size=PERIODS),
    keep=st.floats(0.05, 0.97),
    delay=st.integers(0, 45),
)
@settings(max_examples=25, deadline=None)
def test_any_plan_is_worth_what_its_cash_flow_is(value, keep, delay):
    customers = RICH["customers"] | {"retention": keep}
    finance = Finance(**RICH | {"customers": customers, "cost_delay": delay}, horizon=PERIODS)
    cost = np.linspace(5.0, 9.0, 13)
    flow = cash_flow([value], cost, DATES, finance, YEAR)
    found = unit_worth(finance, DATES, YEAR)
    plain = np.array(value) @ found.sold - cost @ found.paid[:13]
    size = np.abs(value) @ np.abs(found.sold) + cost.sum()
    assert plain == pytest.approx(profit_before_tax(flow)[0], abs=1e-9 * size)


def test_customers_that_are_counted_bring_their_price_and_stay():
    stated = {"retention": 0.8, "value_per_period": 3.0}
    finance = Finance(margin=0.5, customers=stated, horizon=PERIODS)
    found = unit_worth(finance, DATES, YEAR, price=10.0)
    units = np.linspace(1.0, 4.0, PERIODS)[None]
    flow = cash_flow(10.0 * units, [0.0], DATES, finance, YEAR, units=units)
    assert (10.0 * units[0]) @ found.sold == pytest.approx(profit_before_tax(flow)[0], rel=1e-12)


def test_intervals_are_drawn_as_a_cash_flow_draws_them():
    finance = Finance(
        margin=(0.3, 0.5),
        customers={"retention": (0.8, 0.95), "orders_per_period": 0.1, "order_value": 20.0},
        horizon=PERIODS,
    )
    found = unit_worth(finance, DATES, YEAR, draws=50, seed=4)
    value = np.random.default_rng(1).uniform(1.0, 10.0, (50, PERIODS))
    flow = cash_flow(value, [0.0], DATES, finance, YEAR, seed=4)
    by_draw = (value * found.by_draw) @ found.sold
    np.testing.assert_allclose(by_draw, profit_before_tax(flow), rtol=1e-12)
    np.testing.assert_allclose(found.by_draw.mean(axis=0), 1.0)
