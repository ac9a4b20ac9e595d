"""Behind the case: its figures, horizons, sensitivities, readings and assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmm.report import words
from mmm.report.blocks import Block, Bullets, Section, Table, Text
from mmm.report.case_inputs import CaseView
from mmm.report.sections.terms import internal_rate, payback, period
from mmm.report.tables import Column, html_table

LONGEST_VALUE = 24
"""An assumption in longer words is told under the table."""

PLAN = "plan "
"""Begins the names of what a plan assumes."""

MOST_SWINGS = 14


def basis_section(inputs: CaseView) -> Section:
    """Every figure of the case, and what it rests on."""
    case = inputs.case
    blocks: list[Block] = [_figures(inputs, words.spread(case.get("npv")))]
    blocks += [*_horizons(inputs), *_swings(inputs), *_priors(inputs), *_readings(inputs)]
    blocks += _assumptions(inputs)
    rule = [case["decision_rule"]] if case.get("decision_rule") else []
    for heading, lines in (
        ("How the decision is made", rule),
        ("How cash is counted", case.get("conventions") or ()),
    ):
        if lines:
            blocks.append(Bullets(tuple(str(line) for line in lines), heading))
    return Section("case-basis", "Behind the case", tuple(blocks))


def _figures(inputs: CaseView, npv: words.Spread) -> Table:
    case = inputs.case
    per_cost = words.spread(case.get("npv_per_cost"))
    rate = case.get("irr") or {}
    return_a_year, rates = internal_rate(inputs, "not defined")
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
        *_at_risk(inputs),
        (
            "Payback",
            back,
            back_between,
            "time until the expected cash is back for good; interval over draws",
        ),
        (
            "Internal rate of return",
            return_a_year,
            rates,
            str(rate.get("reason") or "the yearly interest that the expected cash earns"),
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
            "the deepest point of the expected cash curve; interval over draws",
        ),
    ]
    columns = (
        Column("Figure"),
        Column("Expected", "right"),
        Column("90 % interval", "right"),
        Column("What it is"),
    )
    return Table("The case in figures", html_table("case-figures", columns, rows))


def _at_risk(inputs: CaseView) -> list[tuple[str, str, str, str]]:
    """Rows that a case made without a plan's last unit or a risk level does not have."""
    case = inputs.case
    risk, at_risk = (words.number(case.get(name)) for name in ("risk_level", "npv_at_risk_level"))
    last = words.spread(case.get("marginal_npv_per_cost"))
    knowing = words.number(case.get("value_of_information"))
    rows = []
    if np.isfinite(at_risk):
        rows.append(
            (
                "NPV at the risk accepted",
                words.short_amount(at_risk, inputs.currency),
                "",
                f"it is less with a chance of {words.percent(risk)}",
            )
        )
    if last.known:
        rows.append(
            (
                "NPV for the last unit of cost",
                words.ratio(last.mean),
                words.ratio_between(last),
                "below the hurdle, the budget is too large",
            )
        )
    if np.isfinite(knowing):
        rows.append(
            (
                "Knowing before deciding",
                words.short_amount(knowing, inputs.currency),
                "",
                "the most a test can be worth",
            )
        )
    return rows


def _horizons(inputs: CaseView) -> list[Block]:
    cuts = inputs.case.get("npv_by_horizon") or ()
    if len(cuts) < 2:
        return []
    word = period(inputs)
    rows = []
    for cut in cuts:
        npv = words.spread(cut["npv"])
        rows.append(
            (
                words.counted(cut["periods"], word)
                + ("" if cut.get("within_horizon", True) else ", past the case's horizon"),
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
            "The same spending, judged only on the cash that has come in by then, less "
            "what is then still owed.",
        )
    ]


def _swings(inputs: CaseView) -> list[Block]:
    swings = list(inputs.case.get("tornado") or ())[:MOST_SWINGS]
    if not swings:
        return []
    verdict = inputs.case.get("verdict")
    rows = []
    for one in swings:
        low, high = (words.number(one[end]) for end in ("low", "high"))
        turned = [
            f"{one[f'verdict_{end}']} at its {end}"
            for end in ("low", "high")
            if one[f"verdict_{end}"] != verdict
        ]
        rows.append(
            (
                words.plain_name(str(one["name"])),
                words.measured_between(low, high, str(one["unit"])),
                _unit(str(one["unit"]), inputs.currency),
                f"{one['source']}, {one['basis']}",
                words.short(words.number(one["npv_low"])),
                words.short(words.number(one["npv_high"])),
                "; ".join(turned),
            )
        )
    columns = (
        Column("Assumption"),
        Column("Low to high", "right"),
        Column("Unit"),
        Column("Source, range"),
        Column("NPV at low", "right"),
        Column("NPV at high", "right"),
        Column("Another verdict"),
    )
    return [
        Table(
            "What moves the answer",
            html_table("swings", columns, rows),
            "Each assumption alone at its low and its high value. 'Stated' ranges are finance's "
            "own, 'default' ones a customary swing; 'posterior' means the tenth of the draws with "
            "the lowest and the highest value, with all that goes with it.",
        )
    ]


def _priors(inputs: CaseView) -> list[Block]:
    found = inputs.case.get("prior_sensitivity") or ()
    if not found:
        return []
    rows = [
        (
            str(one["priors"]),
            "weaker" if one["alpha"] < 1 else "stronger",
            words.short_amount(words.number(one["npv_mean"]), inputs.currency),
            words.chance(words.number(one["probability_of_loss"])),
            str(one["verdict"]),
            "yes" if words.number(one["sensitivity"]) >= 0.05 else "hardly",
            "yes" if one["reliable"] else "no: fit again to know",
        )
        for one in found
    ]
    columns = (
        Column("Priors of"),
        Column("Made"),
        Column("NPV", "right"),
        Column("Chance of loss", "right"),
        Column("Verdict"),
        Column("Do they matter"),
        Column("Can be relied on"),
    )
    return [
        Table(
            "How far the priors do",
            html_table("prior-sensitivity", columns, rows),
            "The same draws, re-weighted as if what was believed beforehand had been stated with "
            "half or with double the weight (power-scaling; Kallioinen and others, 2024).",
        )
    ]


def _readings(inputs: CaseView) -> list[Block]:
    found: list[tuple[str, str, str, str]] = []
    customers = inputs.case.get("customers") or {}
    for key, name, money, said in (
        ("won", "New customers of this plan", False, "customers"),
        ("cost_per_customer", "Cost of each", True, "all cost of the plan over them"),
        (
            "lifetime_value", "Lifetime value of each", True,
            "contribution in today's money, first order included",
        ),
        ("value_to_cost", "Lifetime value over cost", False, "above 1 earns its cost"),
    ):  # fmt: skip
        values = words.spread(customers.get(key))
        if values.known:
            unit = inputs.currency if money else ""
            found.append(
                (name, words.short_amount(values.mean, unit), words.short_between(values), said)
            )
    for one in inputs.case.get("company") or ():
        value = words.number(one["value"])
        of_money = str(one["unit"]).split(" ")[0] in ("money", inputs.currency)
        money = inputs.currency if of_money else ""
        text = (
            words.percent(value)
            if one["unit"] == "of market value"
            else words.short_amount(value, money)
        )
        ends = words.Spread(value, words.number(one["p05"]), value, words.number(one["p95"]))
        between = (
            f"{words.percent(ends.p05)} to {words.percent(ends.p95)}"
            if one["unit"] == "of market value" and ends.has_interval
            else words.short_between(ends)
        )
        source = f" Source: {one['source']}." if one.get("source") else ""
        found.append((str(one["name"]), text, between, f"{one['words']}{source}"))
    if not found:
        return []
    columns = (
        Column("Reading"),
        Column("Value", "right"),
        Column("90 % interval", "right"),
        Column("What it says"),
    )
    return [Table("Customers and company", html_table("readings", columns, found))]


def _assumptions(inputs: CaseView) -> list[Block]:
    stated = inputs.case.get("assumptions") or ()
    if not stated:
        return [Text("The case lists no assumptions.")]
    rows, told = [], []
    for row in stated:
        name, unit = words.plain_name(str(row["name"])), str(row.get("unit") or "")
        value, source = _value(row["value"], unit), str(row.get("source") or "not stated")
        if len(value) > LONGEST_VALUE:
            told.append(value if name.startswith(PLAN) else f"{name}: {value}")
        else:
            rows.append((name, value, _range(row), _unit(unit, inputs.currency), source))
    columns = (
        Column("Assumption"),
        Column("Value", "right"),
        Column("Range", "right"),
        Column("Unit"),
        Column("Source"),
    )
    table = Table(
        "What the case rests on",
        html_table("assumptions", columns, rows),
        "Change one of these and the case changes. The source 'default' means that nobody "
        "stated it; 'data' and 'prior' say whether the history or a belief decided it. Values "
        "that were learned are medians, with their 90 % interval as the range; of a range that "
        "finance stated, the value is the mean.",
    )
    return [table, Bullets(tuple(told), "What is assumed of the time ahead")] if told else [table]


def _range(row: Mapping[str, Any]) -> str:
    """`30 % to 50 %`, or nothing where an assumption has no range."""
    low, high = (words.number(row.get(end)) for end in ("low", "high"))
    if not (np.isfinite(low) and np.isfinite(high)):
        return ""
    return words.measured_between(low, high, str(row.get("unit") or ""))


def _value(value: Any, unit: str) -> str:
    known = words.number(value)
    if not np.isfinite(known):
        return "not stated" if value is None else str(value)
    return words.measured(known, unit)


def _unit(unit: str, currency: str) -> str:
    """A unit in words, money in its currency."""
    if currency and unit.startswith("money"):
        return currency + unit.removeprefix("money")
    return unit.removeprefix("share ")
