"""How forecasts fared: the scores by their definitions, and a record on simulated data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mmm.config import Inference, PlanSettings
from mmm.data.load import panel_from_frame
from mmm.errors import InputError
from mmm.inference.fit import fit, load_fit, save_fit
from mmm.plan.record import (
    coverage,
    crps,
    forecast_record,
    origins_of,
)
from mmm.plan.recorded import load_record, save_record
from mmm.simulate import simulate_world


def test_crps_of_gaussian_draws_is_the_integral_of_squared_differences():
    rng = np.random.default_rng(0)
    draws = 2.0 + 1.5 * rng.standard_normal((20_000, 1))
    for actual in (1.0, 2.0, 5.0):
        below = quad(lambda x: norm.cdf(x, 2, 1.5) ** 2, -10, actual)[0]
        above = quad(lambda x: norm.sf(x, 2, 1.5) ** 2, actual, 15)[0]
        assert crps(draws, np.array([actual]))[0] == pytest.approx(below + above, rel=0.02)


def test_crps_of_one_draw_is_its_distance():
    assert crps(np.array([[3.0]]), np.array([5.0]))[0] == 2.0


def test_coverage_counts_periods_inside():
    draws = np.linspace(0, 1, 101)[:, None] * np.ones(4)
    assert coverage(draws, np.array([0.5, 0.2, 0.26, 0.9]), 0.5) == 0.5


def test_origins_lie_end_to_end(make):
    panel = make.fit(periods=60).panel
    assert origins_of(panel, 10) == [30, 40, 50]
    assert origins_of(panel, 13) == [34, 47]
    with pytest.raises(InputError, match=r"plan\.record"):
        origins_of(make.fit(periods=30).panel, 10)


def test_a_record_on_a_simulated_world(tmp_path):
    world = simulate_world("national", seed=2, periods=130)
    study = world.study.model_copy(
        update={
            "inference": Inference(chains=2, draws=150, tune=200, seed=3),
            "plan": PlanSettings(horizon=8),
        }
    )
    panel, _ = panel_from_frame(study, world.frame)
    record = forecast_record(study, panel, origins=2)
    table = record.table.set_index("origin")
    assert list(table["periods"]) == [8, 8, 16]
    assert table.loc["all", "mase"] < table.loc["all", "mase_naive"]
    assert table.loc["all", "crps"] < table.loc["all", "crps_naive"]
    assert table.loc["all", "coverage_90"] >= table.loc["all", "coverage_50"]
    assert table.loc["all", "coverage_90"] >= 0.6
    np.testing.assert_allclose(table["mase"].iloc[:2].mean(), table.loc["all", "mase"])
    assert record.to_dict()["origins"] == 2
    stored = save_fit(fit(study, panel), tmp_path / "fit.nc")
    assert load_record(stored) is None
    save_record(record, stored)
    pd.testing.assert_frame_equal(load_record(stored).table, record.table, check_dtype=False)
    assert load_fit(stored).draws == 300
