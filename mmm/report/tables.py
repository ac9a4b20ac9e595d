"""Tables in one style. Every cell is escaped here, before the table is made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from great_tables import GT, loc, style
from markupsafe import Markup, escape

from mmm.report import words
from mmm.report.charts.style import FONT, GRID, INK, MUTED, TIERS
from mmm.report.words import Spread

Cell = str | Markup


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and how its cells stand."""

    label: str
    align: Literal["left", "right", "center"] = "left"


def html_table(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    bold_last: bool = False,
) -> Markup:
    """One table as safe HTML. `name` is its id on the page; `rows` hold one cell a column."""
    keys = [f"c{index}" for index in range(len(columns))]
    cells = [[str(escape(cell)) for cell in row] for row in rows]
    frame = pd.DataFrame(cells, columns=keys, dtype=object)
    table = GT(frame, id=name).cols_label(
        {key: column.label for key, column in zip(keys, columns, strict=True)}
    )
    for key, column in zip(keys, columns, strict=True):
        table = table.cols_align(column.align, columns=key)
    table = table.fmt(lambda cell: cell, columns=keys).tab_options(
        container_padding_x="0px",
        container_padding_y="0px",
        table_width="100%",
        table_font_names=[part.strip() for part in FONT.split(",")],
        table_font_size="13px",
        table_font_color=INK,
        table_border_top_style="none",
        table_border_bottom_color=GRID,
        column_labels_font_weight="600",
        column_labels_font_size="12px",
        column_labels_border_top_style="none",
        column_labels_border_bottom_color=MUTED,
        column_labels_border_bottom_width="1px",
        table_body_hlines_color=GRID,
        table_body_border_top_style="none",
        table_body_border_bottom_color=MUTED,
        table_body_border_bottom_width="1px",
        data_row_padding="6px",
        data_row_padding_horizontal="8px",
        column_labels_padding_horizontal="8px",
    )
    if bold_last and rows:
        table = table.tab_style(
            style.text(weight="bold"), loc.body(rows=[len(rows) - 1])
        ).tab_style(
            style.borders(sides="top", color=MUTED, weight="1px"), loc.body(rows=[len(rows) - 1])
        )
    return Markup(table.as_raw_html())


def breakable(name: str) -> Markup:
    """A name that may break after an underscore, a dot, a dash or a slash."""
    return Markup("<wbr>").join(re.split(r"(?<=[_.\-/])", name))


def stacked(main: str, below: str = "") -> Markup:
    """A figure with something smaller under it."""
    if not below:
        return escape(main)
    return Markup("{}<span class='below'>{}</span>").format(main, below)


def estimate(values: Spread) -> Markup:
    """A mean with its 90 % interval under it."""
    return stacked(words.short(values.mean), words.short_between(values))


def badge(tier: str) -> Markup:
    """An evidence tier as a coloured mark and its name."""
    known = TIERS.get(tier)
    if known is None:
        return escape(tier)
    return Markup(
        "<span class='tier'><span class='mark {}' style='--c:{}'></span>{}</span>"
    ).format(known.mark, known.colour, tier)
