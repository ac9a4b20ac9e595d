"""Whether a tracker can be read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmm.config import Survey
from mmm.data.checks.finding import at_rows, error
from mmm.data.observations import Observations
from mmm.errors import Finding

FEWEST = 4
"""Readings below which a tracker says nothing about how the brand moved."""


def readings_usable(observations: Observations) -> Iterator[Finding]:
    """Enough readings that move, each with an error that is one, in the scope stated."""
    for survey in observations.study.brand.surveys:
        numbers = observations.numbers.get(survey.column)
        if numbers is None or numbers.text.any() or numbers.infinite.any():
            continue
        there = ~numbers.missing
        where = observations.place(survey.column)
        if there.sum() < FEWEST or np.ptp(numbers.values[there]) == 0.0:
            yield error(
                "survey_says_nothing",
                where,
                f"the survey has {int(there.sum())} readings, or never changes; a brand that "
                f"moves needs {FEWEST} at least.",
                "Add readings, or drop the survey.",
            )
            continue
        yield from _errors_stated(observations, survey, there)
        yield from _scope_right(observations, survey, numbers.values)


def _errors_stated(
    observations: Observations, survey: Survey, there: np.ndarray
) -> Iterator[Finding]:
    values = observations.numbers[survey.column].values
    if survey.sample_size is not None:
        outside = there & ((values < 0) | (values > 1))
        if outside.any():
            yield at_rows(
                observations,
                "survey_not_a_proportion",
                survey.column,
                outside,
                f"with 'sample_size' a reading is a proportion, and this one is "
                f"{values[outside][0]:g}.",
                "Divide percentages by 100, or state 'standard_error' instead.",
            )
    for key, least in (("standard_error", 0.0), ("sample_size", 1.0)):
        column = getattr(survey, key)
        stated = observations.numbers.get(column) if isinstance(column, str) else None
        if stated is None:
            continue
        bad = there & ~(stated.values > least)
        if bad.any():
            yield at_rows(
                observations,
                "survey_error",
                column,
                bad,
                f"there is a reading in '{survey.column}', and its {key} is empty or not above "
                f"{least:g}.",
                "Fill it in, or empty the reading.",
            )


def _scope_right(
    observations: Observations, survey: Survey, values: np.ndarray
) -> Iterator[Finding]:
    """A national reading repeated in every geo is one reading, not one a geo."""
    keys = observations.keys
    if keys is None or len(keys.geos) == 1:
        return
    dates, day = np.unique(keys.dates.values, return_inverse=True)
    low, high = np.full(len(dates), np.inf), np.full(len(dates), -np.inf)
    there = ~np.isnan(values)
    np.minimum.at(low, day[there], values[there])
    np.maximum.at(high, day[there], values[there])
    count = np.bincount(day[there], minlength=len(dates))
    alike, several = low == high, count > 1
    where = observations.place(survey.column)
    if survey.scope == "geo" and several.any() and alike[several].all():
        yield error(
            "survey_scope",
            where,
            "every geo has the same readings, so they are those of the whole country and would "
            f"be counted {len(keys.geos)} times.",
            "Set 'scope: national' on the survey.",
        )
    if survey.scope == "national" and (several & ~alike).any():
        date = dates[np.flatnonzero(several & ~alike)[0]]
        yield error(
            "survey_scope",
            where,
            f"geos differ on {np.datetime_as_string(date, 'D')}, and a national reading is one.",
            "Repeat the country's reading in every geo, or set 'scope: geo'.",
        )


CHECKS = (readings_usable,)
