"""The plan's section: its charts and words hold what plan.json says."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from mmm.report.charts.plan import allocation_chart, frontier_chart
from mmm.report.sections.plan import plan_section

SPREAD = {"mean": 120.0, "p05": -30.0, "p50": 110.0, "p95": 300.0}


def row(name, money, **changes):
    kinds = ("outcome", "value", "profit", "difference")
    return {
        "scenario": name,
        "money": money,
        "loaded_cost": 1.1 * money,
        **{f"{kind}_{end}": value for kind in kinds for end, value in SPREAD.items()},
        "probability_better": 0.83,
        **changes,
    }


def channel(name, today, money, outside=0):
    return {
        "channel": name, "money": money, "money_today": today, "decided": True,
        "marginal_return": 1.2, "periods_outside_data": outside,
    }  # fmt: skip


PLAIN = {
    "plan": "as is", "horizon": 13, "start": "2024-01-01", "end": "2024-03-25", "currency": "GBP",
    "statements": ["Spending repeats."], "objective": None, "record": None,
    "comparison": [row("as is", 1000.0), row("stop everything", 0.0)],
}  # fmt: skip
FOUND = {
    **PLAIN,
    "plan": "recommended",
    "objective": "expected_profit",
    "budget": 1500.0,
    "comparison": [*PLAIN["comparison"], row("recommended", 1500.0)],
    "gain": {**SPREAD, "probability_better": 0.83},
    "profit": {**SPREAD, "deviation": 90.0},
    "profit_today": {**SPREAD, "mean": 70.0, "deviation": 80.0},
    "status": {"converged": True, "message": ""},
    "channels": [channel("tv", 700.0, 1100.0, 3), channel("search <b>", 300.0, 400.0)],
    "findings": [{"where": "plan: tv", "message": "3 of 13 periods are beyond.", "check": "x",
                  "severity": "warning", "remedy": "Test."}],
    "frontier": [
        {"risk_aversion": a, "expected_profit": 120.0 - a, "deviation": 90.0 - 5 * a}
        for a in (0.0, 1.0, 2.0)
    ],
    "regret": {**SPREAD, "draws": 24},
    "certainty": 44.0,
    "tests": [{"channel": "tv", "change": -1.0, "geos": "north;south", "periods": 8, "power": 0.71,
               "value": 12.0, "cost": 34.0}],
    "hurdle_budget": {"hurdle": 0.1, "budget": 2000.0, "today": 1000.0,
                      "profit": {**SPREAD, "mean": 88.0, "p05": 55.0},
                      "bounded": ["plan.bounds.tv (upper limit)"]},
    "least_budget": {"target": 9000.0, "probability": 0.9, "reached": True, "budget": 800.0,
                     "chance": 0.9, "today": 1000.0, "cut": 200.0},
    "record": {"origins": 1, "rows": [
        {"origin": name, "periods": 13, "mase": 0.61, "mase_naive": 1.2, "crps": 1.0,
         "crps_naive": 2.0, "coverage_50": 0.5, "coverage_80": 0.8, "coverage_90": 0.92}
        for name in ("2023-10-02", "all")]},
}  # fmt: skip


def words_of(section):
    """All text of a section, markup taken out."""
    parts = []
    for block in section.blocks:
        parts += [getattr(block, name, "") for name in ("text", "title", "caption", "heading")]
        parts += list(getattr(block, "items", ()))
        if hasattr(block, "html"):
            parts.append(block.html.striptags())
    return " ".join(parts)


def test_a_page_without_a_plan_has_no_section(make):
    assert plan_section(make["weekly"](periods=20)) is None


def test_going_on_and_stopping_are_compared_where_nothing_was_optimised(make):
    text = words_of(plan_section(make["weekly"](periods=20, plan=PLAIN)))
    assert "Nothing was optimised" in text
    assert "Stop everything" in text
    assert "What to test" not in text


def test_a_plan_of_one_period_is_named_in_the_singular(make):
    plan = {**PLAIN, "horizon": 1}
    text = words_of(plan_section(make["annual"](periods=20, plan=plan)))
    assert "Plans for the next year compared" in text
    assert "the one year" in text and "1 year" not in text


def test_every_part_of_a_plan_is_told(make):
    section = plan_section(make["weekly"](periods=20, plan=FOUND))
    text = words_of(section)
    for said in (
        "GBP 1,500",
        "83",
        "3 of 13 periods are beyond",
        "go dark",
        "north and south",
        "0.61",
        "GBP 200",
        "returns 1.10",
        "earn GBP 88 of profit (GBP 55",
        "2,000",
        "What may be regretted",
        "GBP 44",
    ):
        assert said in text.replace("\N{NO-BREAK SPACE}", " "), said


def test_a_target_out_of_reach_is_said(make):
    least = {**FOUND["least_budget"], "reached": False, "chance": 0.3}
    text = words_of(plan_section(make["weekly"](periods=20, plan={**FOUND, "least_budget": least})))
    assert "No plan within the limits reaches 9,000" in text


def texts(svg):
    return [one.text for one in ET.fromstring(svg).iter() if one.text and one.text.strip()]


def test_the_allocation_names_both_amounts_and_escapes_names():
    figure = allocation_chart(FOUND["channels"], "GBP")
    drawn = " ".join(texts(figure.svgs[0]))
    assert "700" in drawn
    assert "1.10k" in drawn
    assert "search <b>" in drawn
    assert any("outside what the data has seen" in entry.label for entry in figure.key)
    within = allocation_chart([channel("tv", 700.0, 700.0)], "")
    assert "(as today)" in " ".join(" ".join(texts(within.svgs[0])).split())
    assert not any("beyond" in entry.label for entry in within.key)


@pytest.mark.parametrize("count", [2, 6])
def test_the_frontier_draws_every_plan(count):
    frontier = [{"expected_profit": 100.0 - i, "deviation": 50.0 - i} for i in range(count)]
    chosen = {"mean": 100.0, "deviation": 50.0}
    figure = frontier_chart(frontier, chosen, {**chosen, "money": 1234.0}, "GBP")
    assert "1,234" in figure.key[2].label.replace("1.23k", "1,234")
    assert figure.svgs[0].count("<path") >= count + 2
