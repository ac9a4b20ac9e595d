"""How checks word what they find."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mmm.data.observations import Observations
from mmm.errors import Finding, Severity

_SHOWN = 5


def error(check: str, where: str, message: str, remedy: str) -> Finding:
    return Finding(check, Severity.ERROR, where, message, remedy)


def warning(check: str, where: str, message: str, remedy: str) -> Finding:
    return Finding(check, Severity.WARNING, where, message, remedy)


def some(items: Iterable[object]) -> str:
    """The first few of a list, and how many more there are."""
    items = [str(item) for item in items]
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def count(number: int, noun: str) -> str:
    """`1 date is`, `3 dates are`."""
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"


def at_rows(
    observations: Observations, check: str, column: str, bad: np.ndarray, message: str, remedy: str
) -> Finding:
    """One error for all bad rows of a column: `where` is the first, the message names the rest."""
    rows = np.flatnonzero(bad)
    if len(rows) > 1:
        names = some(observations.label(int(row)) for row in rows[1:])
        message = f"{message.rstrip('.')}; so in {names}."
    return error(check, observations.place(column, int(rows[0])), message, remedy)


def sentence(text: str) -> str:
    """`did you mean ...?` as a sentence of its own."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?")) else f"{text}."


def dates(values: pd.DatetimeIndex) -> str:
    """The first few dates, as 2024-01-29."""
    return some(f"{value:%Y-%m-%d}" for value in values)
