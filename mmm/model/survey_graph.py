"""The likelihood of brand trackers in PyTensor: the readable twin of `mmm.model.survey`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from mmm.model.design import Design
from mmm.model.readings import NATIONAL_READING
from mmm.model.spec import ModelSpec
from mmm.model.terms import brand_level


def survey_log_likelihood(
    spec: ModelSpec,
    design: Design,
    table: TensorVariable,
    values: Mapping[str, TensorVariable],
) -> TensorVariable:
    """Log-likelihood of the design's readings, levels and walks integrated out, from the
    parameter table and the trackers' variables by name."""
    told = design.readings
    level = brand_level(table, spec, design)
    weights = design.weight / design.weight.sum()
    everywhere = pt.dot(weights, level)
    read = pt.switch(
        told.geo == NATIONAL_READING, everywhere[told.time], level[told.geo, told.time]
    )
    residual = told.value - values["survey_loading"][told.of] * read
    variance = told.variance + values["survey_noise"][told.of] ** 2
    scale = pt.as_tensor_variable(told.row_sd)
    if "survey_walk" in values:
        walk = values["survey_walk"][np.maximum(told.walk_of, 0)]
        scale = pt.switch(told.walk_of >= 0, scale * walk, scale)
    rows = told.rows * scale[:, None]
    factor = pt.linalg.cholesky(pt.diag(variance) + rows.T @ rows)
    white = pt.linalg.solve_triangular(factor, residual, lower=True)
    log_det = pt.log(pt.diag(factor)).sum()
    return -0.5 * (white**2).sum() - log_det - 0.5 * len(told.value) * np.log(2.0 * np.pi)
