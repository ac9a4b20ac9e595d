"""Series that are another one in other words, and stretches of rows that are there twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mmm.data.checks.finding import error, warning
from mmm.data.observations import Observations
from mmm.errors import Finding

SAME = 0.999
"""Correlation with the outcome from which a series is the outcome."""
NEARLY = 0.99
REPEATED = 12
"""Periods in a row, with this many values or nearly, that no outcome repeats by chance."""
DISTINCT = 8


def control_is_not_the_outcome(observations: Observations) -> Iterator[Finding]:
    """A control that is the outcome leaves nothing for channels to have caused."""
    for name in observations.study.controls:
        correlation = _with_outcome(observations, name)
        if abs(correlation) > NEARLY:
            found = error if abs(correlation) > SAME else warning
            yield found(
                "control_is_outcome",
                observations.place(name),
                f"the control moves with the outcome (correlation {correlation:.4f}), so it would "
                "explain the outcome by itself and leave nothing to the channels.",
                "Drop it from 'controls': what is sold, in whatever unit, is the outcome itself.",
            )


def spend_is_not_set_by_the_outcome(observations: Observations) -> Iterator[Finding]:
    """Money that is a fixed part of the outcome follows it, whatever it causes."""
    for channel in observations.study.channels:
        for column in dict.fromkeys((channel.spend, channel.exposure)):
            correlation = _with_outcome(observations, column)
            if column is not None and abs(correlation) > SAME:
                yield warning(
                    "spend_is_outcome",
                    observations.place(column),
                    f"channel '{channel.name}' moves with the outcome (correlation "
                    f"{correlation:.4f}), as money set as a percentage of it does: what the "
                    "channel causes cannot be told from what its budget follows.",
                    "Give what was really spent in each period, or drop the channel; only a test "
                    "tells its effect.",
                )


def rows_not_pasted_twice(observations: Observations) -> Iterator[Finding]:
    """No long stretch of the outcome comes again to the last digit."""
    column = observations.study.outcome.column
    values, keys = observations.clean(column), observations.keys
    if values is None or keys is None:
        return
    first = keys.in_time()[0]
    if len(np.unique(values[first])) > len(first) - REPEATED:
        return  # too few values of one geo come again at all
    table = pd.DataFrame({"date": keys.dates, "geo": keys.codes, "value": values})
    if table.duplicated(["date", "geo"]).any():
        return
    grid = table.pivot(index="date", columns="geo", values="value")
    if grid.isna().to_numpy().any():
        return
    _, codes = np.unique(grid.to_numpy(), axis=0, return_inverse=True)
    found = longest_repeat(codes.ravel())
    if found is None:
        return
    first, again, length = found
    days = [f"{day:%Y-%m-%d}" for day in grid.index]
    row = int(np.flatnonzero(keys.dates == grid.index[again])[0])
    yield warning(
        "rows_repeated",
        observations.place(column, row),
        f"the outcome of {length} periods from {days[again]} to {days[again + length - 1]} is that "
        f"of {days[first]} to {days[first + length - 1]} again, to the last digit.",
        "Replace the rows that were pasted twice by those of their dates, or drop them.",
    )


def longest_repeat(codes: np.ndarray) -> tuple[int, int, int] | None:
    """(start, start again, length) of the longest stretch of codes (T,) that comes twice.

    None below `REPEATED` periods, or where fewer than `DISTINCT` codes are in it.
    """
    best: tuple[int, int, int] | None = None
    for lag in range(1, len(codes) - REPEATED + 1):
        equal = np.concatenate([[False], codes[lag:] == codes[:-lag], [False]])
        edges = np.flatnonzero(equal[1:] != equal[:-1])
        if not len(edges):
            continue
        lengths = edges[1::2] - edges[::2]
        at = int(lengths.argmax())
        start, length = int(edges[2 * at]), int(lengths[at])
        if length < max(REPEATED, best[2] + 1 if best else 0):
            continue
        if len(np.unique(codes[start : start + length])) >= DISTINCT:
            best = (start, start + lag, length)
    return best


def _with_outcome(observations: Observations, column: str | None) -> float:
    """Correlation with the outcome within geos; 0 where either cannot be read or never varies."""
    outcome, values = (
        observations.clean(observations.study.outcome.column), observations.clean(column),
    )  # fmt: skip
    keys = observations.keys
    if outcome is None or values is None or keys is None or len(values) < REPEATED:
        return 0.0
    if not (observations.varies(outcome) and observations.varies(values)):
        return 0.0
    return float(np.corrcoef(keys.within(outcome), keys.within(values))[0, 1])


CHECKS = (control_is_not_the_outcome, spend_is_not_set_by_the_outcome, rows_not_pasted_twice)
