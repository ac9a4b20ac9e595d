"""Whether the data can show that a channel's effectiveness moves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mmm.config.channel import Channel
from mmm.data.checks.finding import some, warning
from mmm.data.checks.study import MIN_PERIODS, is_yearly
from mmm.data.observations import Observations
from mmm.dims import DAYS_PER_WEEK
from mmm.errors import Finding

MIN_WEEKS = 52
MIN_QUARTERS = 4
STEADY = 0.1
"""Below this coefficient of variation, spend is as good as constant."""


def movement_has_time(observations: Observations) -> Iterator[Finding]:
    """About a year of periods shorter than a year."""
    moving = _moving(observations)
    dates = _dates(observations)
    if not moving or dates is None:
        return
    names = some(channel.name for _, channel in moving)
    where = f"study '{observations.study.study}': channels[{moving[0][0]}].time_varying"
    if is_yearly(dates):
        yield warning(
            "moving_yearly",
            where,
            f"yearly data hardly tells a change in the effectiveness of {names} from the trend.",
            "Leave 'time_varying' out, or use shorter periods such as weeks.",
        )
    elif _weeks(dates) < MIN_WEEKS:
        yield warning(
            "moving_short",
            where,
            f"{_weeks(dates)} weeks of data hardly show a change in the effectiveness of {names}; "
            f"about {MIN_WEEKS} are needed.",
            "Leave 'time_varying' out, or add history.",
        )


def movement_is_seen(observations: Observations) -> Iterator[Finding]:
    """A channel that moves is active in four quarters or more, and its spend varies."""
    dates, keys = _dates(observations), observations.keys
    if dates is None or keys is None or is_yearly(dates) or _weeks(dates) < MIN_WEEKS:
        return
    quarters = keys.dates.to_period("Q")
    for _, channel in _moving(observations):
        values = observations.clean(channel.media_column)
        if values is None or not observations.varies(values):
            continue
        active = int(quarters[values > 0].nunique())
        where = observations.place(channel.media_column)
        if active < MIN_QUARTERS:
            yield warning(
                "moving_rarely_active",
                where,
                f"channel '{channel.name}' is time-varying but active in {active} of "
                f"{quarters.nunique()} quarters; {MIN_QUARTERS} are needed to see it move.",
                "Leave 'time_varying' out for this channel.",
            )
            continue
        means = (np.bincount(keys.codes, weights=values) / np.bincount(keys.codes))[keys.codes]
        relative = keys.within(values)[means > 0] / means[means > 0]
        variation = float(np.sqrt(np.mean(relative**2)))
        if variation < STEADY:
            yield warning(
                "moving_steady",
                where,
                f"channel '{channel.name}' is time-varying but hardly varies itself "
                f"({variation:.0%} around its mean), so a change in its effectiveness looks "
                "like a change in the baseline.",
                "Leave 'time_varying' out for this channel, or vary it by design.",
            )


def something_stands_still(observations: Observations) -> Iterator[Finding]:
    """Where everything may move, each channel can take up what another did."""
    channels = observations.study.channels
    if len(channels) > 1 and all(channel.time_varying for channel in channels):
        yield warning(
            "all_moving",
            f"study '{observations.study.study}': channels",
            f"all {len(channels)} channels are time-varying, and the data can hardly tell which "
            "of them moved.",
            "Keep 'time_varying' for the one or two channels known to have changed.",
        )


def _moving(observations: Observations) -> list[tuple[int, Channel]]:
    channels = enumerate(observations.study.channels)
    return [(index, channel) for index, channel in channels if channel.time_varying]


def _dates(observations: Observations) -> pd.DatetimeIndex | None:
    """The dates, once each and in order; None where too few is already the finding."""
    known = observations.known_dates
    dates = None if known is None else known.unique().sort_values()
    return dates if dates is not None and len(dates) >= MIN_PERIODS else None


def _weeks(dates: pd.DatetimeIndex) -> int:
    """Weeks from the first period's start to the last one's end, rounded."""
    days = (dates[-1] - dates[0]).days * len(dates) / (len(dates) - 1)
    return round(days / DAYS_PER_WEEK)


CHECKS = (movement_has_time, movement_is_seen, something_stands_still)
