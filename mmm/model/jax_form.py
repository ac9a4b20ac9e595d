"""The log-density in JAX: the same number as the compiled one, for chains run as one batch.

Loops along time become products and doublings along whole arrays, and geos and channels of one
family are evaluated together, which is what an accelerator wants. JAX is an optional extra,
`mmm[jax]`; importing this module sets it to double precision, which agreement with the compiled
density needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import gammaln
from pytensor.link.jax.dispatch.basic import jax_funcify

from mmm.model import curves, kernel
from mmm.model.curves import DRIFT, SPREAD
from mmm.model.density import layout_of
from mmm.model.design import Design
from mmm.model.experiment_jax import experiment_log_likelihood
from mmm.model.jax_curves import Window, window_series
from mmm.model.op import CollapsedLikelihood, FusedLikelihood
from mmm.model.spec import ModelSpec
from mmm.model.survey_jax import survey_log_likelihood, tracker_cells

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
    series, likelihood = window_series(spec, design), collapsed_likelihood(spec, design)

    def window(cells):
        part = scales(spec, design, cells)
        seen = series(part.table)
        return told(spec, design, seen, part, cells) + likelihood(
            seen.effect, part.spread, part.drift, part.sigma, part.own_sd, part.shared_sd
        )

    return window


def explicit_likelihood(spec: ModelSpec, design: Design) -> Callable[..., jax.Array]:
    """The Student-t log-likelihood as a function of flat cells and whitened coefficients: each
    geo's own in turn, then the shared ones."""
    series, geos = window_series(spec, design), len(spec.geos)
    size = design.own + len(spec.channels) * spec.pooled

    def window(cells, coefficients):
        part = scales(spec, design, cells)
        seen = series(part.table)
        effect = seen.effect
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
        return told(spec, design, seen, part, cells) + noise.sum()

    return window


def told(spec: ModelSpec, design: Design, seen: Window, part: Scales, cells):
    """Log-likelihood of brand trackers and experiments, if any."""
    total = 0.0
    if spec.national:
        tracked = tracker_cells(cells, len(spec.channels), len(spec.geos))
        total += survey_log_likelihood(spec, design, part.table, seen, tracked)
    if design.trials.count:
        total += experiment_log_likelihood(spec, design, part.table, seen)
    return total


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
