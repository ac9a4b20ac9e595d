"""Cells to numbers and dates, without ever guessing: what cannot be read is marked, not coerced."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none"})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MIDNIGHT = re.compile(r"00:00(?::00(?:\.0+)?)?")
_YEARS = range(1800, 2201)


LARGEST = 1e100
"""Numbers beyond this count as infinite: their squares would be."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column read as numbers. All arrays have shape (rows,).

    `values` is NaN where there is no finite number; `text`, `infinite` and `missing` say why.
    """

    values: np.ndarray
    text: np.ndarray
    infinite: np.ndarray
    missing: np.ndarray

    @property
    def clean(self) -> bool:
        return not (self.text.any() or self.infinite.any() or self.missing.any())

    def with_missing_as_zero(self) -> Numbers:
        """Empty cells mean zero, as for a channel that is off when missing."""
        values = np.where(self.missing, 0.0, self.values)
        return Numbers(values, self.text, self.infinite, np.zeros_like(self.missing))


def parse_numbers(cells: pd.Series, from_text: bool) -> Numbers:
    """Numbers of a column. Text counts as a number only in a source that holds nothing else."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        # object columns are read cell by cell below; here every cell is a number or missing
        raw = cells.to_numpy(dtype=float, na_value=np.nan)
        text = np.zeros(len(raw), dtype=bool)
    elif from_text and all(isinstance(cell, str) and _NUMBER.fullmatch(cell) for cell in cells):
        raw = np.array([float(cell) for cell in cells])
        text = np.zeros(len(raw), dtype=bool)
    else:
        read = [_number(cell, from_text) for cell in cells]
        text = np.array([value is None for value in read], dtype=bool)
        raw = np.array([np.nan if value is None else value for value in read], dtype=float)
    infinite = np.abs(raw) > LARGEST
    missing = np.isnan(raw) & ~text
    return Numbers(np.where(infinite, np.nan, raw), text, infinite, missing)


def is_missing(cell: object) -> bool:
    """True of an empty cell: None, NaN, NaT, blank text or one of the usual words for it."""
    if isinstance(cell, str):
        return cell.strip().lower() in _MISSING
    return (
        cell is None
        or cell is pd.NA
        or cell is pd.NaT
        or (isinstance(cell, float) and math.isnan(cell))
    )


def _number(cell: object, from_text: bool) -> float | None:
    """The number in a cell, NaN for an empty cell, None for text."""
    if is_missing(cell):
        return np.nan
    if isinstance(cell, str):
        stripped = cell.strip()
        if not from_text:
            return None
        if _NUMBER.fullmatch(stripped) or _INFINITY.fullmatch(stripped):
            return float(stripped)
        return None
    if isinstance(cell, Real | Decimal) and not isinstance(cell, bool):
        return float(cell)
    return None


@dataclass(frozen=True, slots=True)
class Dates:
    """A column read as dates: NaT where `problems` (by row position) says why not."""

    values: pd.DatetimeIndex
    problems: dict[int, str]


def parse_dates(cells: pd.Series) -> Dates:
    """Dates of a column: real dates, or ISO 8601 text (2024-01-29, 2024-01, 2024, 2024-W05)."""
    known: dict[str, date | str] = {}
    read: list[date | None] = []
    problems: dict[int, str] = {}
    for position, cell in enumerate(cells):
        if isinstance(cell, str):
            found = known[cell] if cell in known else known.setdefault(cell, _date(cell))
        else:
            found = _date(cell)
        if isinstance(found, str):
            problems[position] = found
            read.append(None)
        else:
            read.append(found)
    return Dates(pd.DatetimeIndex(np.array(read, dtype="datetime64[ns]")), problems)


def _date(cell: object) -> date | str:
    """The date in a cell, or what is wrong with it."""
    if is_missing(cell):
        return "the date is missing"
    if isinstance(cell, np.datetime64):
        cell = pd.Timestamp(cell)
    if isinstance(cell, str):
        found = _date_of_text(cell.strip())
    elif isinstance(cell, datetime):
        if cell.tzinfo is not None:
            return f"'{cell}' has a time zone"
        found = cell.date() if cell.time() == datetime.min.time() else None
        if found is None:
            return f"'{cell}' has a time of day"
    elif isinstance(cell, date):
        found = cell
    else:
        return f"{cell!r} is not a date"
    if isinstance(found, date) and found.year not in _YEARS:
        return f"'{cell}' is outside the years {_YEARS[0]} to {_YEARS[-1]}"
    return found


def _date_of_text(text: str) -> date | str:
    if _DAY.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return f"'{text}' is not a date"
    day, _, clock = text.replace("T", " ").partition(" ")
    if re.fullmatch(r"\d{4}", day, re.ASCII):
        day = f"{day}-01-01"
    elif re.fullmatch(r"\d{4}-\d{2}", day, re.ASCII):
        day = f"{day}-01"
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return f"'{text}' is not a date"
    return f"'{text}' has a time of day" if clock and not _MIDNIGHT.fullmatch(clock) else found
