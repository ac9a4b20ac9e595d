"""Experiments from a file or a data frame, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from mmm.config.channel import ADSTOCKS, SATURATIONS, Channel
from mmm.config.study import Study
from mmm.data.checks.finding import error, sentence
from mmm.data.costs import variable_cost_rate
from mmm.data.experiment import Experiment
from mmm.data.panel import Panel
from mmm.data.parse import is_missing, parse_dates, parse_numbers
from mmm.data.table import Table, read_table, table_from_frame
from mmm.data.tested import Tested, media_tested
from mmm.errors import Finding, InputError, Severity, did_you_mean

CHECK = "experiments"
REQUIRED = ("channel", "start", "end", "spend_change", "lift", "standard_error")
OPTIONAL = ("name", "geos", "measured_until", "unit", "mismatch", "in_data", "hold_back")
UNITS = ("lift", "roi", "cost_per_outcome")
BETWEEN = ";"
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}

Told = tuple[str, str, str]
"""Column, what is wrong with its cell, and what to do about it."""


def load_experiments(
    study: Study, panel: Panel, base: Path
) -> tuple[tuple[Experiment, ...], tuple[Finding, ...]]:
    """The experiments in `study.experiments`, relative to the directory `base`, in the order of
    the file, and what is good to know of them; both empty where the study names no file.

    Raises `InputError` with every problem found.
    """
    if study.experiments is None:
        return (), ()
    return _from_table(study, panel, read_table(Path(base) / study.experiments, key="experiments"))


def experiments_of(
    study: Study, panel: Panel, frame: pd.DataFrame
) -> tuple[tuple[Experiment, ...], tuple[Finding, ...]]:
    """The same from a data frame with the columns of the file."""
    return _from_table(study, panel, table_from_frame(frame, "experiments"))


def _from_table(
    study: Study, panel: Panel, table: Table
) -> tuple[tuple[Experiment, ...], tuple[Finding, ...]]:
    problems = _wrong_columns(table)
    if problems:
        raise InputError(problems)
    rows, findings = _rows(table), []
    found: list[Experiment] = []
    for row, place in zip(rows, table.rows, strict=True):
        told = list(row.problems)
        if not told:
            one, tested, told = _experiment(row, study, panel)
            if one is not None and tested is not None:
                found.append(one)
                findings += _outside(one, tested, f"{table.name}: {place}")
        findings += [
            error(CHECK, f"{table.name}: column '{column}', {place}", message, remedy)
            for column, message, remedy in told
        ]
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise InputError(findings)
    findings += _stated_twice(found, table)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise InputError(findings)
    return _named(found), tuple(findings)


def _wrong_columns(table: Table) -> list[Finding]:
    findings = [
        error(CHECK, f"{table.name}: column '{name}'", "there is no such column.",
              f"Experiments have the columns {', '.join(REQUIRED)}; {', '.join(OPTIONAL)} may "
              "follow.")
        for name in REQUIRED
        if name not in table.cells
    ]  # fmt: skip
    findings += [
        error(CHECK, f"{table.name}: column '{name}'", "experiments have no such column.",
              f"{sentence(did_you_mean(name, (*REQUIRED, *OPTIONAL)))} Or leave it out.")
        for name in table.cells
        if name not in (*REQUIRED, *OPTIONAL)
    ]  # fmt: skip
    if not table.rows:
        findings.append(
            error(CHECK, table.name, "the file holds no rows.",
                  "Add experiments, or leave 'experiments' out of the study file.")
        )  # fmt: skip
    return findings


@dataclass(slots=True)
class _Row:
    """Cells of one row, and what could not be read of them."""

    text: Mapping[str, str]
    number: Mapping[str, float]
    day: Mapping[str, date | None]
    flag: dict[str, bool] = field(default_factory=dict)
    problems: list[Told] = field(default_factory=list)

    def names(self, column: str) -> tuple[str, ...]:
        parts = (part.strip() for part in self.text[column].split(BETWEEN))
        return tuple(part for part in parts if part)


def _rows(table: Table) -> list[_Row]:
    count = len(table.rows)
    texts = {
        name: [_text(cell) for cell in table.cells[name]] if name in table.cells else [""] * count
        for name in ("name", "channel", "geos", "unit", "in_data", "hold_back", "mismatch")
    }
    numbers = {
        name: parse_numbers(table.cells[name], table.from_text).values
        for name in ("spend_change", "lift", "standard_error", "mismatch")
        if name in table.cells
    }
    days = {
        name: parse_dates(table.cells[name])
        for name in ("start", "end", "measured_until")
        if name in table.cells
    }
    rows = []
    for i in range(count):
        row = _Row(
            {name: cells[i] for name, cells in texts.items()},
            {name: float(values[i]) for name, values in numbers.items()},
            {
                name: None if i in read.problems else read.values[i].date()
                for name, read in days.items()
            },
        )
        for name, read in days.items():
            empty = name == "measured_until" and is_missing(table.cells[name].iloc[i])
            if i in read.problems and not empty:
                row.problems.append((name, f"{read.problems[i]}.", "Write dates as 2024-01-29."))
        row.problems += _unread(row)
        for name in ("in_data", "hold_back"):
            said = row.text[name].lower()
            row.flag[name] = _FLAGS.get(said, False)
            if said not in _FLAGS:
                row.problems.append((name, f"'{said}' is not true or false.", "Write one of them."))
        rows.append(row)
    return rows


def _text(cell: object) -> str:
    return "" if not isinstance(cell, str) and is_missing(cell) else str(cell).strip()


def _unread(row: _Row) -> Iterator[Told]:
    """What is wrong with the numbers and the unit of a row."""
    for name in ("spend_change", "lift", "standard_error"):
        if np.isnan(row.number[name]):
            yield name, "this is not a number.", "Give a plain number such as 1234.5."
    if row.number["spend_change"] == 0:
        yield (
            "spend_change",
            "spending was not changed, so nothing was tested.",
            "Give the change of media money over the whole test, negative for a cut.",
        )
    if row.number["standard_error"] <= 0:
        yield (
            "standard_error",
            "a standard error is above 0.",
            "Give that of the column 'lift'; a 90 % interval is 3.29 standard errors wide.",
        )
    stated = row.text["mismatch"]
    if stated and not row.number["mismatch"] >= 1:
        yield (
            "mismatch",
            f"'{stated}' is not a factor of at least 1.",
            "Give what the standard error is multiplied by, or leave it empty.",
        )
    unit = row.text["unit"]
    if unit and unit not in UNITS:
        yield "unit", f"there is no unit '{unit}'.", sentence(did_you_mean(unit, UNITS))
    if unit == "cost_per_outcome" and row.number["lift"] <= 0:
        yield (
            "lift",
            "a cost per outcome is above 0; a test that found nothing has none.",
            "State what was found as 'lift' or 'roi', where nothing is 0.",
        )


def _experiment(
    row: _Row, study: Study, panel: Panel
) -> tuple[Experiment | None, Tested | None, list[Told]]:
    channels, geos = row.names("channel"), row.names("geos")
    told = [*_unknown("channel", channels, panel.channels), *_unknown("geos", geos, panel.geos)]
    start, end = row.day["start"], row.day["end"]
    until = row.day.get("measured_until") or end
    if start is None or end is None or until is None:
        return None, None, told
    if end < start:
        told.append(("end", "the test ends before it starts.", "Correct one of the dates."))
    if until < end:
        told.append(
            ("measured_until", "the outcome is measured to before the test's end.",
             "Give a date at its end or later, or leave it empty.")
        )  # fmt: skip
    if told:
        return None, None, told
    by_name = {channel.name: channel for channel in study.channels}
    tested_channels = [by_name[name] for name in channels]
    hold_back = row.flag["hold_back"]
    told += _untestable(tested_channels, study, panel, hold_back=hold_back)
    if told:
        return None, None, told
    one = Experiment(
        name=row.text["name"],
        channels=channels,
        geos=geos if set(geos) != set(panel.geos) else (),
        start=start,
        end=end,
        until=until,
        spend_change=row.number["spend_change"],
        lift=row.number["lift"],
        standard_error=row.number["standard_error"],
        prices=tuple(_price(channel, panel) for channel in tested_channels),
        mismatch=row.number["mismatch"] if row.text["mismatch"] else 1.0,
        in_data=row.flag["in_data"],
        hold_back=hold_back,
    )
    try:
        tested = media_tested(one, panel)
    except ValueError as problem:
        return None, None, [_overdrawn(one, str(problem))]
    if one.in_data and not tested.inside:
        return None, None, [
            ("in_data", "the test is not within the dates of the data.",
             "Leave 'in_data' empty, or correct the dates.")
        ]  # fmt: skip
    return replace(one, **_as_lift(one, row.text["unit"], tested, panel)), tested, []


def _unknown(column: str, names: tuple[str, ...], known: tuple[str, ...]) -> Iterator[Told]:
    for name, count in Counter(names).items():
        if name not in known:
            remedy = sentence(did_you_mean(name, known))
            if column == "geos":
                remedy += (
                    " A test elsewhere can be read as one of the whole study: leave 'geos' empty, "
                    "with a 'mismatch' for how much the area may differ."
                )
            yield column, f"there is no '{name}' in the study.", remedy
        elif count > 1:
            yield column, f"'{name}' is named twice.", "Name it once."
    if column == "channel" and not names:
        yield column, "the test names no channel.", "Name one, or several with ';' between them."


def _untestable(
    channels: list[Channel], study: Study, panel: Panel, *, hold_back: bool
) -> Iterator[Told]:
    """Channels whose spending means nothing, or whose whole effect no likelihood has."""
    moving = {name for stage in study.routes().stages for name in stage.channels}
    for channel in channels:
        if not variable_cost_rate(channel):
            yield (
                "channel",
                f"'{channel.name}' has no cost, so a change of its spending means nothing.",
                "Give it 'costs.unit_cost' in the study file.",
            )
        elif np.isnan(_price(channel, panel)):
            yield (
                "channel",
                f"nothing was spent on '{channel.name}' in the data, so what money buys of it "
                "is not known.",
                "Add dates on which it ran, or leave the test out.",
            )
        if hold_back:
            continue
        if channel.name in {*moving, *study.routes().silent}:
            yield (
                "channel",
                f"'{channel.name}' acts through paths as well, and a test measures both together, "
                "which no one regression of the study has.",
                "Set 'hold_back' to true to have the test predicted and scored, or leave 'paths' "
                "out.",
            )
        own = {channel.adstock}.difference(ADSTOCKS) | {channel.saturation}.difference(SATURATIONS)
        if own:
            yield (
                "channel",
                f"'{channel.name}' has a transform of your own ({', '.join(sorted(own))}), which "
                "experiments cannot inform.",
                "Set 'hold_back' to true to have the test predicted and scored, or use a transform "
                "that comes with the library.",
            )


def _price(channel: Channel, panel: Panel) -> float:
    """Money per unit of media: what was paid on average, NaN where nothing was bought."""
    if channel.spend is None:
        return channel.costs.unit_cost or float("nan")
    place = panel.channels.index(channel.name)
    spend, media = (float(panel.dataset[n].values[:, :, place].sum()) for n in ("spend", "media"))
    if channel.exposure is None:
        return 1.0
    return spend / media if spend > 0 and media > 0 else float("nan")


def _overdrawn(one: Experiment, problem: str) -> Told:
    if one.in_data:
        remedy = "Correct the change, the dates or the geos, or set 'in_data' to false."
    else:
        remedy = (
            "Correct the change, the dates or the geos. Where the recorded spending is that of "
            "the test, with the change in it already, set 'in_data' to true."
        )
    return "spend_change", f"{problem} there and then.", remedy


def _as_lift(one: Experiment, unit: str, tested: Tested, panel: Panel) -> dict[str, float]:
    """Lift and standard error in units of outcome."""
    if unit == "roi":
        value = panel.dataset["value_per_unit"].values[:, tested.geos]
        if tested.inside:
            value = value[tested.start : tested.until]
        money = one.spend_change / float(value.mean())
        return {"lift": one.lift * money, "standard_error": one.standard_error * abs(money)}
    if unit == "cost_per_outcome":
        lift = one.spend_change / one.lift
        return {"lift": lift, "standard_error": abs(lift) * one.standard_error / one.lift}
    return {}


def _outside(one: Experiment, tested: Tested, where: str) -> Iterator[Finding]:
    if tested.inside:
        return
    aged = ""
    if tested.years > 0:
        aged = (
            f" Its standard error is multiplied by {tested.age_factor:.2f}, for {tested.years:.1f} "
            "years between them."
        )
    yield Finding(
        "experiment_outside_window",
        Severity.INFO,
        where,
        f"the test of {' and '.join(one.channels)} is not within the dates of the data, and is "
        f"read as one of how the channel runs on average while active.{aged}",
        "Add the dates of the test to the data, or a 'mismatch' where the channel ran otherwise.",
    )


def _stated_twice(found: list[Experiment], table: Table) -> list[Finding]:
    """The same test would count twice."""
    seen: dict[tuple[object, ...], int] = {}
    findings = []
    for row, one in enumerate(found):
        whole = (one.channels, one.geos, one.start, one.end, one.until)
        keys = {"channel": whole, "name": (one.name,)} if one.name else {"channel": whole}
        for column, key in keys.items():
            first = seen.setdefault(key, row)
            if first != row:
                findings.append(
                    error(CHECK, f"{table.name}: column '{column}', {table.rows[row]}",
                          f"the same is stated in {table.rows[first]} already.",
                          "Keep one of the rows, or tell them apart.")
                )  # fmt: skip
    return findings


def _named(found: list[Experiment]) -> tuple[Experiment, ...]:
    """Tests with a name each: channels and start where none is given, numbered where alike."""
    taken = Counter(one.name for one in found if one.name)
    named = []
    for one in found:
        if not one.name:
            name = label = f"{' + '.join(one.channels)} {one.start:%Y-%m-%d}"
            number = 1
            while taken[name]:
                number += 1
                name = f"{label} ({number})"
            taken[name] += 1
            one = replace(one, name=name)
        named.append(one)
    return tuple(named)
