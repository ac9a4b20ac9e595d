"""Internal rates against textbook cases, polynomials of known roots and numpy-financial."""

import numpy as np
import numpy_financial as npf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.errors import InputError
from mmm.invest.rates import RateStatus, irr, irr_draws
from mmm.invest.value import npv


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


@settings(max_examples=40)
@given(st.lists(st.integers(2, 80), min_size=1, max_size=6, unique=True))
def test_finds_every_root_of_a_known_polynomial(twentieths):
    growth = np.sort(np.array(twentieths) / 20)
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


@settings(max_examples=30)
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
