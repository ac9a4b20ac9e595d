"""The likelihood of brand trackers in PyTensor: the readable twin of `mmm.model.survey`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from mmm.model.columns import MEMORY, SPREAD
from mmm.model.design import Design
from mmm.model.readings import NATIONAL_READING
from mmm.model.spec import ModelSpec
from mmm.model.survey import START_SPREAD
from mmm.model.terms import brand_level, told_apart
from mmm.transforms.adstock import LN2


def survey_log_likelihood(
    spec: ModelSpec,
    design: Design,
    table: TensorVariable,
    values: Mapping[str, TensorVariable],
) -> TensorVariable:
    """Log-likelihood of the design's readings, linear terms integrated out, from the parameter
    table and the trackers' variables by name."""
    told = design.readings
    brand = brand_level(table, spec, design)
    level = sum(brand.parts.values(), start=pt.zeros(()))
    weights = design.weight / design.weight.sum()
    everywhere = pt.dot(weights, level)
    read = pt.switch(
        told.geo == NATIONAL_READING, everywhere[told.time], level[told.geo, told.time]
    )
    loading = values["survey_loading"][told.of]
    residual = told.value - loading * read
    variance = told.variance + values["survey_noise"][told.of] ** 2
    scale = pt.as_tensor_variable(told.row_sd)
    if "survey_walk" in values:
        walk = values["survey_walk"][np.maximum(told.walk_of, 0)]
        scale = pt.switch(told.walk_of >= 0, scale * walk, scale)
    rows = [told.rows * scale[:, None]]
    apart = told_apart(spec, design)
    if apart:
        left = START_SPREAD * sum(
            brand.earned[c] * pt.exp(-LN2 * (told.time + 1.0) / table[c, MEMORY]) for c in apart
        )
        for g in range(len(spec.geos)):
            here = loading * (told.geo == g)
            parts = [table[c, SPREAD] * brand.parts[c][g, told.time] for c in apart]
            rows += [(here * part)[None] for part in [*parts, left]]
    rows = pt.concatenate(rows)
    factor = pt.linalg.cholesky(pt.diag(variance) + rows.T @ rows)
    white = pt.linalg.solve_triangular(factor, residual, lower=True)
    log_det = pt.log(pt.diag(factor)).sum()
    return -0.5 * (white**2).sum() - log_det - 0.5 * len(told.value) * np.log(2.0 * np.pi)
