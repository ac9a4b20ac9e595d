"""Fitting, saving and reading back a study with paths; and one without, as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import mmm
from mmm.config import Inference, Study
from mmm.inference.fit import Fit, data_sha256, load_fit, save_fit
from mmm.inference.sample import sample
from mmm.model.density import build_density, natural_values
from mmm.model.design import build_design
from mmm.model.spec import model_spec

PATHS = [
    {"name": "leads", "column": "leads", "feeds": "deals won"},
    {"name": "deals won", "column": "deals"},
]


def study(paths: list[dict[str, object]]) -> Study:
    return Study.model_validate(
        {
            "study": "small",
            "data": {"date": "week"},
            "outcome": {"column": "revenue", "kind": "revenue"},
            "channels": [{"name": "tv", "role": "tactical", "spend": "tv"}],
            "baseline": {"seasonality": 0},
            "paths": paths,
            "inference": {"chains": 2, "draws": 50, "tune": 100, "seed": 3},
        }
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    tv = rng.gamma(2.0, 40.0, 70)
    leads = 200 + tv + rng.normal(0, 10, 70)
    deals = 20 + 0.2 * leads + rng.normal(0, 3, 70)
    dates = pd.date_range("2023-01-02", periods=70, freq="W-MON")
    revenue = 500 + 8 * deals + rng.normal(0, 20, 70)
    return pd.DataFrame(
        {"week": dates, "tv": tv, "leads": leads, "deals": deals, "revenue": revenue}
    )


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame) -> Fit:
    chosen = study(PATHS)
    return mmm.fit(chosen, mmm.panel_from_frame(chosen, frame)[0])


def test_every_path_has_a_fit_of_as_many_draws(fitted: Fit) -> None:
    assert list(fitted.paths) == ["leads", "deals won"]
    assert {path.draws for path in fitted.paths.values()} == {fitted.draws}
    assert list(fitted.posterior["share_dim"].values) == ["tv", "deals won"]
    assert fitted.timings["sample_s"] > sum(p.timings["sample_s"] for p in fitted.paths.values())


def test_draws_of_regressions_know_nothing_of_each_other(fitted: Fit) -> None:
    sigmas = [one.posterior["sigma"].values.ravel() for one in (fitted, *fitted.paths.values())]
    correlation = np.corrcoef(sigmas)[np.triu_indices(3, 1)]
    assert (np.abs(correlation) < 0.5).all()


def test_a_fit_reads_back_as_it_was(fitted: Fit, tmp_path: Path) -> None:
    again = load_fit(save_fit(fitted, tmp_path / "fit.nc"))
    assert list(again.paths) == list(fitted.paths)
    for name, path in fitted.paths.items():
        xr.testing.assert_identical(again.paths[name].posterior, path.posterior)
        xr.testing.assert_identical(again.paths[name].statistics, path.statistics)
        assert again.paths[name].study == path.study
    one, other = (mmm.response(each, draws=20) for each in (fitted, again))
    pd.testing.assert_frame_equal(mmm.efficiency_table(one), mmm.efficiency_table(other))


def test_the_digest_covers_paths(fitted: Fit, frame: pd.DataFrame) -> None:
    changed = frame.assign(leads=frame["leads"] + 1.0)
    panel, _ = mmm.panel_from_frame(fitted.study, changed)
    assert data_sha256(panel) != data_sha256(fitted.panel)


def test_without_paths_draws_are_the_sampler_s_own(frame: pd.DataFrame) -> None:
    chosen = study([])
    panel, _ = mmm.panel_from_frame(chosen, frame)
    result = mmm.fit(chosen, panel)
    spec = model_spec(chosen, panel)
    density = build_density(spec, build_design(spec, panel))
    settings = Inference(chains=2, draws=50, tune=100, seed=3)
    expected = natural_values(density, sample(density, settings).unconstrained)
    np.testing.assert_array_equal(result.values(), expected.reshape(100, -1))
    assert result.paths == {}


def test_same_seed_same_draws(fitted: Fit) -> None:
    again = mmm.fit(fitted.study, fitted.panel)
    for name, path in {"": fitted, **fitted.paths}.items():
        other = again if not name else again.paths[name]
        np.testing.assert_array_equal(path.values(), other.values())
