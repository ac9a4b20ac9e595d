"""Residual diagnostics on constructed series, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mmm.evaluate.residuals import (
    breusch_pagan,
    expected_mean,
    ljung_box,
    outlying,
    residuals,
    standard_residuals,
)
from mmm.results.contributions import decompose
from mmm.results.respond import response


def autoregressive(phi: float, geos: int, periods: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((geos, periods))
    series = noise.copy()
    for t in range(1, periods):
        series[:, t] += phi * series[:, t - 1]
    return series


def test_ljung_box_is_the_sum_of_its_definition():
    series = autoregressive(0.3, 2, 60)
    total = 0.0
    for row in series - series.mean(axis=1, keepdims=True):
        for k in range(1, 11):
            r = sum(row[t] * row[t - k] for t in range(k, 60)) / sum(row**2)
            total += 60 * 62 * r**2 / (60 - k)
    found = ljung_box(series)
    assert found.lags == 10
    assert found.statistic == pytest.approx(total)
    assert found.probability == pytest.approx(stats.chi2.sf(total, 20))


def test_white_noise_is_rarely_called_related():
    called = [
        ljung_box(autoregressive(0.0, 1, 150, seed)).probability < 0.05 for seed in range(200)
    ]
    assert 2 <= sum(called) <= 22


def test_an_autoregression_is_found_with_its_sign():
    for phi in (0.5, -0.5):
        found = ljung_box(autoregressive(phi, 1, 200))
        assert found.probability < 1e-4
        assert found.first == pytest.approx(phi, abs=0.15)


def test_breusch_pagan_is_n_times_r_squared():
    rng = np.random.default_rng(2)
    fitted, residual = rng.uniform(1, 3, (1, 80)), rng.standard_normal((1, 80))
    x = np.stack([fitted[0], np.arange(80)], axis=1)
    square = residual[0] ** 2
    centred = x - x.mean(axis=0)
    slope = np.linalg.solve(centred.T @ centred, centred.T @ (square - square.mean()))
    part = (centred @ slope).var() / square.var()
    assert breusch_pagan(residual, fitted).statistic == pytest.approx(80 * part)


def test_noise_that_grows_with_the_outcome_is_found_and_even_noise_is_not():
    rng = np.random.default_rng(3)
    fitted, noise = rng.uniform(1, 3, (2, 150)), rng.standard_normal((2, 150))
    even, growing = breusch_pagan(noise, fitted), breusch_pagan(noise * fitted**2, fitted)
    assert even.probability > 0.01
    assert growing.probability < 1e-4
    assert growing.by_level > 2 > even.by_level
    assert growing.by_time == pytest.approx(1.0, abs=0.4)


def test_planted_outliers_are_found_and_no_other():
    noise = np.random.default_rng(4).standard_normal((2, 150))
    noise = np.clip(noise, -2.5, 2.5)
    noise[1, 20], noise[0, 70] = 9.0, -7.0
    found = outlying(noise)
    assert [(g, t) for g, t, _ in found] == [(1, 20), (0, 70)]
    assert found[0][2] > 7 and found[1][2] < -5


def test_residuals_are_those_of_the_decomposition(fitted):
    read = response(fitted)
    table = decompose(read).table
    left = table[table["kind"] == "residual"]["mean"].to_numpy()
    observed = fitted.panel.dataset["outcome"].values[:, 0]
    np.testing.assert_allclose(observed - expected_mean(read)[0], left, atol=1e-6 * observed.max())
    scale = read.sigma.mean() * read.level[0]
    np.testing.assert_allclose(
        standard_residuals(read)[0] * scale, left, atol=1e-6 * observed.max()
    )


def test_a_model_that_is_right_leaves_noise(fitted):
    found = residuals(response(fitted))
    assert found.autocorrelation.probability > 0.01
    assert found.variance.probability > 0.01
    assert found.outliers == ()
    assert found.advice == ()
    assert "unrelated" in found.reading
