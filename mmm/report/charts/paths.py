"""What channels did to a path, and by which way their effect reached the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    INK,
    KIND_COLOURS,
    chart,
    label_axis,
    number_axis,
    row_height,
    row_text,
    to_svg,
)

WAYS: Final = {
    "tactical": "directly, at once",
    "brand": "directly, later through the brand",
    "mediated": "through a step in between",
}


def ways_chart(channels: pd.DataFrame, outcome: str, unit: str) -> Figure | None:
    """Bars of each channel's effect by way, with the interval of the whole; None where there is
    no effect.

    `channels`: rows of `efficiency` that are channels. `outcome` names it in words, `unit` is put
    before amounts of it.
    """
    frame = channels[channels["contribution_mean"].astype(float) > 0]
    frame = frame.sort_values("contribution_mean", ascending=False, kind="stable")
    if frame.empty:
        return None
    labels = words.distinct(words.wrapped(name) for name in frame["channel"].astype(str))
    pieces, whole = [], []
    for label, (_, row) in zip(labels, frame.iterrows(), strict=True):
        start = 0.0
        for kind in WAYS:
            size = max(words.number(row[f"{kind}_mean"]), 0.0)
            end = start + size
            pieces.append(
                {"label": label, "start": start, "end": end, "colour": KIND_COLOURS[kind]}
            )
            start = end
        total = words.spread(row, "contribution_")
        whole.append(
            {
                "label": label,
                "low": total.p05,
                "high": total.p95,
                "text": f"{words.short(total.mean)}  ({words.short_between(total)})",
            }
        )
    shown = [kind for kind in WAYS if (frame[f"{kind}_mean"].astype(float) > 0).any()]
    stack = chart(pd.DataFrame(pieces)).encode(label_axis(labels))
    totals = chart(pd.DataFrame(whole)).encode(label_axis(labels))
    across = alt.X("start:Q", axis=number_axis())
    layers = alt.layer(
        stack.mark_bar(stroke="white", strokeWidth=1, height={"band": 0.72}).encode(
            across, alt.X2("end:Q"), color=alt.Color("colour:N", scale=None)
        ),
        totals.mark_rule(color=INK, strokeWidth=1.5).encode(alt.X("low:Q"), x2=alt.X2("high:Q")),
        *(
            totals.mark_tick(color=INK, thickness=1.5, size=9).encode(x=alt.X(f"{end}:Q"))
            for end in ("low", "high")
        ),
        row_text(totals),
    )
    money = f", {unit}" if unit else ""
    return Figure(
        f"How each channel's effect reached {outcome}{money}",
        "Each bar is what one channel caused within the dates, by the way it took. The thin line "
        "is the 90 % interval of the whole; the parts are less sure than their sum.",
        (
            to_svg(
                layers,
                name="ways",
                label="Effect of each channel by the way it took, with 90 % intervals",
                height=alt.Step(row_height(labels)),
            ),
        ),
        tuple(KeyEntry("box", KIND_COLOURS[kind], WAYS[kind]) for kind in shown),
    )


def drivers_chart(parts: pd.DataFrame, name: str) -> Markup:
    """Share of one path that each channel moved, with its interval; `parts` are its rows of
    `paths` without what nobody moved, `name` starts the drawing's ids."""
    ranked = parts.sort_values("share_mean", ascending=False, kind="stable")
    labels = words.distinct(words.wrapped(driver) for driver in ranked["driver"].astype(str))
    rows = []
    for label, (_, row) in zip(labels, ranked.iterrows(), strict=True):
        share, units = words.spread(row, "share_"), words.spread(row, "units_")
        rows.append(
            {
                "label": label,
                "low": share.p05,
                "mean": share.mean,
                "high": share.p95,
                "text": f"{words.percent(share.mean)}  ({words.percent(share.p05)} to "
                f"{words.percent(share.p95)}),  {words.short(units.mean)}",
            }
        )
    base = chart(pd.DataFrame(rows)).encode(label_axis(labels))
    high = max(0.01, float(ranked["share_p95"].max()))
    axis = alt.Axis(format=_percent_format(high), title=None, tickCount=6)
    across = alt.X("low:Q", scale=alt.Scale(domain=[0.0, 1.03 * high], nice=False), axis=axis)
    colour = KIND_COLOURS["mediated"]
    layers = alt.layer(
        base.mark_rule(color=colour, strokeWidth=3, opacity=0.55).encode(across, alt.X2("high:Q")),
        base.mark_point(filled=True, size=95, opacity=1, color=colour).encode(alt.X("mean:Q")),
        row_text(base),
    )
    return to_svg(
        layers,
        name=name,
        label="Share of the series that each channel caused, with 90 % intervals",
        height=alt.Step(row_height(labels)),
    )


def _percent_format(high: float) -> str:
    return ".0%" if high > 0.05 else ".1%"


def drivers_figure(path: str, parts: pd.DataFrame, rest: str, number: int) -> Figure:
    """The figure of one path; `rest` says what channels did not do."""
    return Figure(
        f"What moved {path}",
        f"Each mark is the expected part of all {path} within the dates that a channel caused, "
        f"itself or by an earlier step; the bar is its 90 % interval. {rest}",
        (drivers_chart(parts, f"path{number}"),),
    )


__all__: Sequence[str] = ["drivers_figure", "ways_chart"]
