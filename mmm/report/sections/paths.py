"""How marketing becomes revenue: the steps in between, and what they take."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Block, Bullets, Section, Table, Text
from mmm.report.charts.paths import drivers_figure, ways_chart
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import amount_of, outcome_words, period
from mmm.report.tables import Column, breakable, html_table, stacked

NO_CHANNEL: Final = "no channel"
MOST_FIGURES: Final = 6
OUTCOME: Final = "outcome"
SPEND: Final = "spend"


def paths_section(inputs: ReportInputs) -> tuple[Section, ...]:
    """The section, for a study with paths; none otherwise."""
    frame = inputs.paths
    if frame is None or frame.empty:
        return ()
    steps = [str(name) for name in frame["path"].unique()]
    named = words.listed(words.plain_name(name) for name in steps)
    blocks: list[Block] = [
        Text(
            f"Not all that marketing does is direct. Here {named} "
            f"{'stands' if len(steps) == 1 else 'stand'} between spending and "
            f"{outcome_words(inputs)}: a channel that moves "
            f"{'it' if len(steps) == 1 else 'one of them'} is credited with what follows, "
            "and nothing is counted twice."
        ),
        Bullets(tuple(_sentence(frame, name, inputs) for name in steps)),
    ]
    figure = ways_chart(inputs.channels, outcome_words(inputs), inputs.outcome_unit)
    if figure is not None:
        blocks.append(figure)
    for number, name in enumerate(steps[:MOST_FIGURES], 1):
        rows = frame[frame["path"] == name]
        if len(rows) > 1:
            plain = words.plain_name(name)
            blocks.append(drivers_figure(plain, rows.iloc[:-1], _rest(rows), number))
    if inputs.funnel is not None:
        blocks += [
            table
            for table in (_stages(inputs, inputs.funnel), _backwards(inputs, inputs.funnel))
            if table is not None
        ]
    return (Section("paths", "How marketing becomes revenue", tuple(blocks)),)


def _sentence(frame: pd.DataFrame, name: str, inputs: ReportInputs) -> str:
    """What the strongest channel did to a path, in words."""
    rows = frame[frame["path"] == name].iloc[:-1]
    plain = words.plain_name(name)
    if rows.empty:
        return f"No channel moved {plain}."
    row = rows.sort_values("share_mean", ascending=False, kind="stable").iloc[0]
    share, outcome = words.spread(row, "share_"), words.spread(row, "outcome_")
    return (
        f"{row['driver']} caused {words.percent(share.mean)} of {plain} (90 % interval "
        f"{words.percent(share.p05)} to {words.percent(share.p95)}), and with it "
        f"{amount_of(outcome.mean, inputs)}."
    )


def _rest(rows: pd.DataFrame) -> str:
    """What channels did not move: the last row of a path."""
    last = rows.iloc[-1]
    share, driver = words.spread(last, "share_"), str(last["driver"])
    whose = (
        "no channel in this study moved"
        if driver == NO_CHANNEL
        else f"is what {driver} bought without another channel's doing"
    )
    return (
        f"The rest, {words.percent(share.mean)} ({words.percent(share.p05)} to "
        f"{words.percent(share.p95)}), {whose}."
    )


def _stages(inputs: ReportInputs, funnel: pd.DataFrame) -> Table | None:
    """What a unit of each stage becomes, after how long, and at what cost."""
    conversions = funnel[funnel["quantity"] == "conversion"]
    if conversions.empty:
        return None
    word = period(inputs)
    rows = []
    for _, row in conversions.iterrows():
        stage, target = str(row["stage"]), str(row["to"])
        delay = _of(funnel, "delay", stage, target)
        price = _of(funnel, "cost_per_unit", stage)
        fed = words.plain_name(inputs.outcome_name) if target == OUTCOME else target
        rows.append(
            (
                breakable(stage),
                breakable(words.plain_name(fed)),
                _estimate(words.spread(row)),
                "at once" if delay.mean < 0.05 else words.counted(round(delay.mean, 1), word),
                _estimate(price) if price.known else "no cost stated",
            )
        )
    money = f", {inputs.currency}" if inputs.currency else ""
    columns = (
        Column("Step"),
        Column("Becomes"),
        Column("Units for each unit", "right"),
        Column("After, on average", "right"),
        Column(f"Cost per unit caused{money}", "right"),
    )
    return Table(
        "From one step to the next",
        html_table("funnel", columns, rows),
        "Under each figure, its 90 % interval. The cost is that of every channel that moves the "
        "step, for each unit that marketing caused of it.",
    )


def _backwards(inputs: ReportInputs, funnel: pd.DataFrame) -> Table | None:
    """A target read backwards."""
    target = _of(funnel, "target", OUTCOME)
    if not target.known:
        return None
    stages = funnel.loc[funnel["quantity"] == "needed", "stage"].astype(str)
    rows = []
    for name in stages:
        today, needed = _of(funnel, "as_is", name), _of(funnel, "needed", name)
        label = "Marketing cost" if name == SPEND else name
        rows.append((breakable(label), words.short(today.mean), _needed(needed)))
    unit = words.plain_name(inputs.outcome_name)
    columns = (Column("What"), Column("As planned", "right"), Column("Needed", "right"))
    return Table(
        f"Read backwards: what {amount_of(target.mean, inputs)} would take",
        html_table("backwards", columns, rows),
        f"A tenth more {unit} than spending as it is would bring over the forecast. Each line "
        "alone would do it: so many units of that step, or so much money on all channels alike. "
        "Units count for all they bring, so they are needed earlier by the time the steps take.",
    )


def _needed(values: words.Spread) -> str:
    if not np.isfinite(values.p50):
        return "more than five times as planned"
    high = words.short(values.p95) if np.isfinite(values.p95) else "out of reach"
    return stacked(words.short(values.p50), f"{words.short(values.p05)} to {high}")


def _of(funnel: pd.DataFrame, quantity: str, stage: str, to: str = "") -> words.Spread:
    rows = funnel[
        (funnel["quantity"] == quantity)
        & (funnel["stage"] == stage)
        & (funnel["to"] == to)
        & (funnel["channel"] == "")
    ]
    return words.spread(rows.iloc[0] if len(rows) else None)


def _estimate(values: words.Spread) -> str:
    middle = values.mean if np.isfinite(values.mean) else values.p50
    high = words.short(values.p95) if np.isfinite(values.p95) else "unlimited"
    return stacked(words.short(middle), f"{words.short(values.p05)} to {high}")
