"""The likelihood of brand trackers in JAX: the twin of `mmm.model.survey`."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from mmm.model.columns import COLUMNS
from mmm.model.readings import NATIONAL_READING, Readings


def survey_log_likelihood(told: Readings, weight: np.ndarray, level: Any, cells: Any) -> Any:
    """Log-likelihood of the readings, levels and walks integrated out, from the stock of the
    brand (G, T) of mean one and the trackers' cells: loadings, noises, walks."""
    loading, noise, walk = cells.reshape(3, -1)
    everywhere = jnp.asarray(weight / weight.sum()) @ level
    national = told.geo == NATIONAL_READING
    read = jnp.where(national, everywhere[told.time], level[told.geo, told.time])
    residual = told.value - loading[told.of] * read
    variance = told.variance + noise[told.of] ** 2
    moves = jnp.where(told.walk_of >= 0, walk[np.maximum(told.walk_of, 0)], 1.0)
    rows = told.rows * (told.row_sd * moves)[:, None]
    factor = jnp.linalg.cholesky(jnp.diag(variance) + rows.T @ rows)
    white = solve_triangular(factor, residual, lower=True)
    constant = 0.5 * len(told.value) * math.log(2.0 * math.pi)
    return -0.5 * (white**2).sum() - jnp.log(jnp.diag(factor)).sum() - constant


def tracker_cells(cells: Any, channels: int, geos: int) -> Any:
    """The trackers' part of the flat cells."""
    return cells[channels * COLUMNS + geos + 3 :]
