"""The plain response against closed forms and sums over lags."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmm.simulate.oracle as oracle_module
from mmm.simulate.oracle import (
    Curves,
    brand_stock,
    caused_by_window,
    contributions,
    geometric_adstock,
    hill,
    retention_of,
)

rates = st.floats(0.0, 0.95)
amounts = st.floats(0.01, 1e6)


def lag_sum(series: np.ndarray, rate: float) -> np.ndarray:
    """`(1 - r) sum_l r^l x_{t-l}`, the carry-over of one series as a sum over all its lags."""
    return np.array(
        [
            sum((1 - rate) * rate**lag * series[period - lag] for lag in range(period + 1))
            for period in range(len(series))
        ]
    )


def two_channels(population: np.ndarray) -> Curves:
    return Curves(
        decay=np.array([0.3, 0.6]),
        half_saturation=np.array([1.0, 2.0]),
        slope=np.array([0.8, 2.0]),
        tactical_effect=np.array([5.0, 0.0]),
        brand_effect=np.array([0.0, 7.0]),
        multiplier=np.array([[1.0, 0.8], [1.2, 1.1]]),
        population=population,
        retention=retention_of(6.0),
    )


@given(rate=rates, amount=amounts)
def test_constant_media_is_its_own_adstocked_level(rate, amount):
    level = geometric_adstock(np.full(1000, amount), rate)
    assert level[-1] == pytest.approx(amount, rel=1e-9)
    assert np.all(np.diff(level) >= -1e-9 * amount)


@given(rate=rates, series=st.lists(st.floats(0.0, 100.0), min_size=1, max_size=20))
def test_carry_over_is_the_sum_over_lags(rate, series):
    series = np.array(series)
    np.testing.assert_allclose(geometric_adstock(series, rate), lag_sum(series, rate), atol=1e-9)


def test_carry_over_moves_media_in_time_and_loses_none():
    media = np.zeros((400, 2))
    media[3] = [10.0, 20.0]
    carried = geometric_adstock(media, np.array([0.0, 0.9]))
    np.testing.assert_allclose(carried.sum(axis=0), [10.0, 20.0], rtol=1e-12)
    np.testing.assert_allclose(carried[3:5], [[10.0, 2.0], [0.0, 1.8]])
    assert not carried[:3].any()


@given(half=amounts, slope=st.floats(0.5, 3.0))
def test_half_saturation_gives_half(half, slope):
    assert hill(half, half, slope) == pytest.approx(0.5, rel=1e-12)
    assert hill(0.0, half, slope) == 0.0
    # at k times 3^(1/s) the curve is at three quarters
    assert hill(half * 3 ** (1 / slope), half, slope) == pytest.approx(0.75, rel=1e-9)


@pytest.mark.parametrize("half_life", [1, 5, 26])
def test_an_impulse_halves_in_a_half_life(half_life):
    inflow = np.zeros(3 * half_life + 1)
    inflow[0] = 1.0
    stock = brand_stock(inflow, retention_of(half_life))
    assert stock[half_life] == pytest.approx(stock[0] / 2)
    assert stock[2 * half_life] == pytest.approx(stock[0] / 4)


def test_effect_per_head_depends_on_media_per_head():
    population = np.array([1e5, 4e5])
    media = np.random.default_rng(0).uniform(0, 3, (30, 2, 2)) * population[:, None]
    curves, doubled = two_channels(population), two_channels(2 * population)
    for part, twice in zip(
        contributions(media, curves), contributions(2 * media, doubled), strict=True
    ):
        np.testing.assert_allclose(2 * part, twice)


def test_outcome_caused_is_the_difference_between_two_finite_worlds():
    rng = np.random.default_rng(1)
    history, window, after = 12, 10, 300
    population = np.array([1.0, 3.0])
    curves = two_channels(population)
    media = rng.uniform(0, 4, (history + window, 2, 2))

    def total(plan: np.ndarray, channel: int) -> float:
        outcome = 0.0
        for geo in range(2):
            series = np.concatenate([plan[:, geo, channel], np.zeros(after)]) / population[geo]
            level = lag_sum(series, curves.decay[channel]) ** curves.slope[channel]
            half = curves.half_saturation[channel] ** curves.slope[channel]
            saturated = level / (half + level)
            per_head = (
                curves.tactical_effect[channel] * saturated
                + curves.brand_effect[channel] * lag_sum(saturated, curves.retention)
            ).sum()
            outcome += population[geo] * curves.multiplier[geo, channel] * per_head
        return outcome

    without = media.copy()
    without[history:] = 0.0
    expected = [total(media, channel) - total(without, channel) for channel in range(2)]
    np.testing.assert_allclose(caused_by_window(media, history, curves), expected, rtol=1e-7)


def test_the_oracle_shares_no_code_with_the_model():
    imported = set()
    for file in Path(oracle_module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
    ours = {name.split(".")[1] for name in imported if name.startswith("mmm.")}
    assert ours == {"config", "dims", "errors", "simulate"}
    assert not {name.split(".")[0] for name in imported} & {"pymc", "pytensor"}
