"""The plan: each channel's money before and after, and the frontier of profit against risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    BLUE,
    INK,
    MUTED,
    SLATE,
    VERMILION,
    chart,
    label_axis,
    number_axis,
    row_height,
    row_text,
    to_svg,
)

MOST_CHANNELS: Final = 30
FRONTIER_WIDTH: Final = 620


def allocation_chart(channels: Sequence[Mapping[str, Any]], currency: str) -> Figure:
    """Money of each channel today and as recommended, largest first; `channels` of plan.json."""
    rows = sorted(channels, key=lambda row: -max(row["money"], row["money_today"]))[:MOST_CHANNELS]
    labels = words.distinct(words.wrapped(str(row["channel"])) for row in rows)
    frame = pd.DataFrame(
        {
            "label": labels,
            "today": [row["money_today"] for row in rows],
            "planned": [row["money"] for row in rows],
            "colour": [VERMILION if row["periods_outside_data"] else BLUE for row in rows],
            "text": [
                f"{words.short(row['money_today'])} \N{RIGHTWARDS ARROW} "
                f"{words.short(row['money'])}{_change(row)}"
                for row in rows
            ],
        }
    )
    base = chart(frame).encode(label_axis(labels))
    across = alt.X("today:Q", axis=number_axis(), scale=alt.Scale(zero=True))
    colour = alt.Color("colour:N", scale=None)
    layers = [
        base.mark_rule(strokeWidth=4, opacity=0.35, color=MUTED).encode(
            across, alt.X2("planned:Q")
        ),
        base.mark_point(filled=False, size=80, stroke=SLATE, strokeWidth=2, opacity=1).encode(
            x=alt.X("today:Q")
        ),
        base.mark_point(filled=True, size=100, opacity=1).encode(
            x=alt.X("planned:Q"), color=colour
        ),
        row_text(base),
    ]
    key = [KeyEntry("dot", SLATE, "today"), KeyEntry("dot", BLUE, "recommended")]
    caption = "Money over the whole plan."
    if any(row["periods_outside_data"] for row in rows):
        key.append(
            KeyEntry("dot", VERMILION, "recommended, in part outside what the data has seen")
        )
        caption += (
            " Above or below what the data has seen spent in a period, the response is a guess."
        )
    left = len(channels) - len(rows)
    caption += f" The {left} smallest channels are in plan.csv." if left else ""
    return Figure(
        "Money by channel, today and as recommended",
        caption,
        (
            to_svg(
                alt.layer(*layers),
                name="allocation",
                label="Money of each channel today and as recommended",
                height=alt.Step(row_height(labels)),
                title=f"money over the plan{f', {currency}' if currency else ''}",
            ),
        ),
        tuple(key),
    )


def _change(row: Mapping[str, Any]) -> str:
    if not row["money_today"] > 0:
        return ""
    change = row["money"] / row["money_today"] - 1.0
    if abs(change) < 0.005:
        return "  (as today)"
    sign = "+" if change > 0 else words.MINUS
    return f"  ({sign}{100 * abs(change):.0f}{words.HARD_SPACE}%)"


def frontier_chart(
    frontier: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, Any],
    today: Mapping[str, Any],
    currency: str,
) -> Figure:
    """Expected profit against its standard deviation along the frontier, with the recommended plan
    and today's, both with `mean` and `deviation`, today's with its `money`."""
    line = pd.DataFrame(
        {
            "risk": [row["deviation"] for row in frontier],
            "profit": [row["expected_profit"] for row in frontier],
        }
    ).sort_values("risk", kind="stable")
    marks = pd.DataFrame(
        {
            "risk": [chosen["deviation"], today["deviation"]],
            "profit": [chosen["mean"], today["mean"]],
            "colour": [BLUE, VERMILION],
            "shape": ["circle", "diamond"],
        }
    )
    unit = f", {currency}" if currency else ""
    across = alt.X(
        "risk:Q",
        scale=alt.Scale(zero=False, padding=20),
        axis=number_axis(title=f"risk: standard deviation of profit{unit}", tickCount=6),
    )
    up = alt.Y(
        "profit:Q",
        scale=alt.Scale(zero=False, padding=16),
        axis=number_axis(tickCount=5),
    )
    layers = [
        chart(line).mark_line(color=MUTED, strokeWidth=2).encode(across, up),
        chart(line).mark_point(filled=True, color=INK, size=40, opacity=1).encode(across, up),
        chart(marks)
        .mark_point(filled=True, size=150, opacity=1, stroke="white")
        .encode(
            across,
            up,
            color=alt.Color("colour:N", scale=None),
            shape=alt.Shape("shape:N", scale=None),
        ),
    ]
    return Figure(
        "Profit against risk",
        "Each dot spends the same money; going left gives up expected profit for a result that "
        "is more certain. A plan under the line takes more risk than it is paid for.",
        (
            to_svg(
                alt.layer(*layers),
                name="frontier",
                label="Expected profit against its standard deviation for plans of one budget",
                title=f"expected profit{unit}",
                width=FRONTIER_WIDTH,
                height=260,
            ),
        ),
        (
            KeyEntry("line", MUTED, "best plans of this budget"),
            KeyEntry("dot", BLUE, "recommended"),
            KeyEntry("diamond", VERMILION, f"today, spending {words.short(today['money'])}"),
        ),
    )
