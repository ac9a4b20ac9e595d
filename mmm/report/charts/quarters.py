"""Return by quarter of channels whose effectiveness moves."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    BLUE,
    MUTED,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    chart,
    date_axis,
    number_axis,
    rule_at,
    to_svg,
)


def quarter_chart(quarters: pd.DataFrame, channels: pd.DataFrame) -> Figure | None:
    """One small panel a channel of `quarters` (rows of `efficiency_quarter`), with the return
    over the whole window from `channels` (rows of `efficiency`).

    `None` when no quarter has a return.
    """
    known = quarters[np.isfinite(quarters["roi_mean"].astype(float))]
    if known.empty:
        return None
    names = list(dict.fromkeys(known["channel"].astype(str)))
    whole = channels.set_index(channels["channel"].astype(str))["roi_mean"].astype(float)
    return Figure(
        "Return on each unit of cost, by quarter",
        "What a quarter's spending returns, whenever it arrives. Each bar is the range that holds "
        "the true figure with 90 % probability; bars that overlap may well be the same return.",
        tuple(
            _panel(known[known["channel"].astype(str) == name], name, index, whole[name])
            for index, name in enumerate(names)
        ),
        (
            KeyEntry("dot", BLUE, "expected"),
            KeyEntry("band", BLUE, "90 % interval"),
            KeyEntry("dash", MUTED, "over all dates"),
        ),
        panels=True,
    )


def _panel(frame: pd.DataFrame, name: str, index: int, whole: float) -> Markup:
    frame = frame.assign(date=pd.to_datetime(frame["start"]))
    frame = frame[["date", "roi_mean", "roi_p05", "roi_p95"]]
    across = date_axis(frame["date"], ticks=4)
    up = alt.Y("roi_mean:Q", axis=number_axis(tickCount=4), scale=alt.Scale(zero=True))
    base = chart(frame)
    layers = alt.layer(
        rule_at(whole, "y", color=MUTED, strokeDash=[5, 3], strokeWidth=1.5),
        base.mark_rule(color=BLUE, opacity=0.3, strokeWidth=5).encode(
            across, y=alt.Y("roi_p05:Q"), y2=alt.Y2("roi_p95:Q")
        ),
        base.mark_point(filled=True, size=55, color=BLUE, opacity=1).encode(across, up),
    )
    return to_svg(
        layers,
        name=f"quarter-{index}",
        label=f"Return on investment of {name} by quarter with 90 % intervals",
        title=words.wrapped(name, 34, 3),
        width=PANEL_WIDTH,
        height=PANEL_HEIGHT,
        bold=True,
    )
