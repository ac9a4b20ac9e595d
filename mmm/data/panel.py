"""The panel: what was spent and what came of it, labelled, balanced and frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from mmm.data.experiment import Experiment
from mmm.dims import CHANNEL, CONTROL, DATE, DAYS_PER_WEEK, DAYS_PER_YEAR, GEO, PATH, SURVEY


@dataclass(frozen=True, slots=True)
class Panel:
    """A balanced panel. Made by `load_panel` or `panel_from_frame`, never by hand.

    `dataset` holds, all float64 and read-only:

    - `outcome` (date, geo): in units of the outcome.
    - `value_per_unit` (date, geo): money per unit of outcome.
    - `spend` (date, geo, channel): media money; 0 for channels without media spend.
    - `media` (date, geo, channel): what the response is a function of (exposure or spend).
    - `controls` (date, geo, control).
    - `population` (geo): only where the study names it.
    - `survey` and `survey_error` (date, geo, survey): readings of brand trackers and their
      standard errors, only where the study names some; NaN where nobody was asked, and where
      no error is stated.
    - `paths` (date, geo, path): series between marketing and outcome; only where there are some.

    Dates and geos are sorted; channels, controls and paths stand in the study's order.
    `experiments` are tests that bear on channels, in the order of their file.
    """

    dataset: xr.Dataset
    frequency: str
    experiments: tuple[Experiment, ...] = ()

    @property
    def dates(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self.dataset.get_index(DATE).rename(None))

    @property
    def geos(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.dataset.variables[GEO].values)

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.dataset.variables[CHANNEL].values)

    @property
    def controls(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.dataset.variables[CONTROL].values)

    @property
    def paths(self) -> tuple[str, ...]:
        return (
            tuple(str(name) for name in self.dataset.variables[PATH].values)
            if PATH in self.dataset
            else ()
        )

    @property
    def weeks_per_period(self) -> float:
        """Mean length of a period in weeks; 1.0 for weekly data."""
        days = np.diff(self.dates.values).astype("timedelta64[D]").astype(float)
        return float(days.mean() / DAYS_PER_WEEK) if len(days) else 1.0

    @property
    def periods_per_year(self) -> float:
        return DAYS_PER_YEAR / DAYS_PER_WEEK / self.weeks_per_period

    def window(self, start: int, stop: int) -> Panel:
        """The panel cut to periods `start` to `stop` (exclusive), as for a backtest.

        Where periods are cut off at the end, so are experiments not measured before then.
        """
        cut = Panel(self.dataset.isel({DATE: slice(start, stop)}), self.frequency)
        known = self.experiments
        if len(cut.dates) and cut.dates[-1] < self.dates[-1]:
            end = cut.future_dates(1)[0].date()
            known = tuple(one for one in known if one.until < end)
        return replace(cut, experiments=known)

    def future_dates(self, periods: int) -> pd.DatetimeIndex:
        """The `periods` dates that follow the last one, at the panel's frequency."""
        dates = pd.date_range(self.dates[-1], periods=periods + 1, freq=self.frequency)
        return dates[1:]


def build_panel(
    *,
    dates: pd.DatetimeIndex,
    geos: Sequence[str],
    channels: Sequence[str],
    controls: Sequence[str],
    outcome: np.ndarray,
    value_per_unit: np.ndarray,
    spend: np.ndarray,
    media: np.ndarray,
    control: np.ndarray,
    population: np.ndarray | None,
    frequency: str,
    surveys: Sequence[str] = (),
    survey: np.ndarray | None = None,
    survey_error: np.ndarray | None = None,
    path_names: Sequence[str] = (),
    paths: np.ndarray | None = None,
) -> Panel:
    """Labels and freezes arrays: outcome (T, G), spend (T, G, C), control (T, G, P), survey
    (T, G, S), paths (T, G, M)."""
    variables: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "outcome": ((DATE, GEO), outcome),
        "value_per_unit": ((DATE, GEO), value_per_unit),
        "spend": ((DATE, GEO, CHANNEL), spend),
        "media": ((DATE, GEO, CHANNEL), media),
        "controls": ((DATE, GEO, CONTROL), control),
    }
    if population is not None:
        variables["population"] = ((GEO,), population)
    if survey is not None and survey_error is not None and surveys:
        variables["survey"] = ((DATE, GEO, SURVEY), survey)
        variables["survey_error"] = ((DATE, GEO, SURVEY), survey_error)
    if paths is not None and path_names:
        variables["paths"] = ((DATE, GEO, PATH), paths)
    frozen = {}
    for name, (dims, values) in variables.items():
        values = np.array(values, dtype=float)
        values.setflags(write=False)
        frozen[name] = (dims, values)
    coords = {
        DATE: dates,
        GEO: np.array([str(geo) for geo in geos], dtype=object),
        CHANNEL: np.array(list(channels), dtype=object),
        CONTROL: np.array(list(controls), dtype=object),
    }
    if "survey" in frozen:
        coords[SURVEY] = np.array(list(surveys), dtype=object)
    if "paths" in frozen:
        coords[PATH] = np.array(list(path_names), dtype=object)
    return Panel(xr.Dataset(frozen, coords=coords), frequency)
