"""Columns that exist, rows that are there once, panels that are full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mmm.data.checks.finding import at_rows, count, error, sentence, some
from mmm.data.observations import ColumnUse, Observations, column_uses
from mmm.errors import Finding, did_you_mean


def columns_exist(observations: Observations) -> Iterator[Finding]:
    """Every column the study names is there, once; otherwise the nearest name is offered."""
    data = observations.study.data
    uses = [ColumnUse(data.date, "data.date")]
    uses += [ColumnUse(data.geo, "data.geo")] if data.geo is not None else []
    uses += column_uses(observations.study)
    asked = {use.column for use in uses}
    spare = [column for column in observations.columns if column not in asked]
    times = Counter(observations.columns)
    if len(asked) > 1 and not asked.intersection(times):
        yield error(
            "missing_column",
            observations.source,
            f"the header has none of the {len(asked)} columns that the study names; it holds "
            f"{some(repr(column) for column in observations.columns)}.",
            "Put the names of the columns in the first line, without a title above them, or "
            "correct the names in the study file.",
        )
        return
    for use in uses:
        if use.column not in times:
            near = did_you_mean(use.column, spare)
            rest = f"; columns that it does not name: {some(spare)}" if spare else ""
            add = f"add the column, or correct its name in {use.key}{rest}"
            remedy = near if near.startswith("did") else add
            if use.column == observations.index_name:
                remedy = "it is the frame's index: call frame.reset_index() first"
            yield error(
                "missing_column",
                observations.place(use.column),
                f"there is no such column; the study names it in {use.key}.",
                sentence(remedy),
            )
    for column in sorted(asked):
        if times[column] > 1:
            yield error(
                "repeated_column",
                observations.place(column),
                f"the header has this name {times[column]} times.",
                "Rename or drop all but one.",
            )


def has_rows(observations: Observations) -> Iterator[Finding]:
    """There is data at all."""
    if not len(observations):
        yield error(
            "no_rows",
            observations.source,
            "there are no data rows.",
            "Give one row for each date and geo.",
        )


def dates_readable(observations: Observations) -> Iterator[Finding]:
    """Every row has a date: ISO 8601, without a time of day or zone, in sensible years."""
    dates = observations.dates
    if dates is None or not dates.problems:
        return
    bad = np.zeros(len(observations), dtype=bool)
    bad[list(dates.problems)] = True
    first = dates.problems[min(dates.problems)]
    cell = observations.cells[observations.study.data.date].iloc[min(dates.problems)]
    words = cell.strip() if isinstance(cell, str) else ""
    other = bool(words) and not any(character.isdigit() for character in words)
    yield at_rows(
        observations,
        "date",
        observations.study.data.date,
        bad,
        f"{first}.",
        "Drop rows that are no period, such as a total; write dates as YYYY-MM-DD."
        if other
        else "Write dates as YYYY-MM-DD, as in 2024-01-29.",
    )


def geos_named(observations: Observations) -> Iterator[Finding]:
    """Every row of a geo study names its geo."""
    column = observations.study.data.geo
    if column is None or observations.geos is None:
        return
    bad = observations.geos == ""
    if bad.any():
        yield at_rows(
            observations,
            "missing_geo",
            column,
            bad,
            "the geo is missing.",
            "Name the geo, or drop the row.",
        )


def rows_unique(observations: Observations) -> Iterator[Finding]:
    """No date and geo appears twice."""
    keys = observations.keys
    if keys is None:
        return
    pairs = pd.DataFrame({"date": keys.dates, "geo": keys.codes})
    repeated = pairs.duplicated(keep="first").to_numpy()
    if not repeated.any():
        return
    row = int(np.flatnonzero(repeated)[0])
    first = int(np.flatnonzero((pairs == pairs.iloc[row]).all(axis=1).to_numpy())[0])
    national = observations.study.data.geo is None
    hint = ", or name the column of geos as 'data.geo'" if national else ""
    yield at_rows(
        observations,
        "duplicate",
        observations.study.data.date,
        repeated,
        f"the date{' is' if national else ' and geo are'} already in {observations.rows[first]}.",
        f"Keep one row for each date and geo: drop or add up the others{hint}.",
    )


def panel_full(observations: Observations) -> Iterator[Finding]:
    """Every geo has every date that any geo has."""
    keys = observations.keys
    if keys is None or observations.study.data.geo is None:
        return
    dates, date_codes = np.unique(keys.dates, return_inverse=True)
    present = np.zeros((len(dates), len(keys.geos)), dtype=bool)
    present[date_codes, keys.codes] = True
    absent = np.argwhere(~present)
    if not len(absent):
        return
    spelt: dict[str, list[str]] = {}
    for geo in keys.geos:
        spelt.setdefault("".join(str(geo).split()).casefold(), []).append(str(geo))
    alike = [names for names in spelt.values() if len(names) > 1]
    if alike:
        row = int(np.flatnonzero(keys.codes == list(keys.geos).index(alike[0][-1]))[0])
        listed = some(" and ".join(f"'{name}'" for name in names) for names in alike)
        yield error(
            "geo_spelling",
            observations.place(observations.study.data.geo, row),
            f"geos differ by case or spaces alone: {listed}; each counts as one of its own, "
            "and lacks the dates of the other.",
            "Spell each geo in one way.",
        )
        return
    pairs = [f"{pd.Timestamp(dates[t]):%Y-%m-%d} {keys.geos[g]}" for t, g in absent]
    yield error(
        "unbalanced",
        f"{observations.source}: {pairs[0]}",
        f"{count(len(pairs), 'date and geo')} missing of {present.size}: {some(pairs)}.",
        "Add the rows, with 0 where nothing was spent or sold, or drop the geo.",
    )


CHECKS = (columns_exist, dates_readable, geos_named, rows_unique, panel_full)
