"""Claims: the outcome that platforms or teams say a channel caused, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmm.config.study import Study
from mmm.data.checks.finding import count, error, sentence, some, warning
from mmm.data.panel import Panel
from mmm.data.parse import Dates, Numbers, is_missing, parse_dates, parse_numbers
from mmm.data.table import Table, read_table
from mmm.errors import Finding, InputError, Severity, did_you_mean

CHECK = "claims"
REQUIRED = ("channel", "claimed")
COLUMNS = (*REQUIRED, "source", "geo", "date", "period")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source claims: `channel` is a channel of the study, or empty where `source` says
    who claims it for something else; `claimed` is in units of the outcome, over the window."""

    channel: str
    source: str
    claimed: float


def load_claims(
    study: Study, panel: Panel, base: Path
) -> tuple[tuple[Claim, ...], tuple[Finding, ...]]:
    """The claims in `study.claims`, relative to the directory `base`, summed over dates and
    geos, in the order of the file; and warnings. Both are empty where the study names no file.

    Columns: `channel` and `claimed`; `source` (who claims), `geo`, and `date` or `period` are
    optional. Undated claims are about the whole window. Dated ones outside it are left out with
    a warning. Raises `InputError` with every problem found.
    """
    if study.claims is None:
        return (), ()
    table = read_table(Path(base) / study.claims, key="claims")
    problems = _wrong_columns(table)
    if problems:
        raise InputError(problems)
    rows = _read(table)
    findings = [finding for check in _CHECKS for finding in check(rows, study, panel)]
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise InputError(findings)
    sums: dict[tuple[str, str], float] = {}
    amounts = np.where(_inside(rows, panel), rows.claimed.values, 0.0).tolist()
    for channel, source, amount in zip(rows.channel, rows.source, amounts, strict=True):
        sums[channel, source] = sums.get((channel, source), 0.0) + amount
    return tuple(Claim(*key, total) for key, total in sums.items()), tuple(findings)


def _wrong_columns(table: Table) -> list[Finding]:
    findings = [
        error(
            CHECK,
            f"{table.name}: column '{name}'",
            "there is no such column.",
            f"Claims have the columns {', '.join(REQUIRED)}; {', '.join(COLUMNS[2:])} may follow.",
        )
        for name in REQUIRED
        if name not in table.cells
    ]
    findings += [
        error(
            CHECK,
            f"{table.name}: column '{name}'",
            "claims have no such column.",
            f"{sentence(did_you_mean(name, COLUMNS))} Or leave it out.",
        )
        for name in table.cells
        if name not in COLUMNS
    ]
    if "date" in table.cells and "period" in table.cells:
        findings.append(
            error(CHECK, f"{table.name}: column 'period'", "the rows are dated twice.",
                  "Keep one of 'date' and 'period'.")
        )  # fmt: skip
    if not table.rows:
        findings.append(
            error(CHECK, table.name, "the file holds no rows.",
                  "Add claims, or leave 'claims' out of the study file.")
        )  # fmt: skip
    return findings


@dataclass(frozen=True, slots=True)
class _Rows:
    """Cells of the table by column, each (rows,); text is empty where a column has none."""

    table: Table
    channel: list[str]
    source: list[str]
    geo: list[str]
    claimed: Numbers
    date_column: str
    dates: Dates | None

    def problem(
        self, column: str, bad: Iterable[int], message: str, remedy: str
    ) -> Iterator[Finding]:
        """One error for all bad rows, the first in its place; nothing where there are none."""
        rows = [int(row) for row in bad]
        if rows:
            if len(rows) > 1:
                others = some(self.table.rows[row] for row in rows[1:])
                message = f"{message.rstrip('.')}; so in {others}."
            where = f"{self.table.name}: column '{column}', {self.table.rows[rows[0]]}"
            yield error(CHECK, where, message, remedy)


def _read(table: Table) -> _Rows:
    dated = next((name for name in ("date", "period") if name in table.cells), "")
    return _Rows(
        table=table,
        channel=_texts(table, "channel"),
        source=_texts(table, "source"),
        geo=_texts(table, "geo"),
        claimed=parse_numbers(table.cells["claimed"], table.from_text),
        date_column=dated,
        dates=parse_dates(table.cells[dated]) if dated else None,
    )


def _texts(table: Table, column: str) -> list[str]:
    cells = table.cells.get(column)
    if cells is None:
        return [""] * len(table.rows)
    empty = [not isinstance(cell, str) and is_missing(cell) for cell in cells]
    return ["" if none else str(cell).strip() for cell, none in zip(cells, empty, strict=True)]


def _places(names: list[str]) -> dict[str, list[int]]:
    """Rows by name, in the order of the first."""
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        found.setdefault(name, []).append(row)
    return found


def _amounts(rows: _Rows, study: Study, panel: Panel) -> Iterator[Finding]:
    values = rows.claimed.values
    yield from rows.problem(
        "claimed",
        np.flatnonzero(np.isnan(values)),
        "this is not a number.",
        "Give the claimed outcome as a number, in units of the outcome.",
    )
    yield from rows.problem(
        "claimed",
        np.flatnonzero(values < 0),
        "a claim cannot be negative.",
        "Give the outcome claimed as caused, 0 or more.",
    )


def _dates(rows: _Rows, study: Study, panel: Panel) -> Iterator[Finding]:
    problems = rows.dates.problems if rows.dates else {}
    for text in dict.fromkeys(problems.values()):
        bad = [row for row, other in problems.items() if other == text]
        yield from rows.problem(rows.date_column, bad, f"{text}.", "Write dates as 2024-01-29.")


def _names(rows: _Rows, study: Study, panel: Panel) -> Iterator[Finding]:
    for name, places in _places(rows.channel).items():
        if name and name not in panel.channels:
            near = sentence(did_you_mean(name, panel.channels))
            yield from rows.problem(
                "channel",
                places,
                f"the study has no channel '{name}'.",
                f"{near} For what is no channel, leave 'channel' empty and name who claims it "
                "in 'source'.",
            )
    unnamed = [
        row
        for row, names in enumerate(zip(rows.channel, rows.source, strict=True))
        if not any(names)
    ]
    yield from rows.problem(
        "channel",
        unnamed,
        "the claim names no channel and no source.",
        "Name the channel, or in 'source' who claims it.",
    )


def _geos(rows: _Rows, study: Study, panel: Panel) -> Iterator[Finding]:
    if "geo" not in rows.table.cells:
        return
    for name, places in _places(rows.geo).items():
        if name not in panel.geos:
            near = sentence(did_you_mean(name, panel.geos))
            yield from rows.problem("geo", places, f"the data has no geo '{name}'.", near)


def _once(rows: _Rows, study: Study, panel: Panel) -> Iterator[Finding]:
    if rows.dates and rows.dates.problems:
        return
    dates = rows.dates.values if rows.dates else [None] * len(rows.channel)
    first: dict[tuple, int] = {}
    again = []
    for row, key in enumerate(zip(rows.channel, rows.source, rows.geo, dates, strict=True)):
        if first.setdefault(key, row) != row:
            again.append((row, first[key]))
    if again:
        yield from rows.problem(
            "channel",
            [row for row, _ in again],
            f"the same is claimed in {rows.table.rows[again[0][1]]} already.",
            "Keep one of the rows, or tell them apart by 'source', 'geo' or 'date'.",
        )


def _window(rows: _Rows, study: Study, panel: Panel) -> Iterator[Finding]:
    outside = int((~_inside(rows, panel)).sum())
    first, end = panel.dates[0], panel.future_dates(1)[0]
    span = f"from {first:%Y-%m-%d} to before {end:%Y-%m-%d}"
    if outside and outside == len(rows.channel):
        yield error(
            CHECK,
            rows.table.name,
            "no claim lies within the dates of the data.",
            f"Give claims {span}.",
        )
    elif outside:
        yield warning(
            "claims_outside_window",
            rows.table.name,
            f"{count(outside, 'row')} dated outside the data and left out.",
            f"Claims {span} are compared; give no others.",
        )


def _inside(rows: _Rows, panel: Panel) -> np.ndarray:
    """Which rows are about the window; those whose date cannot be read count as inside."""
    if rows.dates is None:
        return np.ones(len(rows.channel), dtype=bool)
    first, end = panel.dates[0], panel.future_dates(1)[0]
    early, late = rows.dates.values < first, rows.dates.values >= end
    return np.asarray(~(early | late))


_CHECKS = (_names, _amounts, _dates, _geos, _once, _window)
