"""Tests of what the model takes for granted, on what it leaves unexplained.

Each test asks whether a series that the model leaves out explains its residuals: an effect that
moves in time, media of the weeks to come, another curve, a step of the level. The outcome and the
series are projected off all that the model has, curves as far as their draws differ included, and
what is left of both is compared twice: by the F test of added variables, exact where noise is
normal and independent as the model says, and by one that allows for shocks all geos share and for
correlation in time (Driscoll and Kraay, 1998, "Consistent covariance matrix estimation with
spatially dependent panel data", Review of Economics and Statistics 80), which alone would call out
too much in a short window. The larger probability counts, adjusted over all tests of a fit (Holm,
1979, Scandinavian Journal of Statistics 6), so that a fit whose assumptions hold is called out at
most about once in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats
from threadpoolctl import threadpool_limits

from mmm.dims import DAYS_PER_YEAR
from mmm.errors import Finding, Severity
from mmm.evaluate.residuals import ljung_box, standard_residuals
from mmm.model.graph import with_regressors
from mmm.results.blocks import thinned
from mmm.results.regression import Response, direct_effect

ERROR = 0.01
"""Chance of calling out any assumption of a fit whose assumptions all hold."""
DRAWS = 60
"""Draws that a curve's directions are read from."""
DIRECTIONS = 3
"""How many directions in which draws of a curve differ are taken to be the model's own."""
LEAST_FREE, LEAST_PERIODS = 30, 40
"""Observations over coefficients, and periods, below which nothing is tested."""
LEAST_LEFT = 0.03
"""Part of a series that the model must not have, for it to be tested."""
AHEAD = 4
"""Periods ahead whose media should say nothing of today."""
YEARS, WAVES = 1.5, 4
"""Years of data from which a yearly pattern is tested, and the shorter waves that are."""
EDGE = 0.1
"""Part of the window at either end in which a step of the level is not looked for."""
TINY = 1e-9
MATTERS = 0.02
"""Part of the residual variance from which what is left out limits trust."""
MOVES = 0.2
"""Change of an effect within half a window, over its mean, from which it does."""
SHARED, RELATED = 0.1, 0.15
"""Correlation of residuals between geos, and between neighbouring periods, from which it does."""


@dataclass(frozen=True, slots=True)
class Tested:
    """One assumption: `about` a channel, a control or the level; `probability` of what was seen
    were it to hold, over all tests of the fit; `explains`, the part of the residual variance that
    what is left out explains; `size`, what the test says of it (see each)."""

    check: str
    about: str
    probability: float
    explains: float
    size: float = float("nan")


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


def assumption_tests(read: Response) -> tuple[Tested, ...]:
    """Every test of `read`, most telling first; none where there is too little data for it."""
    with threadpool_limits(1):  # many small decompositions: threads cost more than they save
        return _tests(read)


def _tests(read: Response) -> tuple[Tested, ...]:
    effects = [effect_of(read, place) for place in range(len(read.density.spec.channels))]
    left = leftover(read, effects)
    if left is None:
        return ()
    found = list(_candidates(read, effects, left))
    adjusted = _holm(np.array([one.probability for one in found]))
    done = [replace(one, probability=float(p)) for one, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(done, key=lambda one: one.probability))


@dataclass(frozen=True, slots=True)
class Curve:
    """A regressor's effect on the predictor, its mean over draws (G, T), and the main directions
    (K, G, T) in which draws differ."""

    mean: np.ndarray
    directions: np.ndarray


def effect_of(read: Response, place: int) -> Curve:
    """The curve of the regressor at `place` of the specification."""
    some = thinned(read, DRAWS)
    panel = with_regressors(some.fit.panel, some.density.spec.channels)
    media = panel.dataset["media"].values[:, :, place]
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
    for curve in effects:
        rows += [*curve.directions, curve.mean]
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


def _basis(columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span those of (n, k), scaled so that none is lost for its unit."""
    size = np.linalg.norm(columns, axis=0)
    kept = columns[:, size > TINY] / size[size > TINY]
    if not kept.shape[1]:
        return np.empty((len(columns), 0))
    left, scale, _ = np.linalg.svd(kept, full_matrices=False)
    return left[:, scale > 1e-7 * scale[0]]


def _candidates(read: Response, effects: Sequence[Curve], left: Leftover) -> Iterator[Tested]:
    panel, spec, design = read.fit.panel, read.density.spec, read.density.design
    time = np.linspace(-1.0, 1.0, design.outcome.shape[1])
    for place, channel in enumerate(read.fit.study.channels):
        mean, media = effects[place].mean, design.media[:, place]
        if not mean.any():
            continue
        if place not in spec.drifting:
            yield from _tested(left, "effect_moves", channel.name, (mean * time)[None])
        yield from _tested(left, "media_follows_outcome", channel.name, _ahead(media)[None])
        yield from _tested(left, "curve_misfit", channel.name, _shapes(media))
    if spec.seasonality and len(panel.dates) > YEARS * panel.periods_per_year:
        yield from _tested(left, "season_misfit", "", _waves(read))
    for place, name in enumerate(panel.controls):
        control = panel.dataset["controls"].values[:, :, place].T
        spread = float(control.std())
        if spread > 0:
            moving = (control - control.mean()) / spread * time
            yield from _tested(left, "control_moves", name, moving[None])
    yield from _break(left, panel.dates)


def _tested(left: Leftover, check: str, about: str, candidates: np.ndarray) -> Iterator[Tested]:
    found = _score(left, candidates, left.off(candidates))
    if found:
        yield Tested(check, about, *found)


def _ahead(media: np.ndarray) -> np.ndarray:
    """Mean media of the periods ahead, (G, T); at the end of the window that of those left."""
    sums = np.cumsum(np.pad(media, ((0, 0), (1, 0))), axis=1)
    periods = media.shape[1]
    start = np.minimum(np.arange(1, periods + 1), periods - 1)
    stop = np.minimum(start + AHEAD, periods)
    return (sums[:, stop] - sums[:, start]) / (stop - start)


def _waves(read: Response) -> np.ndarray:
    """Yearly waves shorter than the model's, (2 x `WAVES`, G, T)."""
    dates, seasonality = read.fit.panel.dates, read.density.spec.seasonality
    angle = 2.0 * np.pi * (dates - dates[0]).days.to_numpy() / DAYS_PER_YEAR
    shorter = np.arange(seasonality + 1, seasonality + 1 + WAVES)[:, None] * angle
    waves = np.concatenate([np.sin(shorter), np.cos(shorter)])
    return np.repeat(waves[:, None], len(read.density.spec.geos), axis=1)


def _shapes(media: np.ndarray) -> np.ndarray:
    """Media as other curves would have them: at once and in proportion, a period or two later, up
    to five, flattening slowly, and on or off, (5, G, T)."""
    now, soon = _later(media, 0, 1), _later(media, 1, 2)
    return np.array([media, soon, _later(media, 3, 5), np.sqrt(now), media / (media + 0.1)])


def _later(media: np.ndarray, first: int, last: int) -> np.ndarray:
    """Mean media of `first` to `last` periods before, (G, T)."""
    padded, size = np.pad(media, ((0, 0), (last, 0)), mode="edge"), media.shape[1]
    lags = range(first, last + 1)
    return np.mean([padded[:, last - k : last - k + size] for k in lags], axis=0)


def _score(
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
    robust = float(total @ np.linalg.pinv(covariance) @ total) / count
    plain = float(total @ total) / count / (float((noise**2).sum()) / max(free, 1))
    probability = max(
        float(stats.f.sf(plain, count, max(free, 1))),
        float(stats.f.sf(robust, count, max(periods - count, 1))),
    )
    explains = float((total**2).sum() / (left.residual**2).sum())
    coefficient = float(flat[0] @ left.residual.ravel() / (flat[0] @ flat[0]))
    return probability, explains, coefficient


def _long_run(products: np.ndarray) -> np.ndarray:
    """Newey and West's (1987, Econometrica 55) covariance of the sum of (k, T) over time."""
    periods = products.shape[1]
    lags = int(4 * (periods / 100) ** (2 / 9))
    found = products @ products.T
    for lag in range(1, lags + 1):
        cross = products[:, lag:] @ products[:, :-lag].T
        found += (1 - lag / (lags + 1)) * (cross + cross.T)
    return found


def _break(left: Leftover, dates: pd.DatetimeIndex) -> Iterator[Tested]:
    """The most telling step of the level that all geos share; Bonferroni over dates."""
    geos, periods = left.residual.shape
    edge = max(2, round(EDGE * periods))
    starts = np.arange(edge, periods - edge)
    steps = (np.arange(periods) >= starts[:, None]).astype(float)
    steps = np.repeat(steps[:, None], geos, axis=1)
    apart = left.off(steps)
    found = [
        (found, start)
        for start, step, rest in zip(starts, steps, apart, strict=True)
        if (found := _score(left, step[None], rest[None]))
    ]
    if found:
        (probability, explains, size), start = min(found)
        several = min(1.0, probability * len(starts))
        yield Tested("level_break", f"{dates[start]:%Y-%m-%d}", several, explains, size)


def _holm(probabilities: np.ndarray) -> np.ndarray:
    order = np.argsort(probabilities)
    left = len(probabilities) - np.arange(len(probabilities))
    found = np.empty(len(probabilities))
    found[order] = np.maximum.accumulate(probabilities[order] * left).clip(max=1.0)
    return found


def shared_shocks(residual: np.ndarray) -> tuple[float, float]:
    """Mean correlation between geos of residuals (G, T), and the probability of one as large were
    geos independent (Pesaran, 2004, "General diagnostic tests for cross section dependence in
    panels", Cambridge Working Papers in Economics 0435); 0 and 1 for one geo."""
    geos, periods = residual.shape
    if geos < 2:
        return 0.0, 1.0
    pairs = np.corrcoef(residual)[np.triu_indices(geos, 1)]
    statistic = np.sqrt(periods / len(pairs)) * pairs.sum()
    return float(pairs.mean()), float(2.0 * stats.norm.sf(abs(statistic)))


def assumption_findings(read: Response) -> tuple[Finding, ...]:
    """What residuals say against the model's assumptions; those that matter limit trust.

    A test is reported below `ERROR`, and limits trust where what is left out explains `MATTERS` of
    the residual variance or more.
    """
    found = [*_residual_findings(standard_residuals(read))]
    for one in assumption_tests(read):
        small = one.check == "effect_moves" and abs(one.size) < MOVES
        if one.probability < ERROR:
            matters = one.explains >= MATTERS and not small
            severity = Severity.WARNING if matters else Severity.INFO
            where, message, remedy = _words(one)
            chance = f"(p = {one.probability:.1g}, {one.explains:.0%} of what was unexplained)"
            found.append(Finding(one.check, severity, where, f"{message} {chance}.", remedy))
    return tuple(found)


def _residual_findings(residual: np.ndarray) -> Iterator[Finding]:
    if residual.shape[1] < LEAST_PERIODS:
        return
    between, chance = shared_shocks(residual)
    if chance < ERROR and between > SHARED:
        yield Finding(
            "geos_move_together",
            Severity.WARNING,
            "residuals",
            "what the model does not explain comes in all geos at once (mean correlation "
            f"{between:.2f}), so that there is less evidence than it seems.",
            "Something that acts everywhere is missing: add demand, promotions, holidays or "
            "prices as controls; until then returns may be credited with it.",
        )
    related = ljung_box(residual)
    if related.probability < ERROR and related.first > RELATED:
        yield Finding(
            "residuals_related",
            Severity.WARNING,
            "residuals",
            f"what the model does not explain lasts from one period to the next (correlation "
            f"{related.first:.2f}), so that intervals are too narrow.",
            "Something slow is missing: add demand or price as controls, or knots to "
            "'baseline.trend'.",
        )


def _words(one: Tested) -> tuple[str, str, str]:
    """Where, what and what to do."""
    channel = f"channel '{one.about}'"
    match one.check:
        case "effect_moves":
            way = "rises" if one.size > 0 else "falls"
            ends = (max(0.0, 1.0 - one.size), max(0.0, 1.0 + one.size))
            return (
                channel,
                f"its effect {way} over the window, from about {ends[0]:.1f} to {ends[1]:.1f} "
                "times its mean",
                "Set 'time_varying: true' for it, or fit the recent part alone.",
            )
        case "media_follows_outcome":
            return (
                channel,
                "what the model does not explain today goes with its media in the "
                f"{AHEAD} periods after, so it follows sales, demand or a season that the model "
                "does not know, or is booked late",
                "Add what its budget follows as a control and check its dates of booking; only a "
                "test tells its effect.",
            )
        case "curve_misfit":
            return (
                channel,
                "another carry-over or saturation of its media explains part of what the model "
                "does not",
                "Try another 'adstock' ('delayed', 'weibull_pdf') or 'saturation' for it; until "
                "then its total may be off by more than its interval.",
            )
        case "season_misfit":
            return (
                "baseline",
                "the year has a sharper pattern than the model's seasonality",
                "Raise 'baseline.seasonality', name 'baseline.holidays', or add a control for the "
                "peak.",
            )
        case "control_moves":
            return (
                f"control '{one.about}'",
                "what it does changes over the window",
                "Split it in two columns where that happened, or leave out what came before.",
            )
        case _:
            return (
                f"baseline, {one.about}",
                f"the outcome steps by about {one.size:+.0%} of its mean there, which trend does "
                "not follow",
                "Add a control that is 0 before and 1 from then on, or start the window there.",
            )
