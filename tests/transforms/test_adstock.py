"""Adstock: symbolic families and compiled kernels against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy import stats

from mmm.errors import InputError
from mmm.model import carry_over, curves
from mmm.model.columns import ADSTOCK_1, ADSTOCK_2, COLUMNS
from mmm.model.spec import ADSTOCK_CODES
from mmm.transforms.adstock import FAMILIES, adstock_family

quiet = settings(max_examples=40, deadline=None, derandomize=True, database=None)
names = st.sampled_from(sorted(ADSTOCK_CODES))
parameters = st.floats(0.2, 8.0)
lag_counts = st.integers(2, 20)


@njit
def weighted(code, first, second, reach):
    """Weights of the middle one of three channels, and how they change, all (lags,)."""
    table = np.ones((3, COLUMNS))
    table[1, ADSTOCK_1], table[1, ADSTOCK_2] = first, second
    codes, reaches = np.full(3, curves.GEOMETRIC), np.full(3, reach)
    codes[1] = code
    room = np.full((4, 3 * (reach + 2)), np.nan)
    curves.lag_weights(table, codes, reaches, room)
    return room[:, reach + 2 : 2 * reach + 2]


@njit
def carried(code, first, second, w, x, pre, out):
    if code > curves.GEOMETRIC:
        w[:] = weighted(code, first, second, len(w))[0]
    curves.adstock_series(code, first, w, x, pre, out)


@njit
def lagged_back(x, bar, out):
    carry_over.lagged_sum_back(x, bar, out)


def kernel(name: str, first: float, second: float, x: np.ndarray, pre: float, lags: int):
    """Adstock of `x` by the compiled kernels."""
    out = np.empty(len(x))
    carried(ADSTOCK_CODES[name], first, second, np.zeros(lags), x, pre, out)
    return out


def impulse_response(name: str, first: float, second: float, lags: int, periods: int):
    impulse = np.zeros(periods)
    impulse[0] = 1.0
    return kernel(name, first, second, impulse, 0.0, lags)


@quiet
@given(names, parameters, parameters, lag_counts)
def test_weights_sum_to_one_and_none_is_negative(name, first, second, lags):
    periods = lags if FAMILIES[name].finite else 600
    response = impulse_response(name, first, second, lags, periods)
    assert response.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.all(response >= 0)


@quiet
@given(names, parameters, parameters, lag_counts, st.floats(0.0, 1e6))
def test_a_level_that_never_changed_stays(name, first, second, lags, level):
    out = kernel(name, first, second, np.full(30, level), level, lags)
    np.testing.assert_allclose(out, level, rtol=1e-12)


@quiet
@given(names, parameters, parameters, lag_counts)
def test_symbolic_weights_are_the_compiled_ones(evaluate, name, first, second, lags):
    family = FAMILIES[name]
    # a Python float that single precision holds would be a single-precision constant
    taken = tuple(np.float64(x) for x in (first, second)[: len(family.intervals)])
    lag = np.arange(float(lags))
    if family.finite:
        weights = evaluate(family.lag_weights(lag, *taken))
    else:
        log_weights = evaluate(family.log_weights(lag, *taken))
        weights = np.exp(log_weights) * (1 - np.exp(log_weights[1]))
    response = impulse_response(name, first, second, lags, lags)
    np.testing.assert_allclose(response, weights, rtol=1e-11, atol=1e-290)


@quiet
@given(names, parameters, parameters, lag_counts, st.integers(0, 2**32 - 1))
def test_adstock_is_linear_and_moves_with_time(name, first, second, lags, seed):
    x, y = np.random.default_rng(seed).gamma(1.0, 1.0, (2, 40))
    one, two = (kernel(name, first, second, *of, lags) for of in ((x, 0.3), (y, 0.1)))
    together = kernel(name, first, second, 2 * x + y, 0.7, lags)
    np.testing.assert_allclose(together, 2 * one + two, rtol=1e-12)
    later = kernel(name, first, second, np.concatenate([[0.0, 0.0], x]), 0.0, lags)
    np.testing.assert_allclose(later[2:], kernel(name, first, second, x, 0.0, lags), rtol=1e-12)


@pytest.mark.parametrize("half_life", [1, 3, 10])
def test_half_of_a_geometric_effect_is_left_after_its_half_life(half_life):
    response = impulse_response("geometric", float(half_life), 0.0, 2, 2000)
    assert response[half_life:].sum() == pytest.approx(0.5, abs=1e-12)
    keep = 0.5 ** (1 / half_life)
    np.testing.assert_allclose(response[:50], (1 - keep) * keep ** np.arange(50), rtol=1e-12)


def test_delayed_weights_halve_a_half_life_from_their_peak():
    response = impulse_response("delayed", 3.0, 4.0, 13, 13)
    assert response.argmax() == 4
    np.testing.assert_allclose(response[[1, 7]], response[4] / 2, rtol=1e-12)
    np.testing.assert_allclose(response[10], response[4] / 16, rtol=1e-12)


def test_weibull_weights_are_the_density_and_the_survival_function():
    shape, scale, lags = 1.7, 3.2, 13
    density = stats.weibull_min.pdf(np.arange(1, lags + 1), shape, scale=scale)
    survival = stats.weibull_min.sf(np.arange(lags), shape, scale=scale)
    for name, expected in (("weibull_pdf", density), ("weibull_cdf", survival)):
        response = impulse_response(name, shape, scale, lags, lags)
        np.testing.assert_allclose(response, expected / expected.sum(), rtol=1e-12)


@pytest.mark.parametrize("half_life", [0.4, 1.7, 3.0])
def test_a_weibull_of_shape_one_is_geometric(half_life):
    lags = 60
    geometric = impulse_response("geometric", half_life, 0.0, 2, lags)
    weibull = impulse_response("weibull", half_life, 1.0, lags, lags)
    np.testing.assert_allclose(weibull, geometric / geometric.sum(), rtol=1e-12)


def test_a_discrete_weibull_loses_at_each_lag_what_the_distribution_does():
    half_life, shape, lags = 2.3, 1.6, 13
    scale = (half_life / math.log(2)) ** (1 / shape)
    lost = -np.diff(stats.weibull_min.sf(np.arange(lags + 1), shape, scale=scale))
    weights = impulse_response("weibull", half_life, shape, lags, lags)
    np.testing.assert_allclose(weights, lost / lost.sum(), rtol=1e-12)
    # daily data: the shape does not move what a week carries over
    for shape in (0.7, 1.0, 1.9):
        weights = impulse_response("weibull", 3.0, shape, 910, 910)
        assert weights[70:].sum() == pytest.approx(2 ** (-70 / 3.0), abs=1e-6)


@quiet
@given(st.integers(0, 99), st.integers(2, 40), st.integers(2, 60))
def test_sums_over_lags_are_those_of_a_plain_loop(seed, lags, periods):
    random = np.random.default_rng(seed)
    x, bar, pre = random.gamma(1.0, 1.0, periods), random.normal(size=periods), 0.3
    weights = impulse_response("weibull_pdf", 2.0, 1.6, lags, lags)
    ahead = np.concatenate([np.full(lags, pre), x])
    plain = [weights @ ahead[t + lags : t : -1] for t in range(periods)]
    result = kernel("weibull_pdf", 2.0, 1.6, x, pre, lags)
    np.testing.assert_allclose(result, plain, rtol=1e-12)
    out = np.empty(lags)
    lagged_back(x, bar, out)
    late = np.concatenate([np.zeros(lags), x])
    plain = [bar @ late[lags - k : lags - k + periods] for k in range(lags)]
    np.testing.assert_allclose(out, plain, rtol=1e-10, atol=1e-12)


def test_no_carry_over_leaves_the_series_alone():
    x = np.array([3.0, 0.0, 5.0])
    assert kernel("none", 1.0, 1.0, x, 9.0, 2).tolist() == x.tolist()


@pytest.mark.parametrize(
    "name", ["weibull", "delayed", "weibull_pdf", "weibull_cdf", "lag_gamma", "lag_lognormal"]
)
def test_derivatives_of_lag_weights(name):
    code = ADSTOCK_CODES[name]
    step, lags = 1e-6, 9

    def weights(first: float, second: float) -> tuple[np.ndarray, ...]:
        return tuple(weighted(code, first, second, lags)[:3])

    w, by_first, by_second = weights(1.4, 2.6)
    for derivative, (one, two) in ((by_first, (step, 0.0)), (by_second, (0.0, step))):
        up, down = weights(1.4 + one, 2.6 + two)[0], weights(1.4 - one, 2.6 - two)[0]
        # normalised weights move by their own derivative less its mean
        expected = derivative - w * derivative.sum()
        np.testing.assert_allclose((up - down) / (2 * step), expected, rtol=1e-6, atol=1e-9)


def test_default_priors_are_stated_in_weeks_and_used_in_periods():
    weekly, monthly = (adstock_family("delayed").parameters(weeks) for weeks in (1.0, 4.0))
    for week, month in zip(weekly, monthly, strict=True):
        assert week.prior.location - month.prior.location == pytest.approx(math.log(4.0))
        assert week.prior.scale == pytest.approx(month.prior.scale)
    shape_week, shape_month = (adstock_family("weibull").parameters(w)[1] for w in (1.0, 4.0))
    assert shape_week == shape_month


def test_an_unknown_family_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'geometric'"):
        adstock_family("geometrc")
