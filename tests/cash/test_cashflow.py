"""Cash flows: delay, horizon, tax and refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.cash.cashflow import cash_flow, cashflow_frame
from mmm.cash.value import npv
from mmm.config.finance import Finance
from mmm.errors import InputError

quiet = settings(max_examples=50, deadline=None)

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


@quiet
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


@quiet
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


@quiet
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


@quiet
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=5), st.integers(0, 3))
def test_a_collection_profile_is_a_mixture_of_delays(parts, delay):
    parts = tuple(part / sum(parts) for part in parts)
    mixed = build(Finance(margin=0.4, payment_delay=delay, collection=parts))
    alone = [build(Finance(margin=0.4, payment_delay=delay + n)) for n in range(len(parts))]
    inflow = sum(part * one.inflow for part, one in zip(parts, alone, strict=True))
    assert mixed.inflow == pytest.approx(inflow)
    late = sum(part * one.inflow_past_horizon for part, one in zip(parts, alone, strict=True))
    assert mixed.inflow_past_horizon == pytest.approx(late, abs=1e-9)


def test_bad_debt_is_never_received():
    whole, less = build(Finance(margin=0.4)), build(Finance(margin=0.4, bad_debt=0.1))
    assert less.inflow == pytest.approx(0.9 * whole.inflow)


@quiet
@given(st.integers(0, 15))
def test_suppliers_are_paid_late_exactly(delay):
    at_once, late = build(Finance()), build(Finance(cost_delay=delay))
    kept = max(PERIODS - 1 - delay, 0)  # paid before the last period
    assert (late.cost[PERIODS - 1 - kept : -1] == at_once.cost[:kept]).all()
    assert (late.cost[: PERIODS - 1 - kept] == 0).all()
    assert late.cost[-1] == pytest.approx(at_once.cost[kept:].sum())
    assert late.cost_past_horizon == 0


@quiet
@given(st.floats(0, 1), st.floats(0.1, 5))
def test_a_flat_curve_is_a_rate(rate, years):
    flat = build(Finance(margin=0.4, discount_rate=rate))
    curve = build(Finance(margin=0.4, discount_curve=((0.0, rate), (years, rate))))
    assert curve.discount_factor == pytest.approx(flat.discount_factor, rel=1e-12)
    assert np.isnan(curve.rate_per_period)


def test_a_curve_is_straight_between_its_points():
    finance = Finance(horizon=6, discount_curve=((1.0, 0.02), (3.0, 0.06)))
    cash = cash_flow(
        np.ones((2, 6)), [1.0], pd.date_range("2026", periods=6, freq="YS"), finance, 1
    )
    rates = [0.02, 0.02, 0.04, 0.06, 0.06, 0.06]
    expected = [(1 + rate) ** -t for t, rate in enumerate(rates)]
    assert cash.discount_factor == pytest.approx(expected, rel=1e-12)


@quiet
@given(st.floats(1e-3, 1e3))
def test_the_currency_changes_no_rate(scale):
    settings = {"margin": 0.4, "tax_rate": 0.2, "discount_rate": 0.1}
    ours = build(Finance(**settings))
    theirs = build(Finance(**settings), scale * worth(), scale * np.array([100.0, 80.0, 60.0]))
    assert theirs.net == pytest.approx(scale * ours.net)
    assert theirs.present_inflow / theirs.present_cost == pytest.approx(
        ours.present_inflow / ours.present_cost
    )


def test_tax_on_written_off_production_comes_back_later():
    film = {"name": "film", "amount": 120.0, "kind": "production", "periods": 12}
    finance = Finance(margin=0.4, tax_rate=0.25, discount_rate=0.2, costs=[film])
    cash, plain = build(finance), build(finance.model_copy(update={"costs": ()}))
    extra = plain.net - cash.net
    expected = np.full(PERIODS, -0.25 * 10.0) + 120.0 * (np.arange(PERIODS) == 0)
    assert extra == pytest.approx(np.tile(expected, (30, 1)))
    # NPV is zero where the discounted inflow before tax is the burden
    assert (1 - 0.25) * cash.burden == pytest.approx(
        cash.present_cost - 0.25 * cash.written_off @ cash.discount_factor
    )
    assert npv(cash.net, cash.rate_per_period) == pytest.approx(
        0.75 * (cash.present_inflow - cash.burden)
    )


@quiet
@given(st.integers(1, PERIODS), st.integers(0, 20), st.floats(0, 0.9))
def test_paying_late_gains_the_discount_and_nothing_else(horizon, delay, tax):
    stated = {"margin": 0.4, "tax_rate": tax, "horizon": horizon}
    at_once, late = build(Finance(**stated)), build(Finance(**stated, cost_delay=delay))
    assert late.net.sum(axis=1) == pytest.approx(at_once.net.sum(axis=1), abs=1e-9)
    assert late.cost_past_horizon == at_once.cost_past_horizon


@quiet
@given(st.integers(1, PERIODS), st.integers(0, 20))
def test_what_is_owed_is_what_a_shorter_horizon_pays_in_its_last_period(cut, delay):
    lines = [
        {"name": "film", "amount": 90.0, "kind": "production", "periods": 8},
        {"name": "team", "amount": 60.0, "kind": "people", "periods": 6, "start": "2026-01-20"},
    ]
    stated = {"margin": 0.4, "tax_rate": 0.25, "cost_delay": delay, "costs": lines}
    whole, short = build(Finance(**stated)), build(Finance(**stated, horizon=cut))
    ended = whole.net[:, :cut].sum(axis=1) - whole.owed[cut - 1]
    assert short.net.sum(axis=1) == pytest.approx(ended, abs=1e-9)
    assert whole.owed[-1] == pytest.approx(0, abs=1e-9)
