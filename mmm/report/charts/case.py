"""What the investment is worth: the spread of its value, and its cash over time."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    BLUE,
    INK,
    MUTED,
    VERMILION,
    WIDTH,
    band,
    chart,
    date_axis,
    number_axis,
    rule_at,
    to_svg,
)
from mmm.report.words import Spread

BINS = 44
FEW_DATES = 14
"""Up to this many, each date gets a mark of its own."""


def npv_chart(
    draws: np.ndarray, npv: Spread, currency: str, *, width: int = WIDTH, height: int = 250
) -> Figure | None:
    """How likely each net present value is; `draws` (draws,) in `currency`.

    The outermost half per cent on either side is left out of the drawing. `None` when fewer
    than two draws are finite.
    """
    draws = np.asarray(draws, dtype=float).ravel()
    draws = draws[np.isfinite(draws)]
    if len(draws) < 2:
        return None
    frame = _histogram(draws)
    axis = number_axis(tickCount=8 if width == WIDTH else 5, grid=False)
    bars = (
        chart(frame)
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            alt.X("start:Q", axis=axis, scale=alt.Scale(nice=False, zero=False)),
            x2=alt.X2("stop:Q"),
            y=alt.Y("share:Q", axis=alt.Axis(format=".0%", title=None, tickCount=4)),
            y2=alt.Y2("floor:Q"),
            color=alt.Color("colour:N", scale=None),
        )
    )
    layers = [bars, rule_at(0.0, "x", strokeWidth=2.5)]
    layers += [rule_at(npv.mean, "x", color=MUTED, strokeWidth=1.5)] * npv.known
    key = [
        KeyEntry("box", BLUE, "makes money"),
        KeyEntry("box", VERMILION, "loses money"),
        KeyEntry("line", INK, "break-even"),
        KeyEntry("line", MUTED, f"expected: {words.short_amount(npv.mean, currency)}"),
    ]
    if npv.has_interval:
        layers += [
            rule_at(end, "x", color=MUTED, strokeDash=[5, 3], strokeWidth=1.5)
            for end in (npv.p05, npv.p95)
        ]
        key.append(KeyEntry("dash", MUTED, f"90 % interval: {words.short_between(npv)}"))
    return Figure(
        "What the investment may be worth",
        "The taller a bar, the more likely that value; everything left of the heavy line is a "
        "loss.",
        (
            to_svg(
                alt.layer(*layers),
                name="npv",
                label="Distribution of the net present value with the break-even line",
                title=f"Net present value{f', {currency}' if currency else ''}",
                height=height,
                width=width,
            ),
        ),
        tuple(key),
    )


def _histogram(draws: np.ndarray) -> pd.DataFrame:
    """Shares of draws in bins of one width, with an edge at zero so that no bin is both."""
    low, high = np.quantile(draws, [0.005, 0.995])
    if high <= low:
        low, high = draws.min(), draws.max()
    size = max(abs(float(low)), abs(float(high)))
    # draws that are all but one number stand in the middle of a bin, far from rounding at its edge
    apart = high - low > 1e-9 * size
    width = (high - low) / BINS if apart else max(size / 10.5, 1.0)
    first, last = int(np.floor(low / width)), int(np.floor(high / width)) + 1
    edges = np.arange(first, last + 1) * width
    counts, _ = np.histogram(draws, bins=edges)
    return pd.DataFrame(
        {
            "start": edges[:-1],
            "stop": edges[1:],
            "share": counts / len(draws),
            "floor": 0.0,
            "colour": np.where(edges[1:] <= width / 2, VERMILION, BLUE),
        }
    )


def cash_chart(
    cashflow: pd.DataFrame, currency: str, *, width: int = WIDTH, height: int = 250
) -> Figure:
    """Cumulative cash by date with its 90 % interval."""
    frame = cashflow.sort_values("period", kind="stable")
    across = date_axis(frame["date"], ticks=8 if width == WIDTH else 4)
    scale = alt.Scale(zero=True)
    few = len(frame) <= FEW_DATES
    layers = alt.layer(
        band(
            frame[["date", "cumulative_p05", "cumulative_p95"]],
            across,
            alt.Y("cumulative_p05:Q", axis=number_axis(), scale=scale),
            "cumulative_p95",
            BLUE,
        ),
        chart(frame[["date", "cumulative_mean"]])
        .mark_line(color=BLUE, strokeWidth=2, point={"color": BLUE, "size": 30} if few else False)
        .encode(across, y=alt.Y("cumulative_mean:Q")),
        rule_at(0.0, "y", strokeWidth=1.5),
    )
    return Figure(
        "Cash over time",
        "Money out counts down, money in counts up: the investment has paid itself back where "
        "the line rises above zero for good.",
        (
            to_svg(
                layers,
                name="cash",
                label="Cumulative cash over time with its 90 % interval",
                title=f"Cumulative cash{f', {currency}' if currency else ''}",
                height=height,
                width=width,
            ),
        ),
        (
            KeyEntry("line", BLUE, "expected"),
            KeyEntry("band", BLUE, "90 % interval"),
            KeyEntry("line", INK, "break-even"),
        ),
    )
