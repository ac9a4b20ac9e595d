"""Response curves of all channels in JAX: the twin of `mmm.model.curves`.

Loops along time are products and doublings along whole arrays, and channels of one family are
evaluated together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mmm.errors import ModelError
from mmm.model import curves
from mmm.model.curves import ADSTOCK_1, ADSTOCK_2, CARRY, HALF, MEMORY, SHARE, SLOPE, SPLIT
from mmm.model.design import Design
from mmm.model.saturation import ATANH_HALF
from mmm.model.spec import ModelSpec
from mmm.model.terms import branded
from mmm.transforms.adstock import LN2
from mmm.transforms.lag_nodes import (
    LAGS_A_PIVOT,
    MEDIAN_LARGE,
    MEDIAN_SMALL,
    MEDIAN_TURN,
    lag_points,
)
from mmm.transforms.saturation import TINY


@dataclass(frozen=True, slots=True)
class Group:
    """Channels evaluated together: their places, and one code for all."""

    places: np.ndarray
    code: int


def groups(codes: Sequence[int]) -> list[Group]:
    """Channels by code."""
    array = np.array(codes)
    return [Group(np.flatnonzero(array == code), int(code)) for code in np.unique(array)]


@dataclass(frozen=True, slots=True)
class Window:
    """The window's series: effect (G, C, T) before deviations and drift; exposure carried over
    and now, what it earns, both (G, C, T); means (C, 2) of that and of the brand stock; level
    (G, B, T), by brand channel its part of the stock of the brand, earned (B,) the means of
    these, which add up to one; both None where no channel has a stock."""

    effect: Any
    exposure: Any
    now: Any
    means: Any
    level: Any
    earned: Any


def window_series(spec: ModelSpec, design: Design) -> Callable[[jax.Array], Window]:
    """The series of the fit window, as a function of the parameter table (C, columns).

    Raises `ModelError` for a transform of your own, which JAX does not know.
    """
    for kind, codes, names in (
        ("adstock", spec.adstock, spec.adstock_names),
        ("saturation", spec.saturation, spec.saturation_names),
    ):
        for channel, code, name in zip(spec.channels, codes, names, strict=True):
            if code == curves.CUSTOM:
                raise ModelError(
                    f"channel '{channel}': {kind} '{name}' is not written in JAX. Sample this "
                    "study with 'inference.sampler: nutpie'."
                )
    adstocks, saturations = groups(spec.adstock), groups(spec.saturation)
    lagged = {group.code: lagged_media(design.media[:, group.places], spec.lags)
              for group in adstocks if group.code > curves.GEOMETRIC}  # fmt: skip
    brand, reach = np.flatnonzero(branded(spec)), np.array(spec.reach)
    media, early, weight = design.media, design.early, design.weight

    def effects(table):
        before = table[:, CARRY] * early
        exposure = jnp.zeros(media.shape)
        for group in adstocks:
            at = group.places
            if group.code == curves.NO_ADSTOCK:
                part = jnp.asarray(media[:, at])
            elif group.code == curves.GEOMETRIC:
                part = recursion(table[at, ADSTOCK_1], media[:, at], before[:, at])
            else:
                weights = lag_weights(group.code, table[at], spec.lags, reach[at])
                tail = 1.0 - jnp.cumsum(weights, axis=1)
                tail = jnp.pad(tail, ((0, 0), (0, media.shape[2])))[:, : media.shape[2]]
                part = jnp.einsum("gctl,cl->gct", lagged[group.code], weights)
                part = part + before[:, at, None] * tail
            exposure = exposure.at[:, at].set(part)
        now, start = jnp.zeros(media.shape), jnp.zeros(before.shape)
        for group in saturations:
            at = group.places
            half, slope = table[at, HALF], table[at, SLOPE]
            part = saturate(group.code, exposure[:, at], half[:, None], slope[:, None])
            now = now.at[:, at].set(part)
            start = start.at[:, at].set(saturate(group.code, before[:, at], half, slope))
        share, split = table[:, SHARE], table[:, SPLIT]
        effect = (share * (1.0 - split))[:, None] * unit_mean(now, weight)
        means = jnp.zeros((len(spec.channels), 2)).at[:, 0].set(weighted(now, weight))
        if not len(brand):
            return Window(effect, exposure, now, means, None, None)
        stock = recursion(table[brand, MEMORY], now[:, brand], start[:, brand])
        stock_share = (share * split)[brand]
        later = stock_share[:, None] * unit_mean(stock, weight)
        effect = effect.at[:, brand].add(later)
        total = stock_share.sum()
        means = means.at[brand, 1].set(weighted(stock, weight))
        return Window(effect, exposure, now, means, later / total, stock_share / total)

    return effects


def lagged_media(media: np.ndarray, lags: int) -> np.ndarray:
    """Media (G, n, T) as it stood 0 to `lags` - 1 periods ago, (G, n, T, lags); zero before the
    window."""
    out = np.zeros((*media.shape, lags))
    for lag in range(min(lags, media.shape[2])):
        out[:, :, lag:, lag] = media[:, :, : media.shape[2] - lag]
    return out


def recursion(half_life, series, start):
    """b_t = r b_{t-1} + (1 - r) x_t with r = 2^(-1/half_life) (n,), `series` (G, n, T) and b
    before the window `start` (G, n).

    By doubling: sums over the last m periods give those over the last 2m, so time is crossed
    in log2(T) steps.
    """
    log_keep = (-LN2 / half_life)[:, None]
    periods = series.shape[2]
    total = -jnp.expm1(log_keep) * series
    reach = 1
    while reach < periods:
        earlier = jnp.pad(total, ((0, 0), (0, 0), (reach, 0)))[:, :, :periods]
        total = total + jnp.exp(reach * log_keep) * earlier
        reach *= 2
    return total + start[:, :, None] * jnp.exp(log_keep * jnp.arange(1.0, periods + 1.0))


def lag_weights(code: int, table, lags: int, reach: np.ndarray):
    """Lag weights (n, lags) of a finite family, one row a channel of `table`, each zero from its
    `reach` (n,) on."""
    first, second = table[:, ADSTOCK_1, None], table[:, ADSTOCK_2, None]
    if code in (curves.LAG_GAMMA, curves.LAG_LOGNORMAL):
        return lag_distribution(code == curves.LAG_GAMMA, first, second, lags, reach)
    lag = jnp.arange(float(lags))
    if code == curves.DELAYED:
        logs = -LN2 * ((lag - second) / first) ** 2
    elif code == curves.WEIBULL:
        pivot = np.maximum(1.0, reach / LAGS_A_PIVOT)[:, None]
        later = LN2 * pivot / first * ((lag + 1.0) / pivot) ** second
        gone = jnp.pad(later[:, :-1], ((0, 0), (1, 0)))
        logs = jnp.log(-jnp.expm1(gone - later)) - gone
    elif code == curves.WEIBULL_PDF:
        ratio = (lag + 1.0) / second
        logs = (first - 1.0) * jnp.log(ratio) - ratio**first
    else:
        safe = jnp.maximum(lag, 1.0) / second
        logs = -jnp.where(lag > 0, safe**first, 0.0)
    return jax.nn.softmax(jnp.where(lag < reach[:, None], logs, -jnp.inf), axis=1)


def lag_distribution(gamma: bool, median, spread, lags: int, reach: np.ndarray):
    """Weights (n, lags) of a continuous lag, from its points: `mmm.transforms.lag_nodes`."""
    at, level, after, share = lag_points(lags)
    log_at = np.log(at)
    if gamma:
        shape = spread**-2.0
        turn = MEDIAN_TURN / (MEDIAN_TURN + shape)
        centre = shape + MEDIAN_LARGE + (MEDIAN_SMALL - MEDIAN_LARGE) * turn
        logs = (shape - 1.0) * log_at - jnp.exp(-LN2 / shape) * centre / median * at
    else:
        logs = -0.5 * ((log_at - jnp.log(median)) / spread) ** 2 - log_at
    inside = after < reach[:, None] - 1
    mass = jax.nn.softmax(jnp.where(inside, logs + level, -jnp.inf), axis=1)
    to_lag = np.zeros((len(at), lags))
    np.add.at(to_lag, (np.arange(len(at)), after), 1.0 - share)
    np.add.at(to_lag, (np.arange(len(at)), after + 1), share)
    return mass @ to_lag


def saturate(code: int, level, half, slope):
    """Saturation of `level`; zero at or below `TINY`."""
    active = level > TINY
    a = jnp.where(active, level, 1.0)  # no zero may reach a logarithm, nor its slope
    if code == curves.HILL:
        earned = jax.nn.sigmoid(slope * (jnp.log(a) - jnp.log(half)))
    elif code == curves.MICHAELIS_MENTEN:
        earned = a / (a + half)
    elif code == curves.TANH:
        earned = jnp.tanh(ATANH_HALF * a / half)
    elif code == curves.ROOT:
        earned = a**slope
    else:
        earned = a
    return jnp.where(active, earned, 0.0)


def unit_mean(series, weight):
    """`series` (G, n, T) over each channel's mean, geos weighted by `weight` (G,)."""
    mean = weighted(series, weight)[:, None]
    return jnp.where(mean > 0, series / jnp.where(mean > 0, mean, 1.0), 0.0)


def weighted(series, weight):
    """Each channel's mean (n,) of `series` (G, n, T), geos weighted by `weight` (G,)."""
    return (weight[:, None, None] * series).sum(axis=(0, 2))
