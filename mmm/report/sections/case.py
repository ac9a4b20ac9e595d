"""The investment case: value, cash, and the assumptions behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmm.report import words
from mmm.report.blocks import Block, Bullets, Section, Table, Text
from mmm.report.charts.case import cash_chart, npv_chart
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import payback, period
from mmm.report.tables import Column, html_table

LONGEST_VALUE = 24
"""An assumption in longer words stands in the wider column."""


def case_section(inputs: ReportInputs) -> Section:
    """The decision, NPV and its spread, cash, the figures, and what they rest on."""
    case = inputs.case
    npv = words.spread(case.get("npv"))
    blocks: list[Block] = [
        Text(
            f"This compares going on with today's budget with spending nothing.{_span(inputs)} "
            "Net present value (NPV) is all the cash marketing brings in, less all it costs, "
            "with later money counted at less because it comes later."
        ),
        *_decision(inputs),
    ]
    figure = npv_chart(inputs.npv_draws, npv, inputs.currency) if npv.known else None
    blocks.append(figure or Text("There is no net present value to draw."))
    blocks.append(_figures(inputs, npv))
    blocks += _horizons(inputs)
    if inputs.cashflow.empty:
        blocks.append(Text("There is no cash flow to draw."))
    else:
        blocks.append(cash_chart(inputs.cashflow, inputs.currency))
    blocks.append(_assumptions(inputs))
    rule = [case["decision_rule"]] if case.get("decision_rule") else []
    for heading, lines in (
        ("To bear in mind", case.get("caveats") or ()),
        ("How the decision is made", rule),
        ("How cash is counted", case.get("conventions") or ()),
    ):
        if lines:
            blocks.append(Bullets(tuple(str(line) for line in lines), heading))
    return Section("case", "The investment case", tuple(blocks))


def _span(inputs: ReportInputs) -> str:
    start, end = inputs.case.get("start"), inputs.case.get("end")
    cost = words.number(inputs.case.get("cost"))
    if not (start and end and np.isfinite(cost)):
        return ""
    word = period(inputs)
    return (
        f" The budget costs {words.amount(cost, inputs.currency)}, beginning "
        f"{words.date_label(start, word)}; cash is counted to {words.date_label(end, word)}."
    )


def _decision(inputs: ReportInputs) -> list[Block]:
    if inputs.verdict == "rejected":
        text = "None: the model behind these figures failed its checks, so they decide nothing."
        return [Text(text, "Decision")]
    verdict = str(inputs.case.get("verdict") or "")
    if not verdict:
        return []
    text = f"{verdict[:1].upper()}{verdict[1:]}."
    probability = words.number(inputs.case.get("verdict_probability"))
    if np.isfinite(probability):
        text += (
            " The chance that the investment clears what finance asks of it (the hurdle) is "
            f"{words.chance(probability)}."
        )
    if inputs.verdict != "trusted":
        text += " This is what the figures alone say; they are to be read with care."
    return [Text(text, "Decision")]


def _figures(inputs: ReportInputs, npv: words.Spread) -> Table:
    case = inputs.case
    per_cost = words.spread(case.get("npv_per_cost"))
    rate = case.get("irr") or {}
    irr = words.spread(rate.get("per_year"))
    needed = words.spread(case.get("break_even_roi"))
    funding = words.spread(case.get("peak_funding"))
    back, back_between = payback(inputs)
    one = f"{inputs.currency}{words.HARD_SPACE}1" if inputs.currency else "unit"
    rows = [
        (
            "Net present value",
            words.short_amount(npv.mean, inputs.currency),
            words.short_between(npv),
            "cash in less cash out, in today's money",
        ),
        (
            f"NPV for each {one} of cost",
            words.ratio(per_cost.mean),
            words.ratio_between(per_cost),
            "above zero adds value",
        ),
        (
            "Probability of loss",
            words.chance(words.number(case.get("probability_of_loss"))),
            "",
            "chance that NPV is below zero",
        ),
        (
            "The bad case",
            words.short_amount(words.number(case.get("cvar_95")), inputs.currency),
            "",
            "average NPV of the worst 5 % of outcomes",
        ),
        ("Payback", back, back_between, "middle estimate of the time until the money is back"),
        (
            "Internal rate of return",
            words.percent(irr.mean) if irr.known else "not defined",
            f"{words.percent(irr.p05)} to {words.percent(irr.p95)}" if irr.has_interval else "",
            str(rate.get("reason") or "the yearly interest the money earns"),
        ),
        (
            "Break-even return",
            words.ratio(needed.mean),
            words.ratio_between(needed),
            f"what each {one} of cost must return for NPV to be zero",
        ),
        (
            "Most money out of pocket",
            words.short_amount(funding.mean, inputs.currency),
            words.short_between(funding),
            "the deepest point of the cash curve",
        ),
    ]
    columns = (
        Column("Figure"),
        Column("Expected", "right"),
        Column("90 % interval", "right"),
        Column("What it is"),
    )
    return Table("The case in figures", html_table("case-figures", columns, rows))


def _horizons(inputs: ReportInputs) -> list[Block]:
    cuts = inputs.case.get("npv_by_horizon") or ()
    if len(cuts) < 2:
        return []
    word = period(inputs)
    rows = []
    for cut in cuts:
        npv = words.spread(cut["npv"])
        rows.append(
            (
                words.counted(cut["periods"], word),
                words.date_label(cut["date"], word),
                words.short_amount(npv.mean, inputs.currency),
                words.short_between(npv),
                words.chance(words.number(cut["probability_of_loss"])),
            )
        )
    columns = (
        Column("Looking ahead"),
        Column("To"),
        Column("NPV", "right"),
        Column("90 % interval", "right"),
        Column("Chance of loss", "right"),
    )
    return [
        Table(
            "How the value grows with patience",
            html_table("horizons", columns, rows),
            "The same spending, judged only on the cash that has come in by then.",
        )
    ]


def _assumptions(inputs: ReportInputs) -> Table | Text:
    stated = inputs.case.get("assumptions") or ()
    if not stated:
        return Text("The case lists no assumptions.")
    rows = [
        (
            words.plain_name(str(row["name"])),
            *_value(row["value"], str(row.get("unit") or "")),
            str(row.get("source") or "not stated"),
        )
        for row in stated
    ]
    columns = (Column("Assumption"), Column("Value", "right"), Column("Unit"), Column("Source"))
    return Table(
        "What the case assumes",
        html_table("assumptions", columns, rows),
        "Change one of these and the case changes. The source 'default' means that nobody "
        "stated it.",
    )


def _value(value: Any, unit: str) -> tuple[str, str]:
    known = words.number(value)
    if not np.isfinite(known):
        text = "not stated" if value is None else str(value)
        return (text, unit) if len(text) <= LONGEST_VALUE else ("", text)
    if unit.startswith("share ") or unit == "per year":
        return words.percent(known), unit.removeprefix("share ")
    text = f"{known:.3g}" if abs(known) < 1 else f"{known:,.2f}".removesuffix(".00")
    return text.replace("-", words.MINUS), unit
