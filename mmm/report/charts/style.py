"""One look for every chart, and the way from a specification to safe inline SVG."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from markupsafe import Markup

from mmm.report.words import period_word

FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
"""Fonts of one width: what the renderer measures with, and what readers have."""

INK: Final = "#1f2a37"
MUTED: Final = "#6b7683"
GRID: Final = "#e3e7ec"
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
ORANGE: Final = "#e69f00"
VERMILION: Final = "#d55e00"
GREEN: Final = "#009e73"
PINK: Final = "#cc79a7"
YELLOW: Final = "#f0e442"
VIOLET: Final = "#6a51a3"
SLATE: Final = "#8d98a5"
BASE: Final = "#cdd3da"

CHANNEL_COLOURS: Final = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW)
"""Colours told apart by readers with any colour vision (Okabe and Ito, 2008)."""

KIND_COLOURS: Final[Mapping[str, str]] = {
    "baseline": BASE,
    "control": SLATE,
    "tactical": BLUE,
    "brand": ORANGE,
    "mediated": GREEN,
    "unmeasured": PINK,
    "residual": "#a9a9a9",
}

WIDTH: Final = 860
PANEL_WIDTH: Final = 280
PANEL_HEIGHT: Final = 190


@dataclass(frozen=True, slots=True)
class Tier:
    """How a tier of evidence is drawn, and what it means."""

    mark: Literal["dot", "square", "diamond"]
    shape: str
    colour: str
    meaning: str


TIERS: Final[Mapping[str, Tier]] = {
    "experiment": Tier("square", "square", GREEN, "experiment: measured by a controlled test"),
    "data": Tier("dot", "circle", BLUE, "data: learned mostly from your history"),
    "prior": Tier("diamond", "diamond", VERMILION, "prior: mostly what was assumed beforehand"),
    "guess": Tier("diamond", "diamond", PINK, "guess: a stated guess, no data behind it"),
}

SHORT_NUMBER: Final = (
    "abs(datum.value) >= 1e15 ? format(datum.value, '.3~e') : "
    "abs(datum.value) >= 1e12 ? format(datum.value / 1e12, '.4~g') + 'tn' : "
    "abs(datum.value) >= 1e9 ? format(datum.value / 1e9, '.4~g') + 'bn' : "
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, '.4~g') + 'm' : "
    "abs(datum.value) >= 1e3 ? format(datum.value / 1e3, '.4~g') + 'k' : "
    "format(datum.value, '.4~g')"
)
"""Axis labels in the words of the tables."""

SPLIT_LINES: Final = "split(datum.label, '\\n')"

LINE: Final = 13
_CENTRED: Final = [
    {"test": f"length(split(datum.value, '\\n')) === {lines}", "value": -LINE * (lines - 1) / 2}
    for lines in (3, 2)
]
"""Lifts a label of several lines so that it stands centred on its row."""

_CONFIG: Final[dict[str, Any]] = {
    "aria": False,
    "background": None,
    "font": FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 12,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "gridColor": GRID,
        "domainColor": MUTED,
        "tickColor": MUTED,
        "labelOverlap": True,
        "labelLimit": 260,
    },
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
    "title": {
        "anchor": "start",
        "frame": "group",
        "color": MUTED,
        "fontSize": 12,
        "fontWeight": "normal",
        "offset": 8,
    },
    "text": {"color": INK, "fontSize": 12},
}

_STEPS: Final[Mapping[str, tuple[int, ...]]] = {
    "year": (1, 2, 5, 10, 20, 25, 50, 100),
    "month": (1, 2, 3, 6, 12),
    "day": (1, 2, 7, 14, 31),
}
_SVG = "http://www.w3.org/2000/svg"
_DROPPED = frozenset({"class", "role", "pointer-events", "font-family"})
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")

ET.register_namespace("", _SVG)


def values(frame: pd.DataFrame) -> alt.Data:
    """The rows as inline data: dates as days, missing and infinite numbers as nothing."""
    columns = [_plain(frame[name]) for name in frame.columns]
    rows = [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]
    return alt.Data(values=json.dumps(rows), format=alt.DataFormat(type="json"))


def _plain(column: pd.Series) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime("%Y-%m-%d").to_list()
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.astype(float).to_list()
        return [float(f"{one:.9g}") if math.isfinite(one) else None for one in numbers]
    return [str(cell) for cell in column]


def chart(frame: pd.DataFrame) -> alt.Chart:
    return alt.Chart(values(frame))


def rule_at(value: float, axis: Literal["x", "y"], **look: Any) -> alt.Chart:
    """A straight line across the plot at `value`."""
    base = chart(pd.DataFrame({"at": [value]}))
    look = {"color": INK, "strokeWidth": 1, **look}
    channel = alt.X("at:Q") if axis == "x" else alt.Y("at:Q")
    return base.mark_rule(**look).encode(channel)


def row_text(base: alt.Chart, gap: int = 12) -> alt.Chart:
    """The rows' `text`, to the right of the plot."""
    return base.mark_text(align="left", dx=gap, fontSize=11.5).encode(
        x=alt.XValue("width"), text=alt.Text("text:N")
    )


def number_axis(**options: Any) -> alt.Axis:
    return alt.Axis(**{"labelExpr": SHORT_NUMBER, "title": None, "tickCount": 6, **options})


def _step(interval: str, wanted: float) -> int:
    """The smallest even step of calendar units that is no shorter than `wanted`."""
    return next((size for size in _STEPS[interval] if size >= wanted), _STEPS[interval][-1])


def band(frame: pd.DataFrame, across: alt.X, up: alt.Y, high: str, colour: str) -> alt.Chart:
    """The interval from the column of `up` to `high`; over a single date, one wide bar."""
    base = chart(frame)
    if frame["date"].nunique() > 1:
        drawn = base.mark_area(color=colour, opacity=0.2)
    else:
        drawn = base.mark_rule(color=colour, opacity=0.3, strokeWidth=9)
    return drawn.encode(across, up, y2=alt.Y2(f"{high}:Q"))


def date_axis(dates: Iterable[Any], ticks: int = 8) -> alt.X:
    """The horizontal time axis, labelled as the dates are spaced."""
    dates = pd.DatetimeIndex(pd.to_datetime(list(dates)))
    span = float(np.ptp(dates.values.astype("datetime64[D]").astype(float)))
    if period_word(dates) == "year" or span > 365 * 6:
        layout, interval, steps = "%Y", "year", span / 365.25
    elif span > 150:
        layout, interval, steps = "%b %Y", "month", span / 30.44
    else:
        layout, interval, steps = "%-d %b %Y", "day", span
    axis = alt.Axis(
        format=layout,
        title=None,
        grid=False,
        tickCount=alt.TimeIntervalStep(interval=interval, step=_step(interval, steps / ticks)),
        labelOverlap="greedy",
        labelFlush=True,
        labelSeparation=12,
    )
    return alt.X("date:T", scale=alt.Scale(type="utc", nice=False), axis=axis)


def label_axis(order: Sequence[str]) -> alt.Y:
    """The vertical axis of named rows, every one of them named; a label's line breaks are kept."""
    return alt.Y(
        "label:N",
        sort=list(order),
        axis=alt.Axis(
            title=None,
            labelExpr=SPLIT_LINES,
            labelOverlap=False,
            labelPadding=8,
            labelLineHeight=LINE,
            labelOffset={"condition": _CENTRED, "value": 0},
        ),
        scale=alt.Scale(paddingInner=0.2, paddingOuter=0.15),
    )


def row_height(labels: Iterable[str]) -> int:
    """Pixels a row needs for its longest label."""
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    return max(28, LINE * lines + 9)


def to_svg(
    layers: alt.LayerChart | alt.Chart,
    *,
    name: str,
    label: str,
    title: str = "",
    height: int | alt.Step = 280,
    width: int = WIDTH,
    bold: bool = False,
) -> Markup:
    """`layers` as inline SVG `width` pixels wide, axes included.

    `label` is what a screen reader says; ids start with `name`, so that drawings on one page
    never share them. Nothing is fetched.
    """
    fit = "fit-x" if isinstance(height, alt.Step) else "fit"
    look = {"color": INK, "fontWeight": "bold", "fontSize": 13} if bold else {}
    # set on the chart, each of these would copy all of it
    spec = layers.to_dict(validate=False) | {
        "width": width,
        "height": height.to_dict() if isinstance(height, alt.Step) else height,
        "autosize": {"type": fit, "contains": "padding"},
        **({"title": {"text": title.split("\n"), **look}} if title else {}),
    }
    drawing = vl_convert.vegalite_to_svg(
        json.dumps(spec, sort_keys=True),
        vl_version=".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2]),
        config=_CONFIG,
        allowed_base_urls=[],
    )
    return _tidy(drawing, name, label)


def _tidy(drawing: str, name: str, label: str) -> Markup:
    """The drawing labelled, with ids of its own, and without what a page does not need."""
    root = ET.fromstring(drawing)
    ids: dict[str, str] = {}
    for element in root.iter():
        if "id" in element.attrib:
            ids[element.attrib["id"]] = f"{name}-{len(ids)}"
    for parent in list(root.iter()):
        for child in list(parent):
            hidden = child.get("display") == "none" or child.get("d") in {"", "M0,0h0v0h0Z"}
            if hidden and child.tag == f"{{{_SVG}}}path":
                parent.remove(child)
        for key, value in list(parent.attrib.items()):
            if key in _DROPPED or key.startswith("aria-"):
                del parent.attrib[key]
            elif key == "id":
                parent.set(key, ids[value])
            elif value.startswith("url("):
                parent.set(key, _REFERENCE.sub(lambda found: f"url(#{ids[found[1]]})", value))
            else:
                digits = 1 if key == "d" else 2
                parent.set(key, _NUMBER.sub(lambda found, n=digits: _round(found[0], n), value))
    root.set("role", "img")
    root.set("aria-label", label)
    root.set("font-family", FONT)
    return Markup(ET.tostring(root, encoding="unicode"))


def _round(text: str, digits: int) -> str:
    return f"{float(text):.{digits}f}".rstrip("0").rstrip(".")
