"""What is claimed, what the model finds and what was recorded, as three bars side by side."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    CHANNEL_COLOURS,
    INK,
    KIND_COLOURS,
    MUTED,
    SLATE,
    VIOLET,
    chart,
    label_axis,
    number_axis,
    row_text,
    rule_at,
    to_svg,
)

CLAIMED, FOUND, RECORDED = "Claimed", "Found by the model", "Recorded"
MOST_CHANNELS = len(CHANNEL_COLOURS)
_HEIGHT = 58


def claims_chart(table: pd.DataFrame, outcome: str, unit: str) -> Figure:
    """`table`: `reconciliation.csv`. The claims end to end, beside the baseline and channels of
    the model, which together reach what was recorded."""
    channels = table[table["kind"] == "channel"]
    claimed = channels.groupby("channel", sort=False)["claimed"].sum()
    found = channels.groupby("channel", sort=False)["model_mean"].first()
    order = claimed.add(found, fill_value=0.0).sort_values(ascending=False, kind="stable").index
    colours = dict(zip(order, CHANNEL_COLOURS, strict=False))
    colours |= dict.fromkeys(order[MOST_CHANNELS:], SLATE)
    others = float(table.loc[table["kind"] == "other", "claimed"].sum())
    of_kind = table.set_index("kind")
    actual = float(of_kind.loc["actual", "model_mean"])
    rest = float(of_kind.loc["rest", "model_mean"])
    total = float(of_kind.loc["claims", "claimed"])

    baseline = (KIND_COLOURS["baseline"], rest)
    pieces = _stack(CLAIMED, [*((colours[name], claimed[name]) for name in order),
                              (VIOLET, others)])  # fmt: skip
    pieces += _stack(FOUND, [baseline, *((colours[name], found[name]) for name in order)])
    pieces += _stack(RECORDED, [(MUTED, actual)])
    frame = pd.DataFrame(pieces)
    times = f"  ({words.ratio(total / actual)} times)" if actual > 0 else ""
    notes = pd.DataFrame(
        {
            "label": [CLAIMED, FOUND, RECORDED],
            "text": [words.short(total) + times, words.short(actual), words.short(actual)],
        }
    )
    labels = [CLAIMED, FOUND, RECORDED]
    bars = chart(frame).encode(label_axis(labels))
    ends = frame[["start", "end"]].to_numpy(dtype=float)
    across = alt.X(
        "start:Q",
        scale=alt.Scale(domain=[min(0.0, float(ends.min())), float(ends.max())], nice=True),
        axis=number_axis(),
    )
    layers = alt.layer(
        bars.mark_bar(stroke="white", strokeWidth=1).encode(
            across, alt.X2("end:Q"), color=alt.Color("colour:N", scale=None)
        ),
        rule_at(actual, "x", color=INK, strokeDash=[4, 3]),
        row_text(chart(notes).encode(label_axis(labels))),
    )
    suffix = f" ({unit})" if unit else ""
    beyond = (
        " What stands right of the dashed line was claimed more than once, or never happened."
        if total > actual
        else ""
    )
    return Figure(
        f"Claimed beside caused, {words.plain_name(outcome)}{suffix}",
        "The upper bar lays all claims end to end. The middle bar is the model's: baseline and "
        f"channels add up to what was recorded.{beyond}",
        (
            to_svg(
                layers,
                name="claims",
                label="Sum of claims, the model's parts, and the recorded outcome",
                height=alt.Step(_HEIGHT),
            ),
        ),
        _key(list(order), colours, others),
    )


def _stack(label: str, parts: list[tuple[str, float]]) -> list[dict[str, object]]:
    """Pieces of one bar, (colour, value) each, from zero on; negative ones hang to the left."""
    above, below, pieces = 0.0, 0.0, []
    for colour, value in parts:
        if not np.isfinite(value) or value == 0:
            continue
        start = above if value > 0 else below
        pieces.append({"label": label, "colour": colour, "start": start, "end": start + value})
        above, below = above + max(value, 0.0), below + min(value, 0.0)
    return pieces


def _key(order: list[str], colours: dict[str, str], others: float) -> tuple[KeyEntry, ...]:
    key = [KeyEntry("box", colours[name], name) for name in order[:MOST_CHANNELS]]
    left = len(order) - MOST_CHANNELS
    if left > 0:
        key.append(KeyEntry("box", SLATE, f"{left} other channels"))
    if others > 0:
        key.append(KeyEntry("box", VIOLET, "claimed for what is no channel here"))
    baseline = KIND_COLOURS["baseline"]
    key.append(KeyEntry("box", baseline, "baseline and everything that is no channel"))
    return (*key, KeyEntry("dash", INK, "recorded"))
