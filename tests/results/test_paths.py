"""Tables of paths and stages, against sums worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mmm.plan.backwards import MULTIPLES, funnel_table, read_backwards
from mmm.plan.scenario import as_is
from mmm.results.held import held_effects
from mmm.results.mediation import channel_effect
from mmm.results.outcome import expected_outcome
from mmm.results.paths import NO_CHANNEL, path_findings, path_parts, paths_table
from mmm.results.regression import Response, direct_effect
from mmm.results.stages import mean_lag, spending, stages, unit_effect


def test_shares_of_a_path_add_up_to_one(graph: Response) -> None:
    table = paths_table(graph)
    assert list(dict.fromkeys(table["path"])) == list(graph.paths)
    sums = table.groupby("path")["share_mean"].sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-9)
    series = graph.fit.panel.dataset["paths"].sum(["date", "geo"]).to_series()
    units = table.groupby("path")["units_mean"].sum()
    np.testing.assert_allclose(units[series.index], series, rtol=1e-9)


def test_what_comes_of_a_mediator_is_what_channels_are_credited_with(
    mediated: Callable[..., Response],
) -> None:
    read = mediated("mediator")
    media = read.fit.panel.dataset["media"].values
    for part in path_parts(read):
        if part.driver == NO_CHANNEL:
            expected = held_effects(read)["visits"]
        else:
            place = read.fit.panel.channels.index(part.driver)
            expected = channel_effect(read, place, media[:, :, place]).mediated
        np.testing.assert_allclose(part.outcome, expected.sum(axis=(1, 2)), rtol=1e-9)


def test_a_funnel_s_stages_bring_the_same_outcome(mediated: Callable[..., Response]) -> None:
    table = paths_table(mediated("funnel", geos=1)).set_index(["path", "driver"])
    leads, pipeline = (table.loc[name, "outcome_mean"] for name in ("leads", "pipeline"))
    channels = [name for name in leads.index if name != NO_CHANNEL]
    np.testing.assert_allclose(leads[channels], pipeline[channels], rtol=1e-9)


def test_more_than_all_of_a_path_is_warned_of() -> None:
    table = pd.DataFrame(
        {
            "path": ["search", "search", "leads", "leads"],
            "driver": ["tv", NO_CHANNEL, "tv", NO_CHANNEL],
            "share_mean": [3.0, -2.0, 0.4, 0.6],
            "share_p50": [3.0, -2.0, 0.4, 0.6],
        }
    )
    (finding,) = path_findings(table)
    assert "'search'" in finding.where
    assert "300%" in finding.message


def test_rates_multiply_along_stages(mediated: Callable[..., Response]) -> None:
    found = {stage.name: stage for stage in stages(mediated("funnel", geos=1))}
    assert list(found) == ["leads", "pipeline", "bookings"]
    leads, pipeline, bookings = found.values()
    np.testing.assert_allclose(bookings.rate, bookings.conversion["outcome"])
    np.testing.assert_allclose(pipeline.rate, pipeline.conversion["bookings"] * bookings.rate)
    np.testing.assert_allclose(leads.rate, leads.conversion["pipeline"] * pipeline.rate)
    assert (bookings.delay["outcome"] > 0.5).all()


def test_a_unit_s_effect_is_the_effect_of_all_over_all(mediated: Callable[..., Response]) -> None:
    read = mediated("mediator")
    place = 3
    series = read.fit.panel.dataset["paths"].values[:, :, 0]
    effect = channel_total(read, place, series)
    np.testing.assert_allclose(unit_effect(read, place), effect / series.sum(), rtol=1e-9)


def channel_total(read: Response, place: int, series: np.ndarray) -> np.ndarray:
    return direct_effect(read, place, series).total.sum(axis=(1, 2))


def test_delay_is_that_of_carry_over_and_lags(mediated: Callable[..., Response]) -> None:
    read = mediated("funnel", geos=1)
    search = next(one for one in spending(read) if one.channel == "search")
    leads, pipeline, bookings = (read.paths[name] for name in ("leads", "pipeline", "bookings"))
    place = leads.density.spec.channels.index("search")
    expected = mean_lag(leads, place) + mean_lag(pipeline, 0)
    expected = expected + mean_lag(bookings, 0) + mean_lag(read, 3)
    np.testing.assert_allclose(search.delay, expected, rtol=1e-9)


def test_units_caused_are_those_of_the_window_and_what_follows(
    mediated: Callable[..., Response],
) -> None:
    read = mediated("mediator", geos=1)
    tv, search, _ = spending(read)
    assert set(tv.units) == {"visits"}
    assert search.units == {}
    assert (tv.units["visits"] > 0).all()
    spend = read.fit.panel.dataset["spend"].values[:, :, 0].sum()
    assert tv.cost == pytest.approx(1.1 * spend + 500.0 * 60)


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_a_target_of_the_plan_itself_needs_what_is_planned(
    mediated: Callable[..., Response], likelihood: str
) -> None:
    read = mediated("mediator", likelihood=likelihood, geos=1)
    plan = as_is(read.fit, 13)
    today = read_backwards(read, scenario=plan).outcome
    back = read_backwards(read, target=float(today[0]), scenario=plan)
    assert back.multiple[0] == pytest.approx(1.0, abs=1e-9)
    assert back.needed["visits"][0] == pytest.approx(back.stages["visits"][0])
    more = read_backwards(read, target=float(today.max() * 1.02), scenario=plan)
    assert (more.needed["visits"] >= more.stages["visits"]).all()
    assert (more.multiple > 1.0).all()
    assert np.isinf(read_backwards(read, target=1e12, scenario=plan).multiple).all()


def test_without_spending_is_the_first_multiple(mediated: Callable[..., Response]) -> None:
    assert MULTIPLES[0] == 0.0
    assert 1.0 in MULTIPLES
    read = mediated("mediator", geos=1)
    low = read_backwards(read, target=0.0)
    assert (low.multiple == 0.0).all()
    assert expected_outcome(read, np.ones((1, 1, 1))).item() == 1.0


def test_funnel_table_says_each_thing_once(graph: Response) -> None:
    table = funnel_table(graph, read_backwards(graph))
    keys = table[["quantity", "stage", "to", "channel"]]
    assert not keys.duplicated().any()
    assert {"conversion", "delay", "outcome_per_unit", "cost_per_unit", "needed"} <= set(
        table["quantity"]
    )
    known = table[np.isfinite(table["mean"])]
    assert (known["p05"] <= known["p95"]).all()
