"""From the records a study names to the lags its model starts from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmm.config import Channel, Study
from mmm.config import Path as Route
from mmm.config.lag import STATED_WITHIN, Lag
from mmm.data.panel import Panel
from mmm.data.records import FEWEST, Records, State, load_records
from mmm.dims import DAYS_PER_WEEK
from mmm.errors import Finding, Severity
from mmm.transforms.lag_records import Estimate, LagEstimate, estimate_lag
from mmm.transforms.parameter import Z90

LEAST_FACTOR = 1.1
"""Thousands of records make an interval of next to nothing; but dates are entered late, and what
marketing opens is not the average opportunity."""
MISFIT = 0.1
"""Gap between family and records, over the rate, from which a lag counts as no better known than
from memory."""
BETTER = 10.0
"""Log-likelihood by which the other family is better enough to say so."""


@dataclass(frozen=True, slots=True)
class RecordedLag:
    """A lag that records tell: whose it is, by the stated family, by the other one, by group, and
    the mean value of what was won. `lag` states it in periods."""

    owner: str
    estimate: LagEstimate
    other: LagEstimate
    groups: tuple[tuple[str, LagEstimate], ...]
    value: Estimate | None
    lag: Lag

    @property
    def conversion(self) -> tuple[float, float]:
        """90 % interval of the chance that an opportunity is ever won, the share seen to be won
        so far within it."""
        rate, seen = self.estimate.rate, float(self.estimate.observed.won[-1])
        return min(rate.low, seen), max(rate.high, seen)


@dataclass(frozen=True, slots=True)
class EstimatedLags:
    """A study whose lags are all stated in numbers, what they were estimated from, findings."""

    study: Study
    lags: tuple[RecordedLag, ...] = ()
    findings: tuple[Finding, ...] = ()


def estimate_lags(study: Study, panel: Panel, base: Path) -> EstimatedLags:
    """`study` with the lag of every channel and path that names records estimated from them.

    Files are relative to the directory `base`. Raises `InputError` for records that are wrong or
    say too little.
    """
    period = panel.weeks_per_period * DAYS_PER_WEEK
    found: list[RecordedLag] = []
    findings: list[Finding] = []

    def told[Owner: (Channel, Route)](owner: Owner) -> Owner:
        if not (owner.lag and owner.lag.records):
            return owner
        lag, more = recorded_lag(owner.lag, owner.name, base, period)
        found.append(lag)
        findings.extend(more)
        return owner.model_copy(update={"lag": lag.lag})

    parts = {
        "channels": tuple(told(channel) for channel in study.channels),
        "paths": tuple(told(path) for path in study.paths),
    }
    if not found:
        return EstimatedLags(study)
    return EstimatedLags(study.model_copy(update=parts), tuple(found), tuple(findings))


def recorded_lag(
    lag: Lag, owner: str, base: Path, days_per_period: float
) -> tuple[RecordedLag, tuple[Finding, ...]]:
    """The lag that `lag.records` tell, of the channel or stage `owner`; and findings."""
    assert lag.records is not None
    records, findings = load_records(lag.records, base)
    estimate = estimate_lag(records, lag.family)
    other = estimate_lag(records, "lognormal" if lag.family == "gamma" else "gamma")
    groups = tuple(
        (name, estimate_lag(part, lag.family))
        for name in sorted(set(records.group.tolist()))
        if name and (part := records.of_group(name)).state.tolist().count(State.WON) >= FEWEST
    )
    found = RecordedLag(
        owner, estimate, other, groups, _value(records), stated(estimate, days_per_period)
    )
    return found, (*findings, *_judged(records, found))


def stated(estimate: LagEstimate, days_per_period: float) -> Lag:
    """The estimate as a study file would state it, in periods.

    Intervals hold those of the estimate, `LEAST_FACTOR` both ways and the median seen without a
    family; where family and records part by `MISFIT`, `STATED_WITHIN` both ways.
    """
    factor = LEAST_FACTOR if estimate.distance <= MISFIT else STATED_WITHIN

    def widened(one: Estimate, *more: float) -> tuple[float, float]:
        ends = (one.low, one.high, one.value / factor, one.value * factor, *more)
        return min(ends), max(ends)

    seen = max(estimate.observed.median, 0.5)
    low, high = (end / days_per_period for end in widened(estimate.median, seen))
    median = estimate.median.value / days_per_period
    return Lag(
        median=median,
        max=max(estimate.longest / days_per_period, 1.05 * median),
        family=estimate.family,
        median_interval=(low, high),
        spread_interval=widened(estimate.spread),
    )


def _value(records: Records) -> Estimate | None:
    values = records.value[~np.isnan(records.value)]
    if not len(values):
        return None
    mean, half = float(values.mean()), Z90 * float(values.std(ddof=1)) / len(values) ** 0.5
    return Estimate(mean, mean - half, mean + half)


def _judged(records: Records, found: RecordedLag) -> Iterator[Finding]:
    one, other = found.estimate, found.other
    where = f"{records.name}: lag of '{found.owner}'"
    better = other.log_likelihood - one.log_likelihood
    if one.distance > MISFIT:
        yield Finding(
            "lag_misfit",
            Severity.WARNING,
            where,
            f"the {one.family} lag and the records part by {one.distance:.0%} of all that are "
            f"won: by the family half are won after {one.median.value:.0f} days, in the records "
            f"after {one.observed.median:.0f}.",
            "Look at the chart: where there are two kinds of opportunity, give each a channel or "
            "stage with its own records. The interval of the lag is widened meanwhile.",
        )
    if better > BETTER:
        yield Finding(
            "lag_family",
            Severity.INFO,
            where,
            f"a {other.family} lag fits the records better (log-likelihood higher by "
            f"{better:.0f}).",
            f"Consider 'family: {other.family}'.",
        )
    old = int(((records.state == State.OPEN) & (records.days > one.longest)).sum())
    if old:
        yield Finding(
            "records_never_closed",
            Severity.INFO,
            where,
            f"{old} of {one.still_open} open records are older than {one.longest:.0f} days, by "
            "which nearly all that are ever won are won; "
            f"{one.never:.0%} of all are taken never to be closed.",
            "Close what is dead in the records, so that open means open.",
        )


def lags_table(lags: tuple[RecordedLag, ...]) -> pd.DataFrame:
    """`lags.csv`: of each lag the family used, the other one, then each group; times in days."""
    rows = []
    for lag in lags:
        rows.append(_row(lag.owner, "", lag.estimate, used=True))
        rows.append(_row(lag.owner, "", lag.other, used=False))
        rows += [_row(lag.owner, name, estimate, used=False) for name, estimate in lag.groups]
    return pd.DataFrame(rows)


def _row(owner: str, group: str, one: LagEstimate, *, used: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "owner": owner, "group": group, "family": one.family, "used": used,
        "opened": one.opened, "won": one.won, "lost": one.lost, "open": one.still_open,
    }  # fmt: skip
    for name in ("rate", "median", "spread"):
        estimate: Estimate = getattr(one, name)
        columns |= {
            name: estimate.value, f"{name}_p05": estimate.low, f"{name}_p95": estimate.high
        }  # fmt: skip
    return columns | {
        "longest": one.longest,
        "never": one.never,
        "observed_median": one.observed.median,
        "distance": one.distance,
        "log_likelihood": one.log_likelihood,
    }


def lag_curves(lags: tuple[RecordedLag, ...]) -> pd.DataFrame:
    """Share of opportunities won by each day: owner, days, observed, low, high, and by the family
    used (fitted) and the other one (other)."""
    frames = [
        pd.DataFrame(
            {
                "owner": lag.owner,
                "family": lag.estimate.family,
                "days": lag.estimate.observed.days,
                "observed": lag.estimate.observed.won,
                "low": lag.estimate.observed.low,
                "high": lag.estimate.observed.high,
                "fitted": lag.estimate.fitted,
                "other": lag.other.fitted,
            }
        )
        for lag in lags
    ]
    return pd.concat(frames, ignore_index=True)
