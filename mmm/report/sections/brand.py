"""Brand against tactical: what each channel's effect is, and what brand earns soon and late."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.config.references import SHORT_TERM_WEEKS
from mmm.report import words
from mmm.report.blocks import Block, Section, Table, Text
from mmm.report.charts.brand import relationship_chart, share_chart
from mmm.report.charts.roi import brand_chart
from mmm.report.inputs import TOTAL, ReportInputs
from mmm.report.tables import Cell, Column, badge, breakable, estimate, html_table, stacked

TITLE: Final = "Brand against tactical"
NOTHING: Final = "\N{EN DASH}"
MOST_GEOS: Final = 60


def brand_section(inputs: ReportInputs) -> Section:
    """The split of each channel's effect, or one sentence where no channel builds brand."""
    channels = inputs.channels
    if not channels["role"].astype(str).isin(["brand", "both"]).any():
        text = (
            "No channel in this study is said to build the brand, so everything shown here is "
            "tactical: it comes at once or soon after the money is spent."
        )
        return Section("brand", TITLE, (Text(text),))
    blocks: list[Block] = [
        Text(
            "Tactical effect comes at once and soon fades. Brand effect builds up slowly, "
            "lasts longer, and shows in the dates studied only in part."
        )
    ]
    figure = brand_chart(channels)
    blocks.append(figure or Text("No channel has a positive effect to divide."))
    blocks.append(_split_table(inputs))
    if inputs.brand is not None:
        blocks += _lasting(inputs, inputs.brand)
    return Section("brand", TITLE, tuple(blocks))


def _split_table(inputs: ReportInputs) -> Table:
    frame = inputs.efficiency
    rows = [
        (
            "All marketing" if index == len(frame) - 1 else breakable(str(row["channel"])),
            estimate(words.spread(row, "tactical_")),
            estimate(words.spread(row, "brand_")),
        )
        for index, (_, row) in enumerate(frame.iterrows())
    ]
    unit = _unit(inputs)
    columns = (
        Column("Channel"),
        Column(f"Tactical{unit}", "right"),
        Column(f"Brand{unit}", "right"),
    )
    return Table(
        "Tactical and brand effect within the dates",
        html_table("brand-split", columns, rows, bold_last=True),
        f"The {words.plain_name(inputs.outcome_name)} that each caused, with its 90 % "
        "interval under it. What earlier spending still brought is counted here.",
    )


def _lasting(inputs: ReportInputs, brand: pd.DataFrame) -> list[Block]:
    """What brand earns soon and late, its share of cost, and each channel's place."""
    everywhere = brand[brand["geo"].fillna("").astype(str) == ""]
    named = everywhere["channel"].astype(str)
    channels, total = everywhere[named != TOTAL], everywhere[named == TOTAL].iloc[0]
    blocks: list[Block] = [_lasting_table(inputs, everywhere)]
    if np.isfinite(words.number(total["cost_brand_high"])):
        blocks.append(share_chart(total))
    spent = inputs.channels.set_index(inputs.channels["channel"].astype(str))["spend"].astype(float)
    efforts = [name for name in channels["channel"].astype(str) if spent.get(name, 0.0) == 0]
    place = relationship_chart(channels, total, efforts)
    if place is not None:
        blocks += [
            place,
            Text(
                "The two axes are those of Capon and Senn (Harvard Business Review, 2021), who "
                "place executives by how much they build relationships and how much revenue they "
                "bring: what they found is association and not cause, so it lends the axes and "
                "no figure. Here both are returns on loaded cost, so media, sales and sponsors "
                "stand on one scale."
            ),
        ]
    by_geo = _geo_table(inputs, brand)
    return [*blocks, by_geo] if by_geo is not None else blocks


def _lasting_table(inputs: ReportInputs, everywhere: pd.DataFrame) -> Table:
    builds = everywhere["role"].astype(str).isin(["brand", "both"])
    shown = everywhere[builds | (everywhere["channel"].astype(str) == TOTAL)]
    rows: list[tuple[Cell, ...]] = []
    for _, row in shown.iterrows():
        name = str(row["channel"])
        whole = name == TOTAL
        rows.append(
            (
                "All marketing" if whole else breakable(name),
                estimate(words.spread(row, "brand_window_")),
                estimate(words.spread(row, "brand_after_")),
                _times(words.spread(row, "multiplier_")),
                _weeks(words.spread(row, "half_life_")),
                "" if whole else _rests_on(inputs.ledger, name),
            )
        )
    unit = _unit(inputs)
    columns = (
        Column("Channel"),
        Column(f"Brand within the dates{unit}", "right"),
        Column(f"Brand still to come after them{unit}", "right"),
        Column("Long-run multiplier", "right"),
        Column("Half-life, weeks", "right"),
        Column("Brand part rests on"),
    )
    return Table(
        "What the spending of these dates earns through the brand, soon and late",
        html_table("brand-lasting", columns, rows, bold_last=True),
        "What spending before the dates brought is left out. The long-run multiplier is all that "
        "the spending causes over what it causes in the short term: tactical, and what the brand "
        f"gives back within {SHORT_TERM_WEEKS:.0f} weeks after the exposure, as Profit Ability 2 "
        "(2024) counts it. The half-life is how long the brand takes to forget half.",
    )


def _rests_on(ledger: pd.DataFrame, channel: str) -> Cell:
    """What a channel's brand part rests on, and the published figures its prior was taken from.

    The part is its brand share, or its contribution where all of it is brand, together with the
    half-life; it rests on the prior where either does.
    """
    names, quantities = ledger["channel"].fillna("").astype(str), ledger["quantity"].astype(str)
    memory = ledger[(quantities == "brand_half_life") & names.isin(["", channel])]
    for quantity in ("brand_share", "contribution"):
        row = ledger[(names == channel) & (quantities == quantity)]
        if len(row):
            tiers = {str(tier) for tier in (*row["tier"], *memory["tier"])}
            tier = "prior" if "prior" in tiers else str(row.iloc[0]["tier"])
            return stacked(badge(tier), str(row.iloc[0].get("reference", "") or ""))
    return ""


def _geo_table(inputs: ReportInputs, brand: pd.DataFrame) -> Table | None:
    """All marketing by region, where there is more than one."""
    geos = brand[brand["geo"].fillna("").astype(str) != ""]
    geos = geos[geos["channel"].astype(str) == TOTAL]
    if not 2 <= len(geos) <= MOST_GEOS:
        return None
    rows = [
        (
            breakable(str(row["geo"])),
            estimate(words.spread(row, "brand_window_")),
            estimate(words.spread(row, "brand_after_")),
            _times(words.spread(row, "multiplier_")),
        )
        for row in sorted(
            (row for _, row in geos.iterrows()), key=lambda row: words.in_order(str(row["geo"]))
        )
    ]
    unit = _unit(inputs)
    columns = (
        Column("Region"),
        Column(f"Brand within the dates{unit}", "right"),
        Column(f"Brand still to come after them{unit}", "right"),
        Column("Long-run multiplier", "right"),
    )
    return Table(
        "Brand by region, all marketing",
        html_table("brand-geo", columns, rows),
        "As above, region by region; brand.csv has every channel.",
    )


def _unit(inputs: ReportInputs) -> str:
    return f", {inputs.outcome_unit}" if inputs.outcome_unit else ""


def _times(values: words.Spread) -> str | Markup:
    if not values.known:
        return NOTHING
    return stacked(words.ratio_of(values), words.ratio_between(values))


def _weeks(values: words.Spread) -> str | Markup:
    if not values.known:
        return NOTHING
    return stacked(f"{values.p50:.0f}", f"{values.p05:.0f} to {values.p95:.0f}")
