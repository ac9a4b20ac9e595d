"""Records of opportunities: when each was opened, when and how it was closed, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path

import numpy as np
import pandas as pd

from mmm.config.lag import LagRecords
from mmm.data.checks.finding import count, error, sentence, some
from mmm.data.parse import Dates, is_missing, parse_dates, parse_numbers
from mmm.data.table import Table, read_table
from mmm.errors import Finding, InputError, Severity, did_you_mean

CHECK = "records"
FEWEST = 20
"""Won opportunities below which a lag cannot be estimated."""


class State(IntEnum):
    """How an opportunity stands."""

    OPEN = 0
    WON = 1
    LOST = 2


@dataclass(frozen=True, slots=True)
class Records:
    """Opportunities, one an element; arrays are (N,).

    days: from opened to closed, of those still open to `as_of`. state: `State`. value: amount of
    those won, NaN where there is none. group: "" where the records have none.
    """

    name: str
    days: np.ndarray
    state: np.ndarray
    value: np.ndarray
    group: np.ndarray
    as_of: np.datetime64

    def of_group(self, group: str) -> Records:
        """The records of one group."""
        kept = self.group == group
        parts = (part[kept] for part in (self.days, self.state, self.value, self.group))
        return Records(self.name, *parts, self.as_of)


@dataclass(frozen=True, slots=True)
class _Rows:
    table: Table
    source: LagRecords
    opened: Dates
    closed: Dates
    won: np.ndarray
    value: np.ndarray
    as_of: np.datetime64

    def problem(
        self, column: str, bad: Iterable[int] | np.ndarray, message: str, remedy: str
    ) -> Iterator[Finding]:
        """One error for all bad rows, the first in its place; nothing where there are none."""
        rows = [int(row) for row in bad]
        if rows:
            if len(rows) > 1:
                others = some(self.table.rows[row] for row in rows[1:])
                message = f"{message.rstrip('.')}; so in {others}."
            where = f"{self.table.name}: column '{column}', {self.table.rows[rows[0]]}"
            yield error(CHECK, where, message, remedy)


def load_records(source: LagRecords, base: Path) -> tuple[Records, tuple[Finding, ...]]:
    """The records `source` names, relative to the directory `base`, and findings about them.

    Rows that are neither opened nor closed have not begun and are left out, with a finding.
    Raises `InputError` with every problem: a column that is missing, a date that cannot be read,
    closed before it was opened or after `as_of`, won and not closed, too few that were won.
    """
    table = read_table(Path(base) / source.file, key="lag.records.file")
    missing = list(_missing_columns(table, source))
    if missing:
        raise InputError(missing)
    rows = _read(table, source)
    findings = [finding for check in _CHECKS for finding in check(rows)]
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise InputError(findings)
    opened, ends = rows.opened.values.values, rows.closed.values.values
    begun, closed = ~np.isnat(opened), ~np.isnat(ends)
    ends = np.where(closed, ends, rows.as_of)
    state = np.where(closed, np.where(rows.won, State.WON, State.LOST), State.OPEN)
    groups = _texts(table, source.group)
    records = Records(
        name=table.name,
        days=(ends[begun] - opened[begun]).astype("timedelta64[D]").astype(float),
        state=state[begun],
        value=np.where(state == State.WON, rows.value, np.nan)[begun],
        group=groups[begun],
        as_of=rows.as_of,
    )
    return records, tuple(findings)


def _missing_columns(table: Table, source: LagRecords) -> Iterator[Finding]:
    named = {
        "opened": source.opened, "closed": source.closed, "won.column": source.won.column,
        "value": source.value, "group": source.group,
    }  # fmt: skip
    for key, column in named.items():
        if column is not None and column not in table.cells:
            yield error(
                CHECK,
                f"{table.name}: column '{column}'",
                f"there is no such column, and lag.records.{key} names it.",
                sentence(did_you_mean(column, table.columns)),
            )


def _read(table: Table, source: LagRecords) -> _Rows:
    opened, closed = (
        _dates(table.cells[name], source.date_format) for name in (source.opened, source.closed)
    )
    stages = _texts(table, source.won.column)
    nothing = np.full(len(table.rows), np.nan)
    numbers = parse_numbers(table.cells[source.value], table.from_text) if source.value else None
    seen = np.concatenate([opened.values.values, closed.values.values])
    last = seen[~np.isnat(seen)].max(initial=np.datetime64(0, "ns"))
    as_of = np.datetime64(source.as_of.isoformat(), "ns") if source.as_of else last
    return _Rows(
        table=table,
        source=source,
        opened=opened,
        closed=closed,
        won=np.isin(stages, source.won.values),
        value=nothing if numbers is None else numbers.values,
        as_of=as_of,
    )


def _texts(table: Table, column: str | None) -> np.ndarray:
    """Text of a column (N,), "" where a cell is empty or there is no column."""
    if column is None:
        return np.full(len(table.rows), "", dtype=object)
    cells = table.cells[column]
    empty = [not isinstance(cell, str) and is_missing(cell) for cell in cells]
    texts = ["" if none else str(cell).strip() for cell, none in zip(cells, empty, strict=True)]
    return np.array(texts, dtype=object)


def _dates(cells: pd.Series, layout: str | None) -> Dates:
    """Dates, NaT where a cell is empty: that is no problem here."""
    empty = np.array([is_missing(cell) for cell in cells], dtype=bool)
    if layout is None:
        read = parse_dates(cells)
        kept = {row: text for row, text in read.problems.items() if not empty[row]}
        return Dates(read.values, kept)
    found: list[datetime | None] = []
    problems: dict[int, str] = {}
    for row, cell in enumerate(cells):
        try:
            found.append(None if empty[row] else datetime.strptime(str(cell).strip(), layout))
        except ValueError:
            found.append(None)
            problems[row] = f"'{cell}' is not a date written as {layout}"
    return Dates(pd.DatetimeIndex(np.array(found, dtype="datetime64[ns]")).normalize(), problems)


def _unread(rows: _Rows) -> Iterator[Finding]:
    for column, dates in ((rows.source.opened, rows.opened), (rows.source.closed, rows.closed)):
        bad = sorted(dates.problems)
        if bad:
            remedy = "Write dates as 2024-01-29, or state 'date_format', as %d-%m-%y."
            yield from rows.problem(column, bad, f"{dates.problems[bad[0]]}.", remedy)


def _order(rows: _Rows) -> Iterator[Finding]:
    opened, closed, source = rows.opened.values, rows.closed.values, rows.source
    readable = np.ones(len(opened), dtype=bool)
    readable[[*rows.opened.problems, *rows.closed.problems]] = False
    yield from rows.problem(
        source.closed,
        np.flatnonzero(readable & np.asarray(closed < opened)),
        "the opportunity was closed before it was opened.",
        "Correct one of the dates.",
    )
    yield from rows.problem(
        source.opened,
        np.flatnonzero(readable & opened.isna() & ~closed.isna()),
        "the opportunity was closed and never opened.",
        "Give the date it was opened, or leave the row out.",
    )
    for column, dates in ((source.opened, opened), (source.closed, closed)):
        yield from rows.problem(
            column,
            np.flatnonzero(np.asarray(dates > rows.as_of)),
            f"the date is after the records were drawn ({rows.as_of.astype('datetime64[D]')}).",
            "Correct the date, or 'as_of' in the study file.",
        )
    yield from rows.problem(
        source.closed,
        np.flatnonzero(readable & rows.won & closed.isna()),
        "the opportunity is won and has no date on which it was closed.",
        "Give the date, or correct what says that it was won.",
    )


def _enough(rows: _Rows) -> Iterator[Finding]:
    won = int((rows.won & ~rows.closed.values.isna()).sum())
    if won < FEWEST:
        column = rows.source.won.column
        known = sorted({str(cell).strip() for cell in rows.table.cells[column] if cell})
        yield error(
            CHECK,
            f"{rows.table.name}: column '{column}'",
            f"{count(won, 'record')} won, and a lag needs {FEWEST} at least.",
            f"Check 'won.value' ({', '.join(rows.source.won.values)}) against what the column "
            f"holds ({some(known)}), or state 'median' and 'max'.",
        )


def _values(rows: _Rows) -> Iterator[Finding]:
    if rows.source.value is not None:
        bad = np.flatnonzero(rows.won & ~(rows.value >= 0))
        yield from rows.problem(
            rows.source.value,
            bad,
            "what was won has no value, or a negative one.",
            "Give the amount, 0 or more.",
        )


def _begun(rows: _Rows) -> Iterator[Finding]:
    waiting = int((rows.opened.values.isna() & rows.closed.values.isna()).sum())
    if waiting:
        yield Finding(
            "records_not_opened",
            Severity.INFO,
            f"{rows.table.name}: column '{rows.source.opened}'",
            f"{count(waiting, 'record')} not opened yet and left out.",
            "Nothing to do if they are only planned.",
        )


_CHECKS = (_unread, _order, _enough, _values, _begun)
