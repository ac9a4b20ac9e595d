"""The likelihood of experiments in PyTensor: the readable twin of `mmm.model.experiment`."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from mmm.model.curves import DRIFT, MEMORY, SHARE, SPLIT, SPREAD
from mmm.model.design import Design
from mmm.model.spec import ModelSpec
from mmm.model.terms import (
    Series,
    adstock_parameters,
    branded,
    carry,
    channel_series,
    saturate,
    saturation_parameters,
)
from mmm.model.trials import STEADY
from mmm.transforms.adstock import GEOMETRIC, adstock_family
from mmm.transforms.saturation import saturation_family


def experiment_log_likelihood(
    spec: ModelSpec, design: Design, table: TensorVariable
) -> TensorVariable:
    """Log-likelihood of the design's tests, from the parameter table."""
    trials, brands = design.trials, branded(spec)
    series = {
        int(c): channel_series(table, int(c), spec, design, brand=brands[c])
        for c in np.unique(trials.channel)
    }
    total = pt.zeros(())
    for n in range(trials.count):
        mean, variance = pt.zeros(()), pt.as_tensor_variable(trials.variance[n])
        arms = np.arange(trials.first[n], trials.first[n + 1])
        for c in np.unique(trials.channel[arms]).tolist():
            mine = arms[trials.channel[arms] == c]
            effect = arm_effects(spec, design, table, series[c], mine)
            caused = pt.expm1(effect) if spec.likelihood == "lognormal" else effect
            caused = trials.weight[mine][:, None] * caused
            mean = mean + caused.sum()
            variance = variance + ((table[c, SPREAD] * caused.sum(axis=1)) ** 2).sum()
            if c in spec.drifting:
                periods = trials.when[mine[0]] + np.arange(trials.length[mine[0]])
                steps = design.drift[:, np.minimum(periods, design.drift.shape[1] - 1)]
                walk = pt.dot(steps, caused.sum(axis=0))
                variance = variance + ((table[c, DRIFT] * walk) ** 2).sum()
        square = (trials.lift[n] - mean) ** 2 / variance
        total = total - 0.5 * (square + pt.log(2.0 * np.pi * variance))
    return total


def arm_effects(
    spec: ModelSpec, design: Design, table: TensorVariable, series: Series, arms: np.ndarray
) -> TensorVariable:
    """What the changed media of the arms of one channel adds to the predictor, (g, L)."""
    trials = design.trials
    c, start, length = (
        int(column[arms[0]]) for column in (trials.channel, trials.start, trials.length)
    )
    row, nothing, geos = table[c], np.zeros(len(arms)), trials.geo[arms]
    family = adstock_family(spec.adstock_names[c])
    saturation = saturation_family(spec.saturation_names[c])
    parameters = saturation_parameters(saturation, row)
    lagged = carry(family, adstock_parameters(family, row), length, spec.reach[c])
    change = np.stack([trials.change[at : at + length] for at in trials.at[arms]])
    moved = lagged.over(pt.as_tensor_variable(change), nothing)
    if start == STEADY:
        before = pt.as_tensor_variable(np.repeat(trials.base[arms][:, None], length, axis=1))
        now = saturate(saturation, before, parameters)
    else:
        window = slice(start, start + length)
        before, now = (part[geos][:, window] for part in (series.exposure, series.now))
    more = saturate(saturation, pt.maximum(before + moved, 0.0), parameters) - now
    weight = design.weight[:, None]
    effect = row[SHARE] * (1.0 - row[SPLIT]) * more / (weight * series.now).sum()
    if series.stock is None:
        return effect
    memory = carry(GEOMETRIC, [row[MEMORY]], length, spec.lags)
    later = memory.over(more, nothing)
    return effect + row[SHARE] * row[SPLIT] * later / (weight * series.stock).sum()
