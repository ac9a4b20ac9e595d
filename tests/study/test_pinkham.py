"""The published series: what the model says beside what was published."""

from __future__ import annotations

import numpy as np
import pytest

import mmm
from mmm.examples import PALDA_LONG_RUN, pinkham_study
from mmm.study.notes import density_ratio, notes_on


@pytest.fixture(scope="module")
def analysis():
    study, frame = pinkham_study()
    short = study.inference.model_copy(update={"chains": 2, "draws": 600, "tune": 400})
    study = study.model_copy(update={"inference": short})
    panel, findings = mmm.panel_from_frame(study, frame)
    return mmm.analyse(mmm.fit(study, panel), findings)


def test_the_note_stands_beside_palda(analysis):
    notes = notes_on(analysis.fit, analysis.efficiency, analysis.ledger)
    (note,) = [text for text in notes if "Palda" in text]
    for figure in ("0.54", "0.63", "1.44"):
        assert figure in note
    row = analysis.efficiency.iloc[0]
    assert f"{row['roi_mean']:.2f}" in note
    assert "do not settle the dispute" in note


def test_the_long_run_return_holds_paldas(analysis):
    row = analysis.efficiency.iloc[0]
    assert row["roi_p05"] < PALDA_LONG_RUN < row["roi_p95"]


def test_the_density_ratio_averages_to_one_under_the_prior(analysis):
    """Posterior over prior density, averaged over the prior, is the posterior's mass."""
    half_life = analysis.fit.posterior["brand_half_life"].values.ravel()
    low, high = np.quantile(half_life, [0.001, 0.999])
    grid = np.exp(np.linspace(np.log(low), np.log(high), 200))
    from scipy import stats

    from mmm.model.spec import model_spec

    prior = model_spec(analysis.fit.study, analysis.fit.panel).variable("brand_half_life").priors[0]
    weight = stats.norm(prior.location, prior.scale).pdf(np.log(grid))
    ratio = [density_ratio(analysis.fit, "brand_half_life", value) for value in grid]
    assert np.trapezoid(weight * ratio, np.log(grid)) == pytest.approx(1.0, abs=0.03)
