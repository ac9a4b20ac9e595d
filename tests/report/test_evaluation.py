"""The section on the evaluation: each test with its weight, forecasts beside simpler ones."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from mmm.evaluate.verdict import PARTS as CHECKED
from mmm.report import render_report
from mmm.report.sections.evaluation import PARTS, evaluation_section
from mmm.report.words import HARD_SPACE

READINGS = {part: f"What {part} <says>." for part in PARTS}


def scores() -> list[dict[str, Any]]:
    figures = {"model": (0.015, 0.259, 0.92), "no_media": (0.036, 0.64, 0.97),
               "seasonal_naive": (0.063, 1.14, 0.91)}  # fmt: skip
    return [
        {"forecaster": name, "steps": steps, "mase": mase, "crps_relative": crps * size,
         "coverage_50": 0.5, "coverage_90": held}
        for name, (crps, mase, held) in figures.items()
        for steps, size in (("1-7", 9.0), ("all", 1.0))
    ]  # fmt: skip


def content(*found: tuple[str, str]) -> dict[str, Any]:
    """`evaluation.json` as far as the page reads it, with findings of a part and severity."""
    parts = {part: {"reading": text, "advice": []} for part, text in READINGS.items()}
    for part, severity in found:
        parts[part]["advice"] = [f"Mend {part}, {severity}."]
    parts["backtest"] |= {
        "horizon": 13, "origins": ["2023-01-02", "2023-02-13"], "scores": scores(),
        "least_coverage_90": 0.76,
    }  # fmt: skip
    return {
        **parts,
        "cost": {"fits": 68},
        "findings": [{"part": part, "severity": severity} for part, severity in found],
    }


class Cells(HTMLParser):
    """Rows of cells, as text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(html)
        self.rows = [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.replace(HARD_SPACE, " ")


def section_of(make, verdict: str, *found: tuple[str, str], **changes: Any):
    inputs = make["weekly"](verdict=verdict, evaluation=content(*found) | changes)
    return evaluation_section(inputs)


def test_no_section_without_an_evaluation(make) -> None:
    assert evaluation_section(make["weekly"]()) is None


def test_a_row_a_part_with_its_weight_and_what_to_do(make) -> None:
    found = (("stability", "info"), ("stability", "warning"), ("seeds", "error"))
    section = section_of(make, "rejected", *found)
    text, parts, _ = section.blocks
    rows = {row[0]: row[1:] for row in Cells(str(parts.html)).rows[1:]}
    weights = {name: row[0] for name, row in rows.items()}
    assert len(rows) == len(PARTS)
    assert sorted(weights.values()) == ["holds"] * 5 + ["limits trust", "rejects"]
    (unstable,) = [row for name, row in rows.items() if name.startswith("Returns")]
    assert unstable[0] == "limits trust"
    assert unstable[1:] == ["What stability <says>.", "Mend stability, warning."]
    assert "68 times more" in text.text
    assert "2 things that this brought to light speak against trust" in text.text
    assert "the verdict is rejected" in text.text


@pytest.mark.parametrize("severity", [None, "info"])
def test_what_is_well_or_good_to_know_speaks_against_nothing(make, severity) -> None:
    found = () if severity is None else (("residuals", severity),)
    section = section_of(make, "trusted", *found)
    assert "Nothing that this brought to light speaks against trust" in section.blocks[0].text
    weights = [row[1] for row in Cells(str(section.blocks[1].html)).rows[1:]]
    assert weights.count("holds") == len(PARTS) - len(found)


def test_a_part_that_was_left_out_has_no_row(make) -> None:
    section = section_of(make, "trusted", specifications=None)
    assert len(Cells(str(section.blocks[1].html)).rows) == len(PARTS)


def test_forecasts_stand_beside_simpler_ones(make) -> None:
    table = section_of(make, "trusted").blocks[2]
    (_, model, silent, naive) = Cells(str(table.html)).rows
    assert model == ["This model", "1.5 %", "0.259", "50 %", "92 %"]
    assert silent[1:3] == ["3.6 %", "0.640"]
    assert naive[1:3] == ["6.3 %", "1.14"]
    caption = table.caption.replace(HARD_SPACE, " ")
    assert "13 periods ahead from 2 dates" in caption
    assert "76 %" in caption


def test_the_page_holds_it_escaped_and_names_every_part(make) -> None:
    inputs = replace(make["weekly"](), evaluation=content())
    page = render_report(inputs)
    assert "What placebo &lt;says&gt;." in page
    assert "<says>" not in page
    assert set(PARTS) == set(CHECKED)
