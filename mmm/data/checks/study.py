"""What a study says that no data can make right, and what it asks of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from mmm.config.study import Study
from mmm.data.checks.finding import error, sentence, warning
from mmm.data.observations import Observations
from mmm.dims import DAYS_PER_YEAR
from mmm.errors import Finding, did_you_mean

MIN_PERIODS = 20
OBSERVATIONS_PER_PARAMETER = 4.0
YEARLY = 1.5
"""Fewer periods a year than this have no season to show."""

_ADSTOCK_PARAMETERS = {"none": 0, "geometric": 1}
_SATURATION_PARAMETERS = {"none": 0, "hill": 2}


def holidays_known(observations: Observations) -> Iterator[Finding]:
    """`baseline.holidays` is a country, or country-subdivision, of the `holidays` package."""
    code = observations.study.baseline.holidays
    if code is None:
        return
    from holidays.utils import list_supported_countries

    known = list_supported_countries(include_aliases=True)
    where = f"study '{observations.study.study}': baseline.holidays"
    country, _, subdivision = code.partition("-")
    if country not in known:
        near = did_you_mean(country.upper(), known)
        remedy = sentence(near) if near.startswith("did") else "Give an ISO code such as DE or GB."
        yield error("holidays", where, f"no holidays are known for '{code}'.", remedy)
    elif subdivision and subdivision not in known[country]:
        yield error(
            "holidays",
            where,
            f"'{country}' has no part '{subdivision}' with holidays of its own.",
            sentence(did_you_mean(subdivision, known[country])),
        )


def spend_counted_once(observations: Observations) -> Iterator[Finding]:
    """No two channels claim the same money."""
    claims: dict[str, list[str]] = defaultdict(list)
    for channel in observations.study.channels:
        if channel.spend is not None:
            claims[channel.spend].append(channel.name)
    for column, names in claims.items():
        if len(names) > 1:
            yield error(
                "shared_spend",
                observations.place(column),
                f"the channels {', '.join(names)} name the same spend, which would count it "
                f"{len(names)} times.",
                "Split the money into one column a channel.",
            )


def is_yearly(dates: pd.DatetimeIndex) -> bool:
    """Whether there is about one period a year."""
    first, last = pd.Timestamp(dates.values.min()), pd.Timestamp(dates.values.max())
    years = (last - first).days / DAYS_PER_YEAR
    return dates.nunique() - 1 < YEARLY * years


def parameter_count(study: Study, geos: int, yearly: bool) -> int:
    """A rough count of what has to be learned; shrunk trends, geo and time deviations count as one.

    `yearly` data has no seasonality unless the study asks for it.
    """
    count = geos + (1 if study.baseline.trend else 0) + len(study.controls)
    count += int(study.inference.likelihood == "student_t")
    pairs = study.baseline.seasonality
    count += 2 * ((0 if yearly else 2) if pairs is None else pairs)
    for channel in study.channels:
        count += int(channel.role.has_tactical) + int(channel.role.has_brand)
        if channel.role.has_tactical:
            count += _ADSTOCK_PARAMETERS.get(channel.adstock, 2)
        count += _SATURATION_PARAMETERS.get(channel.saturation, 1) + int(channel.time_varying)
    return count + int(any(channel.role.has_brand for channel in study.channels))


def enough_periods(observations: Observations) -> Iterator[Finding]:
    """At least 20 periods, and about 4 observations for each parameter."""
    dates = observations.known_dates
    if dates is None or not len(dates):
        return
    periods = dates.nunique()
    first, last = pd.Timestamp(dates.values.min()), pd.Timestamp(dates.values.max())
    where = f"{observations.source}: column '{observations.study.data.date}'"
    if periods < MIN_PERIODS:
        yield error(
            "too_few_periods",
            where,
            f"{periods} periods ({first:%Y-%m-%d} to {last:%Y-%m-%d}) "
            f"are too few to tell marketing from the rest; at least {MIN_PERIODS} are needed.",
            "Add history, or use shorter periods such as weeks.",
        )
        return
    geos = len(set(observations.geos)) if observations.geos is not None else 1
    parameters = parameter_count(observations.study, geos, is_yearly(dates))
    if len(observations) < OBSERVATIONS_PER_PARAMETER * parameters:
        yield warning(
            "few_periods",
            where,
            f"{len(observations)} observations for about {parameters} parameters "
            f"({len(observations) / parameters:.1f} each): priors will lead many answers.",
            "Add history or geos, merge small channels, or state priors you can defend.",
        )


def lags_fit(observations: Observations) -> Iterator[Finding]:
    """No stated lag reaches further than the window: nothing in it would show the lag's end."""
    if observations.known_dates is None:
        return
    periods = observations.known_dates.nunique()
    for channel in observations.study.channels:
        longest = channel.lag.max if channel.lag else None
        if longest is not None and longest >= periods:
            yield error(
                "lag_beyond_window",
                f"study '{observations.study.study}': channel '{channel.name}': lag.max",
                f"the lag reaches over {longest:g} periods and the data has {periods}.",
                "Add history, use longer periods, or state a shorter lag (in periods).",
            )


CHECKS = (holidays_known, spend_counted_once, lags_fit, enough_periods)
