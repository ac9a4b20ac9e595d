"""Controls carried forward: what is expected of them, and how far off that may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.data.panel import build_panel
from mmm.plan.forecast import forecast
from mmm.plan.multiplied import silent_ahead
from mmm.plan.scenario import as_is
from mmm.results.controls import carried_controls, carried_words, control_deviations
from mmm.results.respond import response

WEEKS = 156


def panel_with(control, frequency="W-MON"):
    """A panel whose one control is `control` (T, G)."""
    periods, geos = control.shape
    nothing = np.ones((periods, geos, 1))
    return build_panel(
        dates=pd.date_range("2020-01-06", periods=periods, freq=frequency),
        geos=[f"geo {g}" for g in range(geos)],
        channels=["tv"],
        controls=["price"],
        outcome=np.ones((periods, geos)),
        value_per_unit=np.ones((periods, geos)),
        spend=nothing,
        media=nothing,
        control=control[:, :, None],
        population=None,
        frequency=frequency,
    )


def autoregression(keep, periods, geos=1, seed=0):
    rng = np.random.default_rng(seed)
    found = np.zeros((periods, geos))
    level = rng.normal(size=geos) / np.sqrt(1 - keep**2)
    for t in range(periods):
        level = keep * level + rng.normal(size=geos)
        found[t] = level
    return found


@given(keep=st.floats(0.0, 0.9), seed=st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_the_variance_ahead_is_that_of_an_autoregression(keep, seed):
    panel = panel_with(autoregression(keep, WEEKS, seed=seed))
    found = carried_controls(panel, 8)
    drawn = control_deviations(found, 8, seed, np.arange(20_000))[:, :, 0, 0]
    phi, variance = found.persistence[0], found.steps.var()
    expected = variance * sum(phi ** (2 * np.arange(8)[:, None]) * np.tri(8, dtype=float).T)
    np.testing.assert_allclose(drawn.var(axis=0), expected, rtol=0.06)
    np.testing.assert_allclose(drawn.mean(axis=0) / np.sqrt(expected), 0.0, atol=0.04)


def test_persistence_and_steps_are_those_of_the_process():
    # a year apart, the difference of two such series is one of twice the variance
    panel = panel_with(autoregression(0.7, 2000, geos=3))
    found = carried_controls(panel, 1)
    assert found.persistence[0] == pytest.approx(0.7, abs=0.03)
    assert found.steps.var() == pytest.approx(2.0, rel=0.1)


def test_what_comes_is_held_as_often_as_said():
    held = []
    for seed in range(60):
        series = autoregression(0.8, WEEKS + 13, seed=100 + seed)
        panel = panel_with(series[:WEEKS])
        found = carried_controls(panel, 13)
        drawn = control_deviations(found, 13, seed, np.arange(400)) + found.expected
        low, high = np.quantile(drawn[..., 0], [0.05, 0.95], axis=0)
        held.append(((series[WEEKS:] >= low) & (series[WEEKS:] <= high)).mean())
    assert 0.84 < np.mean(held) < 0.96


def test_the_year_before_is_repeated_and_the_last_difference_fades():
    weeks = np.arange(WEEKS)
    season = 10 + np.sin(2 * np.pi * weeks / 52)
    found = carried_controls(panel_with(season[:, None]), 60)
    np.testing.assert_allclose(found.expected[:, 0, 0], 10 + np.sin(2 * np.pi * (weeks[:60]) / 52))
    np.testing.assert_allclose(found.steps, 0.0, atol=1e-12)
    stepped = season + np.where(weeks >= 130, 1.0, 0.0)
    found = carried_controls(panel_with(stepped[:, None]), 20)
    apart = found.expected[:, 0, 0] - season[WEEKS - 52 : WEEKS - 32]
    np.testing.assert_allclose(apart, found.persistence[0] ** np.arange(1, 21))
    assert found.persistence[0] > 0.9


def test_without_a_year_of_data_controls_go_back_to_their_mean():
    series = autoregression(0.6, 40)
    found = carried_controls(panel_with(series), 30)
    assert not found.seasonal
    assert found.expected[-1, 0, 0] == pytest.approx(series.mean(), abs=1e-3)
    assert abs(found.expected[0, 0, 0] - series[-1, 0]) < abs(series[-1, 0] - series.mean())


def test_a_constant_control_is_certain_and_so_is_one_that_is_not_there():
    found = carried_controls(panel_with(np.full((WEEKS, 2), 3.0)), 5)
    np.testing.assert_allclose(found.expected, 3.0)
    assert np.all(control_deviations(found, 5, 1, np.arange(10)) == 0.0)
    assert carried_words(panel_with(np.ones((WEEKS, 1))), ()) == ()


def test_a_draw_is_the_same_for_every_horizon_and_company():
    found = carried_controls(panel_with(autoregression(0.5, WEEKS, geos=2)), 9)
    long = control_deviations(found, 9, 3, np.arange(50))
    some = control_deviations(found, 4, 3, np.array([7, 31]))
    np.testing.assert_array_equal(long[[7, 31], :4], some)


def response_to(fit, keep):
    """A response of `fit` whose control is persistent."""
    data = fit.panel.dataset
    series = autoregression(keep, data.sizes["date"], geos=data.sizes["geo"])[:, :, None]
    panel = replace(fit.panel, dataset=data.assign(controls=(data["controls"].dims, series)))
    return response(replace(fit, panel=panel))


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_intervals_of_carried_controls_widen_and_those_given_are_exact(make, likelihood):
    read = response_to(make.fit(periods=130, draws=300, likelihood=likelihood), 0.9)
    plan = as_is(read.fit, 12)
    widths = {}
    for name, one in (("carried", plan), ("given", replace(plan, carried=()))):
        table = forecast(read, one)
        price = table[table["component"] == "price"]
        widths[name] = (price["p95"] - price["p05"]).to_numpy().reshape(3, 12)
    more = widths["carried"] ** 2 - widths["given"] ** 2
    assert (more > 0).mean() > 0.9
    assert more[:, -3:].mean() > 2.0 * more[:, 0].mean()


def test_what_comes_without_spending_moves_with_the_controls(make):
    read = response_to(make.fit(periods=130, draws=20), 0.8)
    plan = as_is(read.fit, 6)
    carried, known = (silent_ahead(read, one, 6) for one in (plan, replace(plan, carried=())))
    found = carried_controls(read.fit.panel, 6)
    seed, design = read.fit.study.inference.seed, read.density.design
    deviation = control_deviations(found, 6, seed, read.numbers)[..., 0].transpose(0, 2, 1)
    place = design.baseline.shared_component.index("control: price")
    effect = read.shared[:, place] / design.scaling.control_scale[0]
    np.testing.assert_allclose(
        carried - known, effect[:, None, None] * deviation * read.level[:, None], rtol=1e-8
    )
