"""Brand: its share of cost beside its share of what is earned, and relationship against revenue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import altair as alt
import numpy as np
import pandas as pd

from mmm.config.references import BRAND_SHARES
from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.placing import LETTER, Box, placed
from mmm.report.charts.style import (
    BLUE,
    GREEN,
    MUTED,
    ORANGE,
    VIOLET,
    WIDTH,
    chart,
    label_axis,
    number_axis,
    row_height,
    row_text,
    rule_at,
    to_svg,
)

HEIGHT: Final = 430
PLOT_HEIGHT: Final = 360.0
"""Pixels of it between zero and the top."""

ROW: Final = 22
"""Pixels of a row under the plot."""

INSET: Final = 8.0
_REFERENCE_COLOURS: Final = (GREEN, VIOLET, MUTED)
_QUADRANTS: Final = (
    ("relationship", "left", "top"),
    ("both", "right", "top"),
    ("little of either", "left", "below"),
    ("revenue now", "right", "below"),
)
"""Words of the quadrants, and where those are."""


def share_chart(total: pd.Series) -> Figure:
    """Share of cost that builds the brand, a range, beside the share of what is earned that comes
    through it, with published shares of budgets as lines.

    `total`: the row `total` of `brand.csv` for all geos.
    """
    earned = words.spread(total, "earned_brand_")
    low, high = (words.number(total[f"cost_brand_{end}"]) for end in ("low", "high"))
    labels = ["Share of cost", "Share of what it earns"]
    paid = words.percent(low) if low == high else f"{words.percent(low)} to {words.percent(high)}"
    told = f"{words.percent(earned.mean)}  ({_percent_between(earned)})"
    frame = pd.DataFrame(
        {
            "label": labels,
            "low": [low, earned.p05],
            "high": [high, earned.p95],
            "middle": [low if low == high else np.nan, earned.mean],
            "text": [paid, told],
            "colour": [BLUE, ORANGE],
        }
    )
    base = chart(frame).encode(label_axis(labels))
    axis = alt.Axis(format=".0%", title=None, tickCount=5)
    across = alt.X("low:Q", scale=alt.Scale(domain=[0, 1], clamp=True), axis=axis)
    colour = alt.Color("colour:N", scale=None)
    layers = alt.layer(
        *(
            rule_at(one.share, "x", color=shade, strokeDash=[5, 3], strokeWidth=1.5)
            for one, shade in zip(BRAND_SHARES, _REFERENCE_COLOURS, strict=True)
        ),
        base.mark_rule(strokeWidth=7, opacity=0.45).encode(across, alt.X2("high:Q"), color=colour),
        base.mark_point(filled=True, size=95, opacity=1)
        .transform_filter("isValid(datum.middle)")
        .encode(alt.X("middle:Q"), color=colour),
        row_text(base),
    )
    return Figure(
        "How much of the money is brand, and how much of what it earns",
        "The money of a channel that does both cannot be divided, so the share of cost is a range: "
        "from channels that only build the brand to all that build it at all.",
        (
            to_svg(
                layers,
                name="brand-share",
                label="Share of cost that builds the brand beside share of what brand earns",
                height=alt.Step(row_height(labels)),
            ),
        ),
        tuple(
            KeyEntry("dash", shade, f"{one.label}: {one.source}")
            for one, shade in zip(BRAND_SHARES, _REFERENCE_COLOURS, strict=True)
        ),
    )


def _percent_between(values: words.Spread) -> str:
    return f"{words.percent(values.p05)} to {words.percent(values.p95)}"


def relationship_chart(
    channels: pd.DataFrame, total: pd.Series, effort: Sequence[str] = ()
) -> Figure | None:
    """Brand return against tactical return, one point a channel, with crosses of 90 % intervals;
    channels without any brand effect have a row each under the plot.

    `channels`, `total`: rows of `brand.csv` for all geos. `effort` names channels without media
    spend. The quadrants meet at the return of all marketing. `None` when no channel with a cost
    has a brand effect.
    """
    known = channels[np.isfinite(channels["roi_brand_mean"].astype(float))]
    now = [words.spread(row, "roi_tactical_") for _, row in known.iterrows()]
    later = [words.spread(row, "roi_brand_") for _, row in known.iterrows()]
    without = np.array([max(one.mean, one.p95) <= 0 for one in later], dtype=bool)
    if without.all():
        return None
    middle = float(total["roi_tactical_mean"]), float(total["roi_brand_mean"])
    right, top = _end(now, middle[0]), _end(later, middle[1])
    names = words.distinct(words.wrapped(str(name), 26, 1) for name in known["channel"])
    efforts = {str(name) for name in effort}
    is_effort = [str(name) in efforts for name in known["channel"]]
    rows = np.cumsum(without)
    y = np.where(without, _row_at(rows, top), [one.mean for one in later])
    frame = pd.DataFrame(
        {
            "label": names,
            "x": np.clip([one.mean for one in now], 0, right),
            "y": np.minimum(y, top),
            "x_low": np.clip([one.p05 for one in now], 0, right),
            "x_high": np.clip([one.p95 for one in now], 0, right),
            "y_low": np.where(without, y, np.clip([one.p05 for one in later], 0, top)),
            "y_high": np.where(without, y, np.clip([one.p95 for one in later], 0, top)),
            "colour": [ORANGE if one else BLUE for one in is_effort],
            "shape": ["square" if one else "circle" for one in is_effort],
        }
    )
    below = int(without.sum())
    key = [KeyEntry("dot", BLUE, "media")] if not all(is_effort) else []
    key += (
        [KeyEntry("square", ORANGE, "effort: hours, visits, headcount")] if any(is_effort) else []
    )
    key.append(KeyEntry("dash", MUTED, "all marketing together"))
    clipped = any(one.p95 > right for one in now) or any(one.p95 > top for one in later)
    return Figure(
        "Relationship against revenue now",
        "Each point is a channel: to the right, what a unit of cost brings soon; upwards, what it "
        "brings through the brand, later included. Both axes are drawn narrower farther out. The "
        "cross is where the true figures lie with "
        f"90 % probability each.{' Crosses that reach the edge go on beyond it.' * clipped}"
        f"{' Under the line at 0 stand the channels without brand effect.' * (below > 0)}",
        (
            to_svg(
                _relationship_layers(frame, without, middle, (right, top)),
                name="relationship",
                label="Brand return against tactical return by channel with 90 % intervals",
                title="relationship: brand return per unit of cost",
                height=HEIGHT + ROW * below,
            ),
        ),
        tuple(key),
    )


def _row_at(row: np.ndarray, top: float) -> np.ndarray:
    """The height, below zero on an axis that narrows, of each `row` under the plot from 1 on."""
    return -((ROW * (row - 0.3) / PLOT_HEIGHT) ** 2) * top


def _relationship_layers(
    frame: pd.DataFrame,
    without: np.ndarray,
    middle: tuple[float, float],
    ends: tuple[float, float],
) -> alt.LayerChart:
    right, top = ends
    rows = int(without.sum())
    low = float(_row_at(np.array(rows + 0.6), top)) if rows else 0.0
    across = alt.X(
        "x:Q",
        scale=alt.Scale(type="sqrt", domain=[0, right], nice=False),
        axis=_return_axis(right, title="revenue now: tactical return per unit of cost"),
    )
    up = alt.Y(
        "y:Q",
        scale=alt.Scale(type="sqrt", domain=[low, top], nice=False),
        axis=_return_axis(top, labelPadding=11),
    )
    plot = _plot(frame.loc[without, "label"])
    x, x_low, x_high = (
        np.sqrt(frame[name] / right) * plot.right for name in ("x", "x_low", "x_high")
    )
    y, y_low, y_high = (
        (1 - np.sqrt(frame[name].clip(lower=0) / top)) * plot.bottom
        for name in ("y", "y_low", "y_high")
    )
    shown = np.flatnonzero(~without)
    points = [(float(x[one]), float(y[one])) for one in shown]
    lines = [Box(x_low[one], y[one] - 1, x_high[one], y[one] + 1) for one in shown]
    lines += [Box(x[one] - 1, y_high[one], x[one] + 1, y_low[one]) for one in shown]
    at = (
        float(np.sqrt(middle[0] / right)) * plot.right,
        (1 - float(np.sqrt(middle[1] / top))) * plot.bottom,
    )
    quadrants = _quadrants(at, plot, points, lines)
    lines += [Box(at[0], 0.0, at[0] + 1, plot.bottom), Box(0.0, at[1], plot.right, at[1] + 1)]
    names = [str(name) for name in frame["label"].iloc[shown]]
    labels = placed(points, names, plot, [box for _, box in quadrants], lines)
    base = chart(frame)
    colour = alt.Color("colour:N", scale=None)
    look = {"strokeWidth": 2, "opacity": 0.4}
    layers = [
        rule_at(middle[0], "x", color=MUTED, strokeDash=[5, 3]),
        rule_at(middle[1], "y", color=MUTED, strokeDash=[5, 3]),
        rule_at(0.0, "y", color=MUTED),
        *(_quadrant(text, box, plot, ends) for text, box in quadrants),
        base.mark_rule(**look).encode(alt.X("x_low:Q"), up, alt.X2("x_high:Q"), color=colour),
        base.mark_rule(**look).encode(across, alt.Y("y_low:Q"), alt.Y2("y_high:Q"), color=colour),
        base.mark_point(filled=True, size=95, opacity=1).encode(
            across, up, color=colour, shape=alt.Shape("shape:N", scale=None)
        ),
    ]
    for one, label in zip(shown, labels, strict=True):
        where = chart(frame.iloc[[one]][["label", "x", "y"]]).encode(
            across, up, text=alt.Text("label:N")
        )
        layout = {"align": label.align, "dx": label.dx, "dy": label.dy, "fontSize": 12}
        if label.apart:
            near = {"x2Offset": label.dx, "y2Offset": label.dy - np.sign(label.dy) * 7}
            layers.append(
                chart(frame.iloc[[one]][["x", "y"]])
                .mark_rule(color=MUTED, strokeWidth=0.8, **near)
                .encode(across, up, x2=alt.X2("x:Q"), y2=alt.Y2("y:Q"))
            )
        layers += [
            where.mark_text(stroke="white", strokeWidth=4, baseline="middle", **layout),
            where.mark_text(baseline="middle", **layout),
        ]
    if rows:
        beside = chart(frame.loc[without, ["label", "y"]]).encode(
            x=alt.XValue(0), y=up, text=alt.Text("label:N")
        )
        layers.append(beside.mark_text(align="right", baseline="middle", dx=-8, fontSize=12))
    return alt.layer(*layers)


def _plot(beside: Iterable[str]) -> Box:
    """About where the plot is, in pixels from its own corner, with names `beside` it."""
    longest = max((len(name) for name in beside), default=0)
    return Box(0.0, 0.0, WIDTH - max(LETTER * longest, 30.0) - 24.0, PLOT_HEIGHT)


def _return_axis(end: float, **options: Any) -> alt.Axis:
    """Ticks at 0 and at 1, 2 and 5 times powers of ten, as far apart as a narrowing axis needs."""
    power = 10.0 ** np.floor(np.log10(end))
    ticks = [float(f"{step * power:.3g}") for step in (0.05, 0.1, 0.2, 0.5, 1, 2, 5)]
    shown = [one for one in ticks if end / 25 <= one <= end]
    return number_axis(values=[0.0, *shown], **options)


def _quadrants(
    middle: tuple[float, float],
    plot: Box,
    points: Sequence[tuple[float, float]],
    lines: Sequence[Box],
) -> list[tuple[str, Box]]:
    """The words of the quadrants, each in the emptiest corner of its own; none where it does not
    fit."""
    dots = [Box(x - 8, y - 8, x + 8, y + 8) for x, y in points]
    found = []
    for text, side, part in _QUADRANTS:
        left, right = (0.0, middle[0]) if side == "left" else (middle[0], plot.right)
        top, bottom = (0.0, middle[1]) if part == "top" else (middle[1], plot.bottom)
        long = LETTER * len(text)
        if right - left < long + 2 * INSET or bottom - top < 15 + INSET / 2:
            continue
        columns = (left + INSET, right - INSET - long)
        rows = (top + INSET / 4, bottom - INSET / 4 - 15)
        corners = [
            Box(x, y, x + long, y + 15)
            for y in (rows if part == "top" else rows[::-1])
            for x in (columns if side == "left" else columns[::-1])
        ]
        covered = [
            sum(20 * box.covers(dot) for dot in dots) + sum(box.covers(line) for line in lines)
            for box in corners
        ]
        found.append((text, corners[covered.index(min(covered))]))
    return found


def _quadrant(text: str, box: Box, plot: Box, ends: tuple[float, float]) -> alt.Chart:
    """The words of a quadrant, in `box`."""
    at = {
        "text": [text],
        "x": [(box.left / plot.right) ** 2 * ends[0]],
        "y": [(1 - (box.top + box.bottom) / 2 / plot.bottom) ** 2 * ends[1]],
    }
    return (
        chart(pd.DataFrame(at))
        .mark_text(align="left", baseline="middle", color=MUTED, fontSize=13, fontStyle="italic")
        .encode(alt.X("x:Q"), alt.Y("y:Q"), text=alt.Text("text:N"))
    )


def _end(spreads: Sequence[words.Spread], middle: float) -> float:
    """End of an axis from zero; one vast interval must not flatten the rest."""
    highs = np.array([one.p95 for one in spreads])
    high, usual = float(highs.max()), float(np.median(highs[highs > 0])) if highs.max() > 0 else 0.0
    if high > 6 * usual:
        high = max(4 * usual, *(one.mean for one in spreads))
    return 1.08 * max(high, 2 * middle, 1e-9)
