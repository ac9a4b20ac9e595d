"""The planning kernel against plain loops of the same curve."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mmm.model import carry_over, curves
from mmm.model.planning import carried_levels, coefficients, plan_draws

DRAWS, WINDOW, PERIODS, SPAN, GEOS, LAGS = 3, 20, 5, 60, 2, 7
ADSTOCKS = (curves.NO_ADSTOCK, curves.GEOMETRIC, curves.DELAYED, curves.WEIBULL_CDF)
SATURATIONS = (curves.LINEAR, curves.HILL, curves.MICHAELIS_MENTEN, curves.TANH, curves.ROOT)


def make(seed: int = 0):
    rng = np.random.default_rng(seed)
    table = np.ones((DRAWS, curves.COLUMNS))
    table[:, curves.ADSTOCK_1] = rng.uniform(1.5, 3.0, DRAWS)
    table[:, curves.ADSTOCK_2] = rng.uniform(1.0, 2.0, DRAWS)
    table[:, curves.HALF] = rng.uniform(0.5, 2.0, DRAWS)
    table[:, curves.SLOPE] = rng.uniform(0.7, 2.0, DRAWS)
    table[:, curves.CARRY] = rng.uniform(0.5, 1.5, DRAWS)
    past = rng.gamma(2.0, 0.5, (GEOS, WINDOW))
    plan = rng.gamma(2.0, 0.5, (PERIODS, GEOS))
    early = past[:, :4].mean(axis=1)
    coef = rng.uniform(0.2, 1.0, (DRAWS, GEOS, SPAN))
    scale = rng.uniform(0.5, 2.0, (DRAWS, GEOS))
    return table, past, plan, early, coef, scale


def weights(code: int, row: np.ndarray) -> np.ndarray:
    w, by_first, by_second = np.empty((3, LAGS))
    first, second = row[curves.ADSTOCK_1], row[curves.ADSTOCK_2]
    carry_over.family_weights.py_func(code, first, second, w, by_first, by_second)
    return w


def saturate(code: int, a: float, half: float, slope: float) -> float:
    if a <= 1e-12:
        return 0.0
    return {
        curves.LINEAR: a,
        curves.HILL: a**slope / (a**slope + half**slope),
        curves.MICHAELIS_MENTEN: a / (a + half),
        curves.TANH: math.tanh(math.atanh(0.5) * a / half),
        curves.ROOT: a**slope,
    }[code]


def worth(adstock, saturation, table, past, plan, early, coef, scale) -> np.ndarray:
    """sum_t c_t s_t the long way round, (D,), and s (D, S, G)."""
    total = np.zeros(DRAWS)
    series = np.zeros((DRAWS, SPAN, GEOS))
    for i, row in enumerate(table):
        for g in range(GEOS):
            before = np.full(200, row[curves.CARRY] * early[g])
            x = np.concatenate([before, past[g], plan[:, g], np.zeros(SPAN - PERIODS)])
            if adstock <= curves.GEOMETRIC:
                keep = 0.0 if adstock == 0 else 2.0 ** (-1.0 / row[curves.ADSTOCK_1])
                a, level = [], x[0]
                for value in x:
                    level = keep * level + (1 - keep) * value
                    a.append(level)
                a = np.array(a)
            else:
                a = np.convolve(x, weights(adstock, row))[: len(x)]
            for t, level in enumerate(a[-SPAN:]):
                half, slope = row[curves.HALF], row[curves.SLOPE]
                s = saturate(saturation, level, half, slope)
                series[i, t, g] = s
                total[i] += scale[i, g] * coef[i, g, t] * s
    return total, series


@pytest.mark.parametrize("saturation", SATURATIONS)
@pytest.mark.parametrize("adstock", ADSTOCKS)
def test_value_series_and_gradient(adstock, saturation):
    table, past, plan, early, coef, scale = make()
    carried = carried_levels(table, adstock, LAGS, past, early)
    spread, member = np.array([0.5, 2.0]), np.array([0, 1])
    value, gradient, series = plan_draws(
        table, adstock, saturation, LAGS, plan, carried, coef, scale, spread, member, series=True
    )
    expected, levels = worth(adstock, saturation, table, past, plan, early, coef, scale)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(series, levels, rtol=1e-9, atol=1e-14)
    step = 1e-5
    for t in range(PERIODS):
        for g in range(GEOS):
            worlds = []
            for sign in (1, -1):
                moved = plan.copy()
                moved[t, g] += sign * step * spread[g]
                worlds.append(worth(adstock, saturation, table, past, moved, early, coef, scale)[0])
            slope = (worlds[0] - worlds[1]) / (2 * step)
            np.testing.assert_allclose(gradient[:, t, g], slope, rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("adstock", [curves.GEOMETRIC, curves.WEIBULL_CDF])
def test_groups_add_up_and_a_common_pattern_is_one_for_all(adstock):
    table, past, plan, early, coef, scale = make(1)
    carried = carried_levels(table, adstock, LAGS, past, early)
    common = np.ascontiguousarray(coef[:, :1])
    spread = np.array([0.5, 2.0])
    fixed = (table, adstock, curves.HILL, LAGS, plan, carried)
    one = plan_draws(*fixed, common, scale, spread, np.array([0, 0]))
    two = plan_draws(*fixed, np.repeat(common, GEOS, axis=1), scale, spread, np.array([0, 1]))
    np.testing.assert_allclose(one[0], two[0], rtol=1e-12)
    np.testing.assert_allclose(one[1][:, :, 0], two[1].sum(axis=2), rtol=1e-12)


@pytest.mark.parametrize(
    ("saturation", "at_nothing"), [(curves.LINEAR, True), (curves.MICHAELIS_MENTEN, True),
                                   (curves.TANH, True), (curves.HILL, False)]
)  # fmt: skip
def test_at_nothing_the_gradient_is_that_of_the_first_unit(saturation, at_nothing):
    table, past, plan, _, coef, scale = make(2)
    nothing, still = np.zeros_like(plan), np.zeros_like(past)
    none = np.zeros(GEOS)
    carried = carried_levels(table, curves.GEOMETRIC, LAGS, still, none)
    spread, member = np.ones(GEOS), np.array([0, 1])
    value, gradient, _ = plan_draws(
        table, curves.GEOMETRIC, saturation, LAGS, nothing, carried, coef, scale, spread, member
    )
    assert (value == 0).all()
    if not at_nothing:
        assert (gradient == 0).all()
        return
    step = 1e-6
    for t, g in [(0, 0), (PERIODS - 1, 1)]:
        moved = nothing.copy()
        moved[t, g] = step
        slope = worth(
            curves.GEOMETRIC, saturation, table, still, moved, none, coef, scale
        )[0] / step  # fmt: skip
        np.testing.assert_allclose(gradient[:, t, g], slope, rtol=2e-5)


def test_coefficients_turn_worth_over_time_into_weights_of_the_saturated_series():
    rng = np.random.default_rng(3)
    first, second, keep = rng.random((3, DRAWS))
    weight = rng.random((DRAWS, 2, 9))
    found = coefficients(first, second, keep, weight)
    s = rng.random((DRAWS, 9))
    for i in range(DRAWS):
        for p in range(2):
            level, total = 0.0, 0.0
            for t in range(9):
                level = keep[i] * level + (1 - keep[i]) * s[i, t]
                total += weight[i, p, t] * (first[i] * s[i, t] + second[i] * level)
            assert found[i, p] @ s[i] == pytest.approx(total, rel=1e-12)
