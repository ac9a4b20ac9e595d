"""The regression that is linear once the response curves are known, as inner products.

Given curves, the predictor of geo g and period t is

    sum_c m_c d_cgt + sum_k beta_gk o_kt + sum_p gamma_p s_pgt + noise,   noise ~ N(0, sigma_g^2),

where d_c is the posterior mean effect of channel c with geo and time deviations in it, so that its
multiplier m_c is 1 as fitted. Rows are divided by sigma_g; baseline terms keep their Gaussian
priors, which count as observations of their own (ridge regression as least squares; Hoerl and
Kennard, 1970), so that a trend is as stiff here as in the fit. Geos are pooled: one m_c for all.
On the log scale where effects multiply. Student-t noise counts as normal.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from mmm.results.blocks import thinned
from mmm.results.regression import Response, direct_effect

CURVE_DRAWS = 50
"""Draws that posterior mean curves are taken over."""
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Baseline:
    """Names and prior standard deviations of baseline terms: `own` (K0,) of every geo, and
    `shared` (P,)."""

    own: tuple[str, ...]
    shared: tuple[str, ...]
    own_sd: np.ndarray
    shared_sd: np.ndarray


@dataclass(frozen=True, slots=True)
class Conditional:
    """Rows of the regression by geo, over the noise: own (G, K0, T), shared (G, P, T), effects
    (G, C, T), outcome (G, T) less the prior mean of the baseline. variance (C,): posterior
    variance of each multiplier, and total_variance that of one for all channels together."""

    baseline: Baseline
    channels: tuple[str, ...]
    own: np.ndarray
    shared: np.ndarray
    effects: np.ndarray
    outcome: np.ndarray
    variance: np.ndarray
    total_variance: float


def benchmarks(baseline: Baseline) -> dict[str, frozenset[str]]:
    """Observed drivers that an unobserved one can be compared with: trend, seasonality, holidays
    together, and each control, with the names of their terms."""
    groups: dict[str, set[str]] = {}
    for name in (*baseline.shared, *baseline.own):
        group, _, rest = name.partition(": ")
        if group != "baseline":
            groups.setdefault(rest if group == "control" else group, set()).add(name)
    return {name: frozenset(terms) for name, terms in groups.items()}


def conditional_regression(response: Response) -> Conditional:
    """The regression of a whole response, at posterior mean curves."""
    density, design = response.density, response.density.design
    some = thinned(response, CURVE_DRAWS)
    effect = np.stack([_effect(some, place) for place in range(len(density.spec.channels))], axis=2)
    level = design.scaling.level
    totals = response.totals.reshape(-1, response.totals.shape[2])
    mean = totals.mean(axis=0)
    now = np.einsum("gtc,g->c", effect, level)
    # fifty draws give the shape; its size is that of all of them
    effect = effect * np.divide(mean, now, out=np.ones_like(now), where=np.abs(now) > 0)
    whole = totals.sum(axis=1)
    noise = np.sqrt(np.mean(some.sigma**2, axis=0))[:, None]
    rows = design.baseline
    scales = np.array([some.trend_scale.mean(), some.geo_trend_scale.mean()])
    return Conditional(
        baseline=Baseline(
            rows.own_component,
            rows.shared_component,
            rows.own_sd * np.where(rows.own_group < 0, 1.0, scales[rows.own_group]),
            rows.shared_sd * np.where(rows.shared_group < 0, 1.0, scales[rows.shared_group]),
        ),
        channels=density.spec.channels,
        own=rows.own[None] / noise[:, :, None],
        shared=rows.shared / noise[:, :, None],
        effects=np.ascontiguousarray(effect.transpose(0, 2, 1)) / noise[:, :, None],
        outcome=(design.outcome - design.centre) / noise,
        variance=totals.var(axis=0) / np.where(mean > 0, mean, np.inf) ** 2,
        total_variance=float(whole.var() / max(whole.mean(), TINY) ** 2),
    )


def _effect(response: Response, place: int) -> np.ndarray:
    """What a regressor does in the window, geo and time deviations included, at the mean of the
    draws and in units of the link, (G, T)."""
    design = response.density.design
    scale = design.scaling.size * design.scaling.media[place]
    media = (design.media[:, place] * scale[:, None]).T
    return direct_effect(response, place, media).total.mean(axis=0) / response.unit[:, None]


def inner_products(regression: Conditional, without: Collection[str] = ()) -> np.ndarray:
    """Inner products over all rows of (shared terms, channels, outcome), each geo's own terms
    partialled out and priors of the shared terms added, (P + C + 1, P + C + 1). Terms named in
    `without` are left out, P less by them."""
    base = regression.baseline
    own = np.array([name not in without for name in base.own], dtype=bool)
    shared = np.array([name not in without for name in base.shared], dtype=bool)
    precision = base.shared_sd[shared] ** -2.0
    columns = np.concatenate(
        [regression.shared[:, shared], regression.effects, regression.outcome[:, None]], axis=1
    )
    gram = np.einsum("gpt,gqt->pq", columns, columns, optimize=True)
    if own.any():
        mine = regression.own[:, own]
        cross = mine @ columns.transpose(0, 2, 1)
        within = mine @ mine.transpose(0, 2, 1) + np.diag(base.own_sd[own] ** -2.0)
        gram -= np.einsum("gkp,gkq->pq", cross, np.linalg.solve(within, cross), optimize=True)
    gram[np.arange(len(precision)), np.arange(len(precision))] += precision
    return gram


def left_of(gram: np.ndarray, target: int, others: Collection[int]) -> float:
    """Sum of squares left of column `target` by least squares on the columns `others`."""
    chosen = list(others)
    if not chosen:
        return float(gram[target, target])
    scale = np.sqrt(np.maximum(np.diag(gram)[chosen], TINY))
    system = gram[np.ix_(chosen, chosen)] / np.outer(scale, scale)
    cross = gram[chosen, target] / scale
    explained = cross @ np.linalg.lstsq(system, cross, rcond=None)[0]
    return max(0.0, float(gram[target, target] - explained))
