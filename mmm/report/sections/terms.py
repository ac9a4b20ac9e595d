"""Words several sections share: the outcome, the period, break-even lines."""

from __future__ import annotations

import math

from mmm.report import words
from mmm.report.case_inputs import CaseView
from mmm.report.inputs import ReportInputs

FAST = f"over 1,000{words.HARD_SPACE}%"
"""Of a yearly rate that is too high to mean anything: see `mmm.invest.measures.HIGHEST_RATE`."""
SLOW = f"under {words.MINUS}90{words.HARD_SPACE}%"
"""Of one that is too low: see `mmm.invest.measures.LOWEST_RATE`."""


def outcome_words(inputs: ReportInputs) -> str:
    """What is counted, in words; a count turned into money says so."""
    name = words.plain_name(inputs.outcome_name)
    return name if inputs.outcome_unit else f"value in {name}"


def amount_of(value: float, inputs: ReportInputs) -> str:
    """`GBP 1.2 million of revenue`, or `8,210 first purchases`."""
    name = words.plain_name(inputs.outcome_name)
    if inputs.outcome_unit:
        return f"{words.amount(value, inputs.outcome_unit)} of {name}"
    return f"{words.spoken(value)} {name}"


def unit_title(inputs: ReportInputs) -> str:
    """What a chart of the outcome over time counts."""
    name = words.plain_name(inputs.outcome_name)
    unit = f", {inputs.outcome_unit}" if inputs.outcome_unit else ""
    return f"{name} per {period(inputs)}{unit}"


def period(inputs: CaseView) -> str:
    """What one row of the data is called: week, month, year."""
    return words.period_word(inputs.fitted["date"])


def payback(inputs: CaseView) -> tuple[str, str]:
    """Time to payback of the expected cash, and how sure it is, in words; nothing known is empty.

    The cash curve and the internal rate are of the same expected cash. Draws that never pay back
    count as latest in the interval.
    """
    back = words.spread((inputs.case.get("payback") or {}).get("periods"))
    word = period(inputs)
    ends = (back.p05, back.p95)
    if all(math.isnan(end) for end in ends):
        return words.within(back.mean, word), ""
    if math.isfinite(back.p05) and not math.isfinite(back.p95):
        between = f"{words.within(back.p05, word)} at best, perhaps {words.BEYOND}"
    else:
        between = " to ".join(dict.fromkeys(words.within(end, word) for end in ends))
    return words.within(back.mean, word), between


def payback_note(inputs: CaseView) -> str:
    """Whose payback it is, its interval, and the chance that there is one."""
    _, between = payback(inputs)
    chance = words.number((inputs.case.get("payback") or {}).get("probability"))
    parts = [
        f"90 % interval: {between}" if between else "",
        f"within the horizon with a chance of {words.chance(chance)}"
        if math.isfinite(chance)
        else "",
    ]
    said = "; ".join(part for part in parts if part)
    return f"of the expected cash; {said}" if said else "of the expected cash"


def internal_rate(inputs: CaseView, none: str) -> tuple[str, str]:
    """The internal rate of return a year and its 90 % interval, in words; `none` where there is
    no rate, an empty interval where it is not known; `several` where several make NPV zero."""
    rate = inputs.case.get("irr") or {}
    if rate.get("status") == "several":
        return "several", ""
    outside = dict.fromkeys(rate.get("beyond") or (), FAST)
    outside |= dict.fromkeys(rate.get("under") or (), SLOW)
    ends = words.spread(rate.get("per_year"))

    def told(name: str, value: float) -> str:
        return outside.get(name) or (words.percent(value) if math.isfinite(value) else "")

    low, high = told("p05", ends.p05), told("p95", ends.p95)
    between = "" if not (low and high) else low if low == high else f"{low} to {high}"
    return told("expected", ends.mean) or none, between


def planned(inputs: ReportInputs) -> str:
    """The name of the plan that forecast and case are of."""
    return str(inputs.plan["plan"]) if inputs.plan else "as is"


def assumed(inputs: ReportInputs, name: str) -> float:
    """The value of the case's assumption `name`, NaN where it has none."""
    rows = inputs.case.get("assumptions") or ()
    return next((words.number(row["value"]) for row in rows if row["name"] == name), math.nan)


def margin_unstated(inputs: CaseView) -> bool:
    """Whether nobody stated a margin, so that the case counts all outcome value as profit."""
    rows = inputs.case.get("assumptions") or ()
    return any(row["name"] == "margin" and row.get("source") == "default" for row in rows)


def break_even_lines(inputs: ReportInputs) -> dict[str, float]:
    """Name to ROI: where value equals cost and, under a margin, where profit does."""
    lines = {"value equals cost": 1.0}
    margin, repeat = assumed(inputs, "margin"), assumed(inputs, "repeat_value")
    repeat = repeat if repeat > 0 else 0.0
    earned = margin * (1.0 + repeat)
    if 0 < margin < 1 and earned != 1.0:
        later = " and repeat sales" if repeat else ""
        lines[f"pays for itself at {words.percent(margin)} margin{later}"] = 1.0 / earned
    return lines
