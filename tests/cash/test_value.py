"""Present values, payback and risk against closed forms and two libraries."""

import numpy as np
import numpy_financial as npf
import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.cash import value
from mmm.errors import InputError

quiet = settings(max_examples=50, deadline=None)

money = st.floats(-1e6, 1e6, allow_subnormal=False)
flows = st.lists(money, min_size=1, max_size=30)
rates = st.floats(-0.5, 2.0)


@quiet
@given(flows)
def test_npv_at_no_interest_is_the_sum(cash):
    assert value.npv(cash, 0.0) == pytest.approx(sum(cash), abs=1e-6)


@quiet
@given(flows, rates)
def test_npv_agrees_with_numpy_financial(cash, rate):
    scale = sum(abs(c) * (1 + rate) ** -t for t, c in enumerate(cash))
    assert abs(value.npv(cash, rate) - npf.npv(rate, cash)) <= 1e-9 * max(scale, 1e-300)


@quiet
@given(st.integers(1, 400), st.floats(1e-4, 0.5), st.floats(1, 1e5))
def test_npv_of_an_annuity_due(periods, rate, payment):
    closed = payment * (1 - (1 + rate) ** -periods) / rate * (1 + rate)
    assert value.npv(np.full(periods, payment), rate) == pytest.approx(closed, rel=1e-9)


@quiet
@given(st.lists(money, min_size=2, max_size=30), rates, st.integers(0, 2**32 - 1))
def test_present_values_agree_with_pyxirr(cash, rate, seed):
    days = np.cumsum(np.random.default_rng(seed).integers(1, 400, len(cash)))
    dates = np.datetime64("2020-02-29") + days
    years = (days - days[0]) / 365
    scale = sum(abs(c) * (1 + rate) ** -t for c, t in zip(cash, years, strict=True))
    theirs = pyxirr.xnpv(rate, dates.astype(object), cash)
    assert abs(value.xnpv(cash, dates, rate) - theirs) <= 1e-9 * max(scale, 1e-300)
    even = sum(abs(c) * (1 + rate) ** -t for t, c in enumerate(cash))
    assert abs(value.npv(cash, rate) - pyxirr.npv(rate, cash)) <= 1e-9 * max(even, 1e-300)


@quiet
@given(st.lists(st.floats(0, 0.6), min_size=1, max_size=6), st.integers(1, 60))
def test_a_curve_discounts_by_its_own_rate_at_its_points(zero_rates, last):
    years = np.linspace(0.25, last, len(zero_rates)) if len(zero_rates) > 1 else np.array([last])
    factors = value.curve_factors(np.stack([years, zero_rates], axis=1), years)
    assert factors == pytest.approx((1 + np.array(zero_rates)) ** -years)


def test_npv_takes_draws_row_by_row():
    cash = np.array([[-100.0, 60, 70], [-50, 0, 10]])
    assert value.npv(cash, 0.1).tolist() == [value.npv(row, 0.1) for row in cash]


def test_the_yearly_rate_compounds_back():
    weekly = value.per_period_rate(0.09, 52.18)
    assert (1 + weekly) ** 52.18 == pytest.approx(1.09, rel=1e-12)
    assert value.yearly_rate(weekly, 52.18) == pytest.approx(0.09, rel=1e-12)
    assert value.yearly_rate(1e300, 52.18) == np.inf


def test_xnpv_of_the_spreadsheet_manual():
    # Microsoft's documented example of XNPV, 2,086.65
    cash = [-10000, 2750, 4250, 3250, 2750]
    dates = ["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"]
    assert value.xnpv(cash, dates, 0.09) == pytest.approx(2086.6476, abs=1e-3)


def test_xnpv_on_whole_years_is_npv():
    cash = [-100.0, 60, 70]
    dates = ["2021-01-01", "2022-01-01", "2023-01-01"]
    assert value.xnpv(cash, dates, 0.1) == pytest.approx(value.npv(cash, 0.1), rel=1e-12)


@pytest.mark.parametrize(
    ("cash", "expected"),
    [
        ([-100, 50, 50, 10], 2),
        ([-100, 40, 40, 40], 3),
        ([-100, 150, -100, 60], 3),
        ([10, 10], 0),
        ([0, 0], 0),
        ([-100, 99], np.nan),
        ([-100, 150, -60], np.nan),
        ([-0.3, 0.1, 0.1, 0.1], 3),
    ],
)
def test_payback_is_when_the_money_is_back_for_good(cash, expected):
    assert value.payback(cash) == pytest.approx(expected, nan_ok=True)
    both = value.payback(np.array([cash, cash]))
    assert both == pytest.approx([expected, expected], nan_ok=True)


@quiet
@given(st.floats(1, 1e4), st.integers(1, 40), st.floats(0.001, 0.2))
def test_discounted_payback_of_a_level_income(income, years, rate):
    # the price of an n-year annuity is paid back in n years exactly; a shade less, no later
    price = income * (1 - (1 + rate) ** -years) / rate
    cash = np.r_[-price * (1 - 1e-9), np.full(years + 5, income)]
    assert value.discounted_payback(cash, rate) == years
    cash[0] = -price * (1 + 1e-9)
    assert value.discounted_payback(cash, rate) == years + 1


@quiet
@given(st.lists(st.floats(-1e3, 1e3).filter(lambda c: abs(c) > 1e-3), min_size=2, max_size=20))
def test_discounted_payback_exists_where_the_npv_is_not_negative(cash):
    npv = float(value.npv(cash, 0.05))
    if abs(npv) > 1e-6:
        assert np.isfinite(value.discounted_payback(cash, 0.05)) == (npv > 0)


def test_peak_funding():
    assert value.peak_funding([-100, 30, -50, 200]) == 120
    assert value.peak_funding([5, -3]) == 0
    assert value.peak_funding([[-1.0, 2], [-4, 1]]).tolist() == [1, 4]


def test_probability_of_loss_counts_only_losses():
    assert value.probability_of_loss([-1.0, 0, 1, 2]) == 0.25


@quiet
@given(st.lists(money, min_size=1, max_size=300), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_cvar_is_the_mean_of_the_sorted_tail(draws, level):
    worst = sorted(draws)[: max(1, -(-len(draws) * round((1 - level) * 100) // 100))]
    found = value.conditional_value_at_risk(draws, level)
    assert found == pytest.approx(np.mean(worst), rel=1e-9, abs=1e-6)
    assert found <= value.value_at_risk(draws, level) + 1e-6


def test_value_at_risk_is_the_quantile():
    assert value.value_at_risk(np.arange(101.0), 0.95) == pytest.approx(5.0)


@quiet
@given(st.floats(0.1, 10), st.floats(0.05, 1), st.floats(0, 0.05), st.integers(0, 8))
def test_break_even_sets_npv_to_zero(roi, margin, rate, delay):
    factors = value.discount_factors(rate, 10)
    inflow, cost = roi * 100 * margin * factors[delay], 100.0
    needed = value.break_even_roi(roi, inflow, cost)
    assert needed * 100 * margin * factors[delay] == pytest.approx(cost, rel=1e-12)
    margin_needed = value.break_even_margin(margin, inflow, cost)
    assert roi * 100 * margin_needed * factors[delay] == pytest.approx(cost, rel=1e-12)


def test_nothing_breaks_even_without_inflow():
    assert np.isnan(value.break_even_roi([0.0, -1.0], [0.0, -5.0], 10.0)).all()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: value.npv([1, np.nan], 0.1), "cash"),
        (lambda: value.npv([], 0.1), "cash"),
        (lambda: value.npv([1, 2], -1.0), "rate"),
        (lambda: value.npv([1, 2], np.inf), "rate"),
        (lambda: value.xnpv([1, 2], ["2020-01-01"], 0.1), "dates"),
        (lambda: value.xnpv([1, 2], ["2020-01-01", "NaT"], 0.1), "dates"),
        (lambda: value.xnpv([1], ["2020-01-01"], -2), "yearly_rate"),
        (lambda: value.payback(np.ones((2, 2, 2))), "cash"),
        (lambda: value.value_at_risk([1.0], 1.0), "level"),
        (lambda: value.summarise([np.inf]), "draws"),
    ],
)
def test_refusals_name_the_argument(call, name):
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.findings[0].where == name
