"""The bridge and the tornado: every bar named, every line and mark in the key."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from mmm.report import words
from mmm.report.charts.style import VERMILION
from mmm.report.charts.worth import bridge_chart, tornado_chart

STEPS = [
    {
        "name": "Outcome value",
        "kind": "value",
        "amount": {"mean": 300.0, "p05": 100.0, "p50": 300.0, "p95": 500.0},
    },
    {
        "name": "Media and fees",
        "kind": "cost",
        "amount": {"mean": -180.0, "p05": -180.0, "p50": -180.0, "p95": -180.0},
    },
    {
        "name": "Net present value",
        "kind": "total",
        "amount": {"mean": 120.0, "p05": -20.0, "p50": 110.0, "p95": 250.0},
    },
]


def texts(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    return [element.text for element in root.iter() if element.text and element.text.strip()]


def swing(name: str, low: float, high: float, **changes: Any) -> dict[str, Any]:
    verdicts = {"verdict_low": "invest", "verdict_high": "invest"}
    return {"name": name, "npv_low": low, "npv_high": high, **verdicts, **changes}


def test_the_bridge_says_every_step_and_its_size():
    found = set(texts(bridge_chart(STEPS, "EUR").svgs[0]))
    assert {"Outcome value", "Media and fees", "Net present value"} <= found
    assert {"300", "\N{MINUS SIGN}180", "120"} <= found


def test_the_tornado_shows_the_widest_and_marks_other_verdicts():
    swings = [
        swing(f"assumption {n}", 100.0 - 10 * (12 - n), 100.0 + 10 * (12 - n)) for n in range(12)
    ]
    swings[0]["verdict_low"] = "test first"
    figure = tornado_chart(swings, words.spread(100.0), "invest", "EUR")
    found = texts(figure.svgs[0])
    assert "Assumption 0" in found and "Assumption 7" in found and "Assumption 8" not in found
    svg = str(figure.svgs[0])
    assert svg.count(VERMILION) == 1
    without = tornado_chart(swings[1:], words.spread(100.0), "invest", "EUR")
    assert VERMILION not in str(without.svgs[0])
    assert "another verdict there" not in [entry.label for entry in without.key]


def test_every_bar_of_the_tornado_is_named_where_names_need_two_lines():
    names = [f"carry-over of a channel called {letter}" for letter in "abcdefgh"]
    swings = [swing(name, 90.0 - n, 110.0 + n) for n, name in enumerate(names)]
    found = texts(tornado_chart(swings, words.spread(100.0), "invest", "EUR").svgs[0])
    assert found.count("Carry-over of a channel") == len(names)
    assert [line for line in found if line.startswith("called")] == [
        f"called {letter}" for letter in "abcdefgh"
    ]


def test_the_lines_of_the_tornado_are_in_its_key():
    def lines(low: float) -> list[str]:
        figure = tornado_chart([swing("margin", low, 110.0)], words.spread(100.0), "invest", "")
        return [entry.label for entry in figure.key if entry.mark == "line"]

    assert lines(90.0) == ["value expected"]
    assert lines(-5.0) == ["value expected", "break-even"]
