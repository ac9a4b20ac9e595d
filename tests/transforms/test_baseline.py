"""Baseline bases: trend ramps, seasons and holidays."""

from __future__ import annotations

import holidays
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.transforms.baseline import fourier, holiday_counts, trend_ramps

quiet = settings(max_examples=40, deadline=None, derandomize=True, database=None)
WEEK = pd.Timedelta(days=7)


def weeks(start: str, periods: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=periods, freq="W-MON")


@quiet
@given(st.integers(16, 200), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_ramps_are_a_walk_through_its_knots(periods, knots, seed):
    ramps = trend_ramps(np.arange(periods, dtype=float), periods, knots)
    assert ramps.shape == (periods, knots)
    steps = np.random.default_rng(seed).normal(size=knots)
    at_knots = np.linspace(0, periods - 1, knots + 1)
    walk = np.concatenate([[0.0], np.cumsum(steps)])
    np.testing.assert_allclose(
        ramps @ steps, np.interp(np.arange(periods), at_knots, walk), atol=1e-10
    )


@quiet
@given(st.integers(16, 200), st.integers(1, 8), st.integers(1, 80))
def test_a_forecast_goes_on_from_the_same_ramps(periods, knots, ahead):
    window = trend_ramps(np.arange(periods, dtype=float), periods, knots)
    longer = trend_ramps(np.arange(periods + ahead, dtype=float), periods, knots)
    np.testing.assert_array_equal(longer[:periods, :knots], window)
    np.testing.assert_allclose(longer[periods:, :knots], 1.0, rtol=1e-12)
    beyond = longer[:, knots:]
    np.testing.assert_allclose(beyond[:periods], 0.0, atol=1e-12)
    span = (periods - 1) / knots
    np.testing.assert_allclose(beyond[periods:].sum(axis=1), np.arange(1, ahead + 1) / span)


def test_no_periods_have_no_ramps_beyond_the_window():
    assert trend_ramps(np.empty(0), 40, 3).shape == (0, 3)


def test_seasons_return_with_the_calendar():
    dates = weeks("2021-01-04", 60)
    cycle = pd.Timedelta(days=146_097)  # 400 Gregorian years
    again = pd.DatetimeIndex([date + cycle for date in dates])
    np.testing.assert_allclose(fourier(again, 3), fourier(dates, 3), atol=1e-9)


def test_seasons_are_pairs_of_one_to_n_cycles_a_year():
    days = pd.date_range("2000-01-01", periods=146_097, freq="D")
    waves = fourier(days, 3)
    assert waves.shape == (len(days), 6)
    np.testing.assert_allclose(waves.T @ waves / len(days), np.eye(6) / 2, atol=1e-9)
    # a cycle a year crosses zero upwards 400 times in as many years, and so on
    upward = (waves[:-1, ::2] < 0) & (waves[1:, ::2] >= 0)
    np.testing.assert_allclose(upward.sum(axis=0), [400, 800, 1200], atol=1)


def test_no_pairs_no_seasons():
    assert fourier(weeks("2021-01-04", 5), 0).shape == (5, 0)


def test_known_weeks_hold_their_holidays():
    dates = weeks("2022-11-14", 3)
    counts = holiday_counts(dates, dates[-1] + WEEK, "US")
    assert counts.index.equals(dates)
    (thanksgiving,) = [name for name in counts.columns if "Thanksgiving" in name]
    assert counts[thanksgiving].tolist() == [0.0, 1.0, 0.0]


def test_a_day_off_in_lieu_counts_as_its_holiday():
    dates = weeks("2021-12-20", 2)  # Christmas Day 2021 fell on a Saturday
    counts = holiday_counts(dates, dates[-1] + WEEK, "GB")
    assert counts["Christmas Day"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("country", "held"), [("DE-BY", 1.0), ("DE-BE", 0.0)])
def test_a_subdivision_has_its_own_holidays(country, held):
    dates = weeks("2022-06-13", 1)  # Corpus Christi, a holiday in Bavaria and not in Berlin
    assert holiday_counts(dates, dates[-1] + WEEK, country).to_numpy().sum() == held


def test_every_holiday_falls_into_one_period_however_long():
    end = pd.Timestamp("2023-01-02")
    known = [day for day in holidays.country_holidays("DE", years=range(2020, 2024))
             if pd.Timestamp("2019-12-30") <= pd.Timestamp(day) < end]  # fmt: skip
    for dates in (weeks("2019-12-30", 157), pd.DatetimeIndex([pd.Timestamp("2019-12-30")])):
        counts = holiday_counts(dates, end, "DE")
        assert counts.to_numpy().sum() == len(known)
