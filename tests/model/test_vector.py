"""The array exponential and logarithm against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from mmm.model.tiles import add_mixture
from mmm.model.vector import exp_array, inner_products, log_array

ULP = np.finfo(float).eps


@njit
def exponentials(x, out, scratch):
    exp_array(x, out, scratch)


@njit
def logarithms(x, out, scratch):
    log_array(x, out, scratch)


@njit
def products(a, b, out, symmetric):
    inner_products(a, b, out, 1, symmetric)


@njit
def mixtures(weights, rows, out):
    add_mixture(weights, 1, rows, out)


def by_kernel(kernel, x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    kernel(x, out, np.empty_like(x))
    return out


@pytest.mark.parametrize("width", [1e-12, 1e-3, 1.0, 30.0, 690.0])
def test_exponential_is_accurate_to_a_few_units_in_the_last_place(width):
    x = np.random.default_rng(1).uniform(-width, width, 20_000)
    np.testing.assert_allclose(by_kernel(exponentials, x), np.exp(x), rtol=4 * ULP)


def test_exponential_is_exact_at_zero_and_clipped_far_out():
    x = np.array([0.0, -0.0, 1e4, -1e4, np.inf, -np.inf])
    expected = [1.0, 1.0, *np.exp([690.0, -690.0, 690.0, -690.0])]
    np.testing.assert_allclose(by_kernel(exponentials, x), expected, rtol=4 * ULP)


@pytest.mark.parametrize("exponent", [1e-9, 0.5, 10.0, 307.0])
def test_logarithm_is_accurate_to_a_few_units_in_the_last_place(exponent):
    x = 10.0 ** np.random.default_rng(2).uniform(-exponent, exponent, 20_000)
    kept = x.copy()
    np.testing.assert_allclose(by_kernel(logarithms, x), np.log(kept), rtol=8 * ULP, atol=1e-24)
    np.testing.assert_array_equal(x, kept)


def test_logarithm_of_powers_of_two():
    powers = np.arange(-1022.0, 1024.0)
    np.testing.assert_allclose(
        by_kernel(logarithms, 2.0**powers), powers * np.log(2.0), rtol=4 * ULP
    )


@pytest.mark.parametrize("count", range(1, 10))
def test_tiles_cover_every_row_once(count):
    rng = np.random.default_rng(count)
    a, b = rng.normal(size=(count, 13)), rng.normal(size=(10 - count, 13))
    out = np.full((count, 11 - count), 7.0)
    products(a, b, out, False)
    np.testing.assert_allclose(out[:, 1:], a @ b.T, rtol=1e-12, atol=1e-12)
    assert (out[:, 0] == 7.0).all()
    square = np.empty((count, count + 1))
    products(a, a, square, True)
    np.testing.assert_allclose(square[:, 1:], a @ a.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("periods", [1, 7, 8, 15, 16, 29, 40])
@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_mixtures_add_every_row_once_to_every_period(periods, count):
    rng = np.random.default_rng(100 * periods + count)
    rows, mixed = rng.normal(size=(10 - count, periods)), rng.normal(size=(count, periods))
    weights = rng.normal(size=(count, 12 - count))
    expected = mixed + weights[:, 1 : 11 - count] @ rows
    mixtures(weights, rows, mixed)
    np.testing.assert_allclose(mixed, expected, rtol=1e-12, atol=1e-12)
