"""The inverse by elimination against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from mmm.model.sweep import invert_spd, padded


@njit(error_model="numpy")
def inverse(size, matrix):
    return invert_spd(size, matrix)


@pytest.mark.parametrize("size", [1, 5, 8, 13, 40])
def test_inverse_and_determinant_of_badly_scaled_matrices(size):
    rng = np.random.default_rng(size)
    rows = np.exp(rng.normal(scale=3.0, size=size))[:, None] * rng.normal(size=(size, 3 * size))
    given = np.eye(size) + rows @ rows.T
    matrix = np.full((size, padded(size)), np.nan)
    matrix[:, :size] = np.tril(given)
    half_log_det = inverse(size, matrix)
    np.testing.assert_allclose(half_log_det, 0.5 * np.linalg.slogdet(given)[1], rtol=1e-12)
    np.testing.assert_allclose(matrix[:, :size] @ given, np.eye(size), atol=1e-6)
    np.testing.assert_allclose(matrix[:, :size], matrix[:, :size].T, rtol=1e-6, atol=1e-12)


def test_a_matrix_that_is_not_positive_definite_has_none():
    matrix = np.zeros((2, padded(2)))
    matrix[:, :2] = [[1.0, 0.0], [2.0, 1.0]]
    assert np.isnan(inverse(2, matrix))
