"""The log-density in JAX: the same number as the compiled one, for chains run as one batch.

Loops along time become products and doublings along whole arrays, and geos and channels of one
family are evaluated together, which is what an accelerator wants. JAX is an optional extra,
`mmm[jax]`; importing this module sets it to double precision, which agreement with the compiled
density needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import gammaln
from pytensor.link.jax.dispatch.basic import jax_funcify

from mmm.errors import ModelError
from mmm.model import curves, kernel
from mmm.model.curves import (
    ADSTOCK_1,
    ADSTOCK_2,
    CARRY,
    DRIFT,
    HALF,
    MEMORY,
    SHARE,
    SLOPE,
    SPLIT,
    SPREAD,
)
from mmm.model.density import layout_of
from mmm.model.design import Design
from mmm.model.op import CollapsedLikelihood, FusedLikelihood
from mmm.model.saturation import ATANH_HALF
from mmm.model.spec import ModelSpec
from mmm.model.survey_jax import survey_log_likelihood, tracker_cells
from mmm.model.terms import branded
from mmm.transforms.adstock import LN2
from mmm.transforms.lag_nodes import MEDIAN_LARGE, MEDIAN_SMALL, MEDIAN_TURN, lag_points
from mmm.transforms.saturation import TINY

jax.config.update("jax_enable_x64", True)

LogDensity = Callable[[jax.Array], jax.Array]
LOG_2PI = math.log(2.0 * math.pi)


def log_density(spec: ModelSpec, design: Design) -> LogDensity:
    """The log-density of `spec` on `design` as a function of an unconstrained point (size,).

    It takes the point of `Density.value_and_gradient`, returns the same value, and may be
    differentiated, compiled and mapped over chains by JAX. Raises `ModelError` for a transform
    of your own, which JAX does not know.
    """
    layout = layout_of(spec)
    scalars = layout.size
    folded = layout.kind == kernel.EXP_FOLDED
    logit = layout.kind == kernel.LOGIT
    collapsed_window = window_likelihood(spec, design)
    explicit_window = explicit_likelihood(spec, design)

    def density(q):
        sampled, coefficients = q[:scalars], q[scalars:]
        value = jnp.where(logit, jax.nn.sigmoid(sampled), jnp.exp(jnp.where(logit, 0.0, sampled)))
        z = jnp.where(folded, value, sampled - layout.location) / layout.scale
        prior = -0.5 * z**2 - jnp.log(layout.scale) - 0.5 * LOG_2PI
        prior = prior + jnp.where(folded, math.log(2.0) + sampled, 0.0)
        cells = jnp.asarray(layout.base).at[layout.cell].set(value[layout.scalar])
        if spec.likelihood != "student_t":
            return prior.sum() + collapsed_window(cells)
        white = -0.5 * coefficients**2 - 0.5 * LOG_2PI
        return prior.sum() + white.sum() + explicit_window(cells, coefficients)

    return density


@dataclass(frozen=True, slots=True)
class Scales:
    """Parts of the flat cells: table (C, columns), sigma (G,), own_sd (K0,) and shared_sd (P,)
    prior scales of baseline coefficients, spread (C,) of geos (empty where they do not pool),
    drift (D,) of the drifting channels, nu."""

    table: Any
    sigma: Any
    own_sd: Any
    shared_sd: Any
    spread: Any
    drift: Any
    nu: Any


def scales(spec: ModelSpec, design: Design, cells) -> Scales:
    """The parts of flat `cells`."""
    channels, geos, baseline = len(spec.channels), len(spec.geos), design.baseline
    columns = channels * curves.COLUMNS
    table = cells[:columns].reshape(channels, curves.COLUMNS)
    trend = jnp.append(cells[columns + geos : columns + geos + 2], 1.0)  # group -1: the last
    return Scales(
        table=table,
        sigma=cells[columns : columns + geos],
        own_sd=baseline.own_sd * trend[baseline.own_group],
        shared_sd=baseline.shared_sd * trend[baseline.shared_group],
        spread=table[:, SPREAD] if spec.pooled else table[:0, SPREAD],
        drift=table[np.array(spec.drifting, dtype=int), DRIFT],
        nu=cells[columns + geos + 2],
    )


def window_likelihood(spec: ModelSpec, design: Design) -> Callable[[jax.Array], jax.Array]:
    """The collapsed log-likelihood of the fit window as a function of flat parameter cells."""
    effects, likelihood = window_effects(spec, design), collapsed_likelihood(spec, design)

    def window(cells):
        part = scales(spec, design, cells)
        effect, level = effects(part.table)
        return tracked(spec, design, level, cells) + likelihood(
            effect, part.spread, part.drift, part.sigma, part.own_sd, part.shared_sd
        )

    return window


def explicit_likelihood(spec: ModelSpec, design: Design) -> Callable[..., jax.Array]:
    """The Student-t log-likelihood as a function of flat cells and whitened coefficients: each
    geo's own in turn, then the shared ones."""
    effects, geos = window_effects(spec, design), len(spec.geos)
    size = design.own + len(spec.channels) * spec.pooled

    def window(cells, coefficients):
        part = scales(spec, design, cells)
        effect, level = effects(part.table)
        own, shared = scaled_rows(
            spec, design, effect, part.spread, part.drift, part.own_sd, part.shared_sd
        )
        by_geo = coefficients[: geos * size].reshape(geos, size)
        mean = design.centre + effect.sum(axis=1) + jnp.einsum("gk,gkt->gt", by_geo, own)
        mean = mean + jnp.einsum("p,gpt->gt", coefficients[geos * size :], shared)
        z = (design.outcome - mean) / part.sigma[:, None]
        nu = part.nu
        constant = gammaln(0.5 * (nu + 1.0)) - gammaln(0.5 * nu) - 0.5 * jnp.log(math.pi * nu)
        log_odds = jnp.log1p(z**2 / nu)
        noise = constant - jnp.log(part.sigma)[:, None] - 0.5 * (nu + 1.0) * log_odds
        return tracked(spec, design, level, cells) + noise.sum()

    return window


@dataclass(frozen=True, slots=True)
class Group:
    """Channels evaluated together: their places, and one code for all."""

    places: np.ndarray
    code: int


def groups(codes: Sequence[int]) -> list[Group]:
    """Channels by code."""
    array = np.array(codes)
    return [Group(np.flatnonzero(array == code), int(code)) for code in np.unique(array)]


def tracked(spec: ModelSpec, design: Design, level, cells):
    """Log-likelihood of the brand trackers, if any."""
    if not spec.national:
        return 0.0
    told = tracker_cells(cells, len(spec.channels), len(spec.geos))
    return survey_log_likelihood(design.readings, design.weight, level, told)


def window_effects(spec: ModelSpec, design: Design) -> Callable[[jax.Array], Any]:
    """Effects (G, C, T) of the fit window, before deviations and drift, and the stock of the
    brand (G, T), if there is one, as a function of the parameter table (C, columns)."""
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
        if len(brand):
            stock = recursion(table[brand, MEMORY], now[:, brand], start[:, brand])
            later = (share * split)[brand, None] * unit_mean(stock, weight)
            effect = effect.at[:, brand].add(later)
            return effect, later.sum(axis=1) / (share * split)[brand].sum()
        return effect, None

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
    mean = (weight[:, None, None] * series).sum(axis=(0, 2))[:, None]
    return jnp.where(mean > 0, series / jnp.where(mean > 0, mean, 1.0), 0.0)


def scaled_rows(spec: ModelSpec, design: Design, effect, spread, drift, own_sd, shared_sd):
    """Rows times the prior scale of their coefficients: own (G, K, T) and shared (G, P, T)."""
    own = jnp.broadcast_to(design.baseline.own * own_sd[:, None],
                           (effect.shape[0], *design.baseline.own.shape))  # fmt: skip
    if spec.pooled:
        own = jnp.concatenate([own, effect * spread[:, None]], axis=1)
    shared = design.baseline.shared * shared_sd[:, None]
    if spec.drifting:
        moved = effect[:, np.array(spec.drifting)] * drift[:, None]
        moved = moved[:, :, None, :] * design.drift
        shared = jnp.concatenate([shared, moved.reshape(len(effect), -1, effect.shape[2])], axis=1)
    return own, shared


def collapsed_likelihood(spec: ModelSpec, design: Design) -> Callable[..., jax.Array]:
    """The log-likelihood with every linear coefficient integrated out, as `mmm.model.marginal`,
    as a function of effect (G, C, T), spread (C,) (empty where geos do not pool), drift sd of
    each drifting channel, sigma (G,), own_sd (K0,) and shared_sd (P,)."""

    def likelihood(effect, spread, drift, sigma, own_sd, shared_sd):
        own, shared = scaled_rows(spec, design, effect, spread, drift, own_sd, shared_sd)
        return marginal(design.outcome - design.centre - effect.sum(axis=1), own, shared, sigma)

    return likelihood


def marginal(residual, own, shared, sigma):
    """Log-density of `residual` (G, T), coefficients of own (G, K, T) and shared (G, P, T)
    rows integrated out."""
    geos, periods = residual.shape
    noise = sigma[:, None]
    r, q, w = residual / noise, own / noise[:, :, None], shared / noise[:, :, None]
    lower = jnp.linalg.cholesky(jnp.eye(q.shape[1]) + q @ q.mT)
    right = jnp.concatenate([(q @ r[:, :, None]), q @ w.mT], axis=2)
    solved = jax.vmap(lambda a, b: solve_triangular(a, b, lower=True))(lower, right)
    to_outcome, to_shared = solved[:, :, :1], solved[:, :, 1:]
    schur = jnp.linalg.cholesky(
        jnp.eye(w.shape[1]) + (w @ w.mT - to_shared.mT @ to_shared).sum(axis=0)
    )
    target = (w @ r[:, :, None] - to_shared.mT @ to_outcome).sum(axis=0)
    explained = solve_triangular(schur, target, lower=True)
    return (
        -0.5 * (r**2).sum()
        + 0.5 * (to_outcome**2).sum()
        + 0.5 * (explained**2).sum()
        - periods * jnp.log(sigma).sum()
        - _log_diagonal(lower)
        - _log_diagonal(schur)
        - 0.5 * geos * periods * LOG_2PI
    )


def _log_diagonal(lower):
    return jnp.log(jnp.diagonal(lower, axis1=-2, axis2=-1)).sum()


@jax_funcify.register(FusedLikelihood)
def _jax_fused(op: FusedLikelihood, **_: Any):
    return jax.value_and_grad(window_likelihood(op.spec, op.design))


@jax_funcify.register(CollapsedLikelihood)
def _jax_collapsed(op: CollapsedLikelihood, **_: Any):
    likelihood = collapsed_likelihood(op.spec, op.design)
    slopes = jax.value_and_grad(likelihood, argnums=tuple(range(6)))

    def with_slopes(*inputs):
        value, bars = slopes(*inputs)
        return value, *bars

    return with_slopes
