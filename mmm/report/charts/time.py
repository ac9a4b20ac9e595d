"""Charts along time: model against fact, what each cause added, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from mmm.report import words
from mmm.report.blocks import Figure, KeyEntry
from mmm.report.charts.style import (
    BLUE,
    CHANNEL_COLOURS,
    INK,
    KIND_COLOURS,
    MUTED,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    SLATE,
    band,
    chart,
    date_axis,
    number_axis,
    rule_at,
    to_svg,
)
from mmm.report.inputs import MARKETING

MOST_GEOS = 6
_OBSERVED = KeyEntry("dot", INK, "what was recorded")
_EXPECTED = KeyEntry("line", BLUE, "what the model says")
_BAND = KeyEntry("band", BLUE, "90 % interval")


def fit_chart(fitted: pd.DataFrame, unit_title: str) -> tuple[Figure, ...]:
    """Recorded outcome against the model: all geos summed, then the largest geos apart."""
    whole, one_geo = _summed(fitted, ["observed", "mean"])
    figures = [
        Figure(
            "Recorded against modelled",
            "Dots are what happened, the line is what the model says; about nine dots in ten "
            "should lie in the band."
            if one_geo
            else "Dots are what happened in all regions together, the line is the sum of what "
            "the model says for each; ranges are shown by region below.",
            (
                to_svg(
                    _fit_layers(whole),
                    name="fit",
                    label="Recorded outcome and modelled outcome over time",
                    title=unit_title,
                ),
            ),
            (_OBSERVED, _EXPECTED, _BAND) if one_geo else (_OBSERVED, _EXPECTED),
        )
    ]
    if not one_geo:
        geos = _largest(fitted, "observed")
        figures.append(
            Figure(
                _geo_title(len(geos), fitted["geo"].nunique()),
                "Each panel is one region with its 90 % interval; scales differ.",
                tuple(
                    to_svg(
                        _fit_layers(fitted[fitted["geo"].astype(str) == geo], small=True),
                        name=f"fit-geo-{index}",
                        label=f"Recorded and modelled outcome in {geo}",
                        title=words.wrapped(geo, 34, 2),
                        width=PANEL_WIDTH,
                        height=PANEL_HEIGHT,
                        bold=True,
                    )
                    for index, geo in enumerate(geos)
                ),
                (_OBSERVED, _EXPECTED, _BAND),
                panels=True,
            )
        )
    return tuple(figures)


def forecast_chart(
    totals: pd.DataFrame, fitted: pd.DataFrame, unit_title: str, plan: str = "today's spending"
) -> tuple[Figure, ...]:
    """Expected outcome per period after the last one recorded, with some history before it.

    `totals`: the rows of `forecast` with component `outcome`, kind `total`, under `plan`.
    """
    whole, one_geo = _summed(totals, ["mean"])
    history, _ = _summed(fitted, ["observed", "mean"])
    history = history.tail(max(2 * len(whole), 8))
    key = (
        KeyEntry("dot", INK, "what was recorded"),
        KeyEntry("line", BLUE, "what we expect"),
        KeyEntry("band", BLUE, "90 % interval"),
    )
    figures = [
        Figure(
            f"Forecast under {plan}",
            f"The line is what we expect under {plan}"
            + (
                "; the band holds what will come with 90 % probability."
                if one_geo
                else ", all regions together; ranges are shown by region below."
            ),
            (
                to_svg(
                    _forecast_layers(whole, history),
                    name="forecast",
                    label=f"Forecast of the outcome under {plan}",
                    title=unit_title,
                ),
            ),
            key if one_geo else key[:2],
            latest=True,
        )
    ]
    if not one_geo:
        geos = _largest(totals, "mean")
        past = fitted[fitted["date"].isin(history["date"])]
        figures.append(
            Figure(
                _geo_title(len(geos), totals["geo"].nunique()),
                "Each panel is one region with its 90 % interval; scales differ.",
                tuple(
                    to_svg(
                        _forecast_layers(
                            totals[totals["geo"].astype(str) == geo],
                            past[past["geo"].astype(str) == geo],
                            small=True,
                        ),
                        name=f"forecast-geo-{index}",
                        label=f"Forecast of the outcome in {geo}",
                        title=words.wrapped(geo, 34, 2),
                        width=PANEL_WIDTH,
                        height=PANEL_HEIGHT,
                        bold=True,
                    )
                    for index, geo in enumerate(geos)
                ),
                key,
                panels=True,
            )
        )
    return tuple(figures)


def decomposition_chart(
    contributions: pd.DataFrame, fitted: pd.DataFrame, unit_title: str
) -> Figure:
    """Means stacked over time, all geos summed: baseline, other drivers, channels.

    Channels beyond the largest few are one layer. Negative parts hang below zero.
    """
    wide, colours = _layers_over_time(contributions)
    above = _stack(wide.clip(lower=0.0), colours)
    below = _stack(wide.clip(upper=0.0), colours)
    observed, _ = _summed(fitted, ["observed"])
    layers = [
        chart(part)
        .mark_area(stroke="white", strokeWidth=0.4, line=False)
        .encode(
            date_axis(wide.index),
            alt.Y("start:Q", axis=number_axis(), scale=alt.Scale(zero=True, nice=False)),
            y2=alt.Y2("end:Q"),
            color=alt.Color("colour:N", scale=None),
            detail=alt.Detail("order:O"),
        )
        for part in (above, below)
        if not part.empty
    ]
    layers += [
        rule_at(0.0, "y", color=MUTED),
        chart(observed[["date", "observed"]])
        .mark_line(color=INK, strokeWidth=1.2)
        .encode(date_axis(wide.index), y=alt.Y("observed:Q")),
    ]
    return Figure(
        "Every cause, one above the other",
        "Each coloured layer is what one cause added in each period; the dark line is what was "
        "recorded, and a layer below zero held the outcome back.",
        (
            to_svg(
                alt.layer(*layers),
                name="decomposition",
                label="Contribution of baseline, other drivers and channels over time",
                title=unit_title,
                height=320,
            ),
        ),
        (
            *(KeyEntry("box", colour, label) for label, colour in colours.items()),
            KeyEntry("line", INK, "what was recorded"),
        ),
    )


def _summed(frame: pd.DataFrame, columns: list[str]) -> tuple[pd.DataFrame, bool]:
    """The frame by date, and whether it has one geo; several are summed, without intervals."""
    frame = frame.assign(date=pd.to_datetime(frame["date"]))
    if frame["geo"].nunique() == 1:
        return frame.sort_values("date"), True
    return frame.groupby("date", as_index=False)[columns].sum(), False


def _largest(frame: pd.DataFrame, column: str) -> list[str]:
    sizes = frame.groupby(frame["geo"].astype(str))[column].sum()
    return sizes.sort_values(ascending=False, kind="stable").index[:MOST_GEOS].to_list()


def _geo_title(shown: int, geos: int) -> str:
    return "By region" if shown == geos else f"The {shown} largest of {geos} regions"


def _fit_layers(frame: pd.DataFrame, *, small: bool = False) -> alt.LayerChart:
    across = date_axis(frame["date"], 3 if small else 8)
    y_axis = number_axis(tickCount=4 if small else 6)
    scale = alt.Scale(zero=False)
    layers = []
    if "p05" in frame:
        layers.append(
            band(
                frame[["date", "p05", "p95"]],
                across,
                alt.Y("p05:Q", axis=y_axis, scale=scale),
                "p95",
                BLUE,
            )
        )
    size = 9 if small or len(frame) > 250 else 18
    layers += [
        chart(frame[["date", "mean"]])
        .mark_line(color=BLUE, strokeWidth=1.2 if small else 1.8)
        .encode(across, alt.Y("mean:Q", axis=y_axis, scale=scale)),
        chart(frame[["date", "observed"]])
        .mark_point(filled=True, color=INK, size=size, opacity=0.75)
        .encode(across, y=alt.Y("observed:Q")),
    ]
    return alt.layer(*layers)


def _forecast_layers(
    frame: pd.DataFrame, history: pd.DataFrame, *, small: bool = False
) -> alt.LayerChart:
    dates = pd.DatetimeIndex([*pd.to_datetime(history["date"]), *pd.to_datetime(frame["date"])])
    across = date_axis(dates, 3 if small else 8)
    across = across.scale(
        type="utc", nice=False, domain=[f"{dates.min():%Y-%m-%d}", f"{dates.max():%Y-%m-%d}"]
    )
    y_axis = number_axis(tickCount=4 if small else 6)
    scale = alt.Scale(zero=False)
    point = {"filled": True, "size": 12 if small else 24, "opacity": 0.8}
    layers = [
        chart(history[["date", "observed"]])
        .mark_line(color=SLATE, strokeWidth=1)
        .encode(across, alt.Y("observed:Q", axis=y_axis, scale=scale)),
        chart(history[["date", "observed"]])
        .mark_point(color=INK, **point)
        .encode(across, y=alt.Y("observed:Q")),
    ]
    if "p05" in frame:
        layers.append(
            band(
                frame[["date", "p05", "p95"]],
                across,
                alt.Y("p05:Q", axis=y_axis, scale=scale),
                "p95",
                BLUE,
            )
        )
    expected = chart(frame[["date", "mean"]]).encode(across, y=alt.Y("mean:Q"))
    layers += [
        expected.mark_line(color=BLUE, strokeWidth=2),
        expected.mark_point(color=BLUE, **point),
    ]
    return alt.layer(*layers)


def _layers_over_time(contributions: pd.DataFrame) -> tuple[pd.DataFrame, Mapping[str, str]]:
    """Sums by date (rows) and drawn layer (columns, bottom first), and each layer's colour."""
    frame = contributions.assign(
        date=pd.to_datetime(contributions["date"]),
        component=contributions["component"].astype(str),
        kind=contributions["kind"].astype(str),
    )
    marketing = frame[frame["kind"].isin(MARKETING)]
    sizes = marketing.groupby("component")["mean"].sum().sort_values(ascending=False, kind="stable")
    room = len(CHANNEL_COLOURS)
    shown = list(sizes.index if len(sizes) <= room else sizes.index[: room - 1])
    fixed = {
        "baseline": "Baseline: without marketing",
        "control": "Other drivers",
        "unmeasured": "Unmeasured, a stated guess",
    }
    others = f"{len(sizes) - len(shown)} other channels"
    names = np.where(
        frame["kind"].isin(MARKETING),
        frame["component"].where(frame["component"].isin(shown), others),
        frame["kind"].map(fixed).fillna(""),
    )
    # A channel may bear the name of a fixed layer, so layers are keyed by kind as well.
    group = np.where(frame["kind"].isin(MARKETING), "channel", frame["kind"])
    kept = frame.assign(layer=names, group=group)[frame["kind"] != "residual"]
    wide = kept.pivot_table(
        index="date", columns=["group", "layer"], values="mean", aggfunc="sum", fill_value=0.0
    )
    order = list(fixed.items())
    order += [("channel", name) for name in [*shown, others]]
    order = [name for name in order if name in wide.columns]
    palette = dict(zip(shown, CHANNEL_COLOURS, strict=False))
    colours: dict[str, str] = {}
    for group_name, label in order:
        if group_name == "channel":
            colour = palette.get(label, "#b9a7d1")
            label = label if label not in colours else f"{label} (channel)"
        else:
            colour = KIND_COLOURS[group_name]
        colours[label] = colour
    wide = wide[order]
    wide.columns = list(colours)
    return wide, colours


def _stack(wide: pd.DataFrame, colours: Mapping[str, str]) -> pd.DataFrame:
    """Long rows (date, start, end, colour, order) of layers that are not zero throughout."""
    wide = wide.loc[:, (wide != 0).any(axis=0)]
    ends = wide.cumsum(axis=1)
    parts = [
        pd.DataFrame(
            {
                "date": wide.index,
                "start": (ends[name] - wide[name]).to_numpy(),
                "end": ends[name].to_numpy(),
                "colour": colours[name],
                "order": order,
            }
        )
        for order, name in enumerate(wide.columns)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
