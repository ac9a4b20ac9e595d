"""Saturation: symbolic families and compiled kernels against their defining properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from mmm.errors import InputError
from mmm.model import curves
from mmm.model.spec import SATURATION_CODES
from mmm.transforms.saturation import FAMILIES, TINY, saturation_family

quiet = settings(max_examples=60, deadline=None, derandomize=True, database=None)
names = st.sampled_from(sorted(SATURATION_CODES))
bounded = st.sampled_from([name for name in SATURATION_CODES if FAMILIES[name].bounded])
levels = st.floats(1e-6, 1e4)
halves = st.floats(0.05, 20.0)
slopes = st.floats(0.2, 3.0)


@njit
def earned(code, level, half, slope):
    return curves.saturate(code, level, half, slope)


@njit
def slopes_of(code, level, earned, half, slope):
    return curves.saturation_slopes(code, level, earned, half, slope)


def saturate(name: str, level: float, half: float, slope: float) -> float:
    return earned(SATURATION_CODES[name], level, half, slope)


@quiet
@given(bounded, levels, halves, slopes)
def test_bounded_families_stay_within_zero_and_one(name, level, half, slope):
    assert 0.0 <= saturate(name, level, half, slope) <= 1.0


@quiet
@given(names, levels, st.floats(1.001, 10.0), halves, slopes)
def test_more_exposure_never_earns_less(name, level, more, half, slope):
    assert saturate(name, level * more, half, slope) >= saturate(name, level, half, slope)


@quiet
@given(bounded, halves, slopes)
def test_half_is_reached_at_the_half_saturation_point(name, half, slope):
    assert saturate(name, half, half, slope) == pytest.approx(0.5, abs=1e-12)


@quiet
@given(bounded, halves, slopes)
def test_everything_is_reached_in_the_end(name, half, slope):
    assert saturate(name, 1e60, half, slope) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", SATURATION_CODES)
def test_no_exposure_earns_nothing(name):
    assert saturate(name, 0.0, 1.0, 0.5) == 0.0
    assert saturate(name, TINY, 1.0, 0.5) == 0.0


@quiet
@given(names, levels, halves, slopes)
def test_symbolic_curve_is_the_compiled_one(evaluate, name, level, half, slope):
    family = FAMILIES[name]
    taken = [{"half": half, "slope": slope}[slot] for slot in family.slots]
    symbolic = evaluate(family.curve(np.float64(level), *taken))
    assert saturate(name, level, half, slope) == pytest.approx(float(symbolic), rel=1e-12)


def test_closed_forms():
    a, half, slope = 1.7, 0.8, 1.3
    assert saturate("hill", a, half, slope) == pytest.approx(a**slope / (half**slope + a**slope))
    assert saturate("michaelis_menten", a, half, slope) == pytest.approx(a / (a + half))
    decay = np.exp(-np.log(3) / half * a)
    assert saturate("logistic", a, half, slope) == pytest.approx((1 - decay) / (1 + decay))
    assert saturate("root", a, half, 0.4) == pytest.approx(a**0.4)
    assert saturate("none", a, half, slope) == a


@quiet
@given(names, st.floats(0.05, 20.0), st.floats(0.2, 5.0), slopes)
def test_slopes_equal_finite_differences(name, level, half, slope):
    code = SATURATION_CODES[name]
    point = np.array([level, half, slope])
    value = saturate(name, *point)
    actual = slopes_of(code, level, value, half, slope)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-5 * point[axis]
        rise = saturate(name, *(point + step)) - saturate(name, *(point - step))
        assert actual[axis] == pytest.approx(rise / (2 * step[axis]), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("name", ["none", "michaelis_menten", "logistic", "tanh"])
def test_slope_at_nothing_is_what_the_first_unit_earns(name):
    by_level, by_half, by_slope = slopes_of(SATURATION_CODES[name], 0.0, 0.0, 0.7, 1.0)
    assert by_level == pytest.approx(saturate(name, 1e-7, 0.7, 1.0) / 1e-7, rel=1e-6)
    assert by_half == by_slope == 0.0


def test_an_unknown_family_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'hill'"):
        saturation_family("hil")
