"""Channels with a transform of the user's own: their curves, and the density that has them.

The compiled kernels do not know such a family. Its PyTensor functions give saturated exposure
and their derivatives, the stages of `mmm.model.stages` everything before and after. Functions
are compiled once in a process for each family, whatever the data.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps

import numpy as np
import pytensor
import pytensor.tensor as pt

from mmm.model import curves, stages
from mmm.model.curves import ADSTOCK_1, ADSTOCK_2, CARRY, HALF, MEMORY, SLOPE, SPLIT
from mmm.model.design import Design
from mmm.model.spec import ModelSpec
from mmm.model.terms import SLOTS, saturate
from mmm.model.views import Pool
from mmm.transforms.adstock import LN2, AdstockFamily, adstock_family
from mmm.transforms.saturation import TINY, SaturationFamily, saturation_family

COMPILED = "NUMBA"
"""PyTensor keeps what numba compiles on disk: seconds the first time, then next to nothing, and
a tenth of the time a gradient takes when NumPy goes through a family's operations one by one."""

Arrays = Sequence[np.ndarray]

_TURN = threading.RLock()
"""A PyTensor function serves one thread at a time."""


def _one_at_a_time[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _TURN:
            return function(*args, **kwargs)

    return call


@lru_cache(maxsize=64)
def _weights(family: AdstockFamily) -> tuple[Callable[..., np.ndarray], Callable[..., Arrays]]:
    """(lag, *parameters) -> weights, and (weights' gradient, lag, *parameters) -> theirs."""
    lag, bar = pt.dvector("lag"), pt.dvector("bar")
    parameters = [pt.dscalar(name) for name in family.intervals]
    weights = family.lag_weights(lag, *parameters)
    slopes = pt.grad((weights * bar).sum(), parameters, disconnected_inputs="ignore")
    settings = {"mode": COMPILED, "on_unused_input": "ignore"}
    return (
        pytensor.function([lag, *parameters], weights, **settings),
        pytensor.function([bar, lag, *parameters], slopes, **settings),
    )


@lru_cache(maxsize=64)
def _curve(family: SaturationFamily) -> Callable[..., Arrays]:
    """(levels, *parameters) -> what they earn, and its slopes by level and each parameter, all
    of the shape of levels."""
    level = pt.dvector("level")
    parameters = [pt.dscalar(name) for name in family.intervals]
    spread_out = [pt.zeros_like(level) + parameter for parameter in parameters]
    earned = saturate(family, level, spread_out)
    slopes = pt.grad(earned.sum(), [level, *spread_out], disconnected_inputs="ignore")
    outputs = [earned, *slopes]
    return pytensor.function([level, *parameters], outputs, mode=COMPILED, on_unused_input="ignore")


def lagged(series: np.ndarray, lags: int) -> np.ndarray:
    """`series` (..., T) as it stood 0 to `lags` - 1 periods ago, (..., T, lags), zero before."""
    periods = series.shape[-1]
    out = np.zeros((*series.shape, lags))
    for lag in range(min(lags, periods)):
        out[..., lag:, lag] = series[..., : periods - lag]
    return out


@dataclass(frozen=True, slots=True)
class Carried:
    """One channel's media ready for adstock. media (G, T); for finite families as it stood 0 to
    lags - 1 periods ago, lagged (G, T, lags), and which lags reach before the window, later
    (T, lags)."""

    family: AdstockFamily
    media: np.ndarray
    lag: np.ndarray
    lagged: np.ndarray
    later: np.ndarray

    def exposure(self, row: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Adstock (G, T) at the parameters in `row`, from the level `before` (G,)."""
        if self.family.finite:
            weights = _weights(self.family)[0](self.lag, *self._parameters(row))
            return self.lagged @ weights + before[:, None] * (self.later @ weights)
        return recursion(2.0 ** (-1.0 / row[ADSTOCK_1]), self.media, before)

    def back(
        self, row: np.ndarray, before: np.ndarray, exposure: np.ndarray, bar: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradients by the adstock parameters and by `before` (G,), from that by exposure."""
        if self.family.finite:
            weigh, weigh_back = _weights(self.family)
            parameters = self._parameters(row)
            weights = weigh(self.lag, *parameters)
            weights_bar = np.tensordot(bar, self.lagged, 2) + (before @ bar) @ self.later
            slopes = weigh_back(weights_bar, self.lag, *parameters)
            return np.array(slopes), bar @ (self.later @ weights)
        half_life = row[ADSTOCK_1]
        by_half_life, by_before, _ = recursion_back(half_life, self.media, before, exposure, bar)
        return np.array([by_half_life]), by_before

    def _parameters(self, row: np.ndarray) -> np.ndarray:
        return row[[ADSTOCK_1, ADSTOCK_2][: len(self.family.intervals)]]


def carried(family: AdstockFamily, media: np.ndarray, lags: int) -> Carried:
    """`media` (G, T) ready for the adstock of `family`, cut at `lags`."""
    reach = lags if family.finite else 0
    lag = np.arange(float(reach))
    later = (lag > np.arange(media.shape[1])[:, None]).astype(float)
    return Carried(family, media, lag, lagged(media, reach), later)


def running(keep: float, series: np.ndarray) -> np.ndarray:
    """sum_k keep^k x_{t-k} along time, series (G, T); by doubling, in log2(T) steps."""
    total, reach = series.copy(), 1
    while reach < series.shape[1] and keep**reach > 1e-20:
        total[:, reach:] += keep**reach * total[:, :-reach].copy()
        reach *= 2
    return total


def recursion(keep: float, series: np.ndarray, start: np.ndarray) -> np.ndarray:
    """b_t = keep b_{t-1} + (1 - keep) x_t along time, from `start` (G,); series (G, T)."""
    decay = keep ** np.arange(1.0, series.shape[1] + 1.0)
    return (1.0 - keep) * running(keep, series) + start[:, None] * decay


def recursion_back(
    half_life: float, series: np.ndarray, start: np.ndarray, result: np.ndarray, bar: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Gradients of `recursion`, keep = 2^(-1/half_life): by half-life, by start (G,), by series
    (G, T), from that by its result."""
    keep = 2.0 ** (-1.0 / half_life)
    flow = running(keep, bar[:, ::-1])[:, ::-1]
    before = np.concatenate([start[:, None], result[:, :-1]], axis=1)
    by_keep = float((flow * (before - series)).sum())
    return by_keep * keep * LN2 / half_life**2, keep * flow[:, 0], (1.0 - keep) * flow


@dataclass(frozen=True, slots=True)
class OwnChannel:
    """A channel the kernels cannot do: its place among the channels, its media, its curve, the
    level before the window (G,), and the columns its parameters have in the table."""

    place: int
    carried: Carried
    saturation: SaturationFamily
    early: np.ndarray
    adstock_columns: list[int]
    saturation_columns: list[int]

    def forward(self, work, weight: np.ndarray) -> tuple[np.ndarray, Arrays, Arrays]:
        """Writes saturated exposure, brand stock and means into `work`; returns exposure, and
        what the curve gives for it and for the level before the window."""
        row, earn = work.table[self.place], _curve(self.saturation)
        before = row[CARRY] * self.early
        parameters = row[self.saturation_columns]
        exposure = self.carried.exposure(row, before)
        levels = np.concatenate([exposure.ravel(), before])
        found = earn(levels, *parameters)
        now = [x[: exposure.size].reshape(exposure.shape) for x in found]
        start = [x[exposure.size :] for x in found]
        work.now[:, self.place] = now[0]
        work.means[self.place] = weight @ now[0].sum(axis=1), 0.0
        if row[SPLIT] > 0.0:
            stock = recursion(2.0 ** (-1.0 / row[MEMORY]), now[0], start[0])
            work.stock[:, self.place] = stock
            work.means[self.place, 1] = weight @ stock.sum(axis=1)
        return exposure, now, start

    def back(
        self, work, weight: np.ndarray, exposure: np.ndarray, now: Arrays, start: Arrays
    ) -> None:
        """Writes the gradient by the curve's parameters into `work.table_bar`, from that by the
        channel's effect."""
        row, out = work.table[self.place], work.table_bar[self.place]
        first, second = curves.gains.py_func(work.table, work.means, self.place)
        bar, mean = work.dynamic_bar[:, self.place], work.means[self.place]
        shift = (bar * now[0]).sum() / mean[0] if mean[0] > 0.0 else 0.0
        now_bar = first * (bar - weight[:, None] * shift)
        start_bar = np.zeros(len(weight))
        out[[ADSTOCK_1, ADSTOCK_2, HALF, SLOPE, MEMORY]] = 0.0
        if second > 0.0:
            stock = work.stock[:, self.place]
            stock_bar = second * (bar - weight[:, None] * (bar * stock).sum() / mean[1])
            if work.level_bar.size:
                shift = weight[:, None] * work.level_mean[self.place]
                stock_bar += work.level_gain[self.place] * (work.level_bar[:, self.place] - shift)
            out[MEMORY], start_bar, by_series = recursion_back(
                row[MEMORY], now[0], start[0], stock, stock_bar
            )
            now_bar = now_bar + by_series
        before = row[CARRY] * self.early
        by_parameters, before_bar = self.carried.back(row, before, exposure, now_bar * now[1])
        out[self.adstock_columns] = by_parameters
        out[CARRY] = ((before_bar + start_bar * start[1]) * self.early).sum()
        for column, slope, start_slope in zip(
            self.saturation_columns, now[2:], start[2:], strict=True
        ):
            out[column] = (now_bar * slope).sum() + (start_bar * start_slope).sum()


def own_channels(spec: ModelSpec, design: Design) -> tuple[OwnChannel, ...]:
    """The channels of `spec` that have a transform of the user's own."""
    found = []
    for place in range(len(spec.channels)):
        if curves.CUSTOM not in (spec.adstock[place], spec.saturation[place]):
            continue
        adstock = adstock_family(spec.adstock_names[place])
        saturation = saturation_family(spec.saturation_names[place])
        media = np.ascontiguousarray(design.media[:, place])
        found.append(
            OwnChannel(
                place,
                carried(adstock, media, spec.reach[place]),
                saturation,
                np.ascontiguousarray(design.early[:, place]),
                [ADSTOCK_1, ADSTOCK_2][: len(adstock.intervals)],
                [SLOTS[slot] for slot in saturation.slots],
            )
        )
    return tuple(found)


@_one_at_a_time
def value_and_gradient(
    channels: Sequence[OwnChannel], likelihood: str, pool: Pool, q: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log-density and gradient at unconstrained `q` (size,), with `channels` as their families
    say; NaN where it cannot be had.

    The point is that of `Density.value_and_gradient`. Uses the first slot of `pool` and leaves
    the evaluation in `pool.work`, so each thread needs a pool of its own.
    """
    point, gradient = np.ascontiguousarray(q, dtype=float), np.empty(len(q))
    doubles = ctypes.POINTER(ctypes.c_double)
    pointers = point.ctypes.data_as(doubles), gradient.ctypes.data_as(doubles)
    header, work, weight = pool.header.ctypes.data, pool.work, pool.data.weight

    def run(number: int) -> float:
        return stages.stage(number).ctypes(header, 0, *pointers)

    total = run(stages.POINT)
    run(stages.PATHS)
    with np.errstate(all="ignore"):  # far out a curve may overflow; the total then says so
        seen = [channel.forward(work, weight) for channel in channels]
        total += run(stages.EFFECTS)
        total += run(stages.EXPLICIT if likelihood == "student_t" else stages.COLLAPSED)
        if not math.isfinite(total):
            return math.nan, gradient
        run(stages.BACK)
        for channel, curve in zip(channels, seen, strict=True):
            channel.back(work, weight, *curve)
    run(stages.POINT_BACK)
    return total, gradient


@_one_at_a_time
def curve_draws(
    adstock: str,
    saturation: str,
    lags: int,
    table: np.ndarray,
    media: np.ndarray,
    early: np.ndarray,
    direction: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Adstock and saturation of one channel for many draws, any families, by name.

    table (D, columns); media (G, T) scaled; early (G,) level before the first period, times
    each draw's carry-in; direction (G, T) a change of media. Returns `now` (D, G, T) what the
    exposure earns, `start` (D, G) what the level before earned, and `step` (D, G, T) the
    derivative of `now` along `direction`; where there is no exposure, by what the first unit
    earns. What follows (normalising, brand stock, deviations) does not depend on the family.
    """
    family, curve = adstock_family(adstock), saturation_family(saturation)
    earn, cells = _curve(curve), [SLOTS[slot] for slot in curve.slots]
    base, moved = carried(family, media, lags), carried(family, direction, lags)
    shape, nothing = (len(table), *media.shape), np.zeros(len(media))
    now, start, step = np.empty(shape), np.empty(shape[:2]), np.empty(shape)
    for i, row in enumerate(table):
        before = row[CARRY] * early
        exposure = base.exposure(row, before).ravel()
        earned, slope, *_ = earn(exposure, *row[cells])
        slope = np.where(exposure > TINY, slope, first_slope(earn, row[cells]))
        now[i] = earned.reshape(media.shape)
        step[i] = slope.reshape(media.shape) * moved.exposure(row, nothing)
        start[i] = earn(before, *row[cells])[0]
    return now, start, step


def first_slope(earn: Callable[..., Arrays], parameters: np.ndarray) -> float:
    """What the first unit of exposure earns, zero where that has no finite limit."""
    _, (near, nearer), *_ = earn(np.array([1e-9, 1e-11]), *parameters)
    return float(nearer) if abs(near - nearer) <= 1e-3 * abs(nearer) else 0.0
