"""Unmeasured drivers: how strong one would have to be to change the answer."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Block, Section, Table, Text
from mmm.report.inputs import TOTAL, ReportInputs
from mmm.report.tables import Cell, Column, badge, breakable, html_table, stacked

NOTHING: Final = "\N{EN DASH}"
TREND: Final = "trend"
INVEST: Final = "invest"
LITTLE: Final = 0.9
"""Below this weight of the data it is said how much say it has."""


def confounding_section(inputs: ReportInputs) -> Section | None:
    """One row a channel; None where the bounds were not worked out."""
    frame = inputs.confounding
    if frame is None:
        return None
    outcome = words.plain_name(inputs.outcome_name)
    text = (
        "Cause is read here from what happened. Had something that nobody measured moved both a "
        f"channel's activity and the {outcome}, as demand does when search spending follows it, "
        "the channel would be credited with what that driver did. How strong would it have to be?"
    )
    blocks: list[Block] = [Text(text), _table(frame, outcome)]
    case = _case(frame, inputs)
    if case:
        blocks.append(Text(case))
    return Section("confounding", "What an unmeasured driver could change", tuple(blocks))


def _table(frame: pd.DataFrame, outcome: str) -> Table:
    heads = frame[frame["benchmark"].fillna("").astype(str) == ""]
    rows = [_row(row, _nearest(frame, str(row["channel"]))) for _, row in heads.iterrows()]
    columns = (
        Column("Channel"),
        Column("ROI", "right"),
        Column("Would halve it", "right"),
        Column("Would bring it to nothing", "right"),
        Column("Beside what was measured"),
        Column("Evidence"),
    )
    return Table(
        "How strong a driver would have to be",
        html_table("confounding-table", columns, rows, bold_last=True),
        "The percentage is how much the driver would have to explain of what nothing here "
        f"explains, of the channel's ups and downs and of those of the {outcome} (robustness "
        "value; Cinelli and Hazlett, 2020): the higher, the safer. Beside it, a driver is measured "
        "by season, holidays and controls: where it need be no stronger than one of these, one "
        "that was overlooked is easy to imagine. Where the data has only some of the say, the rest "
        "is held by what was believed beforehand or by experiments, which no such driver moves.",
    )


def _row(row: pd.Series, nearest: pd.Series | None) -> tuple[Cell, ...]:
    total = str(row["channel"]) == TOTAL
    weight, roi = words.number(row["weight"]), words.number(row["roi_mean"])
    direct = "its own effect, without paths" if str(row["part"]) == "direct" else ""
    say = f"the data has {words.percent(weight)} of the say" if weight < LITTLE else ""
    tier = str(row["evidence"])
    return (
        stacked(breakable("All marketing" if total else str(row["channel"])), direct),
        words.ratio(roi) if np.isfinite(roi) else NOTHING,
        words.percent(words.number(row["rv_half"])),
        words.percent(words.number(row["rv_zero"])),
        _beside(nearest),
        stacked("", say) if total or not tier else _with(badge(tier), say),
    )


def _with(mark: Markup, below: str) -> Cell:
    return stacked(mark, below) if below else mark


def _nearest(frame: pd.DataFrame, channel: str) -> pd.Series | None:
    """The observed driver that one has to be the least times as strong as, trend left out."""
    seen = frame[(frame["channel"].astype(str) == channel) & (frame["times"] == 1.0)]
    seen = seen[seen["benchmark"].astype(str) != TREND]
    seen = seen[np.isfinite(seen["times_to_halve"].astype(float))]
    if seen.empty:
        return None
    return seen.loc[seen["times_to_halve"].astype(float).idxmin()]


def _beside(nearest: pd.Series | None) -> Cell:
    if nearest is None:
        return NOTHING
    name = words.plain_name(str(nearest["benchmark"]))
    times = float(nearest["times_to_halve"])
    left = words.number(nearest["roi_left"])
    below = f"one as strong would leave an ROI of {words.ratio(left)}" if np.isfinite(left) else ""
    many = "over 100" if times > 100 else f"{times:.2g}"
    return stacked(f"halved by one {many} times as strong as {name}", below)


def _case(frame: pd.DataFrame, inputs: ReportInputs) -> str:
    heads = frame[(frame["channel"].astype(str) == TOTAL) & np.isfinite(frame["rv_case"])]
    if heads.empty:
        return ""
    row = heads.iloc[0]
    text = (
        "The expected net present value stays above zero until "
        f"{words.percent(float(row['case_fall']))} of all that marketing is credited with is "
        "another driver's. Such a driver would have to explain "
        f"{words.percent(float(row['rv_case']))} of what nothing here explains, of the ups and "
        f"downs of marketing and of those of the {words.plain_name(inputs.outcome_name)}."
    )
    verdict = str(inputs.case.get("verdict") or "")
    if verdict == INVEST or inputs.verdict == "rejected":
        return text
    loss = words.chance(words.number(inputs.case.get("probability_of_loss")))
    return (
        f"{text} That is of the expected value alone: the chance of loss is {loss} as it is"
        f"{f', and the decision is {verdict!r}' if verdict else ''}."
    )
