"""A multiplicative study with a moving channel, from the fit to the page."""

from __future__ import annotations

import numpy as np
import pytest

import mmm as library
from mmm.study.artefacts import write_artefacts


@pytest.fixture(scope="module")
def analysis(world):
    study = world.study
    settings = {"chains": 2, "draws": 150, "tune": 200, "seed": 7, "likelihood": "lognormal"}
    moving = study.channels[0].model_copy(update={"time_varying": True})
    study = study.model_copy(
        update={
            "inference": study.inference.model_copy(update=settings),
            "channels": (moving, *study.channels[1:]),
        }
    )
    panel, findings = library.panel_from_frame(study, world.frame)
    return library.analyse(library.fit(study, panel), findings)


def test_parts_that_multiply_still_add_up_to_the_observed_outcome(analysis):
    table = analysis.decomposition.table
    total = table.groupby(["date", "geo"])["mean"].sum().unstack()
    observed = analysis.fit.panel.dataset["outcome"].values
    np.testing.assert_allclose(total.to_numpy(), observed, rtol=1e-9)


def test_channels_removed_together_cause_less_than_one_by_one(analysis):
    table = analysis.efficiency.set_index("channel")
    channels = table.drop(index="total")
    caused = channels["roi_mean"] * channels["loaded_cost"]
    together = table.loc["total", "roi_mean"] * table.loc["total", "loaded_cost"]
    assert 0.5 * caused.sum() < together < caused.sum()
    parts = analysis.decomposition.table
    media = parts.loc[parts["kind"].isin(["tactical", "brand"]), "mean"].sum()
    assert table.loc["total", "contribution_mean"] == pytest.approx(media)


def test_geos_and_quarters_hold_the_money_of_the_window(analysis):
    whole = analysis.efficiency.set_index("channel")
    for parts in (analysis.efficiency_geo, analysis.efficiency_quarter):
        names = ["spend", "loaded_cost", "contribution_mean"]
        summed = parts.groupby("channel")[names].sum().loc[whole.index]
        np.testing.assert_allclose(summed, whole[names], rtol=1e-9)


def test_the_page_shows_the_moving_channel_by_quarter(analysis, tmp_path):
    write_artefacts(analysis, {"versions": {}, "seed": 7}, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert f"Return on investment of {analysis.fit.study.channels[0].name} by quarter" in page
    assert f"Return on investment of {analysis.fit.study.channels[1].name} by quarter" not in page
    assert "Return by region" in page
    again = library.load_fit(tmp_path / "fit.nc")
    table = library.efficiency_by_geo(library.response(again))
    np.testing.assert_allclose(table["roi_mean"], analysis.efficiency_geo["roi_mean"], rtol=1e-9)


def test_what_is_forecast_goes_on_from_what_was_fitted(analysis):
    fitted = analysis.decomposition.fitted.groupby("date")["mean"].sum()
    ahead = analysis.forecast.query("kind == 'total'").groupby("date")["mean"].sum()
    assert ahead.mean() == pytest.approx(fitted.tail(26).mean(), rel=0.25)
    assert analysis.case.npv_draws.shape == (300,)
    assert np.isfinite(analysis.case.npv_draws).all()
