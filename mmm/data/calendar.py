"""The calendar a panel lives on: its frequency, the dates that do not fit, the dates missing."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_STEP_WORDS = {
    "D": "a day",
    "W": "a week",
    "2W": "two weeks",
    "4W": "four weeks",
    "M": "a month",
    "Q": "a quarter",
    "Y": "a year",
}

ALIASES = (
    "D",
    "B",
    *(f"W-{day}" for day in _DAYS),
    "MS",
    "ME",
    "QS",
    "QE",
    "YS",
    "YE",
)
"""The usual pandas offset aliases; multiples such as 2W-MON are valid too."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """How dates lie on a grid.

    `frequency` is the grid's alias, None where there is none: `problem` then says why.
    `off_grid` are dates that are not on it, `missing` grid dates without data.
    """

    frequency: str | None
    off_grid: pd.DatetimeIndex
    missing: pd.DatetimeIndex
    problem: str = ""

    @property
    def complete(self) -> bool:
        return self.frequency is not None and not len(self.off_grid) and not len(self.missing)


def find_calendar(dates: pd.DatetimeIndex, stated: str | None = None) -> Calendar:
    """The calendar of sorted, unique `dates`: at the stated frequency, else at the inferred one."""
    if stated is None:
        return _infer(dates)
    alias = valid_frequency(stated)
    if alias is None:
        return _none(f"'{stated}' is not a frequency of a day or longer")
    calendar = _on_grid(dates, alias)
    if calendar.complete:
        return calendar
    inferred = _infer(dates)
    if not inferred.complete:
        return calendar
    # data that is regular at another frequency is not full of gaps: the study names the wrong one
    return Calendar(alias, calendar.off_grid, calendar.missing, _other(alias, inferred.frequency))


def _other(stated: str, found: str | None) -> str:
    return f"the study says '{stated}' but the dates are regular at '{found}'"


@lru_cache(maxsize=64)
def valid_frequency(alias: str) -> str | None:
    """The alias in pandas' own spelling, None where it is unknown or finer than a day."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            offset = pd.tseries.frequencies.to_offset(alias)
            first, second = pd.date_range("2024-01-01", periods=2, freq=offset)
    except (ValueError, Warning):
        return None
    whole_days = second > first and (second - first) % pd.Timedelta(days=1) == pd.Timedelta(0)
    return offset.freqstr if offset is not None and whole_days else None


def _none(problem: str) -> Calendar:
    empty = pd.DatetimeIndex([], dtype="datetime64[ns]")
    return Calendar(None, empty, empty, problem)


def _on_grid(dates: pd.DatetimeIndex, alias: str) -> Calendar:
    grid = _grid(dates[0], dates[-1], alias)
    return Calendar(alias, dates[~dates.isin(grid)], grid[~grid.isin(dates)])


@lru_cache(maxsize=8)
def _grid(first: pd.Timestamp, last: pd.Timestamp, alias: str) -> pd.DatetimeIndex:
    """All dates of a grid; pandas makes them one by one."""
    return pd.date_range(first, last, freq=alias).as_unit("ns")


def _infer(dates: pd.DatetimeIndex) -> Calendar:
    if len(dates) < 2:
        return _none("one date alone has no frequency")
    steps = _steps(dates)
    units = [_unit(step) for step in steps]
    counts = Counter(units).most_common()
    common, often = counts[0]
    second = counts[1] if len(counts) > 1 else (None, 0)
    if second[1] >= max(3, 0.2 * often):
        change = next(i for i, unit in enumerate(units) if unit != units[0])
        return _none(
            f"steps of {_words(common, steps)} and of {_words(second[0], steps)} are mixed, "
            f"first after {dates[change]:%Y-%m-%d}"
        )
    alias = _alias(common, dates)
    if alias is None:
        return _none(f"steps of {_words(common, steps)} fit no calendar known here")
    calendar = _on_grid(dates, alias)
    if len(calendar.off_grid) > len(dates) / 2:
        return _none("the dates do not fall on one weekday or one day of the month")
    return calendar


def _steps(dates: pd.DatetimeIndex) -> list[int]:
    """Days from each date to the next."""
    return [int(step) for step in np.diff(dates.values).astype("timedelta64[D]").astype(int)]


def _unit(step: int) -> str | None:
    if step in (1, 7, 14):
        return {1: "D", 7: "W", 14: "2W"}[step]
    if 28 <= step <= 31:
        return "M"
    if 89 <= step <= 92:
        return "Q"
    return "Y" if step in (365, 366) else None


def _words(unit: str | None, steps: list[int]) -> str:
    if unit is not None:
        return _STEP_WORDS[unit]
    odd = next(step for step in steps if _unit(step) is None)
    return f"{odd} days"


def _alias(unit: str | None, dates: pd.DatetimeIndex) -> str | None:
    """The alias of a grid with steps of `unit`, anchored where most dates lie."""
    if unit is None:
        return None
    if unit == "D":
        return "D"
    weekday = _DAYS[Counter(dates.day_of_week).most_common(1)[0][0]]
    if unit == "W":
        return f"W-{weekday}"
    if unit == "2W":
        return f"2W-{weekday}"
    if unit == "M" and len(dates) > 2 and set(_steps(dates)) == {28}:
        return f"4W-{weekday}"
    starts = np.mean(dates.day == 1) > 0.5
    ends = np.mean(dates.is_month_end) > 0.5
    if not starts and not ends:
        return None
    edge = "S" if starts else "E"
    month = Counter(dates.month).most_common(1)[0][0]
    if unit == "M":
        return f"M{edge}"
    if unit == "Q":
        # the quarters starting in January, April, ... are one grid, whichever names it
        first = (month - 1) % 3
        return f"Q{edge}-{_MONTHS[first]}"
    return f"Y{edge}-{_MONTHS[month - 1]}"
