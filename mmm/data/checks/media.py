"""Channels whose effect can be told from the baseline, from controls and from each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from mmm.data.checks.finding import error, warning
from mmm.data.checks.levels import exposure_change
from mmm.data.observations import Observations
from mmm.errors import Finding

COLLINEAR = 0.9
RARELY_ACTIVE = 0.05
UNRELATED = 0.2


def channel_varies(observations: Observations) -> Iterator[Finding]:
    """An all-zero channel did nothing; a constant one is part of the baseline."""
    for channel in observations.study.channels:
        values = observations.clean(channel.media_column)
        if values is None:
            continue
        where = observations.place(channel.media_column)
        if not values.any():
            yield error(
                "all_zero",
                where,
                f"channel '{channel.name}' is 0 on every date, so it has no effect to measure.",
                "Drop the channel, or name the column that holds its activity.",
            )
        elif not observations.varies(values):
            yield error(
                "constant_channel",
                where,
                f"channel '{channel.name}' never changes ({values[0]:g} on every date), so its "
                "effect cannot be told from the baseline.",
                "Drop the channel, or use data in which it changes.",
            )


def channel_active(observations: Observations) -> Iterator[Finding]:
    """A channel that is nearly always off is known from a handful of periods."""
    dates = observations.known_dates
    if dates is None:
        return
    periods = dates.nunique()
    for channel in observations.study.channels:
        values = observations.clean(channel.media_column)
        if values is None:
            continue
        active = dates[values > 0].unique()
        if 0 < len(active) < RARELY_ACTIVE * periods:
            yield warning(
                "rarely_active",
                f"{observations.place(channel.media_column)}, {active.min():%Y-%m-%d}",
                f"channel '{channel.name}' is active in {len(active)} of {periods} periods.",
                "Expect its prior to lead; merge it with a like channel or run an experiment.",
            )


def spend_meets_exposure(observations: Observations) -> Iterator[Finding]:
    """Money and exposure come together."""
    for channel in observations.study.channels:
        spend, exposure = observations.clean(channel.spend), observations.clean(channel.exposure)
        if channel.spend is None or spend is None or exposure is None:
            continue
        for one, other, bad in (
            ("spend", "exposure", (spend > 0) & (exposure == 0)),
            ("exposure", "spend", (exposure > 0) & (spend == 0)),
        ):
            if not bad.any():
                continue
            rows = np.flatnonzero(bad)
            if observations.known_dates is not None:
                rows = rows[np.argsort(observations.known_dates[rows], kind="stable")]
            column = channel.spend if one == "spend" else channel.exposure
            yield warning(
                f"{one}_without_{other}",
                observations.place(column or "", int(rows[0])),
                f"channel '{channel.name}' has {one} without {other} in {len(rows)} of "
                f"{len(observations)} rows, first here.",
                "Check the join of the two sources and the date each books on.",
            )


def exposure_follows_spend(observations: Observations) -> Iterator[Finding]:
    """Exposure that has nothing to do with spend is likely another channel's."""
    keys = observations.keys
    if keys is None:
        return
    for channel in observations.study.channels:
        spend, exposure = observations.clean(channel.spend), observations.clean(channel.exposure)
        if spend is None or exposure is None:
            continue
        if not (observations.varies(spend) and observations.varies(exposure)):
            continue
        correlation = float(_unit(keys.within(spend)) @ _unit(keys.within(exposure)))
        # where the unit of one changes, that is the finding
        if abs(correlation) < UNRELATED and exposure_change(observations, channel) is None:
            yield warning(
                "exposure_unrelated",
                observations.place(channel.media_column),
                f"the exposure of channel '{channel.name}' does not move with its spend "
                f"(correlation {correlation:.2f}).",
                "Check that both columns belong to this channel and to the same dates.",
            )


def channels_distinct(observations: Observations) -> Iterator[Finding]:
    """Channels that move together, or with a control, share one answer between them."""
    keys = observations.keys
    if keys is None:
        return
    channels = [(channel.name, channel.media_column) for channel in observations.study.channels]
    controls = [(name, name) for name in observations.study.controls]
    series = {
        column: _unit(keys.within(values))
        for _, column in (*channels, *controls)
        if (values := observations.clean(column)) is not None and observations.varies(values)
    }
    pairs = [(a, b, "channel") for a, b in combinations(channels, 2)]
    pairs += [(a, b, "control") for a in channels for b in controls]
    for (name, column), (other, other_column), kind in pairs:
        if column not in series or other_column not in series:
            continue
        correlation = float(series[column] @ series[other_column])
        if abs(correlation) > COLLINEAR:
            yield warning(
                "collinear",
                observations.place(column),
                f"channel '{name}' moves with {kind} '{other}' (correlation {correlation:.2f}), "
                "so the data hardly tells their effects apart.",
                "Merge the two, state priors for both, or run an experiment on one.",
            )


def _unit(centred: np.ndarray) -> np.ndarray:
    """A centred series scaled to length one, so that products of two are correlations."""
    largest = np.abs(centred).max()
    if largest == 0:
        return centred
    # scaled first, so that the squares of tiny numbers do not vanish
    scaled = centred / largest
    return scaled / np.linalg.norm(scaled)


CHECKS = (
    channel_varies,
    channel_active,
    spend_meets_exposure,
    exposure_follows_spend,
    channels_distinct,
)
