"""From what marketing causes to what it is worth, and what moves that most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    BLUE,
    INK,
    LINE,
    MUTED,
    ORANGE,
    SKY,
    SLATE,
    VERMILION,
    chart,
    label_axis,
    number_axis,
    rule_at,
    to_svg,
)
from mmm.report.charts.waterfall import steps_down
from mmm.report.words import Spread

HALF = 424
"""Width of a chart that shares its line with another, in pixels."""

HALF_HEIGHT = 236
MOST_SWINGS = 8
LABEL = 24

ABOUT_ROWS = 62
"""Pixels of a half chart that are not rows: its title and its axis."""

STEP_COLOURS = {"value": BLUE, "cost": ORANGE, "tax": SLATE, "time": SLATE}


def bridge_chart(steps: Sequence[Mapping[str, Any]], currency: str) -> Figure:
    """Waterfall of `bridge` of the case: name, kind and amount of each step, the total last."""
    rows, at = [], 0.0
    for step in steps:
        amount = words.spread(step["amount"])
        total = step["kind"] == "total"
        start = 0.0 if total else at
        at = start + amount.mean
        rows.append(
            {
                "label": words.wrapped(str(step["name"]), LABEL),
                "start": start,
                "end": at,
                "low": start + amount.p05 if total else np.nan,
                "high": start + amount.p95 if total else np.nan,
                "colour": _total_colour(amount) if total else STEP_COLOURS[step["kind"]],
                "text": words.short(amount.mean),
            }
        )
    frame = pd.DataFrame(rows)
    labels = words.distinct(frame["label"])
    frame = frame.assign(label=labels)
    layers = steps_down(frame, labels, 8, tickCount=4)
    return Figure(
        f"From spend to value{f', {currency}' if currency else ''}",
        "Each bar starts where the one above it ended; the last is what is left, in today's money.",
        (
            to_svg(
                layers,
                name="bridge",
                label="Waterfall from outcome value through costs and tax to net present value",
                height=_height(labels),
                width=HALF,
            ),
        ),
        (
            KeyEntry("box", BLUE, "brought in"),
            KeyEntry("box", ORANGE, "costs"),
            KeyEntry("box", SLATE, "tax and waiting"),
            KeyEntry("line", INK, "90 % interval"),
        ),
    )


def _height(labels: Sequence[str]) -> int:
    """Pixels of a half chart in which no row's label touches the next."""
    lines = max(label.count("\n") + 1 for label in labels)
    return max(HALF_HEIGHT, ABOUT_ROWS + (LINE * lines + 2) * len(labels))


def _total_colour(amount: Spread) -> str:
    return BLUE if amount.mean >= 0 else VERMILION


def tornado_chart(
    swings: Sequence[Mapping[str, Any]], npv: Spread, verdict: str, currency: str
) -> Figure:
    """The widest rows of `tornado` of the case, about the expected NPV."""
    shown = list(swings)[:MOST_SWINGS]
    labels = words.distinct(words.wrapped(_plain(str(one["name"])), LABEL, 2) for one in shown)
    rows = []
    for label, one in zip(labels, shown, strict=True):
        for end, colour in (("low", SKY), ("high", BLUE)):
            rows.append(
                {
                    "label": label,
                    "start": npv.mean,
                    "end": words.number(one[f"npv_{end}"]),
                    "colour": colour,
                    "turned": one[f"verdict_{end}"] != verdict,
                }
            )
    frame = pd.DataFrame(rows)
    reach = (frame["end"] - frame["start"]).abs()
    # where both ends lie on one side, the shorter bar stands on the longer
    longest_first = reach.sort_values(ascending=False, kind="stable", na_position="first").index
    base = chart(frame.loc[longest_first]).encode(label_axis(labels))
    across = alt.X(
        "start:Q",
        scale=alt.Scale(zero=False, nice=True),
        axis=number_axis(tickCount=5, labelOverlap="greedy", labelFlush=False),
    )
    layers = [
        base.mark_bar(height={"band": 0.72}).encode(
            across, alt.X2("end:Q"), color=alt.Color("colour:N", scale=None)
        ),
        rule_at(npv.mean, "x", color=MUTED, strokeWidth=1.5),
        base.transform_filter("datum.turned == 1")
        .mark_point(shape="diamond", filled=True, size=55, color=VERMILION, opacity=1)
        .encode(alt.X("end:Q")),
    ]
    key = [
        KeyEntry("box", SKY, "at its low"),
        KeyEntry("box", BLUE, "at its high"),
        KeyEntry("line", MUTED, "value expected"),
    ]
    ends = frame["end"].to_list()
    if min(ends) < 0 < max(ends):
        layers.insert(1, rule_at(0.0, "x", strokeWidth=2))
        key.append(KeyEntry("line", INK, "break-even"))
    if frame["turned"].any():
        key.append(KeyEntry("diamond", VERMILION, "another verdict there"))
    return Figure(
        "What moves the answer most",
        "Each assumption alone at its low and its high value, all else as it is.",
        (
            to_svg(
                alt.layer(*layers),
                name="tornado",
                label="Tornado of the assumptions that move net present value most",
                title=f"Net present value{f', {currency}' if currency else ''}",
                height=_height(labels),
                width=HALF,
            ),
        ),
        tuple(key),
    )


def _plain(name: str) -> str:
    plain = words.plain_name(name)
    return plain[:1].upper() + plain[1:]
