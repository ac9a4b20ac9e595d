"""From a file or a data frame to a checked `Panel`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mmm.config.study import Study
from mmm.data.calendar import find_calendar
from mmm.data.checks import run_checks
from mmm.data.evidence import experiments_of, load_experiments
from mmm.data.observations import Keys, Observations, observe
from mmm.data.panel import Panel, build_panel
from mmm.data.survey import survey_errors
from mmm.data.table import Table, read_table, table_from_frame
from mmm.errors import Finding, InputError, Severity, input_error


def load_panel(study: Study, base: Path) -> tuple[Panel, tuple[Finding, ...]]:
    """Reads `study.data.file`, relative to the directory `base`, into a panel and its warnings.

    Raises `InputError` with every finding, warnings too, when any of them is an error.
    """
    if study.data.file is None:
        raise input_error(
            "data_file",
            f"study '{study.study}': data.file",
            "the study names no data file.",
            "Add 'file: data.csv' under 'data', or pass a data frame.",
        )
    panel, findings = _panel_from_table(study, read_table(Path(base) / study.data.file))
    experiments, more = load_experiments(study, panel, base)
    return replace(panel, experiments=experiments), (*findings, *more)


def panel_from_frame(
    study: Study,
    frame: pd.DataFrame,
    source: str = "data frame",
    experiments: pd.DataFrame | None = None,
) -> tuple[Panel, tuple[Finding, ...]]:
    """The same from a data frame in memory; `source` is how messages call it. `experiments` has
    the columns of a file of experiments.

    Raises `InputError` too where the study names such a file and none are given.
    """
    panel, findings = _panel_from_table(study, table_from_frame(frame, source))
    if experiments is None and study.experiments is not None:
        raise input_error(
            "experiments",
            f"study '{study.study}': experiments",
            f"the study names '{study.experiments}', and a data frame says nothing of where it is.",
            "Pass the experiments as a data frame too, or leave the key out.",
        )
    if experiments is None:
        return panel, findings
    known, more = experiments_of(study, panel, experiments)
    return replace(panel, experiments=known), (*findings, *more)


def _panel_from_table(study: Study, table: Table) -> tuple[Panel, tuple[Finding, ...]]:
    observations = observe(study, table)
    findings = run_checks(observations)
    if observations.keys is None or any(each.severity is Severity.ERROR for each in findings):
        raise InputError(findings)
    return _pivot(observations, observations.keys), findings


def _pivot(observations: Observations, keys: Keys) -> Panel:
    """Checked rows, in any order, to a sorted panel."""
    study = observations.study
    dates = keys.dates.unique().sort_values()
    order = np.lexsort((keys.codes, keys.dates))
    shape = (len(dates), len(keys.geos))

    def grid(column: str) -> np.ndarray:
        return observations.numbers[column].values[order].reshape(shape)

    def stack(columns: Sequence[str | None]) -> np.ndarray:
        grids = [np.zeros(shape) if column is None else grid(column) for column in columns]
        return np.stack(grids, axis=-1) if grids else np.zeros((*shape, 0))

    value = study.outcome.value_per_unit
    population = study.data.population
    frequency = find_calendar(dates, study.data.frequency).frequency
    return build_panel(
        dates=dates,
        geos=[str(geo) for geo in keys.geos],
        channels=[channel.name for channel in study.channels],
        controls=study.controls,
        outcome=grid(study.outcome.column),
        value_per_unit=grid(value) if isinstance(value, str) else np.full(shape, value),
        spend=stack([channel.spend for channel in study.channels]),
        media=stack([channel.media_column for channel in study.channels]),
        control=stack(list(study.controls)),
        population=None if population is None else grid(population)[0],
        frequency=frequency or "",
        surveys=[survey.label for survey in study.brand.surveys],
        survey=stack([survey.column for survey in study.brand.surveys]),
        survey_error=survey_errors(study.brand.surveys, grid, shape),
        path_names=[path.name for path in study.paths],
        paths=stack([path.column for path in study.paths]),
    )
