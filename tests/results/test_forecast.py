"""The forecast, and what it says a plan brings, from the same draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm.plan.forecast import forecast, incremental_value
from mmm.plan.scenario import as_is
from mmm.results import blocks
from mmm.results.ahead import continued, settled, trend_walk
from mmm.results.controls import carried_controls

NUMBERS = ["mean", "p05", "p50", "p95"]


def test_parts_of_the_forecast_add_up(any_read):
    table = forecast(any_read)
    parts = table[table["kind"] != "total"].groupby(["date", "geo"])["mean"].sum()
    total = table[table["kind"] == "total"].set_index(["date", "geo"])["mean"]
    np.testing.assert_allclose(total.reindex(parts.index), parts, rtol=1e-10)


def test_a_plan_brings_what_the_forecast_with_it_has_over_one_without(any_read):
    plan = as_is(any_read.fit)
    nothing = replace(plan, media=np.zeros_like(plan.media))
    outcome = []
    for scenario in (plan, nothing):
        table = forecast(any_read, scenario)
        total = table[table["kind"] == "total"].pivot(index="date", columns="geo", values="mean")
        outcome.append((total * plan.value_per_unit).sum(axis=1).to_numpy())
    found = incremental_value(any_read, plan, plan.periods)
    np.testing.assert_allclose(found.mean(axis=0), outcome[0] - outcome[1], rtol=1e-8)


def test_a_longer_look_ahead_starts_the_same(any_read):
    plan = as_is(any_read.fit)
    short = incremental_value(any_read, plan, plan.periods)
    long = incremental_value(any_read, plan, 100)
    np.testing.assert_allclose(long[:, : plan.periods], short, rtol=1e-9)
    assert long.shape == (any_read.draws, 100)


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_blocks_of_geos_change_no_forecast(make, monkeypatch, likelihood):
    read = make.response(geos=5, likelihood=likelihood)
    plan = as_is(read.fit)
    table, value = forecast(read, plan), incremental_value(read, plan, 30)
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 1)
    np.testing.assert_allclose(forecast(read, plan)[NUMBERS], table[NUMBERS], rtol=1e-9)
    np.testing.assert_allclose(incremental_value(read, plan, 30), value, rtol=1e-9)


def test_the_trend_stands_still_but_for_its_new_steps(make):
    read = make.response(geos=2)
    span = settled(read, 40)
    trend = [i for i, name in enumerate(span.rows.shared_component) if name == "trend"]
    ahead = span.rows.shared[:, trend, 60:]
    np.testing.assert_array_equal(ahead, np.broadcast_to(ahead[:, :, :1], ahead.shape))
    walk = trend_walk(read, span)
    assert np.all(walk[:, :, :60] == 0)
    assert walk[:, :, -1].std() > 0


def test_the_walk_is_the_same_for_every_horizon(make):
    read = make.response(geos=2)
    panel = read.fit.panel
    walks = []
    for periods in (20, 60):
        controls = carried_controls(panel, periods).expected
        span = continued(read, panel.future_dates(periods), controls)
        walks.append(trend_walk(read, span)[:, :, : 60 + 20])
    np.testing.assert_allclose(walks[0], walks[1], rtol=1e-12)
