"""What a geo experiment measured: lift and its standard error from outcomes by geo and date.

`geo_regression` compares geos (Vaver and Koehler, 2011, "Measuring ad effectiveness using geo
experiments", eq. 1 and 2): with y0 and y1 a geo's outcome before and from the test's start on, and
d the change of its spending, 0 in control geos,

    y1_i = b0 + b1 y0_i + b2 d_i + e_i,   weights 1 / y0_i^p,   lift = b2 sum_i d_i.

The paper has p = 1, noise whose variance grows with size; the authors' later package has p = 2,
noise in proportion to size. The standard error is the delete-one jackknife over geos (Efron and
Tibshirani, 1993, "An introduction to the bootstrap", eq. 11.5), which holds whatever p is right.

`time_regression` compares dates (Kerman, Wang and Vaver, 2017, "Estimating ad effectiveness using
geo experiments in a time-based regression framework"): treated geos together, y_t, are regressed on
control geos together, x_t, over the dates before; the lift is what is seen above that line from
the test's start on, its standard error that of a sum of predictions, with noise of single dates
taken as independent. It is for few treated geos.

Both ask that treatment was assigned at random, or as good as, and moved no control geo.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from mmm.data.evidence import BETWEEN
from mmm.data.parse import parse_dates
from mmm.errors import InputError, did_you_mean, input_error

CHECK = "geo_experiment"
FEWEST_GEOS = 4
"""Treated and control geos each, below which geos cannot be compared one by one."""
FEWEST_DATES = 4
"""Dates before the test, below which no line through them says anything."""
Method = Literal["geo_regression", "time_regression"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A lift, its standard error and the degrees of freedom of the latter."""

    lift: float
    standard_error: float
    freedom: int


@dataclass(frozen=True, slots=True)
class GeoLift:
    """What an experiment measured. `lift` in units of outcome, caused in the treated `geos` from
    `start` to `until`; `spend_change` in money, both over all of them together."""

    method: Method
    geos: tuple[str, ...]
    start: dt.date
    end: dt.date
    until: dt.date
    spend_change: float
    lift: float
    standard_error: float
    freedom: int

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Central interval of the lift by Student's t."""
        half = float(stdtrit(self.freedom, 0.5 + level / 2)) * self.standard_error
        return self.lift - half, self.lift + half

    def experiment(self, channel: str, *, name: str = "", in_data: bool = False) -> pd.DataFrame:
        """One row of the table of experiments of a study. `in_data` says that the study's
        spending has the change in it: the study then spans the test."""
        return pd.DataFrame(
            [
                {
                    "name": name or f"{channel} {self.start:%Y-%m-%d}",
                    "channel": channel,
                    "geos": BETWEEN.join(self.geos),
                    "start": self.start.isoformat(),
                    "end": self.end.isoformat(),
                    "measured_until": self.until.isoformat(),
                    "spend_change": self.spend_change,
                    "lift": self.lift,
                    "standard_error": self.standard_error,
                    "in_data": str(in_data).lower(),
                }
            ]
        )


def geo_regression(
    before: np.ndarray, after: np.ndarray, change: np.ndarray, power: float = 1.0
) -> Estimate:
    """The lift from outcomes before and from the start on, and changes of spending, all (G,), of
    geos whose noise has a variance in proportion to `before` to the `power`."""

    def lift(kept: np.ndarray) -> float:
        root = before[kept] ** (-0.5 * power)
        columns = np.stack([np.ones(kept.sum()), before[kept], change[kept]], axis=1)
        found = np.linalg.lstsq(columns * root[:, None], after[kept] * root, rcond=None)[0]
        # all of the change counts, that of a geo left out too
        return float(found[2] * change.sum())

    geos = len(before)
    every = np.ones(geos, dtype=bool)
    each = np.array([lift(np.arange(geos) != g) for g in range(geos)])
    spread = (geos - 1) / geos * ((each - each.mean()) ** 2).sum()
    return Estimate(lift(every), float(np.sqrt(spread)), geos - 3)


def time_regression(treated: np.ndarray, control: np.ndarray, starts: int, stops: int) -> Estimate:
    """The lift in dates `starts` to `stops` (exclusive) of `treated`, given `control`, both (T,),
    from the line through the dates before."""
    x = np.stack([np.ones(len(control)), control], axis=1)
    early, late = x[:starts], x[starts:stops]
    line, *_ = np.linalg.lstsq(early, treated[:starts], rcond=None)
    noise = treated[:starts] - early @ line
    freedom = starts - 2
    variance = float(noise @ noise) / freedom
    whole = late.sum(axis=0)
    of_line = float(whole @ np.linalg.pinv(early.T @ early) @ whole)
    lift = float((treated[starts:stops] - late @ line).sum())
    return Estimate(lift, float(np.sqrt(variance * (len(late) + of_line))), freedom)


def estimate_geo_lift(
    frame: pd.DataFrame,
    *,
    date: str,
    geo: str,
    outcome: str,
    treated: Collection[str],
    start: str | dt.date,
    end: str | dt.date,
    spend: str | None = None,
    spend_change: float | None = None,
    measured_until: str | dt.date | None = None,
    since: str | dt.date | None = None,
    method: Method = "geo_regression",
    noise_power: float = 1.0,
    missing_is_zero: bool = False,
) -> GeoLift:
    """What a geo experiment measured, from a frame with a row a geo and date.

    `treated` names geos; all others are control. The test runs from `start` to `end`, outcome
    counts until `measured_until` (left out, `end`), and dates from `since` (left out, the first)
    to the start are those before. The change of spending is what treated geos spent less what
    they would have: their spending before, times how spending of control geos moved. Or it is
    stated as `spend_change`, in all, and taken to be spread over geos by their outcome. Rows that
    are not there are refused unless `missing_is_zero` says that nothing happened then.

    With `noise_power` the variance of a geo's noise grows as that power of its outcome
    (`geo_regression` alone).

    Raises `InputError` where the frame is not a whole panel, names are unknown, dates do not fit,
    or geos or dates are too few.
    """
    grid = {"outcome": _panel(frame, date, geo, outcome, missing_is_zero)}
    if spend is not None:
        grid["spend"] = _panel(frame, date, geo, spend, missing_is_zero)
    elif spend_change is None:
        raise _refused("spending", "how much it was changed by is not known.",
                       "Name the column 'spend', or state 'spend_change'.")  # fmt: skip
    dates = pd.DatetimeIndex(grid["outcome"].index)
    geos = list(grid["outcome"].columns)
    chosen = _treated(treated, geos)
    span = _span(dates, start, end, measured_until, since)
    before, during = span
    rows = {name: (part.values[before], part.values[during]) for name, part in grid.items()}
    early = rows["outcome"][0].sum(axis=0)
    change = np.zeros(len(geos))
    if spend_change is not None:
        change[chosen] = spend_change * early[chosen] / early[chosen].sum()
    else:
        change[chosen] = _spend_change(*(part.sum(axis=0) for part in rows["spend"]), chosen)
    if not change.sum():
        raise _refused("spending", "it was not changed, so nothing was tested.",
                       "Check the treated geos and the dates.")  # fmt: skip
    found = _estimate(method, grid["outcome"], chosen, span, change, noise_power)
    return GeoLift(
        method=method,
        geos=tuple(str(name) for name, on in zip(geos, chosen, strict=True) if on),
        start=dates[during.start].date(),
        end=_day(end),
        until=_day(measured_until or end),
        spend_change=float(change.sum()),
        lift=found.lift,
        standard_error=found.standard_error,
        freedom=found.freedom,
    )


def _estimate(
    method: Method, outcome: pd.DataFrame, chosen: np.ndarray, span: tuple[slice, slice],
    change: np.ndarray, power: float,
) -> Estimate:  # fmt: skip
    before, during = span
    if method == "time_regression":
        values = outcome.values[before.start : during.stop]
        starts, stops = before.stop - before.start, during.stop - before.start
        return time_regression(
            values[:, chosen].sum(axis=1), values[:, ~chosen].sum(axis=1), starts, stops
        )
    fewest = min(int(chosen.sum()), int((~chosen).sum()))
    if fewest < FEWEST_GEOS:
        raise _refused("geos", f"{fewest} treated or control geos are too few to compare one by "
                       f"one; {FEWEST_GEOS} of each are needed.",
                       "Use method='time_regression'.")  # fmt: skip
    early, late = (outcome.values[part].sum(axis=0) for part in span)
    empty = [str(name) for name, level in zip(outcome.columns, early, strict=True) if level <= 0]
    if empty:
        raise _refused("geos", f"the outcome before the test is nothing in {', '.join(empty)}.",
                       "Leave these geos out.")  # fmt: skip
    return geo_regression(early, late, change, power)


def _spend_change(before: np.ndarray, after: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Spending of treated geos less what it would have been, from spending (G,) of all."""
    base, moved = float(before[~chosen].sum()), float(after[~chosen].sum())
    if not before[chosen].any():
        return after[chosen]
    if not base > 0:
        raise _refused("spending", "treated geos spent before the test and control geos did not, "
                       "so what treated geos would have spent is not known.",
                       "State 'spend_change'.")  # fmt: skip
    return after[chosen] - before[chosen] * (moved / base)


def _panel(
    frame: pd.DataFrame, date: str, geo: str, column: str, missing_is_zero: bool
) -> pd.DataFrame:
    """A column by date and geo, dates in order."""
    for name in (date, geo, column):
        if name not in frame.columns:
            raise _refused(f"column '{name}'", "there is no such column.",
                           did_you_mean(name, map(str, frame.columns)))  # fmt: skip
    read = parse_dates(frame[date].reset_index(drop=True))
    if read.problems:
        row, problem = next(iter(read.problems.items()))
        raise _refused(f"column '{date}', row {row + 1}", f"{problem}.",
                       "Write dates as 2024-01-29.")  # fmt: skip
    keys = pd.DataFrame({"date": read.values, "geo": frame[geo].astype(str).to_numpy()})
    if keys.duplicated().any():
        first = keys[keys.duplicated()].iloc[0]
        raise _refused(f"geo '{first['geo']}', {first['date']:%Y-%m-%d}", "there are two rows.",
                       "Add them up first.")  # fmt: skip
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise _refused(f"column '{column}', row {bad[0] + 1}", "this is not a number.",
                       "Give a plain number such as 1234.5.")  # fmt: skip
    wide = keys.assign(value=values).pivot(index="date", columns="geo", values="value")
    if missing_is_zero:
        wide = wide.fillna(0.0)
    if not np.isfinite(wide.to_numpy()).all():
        row, place = np.argwhere(~np.isfinite(wide.to_numpy()))[0]
        where = f"column '{column}', geo '{wide.columns[place]}', {wide.index[row]:%Y-%m-%d}"
        raise _refused(where, "there is no such row.", "Give every geo a row on every date, or "
                       "say that 'missing_is_zero'.")  # fmt: skip
    return wide.sort_index()


def _treated(treated: Collection[str], geos: list[str]) -> np.ndarray:
    names = [str(name) for name in treated]
    for name in names:
        if name not in geos:
            raise _refused(f"treated geo '{name}'", "there is no such geo.",
                           did_you_mean(name, geos))  # fmt: skip
    chosen = np.isin(geos, names)
    if chosen.all() or not chosen.any():
        raise _refused("treated geos", "some geos must be treated and some not.",
                       "Name those in which spending was changed.")  # fmt: skip
    return chosen


def _span(
    dates: pd.DatetimeIndex, start: str | dt.date, end: str | dt.date, until: str | dt.date | None,
    since: str | dt.date | None,
) -> tuple[slice, slice]:  # fmt: skip
    """Places of the dates before the test, and of those from its start on."""
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    final = last if until is None else pd.Timestamp(until)
    begins = dates[0] if since is None else pd.Timestamp(since)
    if not begins < first <= last <= final:
        raise _refused("dates", "they do not follow each other: since, start, end, measured_until.",
                       "Correct one of them.")  # fmt: skip
    places = [int(np.count_nonzero(dates < day)) for day in (begins, first)]
    stop = int(np.count_nonzero(dates <= final))
    if first < dates[0] or final > dates[-1] + (dates[-1] - dates[-2]):
        raise _refused("dates", f"the data is from {dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}.",
                       "Correct the dates of the test, or add data.")  # fmt: skip
    if places[1] - places[0] < FEWEST_DATES or stop <= places[1]:
        raise _refused("dates", f"{places[1] - places[0]} dates before the test are too few; "
                       f"{FEWEST_DATES} are needed.", "Add history.")  # fmt: skip
    return slice(*places), slice(places[1], stop)


def _day(given: str | dt.date) -> dt.date:
    return given if isinstance(given, dt.date) else dt.date.fromisoformat(given)


def _refused(where: str, message: str, remedy: str) -> InputError:
    return input_error(CHECK, f"geo experiment: {where}", message, remedy)
