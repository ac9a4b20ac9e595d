"""What is behind the case, and the case on its own page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mmm.report import CaseInputs, render_case, render_report
from mmm.report.sections.basis import basis_section
from mmm.report.sections.case import case_section

EVIL = "<script>alert(1)</script>"
SWING = {
    "name": "margin",
    "source": "finance",
    "basis": "stated",
    "unit": "share of outcome value",
    "low": 0.3,
    "high": 0.5,
    "npv_low": -12_000.0,
    "npv_high": 480_000.0,
    "probability_low": 0.4,
    "probability_high": 0.9,
    "verdict_low": "test first",
    "verdict_high": "invest",
}
PRIOR = {
    "priors": "size of effects",
    "alpha": 0.5,
    "npv_mean": 250_000.0,
    "probability_of_loss": 0.13,
    "probability": 0.87,
    "verdict": "invest",
    "pareto_k": 0.8,
    "effective_draws": 40.0,
    "reliable": False,
    "sensitivity": 0.12,
}
SPREAD = {"mean": 60.0, "p05": 40.0, "p50": 60.0, "p95": 80.0}
CUSTOMERS = {
    "won": SPREAD,
    "cost_per_customer": {"expected": 25.0, "p05": 20.0, "p50": 25.0, "p95": 31.0},
    "lifetime_value": SPREAD,
    "value_to_cost": {"mean": 2.4, "p05": 1.6, "p50": 2.4, "p95": 3.2},
}
READING = {
    "name": "Tobin's q",
    "value": 1.5,
    "p05": None,
    "p95": None,
    "unit": "times",
    "words": "The market pays more.",
    "source": "Tobin (1969)",
}
EQUITY = READING | {"name": "Customer equity", "value": 3e6}


@pytest.fixture
def rich(make):
    inputs = make["weekly"](periods=20)
    return replace(
        inputs,
        case={
            **inputs.case,
            "verdict": "invest",
            "tornado": [SWING],
            "prior_sensitivity": [PRIOR],
            "customers": CUSTOMERS,
            "company": [READING],
        },
    )


def alone(inputs, **changes):
    fields = {
        name: getattr(inputs, name)
        for name in ("study", "currency", "verdict", "reasons", "case", "cashflow", "npv_draws")
    }
    return CaseInputs(**fields | changes)


def words_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


def test_behind_the_case_stands_everything_it_rests_on(rich):
    said = words_of(render_case(alone(rich)))
    for part in (
        "30 % to 50 %",
        "finance, stated",
        "test first at its low",
        "weaker",
        "no: fit again to know",
        "New customers of this plan",
        "GBP 25",
        "Tobin&#39;s q",
        "The market pays more. Source: Tobin (1969).",
        "Chance of loss",
    ):
        assert part in said, part
    assert "nan" not in said.lower().split() and "None" not in said.split()


def test_the_case_page_is_the_reports_section(rich):
    assert case_section(rich) == case_section(alone(rich))
    assert basis_section(rich) == basis_section(alone(rich))
    page = render_case(alone(rich))
    assert page.count("<section") == 2 and page.count("<svg") == 4
    assert page == render_case(alone(rich))


def test_a_rejected_fit_decides_nothing(rich):
    said = words_of(render_case(alone(rich, verdict="rejected", reasons=("chains disagree",))))
    assert "they decide nothing" in said and "chains disagree" in said
    assert "Invest." not in said


def test_names_are_escaped(rich):
    case = {
        **rich.case,
        "tornado": [{**SWING, "name": EVIL, "unit": EVIL}],
        "prior_sensitivity": [{**PRIOR, "priors": EVIL}],
        "company": [{**READING, "name": EVIL, "words": EVIL, "source": EVIL}],
    }
    page = render_case(alone(rich, case=case, study=EVIL, currency=EVIL))
    assert "<script" not in page and "alert(1)" in page


def test_what_a_plan_assumes_is_told_under_the_table_and_money_has_its_currency(rich):
    said = "Spending in the next 13 periods repeats the last 13."
    found = [
        {"name": "plan 1", "value": said, "unit": "", "source": "default"},
        {"name": "test_cost", "value": 41_600.0, "unit": "money", "source": "finance"},
        {"name": "risk_level", "value": 0.2, "unit": "chance of missing it", "source": "default"},
    ]
    case = {**rich.case, "assumptions": found}
    blocks = {
        getattr(block, "title", "") or getattr(block, "heading", ""): block
        for block in basis_section(alone(rich, case=case)).blocks
    }
    assert blocks["What is assumed of the time ahead"].items == (said,)
    table = words_of(str(blocks["What the case rests on"].html))
    assert said not in table and "41.6k GBP" in " ".join(table.split()) and "20 %" in table
    assert "medians" in blocks["What the case rests on"].caption


def test_without_a_margin_the_decision_says_what_is_counted(rich):
    margin = {"name": "margin", "value": 1.0, "unit": "share of outcome value"}
    for source, told in (("default", True), ("finance", False)):
        case = {**rich.case, "assumptions": [{**margin, "source": source}]}
        inputs = replace(rich, case=case)
        decision = next(
            block.text
            for block in case_section(inputs).blocks
            if getattr(block, "heading", "") == "Decision"
        )
        assert ("No margin was stated" in decision) == told
        assert ("no margin was stated" in render_report(inputs).split('id="case"')[0]) == told


@pytest.mark.parametrize("named", ["currency", "money"])
def test_readings_of_money_carry_the_currency(rich, named):
    unit = rich.currency if named == "currency" else "money"
    case = {**rich.case, "company": [EQUITY | {"unit": unit}]}
    page = str(basis_section(replace(rich, case=case)))
    assert f"{rich.currency}\N{NO-BREAK SPACE}3" in page.replace("\\xa0", "\N{NO-BREAK SPACE}")
