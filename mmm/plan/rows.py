"""Rows of files about the periods ahead, checked: dated spend and controls."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from mmm.data.panel import Panel
from mmm.data.table import read_table
from mmm.errors import Finding, InputError, Severity, did_you_mean, input_error

CHECK = "scenario"
COLUMNS = ("date", "channel", "spend")
OF_PLAN = ("money", "spend_today", "media", "media_today", "money_today")
"""Further columns of `plan.csv`, which read back as a scenario is."""
LONGEST = 1040
"""Periods ahead that a file may reach."""
ROW = " row"
"""Number of a row in its file: a name that no column has."""
SHOWN = 5
"""Rows of one kind that are named at most."""


class Refusals:
    """Problems of one file, gathered so that all are told at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.findings: list[Finding] = []

    def add(self, row: int | None, message: str, remedy: str) -> None:
        """A problem of a row (numbered from zero), or of the file."""
        where = self.name if row is None else f"{self.name}: row {row + 2}"
        self.findings.append(Finding(CHECK, Severity.ERROR, where, message, remedy))

    def each(self, rows: Iterable[int], message: str, remedy: str) -> None:
        """The same problem of the first few of `rows`."""
        for row in list(rows)[:SHOWN]:
            self.add(row, message, remedy)

    def raise_any(self) -> None:
        if self.findings:
            raise InputError(self.findings)


def read_rows(path: Path, key: str) -> pd.DataFrame:
    """The cells of a CSV or Parquet file that `key` names: a key of the study file, or an
    option."""
    if key.startswith("--") and not path.is_file():
        raise input_error(
            CHECK, str(path), "there is no such file.", f"Check the path given with {key}."
        )
    table = read_table(path, key)
    return pd.DataFrame({name: table.cells[name].to_numpy() for name in table.columns})


def spend_rows(
    panel: Panel,
    frame: pd.DataFrame,
    name: str,
    currency: str,
    effort: Collection[str] = (),
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Rows of date, geo, channel and spend as dates, names and numbers, and what is to be known
    of the file. Channels of `effort` have no media spend: where a row of theirs gives none, as in
    `plan.csv`, its `money` counts. Raises `InputError` with every problem."""
    missing = [column for column in COLUMNS if column not in frame.columns]
    if "geo" not in frame.columns and len(panel.geos) > 1:
        missing.append("geo")
    if missing or not len(frame):
        raise input_error(
            CHECK, name,
            f"no column {', '.join(repr(c) for c in missing)}." if missing else "no rows.",
            "A scenario has the columns date, geo, channel and spend, one row each.",
        )  # fmt: skip
    problems = Refusals(name)
    rows = _dated(panel, frame)
    spent = pd.to_numeric(rows["spend"], errors="coerce")
    rows = rows.assign(spend=spent, channel=rows["channel"].astype(str))
    if "money" in rows.columns:
        unspent = rows["channel"].isin(effort) & ~(spent != 0)
        money = pd.to_numeric(rows["money"], errors="coerce")
        rows = rows.assign(spend=spent.where(~unspent, money))
    _refuse_unknown(problems, rows, "channel", panel.channels)
    _refuse_unknown(problems, rows, "geo", panel.geos)
    _refuse_dates(problems, panel, frame, rows, panel.future_dates(LONGEST))
    wrong = ~(rows["spend"] >= 0) | ~np.isfinite(rows["spend"])
    for row in rows.index[wrong][:SHOWN].tolist():
        problems.add(row, f"spend is '{frame['spend'].iloc[row]}'.", "Give a number of 0 or more.")
    problems.each(
        rows.index[rows.duplicated(["date", "geo", "channel"])],
        "date, geo and channel were given before.", "Keep one row of each.",
    )  # fmt: skip
    _refuse_currency(problems, frame, currency)
    problems.raise_any()
    return rows, _unread(frame, name)


def control_rows(
    panel: Panel, frame: pd.DataFrame, name: str, dates: pd.DatetimeIndex
) -> pd.DataFrame:
    """Controls over `dates`, one row a date and geo, one column a control. Rows of dates that are
    in the data, or after `dates`, are not read. Raises `InputError` with every problem."""
    named = [column for column in frame.columns if column not in ("date", "geo")]
    unknown = [column for column in named if column not in panel.controls]
    if unknown or "date" not in frame.columns or not named:
        word = unknown[0] if unknown else "date"
        raise input_error(
            CHECK, name, f"'{word}' is not a control of the study, or no date is given;",
            did_you_mean(word, panel.controls),
        )  # fmt: skip
    problems = Refusals(name)
    rows = _dated(panel, frame, every="geo" not in frame.columns)
    known = pd.DatetimeIndex(panel.dates.append(panel.future_dates(LONGEST)))
    if "geo" in frame.columns:
        _refuse_unknown(problems, rows, "geo", panel.geos)
    _refuse_dates(problems, panel, frame, rows.drop_duplicates(ROW), known)
    again = rows.duplicated(["date", "geo"]) & rows["date"].notna()
    problems.each(
        rows[ROW][again].unique(), "date and geo were given before.", "Keep one row of each."
    )
    problems.raise_any()
    index = pd.MultiIndex.from_product([dates, panel.geos], names=["date", "geo"])
    wide = rows.set_index(["date", "geo"])[named].apply(pd.to_numeric, errors="coerce")
    wide = wide.reindex(index)
    lacking = ~np.isfinite(wide.to_numpy(dtype=float))
    if lacking.any():
        place, column = np.argwhere(lacking)[0]
        date, geo = wide.index[place]
        raise input_error(
            CHECK, name, f"no number for {date:%Y-%m-%d}, {geo} in '{named[column]}'.",
            "Give every control in every period and geo of the plan.",
        )  # fmt: skip
    return wide


def _dated(panel: Panel, frame: pd.DataFrame, *, every: bool = False) -> pd.DataFrame:
    """The rows with dates, and `ROW` their number; without geos they are those of the only one,
    or hold for `every` one."""
    rows = frame.reset_index(drop=True)
    rows = rows.assign(
        **{ROW: np.arange(len(rows))},
        date=pd.to_datetime(rows["date"].astype(str), errors="coerce", format="ISO8601"),
    )
    if every:
        return rows.merge(pd.DataFrame({"geo": list(panel.geos)}), how="cross")
    geo = rows["geo"].astype(str) if "geo" in rows.columns else panel.geos[0]
    return rows.assign(geo=geo)


def _refuse_unknown(
    problems: Refusals, rows: pd.DataFrame, column: str, known: tuple[str, ...]
) -> None:
    for value in rows[column].unique():
        if value not in known:
            first = int(rows[ROW][rows[column] == value].iloc[0])
            problems.add(first, f"there is no {column} '{value}';", did_you_mean(value, known))


def _refuse_dates(
    problems: Refusals,
    panel: Panel,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    known: pd.DatetimeIndex,
) -> None:
    ahead = panel.future_dates(2)
    for row in rows[ROW][~rows["date"].isin(known)][:SHOWN].tolist():
        problems.add(
            row, f"'{frame['date'].iloc[row]}' is no period after the last one observed.",
            f"Periods ahead start at {ahead[0]:%Y-%m-%d}, {ahead[1]:%Y-%m-%d} and so on.",
        )  # fmt: skip


def _refuse_currency(problems: Refusals, frame: pd.DataFrame, currency: str) -> None:
    """Refuses a column `currency` that is not the study's: amounts are never converted."""
    if "currency" not in frame.columns:
        return
    stated = frame["currency"].astype(str).str.strip().str.upper()
    other = np.flatnonzero(stated != currency.upper())
    if len(other):
        row = int(other[0])
        ours = f"the study is in {currency}" if currency else "the study states no currency"
        problems.add(
            row, f"currency is '{frame['currency'].iloc[row]}' and {ours}.",
            "Give spend in the study's currency; amounts are never converted.",
        )  # fmt: skip


def _unread(frame: pd.DataFrame, name: str) -> tuple[Finding, ...]:
    """Columns that a scenario does not have."""
    known = {*COLUMNS, *OF_PLAN, "geo", "currency"}
    others = [str(column) for column in frame.columns if column not in known]
    if not others:
        return ()
    return (
        Finding(
            "plan_unread", Severity.INFO, name, f"{', '.join(others)}: columns that are not read.",
            "A scenario has the columns date, geo, channel and spend.",
        ),
    )  # fmt: skip
