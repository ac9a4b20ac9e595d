"""Worlds about brand: what the tracker shows, what grows, and the truth of soon and late."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm.data.load import panel_from_frame
from mmm.errors import InputError
from mmm.simulate import SurveySpec, csv_text, simulate, simulate_world, world_spec
from mmm.simulate.generate import draw_scene
from mmm.simulate.longrun import long_run
from mmm.simulate.oracle import caused_by_window
from mmm.simulate.survey import take_readings

STOCK = np.linspace(0.05, 0.2, 4000)[:, None] * np.array([1.0, 0.8])


def test_readings_scatter_around_their_truth_by_the_standard_error():
    spec = SurveySpec(name="consideration", base=0.2, loading=0.5, standard_error=0.02)
    readings = take_readings(spec, STOCK, np.random.default_rng(1))
    np.testing.assert_allclose(readings.truth, 0.2 + 0.5 * STOCK)
    scatter = (readings.value - readings.truth) / readings.error
    assert abs(scatter.mean()) < 0.05
    assert scatter.std() == pytest.approx(1.0, abs=0.03)


def test_a_proportion_is_whole_people_of_those_asked():
    spec = SurveySpec(name="awareness", base=0.4, loading=1.0, sample_size=500)
    readings = take_readings(spec, STOCK, np.random.default_rng(2))
    people = readings.value * readings.error
    np.testing.assert_allclose(people, np.round(people), atol=1e-6)
    spread = np.sqrt(readings.truth * (1 - readings.truth) / readings.error)
    assert ((readings.value - readings.truth) / spread).std() == pytest.approx(1.0, abs=0.03)


def test_readings_come_every_so_often_and_some_are_missing():
    spec = SurveySpec(name="c", base=0.2, loading=0.5, standard_error=0.02, every=4, missing=0.25)
    readings = take_readings(spec, STOCK, np.random.default_rng(3))
    asked = np.isfinite(readings.value)
    assert (asked == np.isfinite(readings.error)).all()
    assert not asked[[0, 1, 2, 4, 5, 6]].any()
    assert asked[3::4].mean() == pytest.approx(0.75, abs=0.04)


def test_a_tracker_leaves_the_rest_of_the_world_as_it_is():
    alone, tracked = (simulate_world(name, seed=4) for name in ("brand_alone", "brand_survey"))
    columns = list(alone.frame.columns)
    assert csv_text(tracked.frame[columns]) == csv_text(alone.frame)
    named = {"consideration", "consideration_se", "awareness", "awareness_n"}
    assert set(tracked.frame.columns) - set(columns) == named
    assert tracked.truth["channels"] == alone.truth["channels"]
    weekly, monthly = tracked.truth["surveys"]
    assert (weekly["error"], monthly["error"]) == ("standard_error", "sample_size")
    assert weekly["readings"] == tracked.frame["consideration"].notna().sum() > 100
    assert monthly["readings"] == tracked.frame["awareness"].notna().sum() == 39


def test_the_tracker_reads_brand_and_not_trend():
    world = simulate_world("brand_survey", seed=0)
    stock = world.components.filter(like=":brand").sum(axis=1) / world.truth["settings"]["level"]
    shown = world.frame["consideration"]
    truth = world.truth["surveys"][0]
    left = shown - truth["base"] - truth["loading"] * stock
    assert left.std() == pytest.approx(0.01, rel=0.25)
    assert shown.corr(stock) > 0.5


def test_growing_brand_spending_makes_a_stock_that_looks_like_trend():
    def looks_like_trend(name):
        world = simulate_world(name, seed=0)
        stock = world.components.filter(like=":brand").sum(axis=1)
        return np.corrcoef(stock, np.arange(len(stock)))[0, 1]

    assert looks_like_trend("brand_confounded") > 0.9
    assert abs(looks_like_trend("brand_alone")) < 0.8


def test_growth_is_between_the_ends_and_keeps_the_budget():
    spec = world_spec("brand_alone")
    grown = replace(spec, channels=tuple(replace(c, growth=3.0) for c in spec.channels))
    before, after = (draw_scene(one, 1).spend for one in (spec, grown))
    ratio = after[:, 0, 2] / before[:, 0, 2]
    assert ratio[-1] / ratio[0] == pytest.approx(4.0, rel=1e-3)
    ramp = 1 + 3 * np.linspace(0, 1, len(ratio))
    np.testing.assert_allclose(ratio, ramp / ramp.mean(), rtol=1e-3)


@pytest.mark.parametrize("name", ["brand_confounded", "brand_mixed"])
def test_soon_and_late_add_up_to_what_is_caused(name):
    spec = world_spec(name)
    scene = draw_scene(spec, 2)
    caused = caused_by_window(scene.media, spec.history, scene.curves)
    parts = long_run(scene.media, spec.history, scene.curves, 13)
    np.testing.assert_allclose(parts.caused, caused, rtol=1e-9)
    assert (parts.short_term <= parts.caused).all()
    truth = simulate(spec, 2).truth["channels"]
    stock_alone = 1.0 / (1.0 - scene.curves.retention**13)
    for channel in spec.channels:
        multiplier = truth[channel.name]["multiplier"]
        if channel.tactical_share == 0:
            assert multiplier == pytest.approx(stock_alone)
        elif channel.brand_share == 0:
            assert multiplier == pytest.approx(1.0)
        else:
            assert 1.0 < multiplier < stock_alone


def test_the_short_term_is_what_pulses_bring_in_thirteen_weeks():
    """A brand channel without adstock and far below saturation, one period's media at a time."""
    spec = replace(world_spec("brand_alone"), periods=40, history=0, brand_half_life=6.0)
    channel = replace(spec.channels[1], decay=0.0, half_saturation=1e4)
    scene = draw_scene(replace(spec, channels=(channel,)), 0)
    short = 0.0
    for start in range(40):
        pulse = np.zeros_like(scene.media)
        pulse[start] = scene.media[start]
        short += long_run(pulse, 0, scene.curves, 13).short_term[0]
    found = long_run(scene.media, 0, scene.curves, 13).short_term[0]
    assert found == pytest.approx(short, rel=1e-6)


def test_effort_is_hours_headcount_and_meetings_at_a_unit_cost():
    world = simulate_world("effort")
    efforts = [channel for channel in world.study.channels if channel.spend is None]
    assert [channel.exposure for channel in efforts] == [
        "account_visits_hours",
        "sales_development_headcount",
        "executive_sponsors_meetings",
    ]
    for channel in efforts:
        cost = channel.costs.unit_cost * world.frame[channel.exposure].sum()
        assert world.truth["channels"][channel.name]["loaded_cost"] == pytest.approx(cost)


@pytest.mark.parametrize(
    "name", ["brand_alone", "brand_survey", "brand_confounded", "effort", "brand_mixed"]
)
def test_the_data_passes_its_checks(name):
    world = simulate_world(name)
    panel, findings = panel_from_frame(world.study, world.frame)
    assert len(panel.channels) == len(world.study.channels)
    assert [finding for finding in findings if finding.severity == "error"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"standard_error": None}, "'standard_error' or 'sample_size'"),
        ({"sample_size": 100}, "'standard_error' or 'sample_size'"),
        ({"standard_error": -0.1}, "'standard_error' or 'sample_size'"),
        ({"every": 0}, "every must be at least 1"),
        ({"missing": 1.0}, "missing from 0"),
        ({"loading": float("nan")}, "finite"),
    ],
)
def test_impossible_surveys_are_refused(change, message):
    survey = SurveySpec(name="c", base=0.2, loading=0.5, standard_error=0.02)
    with pytest.raises(InputError, match=f"survey 'c': .*{message}"):
        replace(survey, **change)


def test_a_survey_needs_a_brand():
    with pytest.raises(InputError, match="reads a brand stock"):
        replace(world_spec("national"), surveys=world_spec("brand_survey").surveys)
