"""What to spend next: the plan beside its alternatives, and what to test before betting more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mmm.report import words
from mmm.report.blocks import Block, Bullets, Section, Table, Text
from mmm.report.charts.plan import allocation_chart, frontier_chart
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import period
from mmm.report.tables import Column, breakable, estimate, html_table, stacked

TITLE: Final = "What to spend next"
_AIMS: Final = {
    "expected_profit": "the largest expected profit",
    "expected_outcome": "the most outcome caused",
    "cvar": "the best result in the worst cases",
    "probability_of_target": "the best chance of reaching the target",
    "mean_variance": "the best profit for the risk taken",
}
_LABELS: Final = {"as is": "As today", "stop everything": "Stop everything"}
FEWEST_FRONTIER: Final = 2
NOTHING: Final = 1e-3
"""Part of what certainty is worth below which a test's result is worth nothing."""


def plan_section(inputs: ReportInputs) -> Section | None:
    """The plan, or where none was optimised what going on and stopping would bring."""
    plan = inputs.plan
    if plan is None:
        return None
    blocks: list[Block] = []
    if plan["objective"] is None:
        blocks.append(Text("Nothing was optimised: no budget or objective was given for a plan."))
    else:
        blocks += _recommended(plan, inputs)
    blocks.append(_comparison(plan, inputs))
    if plan["objective"] is not None:
        blocks += _backwards(plan, inputs)
        if plan.get("tests"):
            blocks.append(_tests(plan, inputs))
    if plan.get("record"):
        blocks.append(_record(plan["record"]))
    if plan["objective"] is not None:
        blocks.append(Bullets(tuple(plan["statements"]), "How the plan is made"))
    return Section("plan", TITLE, tuple(blocks))


def _recommended(plan: Mapping[str, Any], inputs: ReportInputs) -> list[Block]:
    gain, status = plan["gain"], plan["status"]
    aim = _AIMS.get(plan["objective"], plan["objective"])
    more = gain["mean"] >= 0
    text = (
        f"Among plans of {words.amount(plan['budget'], inputs.currency)} that keep to the limits "
        f"set, this one has {aim}. Against today's plan, expected profit is "
        f"{words.amount(abs(gain['mean']), inputs.currency)} {'higher' if more else 'lower'} "
        f"({words.between(words.spread(gain), inputs.currency)} with 90 % probability); the chance "
        f"that it earns more than today's is {words.chance(gain['probability_better'])}."
    )
    blocks: list[Block] = [Text(text), allocation_chart(plan["channels"], inputs.currency)]
    doubts = [] if status["converged"] else [str(status["message"])]
    doubts += [f"{one['where'].removeprefix('plan: ')}: {one['message']}"
               for one in plan["findings"]]  # fmt: skip
    if doubts:
        blocks.append(Bullets(tuple(doubts), "To bear in mind"))
    frontier = plan.get("frontier") or ()
    if len(frontier) >= FEWEST_FRONTIER and frontier[0]["deviation"] > 0:
        spent = sum(row["money_today"] for row in plan["channels"])
        now = {**plan["profit_today"], "money": spent}
        blocks.append(frontier_chart(frontier, plan["profit"], now, inputs.currency))
    regret = plan.get("regret")
    if regret:
        blocks.append(
            Text(
                f"Nobody knows {_unknown(plan)} exactly. Had we known them, another plan would "
                f"have earned {words.amount(regret['mean'], inputs.currency)} more on average "
                f"(at worst about {words.amount(regret['p95'], inputs.currency)}): that is what "
                "this plan may have to regret.",
                "What may be regretted",
            )
        )
    return blocks


def _unknown(plan: Mapping[str, Any]) -> str:
    drawn = plan.get("prices", {}).get("drawn")
    return "the effects and what media will cost" if drawn else "the effects"


def _comparison(plan: Mapping[str, Any], inputs: ReportInputs) -> Table:
    rows = []
    for row in plan["comparison"]:
        first = row is plan["comparison"][0]
        name = str(row["scenario"])
        rows.append(
            (
                breakable(_LABELS.get(name, name[:1].upper() + name[1:])),
                words.short(row["money"]),
                words.short(row["loaded_cost"]),
                estimate(words.spread(row, "outcome_")),
                estimate(words.spread(row, "profit_")),
                "" if first else estimate(words.spread(row, "difference_")),
                "" if first else words.chance(row["probability_better"]),
            )
        )
    unit = f", {inputs.currency}" if inputs.currency else ""
    name = words.plain_name(inputs.outcome_name)
    columns = (
        Column("Plan"),
        Column(f"Money{unit}", "right"),
        Column(f"Cost in full{unit}", "right"),
        Column(f"Expected {name}", "right"),
        Column(f"Profit of marketing{unit}", "right"),
        Column("Against today's", "right"),
        Column("Chance of more", "right"),
    )
    word = period(inputs)
    span = words.counted(plan["horizon"], word)
    one = span.startswith("1 ")
    return Table(
        f"Plans for the next {word if one else span} compared",
        html_table("plans", columns, rows),
        f"Expected {name} is that of {f'the one {word}' if one else f'these {span}'}, baseline "
        "included. Profit is margin on what the plan causes, as far as its cash comes in within "
        "the finance horizon, less its cost in full, in today's money: the net present value "
        "before tax and before costs that are the same for every plan. Under each figure, its "
        "90 % interval.",
    )


def _backwards(plan: Mapping[str, Any], inputs: ReportInputs) -> list[Block]:
    lines = []
    hurdle = plan.get("hurdle_budget")
    if hurdle:
        wanted = words.ratio(1.0 + hurdle["hurdle"])
        lines.append(
            f"Spending until the next unit of cost returns {wanted} would take "
            f"{words.amount(hurdle['budget'], inputs.currency)}, against "
            f"{words.amount(hurdle['today'], inputs.currency)} today, and earn "
            f"{words.amount(hurdle['profit']['mean'], inputs.currency)} of profit "
            f"({words.between(words.spread(hurdle['profit']), inputs.currency)} with 90 % "
            "probability)" + (f"; there {_stops(hurdle['bounded'])}." if hurdle["bounded"] else ".")
        )
    least = plan.get("least_budget")
    if least:
        target = words.spoken(least["target"])
        if least["reached"]:
            cut = least["cut"]
            change = (
                f"{words.amount(cut, inputs.currency)} less than today"
                if cut >= 0
                else f"{words.amount(-cut, inputs.currency)} more than today"
            )
            lines.append(
                f"Reaching {target} with a probability of {words.chance(least['probability'])} "
                f"takes at least {words.amount(least['budget'], inputs.currency)}, {change}."
            )
        else:
            lines.append(
                f"No plan within the limits reaches {target} with a probability of "
                f"{words.chance(least['probability'])}; the best has "
                f"{words.chance(least['chance'])}."
            )
    return [Bullets(tuple(lines), "Asked the other way round")] if lines else []


def _stops(sources: Sequence[str]) -> str:
    names = [source.removeprefix("plan.") for source in sources]
    return f"it stands at the limits {words.listed(names, 4)}"


def _tests(plan: Mapping[str, Any], inputs: ReportInputs) -> Table:
    word = period(inputs)
    rows, some = [], inputs.contributions["geo"].nunique() > 1
    for row in plan["tests"]:
        geos = str(row["geos"]).split(";")
        worth = row["value"] if row["value"] > NOTHING * plan["certainty"] else 0.0
        change = "go dark" if row["change"] <= -1 else f"money x {1 + row['change']:g}"
        rows.append(
            (
                breakable(str(row["channel"])),
                stacked(change, f"in {words.listed(geos, 3)}") if some or len(geos) > 1 else change,
                words.counted(row["periods"], word),
                words.chance(row["power"]),
                words.short(worth),
                words.short(row["cost"]),
            )
        )
    unit = f", {inputs.currency}" if inputs.currency else ""
    span = words.counted(plan["horizon"], word)
    columns = (
        Column("Channel"),
        Column("Test"),
        Column("For", "right"),
        Column("Power", "right"),
        Column(f"Worth of its result{unit}", "right"),
        Column(f"Profit given up{unit}", "right"),
    )
    certain = words.amount(plan["certainty"], inputs.currency)
    return Table(
        "What to test next",
        html_table("tests", columns, rows),
        f"Knowing {_unknown(plan)} exactly would be worth {certain} to this plan. A test's result "
        f"is worth what one plan of {span}, made after the test, is expected to gain from it. "
        "Profit given up is against today's spending while the test runs; below zero, giving up "
        "the spending earns. Power is the chance that the test tells the effect from nothing.",
    )


def _record(record: Mapping[str, Any]) -> Table:
    rows = [
        (
            "All" if row["origin"] == "all" else str(row["origin"]),
            str(row["periods"]),
            f"{row['mase']:.2f}",
            f"{row['mase_naive']:.2f}",
            *(words.percent(row[f"coverage_{level}"]) for level in (50, 80, 90)),
        )
        for row in record["rows"]
    ]
    columns = (
        Column("Forecast made after"),
        Column("Periods", "right"),
        Column("Error", "right"),
        Column("Error of last year's", "right"),
        Column("Inside 50 %", "right"),
        Column("Inside 80 %", "right"),
        Column("Inside 90 %", "right"),
    )
    return Table(
        "How earlier forecasts fared",
        html_table("record", columns, rows, bold_last=True),
        "The study was fitted again as it stood at each date. Error is that of the mean forecast "
        "over what repeating last year would have cost within the data: below 1 is better. The "
        "last columns say how often the outcome fell inside the interval stated.",
    )
