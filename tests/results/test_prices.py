"""Prices carried forward: what is expected of them, and how far off that may be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.data.panel import build_panel
from mmm.results.prices import log_prices, price_history, price_range

WEEKS = 130
RECENT = 2.0


def autoregression(keep, periods, seed=0, size=0.1):
    rng = np.random.default_rng(seed)
    found, level = np.zeros(periods), rng.normal() / np.sqrt(1 - min(keep, 0.99) ** 2)
    for t in range(periods):
        level = keep * level + rng.normal()
        found[t] = level
    return size * found


def panel_with(log_price, money=None, geos=2):
    """A panel whose one channel costs exp(`log_price`) (T,) a unit."""
    periods = len(log_price)
    spend = np.full(periods, 100.0) if money is None else np.asarray(money, dtype=float)
    spend = np.repeat(spend[:, None, None], geos, axis=1)
    ones = np.ones((periods, geos))
    return build_panel(
        dates=pd.date_range("2020-01-06", periods=periods, freq="W-MON"),
        geos=[f"geo {g}" for g in range(geos)],
        channels=["tv"],
        controls=[],
        outcome=ones,
        value_per_unit=ones,
        spend=spend,
        media=spend / np.exp(log_price)[:, None, None],
        control=np.zeros((periods, geos, 0)),
        population=None,
        frequency="W-MON",
    )


@given(keep=st.floats(0.0, 0.9), seed=st.integers(0, 50))
@settings(max_examples=12, deadline=None)
def test_mean_and_variance_ahead_are_those_of_an_autoregression(keep, seed):
    known = price_history(panel_with(autoregression(keep, WEEKS, seed)), 0)
    drawn = log_prices(known, 8, seed, np.arange(20_000))
    phi, ahead = known.persistence, np.arange(1, 9)
    mean = known.centre + phi**ahead * known.last
    variance = known.steps.var() * np.cumsum(phi ** (2.0 * (ahead - 1)))
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.06)
    np.testing.assert_allclose((drawn.mean(axis=0) - mean) / np.sqrt(variance), 0.0, atol=0.04)


@pytest.mark.parametrize("keep", [0.0, 0.7, 1.0])
def test_what_comes_is_held_as_often_as_said(keep):
    held = []
    for seed in range(120):
        series = autoregression(keep, WEEKS + 13, seed=1000 + seed)
        known = price_history(panel_with(series[:WEEKS]), 0)
        drawn = log_prices(known, 13, seed, np.arange(400))
        low, high = np.quantile(drawn, [0.1, 0.9], axis=0)
        held.append(((series[WEEKS:] >= low) & (series[WEEKS:] <= high)).mean())
    assert 0.73 < np.mean(held) < 0.85


def test_persistence_and_steps_are_those_of_the_process():
    known = price_history(panel_with(RECENT + autoregression(0.7, 3000)), 0)
    assert known.persistence == pytest.approx(0.7, abs=0.04)
    assert known.steps.std() == pytest.approx(0.1, rel=0.05)
    assert known.centre == pytest.approx(RECENT, abs=0.03)
    assert known.periods == 3000


def test_a_price_that_never_moves_or_is_hardly_known_has_no_history():
    assert price_history(panel_with(np.full(WEEKS, 0.3)), 0) is None
    assert price_range(panel_with(np.full(WEEKS, 0.3)), 0, 1.0, 5) == (1.0, 1.0)
    series, seldom = autoregression(0.5, WEEKS), np.zeros(WEEKS)
    seldom[::3] = 50.0
    assert price_history(panel_with(series, seldom), 0) is None
    assert price_history(panel_with(series, np.zeros(WEEKS)), 0) is None


def test_a_channel_that_paused_is_less_certain_by_as_much():
    series, money = autoregression(0.8, WEEKS), np.full(WEEKS, 100.0)
    money[-6:] = 0.0
    paused = price_history(panel_with(series, money), 0)
    assert paused.gap == 6
    drawn = log_prices(paused, 3, 0, np.arange(20_000))
    phi = paused.persistence
    expected = paused.steps.var() * np.sum(phi ** (2.0 * np.arange(7)))
    assert drawn[:, 0].var() == pytest.approx(expected, rel=0.06)
    assert drawn[:, 0].mean() == pytest.approx(paused.centre + phi**7 * paused.last, abs=0.01)


def test_weeks_with_next_to_no_spend_say_nothing_of_the_price():
    series, money = autoregression(0.5, WEEKS), np.full(WEEKS, 100.0)
    odd = series.copy()
    odd[40], money[40] = 5.0, 0.01
    known = price_history(panel_with(odd, money), 0)
    assert np.abs(known.steps).max() < 1.0
    assert known.periods == WEEKS - 1


def test_a_draw_is_the_same_for_every_horizon_and_company():
    known = price_history(panel_with(autoregression(0.5, WEEKS)), 0)
    long = log_prices(known, 9, 3, np.arange(50))
    np.testing.assert_array_equal(long[[7, 31], :4], log_prices(known, 4, 3, np.array([7, 31])))


def test_prices_that_move_together_go_on_doing_so():
    series = autoregression(0.6, WEEKS)
    one, other = (price_history(panel_with(by * series), 0) for by in (1.0, 2.0))
    drawn = [log_prices(known, 6, 1, np.arange(500)) - known.centre for known in (one, other)]
    np.testing.assert_allclose(2.0 * drawn[0], drawn[1], rtol=1e-9, atol=1e-12)
