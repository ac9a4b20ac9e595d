"""What a fit leaves of the outcome, and whether a series it left out explains that.

The outcome and the series are projected off all that the model has, curves as far as their draws
differ included, and what is left of both is compared twice: by the F test of added variables, exact
where noise is normal and independent as the model says, and by one that allows for shocks all geos
share and for correlation in time (Driscoll and Kraay, 1998, "Consistent covariance matrix
estimation with spatially dependent panel data", Review of Economics and Statistics 80), which alone
would call out too much in a short window. The larger probability counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import fdtrc

from mmm.model.graph import with_regressors
from mmm.results.blocks import thinned
from mmm.results.regression import Response, direct_effect

DRAWS = 60
"""Draws that a curve's directions are read from."""
DIRECTIONS = 3
"""How many directions in which draws of a curve differ are taken to be the model's own."""
LEAST_FREE, LEAST_PERIODS = 30, 40
"""Observations over coefficients, and periods, below which nothing is tested."""
LEAST_LEFT = 0.03
"""Part of a series that the model must not have, for it to be tested."""
TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Leftover:
    """The outcome off all that the model has. own (G, T, K) and shared (G T, P): orthonormal
    bases of it; weight (G,): one over the noise; residual (G, T), so weighted."""

    own: tuple[np.ndarray, ...]
    shared: np.ndarray
    weight: np.ndarray
    residual: np.ndarray
    used: int

    def off(self, series: np.ndarray) -> np.ndarray:
        """What of `series` (..., G, T) the model has no part of, weighted."""
        left = series * self.weight[:, None]
        for g, basis in enumerate(self.own):
            left[..., g, :] -= (left[..., g, :] @ basis) @ basis.T
        flat = left.reshape(-1, self.residual.size)
        flat = flat - (flat @ self.shared) @ self.shared.T
        return flat.reshape(left.shape)


@dataclass(frozen=True, slots=True)
class Curve:
    """A regressor's effect on the predictor, its mean over draws (G, T), and the main directions
    (K, G, T) in which draws differ."""

    mean: np.ndarray
    directions: np.ndarray


def effects_of(read: Response) -> list[Curve]:
    """The curve of each regressor of the specification."""
    some = thinned(read, DRAWS)
    media = with_regressors(some.fit.panel, some.density.spec.channels).dataset["media"].values
    return [_effect_of(some, place, media[:, :, place]) for place in range(media.shape[2])]


def _effect_of(some: Response, place: int, media: np.ndarray) -> Curve:
    draws = direct_effect(some, place, media).total / some.unit[None, :, None]
    spread = (draws - draws.mean(axis=0)).reshape(len(draws), -1)
    directions = np.linalg.svd(spread, full_matrices=False)[2][:DIRECTIONS]
    return Curve(draws.mean(axis=0), directions.reshape(-1, *draws.shape[1:]))


def leftover(read: Response, effects: Sequence[Curve]) -> Leftover | None:
    """The residuals of a regression of the outcome on all the model has; None where there are too
    few."""
    design, spec = read.density.design, read.density.spec
    geos, periods = design.outcome.shape
    if periods < LEAST_PERIODS:
        return None
    weight = 1.0 / read.sigma.mean(axis=0)
    rows = list(design.baseline.shared.transpose(1, 0, 2))
    for place, curve in enumerate(effects):
        rows += [*curve.directions, curve.mean]
        if place in spec.drifting:
            rows += list(curve.mean * design.drift[:, None])
    own = []
    for g in range(geos):
        columns = [*design.baseline.own, *(curve.mean[g] for curve in effects if spec.pooled)]
        own.append(_basis(np.array(columns).reshape(-1, periods).T))
    nothing = np.zeros((geos, periods))
    bare = Leftover(tuple(own), np.empty((geos * periods, 0)), weight, nothing, 0)
    shared = _basis(bare.off(np.array(rows)).reshape(len(rows), -1).T)
    used = shared.shape[1] + sum(basis.shape[1] for basis in own)
    if geos * periods - used < LEAST_FREE:
        return None
    whole = replace(bare, shared=shared, used=used)
    return replace(whole, residual=whole.off(design.outcome))


def score(
    left: Leftover, candidates: np.ndarray, apart: np.ndarray
) -> tuple[float, float, float] | None:
    """Probability, part of the residual variance explained, and the coefficient of the first of
    `candidates` (k, G, T), of which the model has all but `apart`; None where it has them all."""
    flat = apart.reshape(len(apart), -1)
    size = np.linalg.norm(candidates * left.weight[:, None], axis=(1, 2))
    kept = np.linalg.norm(flat, axis=1) > LEAST_LEFT * size
    if not kept.any():
        return None
    flat, apart = flat[kept], apart[kept]
    basis = _basis(flat.T).T.reshape(-1, *left.residual.shape)
    total = (basis * left.residual).sum(axis=(1, 2))
    # what is left with the candidates in: what they explain is no noise
    noise = left.residual - np.tensordot(total, basis, 1)
    products = (basis * noise).sum(axis=1)
    count, periods = products.shape
    free = left.residual.size - left.used - count
    covariance = _long_run(products) * left.residual.size / max(free, 1)
    robust = max(0.0, float(total @ np.linalg.pinv(covariance) @ total) / count)
    plain = float(total @ total) / count / (float((noise**2).sum()) / max(free, 1))
    probability = max(
        float(fdtrc(count, max(free, 1), plain)),
        float(fdtrc(count, max(periods - count, 1), robust)),
    )
    explains = float((total**2).sum() / (left.residual**2).sum())
    coefficient = float(flat[0] @ left.residual.ravel() / (flat[0] @ flat[0]))
    return probability, explains, coefficient


def scores(
    left: Leftover, candidates: np.ndarray, apart: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`score` of each of `candidates` (S, G, T) by itself, (S, 3), and whether the model does not
    have it already, (S,)."""
    flat = apart.reshape(len(apart), -1)
    norm = np.linalg.norm(flat, axis=1)
    tested = norm > LEAST_LEFT * np.linalg.norm(candidates * left.weight[:, None], axis=(1, 2))
    basis = np.divide(apart, norm[:, None, None], where=tested[:, None, None],
                      out=np.zeros_like(apart))  # fmt: skip
    total = np.tensordot(basis, left.residual, 2)
    noise = left.residual - total[:, None, None] * basis
    free = max(left.residual.size - left.used - 1, 1)
    products = (basis * noise).sum(axis=1)
    spread = _long_run_each(products) * left.residual.size / free
    square = total**2
    robust = np.divide(square, spread, where=spread > 0, out=np.zeros_like(square))
    plain = square / ((noise**2).sum(axis=(1, 2)) / free)
    probability = np.maximum(fdtrc(1, free, plain), fdtrc(1, max(products.shape[1] - 1, 1), robust))
    explains = square / (left.residual**2).sum()
    coefficient = np.divide(total, norm, where=tested, out=np.zeros_like(total))
    return np.stack([probability, explains, coefficient], axis=1), tested


def _long_run_each(products: np.ndarray) -> np.ndarray:
    """`_long_run` of each row (S, T) by itself, (S,)."""
    periods = products.shape[1]
    lags = int(4 * (periods / 100) ** (2 / 9))
    found = (products**2).sum(axis=1)
    for lag in range(1, lags + 1):
        cross = (products[:, lag:] * products[:, :-lag]).sum(axis=1)
        found += 2.0 * (1 - lag / (lags + 1)) * cross
    return found


def _long_run(products: np.ndarray) -> np.ndarray:
    """Newey and West's (1987, Econometrica 55) covariance of the sum of (k, T) over time."""
    periods = products.shape[1]
    lags = int(4 * (periods / 100) ** (2 / 9))
    found = products @ products.T
    for lag in range(1, lags + 1):
        cross = products[:, lag:] @ products[:, :-lag].T
        found += (1 - lag / (lags + 1)) * (cross + cross.T)
    return found


def _basis(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of (n, k), scaled so that none is lost for its unit."""
    size = np.linalg.norm(columns, axis=0)
    kept = columns[:, size > TINY] / size[size > TINY]
    if not kept.shape[1]:
        return np.empty((len(columns), 0))
    left, scale, _ = np.linalg.svd(kept, full_matrices=False)
    return left[:, scale > 1e-7 * scale[0]]


def holm(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities adjusted over a family of tests (Holm, 1979, "A simple sequentially rejective
    multiple test procedure", Scandinavian Journal of Statistics 6)."""
    order = np.argsort(probabilities)
    left = len(probabilities) - np.arange(len(probabilities))
    found = np.empty(len(probabilities))
    found[order] = np.maximum.accumulate(probabilities[order] * left).clip(max=1.0)
    return found
