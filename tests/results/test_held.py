"""What no channel moved of a path: in the window, and ahead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mmm.plan.forecast import forecast, incremental_value
from mmm.plan.scenario import Scenario, as_is
from mmm.results.ahead import continued, settled
from mmm.results.blocks import take_geos
from mmm.results.held import held_as_settled, held_effects, held_paths
from mmm.results.mediation import moved_paths
from mmm.results.outcome import baseline_predictor
from mmm.results.respond import Response, baseline_effect


def test_in_the_window_parts_of_a_path_are_the_path(graph: Response) -> None:
    data = graph.fit.panel.dataset
    for name, held in held_paths(graph).items():
        total = held.series.copy()
        for place, channel in enumerate(graph.fit.panel.channels):
            moved = moved_paths(graph, channel, data["media"].values[:, :, place])
            total += moved[name].series if name in moved else 0.0
        observed = data["paths"].sel(path=name).values.T
        np.testing.assert_allclose(total, np.broadcast_to(observed, total.shape), rtol=1e-9)


def test_ahead_a_path_is_its_own_baseline(mediated: Callable[..., Response]) -> None:
    read = mediated("mediator")
    plan = as_is(read.fit, 8)
    held = held_paths(read, plan.dates, plan.controls)["visits"].series
    path = read.paths["visits"]
    rows = continued(path, plan.dates, plan.controls).last(8).rows
    known = baseline_effect(path, rows, {*rows.own_component, *rows.shared_component})
    first = held[:, :, -8] - known[:, :, 0]
    assert np.abs(first.mean()) < 0.2 * known.mean()
    assert held.shape[2] == 60 + 8
    noisy = held_paths(read, plan.dates, plan.controls, noise=True)["visits"].series
    np.testing.assert_array_equal(noisy[:, :, :60], held[:, :, :60])
    assert (noisy[:, :, 60:] != held[:, :, 60:]).all()


def test_past_the_window_what_is_held_goes_on_by_itself(
    mediated: Callable[..., Response],
) -> None:
    read = mediated("mediator", likelihood="lognormal", geos=1)
    rows = settled(read, 20).rows
    silent = baseline_predictor(read, rows)
    known = held_effects(read, held_as_settled(read, 20))["visits"]
    alone = baseline_effect(read, rows, {*rows.own_component, *rows.shared_component})
    np.testing.assert_allclose(silent, alone + known, rtol=1e-12)


def test_blocks_of_geos_change_nothing(graph: Response) -> None:
    plan = as_is(graph.fit, 5)
    whole = held_paths(graph, plan.dates, plan.controls, noise=True)
    parts = [
        held_paths(take_geos(graph, slice(g, g + 1)), plan.dates, plan.controls, noise=True)
        for g in range(2)
    ]
    for name, held in whole.items():
        joined = np.concatenate([part[name].series for part in parts], axis=1)
        np.testing.assert_allclose(joined, held.series, rtol=1e-9)


def test_the_forecast_has_every_part_and_adds_up(graph: Response) -> None:
    table = forecast(graph, as_is(graph.fit, 6))
    parts = table[table["kind"] != "total"].groupby(["geo", "date"], sort=False)["mean"].sum()
    total = table[table["kind"] == "total"].set_index(["geo", "date"])["mean"]
    np.testing.assert_allclose(parts, total.loc[parts.index], rtol=1e-9)
    kinds = table.groupby("component")["kind"].agg(set)
    assert "mediated" in kinds["tv"]


def test_a_plan_moves_paths_beyond_the_window(mediated: Callable[..., Response]) -> None:
    read = mediated("funnel", geos=1)
    plan = as_is(read.fit, 6)
    more = _with_media(plan, plan.media * 1.5)
    base, raised = (incremental_value(read, one, 40).sum(axis=1) for one in (plan, more))
    assert (raised > base).all()
    alone = _with_media(plan, plan.media * np.array([1.0, 0.0, 0.0]))
    value = incremental_value(read, alone, 40)
    # leads take weeks to become bookings, and bookings to become outcome
    assert (value[:, 6:].sum(axis=1) > value[:, :6].sum(axis=1)).all()


@pytest.mark.parametrize("name", ["mediator", "bought mediator"])
def test_where_effects_multiply_a_plan_counts_what_paths_bring(
    mediated: Callable[..., Response], name: str
) -> None:
    read = mediated(name, likelihood="lognormal", geos=1, draws=6)
    plan = as_is(read.fit, 6)
    value = incremental_value(read, plan, 20)
    assert np.isfinite(value).all()
    assert (value.sum(axis=1) > 0).all()
    table = forecast(read, plan)
    parts = table[table["kind"] != "total"].groupby("date")["mean"].sum()
    total = table[table["kind"] == "total"].set_index("date")["mean"]
    np.testing.assert_allclose(parts, total, rtol=1e-9)


def _with_media(plan: Scenario, media: np.ndarray) -> Scenario:
    return Scenario(
        plan.name, plan.dates, media, plan.spend, plan.cost, plan.controls, plan.value_per_unit,
        plan.statements,
    )  # fmt: skip
