"""Returns by geo and by quarter on the page."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from mmm.report.blocks import Figure, Table
from mmm.report.charts.quarters import quarter_chart
from mmm.report.sections.returns import MOST_COLUMNS, returns_section

ENDS = {"roi_mean": 1.5, "roi_p05": 0.5, "roi_p50": 1.4, "roi_p95": 2.5}


def by_geo(inputs, geos: int) -> pd.DataFrame:
    """Each geo's return is its number."""
    rows = [
        {"geo": f"<region> {g}", "channel": name, "loaded_cost": 1000.0 * (g + 1)}
        | {end: value + g for end, value in ENDS.items()}
        for g in range(geos)
        for name in [*inputs.channels["channel"], "total"]
    ]
    return pd.DataFrame(rows)


def by_quarter(names, count: int = 6) -> pd.DataFrame:
    starts = pd.date_range("2022-01-01", periods=count, freq="QS")
    rows = [
        {"start": start, "channel": name} | {end: value + q for end, value in ENDS.items()}
        for q, start in enumerate(starts)
        for name in names
    ]
    return pd.DataFrame(rows)


def tables(section) -> list[Table]:
    return [block for block in section.blocks if isinstance(block, Table)]


def test_returns_by_region_are_listed_for_the_costliest_channels(make):
    inputs = make["regional"](periods=20)
    inputs = make["regional"](periods=20, efficiency_geo=by_geo(inputs, 3))
    table = tables(returns_section(inputs))[-1]
    assert table.title == "Return by region"
    page = str(table.html)
    assert page.count("&lt;region&gt;") == 3
    assert "<region>" not in page
    costliest = inputs.channels.sort_values("loaded_cost", ascending=False)["channel"]
    for place, name in enumerate(costliest):
        assert (str(name) in page) == (place < MOST_COLUMNS)
    assert f"other {len(costliest) - MOST_COLUMNS}" in table.caption
    assert "3.50" in page
    assert "2.50 to 4.50" in page


def test_regions_stand_in_the_order_readers_count_and_losses_are_explained(make):
    frame = by_geo(make["regional"](periods=20), 12)
    frame = frame.sample(frac=1.0, random_state=1)
    table = tables(returns_section(make["regional"](periods=20, efficiency_geo=frame)))[-1]
    page = str(table.html)
    places = [page.index(f"&lt;region&gt; {geo}<") for geo in range(12)]
    assert places == sorted(places)
    assert "wholly below zero" not in table.caption
    lower = frame.assign(roi_p95=frame["roi_p95"].where(frame["geo"] != "<region> 3", -0.1))
    table = tables(returns_section(make["regional"](periods=20, efficiency_geo=lower)))[-1]
    assert "wholly below zero" in table.caption


@pytest.mark.parametrize("geos", [1, 61])
def test_one_region_or_too_many_have_no_table(make, geos):
    inputs = make["weekly"](periods=20)
    inputs = make["weekly"](periods=20, efficiency_geo=by_geo(inputs, geos))
    assert [table.title for table in tables(returns_section(inputs))] == [
        "Efficiency of each channel"
    ]


def test_quarters_are_drawn_for_channels_that_move_only(make):
    frame = by_quarter(["tv", "radio"])
    inputs = make["weekly"](periods=20, efficiency_quarter=frame, time_varying=("tv",))
    figures = [block for block in returns_section(inputs).blocks if isinstance(block, Figure)]
    (drawing,) = figures[-1].svgs
    root = ET.fromstring(drawing)
    assert "tv" in root.get("aria-label")
    still = make["weekly"](periods=20, efficiency_quarter=frame)
    titles = [getattr(block, "title", "") for block in returns_section(still).blocks]
    assert not any("quarter" in title for title in titles)


def test_a_quarter_without_return_is_left_out(make):
    inputs = make["weekly"](periods=20)
    frame = by_quarter(["tv"])
    frame.loc[2, list(ENDS)] = np.nan
    (drawing,) = quarter_chart(frame, inputs.channels).svgs
    bars = [line for line in ET.fromstring(drawing).iter() if line.get("stroke-width") == "5"]
    assert len(bars) == 5
    nothing = frame.assign(roi_mean=np.nan)
    assert quarter_chart(nothing, inputs.channels) is None


def test_frames_without_their_columns_are_refused(make):
    with pytest.raises(ValueError, match="efficiency_geo"):
        make["weekly"](periods=20, efficiency_geo=pd.DataFrame({"geo": ["a"]}))
