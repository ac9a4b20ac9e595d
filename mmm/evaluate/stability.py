"""Stability: what the last periods change about returns on the dates before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.efficiency.dated import returns_on, shift_of
from mmm.evaluate.bench import Bench
from mmm.plan.record import FEWEST_PERIODS
from mmm.results.respond import Response, response

WEEKS = (4.0, 13.0, 26.0)
MOVED, APART = 0.25, 0.3
"""A return is unstable when it moves by more than `MOVED`, relative, and either the two posteriors
overlap by less than `APART` or it leaves the 90 % interval it had. Were nothing to change, it would
leave that at most one time in ten, since a posterior mean moves less than what it is of is
uncertain: its variance is that of the first posterior less that of the second."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Return of a channel on common dates without the last `dropped` periods and with them:
    medians, the 90 % interval without them, the relative change, the overlap of the posteriors
    (1: the same, 0: apart)."""

    dropped: int
    channel: str
    without: float
    without_p05: float
    without_p95: float
    with_them: float
    change: float
    overlap: float
    stable: bool


@dataclass(frozen=True, slots=True)
class Stability:
    """Refits without the last periods, by how many and by channel."""

    rows: tuple[Refresh, ...]
    largest_change: float
    least_overlap: float
    unstable: tuple[str, ...]
    reading: str
    advice: tuple[str, ...]


def cuts(panel: Panel) -> list[int]:
    """How many periods are left out: a month, a quarter, half a year and half of all, as far as
    `FEWEST_PERIODS` are left."""
    observed = len(panel.dates)
    found = {max(1, round(weeks / panel.weeks_per_period)) for weeks in WEEKS} | {observed // 2}
    return sorted(cut for cut in found if observed - cut >= FEWEST_PERIODS)


def stability(base: Response, study: Study, panel: Panel, bench: Bench) -> Stability:
    """Fits `study` without the last periods of `panel` and compares returns with those of `base`,
    which has seen all of them."""
    rows = []
    for cut in cuts(panel):
        shorter = panel.window(0, len(panel.dates) - cut)
        read = response(bench.fit(f"stability: without the last {cut}", study, shorter))
        before, after = returns_on(read, shorter.dates), returns_on(base, shorter.dates)
        for channel in [name for name in before if name in after]:
            found = shift_of(channel, before[channel], after[channel])
            low, high = (float(x) for x in np.quantile(before[channel], [0.05, 0.95]))
            holds = low <= found.after <= high and found.overlap >= APART
            rows.append(
                Refresh(
                    cut,
                    channel,
                    found.before,
                    low,
                    high,
                    found.after,
                    found.change,
                    found.overlap,
                    stable=holds or abs(found.change) <= MOVED,
                )
            )
    unstable = tuple(dict.fromkeys(row.channel for row in rows if not row.stable))
    return Stability(
        tuple(rows),
        max((abs(row.change) for row in rows), default=0.0),
        min((row.overlap for row in rows), default=1.0),
        unstable,
        _reading(rows, unstable),
        _advice(rows, unstable),
    )


def _reading(rows: list[Refresh], unstable: tuple[str, ...]) -> str:
    if not rows:
        return (
            "Nothing was compared: no channel has a cost, or the history is too short to leave "
            "anything out."
        )
    dropped = ", ".join(str(cut) for cut in sorted({row.dropped for row in rows}))
    if not unstable:
        least = min(rows, key=lambda row: row.overlap)
        return (
            f"Returns on common dates hold when the last {dropped} periods are left out: the "
            f"posteriors of every channel overlap by {least.overlap:.0%} or more "
            f"('{least.channel}' least)."
        )
    worst = min((row for row in rows if not row.stable), key=lambda row: row.overlap)
    names = ", ".join(f"'{name}'" for name in unstable)
    return (
        f"The answer for {names} changes with the data's end: for '{worst.channel}' the return on "
        f"the same dates goes from {worst.without:.3g} ({worst.without_p05:.3g} to "
        f"{worst.without_p95:.3g}) to {worst.with_them:.3g} with the last {worst.dropped} "
        f"periods, and the two posteriors overlap by {worst.overlap:.0%}."
    )


def _advice(rows: list[Refresh], unstable: tuple[str, ...]) -> tuple[str, ...]:
    if not unstable:
        return ()
    names = ", ".join(f"'{name}'" for name in unstable)
    return (
        f"Let the effectiveness of {names} move ('time_varying: true'), or look for what changed: "
        "targeting, creative, tracking, competitors, or a driver that is not in the data.",
    )
