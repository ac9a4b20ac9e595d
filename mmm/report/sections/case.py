"""The investment case on one page: decision, value, cash, and what moves the answer."""

from __future__ import annotations

import numpy as np

from mmm.report import words
from mmm.report.blocks import Block, Bullets, Figure, Pairs, Section, Text, Tile, Tiles
from mmm.report.case_inputs import CaseView
from mmm.report.charts.case import cash_chart, npv_chart
from mmm.report.charts.worth import HALF, HALF_HEIGHT, bridge_chart, tornado_chart
from mmm.report.sections.terms import (
    internal_rate,
    margin_unstated,
    payback,
    payback_note,
    period,
)


def case_section(inputs: CaseView) -> Section:
    """The decision, headline figures, and four charts: cash, NPV, waterfall and tornado."""
    case = inputs.case
    npv = words.spread(case.get("npv"))
    blocks: list[Block] = [
        Text(
            f"This compares going on with the planned budget with spending nothing.{_span(inputs)} "
            "Net present value (NPV) is all the cash marketing brings in, less all it costs, "
            "with later money counted at less because it comes later."
        ),
        *_decision(inputs),
        Tiles(_tiles(inputs, npv)),
    ]
    figures, missing = _drawings(inputs, npv)
    blocks += missing
    if figures:
        blocks.append(Pairs(figures))
    if case.get("caveats"):
        lines = tuple(str(line) for line in case["caveats"])
        blocks.append(Bullets(lines, "To bear in mind"))
    return Section("case", "The investment case", tuple(blocks))


def _span(inputs: CaseView) -> str:
    start, end = inputs.case.get("start"), inputs.case.get("end")
    cost = words.number(inputs.case.get("cost"))
    if not (start and end and np.isfinite(cost)):
        return ""
    word = period(inputs)
    return (
        f" The budget costs {words.amount(cost, inputs.currency)}, beginning "
        f"{words.date_label(start, word)}; cash is counted to {words.date_label(end, word)}."
    )


def _decision(inputs: CaseView) -> list[Block]:
    if inputs.verdict == "rejected":
        text = "None: the model behind these figures failed its checks, so they decide nothing."
        return [Text(text, "Decision")]
    verdict = str(inputs.case.get("verdict") or "")
    if not verdict:
        return []
    text = f"{verdict[:1].upper()}{verdict[1:]}."
    probability = words.number(inputs.case.get("verdict_probability"))
    if np.isfinite(probability):
        chance, asked = words.chance(probability), "what finance asks of it (the hurdle)"
        text += (
            " No margin was stated. If all outcome value were profit, which is too favourable "
            "wherever what is sold costs something to make and deliver, the chance that the "
            f"investment clears {asked} would be {chance}."
            if margin_unstated(inputs)
            else f" The chance that the investment clears {asked} is {chance}."
        )
    last = words.number(inputs.case.get("marginal_probability_of_loss"))
    if np.isfinite(last):
        verb = "would then be" if margin_unstated(inputs) else "is"
        text += f" The chance that its last unit of money loses {verb} {words.chance(last)}."
    if inputs.verdict != "trusted":
        text += " This is what the figures alone say; they are to be read with care."
    return [Text(text, "Decision")]


def _tiles(inputs: CaseView, npv: words.Spread) -> tuple[Tile, ...]:
    case = inputs.case
    rate = case.get("irr") or {}
    return_a_year, rates = internal_rate(inputs, "none")
    needed = words.spread(case.get("break_even_roi"))
    back, _ = payback(inputs)
    return (
        Tile(
            "Net present value",
            words.short_amount(npv.mean, inputs.currency),
            f"90 % interval: {words.short_between(npv)}" if npv.has_interval else "",
        ),
        Tile(
            "Chance of loss",
            words.chance(words.number(case.get("probability_of_loss"))),
            _bad_case(inputs),
        ),
        Tile("Payback", back, payback_note(inputs)),
        Tile(
            "Internal rate of return",
            return_a_year,
            f"of the expected cash; 90 % interval: {rates}"
            if rates
            else str(rate.get("reason") or ""),
        ),
        Tile(
            "Break-even return",
            words.ratio(needed.mean),
            "outcome value that each unit of cost must bring",
        ),
    )


def _bad_case(inputs: CaseView) -> str:
    bad = words.number(inputs.case.get("cvar_95"))
    if not np.isfinite(bad):
        return ""
    return f"average of the worst 5{words.HARD_SPACE}%: {words.short_amount(bad, inputs.currency)}"


def _drawings(inputs: CaseView, npv: words.Spread) -> tuple[tuple[Figure, ...], tuple[Text, ...]]:
    """The charts there are, and a sentence for what cannot be drawn."""
    size = {"width": HALF, "height": HALF_HEIGHT}
    case, found, missing = inputs.case, [], []
    if inputs.cashflow.empty:
        missing.append(Text("There is no cash flow to draw."))
    else:
        found.append(cash_chart(inputs.cashflow, inputs.currency, **size))
    spread = npv_chart(inputs.npv_draws, npv, inputs.currency, **size) if npv.known else None
    if spread is None:
        missing.append(Text("There is no net present value to draw."))
    else:
        found.append(spread)
        if case.get("bridge"):
            found.append(bridge_chart(case["bridge"], inputs.currency))
        if case.get("tornado"):
            verdict = str(case.get("verdict") or "")
            found.append(tornado_chart(case["tornado"], npv, verdict, inputs.currency))
    return tuple(found), tuple(missing)
