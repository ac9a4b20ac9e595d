"""Where the outcome came from, how it answers spend, how well the model follows it, what next."""

from __future__ import annotations

import pandas as pd

from mmm.report import words
from mmm.report.blocks import Block, Figure, Section, Table, Text
from mmm.report.charts.curves import curves_chart
from mmm.report.charts.time import decomposition_chart, fit_chart, forecast_chart
from mmm.report.charts.waterfall import waterfall_chart
from mmm.report.inputs import MARKETING, ReportInputs
from mmm.report.sections.terms import amount_of, period, planned, unit_title
from mmm.report.tables import Column, html_table

MOST_FORECAST_ROWS = 16


def waterfall_section(inputs: ReportInputs) -> Section:
    name = words.plain_name(inputs.outcome_name)
    figure = waterfall_chart(
        inputs.contribution_totals, inputs.channels, inputs.outcome_name, inputs.outcome_unit
    )
    text = (
        "The baseline is what would have come without any of the marketing studied here: habit, "
        "season, trend. What each channel caused is added on top."
    )
    return Section("waterfall", f"Where the {name} came from", (Text(text), figure))


def curves_section(inputs: ReportInputs) -> Section:
    title = "What a change of spend would do"
    if inputs.curves.empty:
        return Section("curves", title, (Text("There are no response curves to show."),))
    figure = curves_chart(inputs.curves, inputs.outcome_name, inputs.outcome_unit, inputs.currency)
    text = (
        "Each curve answers one question: had this channel's spend been lower or higher over the "
        "dates studied, with the same timing, how much would it have caused?"
    )
    return Section("curves", title, (Text(text), figure))


def fit_section(inputs: ReportInputs) -> Section:
    fitted = inputs.fitted
    seen = fitted[fitted["observed"].notna()]
    inside = ((seen["observed"] >= seen["p05"]) & (seen["observed"] <= seen["p95"])).sum()
    share = words.percent(inside / len(seen)) if len(seen) else words.UNKNOWN
    text = (
        f"The model was given {len(seen):,} recorded figures. {share} of them lie inside its "
        "90 % interval; close to 90 % is what an honest model shows. A close fit alone does not "
        "prove that the split between channels is right."
    )
    return Section(
        "fit",
        "Does the model follow what happened?",
        (Text(text), *fit_chart(fitted, unit_title(inputs))),
    )


def decomposition_section(inputs: ReportInputs) -> Section:
    figure = decomposition_chart(inputs.contributions, inputs.fitted, unit_title(inputs))
    name = words.plain_name(inputs.outcome_name)
    return Section("decomposition", f"How the {name} built up over time", (figure,))


def forecast_section(inputs: ReportInputs) -> Section:
    title = "What to expect next"
    frame = inputs.forecast
    whole = frame[(frame["component"] == "outcome") & (frame["kind"] == "total")]
    if whole.empty:
        return Section("forecast", title, (Text("This run made no forecast."),))
    word = period(inputs)
    count = whole["date"].nunique()
    marketing = float(frame.loc[frame["kind"].isin(MARKETING), "mean"].sum())
    expected = float(whole["mean"].sum())
    span = f"the next {words.counted(count, word)}" if count > 1 else f"the next {word}"
    text = (
        f"{_spending(inputs)}, we expect {amount_of(expected, inputs)} over {span}"
        f"{_how_sure(inputs)}, of which marketing causes "
        f"{words.amount(marketing, inputs.outcome_unit)}, past spending that still works included."
    )
    blocks: list[Block] = [Text(text), *_drawn(whole, inputs)]
    if whole["geo"].nunique() == 1 and count <= MOST_FORECAST_ROWS:
        blocks.append(_forecast_table(whole, word))
    return Section("forecast", title, tuple(blocks))


def _drawn(whole: pd.DataFrame, inputs: ReportInputs) -> tuple[Figure, ...]:
    name = planned(inputs)
    plan = {"as is": "today's spending", "recommended": "the recommended plan"}.get(name, name)
    return forecast_chart(whole, inputs.fitted, unit_title(inputs), plan)


def _how_sure(inputs: ReportInputs) -> str:
    """The interval of what is expected over all periods, where the plan has it."""
    rows = () if inputs.plan is None else inputs.plan["comparison"]
    mine = [row for row in rows if row["scenario"] == planned(inputs)]
    if not mine:
        return ""
    spread = words.between(words.spread(mine[0], "outcome_"), inputs.outcome_unit)
    return f" (on average; 90 % interval {spread})"


def _spending(inputs: ReportInputs) -> str:
    """Under which plan."""
    name = planned(inputs)
    if name == "as is":
        return "If spending stays as it is"
    return f"Spending {'as recommended' if name == 'recommended' else f'as in {name}'}"


def _forecast_table(whole: pd.DataFrame, word: str) -> Table:
    rows = [
        (
            words.date_label(row["date"], word),
            *(words.short(row[key]) for key in ("mean", "p05", "p95")),
        )
        for _, row in whole.sort_values("date").iterrows()
    ]
    columns = (
        Column(word.capitalize()),
        Column("Expected", "right"),
        Column("Low", "right"),
        Column("High", "right"),
    )
    return Table(
        "Forecast in figures",
        html_table("forecast-table", columns, rows),
        "Low and high are the ends of the 90 % interval.",
    )
