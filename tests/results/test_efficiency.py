"""Returns in all, by geo and by quarter, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.data.costs import loaded_cost
from mmm.efficiency import breakdown, curves
from mmm.efficiency.breakdown import efficiency_by_geo, efficiency_by_quarter, quarter_values
from mmm.efficiency.caused import caused_by_channels
from mmm.efficiency.roi import accounts, efficiency_table
from mmm.results import blocks, respond
from mmm.results.ahead import settled
from mmm.results.outcome import baseline_predictor, expected_outcome
from mmm.results.quarters import quarters
from mmm.results.respond import after_window, channel_effect

MEANS = ("spend", "loaded_cost", "contribution_mean", "tactical_mean", "brand_mean")


def outcome_under(read, media, later):
    """Expected outcome (D, G, T + later) under `media` (T, G, C) and nothing after it, one
    channel after the other."""
    spent = np.concatenate([media, np.zeros((later, *media.shape[1:]))])
    total = baseline_predictor(read, settled(read, later).rows)
    for channel in range(media.shape[2]):
        total = total + channel_effect(read, channel, spent[:, :, channel]).total
    return expected_outcome(read, total)


def definition(read, chosen, later=3000):
    """Outcome and value caused by the spending of the chosen channels: two worlds compared, far
    beyond the horizon."""
    data = read.fit.panel.dataset
    media = data["media"].values
    less = media.copy()
    less[:, :, chosen] = 0.0
    difference = outcome_under(read, media, later) - outcome_under(read, less, later)
    value = data["value_per_unit"].values
    worth = np.concatenate([value, np.repeat(value[-1:], later, axis=0)])
    return difference.sum(axis=2), np.einsum("dgt,tg->dg", difference, worth)


def test_caused_is_the_difference_of_two_worlds(any_read):
    each, together = caused_by_channels(any_read)
    tolerance = 0.02 if any_read.multiplicative else 1e-6
    for chosen, found in [([0], each[0]), ([1], each[1]), ([2], each[2]), ([0, 1, 2], together)]:
        outcome, value = definition(any_read, chosen)
        np.testing.assert_allclose(found.outcome, outcome, rtol=tolerance)
        np.testing.assert_allclose(found.value, value, rtol=tolerance)


def test_within_the_horizon_the_multiplicative_counterfactual_is_exact(make):
    """A channel without brand leaves nothing after the horizon."""
    read = make.response(
        {"name": "a", "role": "tactical"}, {"name": "b", "role": "tactical"},
        likelihood="lognormal",
    )  # fmt: skip
    each, together = caused_by_channels(read)
    for chosen, found in [([0], each[0]), ([1], each[1]), ([0, 1], together)]:
        outcome, value = definition(read, chosen, later=after_window(read))
        np.testing.assert_allclose(found.outcome, outcome, rtol=1e-9)
        np.testing.assert_allclose(found.value, value, rtol=1e-9)
    summed = each[0].outcome + each[1].outcome
    assert (summed.sum(axis=1) > together.outcome.sum(axis=1)).all()


def test_marginal_value_is_a_derivative(any_read):
    """Against a wide symmetric difference of the spending of one channel."""
    each, together = caused_by_channels(any_read)
    data = any_read.fit.panel.dataset
    media = data["media"].values
    later, step = 4000, 1e-3
    value = data["value_per_unit"].values
    worth = np.concatenate([value, np.repeat(value[-1:], later, axis=0)])
    for channel, found in enumerate(each):
        worlds = []
        for sign in (1, -1):
            moved = media.copy()
            moved[:, :, channel] *= 1 + sign * step
            worlds.append(outcome_under(any_read, moved, later))
        slope = np.einsum("dgt,tg->dg", worlds[0] - worlds[1], worth) / (2 * step)
        tolerance = 0.02 if any_read.multiplicative else 1e-3
        np.testing.assert_allclose(found.marginal_value, slope, rtol=tolerance)
    total = sum(found.marginal_value for found in each)
    np.testing.assert_allclose(together.marginal_value, total, rtol=1e-12)


def test_small_multiplicative_effects_are_additive_ones_on_the_baseline(make):
    read = make.response(likelihood="lognormal")
    read.table[:, :, 0] *= 1e-6
    each, together = caused_by_channels(read)
    summed = sum(found.outcome for found in each)
    np.testing.assert_allclose(together.outcome, summed, rtol=1e-5)
    media = read.fit.panel.dataset["media"].values[:, :, 1]
    later = after_window(read)
    spent = np.concatenate([media, np.zeros((later, media.shape[1]))])
    change = (
        channel_effect(read, 1, spent).total - channel_effect(read, 1, np.zeros_like(spent)).total
    )
    baseline = expected_outcome(read, baseline_predictor(read, settled(read, later).rows))
    np.testing.assert_allclose(each[1].outcome, (baseline * change).sum(axis=2), rtol=1e-5)


def test_geos_add_up_to_the_total_in_every_draw(any_read):
    books = accounts(any_read)
    channels, total = books[:-1], books[-1]
    for name in ("tactical", "brand", "window_value"):
        summed = sum(getattr(account, name) for account in channels)
        np.testing.assert_allclose(getattr(total, name), summed, rtol=1e-12)
    # each geo alone says the same as all at once
    for g in range(len(any_read.places)):
        alone, together = caused_by_channels(blocks.take_geos(any_read, slice(g, g + 1)))
        for mine, account in zip([*alone, together], books, strict=True):
            np.testing.assert_allclose(mine.outcome[:, 0], account.caused.outcome[:, g], rtol=1e-9)
    table = efficiency_table(any_read, books=books).set_index("channel")
    by_geo = efficiency_by_geo(any_read, books=books)
    summed = by_geo.groupby("channel", sort=False)[list(MEANS)].sum()
    np.testing.assert_allclose(summed, table.loc[summed.index, list(MEANS)], rtol=1e-9)
    value = by_geo["roi_mean"] * by_geo["loaded_cost"]
    np.testing.assert_allclose(
        value.groupby(by_geo["channel"]).sum()[table.index],
        table["roi_mean"] * table["loaded_cost"],
        rtol=1e-9,
    )
    assert list(by_geo["channel"][:4]) == [*any_read.fit.panel.channels, "total"]


def test_one_geo_is_the_whole(make):
    read = make.response(geos=1)
    table, by_geo = efficiency_table(read), efficiency_by_geo(read)
    shared = [name for name in by_geo.columns if name in table.columns and name != "channel"]
    np.testing.assert_allclose(by_geo[shared].astype(float), table[shared].astype(float), rtol=1e-9)


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_one_quarter_of_spending_returns_what_the_window_does(make, likelihood):
    """2022Q3 starts in the 27th week of the panel."""
    read = make.response(likelihood=likelihood, spent_in=slice(27, 36))
    table = efficiency_table(read).set_index("channel")
    rows = efficiency_by_quarter(read)
    spent = rows[rows["quarter"] == "2022Q3"].set_index("channel")
    names = [f"roi_{suffix}" for suffix in ("mean", "p05", "p50", "p95")]
    # tv has a fixed cost in the other quarters too
    paid = (table["loaded_cost"] / spent["loaded_cost"]).to_numpy()[:, None]
    np.testing.assert_allclose(
        spent.loc[table.index, names].to_numpy(), table[names].to_numpy() * paid, rtol=1e-9
    )
    idle = rows[(rows["quarter"] != "2022Q3") & (rows["channel"] != "tv")]
    assert (idle[idle["channel"] != "total"]["roi_mean"].isna()).all()


def test_quarters_of_a_linear_channel_add_up_and_saturated_ones_fall_short(make):
    read = make.response(
        {"name": "straight", "role": "both", "saturation": "none"},
        {"name": "bent", "role": "tactical", "saturation": "michaelis_menten"},
    )
    each, _ = caused_by_channels(read)
    value = quarter_values(read, quarters(read.fit.panel))
    np.testing.assert_allclose(value[0].sum(axis=0), each[0].value.sum(axis=1), rtol=1e-9)
    assert (value[1].sum(axis=0) < each[1].value.sum(axis=1)).all()
    np.testing.assert_allclose(value[2], value[0] + value[1], rtol=1e-12)


def test_quarter_rows_add_up_to_money_and_contribution(any_read):
    table = efficiency_table(any_read).set_index("channel")
    rows = efficiency_by_quarter(any_read)
    names = ["spend", "loaded_cost", "contribution_mean"]
    summed = rows.groupby("channel")[names].sum()
    np.testing.assert_allclose(summed.loc[table.index], table[names], rtol=1e-9)
    assert rows["periods"].sum() == 60 * 4
    assert list(rows["quarter"].unique()) == ["2022Q1", "2022Q2", "2022Q3", "2022Q4", "2023Q1"]
    cost = loaded_cost(any_read.fit.panel, any_read.fit.study.channels).sel(channel="tv")
    first = rows[(rows["quarter"] == "2022Q1") & (rows["channel"] == "tv")]
    assert first["loaded_cost"].item() == pytest.approx(float(cost[:13].sum()))


def test_long_periods_are_told_apart_by_year(make):
    yearly = quarters(make.fit(frequency="YS", start="1950-01-01", periods=20).panel)
    assert yearly.labels[:2] == ("1950", "1951")
    assert (yearly.periods == 1).all()
    quarterly = quarters(make.fit(frequency="QS-JAN", start="2001-04-01", periods=20).panel)
    assert quarterly.labels[:4] == ("2001Q2", "2001Q3", "2001Q4", "2002Q1")
    assert str(quarterly.dates[0].date()) == "2001-04-01"
    daily = quarters(make.fit(frequency="D", start="2023-12-30", periods=60).panel)
    assert daily.labels == ("2023Q4", "2024Q1")
    assert daily.slices() == [slice(0, 2), slice(2, 60)]


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_a_subset_of_draws_is_spread_evenly_and_says_nearly_the_same(make, monkeypatch, likelihood):
    read = make.response(draws=600, geos=2, periods=40, likelihood=likelihood, spread=0.1)
    named = quarters(read.fit.panel)
    everything = quarter_values(read, named)
    monkeypatch.setattr(breakdown, "QUARTER_CELLS", 1.0)
    some = quarter_values(read, named)
    assert some.shape[2] == 250
    kept = np.linspace(0, 599, 250).round().astype(int)
    np.testing.assert_allclose(some, everything[:, :, kept], rtol=1e-12)
    drawn = curves.curves_table(read)
    monkeypatch.setattr(curves, "CURVE_CELLS", 1.0)
    np.testing.assert_allclose(curves.curves_table(read)["mean"], drawn["mean"], rtol=0.05)


def test_a_multiplicative_curve_is_what_the_channel_makes_of_the_rest(make):
    read = make.response(likelihood="lognormal")
    table = curves.curves_table(read)
    media = read.fit.panel.dataset["media"].values
    rows = read.density.design.baseline
    for multiplier in (0.0, 0.5, 1.0):
        worlds = []
        for times in (multiplier, 0.0):
            total = baseline_predictor(read, rows)
            for channel in range(3):
                kept = times if channel == 0 else 1.0
                total = (
                    total
                    + channel_effect(
                        read, channel, media[:, :, channel] * kept, carry_in=kept
                    ).total
                )
            worlds.append(expected_outcome(read, total))
        gained = (worlds[0] - worlds[1]).sum(axis=(1, 2)).mean()
        row = table[(table["channel"] == "tv") & (table["multiplier"] == multiplier)]
        assert row["mean"].item() == pytest.approx(gained, rel=1e-9, abs=1e-9)


def test_results_follow_carry_over_long_enough(any_read, monkeypatch):
    each, _ = caused_by_channels(any_read)
    monkeypatch.setattr(respond, "SETTLE_WEEKS", 312.0)
    longer, _ = caused_by_channels(any_read)
    for short, long in zip(each, longer, strict=True):
        np.testing.assert_allclose(short.outcome, long.outcome, rtol=0.02)
