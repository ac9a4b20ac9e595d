"""Tests of assumptions: their size where these hold, and what they name where one does not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmm.config import Inference
from mmm.data.load import panel_from_frame
from mmm.efficiency.plausible import precision_findings
from mmm.errors import Severity
from mmm.evaluate.assumptions import (
    _step,
    assumption_findings,
    assumption_tests,
    shared_shocks,
)
from mmm.evaluate.leftover import Leftover, effects_of, holm, leftover, score, scores
from mmm.inference.fit import fit
from mmm.results.respond import response
from mmm.simulate.broken import Trouble, simulate_troubled
from mmm.simulate.broken_worlds import clean_spec

SHORT = Inference(chains=2, draws=100, tune=150, seed=5)
SMALL = replace(clean_spec(), name="small", geos=4, periods=104, history=52, level=1e6, noise=0.02)
NAMES = {
    "": Trouble(),
    "effect_moves": Trouble(effect={"tv": (1.8, 0.2)}),
    "level_break": Trouble(step=(0.5, -0.2)),
    "control_moves": Trouble(turns=0.5),
    "media_follows_outcome": Trouble(booked={"paid_search": 4}),
    "season_misfit": Trouble(peak=0.4),
    "geos_move_together": Trouble(demand=0.06, persistence=0.0),
    "residuals_related": Trouble(demand=0.06, persistence=0.8),
}


@cache
def read_of(name: str):
    trouble = NAMES[name]
    spec = replace(SMALL, price_elasticity=-1.5) if trouble.turns else SMALL
    world = simulate_troubled(spec, trouble, 0)
    study = world.study.model_copy(update={"inference": SHORT})
    panel, _ = panel_from_frame(study, world.frame)
    return response(fit(study, panel))


@pytest.fixture(scope="module")
def clean():
    return read_of("")


def bare(residual: np.ndarray) -> Leftover:
    """What is left where the model has a level for each geo and nothing else."""
    geos, periods = residual.shape
    level = np.full((periods, 1), periods**-0.5)
    nothing = Leftover(
        (level,) * geos, np.empty((residual.size, 0)), np.ones(geos), np.zeros_like(residual), geos
    )
    return replace(nothing, residual=nothing.off(residual))


def test_the_plain_test_is_that_of_added_variables():
    rng = np.random.default_rng(0)
    y, z = rng.normal(size=(1, 60)), rng.normal(size=(2, 1, 60))
    left = bare(y)
    probability, explains, size = score(left, z, left.off(z))
    before = ((y - y.mean()) ** 2).sum()
    columns = np.column_stack([np.ones(60), *z[:, 0]])
    coefficients = np.linalg.lstsq(columns, y[0], rcond=None)[0]
    after = ((y[0] - columns @ coefficients) ** 2).sum()
    plain = stats.f.sf((before - after) / 2 / (after / 57), 2, 57)
    assert probability >= plain * (1 - 1e-9)
    assert explains == pytest.approx(1 - after / before)
    alone = np.polyfit(z[0, 0], y[0], 1)[0]
    assert size == pytest.approx(alone)


def test_what_the_model_has_already_is_not_tested():
    left = bare(np.random.default_rng(1).normal(size=(3, 50)))
    level = np.ones((1, 3, 50))
    assert score(left, level, left.off(level)) is None


def test_white_noise_is_called_out_as_often_as_it_should_be():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(1, 4, 80))
    found = []
    for _ in range(400):
        left = bare(rng.normal(size=(4, 80)))
        found.append(score(left, z, left.off(z))[0])
    assert 4 <= np.sum(np.array(found) < 0.05) <= 34


def test_shocks_that_all_geos_share_do_not_pass_for_evidence():
    """A common walk is unrelated to the series, though the F test would say otherwise."""
    rng = np.random.default_rng(3)
    called = []
    for _ in range(100):
        shared, series = rng.normal(size=80), rng.normal(size=80)
        left = bare(shared + 0.3 * rng.normal(size=(20, 80)))
        z = np.tile(series, (20, 1))[None]
        called.append(score(left, z, left.off(z))[0] < 0.01)
    assert np.mean(called) < 0.1


@pytest.mark.parametrize("geos", [1, 5])
def test_many_series_are_scored_at_once_as_each_by_itself(geos):
    rng = np.random.default_rng(4)
    residual = rng.normal(size=(geos, 60)).cumsum(axis=1) * 0.1 + rng.normal(size=(geos, 60))
    weight = rng.uniform(0.5, 2.0, geos)
    left = replace(bare(residual), weight=weight)
    series = rng.normal(size=(12, geos, 60))
    series[3] = 1.0 / weight[:, None]  # a level of each geo, which the model has
    series[7] = left.residual / weight[:, None]  # all that is left
    apart = left.off(series)
    found, tested = scores(left, series, apart)
    assert tested.tolist() == [place != 3 for place in range(12)]
    for row, one, rest in zip(found[tested], series[tested], apart[tested], strict=True):
        np.testing.assert_allclose(row, score(left, one[None], rest[None]), rtol=1e-8, atol=1e-12)


def test_holm_by_its_definition():
    found = holm(np.array([0.04, 0.001, 0.5, 0.02]))
    np.testing.assert_allclose(found, [0.08, 0.004, 0.5, 0.06])


def test_geos_that_share_shocks_are_told_from_those_that_do_not():
    rng = np.random.default_rng(4)
    apart = rng.normal(size=(6, 100))
    assert shared_shocks(apart)[1] > 0.001
    together, chance = shared_shocks(apart + rng.normal(size=100))
    assert together == pytest.approx(0.5, abs=0.15)
    assert chance < 1e-10
    assert shared_shocks(apart[:1]) == (0.0, 1.0)


def test_a_world_as_the_model_takes_it_has_no_finding(clean):
    assert assumption_findings(clean) == ()
    found = assumption_tests(clean)
    assert {one.check for one in found} == {
        "effect_moves", "media_follows_outcome", "curve_misfit", "control_moves",
        "season_misfit", "level_break",
    }  # fmt: skip
    assert min(one.probability for one in found) > 0.01


def test_outcomes_drawn_of_the_model_itself_are_rarely_called_out(clean):
    """The residuals of the fit replaced by noise of its own size, a hundred times."""
    effects = effects_of(clean)
    left, rng = leftover(clean, effects), np.random.default_rng(6)
    moved = np.array([curve.mean * np.linspace(-1, 1, 104) for curve in effects])[:, None]
    apart = [left.off(one) for one in moved]
    called = 0
    for _ in range(100):
        noise = rng.normal(size=left.residual.shape) / left.weight[:, None]
        again = replace(left, residual=left.off(noise))
        found = [score(again, one, rest)[0] for one, rest in zip(moved, apart, strict=True)]
        called += holm(np.array(found)).min() < 0.05
    assert called <= 12


@pytest.mark.parametrize("check", [name for name in NAMES if name])
def test_each_broken_assumption_is_named(check):
    found = {one.check: one for one in assumption_findings(read_of(check))}
    assert check in found
    assert found[check].severity is Severity.WARNING
    assert found[check].remedy.endswith(".")


def test_a_moving_effect_and_a_step_are_measured():
    found = assumption_tests(read_of("effect_moves"))
    moving = {one.about: one for one in found if one.check == "effect_moves"}
    assert moving["tv"].size == pytest.approx(-0.8, abs=0.25)
    steps = [one for one in assumption_tests(read_of("level_break")) if one.check == "level_break"]
    assert "2021-12" < steps[0].about < "2022-02"
    assert -0.25 < steps[0].size < -0.1


def test_too_little_data_for_a_test_gives_none(clean):
    short = replace(SMALL, geos=1, periods=39)
    world = simulate_troubled(short, Trouble(step=(0.5, -0.3)), 0)
    study = world.study.model_copy(update={"inference": SHORT})
    panel, _ = panel_from_frame(study, world.frame)
    assert assumption_findings(response(fit(study, panel))) == ()


def wide(**widths: float) -> pd.DataFrame:
    """Channels that contributed 100 each, with 90 % intervals that wide, and their total."""
    rows = [
        {
            "channel": name,
            "contribution_mean": 100.0,
            "contribution_p05": 100.0 - 50.0 * width,
            "contribution_p95": 100.0 + 50.0 * width,
        }
        for name, width in {**widths, "total": 9.0}.items()
    ]
    return pd.DataFrame(rows)


def test_a_channel_known_too_roughly_is_named():
    assert precision_findings(wide(tv=0.3, search=1.9, radio=0.4)) == ()
    (found,) = precision_findings(wide(tv=0.3, search=2.1, radio=0.4))
    assert "'search'" in found.message
    assert "'tv'" not in found.message
    (found,) = precision_findings(wide(tv=1.2, search=1.3, radio=0.4))
    assert "'tv'" in found.message
    assert "'radio'" not in found.message


def test_of_a_channel_that_does_next_to_nothing_it_is_enough_to_know_so():
    table = wide(tv=0.3, search=0.3, radio=0.3)
    little = table["channel"] == "radio"
    table.loc[little, ["contribution_mean", "contribution_p05", "contribution_p95"]] = 2, 0, 6
    assert precision_findings(table) == ()


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (-0.003, "less than 1 %"),
        (0.004, "less than 1 %"),
        (-0.38, "about -38 %"),
        (0.2, "about +20 %"),
    ],
)
def test_a_step_is_said_in_words_where_it_rounds_to_nothing(size, said):
    assert _step(size) == said
