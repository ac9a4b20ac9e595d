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

from mmm.model.density import Draw
from mmm.results.regression import Response

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
    draws = _draws(response)
    effect = np.mean([_effect(draw, design.drift) for draw in draws], axis=0)
    level = design.scaling.level
    totals = response.totals.reshape(-1, response.totals.shape[2])
    mean = totals.mean(axis=0)
    now = np.einsum("gtc,g->c", effect, level)
    # fifty draws give the shape; its size is that of all of them
    effect = effect * np.divide(mean, now, out=np.ones_like(now), where=np.abs(now) > 0)
    whole = totals.sum(axis=1)
    noise = np.sqrt(np.mean([draw.sigma**2 for draw in draws], axis=0))[:, None]
    rows = design.baseline
    scales = np.mean([draw.scales for draw in draws], axis=0)
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


def _draws(response: Response) -> list[Draw]:
    density, values = response.density, response.fit.values()
    pool, seed = density.workspace(), response.fit.study.inference.seed
    count = min(CURVE_DRAWS, len(values))
    kept = np.unique(np.linspace(0, len(values) - 1, count).round().astype(int)).tolist()
    rngs = (np.random.default_rng([seed, 1, number]) for number in kept)
    return [density.draw(values[n], pool, rng) for n, rng in zip(kept, rngs, strict=True)]


def _effect(draw: Draw, drift: np.ndarray) -> np.ndarray:
    """What channels do in a draw, geo and time deviations included, (G, T, C)."""
    factor = draw.deviation[:, None, :]
    if drift.shape[0]:
        factor = factor + (draw.drift @ drift).T[None]
    return draw.effect * factor


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
