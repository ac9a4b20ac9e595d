"""Costs beyond the channels' own, dated: when they are paid, and when tax takes note of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.cash.value import Floats
from mmm.config.finance import CostKind, CostLine
from mmm.dims import DAYS_PER_YEAR

UNEVEN = 0.1
"""How far a calendar period may be from the mean length of one."""


@dataclass(frozen=True, slots=True)
class DatedCost:
    """One cost line over P periods: `due` (P,) when it falls due, `paid` (P,) money out,
    `written_off` (P,) for tax.

    `sunk` was paid before the first period and `later` falls due after the last: neither counts.
    """

    name: str
    kind: CostKind
    due: Floats
    paid: Floats
    written_off: Floats
    sunk: float
    later: float


def dated_costs(
    lines: Sequence[CostLine], dates: pd.DatetimeIndex, periods_per_year: float, delay: int = 0
) -> tuple[DatedCost, ...]:
    """`lines` over the periods of `dates` (P,), each paid `delay` periods after it falls due, and
    in the last period what is then still owed.

    What is paid at once is written off evenly over the line's periods, what is paid evenly as it
    is paid. The write-off of money that is sunk goes on either way, so it is left out too.
    """
    return tuple(_dated(line, dates, periods_per_year, delay) for line in lines)


def _dated(
    line: CostLine, dates: pd.DatetimeIndex, periods_per_year: float, delay: int
) -> DatedCost:
    first = _period_of(line, dates, periods_per_year)
    part = line.amount / line.periods
    use = first + np.arange(line.periods)
    if line.paid_at_start:
        due, amounts = np.array([first]), np.array([line.amount])
        written = use if first >= 0 else use[:0]
    else:
        due, amounts, written = use, np.full(line.periods, part), use[use >= 0]
    fresh = due >= 0
    owed = _placed(due[fresh], amounts[fresh], len(dates))
    return DatedCost(
        line.name,
        line.kind,
        due=owed,
        paid=paid_late(owed, delay),
        written_off=_placed(written, np.full(len(written), part), len(dates)),
        sunk=float(amounts[~fresh].sum()),
        later=float(amounts[due >= len(dates)].sum()),
    )


def paid_late(due: Floats, delay: int) -> Floats:
    """What falls `due` (P,), paid `delay` periods later; in the last period all that is owed."""
    last = len(due) - 1
    when = np.minimum(np.arange(len(due)) + delay, last)
    return np.bincount(when, weights=due, minlength=len(due))


def _period_of(line: CostLine, dates: pd.DatetimeIndex, periods_per_year: float) -> int:
    """The period that the line starts in; negative before the first, past the last after it."""
    if line.start is None:
        return 0
    start = pd.Timestamp(line.start)
    days = DAYS_PER_YEAR / periods_per_year
    if start < dates[0]:
        return -max(1, int(np.ceil((dates[0] - start).days / days - UNEVEN)))
    after = (start - dates[-1]).days / days + UNEVEN
    if after >= 1:
        return len(dates) - 1 + int(after)
    return int(np.searchsorted(dates.values, start.to_datetime64(), side="right")) - 1


def _placed(periods: np.ndarray, amounts: np.ndarray, length: int) -> Floats:
    inside = periods < length
    return np.bincount(periods[inside], weights=amounts[inside], minlength=length)
