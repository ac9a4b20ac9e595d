"""Response curves of the channels as PyTensor graphs: the readable statement of the model.

With `x` a channel's scaled media in one geo and `pre` its level before the first period,

    a_t = sum_{k<=t} w_k x_{t-k} + (sum_{k>t} w_k) pre       adstock
    s_t = sat(a_t)                                           saturation
    B_t = the geometric adstock of s, starting from sat(pre)  brand stock

each series divided by its weighted mean over the window, so that gains are shares of outcome.
Carry-over is a product with a lower-triangular (T, T) matrix of lag weights. Families are looked
up by name, those of your own among them. The compiled twins of the library's own are in
`mmm.model.curves`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from mmm.model.curves import (
    ADSTOCK_1,
    ADSTOCK_2,
    CARRY,
    HALF,
    MEMORY,
    SHARE,
    SLOPE,
    SPLIT,
)
from mmm.model.design import Design
from mmm.model.readings import NATIONAL_READING
from mmm.model.spec import ModelSpec
from mmm.transforms.adstock import GEOMETRIC, LN2, AdstockFamily, adstock_family
from mmm.transforms.saturation import TINY, SaturationFamily, saturation_family

SLOTS = {"half": HALF, "slope": SLOPE}
"""Columns of the parameter table by the name a saturation family has for them."""


@dataclass(frozen=True, slots=True)
class Carry:
    """Carry-over of one series: matrix (T, T) of lag weights, tail (T,) what is left of them
    for the past before the first period. Each row of both together sums to one."""

    matrix: TensorVariable
    tail: TensorVariable

    def over(self, series: TensorVariable, before: TensorVariable) -> TensorVariable:
        """Carried-over `series` (G, T) that stood at `before` (G,) until the first period."""
        return series @ self.matrix.T + before[:, None] * self.tail


def carry(family: AdstockFamily, parameters: Sequence[Any], periods: int, lags: int) -> Carry:
    """Carry-over of `family` at `parameters`, finite families cut at `lags`."""
    if family.finite:
        weights = family.lag_weights(pt.as_tensor_variable(np.arange(float(lags))), *parameters)
        later = np.arange(lags) > np.arange(periods)[:, None]
        return Carry(_toeplitz(weights, lags, periods), later.astype(float) @ weights)
    (half_life,) = parameters
    decay, keep = (pt.exp(-LN2 * lag / half_life) for lag in (np.arange(float(periods)), 1.0))
    return Carry(_toeplitz((1.0 - keep) * decay, periods, periods), keep * decay)


def _toeplitz(weights: TensorVariable, lags: int, periods: int) -> TensorVariable:
    lag = np.subtract.outer(np.arange(periods), np.arange(periods))
    inside = (lag >= 0) & (lag < lags)
    return pt.switch(inside, weights[np.where(inside, lag, 0)], 0.0)


def saturate(
    family: SaturationFamily, level: TensorVariable, parameters: Sequence[Any]
) -> TensorVariable:
    """Saturation of `level`, any shape; zero at or below `TINY`."""
    active = level > TINY
    # the curve must not see the zeros, or their infinite slopes reach the gradient
    return pt.switch(active, family.curve(pt.switch(active, level, 1.0), *parameters), 0.0)


def adstock_parameters(family: AdstockFamily, row: TensorVariable) -> list[TensorVariable]:
    """The parameters of `family` in a row of the parameter table, in its order."""
    return [
        row[column] for _, column in zip(family.intervals, (ADSTOCK_1, ADSTOCK_2), strict=False)
    ]


def saturation_parameters(family: SaturationFamily, row: TensorVariable) -> list[TensorVariable]:
    """The parameters of `family` in a row of the parameter table, in its order."""
    return [row[SLOTS[slot]] for slot in family.slots]


def unit_mean(series: TensorVariable, weight: np.ndarray) -> TensorVariable:
    """`series` (G, T) over its mean, geos weighted by `weight` (G,); zero where there is none."""
    mean = (weight[:, None] * series).sum()
    return pt.switch(mean > 0, series / pt.switch(mean > 0, mean, 1.0), 0.0)


def branded(spec: ModelSpec) -> tuple[bool, ...]:
    """Which channels feed a brand stock, by structure."""
    sampled = {
        row
        for variable in spec.variables
        if variable.place == "theta" and variable.column == SPLIT
        for rows in variable.rows
        for row in rows
    }
    return tuple(c in sampled or base[SPLIT] > 0 for c, base in enumerate(spec.base))


@dataclass(frozen=True, slots=True)
class Series:
    """One channel along time, all (G, T): exposure carried over, saturated, and the brand stock
    it feeds, where it has one."""

    exposure: TensorVariable
    now: TensorVariable
    stock: TensorVariable | None


def channel_series(
    table: TensorVariable, channel: int, spec: ModelSpec, design: Design, *, brand: bool
) -> Series:
    """The series of `channel`, from the parameter table."""
    row = table[channel]
    media = pt.as_tensor_variable(design.media[:, channel])
    periods = design.media.shape[2]
    family = adstock_family(spec.adstock_names[channel])
    saturation = saturation_family(spec.saturation_names[channel])
    half_and_slope = saturation_parameters(saturation, row)
    before = row[CARRY] * design.early[:, channel]

    lagged = carry(family, adstock_parameters(family, row), periods, spec.reach[channel])
    exposure = lagged.over(media, before)
    now = saturate(saturation, exposure, half_and_slope)
    if not brand:
        return Series(exposure, now, None)
    memory = carry(GEOMETRIC, [row[MEMORY]], periods, spec.lags)
    start = saturate(saturation, before, half_and_slope)
    return Series(exposure, now, memory.over(now, start))


def channel_curves(
    table: TensorVariable, channel: int, spec: ModelSpec, design: Design, *, brand: bool
) -> tuple[TensorVariable, TensorVariable | None]:
    """Saturated exposure of `channel` and its brand stock, where it has one, both (G, T) of
    mean one, from the parameter table."""
    series = channel_series(table, channel, spec, design, brand=brand)
    stock = None if series.stock is None else unit_mean(series.stock, design.weight)
    return unit_mean(series.now, design.weight), stock


def channel_effect(
    table: TensorVariable, channel: int, spec: ModelSpec, design: Design, *, brand: bool
) -> TensorVariable:
    """Effect of `channel` before geo deviations, (G, T), from the parameter table."""
    now, stock = channel_curves(table, channel, spec, design, brand=brand)
    share, split = table[channel, SHARE], table[channel, SPLIT]
    effect = (1.0 - split) * now
    return share * (effect if stock is None else effect + split * stock)


def told_apart(spec: ModelSpec, design: Design) -> tuple[int, ...]:
    """Brand channels of which trackers see how geos differ: none unless geos pool and some
    reading is of a geo."""
    if not (spec.pooled and (design.readings.geo != NATIONAL_READING).any()):
        return ()
    return tuple(channel for channel, brand in enumerate(branded(spec)) if brand)


@dataclass(frozen=True, slots=True)
class BrandLevel:
    """The stock of the brand, of mean one. parts (G, T) by brand channel, in proportion to what
    each earns, of which `earned` (a part of one) is its mean."""

    parts: dict[int, TensorVariable]
    earned: dict[int, TensorVariable]


def brand_level(table: TensorVariable, spec: ModelSpec, design: Design) -> BrandLevel:
    """The stock of the brand, channel by channel."""
    brand = [channel for channel, feeds in enumerate(branded(spec)) if feeds]
    earns = {channel: table[channel, SHARE] * table[channel, SPLIT] for channel in brand}
    total = sum(earns.values(), start=pt.zeros(()))
    earned = {channel: part / total for channel, part in earns.items()}
    parts = {}
    for channel, part in earned.items():
        _, stock = channel_curves(table, channel, spec, design, brand=True)
        parts[channel] = part * stock
    return BrandLevel(parts, earned)


def channel_effects(table: TensorVariable, spec: ModelSpec, design: Design) -> TensorVariable:
    """Effects of all channels before geo deviations, (G, C, T)."""
    parts = [
        channel_effect(table, channel, spec, design, brand=brand)
        for channel, brand in enumerate(branded(spec))
    ]
    return pt.stack(parts, axis=1)
