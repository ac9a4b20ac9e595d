"""Lag weights against the exact distribution of the periods between cause and effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mmm.config import Channel
from mmm.config.lag import Lag
from mmm.errors import InputError
from mmm.transforms.adstock import FAMILIES, adstock_family
from mmm.transforms.lag_nodes import gamma_median, lag_points
from mmm.transforms.lag_prior import adstock_parameters, lag_count, lag_prior, lag_spread

quiet = settings(max_examples=40, deadline=None, derandomize=True, database=None)
lag_families = st.sampled_from(["lag_gamma", "lag_lognormal"])


def continuous(name: str, median: float, spread: float):
    """The lag itself, and the integral of x times its density from 0 to x, in closed form."""
    if name == "lag_gamma":
        shape = spread**-2
        scale = median / stats.gamma.median(shape)
        grown = stats.gamma(shape + 1, scale=scale)
        return stats.gamma(shape, scale=scale), lambda x: shape * scale * grown.cdf(x)
    mean = median * np.exp(spread**2 / 2)
    grown = stats.lognorm(spread, scale=median * np.exp(spread**2))
    return stats.lognorm(spread, scale=median), lambda x: mean * grown.cdf(x)


def exact_weights(name: str, median: float, spread: float, lags: int) -> np.ndarray:
    """P(floor(u + x) = k) given x < lags - 1, u uniform: within [k, k + 1) the share x - k
    goes to k + 1, so two integrals of the density between whole numbers say it all."""
    lag, moment = continuous(name, median, spread)
    ends = np.arange(lags)
    mass, first = np.diff(lag.cdf(ends)), np.diff(moment(ends))
    moves = first - ends[:-1] * mass
    weights = np.zeros(lags)
    weights[:-1] += mass - moves
    weights[1:] += moves
    return weights / weights.sum()


def weights_of(evaluate, name: str, median: float, spread: float, lags: int) -> np.ndarray:
    return evaluate(FAMILIES[name].lag_weights(np.arange(float(lags)), median, spread))


@quiet
@given(lag_families, st.floats(0.5, 20.0), st.floats(0.3, 1.5), st.integers(2, 40))
def test_weights_are_those_of_the_exact_distribution(evaluate, name, median, spread, lags):
    found = weights_of(evaluate, name, median, spread, lags)
    exact = exact_weights(name, median, spread, lags)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert np.abs(found - exact).sum() / 2 < 4e-3


def test_the_error_for_lags_of_weeks_is_a_thousandth_of_the_mass(evaluate):
    for name in ("lag_gamma", "lag_lognormal"):
        for median, lags in ((2.0, 9), (4.0, 14), (8.0, 27), (20.0, 53)):
            for spread in (0.3, 0.5, 0.8, 1.2):
                found = weights_of(evaluate, name, median, spread, lags)
                exact = exact_weights(name, median, spread, lags)
                assert np.abs(found - exact).sum() / 2 < 1e-3


@pytest.mark.parametrize("name", ["lag_gamma", "lag_lognormal"])
def test_the_mean_lag_is_that_of_the_continuous_one(evaluate, name):
    weights = weights_of(evaluate, name, 6.0, 0.5, 60)
    lag, _ = continuous(name, 6.0, 0.5)
    assert weights @ np.arange(60) == pytest.approx(lag.mean(), rel=1e-3)


def test_a_lag_that_is_all_but_certain_is_whole_and_finite(evaluate):
    for name in ("lag_gamma", "lag_lognormal"):
        weights = weights_of(evaluate, name, 7.5, 0.002, 20)
        assert weights.sum() == pytest.approx(1.0)
        assert weights[[7, 8]].sum() == pytest.approx(1.0)


def test_the_median_of_a_gamma_is_within_the_stated_error():
    shapes = np.geomspace(0.5, 1e4, 200)
    error = np.array([gamma_median(a) / stats.gamma.median(a) - 1 for a in shapes])
    assert np.abs(error).max() < 4e-3
    assert np.abs(error[shapes >= 0.75]).max() < 8e-4


def test_points_are_a_rule_for_integrals():
    at, logs, after, share = lag_points(12)
    np.testing.assert_allclose(after + share, at)
    for power in (0.5, 1.0, 2.0, 3.0):
        total = np.exp(logs) @ at**power
        assert total == pytest.approx(11.0 ** (power + 1) / (power + 1), rel=1e-6)


@quiet
@given(st.sampled_from(["gamma", "lognormal"]), st.floats(1.0, 30.0), st.floats(1.3, 12.0))
def test_nearly_all_of_a_stated_lag_comes_before_its_maximum(family, median, times):
    lag = Lag(median=median, max=median * times, family=family)
    distribution, _ = continuous(lag.adstock, median, lag_spread(lag))
    assert distribution.cdf(median * times) == pytest.approx(0.99, abs=2e-3)


def test_priors_lie_around_what_is_stated():
    prior = lag_prior(Lag(median=8, max=26))
    assert (prior.adstock, prior.lags) == ("lag_gamma", 27)
    median, spread = prior.parameters
    assert (median.name, spread.name) == ("median", "spread")
    found = stats.lognorm(median.prior.scale, scale=np.exp(median.prior.location))
    np.testing.assert_allclose(found.ppf([0.05, 0.5, 0.95]), [8 / 1.5, 8, 12])
    assert np.exp(spread.prior.location) == pytest.approx(lag_spread(Lag(median=8, max=26)))
    stated = lag_prior(Lag(median=8, max=26, median_interval=(7, 9), spread_interval=(0.4, 0.5)))
    ends = [
        np.exp(p.prior.location + sign * 1.6448536269514722 * p.prior.scale)
        for p in stated.parameters
        for sign in (-1, 1)
    ]
    np.testing.assert_allclose(ends, [7, 9, 0.4, 0.5])


def test_a_channel_without_a_lag_keeps_its_familys_priors():
    channel = Channel(name="tv", role="tactical", spend="x", prior={"half_life": (1, 2)})
    half_life, shape = adstock_parameters(channel, 1.0)
    assert np.exp(half_life.prior.location) == pytest.approx(2**0.5)
    assert shape == adstock_family("weibull").parameters(1.0)[1]
    assert lag_count(channel, 1.0, 100) == 13
    assert lag_count(channel, 1.0, 9) == 8
    # monthly data: what a stated half-life of months carries is not cut at a quarter
    assert lag_count(channel, 52 / 12, 100) == 8


def test_a_half_life_of_a_family_that_has_none_is_refused():
    channel = Channel(
        name="tv", role="tactical", spend="x", adstock="weibull_cdf", prior={"half_life": (1, 2)}
    )
    with pytest.raises(InputError, match="'weibull_cdf' has no half-life"):
        adstock_parameters(channel, 1.0)


def test_a_stated_lag_says_how_far_it_reaches():
    late = Channel(name="tv", role="tactical", spend="x", lag={"median": 8, "max": 26})
    assert lag_count(late, 1.0, 100) == 27
