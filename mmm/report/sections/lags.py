"""How long opportunities take, as records tell it."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Block, Section, Table, Text
from mmm.report.charts.lag import lag_chart
from mmm.report.inputs import ReportInputs
from mmm.report.tables import Column, breakable, html_table, stacked

_FAMILIES = {"gamma": "gamma", "lognormal": "log-normal"}


def lags_section(inputs: ReportInputs) -> Section | None:
    """Chart and table of each lag estimated from records; None where there is none."""
    lags, curves = inputs.lags, inputs.lag_curves
    if lags is None or curves is None:
        return None
    blocks: list[Block] = []
    for place, (owner, rows) in enumerate(lags.groupby("owner", sort=False)):
        blocks += [
            Text(_summary(rows.iloc[0], str(owner))),
            lag_chart(curves[curves["owner"] == owner], str(owner), place),
            _table(rows, str(owner), place),
        ]
    return Section("lags", "How long opportunities take", tuple(blocks))


def _summary(row: pd.Series, owner: str) -> str:
    opened, won, lost, still_open = (
        words.spoken(float(row[name])) for name in ("opened", "won", "lost", "open")
    )
    interval = f"{words.percent(row['rate_p05'])} to {words.percent(row['rate_p95'])}"
    fitted, seen = (
        words.counted(round(row[name]), "day") for name in ("median", "observed_median")
    )
    return (
        f"Of {opened} opportunities recorded for {words.plain_name(owner)}, {won} were won, {lost} "
        f"lost, and {still_open} are still open. Counting those for what they may become, "
        f"{words.percent(row['rate'])} are won in the end (90 % interval {interval}), half of "
        f"them within {fitted} by the form the model starts from, and within {seen} by counting."
    )


def _table(rows: pd.DataFrame, owner: str, place: int) -> Table:
    columns = (
        Column("Opportunities"),
        Column("Form"),
        Column("Opened", "right"),
        Column("Won in the end", "right"),
        Column("Days to half of them", "right"),
        Column("The same in the records", "right"),
        Column("Days to nearly all", "right"),
        Column("Widest gap to the records", "right"),
    )
    return Table(
        f"Lag and rate from the records of {words.plain_name(owner)}",
        html_table(f"lags-{place}", columns, [_row(row) for _, row in rows.iterrows()]),
        "The first row is where the model starts from. Under a figure, its 90 % interval; the "
        "gap is in parts of all that are won.",
    )


def _row(row: pd.Series) -> tuple[str | Markup, ...]:
    family = _FAMILIES[str(row["family"])]
    rate = f"{words.percent(row['rate_p05'])} to {words.percent(row['rate_p95'])}"
    days = f"{words.short(row['median_p05'])} to {words.short(row['median_p95'])}"
    return (
        breakable(str(row["group"])) if row["group"] else "all",
        stacked(family, "used") if row["used"] else family,
        words.short(float(row["opened"])),
        stacked(words.percent(row["rate"]), rate),
        stacked(words.short(row["median"]), days),
        words.short(row["observed_median"]),
        words.short(row["longest"]),
        words.percent(row["distance"]),
    )
