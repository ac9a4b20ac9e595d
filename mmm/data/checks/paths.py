"""Whether the data can show what goes through a path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmm.data.checks.finding import error, some, warning
from mmm.data.observations import Observations
from mmm.errors import Finding

COLLINEAR = 0.9
RARELY = 0.5
"""A path that is nothing in more than this part of all rows hardly shows what moves it."""


def path_varies(observations: Observations) -> Iterator[Finding]:
    """A path that never changes, or is nothing in a geo, carries no effect that can be seen."""
    keys = observations.keys
    for path in observations.study.paths:
        values = observations.clean(path.column)
        if values is None:
            continue
        where = observations.place(path.column)
        if not observations.varies(values):
            yield error(
                "constant_path",
                where,
                f"path '{path.name}' never changes ({values[0]:g} on every date), so nothing "
                "that goes through it can be seen.",
                "Drop the path, or name the column that holds its series.",
            )
            continue
        if (values == 0).mean() > RARELY:
            yield warning(
                "rare_path",
                where,
                f"path '{path.name}' is 0 in {int((values == 0).sum())} of {len(values)} rows, so "
                "the data hardly shows what moves it or what follows.",
                "Check the tracking of this series, or leave the path out.",
            )
        if keys is not None:
            means = np.bincount(keys.codes, weights=values) / np.bincount(keys.codes)
            empty = keys.geos[means <= 0]
            if len(empty):
                yield error(
                    "empty_path",
                    where,
                    f"path '{path.name}' is 0 on every date in {some(empty)}.",
                    "Drop the geo or the path, or correct the column.",
                )


def lag_fits_the_window(observations: Observations) -> Iterator[Finding]:
    """An effect that comes after the data ends is not in the data."""
    dates = observations.known_dates
    if dates is None or not len(dates):
        return
    periods = dates.nunique()
    for index, path in enumerate(observations.study.paths):
        longest = path.lag.max if path.lag else None
        if longest is not None and longest >= periods:
            yield error(
                "lag_beyond_window",
                f"study '{observations.study.study}': paths[{index}].lag.max",
                f"path '{path.name}' may take {longest:g} periods to have its effect, and "
                f"the data holds {periods}.",
                "Add history, or state a 'max' well below the number of periods.",
            )


def path_apart_from_drivers(observations: Observations) -> Iterator[Finding]:
    """A path that is its driver in other words cannot be told from it."""
    keys = observations.keys
    if keys is None:
        return
    columns = {channel.name: channel.media_column for channel in observations.study.channels}
    for stage in observations.study.routes().stages:
        values = observations.clean(stage.path.column)
        if stage.bought_by or values is None or not observations.varies(values):
            continue
        for name in stage.channels:
            media = observations.clean(columns[name])
            if media is None or not observations.varies(media):
                continue
            one, other = keys.within(values), keys.within(media)
            correlation = float(np.corrcoef(one, other)[0, 1])
            if correlation > COLLINEAR:
                yield warning(
                    "path_is_its_driver",
                    observations.place(stage.path.column),
                    f"path '{stage.name}' moves with its driver '{name}' (correlation "
                    f"{correlation:.2f}), so what goes through it is hardly told from what "
                    f"'{name}' does directly.",
                    "Trust their sum; where the driver acts through the path alone say "
                    "'direct: false'.",
                )


CHECKS = (path_varies, lag_fits_the_window, path_apart_from_drivers)
