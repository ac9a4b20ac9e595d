"""A series carried into what it feeds: in proportion, each period's part by its lag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.model import curves, kernel
from mmm.model.apart import lagged_draws
from mmm.model.own import curve_draws
from mmm.results.regression import Response, wander


@dataclass(frozen=True, slots=True)
class Moved:
    """What a channel moves of a path, or through paths of the outcome.

    series (D, G, S) from the first period of the window on; start (D, G, E): the same over the
    first periods of the window as they were, which stand in for what came before it; to_come
    (D, G): the sum of what follows after the last period.
    """

    series: np.ndarray
    start: np.ndarray
    to_come: np.ndarray

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            self.series + other.series, self.start + other.start, self.to_come + other.to_come
        )


def lag_weights(response: Response, place: int, periods: int) -> np.ndarray:
    """Weights of the lags 0, 1, ... of a regressor in proportion, (D, L), which add up to one
    where it has no longer memory than `periods`."""
    spec = response.density.spec
    if spec.adstock[place] == curves.NO_ADSTOCK:
        return np.ones((response.draws, 1))
    count = periods
    if spec.adstock[place] != curves.GEOMETRIC:
        count = min(spec.reach[place], periods)
    table = response.table[:, place].copy()
    table[:, curves.SHARE], table[:, curves.SPLIT] = 1.0, 0.0
    draws, impulse = len(table), np.zeros((1, count))
    impulse[0, 0] = 1.0
    if spec.adstock[place] == curves.CUSTOM:
        name, nothing = spec.adstock_names[place], np.zeros_like(impulse)
        return curve_draws(name, "none", spec.reach[place], table, impulse, np.zeros(1), nothing)[
            0
        ][:, 0]
    weights, unused = np.empty((draws, 1, count)), np.empty((draws, 1, count))
    kernel.channel_draws(
        table, np.ones((draws, 2)), spec.adstock[place], curves.LINEAR, spec.reach[place], impulse,
        np.zeros(1), np.zeros_like(impulse), np.ones_like(impulse), np.ones((draws, 1)),
        np.zeros((draws, count)), weights, unused, np.empty((draws, 1)),
    )  # fmt: skip
    return weights[:, 0]


def lagged(weights: np.ndarray, series: np.ndarray) -> np.ndarray:
    """sum_k weights_k series_{t-k} for weights (D, L) and series (D, G, S)."""
    if weights.shape[1] == 1:
        return weights[:, :, None] * series
    out = np.empty(series.shape)
    lagged_draws(np.ascontiguousarray(weights), np.ascontiguousarray(series), out)
    return out


def left_of(weights: np.ndarray, periods: int) -> np.ndarray:
    """What is left of the weights (D, L) after each of `periods` periods: what still comes from
    before the window, (D, periods)."""
    left = np.maximum(1.0 - np.cumsum(weights, axis=1), 0.0)[:, :periods]
    return np.pad(left, ((0, 0), (0, periods - left.shape[1])))


def through(response: Response, place: int, moved: Moved) -> Moved:
    """What `moved` of a path, a regressor in proportion, does in the equation of `response`, in
    its `unit`."""
    series = moved.series
    table, means = response.table[:, place], response.means[:, place, 0]
    rate = np.divide(table[:, curves.SHARE], means, out=np.zeros(len(means)), where=means > 0)
    scaling = response.density.design.scaling
    scale = response.unit / scaling.size[response.places] / scaling.media[place]
    weights = lag_weights(response, place, series.shape[2])
    before = table[:, curves.CARRY, None] * moved.start.mean(axis=2)
    if weights.shape[1] == 1:
        before = np.zeros_like(before)
    unit = rate[:, None] * scale
    deviation = response.deviation[:, :, place]

    def carried(part: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        periods = part.shape[2]
        from_part = lagged(weights, part)
        earlier = before[:, :, None] * left_of(weights, periods)[:, None]
        factor = deviation[:, :, None] + wander(response, place, periods)[:, None]
        return from_part, unit[:, :, None] * factor * (from_part + earlier), factor[:, :, -1]

    from_series, effect, last = carried(series)
    # weights add up to one: what has not come out yet is still to come
    waiting = series.sum(axis=2) + moved.to_come - from_series.sum(axis=2)
    return Moved(effect, carried(moved.start)[1], unit * last * waiting)


def stocks(
    response: Response, place: int, series: np.ndarray, before: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Carry-over of `series` (D, G, S) that stood at `before` (D, G) until the window, and the
    brand stock it feeds in proportion; both (D, G, S)."""
    table = response.table[:, place]
    level = table[:, curves.CARRY, None] * before
    if response.density.spec.adstock[place] == curves.GEOMETRIC:
        now = _remembered(table[:, curves.ADSTOCK_1], series, level)
    else:
        weights = lag_weights(response, place, series.shape[2])
        now = lagged(weights, series)
        if weights.shape[1] > 1:
            now += level[:, :, None] * left_of(weights, series.shape[2])[:, None]
    return now, _remembered(table[:, curves.MEMORY], now, level)


def _remembered(half_life: np.ndarray, series: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Geometric carry-over of `series` (D, G, S) by draw, from `level` (D, G)."""
    out, keep = np.empty_like(series), 2.0 ** (-1.0 / half_life[:, None])
    for t in range(series.shape[2]):
        level = keep * level + (1.0 - keep) * series[:, :, t]
        out[:, :, t] = level
    return out
