"""Forecasts from earlier dates: where they start, how they score, what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmm.errors import InputError
from mmm.evaluate.altered import without_media
from mmm.evaluate.backtest import MODEL, NAIVE, NO_MEDIA, backtest
from mmm.evaluate.bench import Bench
from mmm.evaluate.folds import (
    Folds,
    forecast_scores,
    log_densities,
    naive_scores,
    rolling_folds,
    scored,
)
from mmm.evaluate.specifications import specifications, variants
from mmm.results.respond import response

FOLDS = Folds((104, 112), 8)


@pytest.fixture(scope="module")
def rows(constant) -> pd.DataFrame:
    """The model, no media and naive on a world that the model suits."""
    bench, (study, panel) = Bench(4), (constant.study, constant.panel)
    parts = [
        forecast_scores(MODEL, study, panel, FOLDS, bench),
        forecast_scores(NO_MEDIA, *without_media(study, panel), FOLDS, bench),
        naive_scores(NAIVE, panel, FOLDS),
    ]
    assert bench.done == 4
    return pd.concat(parts, ignore_index=True)


def test_a_model_that_is_right_beats_both(rows):
    found = backtest(rows, FOLDS)
    naive, silent = found.against
    assert (naive.forecaster, naive.verdict, naive.better_at) == (NAIVE, "better", 2)
    assert silent.verdict == "better"
    assert "beats the seasonal-naive forecast" in found.reading
    whole = {one.forecaster: one for one in found.scores if one.steps == "all"}
    assert whole[MODEL].mase < 0.5 * whole[NAIVE].mase
    assert whole[MODEL].periods == 16
    assert whole[MODEL].coverage_50 <= whole[MODEL].coverage_90
    assert [one.steps for one in found.scores if one.forecaster == MODEL] == [
        "all", "1-3", "4-6", "7-8"
    ]  # fmt: skip
    groups = [one for one in found.scores if one.forecaster == MODEL and one.steps != "all"]
    mean = np.average([one.crps for one in groups], weights=[one.periods for one in groups])
    assert mean == pytest.approx(whole[MODEL].crps)


def test_a_model_worse_than_naive_is_called_so(rows):
    swapped = rows.assign(
        forecaster=rows["forecaster"].map({MODEL: NAIVE, NAIVE: MODEL, NO_MEDIA: NO_MEDIA})
    )
    found = backtest(swapped, FOLDS)
    assert [one.verdict for one in found.against] == ["worse", "worse"]
    assert "does not beat the seasonal-naive forecast" in found.reading
    assert len(found.advice) >= 2


@pytest.mark.parametrize(
    ("column", "value", "word"), [("inside_90", False, "too narrow"), ("inside_50", True, "wider")]
)
def test_intervals_that_do_not_fit_are_named(rows, column, value, word):
    assert not any(word in text for text in backtest(rows, FOLDS).advice)
    found = backtest(rows.assign(**{column: value}), FOLDS)
    assert any(word in text for text in found.advice)


def test_steps_at_which_naive_is_ahead_are_named(rows):
    late = (rows["forecaster"] == MODEL) & (rows["step"] >= 7)
    found = backtest(rows.assign(crps=rows["crps"].where(~late, 1e5)), FOLDS)
    early = backtest(rows.assign(crps=rows["crps"].where(~late, rows["crps"].max())), FOLDS)
    assert "7-8" not in backtest(rows, FOLDS).reading
    assert found.against[0].verdict == "worse"
    assert "7-8 periods ahead" in early.reading


def test_origins_are_half_a_horizon_apart_and_the_last_leaves_one(constant):
    assert rolling_folds(constant.study, constant.panel, 3) == Folds((104, 108, 112), 8)
    with pytest.raises(InputError, match="longer history"):
        rolling_folds(constant.study, constant.panel.window(0, 30), 3)


def test_scores_of_known_draws():
    draws = np.linspace(-1.0, 1.0, 201)[:, None] * np.ones(3)
    found = scored(draws, np.array([0.0, 0.6, 3.0]), 2.0)
    np.testing.assert_allclose(found["scaled_error"], [0.0, 0.3, 1.5], atol=1e-12)
    assert list(found["inside_50"]) == [True, False, False]
    assert list(found["inside_80"]) == [True, True, False]


def test_the_naive_forecast_is_last_year(constant):
    outcome = constant.panel.dataset["outcome"].values[:, 0]
    found = naive_scores(NAIVE, constant.panel, Folds((104,), 8))
    within = np.abs(outcome[52:104] - outcome[:52]).mean()
    np.testing.assert_allclose(
        found["scaled_error"], np.abs(outcome[104:112] - outcome[52:60]) / within
    )


@pytest.mark.parametrize("likelihood", ["normal", "lognormal", "student_t"])
def test_log_densities_are_those_of_the_likelihood(fitted, likelihood):
    read = response(fitted, 40)
    spec = replace(read.density.spec, likelihood=likelihood)
    read = replace(read, density=replace(read.density, spec=spec), nu=np.full(read.draws, 5.0))
    level = float(read.level[0])
    expected = level * np.linspace(0.9, 1.1, 40)[:, None, None] * np.ones((1, 1, 2))
    actual = np.array([[level, 1.05 * level]])
    found = log_densities(read, expected, actual)
    for h in range(2):
        total = 0.0
        for d in range(40):
            sigma, mean = float(read.sigma[d, 0]), expected[d, 0, h]
            if likelihood == "lognormal":
                known = stats.lognorm(sigma, scale=mean / np.exp(sigma**2 / 2))
                assert known.mean() == pytest.approx(mean)
            elif likelihood == "student_t":
                known = stats.t(5, mean, sigma * level)
            else:
                known = stats.norm(mean, sigma * level)
            total += known.pdf(actual[0, h]) / 40
        assert found[0, h] == pytest.approx(np.log(total))


def test_specifications_are_ranked_by_what_they_gave_to_what_came(rows):
    some = rows[rows["forecaster"] != NAIVE]
    found = specifications(some, {"lognormal": "no"})
    assert [one.name for one in found.rows] == [MODEL, NO_MEDIA]
    own, silent = found.rows
    assert own.difference == 0.0
    gap = some.groupby("forecaster")["log_density"].mean()
    assert silent.difference == pytest.approx(gap[NO_MEDIA] - gap[MODEL])
    assert found.refused == {"lognormal": "no"}
    assert found.reading.startswith("None of the other")
    better = some.assign(forecaster=some["forecaster"].map({MODEL: NO_MEDIA, NO_MEDIA: MODEL}))
    turned = specifications(better, {})
    assert turned.rows[0].name == NO_MEDIA
    assert "forecasts better than the study" in turned.reading
    assert "experiment" in turned.advice[0]


def test_variants_change_one_thing_each(constant):
    found = variants(constant.study, constant.panel)
    assert set(found) == {"no trend", "lognormal"}
    assert found["no trend"].baseline.trend is False
    assert found["lognormal"].inference.likelihood == "lognormal"
    back = variants(found["no trend"], constant.panel)
    assert back["with trend"].baseline.trend is True
