"""How the page fits small screens and paper."""

from __future__ import annotations

from mmm.report import render_report
from mmm.report.blocks import Table
from mmm.report.tables import Column, html_table


def test_broad_tables_say_that_a_small_screen_cuts_them():
    def breadth(columns: int, cell: str = "1") -> str:
        names = [Column(f"column {n}") for n in range(columns)]
        return Table("t", html_table("t", names, [[cell] * columns])).breadth.strip()

    assert [breadth(columns) for columns in (2, 4, 5, 8)] == ["", "", "wide", "wide wider"]
    assert breadth(3, "a sentence that is far longer than a figure would be") == "wide"
    assert breadth(2, "a sentence that is far longer than a figure would be") == ""


def test_a_forecast_shows_its_end_first(make):
    assert render_report(make["weekly"](periods=30)).count('class="single latest"') == 1
