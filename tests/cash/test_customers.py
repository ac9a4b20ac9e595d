"""Retention and lifetime value against closed forms, and readings of the company."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.cash.cashflow import cash_flow
from mmm.cash.customers import expected_stay, retained
from mmm.cash.value import npv, per_period_rate
from mmm.config.finance import Finance
from mmm.errors import InputError
from mmm.invest.company import company_readings, customer_reading

quiet = settings(max_examples=50, deadline=None)

LONG = 1200


def flow(finance, value, cost=(100.0,), units=None, per_year=52.18):
    dates = pd.date_range("2026-01-05", periods=value.shape[1], freq="W-MON")
    return cash_flow(value, cost, dates, finance, per_year, units=units)


def customers(**changes):
    stated = {"retention": 0.9, "orders_per_period": 0.25, "order_value": 40.0}
    return {name: item for name, item in (stated | changes).items() if item is not None}


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 0.98), st.floats(0, 0.5), st.floats(0.1, 1))
def test_lifetime_value_is_the_npv_of_the_dated_cash(retention, rate, margin):
    finance = Finance(
        margin=margin, discount_rate=rate, horizon=LONG, customers=customers(retention=retention)
    )
    value = np.zeros((1, LONG))
    value[0, 0] = 40.0  # one order, one customer
    cash = flow(finance, value, per_year=4.0)
    weekly = per_period_rate(rate, 4.0)
    closed = margin * 40.0 * (1 + 0.25 * retention / (1 + weekly - retention))
    assert npv(cash.inflow, weekly)[0] == pytest.approx(closed, rel=1e-9)
    reading = customer_reading(cash)
    assert reading.lifetime_value.mean == pytest.approx(closed, rel=1e-9)
    assert reading.won.mean == pytest.approx(1.0)
    assert reading.cost_per_customer.expected == pytest.approx(100.0)
    assert reading.value_to_cost.mean == pytest.approx(closed / 100.0)


@quiet
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_retained_customers_are_a_sum_of_geometric_cohorts(seed, periods):
    generator = np.random.default_rng(seed)
    won, keep = generator.normal(size=(3, periods)), generator.uniform(0, 1, 3)
    there = retained(won, keep)
    for t in range(periods + 1):
        cohorts = sum(won[:, s] * keep ** (t - s) for s in range(min(t, periods)))
        assert there[:, t] == pytest.approx(cohorts, abs=1e-9) if t else (there[:, 0] == 0).all()


@quiet
@given(st.integers(1, 40), st.floats(0.2, 0.95))
def test_what_the_horizon_leaves_out_is_said_exactly(horizon, retention):
    value = np.random.default_rng(1).normal(200, 40, (5, 12))
    stated = customers(retention=retention)
    cut = flow(Finance(margin=0.4, horizon=horizon, customers=stated), value)
    total = 0.4 * value.sum(axis=1) * (1 + 0.25 * retention / (1 - retention))
    assert cut.inflow.sum(axis=1) + cut.inflow_past_horizon == pytest.approx(total)


def test_customers_that_are_counted_need_no_order_value():
    value, units = np.full((2, 5), 90.0), np.full((2, 5), 3.0)
    stated = customers(order_value=None, acquisition_share=0.5)
    base = flow(Finance(customers=stated), value, units=units).customers
    assert base.won == pytest.approx(np.full((2, 5), 1.5))
    assert base.first_value == pytest.approx([30.0, 30.0])
    assert base.period_value == pytest.approx([7.5, 7.5])
    with pytest.raises(InputError, match="order_value"):
        flow(Finance(customers=stated), value)
    with pytest.raises(InputError, match="units"):
        flow(Finance(customers=stated), value, units=units[:, :3])


def test_churn_is_what_retention_leaves_and_value_per_period_is_orders_times_value():
    value = np.full((2, 30), 80.0)
    ours = flow(Finance(customers=customers()), value)
    theirs = customers(retention=None, churn=0.1, orders_per_period=None, value_per_period=10.0)
    assert flow(Finance(customers=theirs), value).inflow == pytest.approx(ours.inflow)


@quiet
@given(st.floats(0.05, 0.99), st.floats(0, 0.3))
def test_stay_under_a_flat_curve_is_the_closed_form(retention, rate):
    keep = np.array([retention])
    curve = Finance(discount_curve=((0.5, rate), (3.0, rate)))
    flat = Finance(discount_rate=rate)
    assert expected_stay(keep, curve, 12.0) == pytest.approx(expected_stay(keep, flat, 12.0))


def test_stay_under_a_curve_is_the_sum():
    finance = Finance(discount_curve=((1.0, 0.02), (3.0, 0.08)))
    steps = np.arange(1, 3000)
    rates = np.interp(steps / 4.0, [1.0, 3.0], [0.02, 0.08])
    total = (0.97**steps * (1 + rates) ** (-steps / 4.0)).sum()
    assert expected_stay(np.array([0.97]), finance, 4.0)[0] == pytest.approx(total, rel=1e-9)


COMPANY = {
    "revenue": 12e6,
    "previous_revenue": 10e6,
    "sales_and_marketing": 2e6,
    "new_customers": 40_000,
    "customers": 100_000,
    "market_value": 60e6,
    "replacement_cost": 40e6,
}


@pytest.mark.parametrize(
    ("npv", "says"),
    [
        (1.0, "worth 2.50% more."),
        (-1.0, "worth 2.50% less."),
        (4e5, "NPV is 10,000.0 times the company's whole market value: see that 'finance.company"),
        (-80.0, "NPV is 2.0 times"),
    ],
)
def test_what_the_plan_adds_to_the_market_value(npv, says):
    company = {"market_value": 40.0, "replacement_cost": 30.0}
    cash = flow(Finance(margin=0.5, horizon=60, company=company), np.full((4, 60), 80.0))
    assert says in company_readings(cash, np.full(4, npv))[1].words


def readings(**company):
    value = np.full((4, 60), 80.0)
    finance = Finance(margin=0.5, horizon=60, customers=customers(), company=company)
    cash = flow(finance, value)
    return {row.name: row for row in company_readings(cash, np.zeros(4))}


def test_company_readings_by_hand():
    rows = readings(**COMPANY)
    assert rows["Cost of acquiring a customer, whole company"].value == pytest.approx(50.0)
    # one customer: 40 at once and 10 a period at 90 % retention, half of it contribution
    worth = 0.5 * (40 + 10 * 0.9 / 0.1)
    assert rows["Lifetime value over cost of acquiring a customer"].value == pytest.approx(
        worth / 50
    )
    assert rows["Sales-and-marketing efficiency"].value == pytest.approx(1.0)
    assert rows["Customer equity"].value == pytest.approx(1e5 * 0.5 * 10 * 9)
    assert "8% of the market value" in rows["Customer equity"].words
    q = rows["Tobin's q"]
    assert q.value == pytest.approx(1.5) and "more" in q.words and "Tobin" in q.source


@pytest.mark.parametrize(
    ("market", "says"), [(60e6, "pays more"), (20e6, "pays less"), (40e6, "pays what")]
)
def test_q_above_one_means_that_the_market_pays_more_than_replacement(market, says):
    rows = readings(market_value=market, replacement_cost=40e6)
    assert says in rows["Tobin's q"].words
    assert set(rows) == {"Tobin's q", "NPV of this plan over market value"}


def test_a_quarter_counts_four_times_and_the_spending_before_it():
    rows = readings(
        period="quarter",
        revenue=3.2e6,
        previous_revenue=3e6,
        sales_and_marketing=9e5,
        previous_sales_and_marketing=8e5,
    )
    assert rows["Sales-and-marketing efficiency"].value == pytest.approx(1.0)


def test_no_figures_no_readings():
    assert readings() == {}
