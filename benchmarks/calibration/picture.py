"""Pictures of ranks: how far their distribution is from uniform, beside what chance does."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from uniformity import cumulative, envelope

from mmm.report.charts.style import BLUE, FONT, GRID, INK, MUTED, SLATE

COLUMNS = 5


def rank_picture(ranks: pd.DataFrame, kind: str, draws: int) -> str:
    """SVG: one panel a quantity, the distribution of ranks less the uniform one, and the band
    that holds all of it in 95 calibrated cases of 100."""
    parts = [
        _panel(quantity, some["rank"].to_numpy(), draws)
        for quantity, some in ranks.groupby("quantity", sort=False)
    ]
    frame = pd.concat(parts, ignore_index=True)
    base = alt.Chart().encode(
        alt.X("at:Q", title=None, axis=alt.Axis(values=[0, 0.5, 1], format=".1~f", grid=False))
    )
    y = alt.Y("low:Q", title=None, axis=alt.Axis(tickCount=3, gridColor=GRID))
    band = base.mark_area(color=SLATE, opacity=0.25).encode(y, y2="high:Q")
    line = base.mark_line(color=BLUE, strokeWidth=1.5).encode(alt.Y("difference:Q"))
    order = list(dict.fromkeys(frame["quantity"]))
    fits = ranks.groupby("quantity").size().min()
    chart = (
        alt.layer(band, line, data=alt.Data(values=frame.to_dict("records")))
        .properties(width=150, height=90)
        .facet(
            alt.Facet(
                "quantity:N",
                sort=order,
                title=None,
                header=alt.Header(labelFontSize=10, labelColor=INK, labelAnchor="start"),
            ),
            columns=COLUMNS,
        )
        .properties(
            title=alt.TitleParams(
                f"{kind}: distribution of ranks less the uniform one, {fits} fits",
                subtitle="grey: where all of the line lies in 95 of 100 calibrated cases",
                anchor="start",
                fontSize=13,
                color=INK,
                subtitleColor=MUTED,
            )
        )
    )
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    look = {"font": FONT, "background": "white"}
    return vl_convert.vegalite_to_svg(
        chart.to_json(validate=False), vl_version=version, config=look, allowed_base_urls=[]
    )


def _panel(quantity: str, ranks: np.ndarray, draws: int) -> pd.DataFrame:
    known, fits = envelope(len(ranks), draws), len(ranks)
    at = np.arange(1, draws + 1) / (draws + 1)
    return pd.DataFrame(
        {
            "quantity": quantity,
            "at": at.round(4),
            "difference": (cumulative(ranks, draws) / fits - at).round(4),
            "low": (known.low / fits - at).round(4),
            "high": (known.high / fits - at).round(4),
        }
    )
