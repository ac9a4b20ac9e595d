"""Response curves: what each channel would have caused at other levels of spend."""

from __future__ import annotations

from itertools import pairwise

import altair as alt
import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    BLUE,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    SLATE,
    VERMILION,
    chart,
    number_axis,
    to_svg,
)


def curves_chart(curves: pd.DataFrame, outcome: str, unit: str, currency: str) -> Figure:
    """One small panel a channel, in the frame's order; the spend of the window is marked."""
    names = list(dict.fromkeys(curves["channel"].astype(str)))
    panels = tuple(
        _panel(curves[curves["channel"].astype(str) == name], name, index, currency)
        for index, name in enumerate(names)
    )
    what = words.plain_name(outcome) + (f" ({unit})" if unit else "")
    return Figure(
        f"Spend against {what} caused, by channel",
        "Where a curve flattens, more spend buys little more; the dashed grey part lies outside "
        "what was ever spent, so the model is guessing there. Scales differ between panels.",
        panels,
        (
            KeyEntry("line", BLUE, "expected"),
            KeyEntry("band", BLUE, "90 % interval"),
            KeyEntry("diamond", VERMILION, "what was spent over the dates studied"),
            KeyEntry("dash", SLATE, "never tried"),
        ),
        panels=True,
    )


def _panel(frame: pd.DataFrame, name: str, index: int, currency: str) -> Markup:
    frame = frame.sort_values("multiplier", kind="stable").reset_index(drop=True)
    spend = frame["spend"].astype(float)
    priced = bool(np.isfinite(spend).all() and spend.max() > 0)
    frame = frame.assign(at=spend if priced else 100.0 * frame["multiplier"].astype(float))
    supported = frame["supported"].astype(bool).to_numpy()
    today = frame.loc[[(frame["multiplier"].astype(float) - 1.0).abs().idxmin()]]
    title = (
        f"spend{f', {currency}' if currency else ''}"
        if priced
        else "% of activity over the dates studied"
    )
    across = alt.X(
        "at:Q",
        axis=number_axis(tickCount=4, grid=False, title=title, titleFontSize=11),
        scale=alt.Scale(nice=False),
    )
    up = alt.Y("mean:Q", axis=number_axis(tickCount=4))
    layers = []
    for run, inside in _runs(supported):
        part = frame.iloc[run]
        colour = BLUE if inside else SLATE
        layers += [
            chart(part[["at", "p05", "p95"]])
            .mark_area(color=colour, opacity=0.2)
            .encode(across, y=alt.Y("p05:Q"), y2=alt.Y2("p95:Q")),
            chart(part[["at", "mean"]])
            .mark_line(color=colour, strokeWidth=2, strokeDash=[1, 0] if inside else [4, 3])
            .encode(across, up),
        ]
    layers.append(
        chart(today[["at", "mean"]])
        .mark_point(
            shape="diamond", filled=True, size=90, color=VERMILION, stroke="white", opacity=1
        )
        .encode(across, up)
    )
    return to_svg(
        alt.layer(*layers),
        name=f"curve-{index}",
        label=f"Response curve of {name}: spend against outcome caused",
        title=words.wrapped(name, 34, 3),
        width=PANEL_WIDTH,
        height=PANEL_HEIGHT + 20,
        bold=True,
    )


def _runs(supported: np.ndarray) -> list[tuple[slice, bool]]:
    """Stretches of one kind; an unsupported stretch reaches the supported point beside it."""
    changes = [0, *(np.flatnonzero(np.diff(supported)) + 1), len(supported)]
    runs = []
    for start, stop in pairwise(changes):
        inside = bool(supported[start])
        if not inside:
            start, stop = max(start - 1, 0), min(stop + 1, len(supported))
        runs.append((slice(start, stop), inside))
    return runs
