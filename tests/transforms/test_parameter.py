"""Priors stated as 90 % intervals mean what they say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from mmm.transforms.parameter import PriorSpec, halfnormal, logitnormal, lognormal

quiet = settings(max_examples=50, deadline=None, derandomize=True, database=None)


@quiet
@given(st.floats(1e-4, 1e3), st.floats(1.01, 1e4))
def test_a_lognormal_holds_ninety_percent_in_its_interval(low, ratio):
    prior = lognormal(low, low * ratio)
    stated = stats.lognorm(s=prior.scale, scale=math.exp(prior.location))
    assert prior.kind == "lognormal"
    assert stated.ppf([0.05, 0.95]) == pytest.approx([low, low * ratio], rel=1e-9)


@quiet
@given(st.floats(1e-4, 0.98), st.floats(0.01, 0.99))
def test_a_logitnormal_holds_ninety_percent_in_its_interval(low, part):
    high = low + part * (1 - low) * 0.999
    prior = logitnormal(low, high)
    stated = stats.norm(prior.location, prior.scale)
    assert prior.kind == "logitnormal"
    assert expit(stated.ppf([0.05, 0.95])) == pytest.approx([low, high], rel=1e-9)


def test_a_halfnormal_is_stated_by_its_scale():
    assert halfnormal(0.3) == PriorSpec("halfnormal", 0.0, 0.3)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (-1.0, 1.0)])
def test_an_impossible_lognormal_is_refused(bounds):
    with pytest.raises(ValueError, match="0 < low < high"):
        lognormal(*bounds)


@pytest.mark.parametrize("bounds", [(0.0, 0.5), (0.5, 0.4), (0.5, 1.0)])
def test_an_impossible_logitnormal_is_refused(bounds):
    with pytest.raises(ValueError, match="0 < low < high < 1"):
        logitnormal(*bounds)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_an_impossible_scale_is_refused(scale):
    with pytest.raises(ValueError, match="positive scale"):
        halfnormal(scale)
