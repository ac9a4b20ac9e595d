"""How opportunities are won over time: what records show, and the lag the model starts from."""

from __future__ import annotations

import altair as alt
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import BLUE, INK, ORANGE, chart, number_axis, to_svg

_STEP = "step-after"
_WORDS = {"gamma": "gamma", "lognormal": "log-normal"}


def lag_chart(curve: pd.DataFrame, owner: str, place: int) -> Figure:
    """`curve`: rows of `lag_curves` of one lag. `place` keeps drawings on a page apart."""
    frame = curve.sort_values("days")
    first = frame.iloc[[0]].assign(
        days=0.0, **dict.fromkeys(("observed", "low", "high", "fitted", "other"), 0.0)
    )
    if frame["days"].iloc[0] > 0:
        frame = pd.concat([first, frame], ignore_index=True)
    used = str(frame["family"].iloc[0])
    other = "gamma" if used == "lognormal" else "lognormal"
    across = alt.X(
        "days:Q", scale=alt.Scale(nice=False), axis=number_axis(title="days since opened")
    )
    share = alt.Axis(format=".0%", title=None, tickCount=5)

    def up(name: str) -> alt.Y:
        return alt.Y(f"{name}:Q", scale=alt.Scale(zero=True, nice=True), axis=share)

    base = chart(frame[["days", "observed", "low", "high", "fitted", "other"]])
    layers = alt.layer(
        base.mark_area(color=INK, opacity=0.12, interpolate=_STEP).encode(
            across, up("low"), y2=alt.Y2("high:Q")
        ),
        base.mark_line(color=INK, strokeWidth=1.5, interpolate=_STEP).encode(
            across, up("observed")
        ),
        base.mark_line(color=ORANGE, strokeWidth=1.5, strokeDash=[5, 3]).encode(
            across, up("other")
        ),
        base.mark_line(color=BLUE, strokeWidth=2).encode(across, up("fitted")),
    )
    return Figure(
        f"Opportunities won by the days since they were opened: {words.plain_name(owner)}",
        "The stepped line counts the records, those still open taken into account without any "
        "assumed form; the smooth lines are the forms. Where they part, the records hold more "
        "than one kind of opportunity, or few of them.",
        (
            to_svg(
                layers,
                name=f"lag-{place}",
                label=f"Share of opportunities won by days since opened, for {owner}",
                height=260,
            ),
        ),
        (
            KeyEntry("line", INK, "records, with 90 % interval"),
            KeyEntry("line", BLUE, f"{_WORDS[used]} lag, where the model starts from"),
            KeyEntry("dash", ORANGE, f"{_WORDS[other]} lag, for comparison"),
        ),
    )
