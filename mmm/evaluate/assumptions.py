"""Tests of what the model takes for granted, on what it leaves unexplained.

Each test asks whether a series that the model leaves out explains its residuals: an effect that
moves in time, media of the weeks to come, another curve, a step of the level (`leftover`).
Probabilities are adjusted over all tests of a fit, so that one whose assumptions hold is called out
at most about once in a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from mmm.dims import DAYS_PER_YEAR
from mmm.errors import Finding, Severity
from mmm.evaluate.leftover import (
    LEAST_PERIODS,
    Curve,
    Leftover,
    effects_of,
    holm,
    leftover,
    score,
    scores,
)
from mmm.evaluate.residuals import ljung_box, standard_residuals
from mmm.inference.blas import one_blas_thread
from mmm.results.regression import Response

ERROR = 0.01
"""Chance of calling out any assumption of a fit whose assumptions all hold."""
AHEAD = 4
"""Periods ahead whose media should say nothing of today."""
YEARS, WAVES = 1.5, 4
"""Years of data from which a yearly pattern is tested, and the shorter waves that are."""
EDGE = 0.1
"""Part of the window at either end in which a step of the level is not looked for."""
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


def assumption_tests(read: Response) -> tuple[Tested, ...]:
    """Every test of `read`, most telling first; none where there is too little data for it."""
    with one_blas_thread():
        return _tests(read)


def _tests(read: Response) -> tuple[Tested, ...]:
    effects = effects_of(read)
    left = leftover(read, effects)
    if left is None:
        return ()
    found = list(_candidates(read, effects, left))
    adjusted = holm(np.array([one.probability for one in found]))
    done = [replace(one, probability=float(p)) for one, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(done, key=lambda one: one.probability))


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
    found = score(left, candidates, left.off(candidates))
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


def _break(left: Leftover, dates: pd.DatetimeIndex) -> Iterator[Tested]:
    """The most telling step of the level that all geos share; Bonferroni over dates."""
    geos, periods = left.residual.shape
    edge = max(2, round(EDGE * periods))
    starts = np.arange(edge, periods - edge)
    steps = (np.arange(periods) >= starts[:, None]).astype(float)
    steps = np.repeat(steps[:, None], geos, axis=1)
    apart = left.off(steps)
    found, tested = scores(left, steps, apart)
    if tested.any():
        place = np.lexsort((*found[tested].T[::-1],))[0]  # of equals the one that explains least
        probability, explains, size = found[tested][place].tolist()
        several = min(1.0, probability * len(starts))
        day = dates[starts[tested][place]]
        yield Tested("level_break", f"{day:%Y-%m-%d}", several, explains, size)


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
                f"the outcome steps by {_step(one.size)} of its mean there, which trend does "
                "not follow",
                "Add a control that is 0 before and 1 from then on, or start the window there.",
            )


def _step(size: float) -> str:
    """A change as a part of a mean, in words."""
    return "less than 1 %" if abs(size) < 0.005 else f"about {100 * size:+.0f} %"
