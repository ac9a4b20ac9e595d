"""Champion and challenger on simulated worlds: calm ones pass, changed ones are noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mmm.batch.compare import (
    Comparison,
    ForecastScore,
    InputChange,
    compare_fits,
    input_changes,
    score_channels,
)
from mmm.batch.promote import decide
from mmm.config import Study
from mmm.config.batch import Promote
from mmm.data.load import panel_from_frame
from mmm.efficiency.dated import Shift, overlap, returns_on
from mmm.efficiency.roi import efficiency_table
from mmm.inference.fit import fit
from mmm.results.respond import response

RULES = Promote()
WEEKS, LATER = 104, 13


def join(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The first weeks of one world and the later weeks of the other: same spending, same
    noise."""
    return pd.concat([first.iloc[:WEEKS], second.iloc[WEEKS:]], ignore_index=True)


@pytest.fixture(scope="module")
def fitted(worlds):
    """Fits a frame with the tiny study; `changes` go to the study."""

    def make(frame, **changes):
        content = worlds.content("tiny") | changes
        content["inference"] = {"chains": 2, "draws": 300, "tune": 300, "seed": 5}
        study = Study.model_validate(content)
        return fit(study, panel_from_frame(study, frame)[0], cores=1)

    return make


@pytest.fixture(scope="module")
def world(worlds):
    """A world, and the same one where tv earns half."""
    calm = worlds.frame(11, periods=WEEKS + LATER)
    halved = worlds.frame(11, periods=WEEKS + LATER, scale=0.5)
    np.testing.assert_array_equal(calm["tv_spend"], halved["tv_spend"])
    return calm, halved


@pytest.fixture(scope="module")
def deployed(fitted, world):
    return fitted(world[0].iloc[:WEEKS])


def test_a_calm_world_is_promoted(fitted, world, deployed):
    comparison = compare_fits(deployed, fitted(world[0]))
    decision = decide("trusted", comparison, RULES)
    assert decision.action == "promote", decision.because
    assert comparison.forecast is not None
    assert comparison.forecast.periods == LATER
    assert abs(comparison.forecast.error) < 0.03
    assert comparison.forecast.covered >= 0.6
    assert comparison.common_periods == WEEKS
    assert all(change.restated == 0.0 for change in comparison.inputs)


def test_a_return_that_halves_from_now_on_is_an_alarm(fitted, world, deployed):
    calm, halved = world
    comparison = compare_fits(deployed, fitted(join(calm, halved)))
    assert comparison.forecast is not None
    assert comparison.forecast.error < -0.03
    (tv,) = [one for one in comparison.forecast.channels if one.channel == "tv"]
    assert tv.factor == pytest.approx(0.5, abs=0.25)
    decision = decide("trusted", comparison, RULES)
    assert decision.action == "alarm"
    assert any("tv earned" in reason for reason in decision.because)


def test_a_return_that_halves_in_the_data_is_an_alarm(fitted, world, deployed):
    comparison = compare_fits(deployed, fitted(world[1].iloc[:WEEKS]))
    (tv,) = [shift for shift in comparison.shifts if shift.channel == "tv"]
    assert tv.change == pytest.approx(-0.5, abs=0.2)
    assert tv.overlap < 0.3
    decision = decide("trusted", comparison, RULES)
    assert decision.action == "alarm"
    assert "return of tv" in decision.because[0]
    assert decide("trusted", comparison, RULES, study_changed=True).action == "hold"


def test_the_same_data_with_another_seed_is_promoted(worlds, world, deployed):
    content = deployed.study.model_copy(
        update={"inference": deployed.study.inference.model_copy(update={"seed": 6})}
    )
    again = fit(content, deployed.panel, cores=1)
    comparison = compare_fits(deployed, again)
    assert comparison.forecast is None
    assert min(shift.overlap for shift in comparison.shifts) > 0.6
    assert decide("trusted", comparison, RULES).action == "promote"


def test_returns_on_all_dates_are_those_of_the_table(deployed):
    reading = response(deployed)
    found = returns_on(reading, deployed.panel.dates)
    table = efficiency_table(reading).set_index("channel")
    for name, draws in found.items():
        assert draws.mean() == pytest.approx(table.loc[name, "roi_window_mean"], rel=1e-9)


def test_returns_where_effects_multiply_are_counterfactual(fitted, world):
    content = {"chains": 2, "draws": 60, "tune": 150, "likelihood": "lognormal"}
    frame = world[0].iloc[:60]
    one = fitted(frame)
    study = one.study.model_copy(update={"inference": one.study.inference.model_validate(content)})
    reading = response(fit(study, one.panel, cores=1))
    found = returns_on(reading, one.panel.dates)
    assert all((draws > 0).all() for draws in found.values())
    assert decide("trusted", compare_fits(reading.fit, reading.fit), RULES).action == "promote"


@settings(max_examples=12, deadline=None)
@given(st.floats(0.0, 4.0))
def test_overlap_of_normals_has_its_closed_form(distance):
    """Two normals of unit variance `d` apart overlap by 2 Phi(-d / 2) (Weitzman, 1970)."""
    points = stats.norm.ppf((np.arange(1500) + 0.5) / 1500)
    exact = 2.0 * stats.norm.cdf(-distance / 2.0)
    assert overlap(points, points + distance) == pytest.approx(exact, abs=0.04)


def test_overlap_of_constants_is_all_or_nothing():
    assert overlap(np.ones(5), np.ones(5)) == 1.0
    assert overlap(np.ones(5), np.full(5, 2.0)) == 0.0


def test_a_channel_is_told_from_a_trend_that_moved():
    """Errors that follow a channel's outcome blame it by as much; a level shift that the
    forecast's own spread allows for does not."""
    rng = np.random.default_rng(0)
    periods, draws = 12, 4000
    caused = np.array([np.tile([0.0, 0.0, 30.0, 30.0], 3), np.full(periods, 20.0)])
    level = rng.normal(0.0, 15.0, (draws, 1))
    predicted = 200.0 + caused.sum(axis=0) + level + rng.normal(0.0, 2.0, (draws, periods))
    expected = 200.0 + caused.sum(axis=0)
    noise = rng.normal(0.0, 2.0, periods)
    halved = expected - 0.5 * caused[0] + noise
    bursts, steady = score_channels(["bursts", "steady"], halved, predicted, caused)
    assert bursts.factor == pytest.approx(0.5, abs=0.15)
    assert bursts.probability < 1e-6
    shifted = expected - 20.0 + noise
    for score in score_channels(["bursts", "steady"], shifted, predicted, caused):
        assert score.probability > 0.01
    assert steady.channel == "steady"


CALM = Comparison(
    shifts=(Shift("tv", 2.0, 2.1, 0.05, 0.9),),
    forecast=ForecastScore(4, 100.0, 101.0, -0.01, 0.8, 0.9),
    inputs=(InputChange("tv", 0.5, 0.0),),
    channels_gone=(),
    channels_new=(),
    common_periods=100,
)


@pytest.mark.parametrize(
    ("change", "action", "words"),
    [
        ({}, "promote", "No return has moved"),
        ({"shifts": (Shift("tv", 2.0, 1.0, -0.5, 0.1),)}, "alarm", "return of tv"),
        ({"shifts": (Shift("tv", 2.0, 1.0, -0.5, 0.4),)}, "promote", "overlap by 40%"),
        ({"shifts": (Shift("tv", 2.0, 1.8, -0.1, 0.1),)}, "promote", "-10%"),
        (
            {"forecast": ForecastScore(4, 90.0, 100.0, -0.1, 1e-5, 0.0)},
            "alarm",
            "came out 10.0% below",
        ),
        ({"inputs": (InputChange("tv", 9.0, 0.0),)}, "hold", "9 standard deviations above"),
        ({"inputs": (InputChange("tv", 0.0, 0.2),)}, "hold", "rewritten by +20%"),
        ({"channels_gone": ("tv",)}, "hold", "lost tv"),
        ({"channels_new": ("radio",)}, "hold", "New in the study: radio"),
    ],
)
def test_each_rule_says_why(change, action, words):
    decision = decide("trusted", replace(CALM, **change), RULES)
    assert decision.action == action
    assert any(words in reason for reason in decision.because)


@pytest.mark.parametrize(
    ("verdict", "least", "action"),
    [
        ("trusted", "caution", "promote"),
        ("caution", "caution", "promote"),
        ("rejected", "caution", "hold"),
        ("caution", "trusted", "hold"),
        ("rejected", "rejected", "promote"),
    ],
)
@pytest.mark.parametrize("comparison", [None, CALM])
def test_the_verdict_must_be_good_enough(verdict, least, action, comparison):
    assert decide(verdict, comparison, Promote(verdict=least)).action == action


def test_drift_and_restatement_of_inputs(worlds, fitted, deployed):
    frame = worlds.frame(11, periods=WEEKS + LATER)
    study = deployed.study
    frame.loc[frame.index[WEEKS:], "search_spend"] *= 8.0
    frame.loc[frame.index[:WEEKS], "tv_spend"] *= 1.1
    panel, _ = panel_from_frame(study, frame)
    changes = {change.column: change for change in input_changes(deployed.panel, panel)}
    assert changes["search"].drift > RULES.max_drift
    assert changes["tv"].restated == pytest.approx(0.1)
    assert changes["control price"].restated == 0.0
    assert abs(changes["control price"].drift) < RULES.max_drift
