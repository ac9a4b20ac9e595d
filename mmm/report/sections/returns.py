"""Return by channel, by quarter and by region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from mmm.report import words
from mmm.report.blocks import Block, Section, Table, Text
from mmm.report.charts.quarters import quarter_chart
from mmm.report.charts.roi import roi_chart
from mmm.report.inputs import TOTAL, ReportInputs
from mmm.report.sections.terms import break_even_lines, outcome_words
from mmm.report.tables import Column, badge, breakable, estimate, html_table, stacked

NO_COST: Final = "no cost stated"
NOTHING: Final = "\N{EN DASH}"
FEWEST_GEOS: Final = 2
MOST_GEOS: Final = 60
MOST_COLUMNS: Final = 5
_NEGATIVE: Final = (
    " An interval wholly below zero is not believable as an effect of marketing: how a region "
    "departs from the others is read from its own ups and downs alone, and so takes in their noise "
    "and whatever else moved with the spending."
)
_ROLES: Final = {"both": "brand and tactical"}


def returns_section(inputs: ReportInputs) -> Section:
    """ROI chart, break-even in words, and the efficiency table."""
    channels = inputs.channels
    known = np.isfinite(channels["roi_mean"].astype(float))
    lines = break_even_lines(inputs)
    one = f"{inputs.currency} 1" if inputs.currency else "unit"
    text = (
        f"Return on investment (ROI) is the {outcome_words(inputs)} that marketing caused for "
        f"each {one} of cost, what arrives after the last date included. At 1 it equals the cost"
    )
    if len(lines) > 1:
        name, value = list(lines.items())[-1]
        above = f"only above {words.ratio(value)} does a channel earn its cost back in profit"
        text += f"; {above} ({name})"
    blocks: list[Block] = [Text(f"{text}.{_asked(inputs, lines)}")]
    if known.any():
        blocks.append(roi_chart(channels, inputs.total, lines))
    if not known.all():
        free = words.listed(channels.loc[~known, "channel"].astype(str))
        blocks.append(Text(f"No cost is stated for {free}, so there is no return to show for it."))
    blocks.append(_table(inputs))
    blocks += [block for block in (_by_quarter(inputs), _by_geo(inputs)) if block is not None]
    return Section("returns", "Return by channel", tuple(blocks))


def _asked(inputs: ReportInputs, lines: Mapping[str, float]) -> str:
    """Why the case asks for another return than the margin alone does."""
    needed = words.spread(inputs.case.get("break_even_roi")).mean
    alone = list(lines.values())[-1]
    if not np.isfinite(needed) or len(lines) < 2 or words.ratio(needed) == words.ratio(alone):
        return ""
    return (
        f" The investment case has its break-even at {words.ratio(needed)}: it also counts how "
        "long the money is waited for, what comes after its horizon and is left out, and further "
        "costs where there are some."
    )


def _table(inputs: ReportInputs) -> Table:
    frame = inputs.efficiency
    last = len(frame) - 1
    rows = [_row(row, index == last) for index, (_, row) in enumerate(frame.iterrows())]
    currency = f", {inputs.currency}" if inputs.currency else ""
    unit = f", {inputs.outcome_unit}" if inputs.outcome_unit else ""
    name = words.plain_name(inputs.outcome_name)
    columns = (
        Column("Channel"),
        Column(f"Cost{currency}", "right"),
        Column(f"Caused {name}{unit}", "right"),
        Column("ROI", "right"),
        Column("ROI within the dates", "right"),
        Column("ROI of the next unit spent", "right"),
        Column(f"Cost per unit of {name}{currency}", "right"),
        Column("Evidence"),
    )
    return Table(
        "Efficiency of each channel",
        html_table("efficiency", columns, rows, bold_last=True),
        "Under each figure, its 90 % interval. 'ROI within the dates' leaves out what arrives "
        "later and counts what spending before the dates still brought, so it can be the larger "
        "one; 'ROI of the next unit spent' is what a little more money would return, which is "
        "what counts when a budget is moved. The percentage under the evidence says how much of "
        "the doubt there was beforehand the data took away.",
    )


def _row(row: pd.Series, total: bool) -> tuple[str | Markup, ...]:
    cost = words.number(row["loaded_cost"])
    contraction = words.number(row["contraction"])
    learned = words.chance(contraction) if np.isfinite(contraction) else ""
    role = str(row["role"])
    each = words.spread(row, "cost_per_outcome_")
    name = "All marketing" if total else str(row["channel"])
    return (
        stacked(breakable(name), "" if total else _ROLES.get(role, role)),
        words.short(cost) if np.isfinite(cost) and cost > 0 else NO_COST,
        estimate(words.spread(row, "contribution_")),
        _ratio(words.spread(row, "roi_"), NO_COST),
        _ratio(words.spread(row, "roi_window_"), NOTHING),
        _ratio(words.spread(row, "mroi_"), NOTHING),
        estimate(each) if np.isfinite(each.mean) else NOTHING,
        "" if total else stacked(badge(str(row["evidence"])), learned),
    )


def _by_quarter(inputs: ReportInputs) -> Block | None:
    """Return by quarter, of channels whose effectiveness moves."""
    frame = inputs.efficiency_quarter
    if frame is None:
        return None
    moving = frame[frame["channel"].astype(str).isin(inputs.time_varying)]
    return quarter_chart(moving, inputs.channels)


def _by_geo(inputs: ReportInputs) -> Block | None:
    """Return by geo: all marketing, then the channels that cost most."""
    frame = inputs.efficiency_geo
    if frame is None or not FEWEST_GEOS <= frame["geo"].nunique() <= MOST_GEOS:
        return None
    costly = inputs.channels.sort_values("loaded_cost", ascending=False, kind="stable")
    costly = costly[np.isfinite(costly["roi_mean"].astype(float))]
    names = [str(name) for name in costly["channel"].head(MOST_COLUMNS)]
    rows = []
    parts = {str(geo): part for geo, part in frame.groupby("geo", sort=False)}
    below = False
    for geo in sorted(parts, key=words.in_order):
        part = parts[geo]
        low = part[part["channel"].astype(str).isin([TOTAL, *names])]["roi_p95"].astype(float)
        below = below or bool((low < 0).any())
        of = part.set_index(part["channel"].astype(str))
        cost = words.number(of.loc[TOTAL, "loaded_cost"])
        rows.append(
            (
                breakable(geo),
                words.short(cost) if cost > 0 else NO_COST,
                *(_ratio(words.spread(of.loc[name], "roi_"), NOTHING) for name in (TOTAL, *names)),
            )
        )
    left = len(costly) - len(names)
    rest = f" The other {left} are in efficiency_geo.csv." if left else ""
    columns = (
        Column("Region"),
        Column(f"Cost{f', {inputs.currency}' if inputs.currency else ''}", "right"),
        Column("All marketing", "right"),
        *(Column(name, "right") for name in names),
    )
    return Table(
        "Return by region",
        html_table("efficiency-geo", columns, rows),
        "ROI of all marketing and of each channel, with its 90 % interval. Regions share what "
        f"they have in common, so their returns differ as far as the data show it.{rest}"
        f"{_NEGATIVE * below}",
    )


def _ratio(values: words.Spread, missing: str) -> str | Markup:
    if np.isnan(values.mean):
        return missing
    return stacked(words.ratio_of(values), words.ratio_between(values))
