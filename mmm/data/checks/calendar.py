"""Dates on a regular calendar without gaps."""

from __future__ import annotations

from collections.abc import Iterator

from mmm.data.calendar import ALIASES, find_calendar
from mmm.data.checks.finding import count, dates, error
from mmm.data.observations import Observations
from mmm.errors import Finding, did_you_mean


def calendar_regular(observations: Observations) -> Iterator[Finding]:
    """One frequency, all dates on it, none missing between the first and the last."""
    rows = observations.known_dates
    if rows is None:
        return
    unique = rows.unique().sort_values()
    stated = observations.study.data.frequency
    if len(unique) < 2 and stated is None:
        return
    column = observations.study.data.date
    calendar = find_calendar(unique, stated)
    if calendar.frequency is None and stated is not None:
        yield error(
            "frequency",
            f"study '{observations.study.study}': data.frequency",
            f"{calendar.problem}.",
            f"Use a pandas offset alias such as W-MON, MS or D; {did_you_mean(stated, ALIASES)}",
        )
    elif calendar.problem:
        where = observations.place(column)
        if len(calendar.off_grid):
            where += f", {calendar.off_grid[0]:%Y-%m-%d}"
        yield error(
            "frequency",
            where,
            f"{calendar.problem}.",
            "Give one row a period throughout, and state 'data.frequency' (W-MON, MS, D, ...) "
            "so that it fits or leave it out.",
        )
    elif len(calendar.off_grid):
        first = calendar.off_grid[0]
        yield error(
            "frequency",
            observations.place(column, int((rows == first).argmax())),
            f"{count(len(calendar.off_grid), 'date')} not on the {calendar.frequency} calendar: "
            f"{dates(calendar.off_grid)}.",
            "Correct these dates, or state the frequency meant in 'data.frequency'.",
        )
    elif len(calendar.missing):
        yield error(
            "gap",
            f"{observations.place(column)}, {calendar.missing[0]:%Y-%m-%d}",
            f"{count(len(calendar.missing), 'date')} missing from the {calendar.frequency} "
            f"calendar: {dates(calendar.missing)}.",
            "Add a row for each, with 0 where nothing was spent; a gap would break carry-over.",
        )


CHECKS = (calendar_regular,)
