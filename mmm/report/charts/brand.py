"""Brand: its share of cost beside its share of what is earned, and relationship against revenue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from mmm.config.references import BRAND_SHARES
from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
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
_REFERENCE_COLOURS: Final = (GREEN, VIOLET, MUTED)
_QUADRANTS: Final = (
    ("relationship", "left", "top"),
    ("both", "right", "top"),
    ("little of either", "left", "below"),
    ("revenue now", "right", "below"),
)
"""Words of the quadrants, and where they stand: at the top of the plot or below its middle."""


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
    """Brand return against tactical return, one point a channel, with crosses of 90 % intervals.

    `channels`, `total`: rows of `brand.csv` for all geos. `effort` names channels without media
    spend. The quadrants meet at the return of all marketing. `None` when no channel has a cost.
    """
    known = channels[np.isfinite(channels["roi_brand_mean"].astype(float))]
    if known.empty:
        return None
    now = [words.spread(row, "roi_tactical_") for _, row in known.iterrows()]
    later = [words.spread(row, "roi_brand_") for _, row in known.iterrows()]
    middle = float(total["roi_tactical_mean"]), float(total["roi_brand_mean"])
    right, top = _end(now, middle[0]), _end(later, middle[1])
    names = words.distinct(words.wrapped(str(name), 26, 1) for name in known["channel"])
    efforts = {str(name) for name in effort}
    is_effort = [str(name) in efforts for name in known["channel"]]
    x, y = np.array([one.mean for one in now]), np.array([one.mean for one in later])
    frame = pd.DataFrame(
        {
            "label": names,
            "x": np.clip(x, 0, right),
            "y": np.clip(y, 0, top),
            "x_low": np.clip([one.p05 for one in now], 0, right),
            "x_high": np.clip([one.p95 for one in now], 0, right),
            "y_low": np.clip([one.p05 for one in later], 0, top),
            "y_high": np.clip([one.p95 for one in later], 0, top),
            "text_y": _apart(np.sqrt(x / right), np.sqrt(y / top), names) ** 2 * top,
            "colour": [ORANGE if one else BLUE for one in is_effort],
            "shape": ["square" if one else "circle" for one in is_effort],
        }
    )
    base = chart(frame)
    across = alt.X(
        "x:Q",
        scale=alt.Scale(type="sqrt", domain=[0, right], nice=False),
        axis=_return_axis("revenue now: tactical return per unit of cost", right),
    )
    up = alt.Y(
        "y:Q",
        scale=alt.Scale(type="sqrt", domain=[0, top], nice=False),
        axis=_return_axis("relationship: brand return per unit of cost", top),
    )
    colour = alt.Color("colour:N", scale=None)
    look = {"strokeWidth": 2, "opacity": 0.4}
    names_at = base.mark_text(align="left", dx=9, dy=-9, fontSize=12).encode(
        x=alt.X("x:Q"), y=alt.Y("text_y:Q"), text=alt.Text("label:N")
    )
    layers = alt.layer(
        rule_at(middle[0], "x", color=MUTED, strokeDash=[5, 3]),
        rule_at(middle[1], "y", color=MUTED, strokeDash=[5, 3]),
        *(_quadrant(*words_at, middle[1]) for words_at in _QUADRANTS),
        base.mark_rule(**look).encode(alt.X("x_low:Q"), up, alt.X2("x_high:Q"), color=colour),
        base.mark_rule(**look).encode(across, alt.Y("y_low:Q"), alt.Y2("y_high:Q"), color=colour),
        base.mark_point(filled=True, size=95, opacity=1).encode(
            across, up, color=colour, shape=alt.Shape("shape:N", scale=None)
        ),
        base.mark_text(
            align="left", dx=9, dy=-9, fontSize=12, stroke="white", strokeWidth=4
        ).encode(alt.X("x:Q"), y=alt.Y("text_y:Q"), text=alt.Text("label:N")),
        names_at,
    )
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
        f"90 % probability each.{' Crosses that reach the edge go on beyond it.' * clipped}",
        (
            to_svg(
                layers,
                name="relationship",
                label="Brand return against tactical return by channel with 90 % intervals",
                height=HEIGHT,
            ),
        ),
        tuple(key),
    )


def _return_axis(title: str, end: float) -> alt.Axis:
    """Ticks at 0 and at 1, 2 and 5 times powers of ten, as far apart as a narrowing axis needs."""
    power = 10.0 ** np.floor(np.log10(end))
    ticks = [float(f"{step * power:.3g}") for step in (0.05, 0.1, 0.2, 0.5, 1, 2, 5)]
    shown = [one for one in ticks if end / 25 <= one <= end]
    return number_axis(title=title, values=[0.0, *shown])


def _quadrant(text: str, across: str, up: str, middle: float) -> alt.Chart:
    """The words of a quadrant, at the top of the plot or below `middle`."""
    inset = 8
    return (
        chart(pd.DataFrame({"text": [text], "middle": [middle]}))
        .mark_text(
            align=across,
            baseline="top",
            dx=inset if across == "left" else -inset,
            dy=inset,
            color=MUTED,
            fontSize=13,
            fontStyle="italic",
        )
        .encode(
            x=alt.XValue(0) if across == "left" else alt.XValue("width"),
            y=alt.YValue(0) if up == "top" else alt.Y("middle:Q"),
            text=alt.Text("text:N"),
        )
    )


def _end(spreads: Sequence[words.Spread], middle: float) -> float:
    """End of an axis from zero; one vast interval must not flatten the rest."""
    highs = np.array([one.p95 for one in spreads])
    high, usual = float(highs.max()), float(np.median(highs[highs > 0])) if highs.max() > 0 else 0.0
    if high > 6 * usual:
        high = max(4 * usual, *(one.mean for one in spreads))
    return 1.08 * max(high, 2 * middle, 1e-9)


def _apart(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Heights (0 to 1) of labels at points (0 to 1), moved up until none covers another."""
    line, letter = 15 / HEIGHT, 7 / WIDTH
    heights = np.clip(y, 0.0, 1.0)
    placed: list[int] = []
    for index in np.argsort(y, kind="stable"):
        for other in sorted(placed, key=lambda one: heights[one]):
            first, second = sorted((index, other), key=lambda one: x[one])
            covers = x[second] - x[first] < letter * len(names[first])
            if covers and abs(heights[index] - heights[other]) < line:
                heights[index] = heights[other] + line
        placed.append(int(index))
    return heights
