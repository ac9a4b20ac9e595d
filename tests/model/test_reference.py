"""Priors of the brand split from published pay-back."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.config import Brand, Channel, DataSource, Outcome, Study
from mmm.config.references import PAY_BACK
from mmm.data.panel import build_panel
from mmm.errors import InputError
from mmm.model.reference import (
    LATER_FACTOR,
    full_over_short,
    reference_split,
    split_of_ratio,
)
from mmm.model.spec import BRAND_SPLIT, model_spec
from mmm.transforms.parameter import Z90

HALF_LIFE = (13.0, 104.0)
MIDDLE = math.sqrt(13.0 * 104.0)


def expit(x):
    return 1.0 / (1.0 + math.exp(-x))


def study_with(prior, half_life=HALF_LIFE, role="both"):
    return Study(
        study="made",
        data=DataSource(date="date"),
        outcome=Outcome(column="sales", kind="revenue"),
        channels=(Channel(name="tv", role=role, spend="tv", prior=prior),),
        brand=Brand(half_life=half_life),
    )


def panel(periods=80):
    rng = np.random.default_rng(0)
    media = rng.gamma(2.0, 50.0, (periods, 1, 1))
    return build_panel(
        dates=pd.date_range("2022-01-03", periods=periods, freq="W-MON"),
        geos=["national"],
        channels=["tv"],
        controls=[],
        outcome=rng.normal(1000, 50, (periods, 1)),
        value_per_unit=np.ones((periods, 1)),
        spend=media,
        media=media,
        control=np.empty((periods, 1, 0)),
        population=None,
        frequency="W-MON",
    )


@settings(max_examples=60, deadline=None)
@given(split=st.floats(0.01, 0.98), half_life=st.floats(5.0, 300.0))
def test_the_split_gives_back_its_ratio(split, half_life):
    ratio = full_over_short(split, half_life)
    assert ratio >= 1.0
    assert split_of_ratio(ratio, half_life) == pytest.approx(split, rel=1e-6)


def test_the_ratio_is_what_a_stock_under_steady_spending_gives():
    """Two years of weeks added up, one pulse at a time."""
    split, half_life = 0.6, 30.0
    keep = 2.0 ** (-1.0 / half_life)
    brand = split * (1 - keep) * keep ** np.arange(104)
    by_hand = (1 - split + brand.sum()) / (1 - split + brand[:13].sum())
    assert full_over_short(split, half_life) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("name", sorted(PAY_BACK))
def test_every_reference_can_be_met_at_the_default_half_life(name):
    prior = reference_split(name, HALF_LIFE, "tv")
    assert prior.kind == "logitnormal"
    middle, low, high = (expit(prior.location + z * prior.scale) for z in (0.0, -Z90, Z90))
    published = PAY_BACK[name].ratio
    assert full_over_short(middle, MIDDLE) == pytest.approx(published)
    later = full_over_short(low, MIDDLE) - 1.0
    assert later == pytest.approx((published - 1.0) / LATER_FACTOR)
    assert full_over_short(high, MIDDLE) > published


def test_published_ratios_are_those_of_the_source():
    assert PAY_BACK["profit_ability_2/linear_tv"].ratio == pytest.approx(5.94 / 1.82)
    assert PAY_BACK["profit_ability_2/all_media"].ratio == pytest.approx(4.11 / 1.87)
    assert all(one.full > one.short > 1.0 for one in PAY_BACK.values())


def test_the_reference_becomes_the_split_prior_of_its_channel():
    named = study_with({"reference": "profit_ability_2/audio"})
    prior = model_spec(named, panel()).variable("brand_split").priors[0]
    assert prior == reference_split("profit_ability_2/audio", HALF_LIFE, "tv")
    plain = model_spec(study_with({}), panel()).variable("brand_split").priors[0]
    assert plain == BRAND_SPLIT


def test_a_ratio_out_of_reach_names_the_channel_and_the_most_there_is():
    short = study_with({"reference": "profit_ability_2/linear_tv"}, half_life=(4.0, 26.0))
    with pytest.raises(InputError, match=r"channel 'tv'.*3\.26 times.*halves in 10 weeks.*at most"):
        model_spec(short, panel())


@pytest.mark.parametrize("role", ["brand", "tactical"])
def test_other_roles_have_nothing_to_split(role):
    with pytest.raises(ValueError, match=f"role '{role}', so its effect is not split"):
        study_with({"reference": "profit_ability_2/audio"}, role=role)


def test_an_unknown_reference_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'profit_ability_2/linear_tv'"):
        study_with({"reference": "profit_ability_2/lineartv"})
