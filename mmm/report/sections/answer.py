"""The first section: what marketing returned, the chance of loss, and how sure we are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Block, Bullets, Section, Text, Tile, Tiles
from mmm.report.inputs import ReportInputs
from mmm.report.sections.terms import (
    amount_of,
    margin_unstated,
    outcome_words,
    payback,
    payback_note,
    period,
    planned,
)

NO_MARGIN: Final = "no margin stated, so all value is counted as profit"


@dataclass(frozen=True, slots=True)
class Stance:
    """What a verdict means to a reader. `banner` stands on every page, or is empty."""

    mark: str
    title: str
    text: str
    banner: str


STANCES: Final = {
    "trusted": Stance(
        "\N{CHECK MARK}",
        "Trusted: these figures can be used",
        "The calculation settled, and its checks found no reason to doubt it. The ranges still "
        "count: they say how far the truth may lie from each figure.",
        "",
    ),
    "caution": Stance(
        "!",
        "Caution: read these figures with care",
        "The calculation finished, but something limits how far it can be trusted. Do not let a "
        "large decision rest on these figures alone.",
        "Caution: these figures are to be read with care, for the reasons given at the start.",
    ),
    "rejected": Stance(
        "\N{MULTIPLICATION SIGN}",
        "Rejected: do not act on these figures",
        "The model failed its checks. Its figures are shown so that the problem can be found, "
        "not to decide anything.",
        "Rejected: do not act on these figures, for the reasons given at the start.",
    ),
}


def answer_section(inputs: ReportInputs) -> Section:
    """Tiles and a few sentences; hedged when the fit is not trusted."""
    blocks: list[Block] = [Tiles(_tiles(inputs))]
    if inputs.verdict == "rejected":
        blocks.append(Text("If the model could be trusted, it would say the following."))
    blocks += [Text(_past(inputs)), Text(_value(inputs)), Text(_channels(inputs))]
    blocks.append(
        Text(
            "How to read a 90 % interval: given this model and these data, the true figure lies "
            "inside it with 90 % probability. 'Expected' means the average over everything the "
            "data leave possible."
        )
    )
    if inputs.notes:
        blocks.append(Bullets(inputs.notes, "Worth knowing"))
    return Section("answer", "The answer", tuple(blocks))


def _tiles(inputs: ReportInputs) -> tuple[Tile, ...]:
    roi = words.spread(inputs.total, "roi_")
    npv = words.spread(inputs.case.get("npv"))
    back, _ = payback(inputs)
    cost = words.number(inputs.total["loaded_cost"])
    unit = f"{inputs.currency} 1" if inputs.currency else "unit"
    return (
        Tile(
            f"Returned for each {unit} of cost",
            words.ratio(roi.mean) if roi.known else "no cost stated",
            f"90 % interval: {words.ratio_between(roi)}" if roi.has_interval else "",
        ),
        Tile(
            "Net present value",
            words.short_amount(npv.mean, inputs.currency),
            "; ".join(part for part in (_range(npv), NO_MARGIN * margin_unstated(inputs)) if part),
        ),
        Tile(
            "Chance of loss",
            words.chance(words.number(inputs.case.get("probability_of_loss"))),
            "probability that the net present value is below zero",
        ),
        Tile("Payback", back, payback_note(inputs)),
        Tile(
            "Marketing cost",
            words.short_amount(cost, inputs.currency) if cost > 0 else "no cost stated",
            "fees and other costs included" if cost > 0 else "",
        ),
    )


def _range(values: words.Spread) -> str:
    return f"90 % interval: {words.short_between(values)}" if values.has_interval else ""


def _past(inputs: ReportInputs) -> str:
    total = inputs.total
    caused = words.spread(total, "contribution_")
    roi = words.spread(total, "roi_")
    cost = words.number(total["loaded_cost"])
    whole = float(inputs.fitted["observed"].sum())
    dates = pd.to_datetime(inputs.fitted["date"])
    word = period(inputs)
    share = f", {words.percent(caused.mean / whole)} of the total" if whole > 0 else ""
    spent = (
        f"marketing cost {words.amount(cost, inputs.currency)}, fees and other costs included, "
        "and caused"
        if cost > 0
        else "marketing caused"
    )
    text = (
        f"From {words.date_label(dates.min(), word)} to {words.date_label(dates.max(), word)}, "
        f"{spent} {amount_of(caused.mean, inputs)}{share} "
        f"(90 % interval {words.between(caused, inputs.outcome_unit)})."
    )
    if not roi.known:
        return f"{text} No cost is stated, so no return on it can be given."
    each = f"each {inputs.currency} 1 of cost" if inputs.currency else "each unit of cost"
    return (
        f"{text} Counting also what arrives after the last date, {each} returned "
        f"{words.priced(words.ratio(roi.mean), inputs.currency)} of {outcome_words(inputs)} "
        f"(90 % interval {words.ratio_between(roi)}), before the cost of making and "
        "delivering what was sold."
    )


def _value(inputs: ReportInputs) -> str:
    npv = words.spread(inputs.case.get("npv"))
    if not npv.known:
        return "No net present value could be computed from the costs and assumptions given."
    loss = words.chance(words.number(inputs.case.get("probability_of_loss")))
    gain = "adds" if npv.mean >= 0 else "loses"
    back, _ = payback(inputs)
    when = (
        "The expected cash does not come back within the horizon"
        if back == words.BEYOND
        else f"The expected cash is back {'' if back.startswith('within') else 'after '}{back}"
    )
    chance = words.number((inputs.case.get("payback") or {}).get("probability"))
    if np.isfinite(chance):
        when += f"; the chance that it comes back within the horizon is {words.chance(chance)}"
    interval = f" (90 % interval {words.between(npv, inputs.currency)})" if npv.has_interval else ""
    name = planned(inputs)
    plan = {
        "as is": "going on with today's spending",
        "recommended": "spending as recommended",
    }.get(name, f"spending as in {name}")
    counted = (
        "as if all outcome value were profit, because no margin was stated (with the cost of "
        "making and delivering what is sold, the figures are lower)"
        if margin_unstated(inputs)
        else "under the financial assumptions listed below"
    )
    return (
        f"Against no marketing at all, and {counted}, {plan} "
        f"{gain} {words.amount(abs(npv.mean), inputs.currency)} in today's money"
        f"{interval}. The chance that it loses money is {loss}. {when}."
    )


def _channels(inputs: ReportInputs) -> str:
    channels = inputs.channels
    known = channels[np.isfinite(channels["roi_mean"].astype(float))]
    parts = []
    if len(known) > 1:
        best, worst = known.loc[known["roi_mean"].idxmax()], known.loc[known["roi_mean"].idxmin()]
        parts.append(
            f"{best['channel']} is expected to return most for its cost "
            f"({words.ratio(best['roi_mean'])}) and {worst['channel']} least "
            f"({words.ratio(worst['roi_mean'])})."
        )
    weak = channels[channels["evidence"].isin(["prior", "guess"])]
    if len(weak) == len(channels):
        parts.append(
            "For every channel the figure rests mostly on what was assumed beforehand, not on "
            "your data."
            if len(channels) > 1
            else "The figure rests mostly on what was assumed beforehand, not on your data."
        )
    elif len(weak):
        some = "one channel" if len(weak) == 1 else f"{len(weak)} channels"
        parts.append(
            f"For {some} of {len(channels)} the figure rests mostly on what was assumed "
            f"beforehand, not on your data: {words.listed(weak['channel'].astype(str))}."
        )
    else:
        whose = "Every channel's" if len(channels) > 1 else "The channel's"
        parts.append(f"{whose} figure was learned mostly from your data or from tests.")
    return " ".join(parts)
