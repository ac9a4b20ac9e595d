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
        walks: dict[int, TensorVariable] = {}
        for m in range(trials.first[n], trials.first[n + 1]):
            c = int(trials.channel[m])
            effect = arm_effect(spec, design, table, series[c], m)
            caused = trials.weight[m] * (
                pt.expm1(effect) if spec.likelihood == "lognormal" else effect
            )
            mean = mean + caused.sum()
            variance = variance + (table[c, SPREAD] * caused.sum()) ** 2
            if c in spec.drifting:
                periods = trials.when[m] + np.arange(trials.length[m])
                steps = design.drift[:, np.minimum(periods, design.drift.shape[1] - 1)]
                walks[c] = walks.get(c, pt.zeros(len(steps))) + steps @ caused
        for c, walk in walks.items():
            variance = variance + ((table[c, DRIFT] * walk) ** 2).sum()
        square = (trials.lift[n] - mean) ** 2 / variance
        total = total - 0.5 * (square + pt.log(2.0 * np.pi * variance))
    return total


def arm_effect(
    spec: ModelSpec, design: Design, table: TensorVariable, series: Series, arm: int
) -> TensorVariable:
    """What the changed media of one arm adds to the predictor, along its periods (L,)."""
    trials = design.trials
    c, g, start, length, at = (
        int(column[arm])
        for column in (trials.channel, trials.geo, trials.start, trials.length, trials.at)
    )
    row, nothing = table[c], np.zeros(1)
    family = adstock_family(spec.adstock_names[c])
    saturation = saturation_family(spec.saturation_names[c])
    parameters = saturation_parameters(saturation, row)
    lagged = carry(family, adstock_parameters(family, row), length, spec.reach[c])
    change = pt.as_tensor_variable(trials.change[None, at : at + length])
    moved = lagged.over(change, nothing)[0]
    if start == STEADY:
        before = pt.as_tensor_variable(np.full(length, trials.base[arm]))
        now = saturate(saturation, before, parameters)
    else:
        before, now = (part[g, start : start + length] for part in (series.exposure, series.now))
    more = saturate(saturation, pt.maximum(before + moved, 0.0), parameters) - now
    weight = design.weight[:, None]
    effect = row[SHARE] * (1.0 - row[SPLIT]) * more / (weight * series.now).sum()
    if series.stock is None:
        return effect
    memory = carry(GEOMETRIC, [row[MEMORY]], length, spec.lags)
    later = memory.over(more[None], nothing)[0]
    return effect + row[SHARE] * row[SPLIT] * later / (weight * series.stock).sum()
