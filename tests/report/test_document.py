"""The page: whole, self-contained, escaped, and showing the numbers it was given."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from mmm.errors import Finding, Severity
from mmm.report import ReportInputs, render_report
from mmm.report.document import css_text
from mmm.report.sections.method import MOST_FINDINGS, findings_section
from mmm.report.sections.terms import break_even_lines, payback
from mmm.report.words import MINUS

SECTIONS = [
    "answer",
    "case",
    "case-basis",
    "returns",
    "brand",
    "waterfall",
    "curves",
    "fit",
    "decomposition",
    "forecast",
    "findings",
    "method",
]
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&"
MARGIN = 0.4
SCALES = {"k": 1e3, "m": 1e6, "bn": 1e9, "": 1.0}
MEASURES = ("roi", "roi_window", "mroi")


class Page(HTMLParser):
    """Elements, attributes, text, and the rows of each table by the id of its container."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.tables: dict[str, list[list[list[str]]]] = {}
        self._container = ""
        self._cell: list[str] | None = None
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.elements.append((tag, named))
        self._hidden = tag == "style"
        if tag == "div" and "id" in named:
            self._container = named["id"] or ""
            self.tables[self._container] = []
        if tag == "tr":
            self.tables[self._container].append([])
        if tag in {"td", "th"}:
            self._cell = []
            self.tables[self._container][-1].append(self._cell)

    def handle_endtag(self, tag):
        if tag in {"td", "th"}:
            self._cell = None
        self._hidden = False

    def handle_data(self, data):
        if self._hidden:
            return
        self.text.append(data)
        if self._cell is not None and data.strip():
            self._cell.append(data.strip())

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def parsed(text: str) -> float:
    found = re.fullmatch(rf"({MINUS}?)([\d,.]+)(k|m|bn|)", text)
    assert found, f"not a number: {text!r}"
    sign = -1.0 if found[1] else 1.0
    return sign * float(found[2].replace(",", "")) * SCALES[found[3]]


@pytest.fixture
def shown(
    request: pytest.FixtureRequest, rendered: Callable[[str], tuple[ReportInputs, str]]
) -> tuple[ReportInputs, str]:
    """Inputs and page of one shape."""
    return rendered(request.param)


every_shape = pytest.mark.parametrize("shown", ["annual", "weekly", "regional"], indirect=True)
one_shape = pytest.mark.parametrize("shown", ["weekly"], indirect=True)


@every_shape
def test_every_section_is_there_in_order_under_ordered_headings(shown):
    page = Page(shown[1])
    assert [named["id"] for tag, named in page.elements if tag == "section"] == SECTIONS
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    targets = {named["href"] for tag, named in page.elements if tag == "a"}
    assert targets == {f"#{anchor}" for anchor in SECTIONS}


@every_shape
def test_nothing_is_loaded_from_anywhere(shown):
    page = Page(shown[1])
    for tag, named in page.elements:
        assert tag not in {"script", "iframe", "object", "embed", "img", "image", "use"}
        assert not any(name.startswith("on") for name in named)
        assert not {"src", "srcset", "xlink:href", "data", "action"} & set(named)
        if "href" in named:
            assert named["href"].startswith("#") or named["href"] == "data:,"
    assert "@import" not in shown[1]
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*([^)]*)\)", shown[1]))
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", shown[1]))
    assert addresses <= {"http://www.w3.org/2000/svg"}


@every_shape
def test_every_drawing_is_xml_with_a_label_and_ids_of_its_own(shown):
    drawings = re.findall(r"<svg.*?</svg>", shown[1], flags=re.DOTALL)
    assert len(drawings) >= 7
    for drawing in drawings:
        root = ET.fromstring(drawing)
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert root.get("viewBox")
        own = {element.get("id") for element in root.iter() if element.get("id")}
        assert set(re.findall(r"url\(#([^)]+)\)", drawing)) <= own
        assert "NaN" not in drawing
    ids = re.findall(r'\sid="([^"]+)"', shown[1])
    assert len(ids) == len(set(ids))


@every_shape
def test_the_efficiency_table_shows_the_frames_numbers(shown):
    inputs, html = shown
    _, *rows = Page(html).tables["efficiency"]
    assert len(rows) == len(inputs.efficiency)
    for cells, (_, row) in zip(rows, inputs.efficiency.iterrows(), strict=True):
        name = "All marketing" if row["channel"] == "total" else row["channel"]
        assert "".join(cells[0]).startswith(name)
        if row["loaded_cost"] == 0:
            assert cells[1] == ["no cost stated"]
            assert cells[3] == ["no cost stated"]
            assert cells[4:7] == [["\N{EN DASH}"]] * 3
        else:
            assert parsed(cells[1][0]) == pytest.approx(row["loaded_cost"], rel=0.00501)
            for cell, measure in zip(cells[3:6], MEASURES, strict=True):
                assert_shows(cell, row, measure, absolute=0.00501)
            assert_shows(cells[6], row, "cost_per_outcome")
        assert_shows(cells[2], row, "contribution")
        if row["channel"] != "total":
            assert cells[7][0] == row["evidence"]


def assert_shows(cell: list[str], row: pd.Series, measure: str, absolute: float = 0.0) -> None:
    low, high = cell[1].split(" to ")
    for text, suffix in ((cell[0], "mean"), (low, "p05"), (high, "p95")):
        value = row[f"{measure}_{suffix}"]
        assert parsed(text) == pytest.approx(value, rel=0.00501, abs=absolute), (measure, suffix)


@one_shape
def test_the_answer_gives_return_value_chance_and_payback(shown):
    inputs, html = shown
    said = Page(html).words.replace("\N{NO-BREAK SPACE}", " ")
    assert f"returned GBP {inputs.total['roi_mean']:.2f} of revenue" in said
    loss = inputs.case["probability_of_loss"]
    assert (f"{100 * loss:.0f} %" in said) or loss < 0.01 or loss > 0.99
    assert "90 % interval" in said
    assert "Trusted: these figures can be used" in said
    assert "Do not act" not in said


def test_user_names_are_escaped_everywhere(make):
    inputs = make["synthetic"](
        channels=[EVIL, "tv"], brand=[EVIL], geos=[EVIL, "b"], controls=[EVIL], periods=12
    )
    ledger = inputs.ledger.assign(quantity=EVIL, tier=EVIL)
    assumption = {"name": EVIL, "value": EVIL, "unit": EVIL, "source": EVIL}
    inputs = replace(
        inputs,
        study=EVIL,
        currency=EVIL,
        outcome_unit=EVIL,
        outcome_name=EVIL,
        verdict="caution",
        reasons=(EVIL,),
        findings=(Finding(EVIL, Severity.WARNING, EVIL, EVIL, EVIL),),
        diagnostics={**inputs.diagnostics, "worst": EVIL},
        ledger=ledger,
        case={
            **inputs.case,
            "verdict": EVIL,
            "decision_rule": EVIL,
            "assumptions": [assumption],
            "caveats": [EVIL],
            "conventions": [EVIL],
            "irr": {"per_year": None, "reason": EVIL},
        },
        manifest={"versions": {EVIL: EVIL}, "seed": EVIL, "data_sha256": EVIL},
        notes=(EVIL,),
    )
    html = render_report(inputs)
    page = Page(html)
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, named in page.elements for name in named)
    assert "alert(1)" in page.words
    assert "&amp;lt;" not in html
    for drawing in re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL):
        ET.fromstring(drawing)


def test_text_for_the_page_margin_cannot_leave_its_quotes():
    text = css_text('a"; } </style><script>\\ ü')
    assert re.fullmatch(r'"(?:[A-Za-z0-9]|\\[0-9a-f]{6})*"', text)
    back = re.sub(r"\\([0-9a-f]{6})", lambda found: chr(int(found[1], 16)), text[1:-1])
    assert back == 'a"; } </style><script>\\ ü'


@pytest.mark.parametrize("verdict", ["caution", "rejected"])
def test_a_fit_that_is_not_trusted_says_so_on_every_page(make, verdict):
    inputs = make["annual"](verdict=verdict)
    html = render_report(inputs)
    page = Page(html)
    banners = [named for tag, named in page.elements if named.get("class") == "banner"]
    assert len(banners) == len(SECTIONS) - 1
    assert "@top-center { content: " in html
    assert inputs.reasons[0] in page.words
    assert ("body", {"class": verdict}) in page.elements
    if verdict == "rejected":
        assert "Rejected: do not act on these figures" in page.words
        assert "Invest." not in page.words
        assert "If the model could be trusted" in page.words


@one_shape
def test_a_trusted_fit_carries_no_banner(shown):
    assert 'class="banner"' not in shown[1]
    assert "@top-center { content" not in shown[1]


@pytest.mark.parametrize("shown", ["annual"], indirect=True)
def test_the_same_inputs_give_the_same_page(shown):
    inputs, html = shown
    assert render_report(inputs) == html


def test_what_is_missing_is_said_in_words(make):
    inputs = make["annual"](periods=10, outcome_unit="", outcome_name="first_purchases")
    unknown = {"mean": None, "p05": None, "p50": None, "p95": None}
    never = {"expected": None, "p05": None, "p50": None, "p95": None}
    inputs = replace(
        inputs,
        currency="",
        findings=(),
        forecast=inputs.forecast.iloc[:0],
        curves=inputs.curves.iloc[:0],
        cashflow=inputs.cashflow.iloc[:0],
        ledger=inputs.ledger.iloc[:0],
        npv_draws=np.array([]),
        diagnostics={},
        manifest={},
        case={
            **inputs.case,
            "npv": unknown,
            "npv_per_cost": unknown,
            "probability_of_loss": None,
            "payback": {"periods": never, "probability": 0.0},
            "irr": {"per_year": never, "reason": "No rate makes the NPV zero."},
            "assumptions": [],
        },
    )
    said = Page(render_report(inputs)).words
    assert "not within horizon" in said
    assert "No rate makes the NPV zero." in said
    assert "There is no net present value to draw." in said
    assert "This run made no forecast." in said
    assert "The data passed every check" in said
    assert "No channel in this study is said to build the brand" in said
    assert "first purchases" in said
    assert "nan" not in said.lower().split()
    assert "None" not in said.split()


def test_a_study_without_any_cost_has_no_return(make):
    inputs = make["synthetic"](channels=["seo", "pr"], free=["seo", "pr"], periods=20)
    said = Page(render_report(inputs)).words
    assert "No cost is stated for seo and pr" in said
    assert "no cost stated" in said
    assert "Return on each unit of cost" not in said


def test_break_even_counts_margin_and_repeat_sales(make):
    inputs = make["annual"](periods=10)
    assumptions = [
        {**row, "value": 0.5} if row["name"] == "repeat_value" else row
        for row in inputs.case["assumptions"]
    ]
    again = replace(inputs, case={**inputs.case, "assumptions": assumptions})
    assert list(break_even_lines(inputs).values()) == [1.0, pytest.approx(1 / MARGIN)]
    assert list(break_even_lines(again).values()) == [1.0, pytest.approx(1 / MARGIN / 1.5)]
    assert "40" in list(break_even_lines(again))[1]
    assert "repeat sales" in list(break_even_lines(again))[1]


@pytest.mark.parametrize(
    ("periods", "said"),
    [
        ((8.0, 6.0, 9.0, None), ("8 weeks", "6 weeks at best, perhaps not within horizon")),
        ((8.0, 6.0, 9.0, 12.0), ("8 weeks", "6 weeks to 12 weeks")),
        ((8.0, 6.0, None, None), ("8 weeks", "6 weeks at best, perhaps not within horizon")),
        ((None, 6.0, 9.0, 12.0), ("not within horizon", "6 weeks to 12 weeks")),
        ((None, None, None, None), ("not within horizon", "")),
    ],
)
def test_a_payback_in_some_draws_only_is_open_ended(make, periods, said):
    summary = dict(zip(("expected", "p05", "p50", "p95"), periods, strict=True))
    inputs = make["weekly"](periods=16)
    case = {**inputs.case, "payback": {"periods": summary}}
    assert payback(replace(inputs, case=case)) == said


def test_a_large_study_stays_small_enough_to_mail(make):
    name = "a_channel_with_quite_a_long_descriptive_name_for_a_market_and_a_format"
    inputs = make["synthetic"](
        channels=[f"{name}_{n:02d}" for n in range(30)],
        geos=[f"region {n}" for n in range(50)],
        periods=26,
    )
    html = render_report(inputs)
    assert len(html.encode()) < 1_500_000
    said = Page(html).words
    assert "The 6 largest of 50 regions" in said
    assert "24 other channels" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"verdict": "fine"}, "verdict 'fine' is none of trusted, caution, rejected"),
        ({"curves": pd.DataFrame({"channel": []})}, "'curves' lacks columns: multiplier, spend"),
    ],
)
def test_inputs_that_cannot_be_a_report_are_refused(make, change, message):
    inputs = make["annual"](periods=10)
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(inputs, **change)
    without_total = inputs.efficiency.iloc[:-1]
    with pytest.raises(ValueError, match="must end with the row 'total'"):
        replace(inputs, efficiency=without_total)


def test_findings_are_ranked_and_the_rest_is_counted(make):
    many = tuple(Finding("check", Severity.INFO, f"row {n}", "Odd.", "Look.") for n in range(30))
    grave = Finding("check", Severity.WARNING, "column tv", "Constant.", "Drop it.")
    table, rest = findings_section(make["annual"](periods=10, findings=(*many, grave))).blocks
    rows = Page(str(table.html)).tables["findings-table"][1:]
    assert rows[0][0] == ["limits trust"]
    assert len(rows) == MOST_FINDINGS
    assert rest.text == f"{31 - MOST_FINDINGS} more are listed in checks.json."


def test_a_rate_too_high_to_mean_anything_is_told_in_words(inputs):
    year = {"expected": None, "p05": 4.0, "p50": None, "p95": None}
    rate = {"per_year": year, "beyond": ["expected", "p50", "p95"], "reason": "Over 1,000 %."}
    said = Page(render_report(replace(inputs, case={**inputs.case, "irr": rate}))).words
    assert said.replace("\xa0", " ").count("400 % to over 1,000 %") == 2


def test_without_a_margin_the_page_decides_nothing(make):
    inputs = make["annual"]()
    margin = {"name": "margin", "value": 1.0, "unit": "share", "source": "default"}
    case = {**inputs.case, "verdict": "state a margin first", "assumptions": [margin]}
    page = Page(render_report(replace(inputs, case=case)))
    assert "State a margin first. No margin was stated. If all outcome value were profit" in (
        page.words
    )
    assert "as if all outcome value were profit, because no margin was stated" in page.words
    assert "Invest." not in page.words


def test_several_rates_are_told_as_such(inputs):
    rate = {"status": "several", "per_year": {}, "reason": "Several rates make NPV zero."}
    said = Page(render_report(replace(inputs, case={**inputs.case, "irr": rate}))).words
    assert said.count("Internal rate of return several") == 2
    assert said.count("Several rates make NPV zero.") == 2


def test_a_rate_too_low_to_mean_anything_is_told_in_words(inputs):
    year = {"expected": None, "p05": None, "p50": None, "p95": 4.0}
    rate = {"per_year": year, "under": ["expected", "p05", "p50"], "reason": "Under."}
    said = Page(render_report(replace(inputs, case={**inputs.case, "irr": rate}))).words
    assert said.replace("\xa0", " ").count("under \N{MINUS SIGN}90 % to 400 %") == 2


def test_the_answer_says_whose_payback_it_is_and_how_likely(make):
    inputs = make["weekly"](periods=16)
    periods = {"expected": 8.0, "p05": 6.0, "p50": 30.0, "p95": None}
    payback = {"periods": periods, "probability": 0.5}
    page = Page(render_report(replace(inputs, case={**inputs.case, "payback": payback})))
    said = page.words.replace("\xa0", " ")
    assert (
        "The expected cash is back after 8 weeks; the chance that it comes back within the "
        "horizon is 50 %." in said
    )
