"""Claims of platforms and teams beside what the model finds and what was recorded."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Section, Table, Text
from mmm.report.charts.claims import claims_chart
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import amount_of
from mmm.report.tables import Column, breakable, estimate, html_table, stacked

NOTHING: Final = "\N{EN DASH}"
_SUMS: Final = {
    "claims": "All claims",
    "marketing": "All channels in the model",
    "rest": "Baseline and everything else",
    "actual": "Recorded",
}


def reconciliation_section(inputs: ReportInputs) -> Section | None:
    """Claims beside contributions; None where the study has no claims."""
    frame = inputs.reconciliation
    if frame is None:
        return None
    figure = claims_chart(frame, inputs.outcome_name, inputs.outcome_unit)
    blocks = (Text(_summary(frame, inputs)), figure, _table(frame, inputs))
    return Section("reconciliation", "Claimed against caused", blocks)


def _summary(frame: pd.DataFrame, inputs: ReportInputs) -> str:
    of = frame.set_index("kind")
    claims, marketing = of.loc["claims"], of.loc["marketing"]
    actual = float(of.loc["actual", "model_mean"])
    found = words.spread(marketing, "model_")
    total = float(claims["claimed"])
    text = (
        f"Platforms and teams claim {amount_of(total, inputs)} for these dates; "
        f"{words.spoken(actual)} was recorded. "
    )
    if actual > 0:
        text += f"The claims add up to {words.ratio(total / actual)} times what happened"
        text += (
            ", so much of it is claimed more than once or would have come anyway. "
            if total > actual
            else ". "
        )
    return (
        f"{text}The model finds that all channels together caused {words.spoken(found.mean)} "
        f"(90 % interval {words.spoken(found.p05)} to {words.spoken(found.p95)}); with the "
        "baseline its parts add up to what was recorded, by construction."
    )


def _table(frame: pd.DataFrame, inputs: ReportInputs) -> Table:
    unit = f", {inputs.outcome_unit}" if inputs.outcome_unit else ""
    columns = (
        Column("Channel"),
        Column(f"Claimed{unit}", "right"),
        Column(f"Found by the model{unit}", "right"),
        Column("Claimed for each unit found", "right"),
        Column("Chance that the claim is too high", "right"),
        Column("Claimed, of all recorded", "right"),
    )
    return Table(
        "Claims beside the model",
        html_table("reconciliation", columns, [_row(row) for _, row in frame.iterrows()]),
        f"The {words.plain_name(inputs.outcome_name)} claimed for these dates, beside what each "
        "channel caused in them with its 90 % interval. All claims are set beside the channels "
        "they name.",
    )


def _row(row: pd.Series) -> tuple[str | Markup, ...]:
    kind, source = str(row["kind"]), str(row["source"])
    found, claimed = words.spread(row, "model_"), words.number(row["claimed"])
    times = words.spread(row, "ratio_")
    compared = np.isfinite(words.number(row["probability_exceeds"]))
    if kind in _SUMS:
        name = Markup("<b>{}</b>").format(_SUMS[kind])
    elif kind == "other":
        name = stacked(source, "no channel here")
    else:
        name = stacked(breakable(str(row["channel"])), f"claimed by {source}" if source else "")
    exact = kind == "actual" or not found.known
    return (
        name,
        words.short(claimed) if np.isfinite(claimed) else NOTHING,
        estimate(found) if not exact else words.short(found.mean) if found.known else NOTHING,
        stacked(words.ratio(times.mean), words.ratio_between(times)) if compared else NOTHING,
        words.chance(row["probability_exceeds"]) if compared else NOTHING,
        words.percent(row["claimed_of_actual"]) if np.isfinite(claimed) else NOTHING,
    )
