"""Loaded cost against its definition, and that nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.config import Channel, Costs
from mmm.data.costs import loaded_cost, variable_cost_rate
from mmm.data.panel import Panel, build_panel

MONEY = st.floats(0, 1e6)


def make_panel(spend: np.ndarray, media: np.ndarray, names: list[str]) -> Panel:
    periods, geos, _ = spend.shape
    return build_panel(
        dates=pd.date_range("2024-01-01", periods=periods, freq="W-MON"),
        geos=[f"g{index}" for index in range(geos)],
        channels=names,
        controls=[],
        outcome=np.ones((periods, geos)),
        value_per_unit=np.ones((periods, geos)),
        spend=spend,
        media=media,
        control=np.zeros((periods, geos, 0)),
        population=None,
        frequency="W-MON",
    )


CHANNELS = (
    Channel(
        name="tv",
        role="both",
        spend="a",
        exposure="b",
        costs=Costs(agency_fee=0.1, fixed_per_period=90),
    ),
    Channel(
        name="visits", role="both", exposure="c", costs=Costs(unit_cost=5, fixed_per_period=30)
    ),
    Channel(name="organic", role="tactical", exposure="d"),
)


def test_a_worked_example():
    spend = np.zeros((2, 2, 3))
    media = np.zeros((2, 2, 3))
    spend[:, :, 0] = [[100, 0], [200, 150]]
    media[:, :, 0] = 7.0
    media[:, :, 1] = [[2, 0], [0, 4]]
    media[:, :, 2] = 9.0
    cost = loaded_cost(make_panel(spend, media, ["tv", "visits", "organic"]), CHANNELS)
    assert cost.dims == ("date", "geo", "channel")
    # fixed cost follows the totals by geo: tv 300 to 150, visits 2 to 4
    np.testing.assert_allclose(cost.sel(channel="tv"), [[110 + 60, 30], [220 + 60, 165 + 30]])
    np.testing.assert_allclose(cost.sel(channel="visits"), [[10 + 10, 20], [10, 20 + 20]])
    np.testing.assert_array_equal(cost.sel(channel="organic"), np.zeros((2, 2)))


def test_fixed_cost_of_a_channel_without_activity_is_split_equally():
    nothing = np.zeros((3, 2, 1))
    cost = loaded_cost(make_panel(nothing, nothing, ["tv"]), CHANNELS[:1])
    np.testing.assert_allclose(cost, np.full((3, 2, 1), 45.0))


def test_channels_are_found_by_name():
    spend = np.arange(12.0).reshape(2, 2, 3)
    panel = make_panel(spend, spend, ["tv", "visits", "organic"])
    whole, turned = loaded_cost(panel, CHANNELS), loaded_cost(panel, CHANNELS[::-1])
    assert turned.channel.values.tolist() == ["organic", "visits", "tv"]
    np.testing.assert_array_equal(turned.sel(channel="tv"), whole.sel(channel="tv"))


@pytest.mark.parametrize(("index", "rate"), [(0, 1.1), (1, 5.0), (2, 0.0)])
def test_rate_is_the_cost_of_one_more_unit(index, rate):
    assert variable_cost_rate(CHANNELS[index]) == pytest.approx(rate)


@settings(deadline=None)
@given(
    spend=st.lists(MONEY, min_size=12, max_size=12),
    fee=st.floats(0, 1),
    fixed=st.floats(0, 1e5),
    unit_cost=st.floats(0, 100),
)
def test_loaded_cost_adds_up(spend, fee, fixed, unit_cost):
    activity = np.reshape(spend, (3, 2, 2))
    paid = activity * [1.0, 0.0]
    channels = (
        Channel(
            name="p", role="both", spend="a", costs=Costs(agency_fee=fee, fixed_per_period=fixed)
        ),
        Channel(name="e", role="both", exposure="b", costs=Costs(unit_cost=unit_cost)),
    )
    cost = loaded_cost(make_panel(paid, activity, ["p", "e"]), channels)
    assert float(cost.sel(channel="p").sum()) == pytest.approx(
        activity[..., 0].sum() * (1 + fee) + 3 * fixed
    )
    assert float(cost.sel(channel="e").sum()) == pytest.approx(activity[..., 1].sum() * unit_cost)
    assert (cost.values >= 0).all()
