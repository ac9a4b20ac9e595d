"""Where an experiment lies in a panel, and the media it changed.

Within the window media is changed where it ran: every geo and period of the test in proportion to
what was spent there; where nothing was, evenly over periods, and over geos by their size. A test
that is not wholly within the window is read in a steady state: each channel as it runs on average
while active, changed evenly over the periods of the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from mmm.data.experiment import Experiment
from mmm.data.panel import Panel

AGE_FACTOR = 1.25
"""What a year between test and window inflates the standard error by."""
SLACK = 1e-6
"""Rounding allowed where a cut takes all that was spent."""


@dataclass(frozen=True, slots=True)
class Tested:
    """A test in a panel. geos (g,) and channels (c,) are places in the panel; the test runs over
    periods `start` to `stop` (exclusive) and is measured to `until` (exclusive), counted from the
    first of the window. `inside`: all of it is in the window. `years`: between test and window.

    base and change (until - start, g, c): media without and by the change, in its own unit,
    where `change` is from what is recorded; `sign` is -1 where the record has the change in it.
    """

    inside: bool
    start: int
    stop: int
    until: int
    years: float
    geos: np.ndarray
    channels: np.ndarray
    base: np.ndarray
    change: np.ndarray
    sign: float

    @property
    def age_factor(self) -> float:
        return AGE_FACTOR**self.years


def inflated_error(test: Experiment, tested: Tested) -> float:
    """Standard error of the lift with what mismatch and age add to it."""
    return test.standard_error * test.mismatch * tested.age_factor


def period_of(panel: Panel, day: date) -> int:
    """The period that holds `day`, from the first of the window: negative before it."""
    dates, stamp = panel.dates, pd.Timestamp(day)
    length = (dates[-1] - dates[0]).days / max(1, len(dates) - 1)
    if stamp < dates[0]:
        before = 2 + int((dates[0] - stamp).days / length * 1.2)
        grid = pd.date_range(end=dates[0], periods=before + 1, freq=panel.frequency)
        return _upto(grid, day) - 1 - before
    if stamp >= panel.future_dates(1)[0]:
        after = 2 + int((stamp - dates[-1]).days / length * 1.2)
        grid = panel.future_dates(after)
        return len(dates) + _upto(grid, day) - 1
    return _upto(dates, day) - 1


def _upto(dates: pd.DatetimeIndex, day: date) -> int:
    """How many of `dates` are not after `day`."""
    return int(np.count_nonzero(dates.values <= np.datetime64(day)))


def media_tested(test: Experiment, panel: Panel) -> Tested:
    """The place of `test` in `panel` and the media it changed.

    Raises `ValueError` where more is taken away than was spent.
    """
    start, end, last = (period_of(panel, day) for day in (test.start, test.end, test.until))
    periods = len(panel.dates)
    inside = start >= 0 and last < periods
    gap = max(0, -last, start - periods + 1)
    geos = np.array([panel.geos.index(name) for name in test.geos or panel.geos])
    channels = np.array([panel.channels.index(name) for name in test.channels])
    grid = np.ix_(range(periods), geos, channels)
    media, spend = (panel.dataset[name].values[grid] for name in ("media", "spend"))
    prices = np.array(test.prices)
    paid = panel.dataset["spend"].values[:, :, channels].sum(axis=(0, 1)) > 0
    money = np.where(paid, spend, media * prices)
    sign = -1.0 if test.in_data else 1.0
    change, span = sign * test.spend_change, slice(start, end + 1)
    length = end + 1 - start
    shape = (last + 1 - start, len(geos), len(channels))
    if inside:
        base, moved = media[start : last + 1], np.zeros(shape)
        moved[:length] = _changed(change, media[span], money[span], prices, _sizes(panel, geos))
    else:
        active = np.maximum((media > 0).sum(axis=0), 1)
        steady, worth = media.sum(axis=0) / active, money.sum(axis=0) / active
        each = change / length
        if worth.sum() < -each:  # at least what was cut was spent then
            steady = _changed(-each, steady[None], worth[None], prices, _sizes(panel, geos))[0]
            worth = steady * prices
        base, moved = np.tile(steady, (shape[0], 1, 1)), np.zeros(shape)
        moved[:length] = _changed(each, steady[None], worth[None], prices, _sizes(panel, geos))
    return Tested(
        inside, start, end + 1, last + 1, gap / panel.periods_per_year, geos, channels, base,
        np.maximum(moved, -base), sign,
    )  # fmt: skip


def _changed(
    change: float, media: np.ndarray, money: np.ndarray, prices: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """The change of media (N, g, c) that `change` of money makes."""
    spent = money.sum()
    ran = spent > 0 and media.sum() > 0
    if change < -(1.0 + SLACK) * (spent if ran else 0.0):
        raise ValueError(f"{-change:,.6g} cannot be taken from the {spent:,.6g} that was spent")
    if ran:
        return media * (change / spent)
    part = np.broadcast_to(sizes[None, :, None], media.shape)
    return change * part / part.sum() / prices


def _sizes(panel: Panel, geos: np.ndarray) -> np.ndarray:
    """Size of the geos, population where it is known, (g,)."""
    data = panel.dataset
    if "population" in data:
        return data["population"].values[geos]
    return data["outcome"].values[:, geos].mean(axis=0)
