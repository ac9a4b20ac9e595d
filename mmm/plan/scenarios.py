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
from mmm.errors import Finding, InputError, Severity, did_you_mean, input_error
from mmm.inference.fit import Fit
from mmm.plan.feasible import check_plan
from mmm.plan.flighting import flighted, flighting
from mmm.plan.money import Prices, prices, spending
from mmm.plan.rows import CHECK, LONGEST, control_rows, read_rows, spend_rows
from mmm.plan.scenario import Scenario, as_is
from mmm.results.controls import carried_words

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


def read_scenario(
    fit: Fit, path: Path, horizon: int | None = None, *, key: str = "--scenario"
) -> Scenario:
    """The scenario of a CSV or Parquet file, which `key` of the study file, or an option, names:
    see `scenario_from_frame`."""
    return scenario_from_frame(fit, read_rows(path, key), path.name, horizon)


def given_scenario(fit: Fit, path: Path | None, horizon: int | None = None) -> Scenario | None:
    """The scenario of the file at `path`, None where neither it nor the study names one; at least
    over `horizon`, the study's where left out.

    Raises `InputError` where the study plans the spend of a file, which no fit holds, and none
    is given.
    """
    if path is not None:
        return read_scenario(fit, path, horizon)
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
    found = None
    if study.plan.scenario is not None:
        found = read_scenario(unfitted, base / study.plan.scenario, key="plan.scenario")
    check_plan(unfitted, found.periods if found else None)
    return given_controls(unfitted, study.plan, found, base)


def scenario_from_frame(
    fit: Fit, frame: pd.DataFrame, name: str, horizon: int | None = None
) -> Scenario:
    """Dated spending: columns date, channel, spend (money, or cost of effort) and, where the
    study has geos, geo; for effort without any spend its `money`, as `plan.csv` has it.

    Dates are periods after the last one observed; the plan runs from the first of them to the
    last one named, at least over `horizon` (the study's where left out). A channel that is
    named spends what its rows say and nothing else; one that is not goes on as today. Raises
    `InputError` with every problem: missing columns, unknown channels, geos and dates, rows
    given twice, spending that is not a number or below zero, another currency, channels without a
    price.
    """
    effort = [channel.name for channel in fit.study.channels if channel.spend is None]
    rows, said = spend_rows(fit.panel, frame, name, fit.study.currency, effort)
    place = fit.panel.future_dates(LONGEST).get_indexer(pd.DatetimeIndex(rows["date"]))
    last = int(place.max()) + 1
    horizon = horizon or fit.study.plan.horizon
    at = prices(fit, as_is(fit, max(last, horizon or 0)))
    _refuse_unpriced(at, rows, name)
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
    plan = spending(at, money, name, (*words, *at.base.statements[1:]))
    said = (*said, *_left_out(fit, at, rows, name), *_not_horizon(last, horizon, name))
    return replace(plan, findings=said)


def _refuse_unpriced(at: Prices, rows: pd.DataFrame, name: str) -> None:
    """Raises `InputError` for channels with money that nothing is known to buy."""
    channels = at.channels
    found = [
        channel
        for channel in rows.loc[rows["spend"] > 0, "channel"].unique()
        if not at.priced[channels.index(channel)]
    ]
    if found:
        raise InputError(
            Finding(
                CHECK,
                Severity.ERROR,
                name,
                f"channel '{channel}' has no price: nothing was ever spent on it.",
                "State 'costs.unit_cost', or leave the channel out.",
            )
            for channel in found
        )


def _left_out(fit: Fit, at: Prices, rows: pd.DataFrame, name: str) -> tuple[Finding, ...]:
    """Geos without any row of a channel that the file names, which has money there today."""
    today, findings = at.today.sum(axis=0), []
    given = set(zip(rows["geo"], rows["channel"], strict=True))
    for place, geo in enumerate(fit.panel.geos):
        lost = [
            (channel, float(today[place, fit.panel.channels.index(channel)]))
            for channel in dict.fromkeys(rows["channel"])
            if (geo, channel) not in given
        ]
        money = sum(amount for _, amount in lost)
        if money > 0:
            names = ", ".join(channel for channel, amount in lost if amount > 0)
            findings.append(
                Finding(
                    "plan_left_out",
                    Severity.WARNING,
                    f"{name}: {geo}",
                    f"there is no row of {names} in geo '{geo}', so nothing is spent on it there, "
                    f"against {money:,.0f} as today.",
                    "Add the rows, with spend 0 where nothing is meant.",
                )
            )
    return tuple(findings)


def _not_horizon(last: int, horizon: int | None, name: str) -> tuple[Finding, ...]:
    """A file that ends before the horizon wanted, or runs on after it."""
    if not horizon or last == horizon:
        return ()
    message, remedy = (
        f"its rows end after {last} of {horizon} periods: the channels it names spend nothing in "
        "the rest.",
        "Add rows up to the horizon, or state a shorter one.",
    )
    if last > horizon:
        message = f"its rows run over {last} periods, past the horizon of {horizon}, and are kept."
        remedy = "Leave out the later rows, or state the horizon that is meant."
    return (Finding("plan_horizon", Severity.INFO, name, message, remedy),)


def with_controls(fit: Fit, scenario: Scenario, frame: pd.DataFrame, name: str) -> Scenario:
    """The scenario with controls ahead as given: columns date, geo (where the study has geos) and
    one a control; a control that is not named is carried forward as before.

    Raises `InputError` where a period, a geo or a number is missing, a row is given twice, or its
    date is no period.
    """
    wide = control_rows(fit.panel, frame, name, scenario.dates)
    named = list(wide.columns)
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
    return with_controls(fit, scenario, read_rows(path, "plan.controls"), path.name)


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
