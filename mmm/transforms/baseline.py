"""Baseline bases along time: trend ramps, Fourier seasonality, holiday counts.

Pure functions of dates; their coefficients are Gaussian and integrated out by the model.
"""

from __future__ import annotations

import holidays
import numpy as np
import pandas as pd

from mmm.dims import DAYS_PER_YEAR


def trend_ramps(index: np.ndarray, periods: int, knots: int) -> np.ndarray:
    """Ramps that add up to a continuous piecewise-linear random walk, (len(index), n).

    Ramp k rises from 0 to 1 over the k-th of `knots` equal spans of the window 0 to
    `periods` - 1. An index past the window adds ramps of the same length, so a forecast
    goes on walking instead of freezing.
    """
    span = (periods - 1) / knots
    last = float(index.max()) if len(index) else 0.0
    extra = max(0, int(np.ceil((last - (periods - 1)) / span - 1e-9)))
    starts = span * np.arange(knots + extra)
    return np.clip((index[:, None] - starts[None, :]) / span, 0.0, 1.0)


def fourier(dates: pd.DatetimeIndex, pairs: int) -> np.ndarray:
    """Sine and cosine of 1 to `pairs` cycles a year, (len(dates), 2 * pairs), by calendar day."""
    since = (dates - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=1)
    phase = 2 * np.pi * np.asarray(since, dtype=float) / DAYS_PER_YEAR
    columns = [f(k * phase) for k in range(1, pairs + 1) for f in (np.sin, np.cos)]
    return np.stack(columns, axis=1) if columns else np.empty((len(dates), 0))


def holiday_counts(starts: pd.DatetimeIndex, end: pd.Timestamp, country: str) -> pd.DataFrame:
    """Days of each public holiday within each period, (len(starts), holidays named).

    Periods run from each start up to the next one, the last up to `end` (exclusive).
    `country` is a code of the `holidays` package, with a subdivision after a dash.
    """
    code, _, subdivision = country.partition("-")
    edges = [*starts, end]
    years = range(starts[0].year, end.year + 1)
    calendar = holidays.country_holidays(code, subdiv=subdivision or None, years=years)
    frame = pd.DataFrame(
        [
            (pd.Timestamp(day), name.removesuffix(" (observed)").strip())
            for day, label in sorted(calendar.items())
            for name in label.split(";")
        ],
        columns=["day", "name"],
    )
    period = np.searchsorted(np.asarray(edges), frame["day"].to_numpy(), side="right") - 1
    frame = frame[(period >= 0) & (period < len(starts))].assign(
        period=period[(period >= 0) & (period < len(starts))]
    )
    counts = frame.groupby(["period", "name"]).size().unstack(fill_value=0)
    return counts.reindex(range(len(starts)), fill_value=0).astype(float).set_axis(starts)
