"""The likelihood of brand trackers in JAX: the twin of `mmm.model.survey`."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from mmm.model.columns import COLUMNS, MEMORY, SPREAD
from mmm.model.design import Design
from mmm.model.jax_curves import Window
from mmm.model.readings import NATIONAL_READING
from mmm.model.spec import ModelSpec
from mmm.model.survey import LN2, START_SPREAD
from mmm.model.terms import told_apart


def survey_log_likelihood(
    spec: ModelSpec, design: Design, table: Any, seen: Window, cells: Any
) -> Any:
    """Log-likelihood of the design's readings, linear terms integrated out, from the parameter
    table, the window's series and the trackers' cells: loadings, noises, walks."""
    told, weight, level = design.readings, design.weight, seen.level.sum(axis=1)
    loading, noise, walk = cells.reshape(3, -1)
    everywhere = jnp.asarray(weight / weight.sum()) @ level
    national = told.geo == NATIONAL_READING
    read = jnp.where(national, everywhere[told.time], level[told.geo, told.time])
    residual = told.value - loading[told.of] * read
    variance = told.variance + noise[told.of] ** 2
    moves = jnp.where(told.walk_of >= 0, walk[np.maximum(told.walk_of, 0)], 1.0)
    rows = told.rows * (told.row_sd * moves)[:, None]
    apart = np.array(told_apart(spec, design), dtype=int)
    if len(apart):
        here = (told.geo == np.arange(len(spec.geos))[:, None]) * loading[told.of]
        parts = seen.level[told.geo, :, told.time].T * table[apart, SPREAD][:, None]
        left = jnp.exp(-LN2 * (told.time + 1.0) / table[apart, MEMORY][:, None])
        parts = jnp.vstack([parts, START_SPREAD * (seen.earned @ left)])
        rows = jnp.vstack([rows, (here[:, None] * parts).reshape(-1, len(told.value))])
    factor = jnp.linalg.cholesky(jnp.diag(variance) + rows.T @ rows)
    white = solve_triangular(factor, residual, lower=True)
    constant = 0.5 * len(told.value) * math.log(2.0 * math.pi)
    return -0.5 * (white**2).sum() - jnp.log(jnp.diag(factor)).sum() - constant


def tracker_cells(cells: Any, channels: int, geos: int) -> Any:
    """The trackers' part of the flat cells."""
    return cells[channels * COLUMNS + geos + 3 :]
