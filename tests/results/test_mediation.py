"""Effects through paths: additive, linear, and nothing counted twice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mmm.efficiency.caused import caused_by_channels
from mmm.efficiency.curves import curves_table
from mmm.efficiency.roi import efficiency_table
from mmm.model import curves
from mmm.results.carried import Moved, lag_weights, through
from mmm.results.contributions import MEDIATED, decompose, outcome_components
from mmm.results.held import held_effects
from mmm.results.mediation import inputs, moved_paths
from mmm.results.outcome import whole_outcome
from mmm.results.regression import Response, direct_effect
from mmm.results.respond import baseline_effect, channel_effect


def window(read: Response) -> np.ndarray:
    return read.fit.panel.dataset["media"].values


def test_parts_of_every_draw_add_up_to_all_that_the_regressors_do(graph: Response) -> None:
    media, regressors = window(graph), inputs(graph)
    data = graph.fit.panel.dataset
    whole = np.zeros((graph.draws, len(graph.places), len(media)))
    for place, name in enumerate(regressors):
        series = (
            media[:, :, place]
            if place < media.shape[2]
            else data["paths"].sel(path=name).transpose("date", "geo").values
        )
        whole += direct_effect(graph, place, series).total
    parts = np.zeros_like(whole)
    for place in range(media.shape[2]):
        parts += channel_effect(graph, place, media[:, :, place]).total
    for effect in held_effects(graph).values():
        parts += effect
    np.testing.assert_allclose(parts, whole, rtol=1e-9, atol=1e-9 * np.abs(whole).max())


def test_direct_brand_and_mediated_are_the_total(graph: Response) -> None:
    effects = [channel_effect(graph, c, window(graph)[:, :, c]) for c in range(3)]
    for effect in effects:
        mediated = 0.0 if effect.mediated is None else effect.mediated
        np.testing.assert_allclose(effect.total, effect.tactical + effect.brand + mediated)
        np.testing.assert_allclose(effect.passing + effect.brand, effect.total)
    assert any(effect.mediated is not None for effect in effects)


def test_means_add_up_to_the_outcome(graph: Response) -> None:
    table = decompose(graph).table
    sums = table.groupby(["geo", "date"], sort=False)["mean"].sum().to_numpy()
    observed = graph.fit.panel.dataset["outcome"].values.T.ravel()
    np.testing.assert_allclose(sums, observed, rtol=1e-10)


def test_what_no_channel_moves_is_baseline_by_the_path_s_name(graph: Response) -> None:
    rows = graph.density.design.baseline
    found = {(c.name, c.kind) for c in outcome_components(graph, rows, window(graph))}
    feeding = set(inputs(graph)[3:])
    assert {(name, "baseline") for name in feeding} <= found
    moved = {
        channel
        for channel in graph.fit.panel.channels
        if channel_effect(
            graph, inputs(graph).index(channel), window(graph)[:, :, inputs(graph).index(channel)]
        ).mediated
        is not None
    }
    assert {name for name, kind in found if kind == MEDIATED} == moved


def test_silent_channels_act_through_paths_alone(mediated: Callable[..., Response]) -> None:
    read = mediated("funnel", geos=1)
    effect = channel_effect(read, 0, window(read)[:, :, 0])
    assert not effect.tactical.any()
    assert not effect.brand.any()
    assert effect.mediated is not None
    assert (effect.mediated.sum(axis=2) > 0).all()
    rows = read.density.design.baseline
    kinds = {c.kind for c in outcome_components(read, rows, window(read)) if c.name == "tv"}
    assert kinds == {MEDIATED}


def test_a_series_in_proportion_is_carried_as_the_kernel_carries_it(
    mediated: Callable[..., Response],
) -> None:
    read = mediated("funnel").paths["bookings"]
    place, series = 0, read.fit.panel.dataset["media"].values[:, :, 0]
    early = series[: read.density.spec.early_periods]
    draws = np.repeat(series.T[None], read.draws, axis=0)
    start = np.repeat(early.T[None], read.draws, axis=0)
    moved = through(read, place, Moved(draws, start, np.zeros(draws.shape[:2])))
    np.testing.assert_allclose(moved.series, direct_effect(read, place, series).total, rtol=1e-9)


def test_lag_weights_add_up_to_one(mediated: Callable[..., Response]) -> None:
    read = mediated("funnel").paths["bookings"]
    np.testing.assert_allclose(lag_weights(read, 0, 60).sum(axis=1), 1.0, rtol=1e-12)


def test_what_goes_in_comes_out(mediated: Callable[..., Response]) -> None:
    read = mediated("funnel").paths["bookings"]
    series = np.zeros((read.draws, 2, 40))
    series[:, :, 30:] = 5.0
    moved = Moved(series, np.zeros((read.draws, 2, 13)), np.full((read.draws, 2), 7.0))
    short = through(read, 0, moved)
    longer = np.concatenate([series, np.zeros((read.draws, 2, 40))], axis=2)
    longer[:, :, 40] = 7.0
    long = through(read, 0, Moved(longer, moved.start, np.zeros((read.draws, 2))))
    np.testing.assert_allclose(
        short.series.sum(axis=2) + short.to_come, long.series.sum(axis=2), rtol=1e-9
    )


def test_spending_nothing_moves_nothing_but_what_came_before(graph: Response) -> None:
    nothing = np.zeros_like(window(graph)[:, :, 0])
    for moved in moved_paths(graph, "tv", nothing, carry_in=0.0).values():
        assert not moved.series.any()
        assert not moved.to_come.any()


@pytest.mark.parametrize("name", ["mediator", "funnel", "bought mediator"])
def test_effects_through_a_path_follow_spending_in_time(
    mediated: Callable[..., Response], name: str
) -> None:
    read = mediated(name, geos=1)
    media = window(read)[:, :, 0]
    later = media.copy()
    later[30:] *= 2.0
    base, more = (channel_effect(read, 0, plan) for plan in (media, later))
    np.testing.assert_allclose(base.mediated[:, :, :30], more.mediated[:, :, :30], rtol=1e-9)
    assert (more.mediated[:, :, 30:].sum(axis=2) > base.mediated[:, :, 30:].sum(axis=2)).all()


def test_the_slope_is_the_derivative_of_the_worth(graph: Response) -> None:
    media = window(graph)[:, :, 0]
    worth = np.random.default_rng(3).uniform(1.0, 2.0, media.shape)
    later = np.concatenate([media, np.zeros((200, media.shape[1]))])
    weights = np.concatenate([worth, np.repeat(worth[-1:], 200, axis=0)])
    step = 1e-3

    def total(plan: np.ndarray) -> np.ndarray:
        effect = channel_effect(graph, 0, plan)
        keep = 2.0 ** (-1.0 / graph.table[:, 0, curves.MEMORY])
        tail = effect.brand[:, :, -1] * (keep / (1 - keep))[:, None]
        tail = tail if effect.to_come is None else tail + effect.to_come
        return np.einsum("dgt,tg->dg", effect.total, weights) + tail * weights[-1]

    slope = channel_effect(graph, 0, later, direction=later, worth=weights).slope
    change = (total(later * (1 + step)) - total(later * (1 - step))) / (2 * step)
    np.testing.assert_allclose(slope, change, rtol=2e-3)


def test_curve_at_today_and_contribution_agree(graph: Response) -> None:
    table = efficiency_table(graph).set_index("channel")
    today = curves_table(graph).query("multiplier == 1.0").set_index("channel")["mean"]
    np.testing.assert_allclose(
        today, table["contribution_mean"].drop("total").loc[today.index], rtol=1e-9
    )


def test_parts_in_the_table_add_up(graph: Response) -> None:
    table = efficiency_table(graph)
    parts = table["tactical_mean"] + table["brand_mean"] + table["mediated_mean"]
    np.testing.assert_allclose(parts, table["contribution_mean"], rtol=1e-9)
    assert table["mediated_mean"].iloc[-1] == pytest.approx(table["mediated_mean"].iloc[:-1].sum())


def test_with_a_bought_path_the_whole_is_as_without_it(mediated: Callable[..., Response]) -> None:
    read = mediated("bought mediator", geos=1)
    media = window(read)[:, :, 2]
    full = direct_effect(read, 2, media).total
    own = channel_effect(read, 2, media).total
    moved = [
        channel_effect(read, c, window(read)[:, :, c]).mediated
        - _through_visits(read, c, window(read)[:, :, c])
        for c in (0,)
    ]
    np.testing.assert_allclose(own + moved[0], full, rtol=1e-9, atol=1e-9 * full.max())
    assert (moved[0].sum(axis=2) > 0).all()
    assert (own.sum(axis=2) < full.sum(axis=2)).all()


def _through_visits(read: Response, channel: int, media: np.ndarray) -> np.ndarray:
    name = read.fit.panel.channels[channel]
    place = inputs(read).index("visits")
    return through(read, place, moved_paths(read, name, media)["visits"]).series


def test_caused_is_window_with_and_without_spending(mediated: Callable[..., Response]) -> None:
    read = mediated("mediator")
    each, together = caused_by_channels(read)
    np.testing.assert_allclose(together.outcome, sum(one.outcome for one in each))
    media = np.concatenate([window(read), np.zeros((400, *window(read).shape[1:]))])
    worth = np.ones(len(media))
    spent, none = (channel_effect(read, 0, plan) for plan in (media[:, :, 0], 0 * media[:, :, 0]))
    far = (spent.total - none.total) @ worth
    keep = 2.0 ** (-1.0 / read.table[:, 0, curves.MEMORY])
    brand = (spent.brand - none.brand)[:, :, -1] * (keep / (1 - keep))[:, None]
    far += brand + (spent.to_come - none.to_come)
    np.testing.assert_allclose(each[0].outcome, far, rtol=1e-6)


@pytest.mark.parametrize("name", ["mediator", "funnel", "bought mediator"])
def test_where_effects_multiply_parts_add_up_too(
    mediated: Callable[..., Response], name: str
) -> None:
    read = mediated(name, likelihood="lognormal", draws=6, geos=1)
    rows, media = read.density.design.baseline, window(read)
    total = sum(c.draws for c in outcome_components(read, rows, media))
    np.testing.assert_allclose(total, whole_outcome(read, rows, media), rtol=1e-9)
    each, together = caused_by_channels(read)
    assert all(np.isfinite(one.value).all() for one in (*each, together))
    assert (each[0].outcome > 0).all()


def test_no_path_no_baseline_of_its_own(make) -> None:
    read = make.response()
    assert held_effects(read) == {}
    names = {c.name for c in outcome_components(read, read.density.design.baseline, window(read))}
    assert "visits" not in names
    assert baseline_effect(read, read.density.design.baseline, set()).sum() == 0
