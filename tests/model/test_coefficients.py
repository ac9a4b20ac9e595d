"""Linear coefficients, drawn back from their conditional, against a dense regression."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.model import curves
from mmm.model.density import natural_values
from mmm.results.respond import response

DRAWS = 4000
LIMIT = 4.8
"""Of z-scores of which there are a few hundred."""

CHANNELS = [{"name": "a", "role": "both"}, {"name": "b", "role": "tactical"}]
CASES = {
    "national": {"channels": CHANNELS, "controls": 1},
    "geos": {"channels": CHANNELS, "geos": 2, "controls": 1, "baseline": {"seasonality": 1}},
    "geos, one channel moving": {
        "channels": [CHANNELS[0] | {"time_varying": True}, CHANNELS[1]], "geos": 9,
        "baseline": {"seasonality": 0},
    },
    "geos, nothing shared": {
        "channels": CHANNELS, "geos": 3, "baseline": {"trend": False, "seasonality": 0},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_draws_have_the_mean_and_covariance_of_the_dense_conditional(tools, name):
    case = tools.make_case(**CASES[name])
    density = case.density
    noise = np.random.default_rng(5).normal(size=density.layout.size)
    q = density.centre() + 0.3 * density.width() * noise
    natural = natural_values(density, q)
    mean, covariance = tools.dense_regression(density, q).conditional()

    read = response(tools.fit_at(case, np.tile(natural, (DRAWS, 1))), draws=DRAWS)
    pool = density.workspace()
    density.value_and_gradient(q, pool)
    table, own_sd, shared_sd = pool.work.table, pool.work.own_sd, pool.work.shared_sd
    own = read.own / own_sd
    if density.spec.pooled:
        factor = (read.deviation - 1) / table[:, curves.SPREAD]
        own = np.concatenate([own, factor], axis=2)
    shared = np.concatenate(
        [read.shared, read.drift[:, density.spec.drifting].reshape(DRAWS, -1)], 1
    )
    drawn = np.concatenate([own.reshape(DRAWS, -1), shared / shared_sd], axis=1)
    # whitened by the dense conditional, the draws are standard normal and independent
    standard = np.linalg.solve(np.linalg.cholesky(covariance), (drawn - mean).T)

    assert len(standard) == len(mean)
    assert np.abs(standard.mean(axis=1) * np.sqrt(DRAWS)).max() < LIMIT
    apart = standard @ standard.T / DRAWS - np.eye(len(standard))
    scores = apart * np.sqrt(DRAWS) / np.sqrt(1 + np.eye(len(standard)))
    assert np.abs(scores).max() < LIMIT


def test_the_same_fit_draws_the_same_coefficients(tools):
    case = tools.make_case(**CASES["geos"])
    natural = natural_values(case.density, case.density.centre())
    fit = tools.fit_at(case, np.tile(natural, (20, 1)))
    first, second = response(fit), response(fit)
    np.testing.assert_array_equal(first.own, second.own)
    np.testing.assert_array_equal(first.shared, second.shared)
    np.testing.assert_array_equal(first.deviation, second.deviation)
