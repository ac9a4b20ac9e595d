"""Worlds: they add up, repeat, and tell the truth about themselves."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.config import Role, Study
from mmm.errors import InputError
from mmm.simulate import (
    ChannelSpec,
    Flighting,
    csv_text,
    large_spec,
    simulate,
    simulate_world,
    world_names,
    world_spec,
)
from mmm.simulate.generate import draw_scene
from mmm.simulate.media import flight
from mmm.simulate.oracle import contributions

SHAPES = {
    "national": (156, 1, 5),
    "national_brand": (208, 1, 5),
    "geo": (130, 10, 5),
    "geo_brand": (156, 8, 4),
    "b2b": (156, 1, 5),
    "brand_alone": (156, 1, 3),
    "brand_survey": (156, 1, 3),
    "brand_confounded": (156, 1, 3),
    "effort": (156, 1, 5),
    "brand_mixed": (130, 4, 5),
    "mediated_search": (156, 1, 4),
    "path_off": (156, 1, 4),
    "funnel": (208, 1, 3),
}


@pytest.fixture(scope="module", params=world_names())
def world(request):
    return simulate_world(request.param)


def test_the_catalogue_has_the_sizes_it_names(world):
    periods, geos, channels = SHAPES[world.name]
    assert set(SHAPES) == set(world_names())
    assert len(world.frame) == periods * geos
    assert len(world.study.channels) == channels
    assert world.frame["week"].nunique() == periods
    assert (world.study.data.geo is not None) == (geos > 1)


def test_contributions_baseline_and_noise_add_up_to_the_outcome(world):
    outcome = world.frame[world.study.outcome.column].to_numpy()
    parts = world.components.sum(axis=1).to_numpy()
    np.testing.assert_allclose(parts, outcome, rtol=1e-13)
    assert outcome.min() > 0

    truth = world.truth
    assert truth["outcome_total"] == pytest.approx(outcome.sum(), rel=1e-12)
    assert truth["outcome_total"] == pytest.approx(
        truth["baseline_total"]
        + truth["noise_total"]
        + sum(channel["contribution"] for channel in truth["channels"].values()),
        rel=1e-12,
    )
    for name, channel in truth["channels"].items():
        parts = [part for part in ("tactical", "brand", "mediated") if part in channel]
        for part in parts:
            column = f"{name}:{part}"
            total = world.components[column].sum() if column in world.components else 0.0
            assert channel[part] == pytest.approx(total, rel=1e-12)
        assert channel["contribution"] == pytest.approx(sum(channel[part] for part in parts))
        assert channel["contribution"] > 0


def test_the_study_names_the_frames_columns_and_the_truths_roles(world):
    study, frame = world.study, world.frame
    named = {study.data.date, study.outcome.column, *study.controls}
    named |= {column for c in study.channels for column in (c.spend, c.exposure) if column}
    named |= {column for column in (study.data.geo, study.data.population) if column}
    named |= {path.column for path in study.paths}
    trackers = world.truth.get("surveys", ())
    asked = {one[key] for one in trackers for key in ("column", "error_column")}
    silent = study.routes().silent
    assert named | asked == set(frame.columns)
    assert frame["week"].dt.day_of_week.eq(0).all()
    assert not frame[sorted(named)].isna().to_numpy().any()
    for channel in study.channels:
        truth = world.truth["channels"][channel.name]
        assert truth["role"] == channel.role
        assert (truth["brand"] > 0) == channel.role.has_brand
        has_tactical = channel.role.has_tactical and channel.name not in silent
        assert (truth["tactical"] > 0) == has_tactical


def test_the_truth_is_plain_json_and_costs_are_loaded(world):
    assert json.loads(json.dumps(world.truth, allow_nan=False)) == world.truth
    for channel in world.study.channels:
        truth, costs = world.truth["channels"][channel.name], channel.costs
        spend = world.frame[channel.spend].sum() if channel.spend else 0.0
        exposure = world.frame[channel.media_column].sum()
        expected = (
            spend * (1 + costs.agency_fee)
            + costs.fixed_per_period * world.truth["periods"]
            + (costs.unit_cost or 0.0) * exposure
        )
        assert truth["spend"] == pytest.approx(spend)
        assert truth["loaded_cost"] == pytest.approx(expected)
        value = world.study.outcome.value_per_unit
        if "roi" in truth:
            assert truth["roi"] == pytest.approx(truth["caused"] * value / expected)
        assert truth["roi_window"] == pytest.approx(truth["contribution"] * value / expected)


def test_finance_and_plan_are_filled_in(world):
    finance = world.study.finance
    assert (finance.margin, finance.discount_rate, finance.tax_rate) == (0.4, 0.09, 0.25)
    assert (finance.payment_delay, finance.horizon) == (1, 104)
    assert world.study.plan.horizon == 13
    assert world.study.currency == world.truth["currency"]


@pytest.mark.parametrize("name", world_names())
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_media_is_fit_to_learn_from(name, seed):
    world = simulate_world(name, seed=seed)
    media = world.frame[[channel.media_column for channel in world.study.channels]]
    assert (media >= 0).all(axis=None)
    assert ((media > 0).mean() > 0.1).all()
    assert (media.std() / media.mean() > 0.2).all()
    national = media.groupby(world.frame["week"]).sum()
    correlation = national.corr().to_numpy() - np.eye(media.shape[1])
    assert np.abs(correlation).max() < 0.85


def test_same_seed_same_bytes_and_another_seed_another_world(world):
    again = simulate_world(world.name)
    other = simulate_world(world.name, seed=1)
    assert csv_text(again.frame) == csv_text(world.frame)
    assert again.truth == world.truth
    outcome = world.study.outcome.column
    assert not np.isclose(other.frame[outcome], world.frame[outcome]).all()
    assert other.study == world.study


def test_the_window_starts_with_carry_in():
    spec = world_spec("national_brand")
    scene = draw_scene(spec, 0)
    tactical, brand = contributions(scene.media[spec.history :], scene.curves)
    has_brand = [channel.role.has_brand for channel in spec.channels]
    carried = scene.brand[0] - brand[0]
    assert (carried[:, has_brand] > 0.2 * scene.brand[:, :, has_brand].mean(axis=0)).all()
    assert ((scene.tactical[0] - tactical[0]).sum()) > 0


def test_carry_over_past_the_window_is_paid_for_by_carry_in():
    # without history nothing is carried in, so all that is earned in the window is caused
    # by it, and more follows
    truth = simulate_world("national_brand", history=0).truth
    for channel in truth["channels"].values():
        assert channel["roi"] > channel["roi_window"]
    tv = truth["channels"]["tv"]
    assert tv["caused"] - tv["contribution"] > 0.05 * tv["brand"]


def test_noise_has_the_stated_size():
    world = simulate_world("national", periods=2000)
    spread = world.components["noise"].std() / 1_200_000.0
    assert spread == pytest.approx(0.03, rel=0.08)
    quiet = simulate_world("national", noise=0.0)
    assert quiet.components["noise"].abs().max() <= 0.0051


def test_shares_are_those_of_the_specification():
    spec = world_spec("b2b")
    truth = simulate(spec).truth
    for channel in spec.channels:
        found = truth["channels"][channel.name]
        scale = spec.level * spec.periods
        assert found["tactical"] / scale == pytest.approx(channel.tactical_share)
        assert found["brand"] / scale == pytest.approx(channel.brand_share)


def test_effort_has_hours_and_a_unit_cost_but_no_spend():
    world = simulate_world("b2b")
    visits = next(c for c in world.study.channels if c.name == "account_visits")
    assert visits.spend is None and visits.exposure == "account_visits_hours"
    truth = world.truth["channels"]["account_visits"]
    assert truth["spend"] == 0.0
    assert truth["loaded_cost"] == pytest.approx(95.0 * world.frame[visits.exposure].sum())
    press = next(c for c in world.study.channels if c.name == "trade_press")
    assert press.role is Role.BRAND


def test_geos_differ_in_size_and_effect():
    world = simulate_world("geo")
    assert world.frame.groupby("region")["population"].nunique().eq(1).all()
    assert world.frame["population"].nunique() > 5
    multiplier = world.truth["channels"]["tv"]["parameters"]["geo_multiplier"]
    assert list(multiplier) == sorted(world.frame["region"].unique())
    assert 0.05 < np.std(list(multiplier.values())) < 0.5


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(list(Flighting)),
    seed=st.integers(0, 2**32 - 1),
    periods=st.integers(26, 150),
)
def test_plans_have_unit_mean(kind, seed, periods):
    dates = pd.date_range("2022-01-03", periods=periods, freq="W-MON")
    plan = flight(kind, dates, np.random.default_rng(seed))
    assert plan.shape == (periods,)
    assert plan.min() >= 0
    assert plan.mean() == pytest.approx(1.0)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), geos=st.integers(1, 4), periods=st.integers(26, 60))
def test_any_size_adds_up_and_stays_positive(seed, geos, periods):
    world = simulate_world("b2b", seed=seed, geos=geos, periods=periods, history=20, noise=0.5)
    outcome = world.frame["pipeline"].to_numpy()
    assert len(outcome) == geos * periods
    assert outcome.min() > 0
    np.testing.assert_allclose(world.components.sum(axis=1), outcome, rtol=1e-11)


def test_large_worlds_have_the_size_asked_for():
    spec = large_spec(3, 60, 7, seed=4, brand=True)
    assert spec == large_spec(3, 60, 7, seed=4, brand=True)
    assert spec.channels != large_spec(3, 60, 7, seed=5, brand=True).channels
    world = simulate(spec, 4)
    assert len(world.frame) == 180
    assert [c.role for c in world.study.channels].count(Role.BOTH) == 3
    assert sum(c.tactical_share + c.brand_share for c in spec.channels) == pytest.approx(0.40)
    assert Study.model_validate(world.study.model_dump(mode="json")) == world.study


def test_an_unknown_world_names_the_nearest():
    with pytest.raises(InputError, match=r"no world 'nationl'; did you mean 'national'\?"):
        simulate_world("nationl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"periods": 5}, "periods must be at least 26, got 5"),
        ({"geos": 0}, "geos must be at least 1"),
        ({"history": -1}, "history cannot be negative"),
        ({"noise": float("nan")}, "noise must be from 0"),
        ({"seed": -1}, "must not be negative, got -1"),
    ],
)
def test_impossible_sizes_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        simulate_world("national", **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decay": 1.0}, "decay"),
        ({"tactical_share": 0.0}, "tactical_share and brand_share"),
        ({"slope": 0.0}, "slope"),
        ({"agency_fee": -0.1}, "agency_fee"),
        ({"effort": True}, "effort channel needs an exposure"),
    ],
)
def test_impossible_channels_are_refused(change, message):
    channel = ChannelSpec(name="tv", flighting=Flighting.BURSTS, cost_share=0.1, tactical_share=0.1)
    with pytest.raises(InputError, match=f"channel 'tv': .*{message}"):
        replace(channel, **change)


def test_a_brand_share_needs_a_half_life():
    with pytest.raises(InputError, match="brand_half_life"):
        replace(world_spec("national_brand"), brand_half_life=None)
    spec = world_spec("national")
    with pytest.raises(InputError, match="channel names used twice: tv"):
        replace(spec, channels=(spec.channels[0], spec.channels[0]))
