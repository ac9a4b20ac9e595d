"""What brand earns, soon and late: closed forms, pulses one by one, and agreement with ROI."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.efficiency.brand import (
    ALL_GEOS,
    NAMES,
    brand_earnings,
    brand_table,
    short_term_periods,
    soon,
)
from mmm.efficiency.caused import caused_by_channels
from mmm.model import curves
from mmm.results.respond import channel_effect

PLAIN = {"adstock": "none", "saturation": "none"}


def keep_of(read, channel):
    return 2.0 ** (-1.0 / read.table[:, channel, curves.MEMORY])


def test_a_stock_alone_has_the_closed_form_multiplier(make):
    read = make.response({"name": "posters", "role": "brand"}, geos=2)
    one = brand_earnings(read)[0]
    expected = 1.0 / (1.0 - keep_of(read, 0) ** 13)
    np.testing.assert_allclose(one.caused.sum(axis=1) / one.short.sum(axis=1), expected, rtol=1e-9)
    assert expected.min() > 1.5


def test_short_term_is_tactical_and_what_the_stock_gives_back_in_thirteen_weeks(make):
    read = make.response({"name": "tv", "role": "both"}, geos=2)
    one, keep = brand_earnings(read)[0], keep_of(read, 0)
    expected = one.tactical + one.brand * (1.0 - keep**13)[:, None]
    np.testing.assert_allclose(one.short, expected, rtol=1e-8)


def test_the_tail_follows_the_last_stock_of_the_window(make):
    """Without adstock nothing feeds the stock after the window: it falls as a geometric series."""
    read = make.response({"name": "tv", "role": "both", **PLAIN}, geos=1)
    one, keep = brand_earnings(read)[0], keep_of(read, 0)
    media = read.fit.panel.dataset["media"].values[:, :, 0]
    last = (
        channel_effect(read, 0, media).brand[:, :, -1]
        - channel_effect(read, 0, np.zeros_like(media)).brand[:, :, -1]
    )
    np.testing.assert_allclose(one.brand_after, last * (keep / (1 - keep))[:, None], rtol=1e-8)
    np.testing.assert_allclose(one.after, one.brand_after, rtol=1e-12)


def test_a_moving_effect_is_short_pulse_by_pulse(make):
    """Spending taken apart into single periods, each followed for thirteen weeks."""
    channel = {"name": "tv", "role": "brand", "time_varying": True, **PLAIN}
    read = make.response(channel, geos=2, periods=45, draws=5)
    media = read.fit.panel.dataset["media"].values[:, :, 0]
    periods = short_term_periods(read)
    later = np.zeros((60, 2))
    nothing = channel_effect(read, 0, np.concatenate([0 * media, later])).brand
    short = np.zeros(nothing.shape[:2])
    for start in range(len(media)):
        pulse = np.zeros_like(media)
        pulse[start] = media[start]
        effect = channel_effect(read, 0, np.concatenate([pulse, later])).brand - nothing
        short += effect[:, :, start : start + periods].sum(axis=2)
    np.testing.assert_allclose(brand_earnings(read)[0].short, short, rtol=1e-7)


def test_parts_add_up_to_what_return_is_made_of(any_read):
    each, together = caused_by_channels(any_read)
    earned = brand_earnings(any_read)
    for one, caused in zip(earned, [*each, together], strict=True):
        np.testing.assert_allclose(one.caused, caused.outcome, rtol=1e-9)
        np.testing.assert_allclose(one.tactical_value + one.brand_value, caused.value, rtol=1e-9)
        assert (abs(one.short) <= abs(one.caused) + 1e-9).all()
        assert (abs(one.after) <= abs(one.caused)).all()


def test_what_comes_through_paths_is_counted_with_what_passes(graph):
    each, together = caused_by_channels(graph)
    for one, caused in zip(brand_earnings(graph), [*each, together], strict=True):
        np.testing.assert_allclose(one.caused, caused.outcome, rtol=1e-9)
        np.testing.assert_allclose(one.tactical_value + one.brand_value, caused.value, rtol=1e-9)


def test_so_it_is_where_effects_multiply(mediated):
    read = mediated("mediator", likelihood="lognormal")
    each, together = caused_by_channels(read)
    for one, caused in zip(brand_earnings(read), [*each, together], strict=True):
        np.testing.assert_allclose(one.caused, caused.outcome, rtol=1e-9)
        np.testing.assert_allclose(one.tactical_value + one.brand_value, caused.value, rtol=1e-9)


def test_roles_have_only_the_parts_they_name(any_read):
    _, search, posters, _ = brand_earnings(any_read)
    assert not search.brand.any() and not search.brand_value.any()
    assert not posters.tactical.any() and not posters.tactical_value.any()
    np.testing.assert_allclose(search.short, search.tactical, rtol=1e-12)


def test_the_table_has_every_geo_and_states_shares_of_cost_as_a_range(make):
    read = make.response()
    table = brand_table(read)
    assert list(table["geo"].unique()) == [ALL_GEOS, "geo 0", "geo 1", "geo 2"]
    whole = table[table["geo"] == ALL_GEOS].set_index("channel")
    assert list(whole.index) == ["tv", "search", "posters", "total"]
    ends = whole[["cost_brand_low", "cost_brand_high"]]
    assert ends.loc["tv"].tolist() == [0.0, 1.0]
    assert ends.loc["search"].tolist() == [0.0, 0.0]
    assert ends.loc["posters"].tolist() == [1.0, 1.0]
    cost = whole["loaded_cost"]
    assert ends.loc["total", "cost_brand_low"] == pytest.approx(cost["posters"] / cost["total"])
    high = (cost["posters"] + cost["tv"]) / cost["total"]
    assert ends.loc["total", "cost_brand_high"] == pytest.approx(high)

    by_geo = table[table["geo"] != ALL_GEOS].groupby("channel")
    for name in ("loaded_cost", "caused_mean", "brand_window_mean", "tail_mean"):
        pd.testing.assert_series_equal(
            by_geo[name].sum().loc[whole.index], whole[name], check_names=False
        )


def test_half_life_is_in_weeks_and_only_where_a_stock_is(make):
    monthly = make.response(geos=1, frequency="MS", start="2018-01-01", periods=40)
    table = brand_table(monthly).set_index("channel")
    assert set(table["geo"]) == {ALL_GEOS}
    weeks = monthly.table[:, 0, curves.MEMORY] * monthly.fit.panel.weeks_per_period
    assert table.loc["tv", "half_life_p50"] == pytest.approx(np.median(weeks))
    assert table.loc["total", "half_life_p50"] == pytest.approx(np.median(weeks))
    assert np.isnan(table.loc["search", "half_life_mean"])
    assert short_term_periods(monthly) == 3
    yearly = make.response(geos=1, frequency="YS", start="1970-01-01", periods=40)
    assert short_term_periods(yearly) == 1


def test_shares_of_what_is_earned_lie_between_tactical_and_brand(any_read):
    table = brand_table(any_read)
    share = table.set_index(["geo", "channel"])["earned_brand_mean"]
    assert share[ALL_GEOS, "search"] == 0.0
    assert share[ALL_GEOS, "posters"] == pytest.approx(1.0)
    assert 0.0 < share[ALL_GEOS, "tv"] < 1.0
    assert (table["multiplier_mean"] >= 1.0 - 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(
    half_life=st.floats(0.5, 80.0),
    periods=st.integers(1, 20),
    fed=st.lists(st.floats(0.0, 10.0), min_size=25, max_size=60),
)
def test_soon_is_what_the_last_periods_fed(half_life, periods, fed):
    keep = 2.0 ** (-1.0 / half_life)
    level, stock = 0.0, []
    for one in fed:
        level = keep * level + (1.0 - keep) * one
        stock.append(level)
    weights = (1.0 - keep) * keep ** np.arange(periods)
    expected = np.convolve(fed, weights)[: len(fed)]
    brand = np.array(stock)[None, None, :]
    factor = np.full_like(brand, 1.7)
    found = soon(factor * brand, np.array([keep]), periods, factor)[0, 0]
    plain = soon(1.7 * brand, np.array([keep]), periods)[0, 0]
    np.testing.assert_allclose(plain, found, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found, 1.7 * expected, rtol=1e-7, atol=1e-9)


def test_the_mean_of_a_ratio_is_the_ratio_of_means(make):
    read = make.response()
    one = brand_earnings(read)[0]
    row = brand_table(read).iloc[0]
    assert row["multiplier_mean"] == pytest.approx(one.caused.sum() / one.short.sum())
    draws = one.brand.sum(axis=1) / one.caused.sum(axis=1)
    assert row["earned_brand_p95"] == pytest.approx(np.quantile(draws, 0.95))
    assert row["earned_brand_mean"] == pytest.approx(one.brand.sum() / one.caused.sum())


def test_every_part_has_draws_by_geo(make):
    read = make.response(draws=7)
    for one in brand_earnings(read):
        assert {getattr(one, name).shape for name in NAMES} == {(7, 3)}
