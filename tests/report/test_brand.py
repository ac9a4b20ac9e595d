"""The brand part of the page: what is drawn and what is told."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm.report import words
from mmm.report.charts.brand import relationship_chart, share_chart
from mmm.report.charts.placing import Box, placed
from mmm.report.sections.brand import brand_section


def texts(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    return [element.text for element in root.iter() if element.text and element.text.strip()]


def everywhere(inputs) -> tuple[pd.DataFrame, pd.Series]:
    rows = inputs.brand[inputs.brand["geo"] == ""]
    return rows.iloc[:-1], rows.iloc[-1]


def plain(html: str) -> str:
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>", " ", html, flags=re.DOTALL))
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_the_share_chart_shows_a_range_of_cost_and_the_interval_of_what_is_earned(make):
    _, total = everywhere(make["weekly"](periods=30))
    figure = share_chart(total)
    drawn = [line.replace("\N{NO-BREAK SPACE}", " ") for line in texts(figure.svgs[0])]
    high = f"{100 * total['cost_brand_high']:.0f}"
    assert f"0 % to {high} %" in drawn
    earned = 100 * total["earned_brand_mean"]
    assert any(line.startswith(f"{earned:.0f} %") for line in drawn)
    assert [entry.label.split(":")[0] for entry in figure.key] == ["46/54", "50/50", "60/40"]


def test_the_share_of_cost_is_one_figure_where_no_channel_does_both(make):
    _, total = everywhere(make["weekly"](periods=30))
    drawn = texts(share_chart(total.copy().replace({total["cost_brand_high"]: 0.0})).svgs[0])
    assert not any(" to 0" in line for line in drawn)


def test_every_channel_with_a_cost_has_a_point_and_effort_its_own_mark(make):
    channels, total = everywhere(make["weekly"](periods=30))
    figure = relationship_chart(channels, total, ["radio"])
    drawn = texts(figure.svgs[0])
    paid = [str(name) for name in channels["channel"] if name != "organic"]
    assert [name for name in paid if name.startswith("out_of_home")] and "organic" not in drawn
    for name in paid:
        assert any(name.startswith(line.rstrip("\N{HORIZONTAL ELLIPSIS}")) for line in drawn)
    assert {"relationship", "both", "little of either", "revenue now"} <= set(drawn)
    assert [entry.label for entry in figure.key][:2] == [
        "media",
        "effort: hours, visits, headcount",
    ]
    media_only = relationship_chart(channels, total)
    assert [entry.mark for entry in media_only.key] == ["dot", "dash"]


def test_no_cost_no_place(make):
    channels, total = everywhere(make["weekly"](periods=30))
    assert relationship_chart(channels.assign(roi_brand_mean=np.nan), total) is None


def test_one_vast_interval_does_not_flatten_the_others(make):
    channels, total = everywhere(make["weekly"](periods=30))
    vast = channels.copy()
    vast.loc[vast.index[0], "roi_tactical_p95"] = 1e6
    figure = relationship_chart(vast, total)
    assert "go on beyond it" in figure.caption
    assert "1M" not in texts(figure.svgs[0]) and "1m" not in texts(figure.svgs[0])
    assert "go on beyond it" not in relationship_chart(channels, total).caption


PLOT = Box(0.0, 0.0, 800.0, 360.0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 800), st.floats(0, 360), st.integers(1, 26)),
        min_size=1,
        max_size=12,
    )
)
def test_names_stay_near_their_points_and_inside_the_plot(points):
    at, names = [one[:2] for one in points], ["n" * one[2] for one in points]
    labels = placed(at, names, PLOT)
    for point, name, label in zip(at, names, labels, strict=True):
        box = label.box(point, name)
        assert box.covers(PLOT) == pytest.approx((box.right - box.left) * (box.bottom - box.top))
        assert abs(label.dx) <= 9 and abs(label.dy) <= 9 + 4 * 15
    assert placed(at, names, PLOT) == labels


def test_twelve_names_on_a_line_cover_neither_each_other_nor_a_point_nor_a_word():
    at = [(60.0 * n, 180.0) for n in range(12)]
    names = [f"a channel named {n}" for n in range(12)]
    word = Box(300.0, 150.0, 360.0, 165.0)
    boxes = [
        label.box(point, name)
        for point, name, label in zip(at, names, placed(at, names, PLOT, [word]), strict=True)
    ]
    dots = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in at]
    for index, box in enumerate(boxes):
        assert box.covers(word) == 0
        assert all(box.covers(other) == 0 for other in boxes[:index])
        assert all(box.covers(dot) == 0 for dot in dots)


def test_channels_without_brand_effect_have_a_row_each_under_the_plot(make):
    channels, total = everywhere(make["weekly"](periods=30))
    ends = [f"roi_brand_{end}" for end in ("mean", "p05", "p50", "p95")]
    channels = channels.copy()
    channels.loc[channels["roi_brand_mean"] == 0, ends] = [1.0, 0.5, 1.0, 1.5]
    plain = relationship_chart(channels, total)
    assert "Under the line" not in plain.caption
    some = channels.copy()
    some.loc[some["channel"].isin(["tv", "radio"]), ends] = 0.0
    figure = relationship_chart(some, total)
    assert "Under the line" in figure.caption
    assert {"tv", "radio"} <= set(texts(figure.svgs[0]))
    height = int(ET.fromstring(figure.svgs[0]).get("height"))
    assert height == int(ET.fromstring(plain.svgs[0]).get("height")) + 2 * 22
    none = channels.assign(**dict.fromkeys(ends, 0.0))
    assert relationship_chart(none, total) is None


def test_the_page_tells_what_brand_earns_soon_and_late(make):
    inputs = make["weekly"](periods=30)
    blocks = brand_section(inputs).blocks
    page = " ".join(str(getattr(one, "html", "")) for one in blocks)
    said = plain(" ".join([page, *(getattr(one, "text", "") for one in blocks)]))
    said += plain(" ".join(getattr(one, "caption", "") for one in blocks))
    for name in ("tv", "radio", "total"):
        row = inputs.brand.set_index("channel").loc[name]
        for measure in ("brand_window", "brand_after"):
            assert words.short(row[f"{measure}_mean"]) in said
        assert words.ratio(row["multiplier_mean"]) in said
    assert "Capon and Senn" in said and "association and not cause" in said
    assert "within 13 weeks" in said
    assert "brand-geo" not in page


def test_regions_have_a_table_of_their_own(make):
    section = brand_section(make["regional"]())
    titles = [block.title for block in section.blocks if hasattr(block, "title")]
    assert "Brand by region, all marketing" in titles
    table = next(block for block in section.blocks if getattr(block, "title", "") == titles[-1])
    assert table.html.count("region<wbr>") or table.html.count("region ") == 8


@pytest.mark.parametrize(
    ("rows", "shown", "hidden"),
    [
        ([("brand_share", "tv", "data", "x/linear_tv"), ("brand_half_life", "", "data", "")],
         "data", "prior"),
        ([("brand_share", "tv", "data", ""), ("brand_half_life", "", "prior", "")],
         "prior", ">data<"),
        ([("brand_share", "tv", "prior", ""), ("brand_half_life", "other", "data", "")],
         "prior", ">data<"),
        ([("contribution", "tv", "data", ""), ("brand_half_life", "tv", "prior", "")],
         "prior", ">data<"),
    ],
)  # fmt: skip
def test_a_brand_part_rests_on_the_weaker_of_share_and_memory(make, rows, shown, hidden):
    ledger = pd.DataFrame(
        [
            {"quantity": quantity, "channel": name, "tier": tier, "reference": reference,
             "contraction": 0.4}
            for quantity, name, tier, reference in rows
        ]
    )  # fmt: skip
    inputs = make["synthetic"](channels=["tv"], brand=["tv"], periods=20, ledger=ledger)
    html = str(
        next(
            block.html
            for block in brand_section(inputs).blocks
            if getattr(block, "title", "").startswith("What the spending")
        )
    )
    assert f"</span>{shown}" in html and f"</span>{hidden.strip('><')}" not in html
    assert ("x/linear_tv" in html) == bool(rows[0][3])


def test_inputs_without_the_brand_table_still_make_a_page(make):
    section = brand_section(replace(make["weekly"](periods=20), brand=None))
    assert len(section.blocks) == 3
