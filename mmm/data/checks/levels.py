"""Series whose size changes as no market does: another unit, a lone giant, a running total."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmm.config.channel import Channel
from mmm.data.checks.finding import warning
from mmm.data.observations import Observations
from mmm.errors import Finding

LASTING = 8
"""Periods on either side of a change of unit, which they are looked for in."""
UNIT = 8.0
"""An outcome, or exposure for the money, that changes by this factor at once is in another unit."""
BUDGET = 50.0
"""Spending changes more readily: a pilot may be followed by far more."""
APART = 3.0
"""Least factor between the nearest periods on either side."""
GIANT = 10.0
"""One period this many times the next largest one."""
FEWEST = 8
"""Active periods beside which a giant is one."""
LONGEST_RESTART = 10
"""A running total, as of a year to date, starts anew after this many periods or more."""

OFTEN = 0.2
"""A running total rises in this part of the periods at least."""
EVEN = 0.01
"""Steps that vary by less are those of a budget raised by plan."""


def exposure_keeps_its_unit(observations: Observations) -> Iterator[Finding]:
    """What a unit of money buys does not change overnight by a large factor for good."""
    for channel in observations.study.channels:
        found = exposure_change(observations, channel)
        if found and channel.exposure:
            row, factor, where = found
            yield warning(
                "unit_changes",
                observations.place(channel.exposure, row),
                f"from here on{where} channel '{channel.name}' has {_times(factor)} the exposure "
                "for its money.",
                "Bring spend and exposure to one unit over all dates (thousands against units, "
                "one currency).",
            )


def series_keep_their_unit(observations: Observations) -> Iterator[Finding]:
    """The outcome, and a channel known by one column, stay of one size."""
    outcome = observations.study.outcome.column
    columns = [(outcome, "the outcome", UNIT)]
    columns += [
        (one.media_column, f"channel '{one.name}'", BUDGET)
        for one in observations.study.channels
        if not (one.spend and one.exposure)
    ]
    for column, words, factor in columns:
        values = observations.clean(column)
        found = None if values is None else _jump(observations, values, factor)
        if found:
            row, times, where = found
            yield warning(
                "unit_changes",
                observations.place(column, row),
                f"from here on{where} {words} is {_times(times)} what it was before.",
                "Bring the column to one unit over all dates (thousands against units, one "
                "currency); give a real change of level a control column.",
            )


def no_lone_giant(observations: Observations) -> Iterator[Finding]:
    """No period dwarfs all others of its channel."""
    keys = observations.keys
    if keys is None:
        return
    named: set[tuple[str, int]] = set()
    for column, channel in _columns(observations):
        values = observations.clean(column)
        if values is None:
            continue
        found: list[tuple[float, int]] = []
        for rows in keys.in_time():
            if (values[rows] > 0).sum() <= FEWEST:
                continue
            second, largest = np.sort(values[rows])[-2:]
            if largest > GIANT * second:
                found.append((largest / second, int(rows[values[rows].argmax()])))
        if found and (channel.name, max(found)[1]) not in named:
            times, row = max(found)
            named.add((channel.name, row))
            more = f", and so in {len(found) - 1} more geos" if len(found) > 1 else ""
            yield warning(
                "lone_giant",
                observations.place(column, row),
                f"channel '{channel.name}' has {values[row]:,.10g} here, {times:,.0f} times its "
                f"next largest period{more}.",
                "Correct a mistake (a total, a misplaced decimal point); spread a bill over the "
                "periods it paid for.",
            )


def nothing_adds_up(observations: Observations) -> Iterator[Finding]:
    """Outcome and media are those of each period, not their sum so far."""
    keys = observations.keys
    if keys is None:
        return
    outcome = observations.study.outcome.column
    columns = [(outcome, "the outcome")]
    columns += [(column, f"channel '{one.name}'") for column, one in _columns(observations)]
    series = keys.in_time()
    for column, words in columns:
        values = observations.clean(column)
        if values is None or not all(is_running_total(values[rows]) for rows in series):
            continue
        yield warning(
            "running_total",
            observations.place(column),
            f"{words} starts small and never falls{_restarts(values, series)}, as a running total "
            "does.",
            "Give what came in each period: the difference to the period before.",
        )


def is_running_total(series: np.ndarray) -> bool:
    """Whether a series (T,) only rises, from the size of a step, but for rare new starts."""
    if len(series) < 2 * LONGEST_RESTART:
        return False
    steps = np.diff(series)
    falls = np.flatnonzero(steps < 0) + 1
    starts = series[np.r_[0, falls]]
    rises = steps[steps > 0]
    few = len(rises) < max(LONGEST_RESTART, OFTEN * len(steps))
    if len(starts) * LONGEST_RESTART > len(series) or few:
        return False
    uneven = rises.std() > EVEN * rises.mean()
    return bool(uneven and (starts >= 0).all() and (starts <= 2.0 * rises.max()).all())


def unit_change(series: np.ndarray, least: float) -> tuple[int, float] | None:
    """Where a series (T,) of numbers above zero changes its size for good, by `least` or more.

    Gives the position of the first period after and the factor, None where there is none. On
    either side, within `LASTING` periods and over the whole window, all periods are apart; a
    period alone on the wrong side is none of either.
    """
    if len(series) < 2 * LASTING:
        return None
    size = _without_spikes(np.log(series))
    views = np.lib.stride_tricks.sliding_window_view(size, LASTING)
    before, after = views[:-LASTING], views[LASTING:]
    change = np.median(after, axis=1) - np.median(before, axis=1)
    local = np.maximum(
        after.min(axis=1) - before.max(axis=1), before.min(axis=1) - after.max(axis=1)
    )
    at = int(local.argmax())
    split, sign = at + LASTING, np.sign(change[at])
    apart = (sign * size[split:]).min() > (sign * size[:split]).max()
    if local[at] < np.log(APART) or abs(change[at]) < np.log(least) or not apart:
        return None
    return split, float(np.exp(change[at]))


def exposure_change(observations: Observations, channel: Channel) -> tuple[int, float, str] | None:
    """Where a unit of money buys another size of exposure: row, factor, and in which geos."""
    spend, exposure = observations.clean(channel.spend), observations.clean(channel.exposure)
    if spend is None or exposure is None:
        return None
    active = (spend > 0) & (exposure > 0)
    each = np.divide(exposure, spend, out=np.zeros_like(spend), where=active)
    return _jump(observations, each, UNIT)


def level_change(series: np.ndarray) -> int | None:
    """The position from which an outcome (T,) is of another size; its zeros say nothing."""
    there = np.flatnonzero(series > 0)
    found = unit_change(series[there], UNIT) if len(there) else None
    return int(there[found[0]]) if found else None


def _jump(
    observations: Observations, values: np.ndarray, least: float
) -> tuple[int, float, str] | None:
    """The first row after a change of unit in any geo, its factor, and which geos have one."""
    keys = observations.keys
    if keys is None:
        return None
    found: list[tuple[int, float]] = []
    for rows in keys.in_time():
        active = rows[values[rows] > 0]
        change = unit_change(values[active], least)
        if change:
            found.append((int(active[change[0]]), change[1]))
    if not found:
        return None
    row, factor = min(found, key=lambda one: keys.dates[one[0]])
    geos = len(keys.geos)
    where = "" if geos == 1 else f" (in {len(found)} of {geos} geos)"
    return row, factor, where


def _without_spikes(series: np.ndarray) -> np.ndarray:
    """Running medians of three, which keep the edge of a step; ends as they are."""
    middle = np.median(np.lib.stride_tricks.sliding_window_view(series, 3), axis=1)
    return np.concatenate([series[:1], middle, series[-1:]])


def _columns(observations: Observations) -> list[tuple[str, Channel]]:
    return [
        (column, channel)
        for channel in observations.study.channels
        for column in (channel.spend, channel.exposure)
        if column is not None
    ]


def _restarts(values: np.ndarray, series: list[np.ndarray]) -> str:
    anew = any((np.diff(values[rows]) < 0).any() for rows in series)
    return ", but where it starts anew" if anew else ""


def _times(factor: float) -> str:
    """`about 1,000 times`, `about a 1,000th of`."""
    if factor >= 1:
        return f"about {factor:,.0f} times"
    return f"about one {1 / factor:,.0f}th of"


CHECKS = (exposure_keeps_its_unit, series_keep_their_unit, no_lone_giant, nothing_adds_up)
