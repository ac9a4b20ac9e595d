"""Cash flows: delay, horizon, tax and refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm.config.finance import Finance
from mmm.errors import InputError
from mmm.invest.assumptions import Source, finance_assumptions
from mmm.invest.cashflow import cash_flow, cashflow_frame
from mmm.invest.value import npv

PERIODS = 12
COLUMNS = [
    "period",
    "date",
    "cost",
    "inflow_mean",
    "inflow_p05",
    "inflow_p50",
    "inflow_p95",
    "tax_mean",
    "net_mean",
    "net_p05",
    "net_p50",
    "net_p95",
    "cumulative_mean",
    "cumulative_p05",
    "cumulative_p50",
    "cumulative_p95",
    "discount_factor",
]


def dates(periods=PERIODS):
    return pd.date_range("2026-01-05", periods=periods, freq="W-MON")


def worth(seed=0, draws=30, periods=PERIODS):
    return np.random.default_rng(seed).normal(200, 60, (draws, periods))


def build(finance, value=None, cost=(100.0, 80.0, 60.0)):
    value = worth() if value is None else value
    return cash_flow(value, cost, dates(value.shape[1]), finance, 52.18)


def test_by_hand():
    finance = Finance(
        margin=0.5, repeat_value=0.2, tax_rate=0.25, payment_delay=1, discount_rate=0.1
    )
    cash = cash_flow([[100.0, 50.0, 10.0]], [40.0], dates(3), finance, 1.0)
    assert cash.cost.tolist() == [40, 0, 0]
    assert cash.inflow[0] == pytest.approx([0, 60, 30])
    assert cash.tax[0] == pytest.approx([-10, 15, 7.5])
    assert cash.net[0] == pytest.approx([-30, 45, 22.5])
    assert cash.discount_factor == pytest.approx([1, 1 / 1.1, 1 / 1.21])
    assert cash.inflow_past_horizon == pytest.approx([6])
    assert cash.outcome_value == pytest.approx([160])
    assert cash.present_cost == 40
    assert cash.present_inflow == pytest.approx([60 / 1.1 + 30 / 1.21])


@given(st.integers(0, 20))
def test_delay_shifts_exactly_and_loses_nothing_unsaid(delay):
    at_once = build(Finance(margin=0.4))
    late = build(Finance(margin=0.4, payment_delay=delay))
    kept = max(PERIODS - delay, 0)
    assert (late.inflow[:, : PERIODS - kept] == 0).all()
    assert (late.inflow[:, PERIODS - kept :] == at_once.inflow[:, :kept]).all()
    assert (late.cost == at_once.cost).all()
    total = late.inflow.sum(axis=1) + late.inflow_past_horizon
    assert total == pytest.approx(at_once.inflow.sum(axis=1))


@given(st.integers(1, 20), st.integers(0, 3))
def test_horizon_truncates_exactly(horizon, delay):
    settings = {"margin": 0.4, "tax_rate": 0.2, "discount_rate": 0.08, "payment_delay": delay}
    whole = build(Finance(**settings, horizon=1000))
    cut = build(Finance(**settings, horizon=horizon))
    kept = min(horizon, PERIODS)
    assert cut.periods == kept == len(cut.dates)
    for name in ("inflow", "tax", "net"):
        assert (getattr(cut, name) == getattr(whole, name)[:, :kept]).all()
    assert (cut.cost == whole.cost[:kept]).all()
    assert (cut.discount_factor == whole.discount_factor[:kept]).all()
    assert cut.cost_past_horizon + cut.cost.sum() == pytest.approx(240)
    lost = whole.inflow[:, kept:].sum(axis=1) + whole.inflow_past_horizon
    assert cut.inflow_past_horizon == pytest.approx(lost)


@given(st.floats(0, 0.9), st.integers(0, 4))
def test_tax_takes_its_share_of_npv(tax, delay):
    settings = {"margin": 0.4, "discount_rate": 0.1, "payment_delay": delay}
    free, taxed = build(Finance(**settings)), build(Finance(**settings, tax_rate=tax))
    before = npv(free.net, free.rate_per_period)
    assert npv(taxed.net, taxed.rate_per_period) == pytest.approx((1 - tax) * before, rel=1e-9)


def test_repeat_value_adds_to_inflow_alone():
    plain, repeat = build(Finance()), build(Finance(repeat_value=0.5))
    assert repeat.inflow == pytest.approx(1.5 * plain.inflow)
    assert (repeat.outcome_value == plain.outcome_value).all()


def test_frame_has_the_contracted_columns_and_adds_up():
    cash = build(Finance(margin=0.4, tax_rate=0.25, payment_delay=2, discount_rate=0.09))
    frame = cashflow_frame(cash)
    assert list(frame.columns) == COLUMNS
    assert frame["period"].tolist() == list(range(PERIODS))
    assert (frame["date"] == dates()).all()
    net = frame["inflow_mean"] - frame["cost"] - frame["tax_mean"]
    assert frame["net_mean"].to_numpy() == pytest.approx(net.to_numpy())
    assert frame["cumulative_mean"].to_numpy() == pytest.approx(net.cumsum().to_numpy())
    last = np.cumsum(cash.net, axis=1)[:, -1]
    assert frame["cumulative_p05"].iloc[-1] == pytest.approx(np.quantile(last, 0.05))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"incremental_value": [1.0, 2.0]}, "incremental_value"),
        ({"incremental_value": [[1.0, np.nan]]}, "incremental_value"),
        ({"incremental_value": np.empty((0, 2))}, "incremental_value"),
        ({"cost": [1.0, -1.0]}, "cost"),
        ({"cost": [np.inf]}, "cost"),
        ({"cost": [1.0, 1.0, 1.0]}, "cost"),
        ({"cost": 5.0}, "cost"),
        ({"dates": dates(3)}, "dates"),
        ({"dates": dates(2)[::-1]}, "dates"),
        ({"dates": pd.DatetimeIndex(["2026-01-05", "2026-01-05"])}, "dates"),
        ({"dates": pd.DatetimeIndex(["2026-01-05", None])}, "dates"),
        ({"periods_per_year": 0.0}, "periods_per_year"),
        ({"periods_per_year": np.nan}, "periods_per_year"),
    ],
)
def test_refusals_name_the_argument(changes, name):
    given_ = {
        "incremental_value": [[1.0, 2.0]],
        "cost": [1.0],
        "dates": dates(2),
        "finance": Finance(),
        "periods_per_year": 52.18,
    }
    with pytest.raises(InputError) as refused:
        cash_flow(**(given_ | changes))
    assert refused.value.findings[0].where == name


def test_assumptions_say_who_set_them():
    finance = Finance(margin=0.4, hurdle=0.0).settled(52.1775)
    rows = {row.name: row for row in finance_assumptions(finance)}
    assert list(rows) == list(Finance.model_fields)
    assert rows["margin"].source is rows["hurdle"].source is Source.FINANCE
    assert rows["horizon"].source is Source.DEFAULT
    assert (rows["horizon"].value, rows["horizon"].unit) == (156, "periods")
    assert rows["currency"].value == "not stated"
