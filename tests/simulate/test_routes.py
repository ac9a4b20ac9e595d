"""Worlds with paths: the truth against itself, and against a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mmm
from mmm.simulate import World, simulate_world
from mmm.simulate.routed_worlds import funnel, mediated_search
from mmm.simulate.routes import LagSpec, lagged, simulate_routed


def test_lag_weights_are_a_distribution_with_the_median_it_names() -> None:
    lag = LagSpec(3.5, 2.0, 60)
    weights = lag.weights()
    assert weights.sum() == pytest.approx(1.0)
    rng = np.random.default_rng(0)
    drawn = rng.gamma(3.5, 2.0, 200_000)
    assert lag.median == pytest.approx(np.median(drawn), abs=0.05)
    # causes fall anywhere within their period
    seen = np.floor(rng.uniform(size=drawn.size) + drawn)
    np.testing.assert_allclose(
        weights[:30], np.bincount(seen.astype(int))[:30] / drawn.size, atol=0.003
    )
    impulse = np.zeros((80, 1))
    impulse[3] = 2.0
    np.testing.assert_allclose(lagged(impulse, lag)[3:64, 0], 2.0 * weights)


def test_without_noise_a_stage_is_its_driver_carried_on() -> None:
    spec = funnel()
    leads, pipeline = spec.paths
    quiet = replace(
        spec,
        base=replace(spec.base, noise=0.0, periods=60),
        paths=(replace(leads, noise=0.0), replace(pipeline, noise=0.0, level=1e-9)),
    )
    frame = simulate_routed(quiet, 0).frame
    series = frame["leads"].to_numpy()[:, None]
    carried = leads.converts * lagged(series, leads.lag)[8:, 0]
    np.testing.assert_allclose(frame["pipeline"].to_numpy()[8:], carried, rtol=1e-4)


def test_what_is_bought_costs_what_all_its_clicks_cost() -> None:
    world = simulate_world("mediated_search", seed=1)
    clicks, spend = world.frame["brand_search_clicks"], world.frame["brand_search_spend"]
    np.testing.assert_allclose(spend, 1.2 * clicks, atol=0.01)
    path = world.truth["paths"]["brand_clicks"]
    assert path["series"] == pytest.approx(clicks.sum(), rel=1e-6)
    assert sum(path["caused"].values()) < 0.4 * path["series"]


def test_without_conversion_nothing_is_mediated() -> None:
    world = simulate_world("path_off")
    assert {known["mediated"] for known in world.truth["channels"].values()} == {0.0}
    on = mediated_search()
    none = replace(on, paths=(replace(on.paths[0], converts=0.0),))
    off = simulate_routed(none, 0)
    np.testing.assert_array_equal(off.frame["revenue"], world.frame["revenue"])


def fitted(world: World) -> tuple[mmm.Analysis, dict[str, object]]:
    settings = world.study.inference.model_copy(update={"chains": 2, "draws": 250, "tune": 250})
    study = world.study.model_copy(update={"inference": settings})
    panel, findings = mmm.panel_from_frame(study, world.frame)
    return mmm.analyse(mmm.fit(study, panel), findings), world.truth


def test_a_fit_tells_direct_from_mediated() -> None:
    analysis, truth = fitted(simulate_world("mediated_search", seed=0))
    table = analysis.efficiency.set_index("channel")
    missed = []
    for channel in ("tv", "online_video"):
        for kind in ("tactical", "mediated", "contribution"):
            low, high = table.loc[channel, [f"{kind}_p05", f"{kind}_p95"]]
            outside = max(low - truth["channels"][channel][kind], 0.0)
            outside = max(outside, truth["channels"][channel][kind] - high)
            missed += [outside / (high - low)] if outside > 0.0 else []
    # of six 90 % intervals two or more miss in one case of nine
    assert len(missed) <= 1
    assert max(missed, default=0.0) < 0.25
    assert table.loc["paid_social", "mediated_p95"] == 0.0
    sums = analysis.decomposition.table.groupby("date")["mean"].sum()
    observed = analysis.decomposition.fitted.groupby("date")["observed"].sum()
    np.testing.assert_allclose(sums, observed, rtol=1e-9)


def test_a_path_without_effect_is_found_to_have_next_to_none() -> None:
    analysis, truth = fitted(simulate_world("path_off", seed=0))
    total = analysis.efficiency.set_index("channel").loc["total"]
    assert total["mediated_p05"] < 0.02 * truth["outcome_total"]


def test_a_fit_follows_a_funnel() -> None:
    analysis, truth = fitted(simulate_world("funnel", seed=0))
    table = analysis.efficiency.set_index("channel")
    for channel, known in truth["channels"].items():
        low, high = table.loc[channel, ["mediated_p05", "mediated_p95"]]
        assert low <= known["mediated"] <= high, channel
        low, high = table.loc[channel, ["roi_p05", "roi_p95"]]
        assert low <= known["roi"] <= high, channel
        assert table.loc[channel, "contribution_mean"] == table.loc[channel, "mediated_mean"]
    funnel = analysis.funnel
    assert funnel is not None
    rows = funnel[(funnel["quantity"] == "conversion") & (funnel["stage"] == "leads")]
    assert rows["p05"].iloc[0] <= 900.0 <= rows["p95"].iloc[0]
