"""Internal rates against textbook cases, polynomials of known roots and two libraries."""

import numpy as np
import numpy_financial as npf
import pytest
import pyxirr
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.cash.value import npv, xnpv
from mmm.errors import InputError
from mmm.invest.rates import RateStatus, irr, irr_draws, xirr, xirr_draws


@pytest.mark.parametrize(
    ("cash", "rates"),
    [
        ([-100, 110], [0.10]),
        ([-100, 0, 121], [0.10]),
        ([-100, 39, 59, 55, 20], [0.2809484]),
        ([-100, 230, -132], [0.10, 0.20]),
        ([-1600, 10000, -10000], [0.25, 4.00]),
        ([-1, 6, -11, 6], [0.0, 1.0, 2.0]),
        ([-100, 60], [-0.40]),
        ([0, 0, -100, 110, 0], [0.10]),
        ([100, -110], [0.10]),
        ([-1, 2, -1], [0.0]),
        ([-100, 220, -121], [0.10]),
        ([100, -200, 150], []),
        ([-1, -1, -1], []),
        ([3, 0, 4], []),
        ([0, 0, 0], []),
        ([5], []),
        ([-1e-6, 1e6], [1e12 - 1]),
        ([-1e6, 1e-6], [1e-12 - 1]),
    ],
)
def test_textbook_rates(cash, rates):
    found = irr(cash)
    assert found.rates == pytest.approx(rates, rel=1e-5, abs=1e-9)
    assert found.status == (["none", "unique"][len(rates)] if len(rates) < 2 else "several")


def test_agrees_with_numpy_financial_on_random_investments():
    generator = np.random.default_rng(7)
    for periods in (2, 5, 12, 40):
        cash = generator.uniform(0, 50, (40, periods))
        spending = generator.integers(1, periods, 40)
        cash[np.arange(periods) < spending[:, None]] *= -1
        found = irr_draws(cash)
        assert (found.count == 1).all()
        assert found.rate == pytest.approx([npf.irr(row) for row in cash], rel=1e-9, abs=1e-11)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.03, 0.5), min_size=1, max_size=6))
def test_finds_every_root_of_a_known_polynomial(steps):
    growth = 0.3 * np.exp(np.cumsum(steps))
    found = irr(-np.poly(growth))
    assert found.rates == pytest.approx(growth - 1, abs=1e-5)


def test_counts_the_roots_a_companion_matrix_has():
    generator = np.random.default_rng(3)
    for periods in (3, 4, 6, 9):
        for cash in generator.normal(size=(30, periods)):
            roots = np.roots(cash)
            real = np.sort(roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real)
            assert irr(cash).rates == pytest.approx(real - 1, rel=1e-6, abs=1e-9)


def test_two_rates_inside_one_grid_step_are_both_found():
    growth = np.array([1.31, 1.31 * (1 + 1e-5)])
    found = irr(-np.poly(growth))
    assert found.status is RateStatus.SEVERAL
    assert found.rates == pytest.approx(growth - 1, abs=1e-8)


def test_long_weekly_flows_neither_overflow_nor_lose_the_root():
    cash = np.r_[np.full(52, -100.0), np.full(1900, 3.0)]
    found = irr(cash)
    assert found.status is RateStatus.UNIQUE
    assert npv(cash, found.rates[0]) == pytest.approx(0, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e6), st.integers(0, 2**32 - 1))
def test_rates_do_not_depend_on_the_currency(scale, seed):
    cash = np.random.default_rng(seed).normal(size=8)
    assert irr(scale * cash).rates == pytest.approx(irr(cash).rates, rel=1e-7, abs=1e-9)


def test_draws_agree_with_one_at_a_time():
    generator = np.random.default_rng(5)
    cash = generator.normal(size=(60, 7))
    cash[3] = 0
    cash[4, :2] = 0
    cash[5, -3:] = 0
    found = irr_draws(cash)
    for row, count, rate in zip(cash, found.count, found.rate, strict=True):
        alone = irr(row)
        assert len(alone.rates) == count
        assert rate == pytest.approx(alone.rates[0] if count == 1 else np.nan, nan_ok=True)
    assert set(found.count) >= {0, 1, 2}


def test_refuses_what_is_not_finite():
    with pytest.raises(InputError, match="cash"):
        irr([-100, np.inf])
    with pytest.raises(InputError, match="cash"):
        irr_draws([-100.0, 110.0])


def dated(generator, rows, periods):
    """Days at irregular distances, and conventional investments (outlays first)."""
    days = np.cumsum(generator.integers(5, 300, periods))
    dates = np.datetime64("2024-01-15") + days
    cash = generator.uniform(1, 50, (rows, periods))
    spending = generator.integers(1, periods, rows)
    cash[np.arange(periods) < spending[:, None]] *= -1
    return cash, dates


def test_dated_rates_agree_with_pyxirr_on_random_investments():
    generator = np.random.default_rng(11)
    checked = 0
    for periods in (2, 5, 12, 40):
        cash, dates = dated(generator, 30, periods)
        found = xirr_draws(cash, dates)
        assert (found.count == 1).all()
        for row, rate in zip(cash, found.rate, strict=True):
            theirs = pyxirr.xirr(dates.astype(object), row)
            # pyxirr gives up on rates of many thousand percent, and at once near -100 %
            if theirs is not None and -0.9 < theirs < 50:
                assert rate == pytest.approx(theirs, rel=1e-9, abs=1e-9)
                checked += 1
    assert checked > 60


def test_dated_rates_set_xnpv_to_zero_whatever_their_number():
    generator = np.random.default_rng(2)
    counts = set()
    for _ in range(60):
        _, dates = dated(generator, 1, 9)
        cash = generator.normal(size=9)
        found = xirr(cash, dates)
        counts.add(len(found.rates))
        for rate in found.rates:
            if np.isfinite(rate) and rate > -1:
                moved = npv_size(cash, dates, rate)
                assert abs(xnpv(cash, dates, rate)) <= 1e-9 * moved
    assert counts >= {0, 1, 2}


def npv_size(cash, dates, rate):
    return float(xnpv(np.abs(cash), dates, rate))


def test_dated_rates_of_even_steps_are_the_periodic_ones():
    generator = np.random.default_rng(4)
    dates = np.datetime64("2024-01-01") + 73 * np.arange(8)
    for cash in generator.normal(size=(40, 8)):
        weekly = np.array(irr(cash).rates)
        assert xirr(cash, dates).rates == pytest.approx((1 + weekly) ** 5 - 1, rel=1e-9, abs=1e-9)


def test_the_documented_dated_rate_of_spreadsheets():
    # Microsoft's documented example of XIRR, 37.34 %
    cash = [-10000, 2750, 4250, 3250, 2750]
    dates = ["2008-01-01", "2008-03-01", "2008-10-30", "2009-02-15", "2009-04-01"]
    assert xirr(cash, dates).rates == pytest.approx([0.373362535], abs=1e-8)
    assert pyxirr.xirr(dates, cash) == pytest.approx(xirr(cash, dates).rates[0], rel=1e-9)


def test_no_dated_rate_where_there_is_none():
    dates = ["2024-01-01", "2024-02-10", "2025-01-01"]
    assert xirr([1, 2, 3], dates).status is RateStatus.NONE
    yearly = ["2023-01-01", "2024-01-01", "2024-12-31"]
    assert xirr([100, -200, 150], yearly).status is RateStatus.NONE
    assert xirr([-100, 230, -132], yearly).rates == (pytest.approx([0.10, 0.20]))


def test_periodic_rates_agree_with_pyxirr():
    generator = np.random.default_rng(8)
    for cash in generator.normal(size=(60, 7)):
        found, theirs = irr(cash), pyxirr.irr(cash, silent=True)
        if found.status is RateStatus.NONE:
            assert theirs is None
        elif theirs is not None:
            assert np.abs(np.array(found.rates) - theirs).min() < 1e-9 * max(1, abs(theirs))


@pytest.mark.parametrize("dates", [["2024-01-01"], ["2024-02-01", "2024-01-01"]])
def test_dates_must_fit_the_flows(dates):
    with pytest.raises(InputError, match="dates"):
        xirr([-1, 2], dates)
