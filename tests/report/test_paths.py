"""The section on paths: in the words of its frames, and nothing without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm.report import ReportInputs, render_report
from mmm.report.charts.paths import drivers_figure, ways_chart
from mmm.report.sections.paths import paths_section
from mmm.report.sections.terms import period

SUMMARY = ("mean", "p05", "p50", "p95")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&"


def numbers(prefix: str, mean: float, spread: float = 0.1) -> dict[str, float]:
    ends = (mean, mean * (1 - spread), mean, mean * (1 + spread))
    return {f"{prefix}{name}": value for name, value in zip(SUMMARY, ends, strict=True)}


def part(path: str, driver: str, share: float) -> dict[str, Any]:
    return {
        "path": path,
        "driver": driver,
        **numbers("units_", 1000 * share),
        **numbers("share_", share),
        **numbers("outcome_", 2e6 * share),
    }


def row(quantity: str, mean: float, stage: str = "", to: str = "", **more: str) -> dict[str, Any]:
    where = {"quantity": quantity, "stage": stage, "to": to, "channel": more.get("channel", "")}
    return where | numbers("", mean)


@pytest.fixture
def routed(inputs: ReportInputs) -> ReportInputs:
    frame = pd.DataFrame(
        [
            part("branded_search", "radio", 0.05),
            part("branded_search", "tv", 0.21),
            part("branded_search", "no channel", 0.74),
            part("paid_clicks", "tv", 0.3),
            part("paid_clicks", "paid search", 0.7),
        ]
    )
    funnel = pd.DataFrame(
        [
            row("conversion", 6.4, "branded_search", "outcome"),
            row("delay", 2.0, "branded_search", "outcome"),
            row("cost_per_unit", 3.7, "branded_search"),
            row("cost_per_unit", 1.0, "branded_search", channel="tv"),
            row("target", 5e6, "outcome"),
            row("as_is", 4.5e6, "outcome"),
            row("as_is", 5000.0, "branded_search"),
            row("needed", 6000.0, "branded_search"),
            row("as_is", 9e5, "spend"),
            {**row("needed", 1.0, "spend"), **dict.fromkeys(SUMMARY, np.inf)},
        ]
    )
    efficiency = inputs.efficiency.copy()
    for name in SUMMARY:
        efficiency[f"mediated_{name}"] = 0.4 * efficiency[f"tactical_{name}"]
    return replace(inputs, paths=frame, funnel=funnel, efficiency=efficiency)


def test_a_study_without_paths_has_no_such_section(inputs: ReportInputs) -> None:
    assert paths_section(inputs) == ()
    assert 'id="paths"' not in render_report(inputs)


def test_the_page_says_what_channels_did_to_each_path(routed: ReportInputs) -> None:
    page = render_report(routed).replace("\N{NO-BREAK SPACE}", " ")
    assert page.index('id="returns"') < page.index('id="paths"') < page.index('id="brand"')
    assert "How marketing becomes revenue" in page
    assert "tv caused 21 % of branded search (90 % interval 19 % to 23 %)" in page
    assert "tv caused 30 % of paid clicks" in page
    assert "The rest, 74 % (67 % to 81 %), no channel in this study moved." in page
    assert "is what paid search bought without another channel" in page
    assert "more than five times as planned" in page


def test_stages_stand_with_conversion_delay_and_cost(routed: ReportInputs) -> None:
    (section,) = paths_section(routed)
    tables = {block.title: str(block.html) for block in section.blocks if block.kind == "table"}
    stages = tables["From one step to the next"]
    for text in ("6.40", "5.76 to 7.04", f"2 {period(routed)}s", "3.70"):
        assert text in stages
    (backwards,) = (html for title, html in tables.items() if title.startswith("Read backwards"))
    assert "6.00k" in backwards
    assert "Marketing cost" in backwards


def test_a_mediator_alone_has_no_stages(routed: ReportInputs) -> None:
    (section,) = paths_section(replace(routed, funnel=None))
    assert not [block for block in section.blocks if block.kind == "table"]


def test_bars_add_up_to_what_a_channel_caused(routed: ReportInputs) -> None:
    figure = ways_chart(routed.channels, "revenue", "GBP")
    assert figure is not None
    assert {entry.label for entry in figure.key} >= {"through a step in between"}
    assert "GBP" in figure.title
    nothing = routed.channels.assign(contribution_mean=0.0)
    assert ways_chart(nothing, "revenue", "") is None


@pytest.mark.parametrize("shares", [[1e-4], [0.3, 0.0], [1.4, 0.2, 0.01]])
def test_drivers_are_drawn_whatever_their_size(shares: list[float]) -> None:
    rows = pd.DataFrame([part("a", f"channel {n}", share) for n, share in enumerate(shares)])
    figure = drivers_figure("a", rows, "", 1)
    assert "<svg" in figure.svgs[0]
    assert "NaN" not in figure.svgs[0]


@pytest.mark.parametrize("inputs", ["weekly"], indirect=True)
def test_names_are_escaped(routed: ReportInputs) -> None:
    frame = routed.paths
    assert frame is not None
    evil = frame.assign(path=EVIL, driver=EVIL)
    assert "<script>alert" not in render_report(replace(routed, paths=evil))
