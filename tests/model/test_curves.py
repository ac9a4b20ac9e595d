"""Brand stock and counterfactual curves against closed forms and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.model import curves, kernel
from mmm.model.density import natural_values, unconstrained_values
from mmm.results.respond import brand_tail, channel_effect, response

AHEAD = 150
CHANNELS = [
    {"name": "a", "role": "both"},
    {"name": "b", "role": "brand", "adstock": "weibull_pdf", "saturation": "michaelis_menten"},
    {"name": "c", "role": "tactical", "adstock": "delayed", "saturation": "root"},
    {"name": "d", "role": "both", "adstock": "none", "saturation": "logistic"},
    {"name": "e", "role": "tactical", "adstock": "weibull_cdf", "saturation": "none"},
    {"name": "f", "role": "both", "lag": {"median": 6, "max": 25}, "saturation": "tanh"},
    {"name": "g", "role": "tactical", "lag": {"median": 2, "max": 7, "family": "lognormal"}},
]


def brand_series(half_life: float, media: np.ndarray, early: float, carry: float = 1.0):
    """Brand stock of one channel without adstock or saturation."""
    table = np.ones((1, curves.COLUMNS))
    table[0, [curves.MEMORY, curves.CARRY]] = half_life, carry
    shape = (1, 1, len(media))
    now, stock, slope = np.empty(shape), np.empty(shape), np.empty((1, 1))
    flat, ones = media.reshape(1, -1).astype(float), np.ones((1, len(media)))
    kernel.channel_draws(
        table, np.ones((1, 2)), curves.NO_ADSTOCK, curves.LINEAR, 2, flat, np.array([early]),
        0.0 * flat, ones, np.ones((1, 1)), 0.0 * ones, now, stock, slope,
    )  # fmt: skip
    return stock[0, 0]


@pytest.mark.parametrize("half_life", [4.0, 26.0])
def test_half_of_a_brand_is_left_after_its_half_life(half_life):
    stock = brand_series(half_life, np.zeros(120), early=3.0)
    np.testing.assert_allclose(stock, 3.0 * 0.5 ** (np.arange(1, 121) / half_life), rtol=1e-12)


def test_a_brand_fed_as_before_stays_where_it_was():
    stock = brand_series(20.0, np.full(60, 1.4), early=0.7, carry=2.0)
    np.testing.assert_allclose(stock, 1.4, rtol=1e-12)


def test_a_brand_gives_back_all_that_fed_it():
    impulse = np.zeros(4000)
    impulse[0] = 5.0
    stock = brand_series(30.0, impulse, early=0.0)
    assert stock.sum() == pytest.approx(5.0, rel=1e-12)


@pytest.fixture(scope="module")
def read(tools):
    """Responses of ten draws around the prior's centre, on two geos."""
    case = tools.make_case(CHANNELS, geos=2)
    density = case.density
    noise = np.random.default_rng(0).normal(size=(10, density.layout.size))
    return response(tools.fit_at(case, natural_values(density, density.centre() + 0.3 * noise)))


def media_of(read, channel: int) -> np.ndarray:
    """Media of the window and nothing after it, (T, G)."""
    seen = read.fit.panel.dataset["media"].values[:, :, channel]
    return np.concatenate([seen, np.zeros((AHEAD, seen.shape[1]))])


def worth_of(read, channel: int, media: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Worth of the channel's effect over all time, (D, G)."""
    effect = channel_effect(read, channel, media)
    tail = brand_tail(read, channel, effect.brand)
    return (effect.total * worth.T).sum(axis=2) + tail * worth[-1]


@pytest.mark.parametrize("channel", range(len(CHANNELS)))
@pytest.mark.parametrize("weighted", [False, True])
def test_slope_equals_finite_differences_of_the_whole_effect(read, channel, weighted):
    media = media_of(read, channel)
    rng = np.random.default_rng(channel)
    direction = media * rng.random(media.shape)
    worth = rng.uniform(0.5, 2.0, media.shape) if weighted else np.ones(media.shape)
    slope = channel_effect(
        read, channel, media, direction=direction, worth=worth if weighted else None
    ).slope
    step = 1e-5
    up, down = (worth_of(read, channel, media + sign * step * direction, worth) for sign in (1, -1))
    np.testing.assert_allclose(slope, (up - down) / (2 * step), rtol=1e-6)
    assert np.all(slope != 0)


@pytest.mark.parametrize("channel", [0, 1])
def test_tail_of_a_brand_is_what_a_longer_horizon_shows(read, channel):
    media = media_of(read, channel)
    brand = channel_effect(read, channel, media).brand
    longer = np.concatenate([media, np.zeros((8000, media.shape[1]))])
    rest = channel_effect(read, channel, longer).brand[:, :, len(media) :].sum(axis=2)
    np.testing.assert_allclose(brand_tail(read, channel, brand), rest, rtol=1e-6)


@pytest.mark.parametrize("channel", range(len(CHANNELS)))
def test_as_fitted_the_counterfactual_is_the_fitted_effect(read, channel):
    density = read.density
    seen = read.fit.panel.dataset["media"].values[:, :, channel]
    effect = channel_effect(read, channel, seen).total
    pool = density.workspace()
    for draw, natural in enumerate(read.fit.values()):
        density.value_and_gradient(unconstrained_values(density, natural), pool)
        factor = (read.deviation[draw, :, channel] * read.level)[:, None]
        expected = pool.work.dynamic[:, channel] * factor
        np.testing.assert_allclose(effect[draw], expected, rtol=1e-12)


def test_the_first_spend_of_a_silent_channel_has_a_slope(read):
    channel = 3
    silent = np.zeros((30, 2))
    direction = np.ones((30, 2))
    slope = channel_effect(read, channel, silent, carry_in=0.0, direction=direction).slope
    step = 1e-6
    effect = channel_effect(read, channel, step * direction, carry_in=0.0)
    whole = effect.total.sum(axis=2) + brand_tail(read, channel, effect.brand)
    np.testing.assert_allclose(slope, whole / step, rtol=1e-5)
