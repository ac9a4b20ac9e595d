"""Experiments: what each measured, what the model says of it, and how much it taught."""

from __future__ import annotations

from typing import Final

import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Section, Table, Text
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import period
from mmm.report.tables import Column, breakable, estimate, html_table, stacked

HELD_BACK: Final = "held_back"
Z90: Final = 1.6448536269514722


def experiments_section(inputs: ReportInputs) -> Section | None:
    """One row an experiment; None where the study has none."""
    frame = inputs.experiments
    if frame is None:
        return None
    unit = f", {inputs.outcome_unit}" if inputs.outcome_unit else ""
    money = f", {inputs.currency}" if inputs.currency else ""
    columns = (
        Column("Experiment"),
        Column(f"Change of spending{money}", "right"),
        Column(f"Measured{unit}", "right"),
        Column(f"By the model{unit}", "right"),
        Column(f"A test like this finds{unit}", "right"),
        Column("What came of it"),
    )
    rows = [_row(row, period(inputs)) for _, row in frame.iterrows()]
    table = Table(
        "Experiments beside the model",
        html_table("experiments-table", columns, rows),
        "Under a figure, its 90 % interval; that of a measurement has what age and another "
        "audience add to its error. A test that is fitted pulls the model towards what it "
        "measured; one held back is only foretold.",
    )
    return Section("experiments", "What experiments say", (Text(_summary(frame)), table))


def _summary(frame: pd.DataFrame) -> str:
    held = frame[frame["use"] == HELD_BACK]
    fitted = frame[frame["use"] != HELD_BACK]
    text = []
    if len(fitted):
        agree = int(fitted["covered"].sum())
        text.append(
            f"{words.counted(len(fitted), 'experiment')} went into the model as evidence beside "
            f"the history, each compared with what the model says the same change of spending did "
            f"in the same places and at the same time. With {agree} of them the model as it now "
            "stands agrees."
        )
    if len(held):
        right = int(held["covered"].sum())
        text.append(
            f"{words.counted(len(held), 'experiment')} stayed out to test the model: "
            f"{right} came out within the 90 % interval that it foretold."
        )
    return " ".join(text)


def _row(row: pd.Series, word: str) -> tuple[str | Markup, ...]:
    ends = " to ".join(words.date_label(row[end], word) for end in ("start", "end"))
    where = str(row["geos"]).replace(";", ", ") or "all regions"
    what = str(row["channel"]).replace(";", " and ")
    half = Z90 * float(row["error"])
    lift = float(row["lift"])
    measured = words.Spread(lift, lift - half, lift, lift + half)
    found = words.Spread(
        float(row["model_mean"]),
        float(row["predicted_p05"]),
        float(row["model_mean"]),
        float(row["predicted_p95"]),
    )
    return (
        stacked(breakable(str(row["experiment"])), f"{what}, {where}, {ends}"),
        words.short(float(row["spend_change"])),
        estimate(measured),
        estimate(words.spread(row, "model_")),
        words.short_between(found),
        _outcome(row),
    )


def _outcome(row: pd.Series) -> Markup:
    agrees = bool(row["covered"])
    far = f"{abs(float(row['z'])):.1f} standard deviations apart"
    if row["use"] == HELD_BACK:
        return stacked("held back: " + ("as foretold" if agrees else "not as foretold"), far)
    weight = words.number(row["weight"])
    learned = f"took away {words.percent(weight)} of the doubt"
    if not agrees:
        learned += ", and the history says otherwise"
    return stacked(f"fitted: {learned}", far)
