"""The likelihood of experiments in JAX: the twin of `mmm.model.experiment`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from mmm.model import curves
from mmm.model.curves import ADSTOCK_1, DRIFT, HALF, MEMORY, SHARE, SLOPE, SPLIT, SPREAD
from mmm.model.design import Design
from mmm.model.jax_curves import Window, lag_weights, lagged_media, recursion, saturate
from mmm.model.spec import ModelSpec
from mmm.model.terms import branded
from mmm.model.trials import STEADY


def experiment_log_likelihood(spec: ModelSpec, design: Design, table: Any, seen: Window) -> Any:
    """Log-likelihood of the design's tests, from the parameter table and the window's series."""
    trials, total = design.trials, 0.0
    for n in range(trials.count):
        mean, variance = 0.0, trials.variance[n]
        arms = np.arange(trials.first[n], trials.first[n + 1])
        for c in np.unique(trials.channel[arms]):
            mine = arms[trials.channel[arms] == c]
            effect = _effects(spec, design, table, seen, mine)
            caused = jnp.expm1(effect) if spec.likelihood == "lognormal" else effect
            caused = trials.weight[mine][:, None] * caused
            mean += caused.sum()
            variance += ((table[c, SPREAD] * caused.sum(axis=1)) ** 2).sum()
            if c in spec.drifting:
                periods = trials.when[mine[0]] + np.arange(trials.length[mine[0]])
                steps = design.drift[:, np.minimum(periods, design.drift.shape[1] - 1)]
                variance += ((table[c, DRIFT] * (steps @ caused.sum(axis=0))) ** 2).sum()
        square = (trials.lift[n] - mean) ** 2 / variance
        total -= 0.5 * (square + jnp.log(2.0 * np.pi * variance))
    return total


def _effects(spec: ModelSpec, design: Design, table: Any, seen: Window, arms: np.ndarray) -> Any:
    """What the changed media of the arms of one channel adds to the predictor, (g, L)."""
    trials = design.trials
    c, start, length = (
        int(column[arms[0]]) for column in (trials.channel, trials.start, trials.length)
    )
    geos, row = trials.geo[arms], table[c]
    code, half, slope = spec.saturation[c], row[HALF], row[SLOPE]
    change = np.stack([trials.change[at : at + length] for at in trials.at[arms]])
    moved = _carried(spec, row, c, change)
    if start == STEADY:
        before = jnp.asarray(np.repeat(trials.base[arms][:, None], length, axis=1))
        now = saturate(code, before, half, slope)
    else:
        before, now = (part[geos, c, start : start + length] for part in (seen.exposure, seen.now))
    more = saturate(code, jnp.maximum(before + moved, 0.0), half, slope) - now
    effect = row[SHARE] * (1.0 - row[SPLIT]) * more / seen.means[c, 0]
    if not branded(spec)[c]:
        return effect
    later = recursion(row[None, MEMORY], more[:, None], jnp.zeros((len(arms), 1)))[:, 0]
    return effect + row[SHARE] * row[SPLIT] * later / seen.means[c, 1]


def _carried(spec: ModelSpec, row: Any, c: int, change: np.ndarray) -> Any:
    """Adstock of a change (g, L) that comes after nothing."""
    if spec.adstock[c] == curves.NO_ADSTOCK:
        return jnp.asarray(change)
    if spec.adstock[c] == curves.GEOMETRIC:
        nothing = jnp.zeros((len(change), 1))
        return recursion(row[None, ADSTOCK_1], change[:, None], nothing)[:, 0]
    weights = lag_weights(spec.adstock[c], row[None], spec.lags, np.array([spec.reach[c]]))[0]
    return jnp.asarray(lagged_media(change[:, None], spec.lags)[:, 0]) @ weights
