"""Perturbation: how far returns move when the outcome is slightly different."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.efficiency.dated import returns_on
from mmm.evaluate.altered import with_outcome
from mmm.evaluate.bench import Bench
from mmm.evaluate.residuals import expected_mean, standard_residuals
from mmm.results.respond import Response, response

JITTER = 0.1
"""Of the noise's standard deviation: what is added to every outcome."""
MOVED = 0.25
"""Part of its 90 % interval from which a return is said to move."""
SEED_STREAM = 16


@dataclass(frozen=True, slots=True)
class Nudge:
    """Median return of a channel before and after one change of the outcome, and how far it moved
    over the width of its 90 % interval before (`of_interval`)."""

    change: str
    channel: str
    before: float
    after: float
    of_interval: float


@dataclass(frozen=True, slots=True)
class Perturbation:
    """Refits on slightly different outcomes."""

    rows: tuple[Nudge, ...]
    largest: float
    reading: str
    advice: tuple[str, ...]


def perturbation(
    base: Response, study: Study, panel: Panel, jitters: int, weeks: int, bench: Bench
) -> Perturbation:
    """Fits `study` to `jitters` outcomes with a tenth of the noise added, and to `weeks` outcomes
    in which one odd period, the oddest first, is what the model expects, as if not seen."""
    own = returns_on(base, panel.dates)
    rows = []
    for change, altered in [*jittered(base, panel, jitters), *smoothed(base, panel, weeks)]:
        read = response(bench.fit(f"perturbation: {change}", study, altered))
        found = returns_on(read, panel.dates)
        rows += [nudge(change, name, own[name], found[name]) for name in own]
    largest = max((row.of_interval for row in rows), default=0.0)
    moved = [row for row in rows if row.of_interval > MOVED]
    return Perturbation(tuple(rows), largest, _reading(rows, moved), _advice(moved))


def jittered(base: Response, panel: Panel, count: int) -> list[tuple[str, Panel]]:
    """Panels with `JITTER` of the noise added to the outcome."""
    outcome = panel.dataset["outcome"].values
    spread = JITTER * base.sigma.mean(axis=0)
    found = []
    for number in range(1, count + 1):
        rng = np.random.default_rng([base.fit.study.inference.seed, SEED_STREAM, number])
        noise = spread * rng.standard_normal(outcome.shape)
        added = outcome * np.expm1(noise) if base.multiplicative else base.level * noise
        found.append((f"noise {number}", with_outcome(panel, outcome + added)))
    return found


def smoothed(base: Response, panel: Panel, count: int) -> list[tuple[str, Panel]]:
    """Panels in which one odd period is as the model expects."""
    odd = np.abs(standard_residuals(base)).max(axis=0)
    expected = expected_mean(base)
    found = []
    for period in np.argsort(-odd)[:count]:
        outcome = panel.dataset["outcome"].values.copy()
        outcome[period] = expected[:, period]
        found.append((f"without {panel.dates[period]:%Y-%m-%d}", with_outcome(panel, outcome)))
    return found


def nudge(change: str, channel: str, before: np.ndarray, after: np.ndarray) -> Nudge:
    """Two posteriors of one return, draws (D,)."""
    low, middle, high = (float(x) for x in np.quantile(before, [0.05, 0.5, 0.95]))
    now = float(np.median(after))
    moved = abs(now - middle) / (high - low) if high > low else 0.0
    return Nudge(change, channel, middle, now, moved)


def _reading(rows: list[Nudge], moved: list[Nudge]) -> str:
    if not rows:
        return "Nothing was compared: no channel has a cost."
    worst = max(rows, key=lambda row: row.of_interval)
    if not moved:
        return (
            "Small changes of the outcome move no return by more than "
            f"{worst.of_interval:.0%} of its 90 % interval ('{worst.channel}', {worst.change})."
        )
    return (
        f"A small change of the outcome ({worst.change}) moves the return of '{worst.channel}' "
        f"from {worst.before:.3g} to {worst.after:.3g}, {worst.of_interval:.0%} of its 90 % "
        "interval."
    )


def _advice(moved: list[Nudge]) -> tuple[str, ...]:
    said = []
    weeks = sorted(
        {row.change.removeprefix("without ") for row in moved if "without" in row.change}
    )
    if weeks:
        said.append(
            f"The answer leans on single periods ({', '.join(weeks)}): correct a mistake, or give "
            "what happened then a control column; 'likelihood: student_t' forgives odd periods."
        )
    if any(row.change.startswith("noise") for row in moved):
        said.append(
            "The answer moves with noise: use a longer history, fewer channels or stated priors."
        )
    return tuple(said)
