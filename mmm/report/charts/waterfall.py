"""From what would have come anyway to the whole outcome, one step a cause."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    INK,
    KIND_COLOURS,
    MUTED,
    chart,
    label_axis,
    number_axis,
    row_height,
    row_text,
    rule_at,
    to_svg,
)
from mmm.report.inputs import MARKETING
from mmm.report.words import Spread

MOST_CHANNELS = 14
_BEFORE = ("baseline", "control", "unmeasured")
_NAMES = {
    "baseline": "Baseline",
    "control": "Other drivers",
    "unmeasured": "Unmeasured",
    "residual": "Not explained",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of the waterfall, in units of the outcome."""

    label: str
    colour: str
    values: Spread


def waterfall_chart(
    totals: pd.DataFrame, channels: pd.DataFrame, outcome: str, unit: str
) -> Figure:
    """`totals`: `contribution_totals`; `channels`: rows of `efficiency` (intervals of channels)."""
    steps = _steps(totals, channels)
    whole = sum(step.values.mean for step in steps)
    level = [step for step in steps if _is_nothing(step, whole)]
    steps = [step for step in steps if step not in level]
    names = words.listed(step.label.replace("\n", "") for step in level)
    left_out = f" Left out, because it nearly evens out over the dates: {names}." if level else ""
    rows, at = [], 0.0
    for step in steps:
        rows.append(_row(step, at))
        at += step.values.mean
    result = Step(f"All {words.plain_name(outcome)}", INK, words.spread(whole))
    rows.append(_row(result, 0.0))
    frame = pd.DataFrame(rows)
    labels = words.distinct(frame["label"])
    frame = frame.assign(label=labels)
    layers = steps_down(frame, labels)
    key = [KeyEntry("box", KIND_COLOURS["baseline"], "baseline: what would have come anyway")]
    if any(step.colour == KIND_COLOURS["control"] for step in steps):
        key.append(KeyEntry("box", KIND_COLOURS["control"], "other drivers, such as price"))
    key += [
        KeyEntry("box", KIND_COLOURS["tactical"], "marketing"),
        KeyEntry("line", INK, "90 % interval"),
    ]
    suffix = f" ({unit})" if unit else ""
    return Figure(
        f"From baseline to all {words.plain_name(outcome)}{suffix}",
        "Read downwards: each bar starts where the one above it ended, and together they add up "
        f"to everything that was recorded.{left_out}",
        (
            to_svg(
                layers,
                name="waterfall",
                label="Waterfall from the baseline through each channel to the whole outcome",
                height=alt.Step(row_height(labels)),
            ),
        ),
        tuple(key),
    )


def _is_nothing(step: Step, whole: float) -> bool:
    """Whether a driver's ups and downs cancel, as those measured from their mean do."""
    one, least = step.values, 5e-4 * abs(whole)
    sizes = (one.mean, one.p05, one.p95) if one.has_interval else (one.mean,)
    return step.colour == KIND_COLOURS["control"] and all(abs(size) <= least for size in sizes)


def steps_down(
    frame: pd.DataFrame, labels: list[str], gap: int = 12, **axis: Any
) -> alt.LayerChart:
    """Bars from `start` to `end`, each where the one above ended, with `low` to `high` and `text`
    where they are; `gap` is before the text, `axis` of the numbers."""
    links = pd.DataFrame(
        {"label": labels[:-1], "next": labels[1:], "at": frame["end"].iloc[:-1].to_list()}
    )
    base = chart(frame).encode(label_axis(labels))
    across = alt.X("start:Q", scale=alt.Scale(zero=True, nice=False), axis=number_axis(**axis))
    return alt.layer(
        rule_at(0.0, "x", color=MUTED),
        chart(links)
        .mark_rule(color=MUTED, strokeDash=[2, 2])
        .encode(label_axis(labels), y2=alt.Y2("next:N"), x=alt.X("at:Q")),
        base.mark_bar().encode(across, alt.X2("end:Q"), color=alt.Color("colour:N", scale=None)),
        base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        .mark_rule(color=INK, strokeWidth=1.5)
        .encode(alt.X("low:Q"), x2=alt.X2("high:Q")),
        row_text(base, gap),
    )


def _steps(totals: pd.DataFrame, channels: pd.DataFrame) -> list[Step]:
    frame = totals.assign(
        component=totals["component"].astype(str), kind=totals["kind"].astype(str)
    )
    steps: list[Step] = []
    for kind in _BEFORE:
        steps += _by_component(frame[frame["kind"] == kind], kind)
    marketing = frame[frame["kind"].isin(MARKETING)]
    steps += _channel_steps(marketing, channels)
    residual = frame[frame["kind"] == "residual"]
    if not residual.empty:
        steps += _by_component(residual, "residual")
    return steps


def _by_component(frame: pd.DataFrame, kind: str) -> list[Step]:
    colour, name = KIND_COLOURS[kind], _NAMES[kind]
    if kind in {"control", "unmeasured"}:
        found = [
            Step(words.wrapped(str(row["component"])), colour, words.spread(row))
            for _, row in frame.iterrows()
        ]
        if len(found) <= 4:
            return found
        return [Step(f"{name} ({len(found)})", colour, _summed(found))]
    found = [Step(name, colour, words.spread(row)) for _, row in frame.iterrows()]
    if len(found) < 2:
        return found
    return [Step(name, colour, _summed(found))]


def _channel_steps(marketing: pd.DataFrame, channels: pd.DataFrame) -> list[Step]:
    known = {
        str(row["channel"]): words.spread(row, "contribution_") for _, row in channels.iterrows()
    }
    steps = []
    for name, rows in marketing.groupby("component", sort=False):
        parts = [words.spread(row) for _, row in rows.iterrows()]
        mean = sum(part.mean for part in parts)
        values = parts[0] if len(parts) == 1 else words.spread(mean)
        whole = known.get(str(name))
        if whole and math.isclose(whole.mean, mean, rel_tol=1e-6, abs_tol=1e-9):
            values = replace(whole, mean=mean)
        steps.append(Step(words.wrapped(str(name)), KIND_COLOURS["tactical"], values))
    steps.sort(key=lambda step: -step.values.mean)
    if len(steps) <= MOST_CHANNELS:
        return steps
    rest = steps[MOST_CHANNELS - 1 :]
    label = f"{len(rest)} smaller channels"
    return [*steps[: MOST_CHANNELS - 1], Step(label, KIND_COLOURS["tactical"], _summed(rest))]


def _summed(steps: list[Step]) -> Spread:
    """A sum of means: intervals do not add, so there is none."""
    return words.spread(sum(step.values.mean for step in steps))


def _row(step: Step, at: float) -> dict[str, float | str]:
    one = step.values
    text = words.short(one.mean)
    if one.has_interval:
        text += f"  ({words.short_between(one)})"
    return {
        "label": step.label,
        "start": at,
        "end": at + one.mean,
        "low": at + one.p05,
        "high": at + one.p95,
        "colour": step.colour,
        "text": text,
    }
