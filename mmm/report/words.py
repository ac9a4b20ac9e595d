"""Numbers and dates in plain words: at most three significant digits, nothing undefined shown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

UNKNOWN = "not known"
BEYOND = "not within horizon"
MINUS = "\N{MINUS SIGN}"
TINY = 5e-7
"""Below this a number is written as nothing."""

SMALL = 0.01
"""Below this a return needs more than two decimals, unless it stands beside a larger one."""

HARD_SPACE = "\N{NO-BREAK SPACE}"

_SCALES = ((1e12, "tn", " trillion"), (1e9, "bn", " billion"), (1e6, "m", " million"))
_THOUSAND = (1e3, "k", " thousand")
_PERIODS = (
    (1.5, "day"),
    (10.5, "week"),
    (45.0, "month"),
    (120.0, "quarter"),
    (400.0, "year"),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A posterior summary: its mean, median and 90 % interval, in the unit of the quantity."""

    mean: float
    p05: float
    p50: float
    p95: float

    @property
    def known(self) -> bool:
        return math.isfinite(self.mean)

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.p05) and math.isfinite(self.p95)


def number(value: Any) -> float:
    """A float, NaN where there is none (None, empty or text)."""
    if isinstance(value, (int, float, np.integer, np.floating)):
        return float(value)
    return math.nan


def spread(source: Mapping[str, Any] | pd.Series | float | None, prefix: str = "") -> Spread:
    """The four summaries of `source` under `prefix`; a bare number has no interval.

    Where there is no mean over draws, `expected` (of the mean path) stands for it.
    """
    if isinstance(source, (Mapping, pd.Series)):
        if f"{prefix}mean" not in source:
            prefix, mean = "", number(source.get("expected"))
            return Spread(mean, *(number(source.get(name)) for name in ("p05", "p50", "p95")))
        mean, p05, p50, p95 = (
            number(source.get(f"{prefix}{name}")) for name in ("mean", "p05", "p50", "p95")
        )
        return Spread(mean, p05, p50, p95)
    value = number(source)
    return Spread(value, math.nan, value, math.nan)


def _rounded(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits - 1}e}")


def _plain(value: float) -> str:
    """A number from zero to a thousand, already rounded to three significant digits."""
    if value == 0:
        return "0"
    decimals = min(max(2 - math.floor(math.log10(value)), 0), 6)
    return f"{value:.{decimals}f}"


def _stripped(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scaled(value: float, *, spoken: bool) -> str:
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "unlimited" if value > 0 else f"{MINUS}unlimited"
    whole = value == math.trunc(value)
    value = _rounded(value) if abs(value) >= TINY else 0.0
    sign = MINUS if value < 0 else ""
    size = abs(value)
    if size >= 1e15:
        return f"{sign}{size:.2e}"
    scales = _SCALES if spoken and size < 1e6 else (*_SCALES, _THOUSAND)
    for scale, letter, word in scales:
        if size >= scale:
            text = _plain(_rounded(size / scale))
            return f"{sign}{_stripped(text)}{word}" if spoken else f"{sign}{text}{letter}"
    if size >= 1e3 or whole or size == 0:
        return f"{sign}{size:,.0f}"
    return f"{sign}{_stripped(_plain(size)) if spoken else _plain(size)}"


def short(value: float) -> str:
    """`1240000` is `1.24m`; for tables and labels."""
    return _scaled(value, spoken=False)


def spoken(value: float) -> str:
    """`1240000` is `1.24 million`; for sentences."""
    return _scaled(value, spoken=True)


def priced(text: str, unit: str) -> str:
    """A number in words with its currency code in front, the sign first."""
    if not unit or text == UNKNOWN:
        return text
    sign = MINUS if text.startswith(MINUS) else ""
    return f"{sign}{unit}{HARD_SPACE}{text.removeprefix(MINUS)}"


def amount(value: float, unit: str = "") -> str:
    """A number with its currency code in front, for sentences: `GBP 1.24 million`."""
    return priced(spoken(value), unit)


def short_amount(value: float, unit: str = "") -> str:
    """A number with its currency code in front, for tables and tiles: `GBP 1.24m`."""
    return priced(short(value), unit)


def between(values: Spread, unit: str = "") -> str:
    """`GBP 1.1 million to GBP 2.3 million`."""
    return f"{amount(values.p05, unit)} to {amount(values.p95, unit)}"


def short_between(values: Spread) -> str:
    """`1.10m to 2.30m`, or nothing where there is no interval."""
    return f"{short(values.p05)} to {short(values.p95)}" if values.has_interval else ""


def ratio(value: float) -> str:
    """A return for each unit of cost: two decimals where they say enough."""
    if not math.isfinite(value) or abs(value) < SMALL or abs(value) >= 10:
        return short(value)
    return _two_decimals(value)


def ratio_of(values: Spread) -> str:
    """The mean of a return, with no more decimals than its interval."""
    widest = max(abs(values.p05), abs(values.p95)) if values.has_interval else 0.0
    if abs(values.mean) < SMALL and widest >= 10 * SMALL:
        return _two_decimals(values.mean)
    return ratio(values.mean)


def ratio_between(values: Spread) -> str:
    """`1.10 to 2.30`, or nothing where there is no interval; an end that is small beside the
    other has no more decimals than it."""
    if not values.has_interval:
        return ""
    ends = (values.p05, values.p95)
    plain = max(abs(end) for end in ends) < 10 * SMALL
    low, high = (ratio(end) if plain or abs(end) >= SMALL else _two_decimals(end) for end in ends)
    return f"{low} to {high}"


def _two_decimals(value: float) -> str:
    text = f"{abs(value):.2f}"
    return f"{MINUS if value < 0 and text != '0.00' else ''}{text}"


def percent(share: float) -> str:
    """A share or a rate: `0.071` is `7.1 %`."""
    if not math.isfinite(share):
        return UNKNOWN
    value = 100.0 * share
    text = f"{abs(value):.1f}".removesuffix(".0") if abs(value) < 10 else f"{abs(value):,.0f}"
    if text == "100" and abs(share) < 1:  # nearly all is not all
        text = f"{abs(value):.3f}".rstrip("0").removesuffix(".")
    return f"{MINUS if value < 0 and text != '0' else ''}{text}{HARD_SPACE}%"


def measured(value: float, unit: str, currency: str = "") -> str:
    """A number by its unit: a share or a rate in per cent, money with its currency, else three
    digits that count."""
    if unit.startswith(("share", "per year", "per period", "chance", "of market value")):
        return percent(value)
    return short_amount(value, currency if unit.startswith("money") else "")


def measured_between(low: float, high: float, unit: str) -> str:
    """`30 % to 50 %`."""
    return f"{measured(low, unit)} to {measured(high, unit)}"


def styled(text: str) -> str:
    """Text from anywhere in the page's own style: `95%` is `95 %`, and `-0.94` has a minus sign."""
    spaced = re.sub(r"(?<=\d) ?%(?!\w)", f"{HARD_SPACE}%", text)
    return re.sub(r"(?<![^\s(])-(?=\d)", MINUS, spaced)


def chance(probability: float) -> str:
    """A probability from a finite number of draws: never quite nothing, never quite certain."""
    if not math.isfinite(probability):
        return UNKNOWN
    if probability < 0.01:
        return f"less than 1{HARD_SPACE}%"
    if probability > 0.99:
        return f"more than 99{HARD_SPACE}%"
    return f"{100.0 * probability:.0f}{HARD_SPACE}%"


def period_word(dates: Iterable[Any]) -> str:
    """What one step between dates is called: day, week, month, quarter, year or period."""
    days = pd.DatetimeIndex(pd.unique(pd.DatetimeIndex(pd.to_datetime(list(dates))))).sort_values()
    if len(days) < 2:
        return "period"
    step = float(np.median(np.diff(days.values).astype("timedelta64[h]").astype(float))) / 24.0
    return next((word for limit, word in _PERIODS if step <= limit), "period")


def counted(count: float, word: str) -> str:
    """`1 week`, `14 weeks`."""
    text = f"{count:,.0f}" if count == round(count) or count >= 100 else f"{count:.1f}"
    return f"{text} {word}" if text == "1" else f"{text} {word}s"


def within(periods: float, word: str) -> str:
    """A payback time: the first period, a number of periods, or that it is not reached."""
    if not math.isfinite(periods):
        return BEYOND
    return counted(periods, word) if periods > 0 else f"within the first {word}"


def date_label(date: Any, word: str) -> str:
    """A date as one names the period it starts: a year, a month, or a day."""
    stamp = pd.Timestamp(date)
    if word == "year":
        return f"{stamp:%Y}"
    return f"{stamp:%b %Y}" if word in {"month", "quarter"} else f"{stamp.day} {stamp:%b %Y}"


def plain_name(name: str) -> str:
    """A column name as a reader would write it: `net_revenue` is `net revenue`."""
    return re.sub(r"[\s_]+", " ", str(name)).strip()


def listed(names: Iterable[str], most: int = 6) -> str:
    """`tv, radio and print`; names beyond `most` are counted."""
    names = list(names)
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} others"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def wrapped(name: str, width: int = 26, lines: int = 3) -> str:
    """`name` over several lines, broken at spaces, dashes, dots and underscores where it can."""
    pieces = [
        piece[start : start + width]
        for piece in re.split(r"(?<=[\s_.\-/])", str(name))
        for start in range(0, max(len(piece), 1), width)
    ]
    rows = [""]
    for piece in pieces:
        if len(rows[-1]) + len(piece.rstrip()) > width and rows[-1]:
            rows.append("")
        rows[-1] += piece
    if len(rows) > lines:
        rows = [*rows[: lines - 1], rows[lines - 1][: width - 1] + "\N{HORIZONTAL ELLIPSIS}"]
    return "\n".join(row.strip() for row in rows)


def in_order(name: str) -> list[tuple[int, int, str]]:
    """A key by which names sort as readers count: `Geo2` before `Geo10`."""
    parts = re.split(r"(\d+)", str(name).casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]


def distinct(labels: Iterable[str]) -> list[str]:
    """The labels in order, a number added to each that stood before."""
    taken: list[str] = []
    for label in labels:
        unique, copy = label, 2
        while unique in taken:
            unique, copy = f"{label} ({copy})", copy + 1
        taken.append(unique)
    return taken
