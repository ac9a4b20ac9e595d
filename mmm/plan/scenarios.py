"""Other plans than today's: from a file, by multiples, by flighting, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from mmm.config import PlanSettings, Study
from mmm.data.panel import Panel
from mmm.data.table import read_table
from mmm.errors import Finding, InputError, Severity, did_you_mean, input_error
from mmm.inference.fit import Fit
from mmm.plan.constraints import check_plan
from mmm.plan.flighting import flighted, flighting
from mmm.plan.money import prices, spending
from mmm.plan.scenario import Scenario, as_is
from mmm.results.controls import carried_words

CHECK = "scenario"
COLUMNS = ("date", "channel", "spend")
NOTHING = "stop everything"
GIVEN = "ahead as given in"


def stopped(fit: Fit, base: Scenario | None = None) -> Scenario:
    """No marketing at all over the horizon of `base`, and no fixed cost."""
    base = base or as_is(fit)
    nothing = np.zeros_like(base.media)
    return replace(
        base, name=NOTHING, media=nothing, spend=nothing, cost=np.zeros_like(base.cost),
        statements=("Nothing is spent, and no fixed cost runs.", *base.statements[1:]),
    )  # fmt: skip


def multiplied_by(
    fit: Fit, multiples: Mapping[str, float] | float, base: Scenario | None = None
) -> Scenario:
    """Today's money of each channel times its multiple, the others as they are; one number holds
    for all channels."""
    at = prices(fit, base)
    factor = np.ones(len(fit.panel.channels))
    if isinstance(multiples, Mapping):
        for name, multiple in multiples.items():
            factor[_channel(fit, name, "multiples")] = multiple
        words = ", ".join(f"{name} x {value:g}" for name, value in multiples.items())
    else:
        factor[:] = multiples
        words = f"all channels x {multiples:g}"
    if (factor < 0).any():
        raise input_error(CHECK, "multiples", "a multiple is below zero.", "Give 0 or more.")
    return spending(at, at.today * factor, words, (f"Today's spending, {words}.",))


def flighted_as(
    fit: Fit, patterns: Mapping[str, str], base: Scenario | None = None, **lengths: int
) -> Scenario:
    """Today's money of the named channels spread by a pattern of `flighting`, whose `lengths`
    (on, off, first) may be given."""
    at = prices(fit, base)
    spread = {
        _channel(fit, name, "patterns"): flighting(pattern, at.base.periods, **lengths)
        for name, pattern in patterns.items()
    }
    words = ", ".join(f"{name} {pattern.replace('_', ' ')}" for name, pattern in patterns.items())
    return spending(at, flighted(at.today, spread), words, (f"Today's money, {words}.",))


def read_scenario(fit: Fit, path: Path) -> Scenario:
    """The scenario of a CSV or Parquet file: see `scenario_from_frame`."""
    return scenario_from_frame(fit, _frame(path), path.name)


def _frame(path: Path) -> pd.DataFrame:
    table = read_table(path)
    return pd.DataFrame({name: table.cells[name].to_numpy() for name in table.columns})


def given_scenario(fit: Fit, path: Path | None) -> Scenario | None:
    """The scenario of the file at `path`, None where neither it nor the study names one.

    Raises `InputError` where the study plans the spend of a file, which no fit holds, and none
    is given.
    """
    if path is not None:
        return read_scenario(fit, path)
    if fit.study.plan.scenario is not None and not fit.study.plan.optimised:
        raise input_error(
            "scenario",
            "--scenario",
            f"the study plans the spend in '{fit.study.plan.scenario}', and a saved fit does not "
            "hold that file.",
            "Give it with --scenario.",
        )
    return None


def given_controls(
    fit: Fit, settings: PlanSettings, scenario: Scenario | None, base: Path | None
) -> Scenario | None:
    """The scenario, or today's spending, with the controls that `settings` name in a file relative
    to `base`. Raises `InputError` where that is not known: a saved fit does not hold the file."""
    if settings.controls is None:
        return scenario
    if base is None:
        raise input_error(
            CHECK,
            "plan.controls",
            f"the study takes controls ahead from '{settings.controls}', and a saved fit does not "
            "hold that file.",
            "Name it in a file beside it, given with --settings: 'controls: FILE', or 'controls: "
            "null' to carry controls forward.",
        )
    usual = scenario or as_is(fit, settings.horizon)
    return read_controls(fit, usual, base / settings.controls)


def planned_scenario(study: Study, panel: Panel, base: Path) -> Scenario | None:
    """The scenario that `study.plan` names, relative to the directory `base`, without any fit, with
    the controls it names; today's spending where it names controls alone.

    Raises `InputError` for a file that cannot be used, and where no plan can keep to the study's
    constraints: both are known before anything is fitted.
    """
    unfitted = Fit(study, panel, xr.Dataset(), xr.Dataset(), {})
    check_plan(unfitted)
    found = None
    if study.plan.scenario is not None:
        found = read_scenario(unfitted, base / study.plan.scenario)
    return given_controls(unfitted, study.plan, found, base)


def scenario_from_frame(fit: Fit, frame: pd.DataFrame, name: str) -> Scenario:
    """Dated spending: columns date, channel, spend (money, or cost of effort) and, where the
    study has geos, geo.

    Dates are periods after the last one observed; the plan runs from the first of them to the
    last one named, at least over the study's horizon where it states one. A channel that is
    named spends what its rows say and nothing else; one that is not goes on as today. Raises
    `InputError` with every problem: missing columns, unknown channels, geos and dates, rows
    given twice, spending that is not a number or below zero, channels without a price.
    """
    rows = _checked(fit, frame, name)
    dates = pd.DatetimeIndex(rows["date"])
    reach = fit.panel.future_dates(1040)
    place = reach.get_indexer(dates)
    last = int(place.max()) + 1
    at = prices(fit, as_is(fit, max(last, fit.study.plan.horizon or 0)))
    money = at.today.copy()
    named = sorted({fit.panel.channels.index(channel) for channel in rows["channel"]})
    money[:, :, named] = 0.0
    geos = list(fit.panel.geos)
    geo = np.array([geos.index(name) for name in rows["geo"]])
    channel = np.array([fit.panel.channels.index(name) for name in rows["channel"]])
    money[place, geo, channel] = rows["spend"].to_numpy(dtype=float)
    others = [c for i, c in enumerate(fit.panel.channels) if i not in named]
    words = [f"Spending of {_listed(fit, named)} is that of {name}; nothing on other dates."]
    if others:
        words.append(f"{', '.join(others)} repeat their last periods.")
    return spending(at, money, name, (*words, *at.base.statements[1:]))


def _checked(fit: Fit, frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows as dates, names and numbers."""
    single = len(fit.panel.geos) == 1
    missing = [column for column in COLUMNS if column not in frame.columns]
    if "geo" not in frame.columns and not single:
        missing.append("geo")
    if missing or not len(frame):
        raise input_error(
            CHECK, name,
            f"no column {', '.join(repr(c) for c in missing)}." if missing else "no rows.",
            "A scenario has the columns date, geo, channel and spend, one row each.",
        )  # fmt: skip
    rows = frame.copy()
    if "geo" not in rows.columns:
        rows["geo"] = fit.panel.geos[0]
    rows["date"] = pd.to_datetime(rows["date"].astype(str), errors="coerce", format="ISO8601")
    rows["spend"] = pd.to_numeric(rows["spend"], errors="coerce")
    rows["geo"], rows["channel"] = rows["geo"].astype(str), rows["channel"].astype(str)
    ahead = fit.panel.future_dates(1040)
    findings = []

    def refuse(index: object, message: str, remedy: str) -> None:
        place = f"{name}: row {index + 2}" if isinstance(index, int) else name
        findings.append(Finding(CHECK, Severity.ERROR, place, message, remedy))

    rows = rows.reset_index(drop=True)
    for column, known in (("channel", fit.panel.channels), ("geo", fit.panel.geos)):
        for value in rows[column].unique():
            if value not in known:
                first = int(rows.index[rows[column] == value][0])
                refuse(first, f"there is no {column} '{value}';", did_you_mean(value, known))
    strange = ~rows["date"].isin(ahead)
    for index in rows.index[strange][:5].tolist():
        refuse(
            index, f"'{frame['date'].iloc[index]}' is no period after the last one observed.",
            f"Periods ahead start at {ahead[0]:%Y-%m-%d}, {ahead[1]:%Y-%m-%d} and so on.",
        )  # fmt: skip
    for index in rows.index[~(rows["spend"] >= 0)][:5].tolist():
        refuse(index, f"spend is '{frame['spend'].iloc[index]}'.", "Give a number of 0 or more.")
    for index in rows.index[rows.duplicated(["date", "geo", "channel"])][:5].tolist():
        refuse(index, "date, geo and channel were given before.", "Keep one row of each.")
    if not findings:
        at = prices(fit)
        for channel in rows.loc[rows["spend"] > 0, "channel"].unique():
            if not at.priced[fit.panel.channels.index(channel)]:
                refuse(
                    None, f"channel '{channel}' has no price: nothing was ever spent on it.",
                    "State 'costs.unit_cost', or leave the channel out.",
                )  # fmt: skip
    if findings:
        raise InputError(findings)
    return rows


def with_controls(fit: Fit, scenario: Scenario, frame: pd.DataFrame, name: str) -> Scenario:
    """The scenario with controls ahead as given: columns date, geo (where the study has geos) and
    one a control; a control that is not named is carried forward as before.

    Raises `InputError` where a period, a geo or a number is missing.
    """
    named = [column for column in frame.columns if column not in ("date", "geo")]
    unknown = [column for column in named if column not in fit.panel.controls]
    if unknown or "date" not in frame.columns or not named:
        word = unknown[0] if unknown else "date"
        raise input_error(
            CHECK, name, f"'{word}' is not a control of the study, or no date is given;",
            did_you_mean(word, fit.panel.controls),
        )  # fmt: skip
    rows = frame.copy()
    if "geo" not in rows.columns:
        rows = rows.merge(pd.DataFrame({"geo": list(fit.panel.geos)}), how="cross")
    rows["date"] = pd.to_datetime(rows["date"].astype(str), errors="coerce", format="ISO8601")
    rows = rows.assign(geo=rows["geo"].astype(str)).drop_duplicates(["date", "geo"])
    index = pd.MultiIndex.from_product([scenario.dates, fit.panel.geos], names=["date", "geo"])
    wide = rows.set_index(["date", "geo"])[named].apply(pd.to_numeric, errors="coerce")
    wide = wide.reindex(index)
    if wide.isna().to_numpy().any():
        date, geo = wide.index[wide.isna().any(axis=1)][0]
        raise input_error(
            CHECK, name, f"no number for {date:%Y-%m-%d}, {geo}.",
            "Give every control in every period and geo of the plan.",
        )  # fmt: skip
    controls = scenario.controls.copy()
    for column in named:
        place = fit.panel.controls.index(column)
        controls[:, :, place] = wide[column].to_numpy().reshape(controls.shape[:2])
    carried = tuple(control for control in scenario.carried if control not in named)
    before = carried_words(fit.panel, scenario.carried)
    statements = (
        *(words for words in scenario.statements if words not in before),
        f"{', '.join(named)} {GIVEN} {name}.",
        *carried_words(fit.panel, carried),
    )
    return replace(scenario, controls=controls, statements=statements, carried=carried)


def read_controls(fit: Fit, scenario: Scenario, path: Path) -> Scenario:
    """The scenario with the controls of a CSV or Parquet file: see `with_controls`."""
    return with_controls(fit, scenario, _frame(path), path.name)


def with_controls_of(fit: Fit, scenario: Scenario, other: Scenario) -> Scenario:
    """The scenario with the controls that are given in another one over the same periods."""
    if other.carried == scenario.carried:
        return scenario
    before = carried_words(fit.panel, scenario.carried)
    statements = (
        *(words for words in scenario.statements if words not in before),
        *(words for words in other.statements if GIVEN in words),
        *carried_words(fit.panel, other.carried),
    )
    return replace(scenario, controls=other.controls, carried=other.carried, statements=statements)


def _channel(fit: Fit, name: str, where: str) -> int:
    if name not in fit.panel.channels:
        raise input_error(
            CHECK, where, f"there is no channel '{name}';", did_you_mean(name, fit.panel.channels)
        )
    return fit.panel.channels.index(name)


def _listed(fit: Fit, numbers: list[int]) -> str:
    return ", ".join(fit.panel.channels[c] for c in numbers)
