"""The section on unmeasured drivers: one row a channel, in words a reader can use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmm.report.inputs import ReportInputs
from mmm.report.sections.confounding import confounding_section
from mmm.report.words import HARD_SPACE

NAN = float("nan")


def rows_of(channel: str, part: str, roi: float, weight: float, **benchmarks: float) -> list[dict]:
    tier = "" if channel == "total" else "prior"
    start = {"channel": channel, "part": part, "roi_mean": roi, "weight": weight}
    start |= {"evidence": tier, "case_fall": NAN, "rv_case": NAN}
    head = {"benchmark": "", "times": NAN, "rv_half": 0.091, "rv_zero": 0.17}
    rest = [
        {"benchmark": name, "times": times, "left": 0.5 / times, "roi_left": roi * 0.5 / times,
         "times_to_halve": needed}
        for name, needed in benchmarks.items()
        for times in (1.0, 2.0)
    ]  # fmt: skip
    return [start | head, *(start | row for row in rest)]


@pytest.fixture
def bounded(make) -> ReportInputs:
    frame = pd.DataFrame(
        rows_of("tv<b>", "all", 3.0, 0.25, trend=0.1, seasonality=4.0, own_price=0.6)
        + rows_of("clicks", "direct", NAN, 1.0, trend=0.1, seasonality=np.inf)
        + rows_of("total", "all", 2.0, 1.0, seasonality=250.0)
    )
    frame.loc[(frame["channel"] == "total") & (frame["benchmark"] == ""), "case_fall"] = 0.42
    frame.loc[(frame["channel"] == "total") & (frame["benchmark"] == ""), "rv_case"] = 0.31
    return replace(make["weekly"](), confounding=frame)


def test_rows_say_how_strong_and_beside_what(bounded: ReportInputs) -> None:
    section = confounding_section(bounded)
    page = str(section.blocks[1].html).replace(HARD_SPACE, " ")
    assert "tv&lt;b&gt;" in page and "<b>" not in page.replace("<b ", "")
    assert "9.1 %" in page and "17 %" in page
    assert "halved by one 0.6 times as strong as own price" in page
    assert "one as strong would leave an ROI of 1.50" in page
    assert "trend" not in page
    assert "the data has 25 % of the say" in page
    assert "its own effect, without paths" in page
    assert "over 100 times as strong as seasonality" in page


def test_the_case_is_said_where_there_is_one(bounded: ReportInputs) -> None:
    text = confounding_section(bounded).blocks[-1].text.replace(HARD_SPACE, " ")
    assert "42 %" in text and "31 % of what nothing here explains" in text
    without = replace(bounded, confounding=bounded.confounding.assign(rv_case=NAN))
    assert len(confounding_section(without).blocks) == 2


def test_an_expected_value_above_zero_is_not_said_to_be_a_decision(bounded: ReportInputs) -> None:
    def said(verdict: str) -> str:
        case = {**bounded.case, "verdict": verdict, "probability_of_loss": 0.53}
        return confounding_section(replace(bounded, case=case)).blocks[-1].text

    assert "chance of loss is 53" in said("test first") and "'test first'" in said("test first")
    assert "chance of loss" not in said("invest")


def test_no_section_without_bounds(make) -> None:
    assert confounding_section(make["weekly"]()) is None
