"""Return by channel with its interval, and how a channel's effect divides into brand and now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import altair as alt
import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    INK,
    KIND_COLOURS,
    MUTED,
    TIERS,
    chart,
    label_axis,
    number_axis,
    row_height,
    row_text,
    rule_at,
    to_svg,
)

_KIND_NAMES: Final = {
    "tactical": "tactical (now)",
    "brand": "brand (later)",
    "mediated": "indirect",
}


def roi_chart(channels: pd.DataFrame, total: pd.Series, lines: Mapping[str, float]) -> Figure:
    """ROI of each channel with a cost, highest first, the total last where there is more
    than one channel.

    `channels`, `total`: rows of `efficiency`. `lines`: name to ROI of each break-even line.
    """
    ranked = channels[np.isfinite(channels["roi_mean"].astype(float))].sort_values(
        "roi_mean", ascending=False, kind="stable"
    )
    totals = [total] if len(channels) > 1 else []
    rows = pd.DataFrame([*(row for _, row in ranked.iterrows()), *totals])
    spreads = [words.spread(row, "roi_") for _, row in rows.iterrows()]
    names = [words.wrapped(name) for name in ranked["channel"].astype(str)]
    labels = words.distinct([*names, *("All marketing" for _ in totals)])
    tiers = [TIERS.get(str(tier)) for tier in ranked["evidence"]]
    low, high = _limits(spreads, lines)
    frame = pd.DataFrame(
        {
            "label": labels,
            "mean": [one.mean if low <= one.mean <= high else np.nan for one in spreads],
            "low": [_inside(one.p05, low, high) for one in spreads],
            "high": [_inside(one.p95, low, high) for one in spreads],
            "above": [high if max(one.p95, one.mean) > high else np.nan for one in spreads],
            "below": [low if min(one.p05, one.mean) < low else np.nan for one in spreads],
            "colour": [*(tier.colour if tier else INK for tier in tiers), *(INK for _ in totals)],
            "shape": [
                *(tier.shape if tier else "circle" for tier in tiers),
                *("circle" for _ in totals),
            ],
            "text": [f"{words.ratio_of(one)}  ({words.ratio_between(one)})" for one in spreads],
        }
    )
    base = chart(frame).encode(label_axis(labels))
    across = alt.X("low:Q", scale=alt.Scale(domain=[low, high], nice=False), axis=number_axis())
    colour = alt.Color("colour:N", scale=None)
    layers = [
        base.mark_rule(strokeWidth=3, opacity=0.55).encode(across, alt.X2("high:Q"), color=colour),
        base.mark_point(filled=True, size=95, opacity=1)
        .transform_filter("isValid(datum.mean)")
        .encode(x=alt.X("mean:Q"), color=colour, shape=alt.Shape("shape:N", scale=None)),
        *(
            base.mark_point(filled=True, size=90, opacity=1, shape=f"triangle-{side}")
            .transform_filter(f"isValid(datum.{name})")
            .encode(alt.X(f"{name}:Q"), color=colour)
            for name, side in (("above", "right"), ("below", "left"))
        ),
        row_text(base),
    ]
    dashes = ([1, 0], [5, 3])
    for value, dash in zip(lines.values(), dashes, strict=False):
        layers.insert(0, rule_at(value, "x", color=MUTED, strokeDash=dash, strokeWidth=1.5))
    shown = {str(tier) for tier in ranked["evidence"]}
    key = [
        KeyEntry(tier.mark, tier.colour, tier.meaning)
        for name, tier in TIERS.items()
        if name in shown
    ]
    key += [
        KeyEntry("line" if dash == [1, 0] else "dash", MUTED, f"{name}: {words.ratio(value)}")
        for (name, value), dash in zip(lines.items(), dashes, strict=False)
    ]
    outside = bool(frame[["above", "below"]].notna().any(axis=None))
    clipped = (
        " An arrow at the edge marks what lies beyond the chart: the end of an interval, or all "
        "of it where the arrow stands without a mark."
    ) * outside
    return Figure(
        "Return on each unit of cost, by channel",
        "Each mark is the expected return; the bar behind it is the range that holds the true "
        f"figure with 90 % probability, so a long bar means we know little.{clipped}",
        (
            to_svg(
                alt.layer(*layers),
                name="roi",
                label="Return on investment by channel with 90 % intervals and break-even lines",
                height=alt.Step(row_height(labels)),
            ),
        ),
        tuple(key),
    )


def _inside(value: float, low: float, high: float) -> float:
    return float(np.clip(value, low, high)) if np.isfinite(value) else np.nan


def _limits(spreads: list[words.Spread], lines: Mapping[str, float]) -> tuple[float, float]:
    """Ends of the axis; one channel's vast interval must not flatten the others."""
    lows = [one.p05 for one in spreads if np.isfinite(one.p05)]
    highs = [one.p95 for one in spreads if np.isfinite(one.p95)]
    means = [one.mean for one in spreads if np.isfinite(one.mean)]
    lines_at = list(lines.values())
    high = max([*highs, *means, *lines_at])
    if highs and high > 8 * float(np.median(highs)):
        high = max(4 * float(np.median(highs)), *lines_at, float(np.median(means)))
    low = min([0.0, *lows])
    if low < -4 * high:
        low = -high
    return low, high + 0.03 * (high - low)


def brand_chart(channels: pd.DataFrame) -> Figure | None:
    """Share of each channel's own effect that is tactical, brand or indirect.

    Only channels with a positive effect are drawn; `None` when there is none.
    """
    frame = channels.assign(
        **{
            kind: channels[f"{kind}_mean"].astype(float).fillna(0.0).clip(lower=0.0)
            if f"{kind}_mean" in channels
            else 0.0
            for kind in _KIND_NAMES
        }
    )
    frame = frame.assign(whole=frame[list(_KIND_NAMES)].sum(axis=1))
    frame = frame[frame["whole"] > 0].sort_values(
        "contribution_mean", ascending=False, kind="stable"
    )
    if frame.empty:
        return None
    kinds = [kind for kind in _KIND_NAMES if (frame[kind] > 0).any()]
    labels = words.distinct(words.wrapped(name) for name in frame["channel"].astype(str))
    pieces, notes = [], []
    for label, (_, row) in zip(labels, frame.iterrows(), strict=True):
        start = 0.0
        for kind in kinds:
            share = row[kind] / row["whole"]
            pieces.append(
                {
                    "label": label,
                    "start": start,
                    "end": start + share,
                    "middle": start + share / 2,
                    "colour": KIND_COLOURS[kind],
                    "ink": "white" if kind == "tactical" else INK,
                    "text": f"{share:.0%}" if share >= 0.06 else "",
                }
            )
            start += share
        brand = words.spread(row, "brand_")
        text = f"brand {words.short(brand.mean)}  ({words.short_between(brand)})"
        notes.append({"label": label, "text": text if row["brand"] > 0 else "no brand effect"})
    stack = chart(pd.DataFrame(pieces)).encode(label_axis(labels))
    axis = alt.Axis(format=".0%", title=None, tickCount=5)
    across = alt.X("start:Q", scale=alt.Scale(domain=[0, 1]), axis=axis)
    layers = alt.layer(
        stack.mark_bar(stroke="white", strokeWidth=1).encode(
            across, alt.X2("end:Q"), color=alt.Color("colour:N", scale=None)
        ),
        stack.mark_text(fontSize=11.5).encode(
            x=alt.X("middle:Q"), text=alt.Text("text:N"), color=alt.Color("ink:N", scale=None)
        ),
        row_text(chart(pd.DataFrame(notes)).encode(label_axis(labels))),
    )
    return Figure(
        "What came at once and what came later",
        "Each bar divides what one channel caused into what came at once and what came later "
        "through the brand; beside it, the brand part with its 90 % interval.",
        (
            to_svg(
                layers,
                name="brand",
                label="Share of each channel's effect that is tactical, brand or indirect",
                height=alt.Step(row_height(labels)),
            ),
        ),
        tuple(KeyEntry("box", KIND_COLOURS[kind], _KIND_NAMES[kind]) for kind in kinds),
    )
