"""The portfolio page: failures first, numbers as given, names escaped, drawn by a browser."""

from __future__ import annotations

import html
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from mmm.report.portfolio import (
    STATES,
    PortfolioInputs,
    PortfolioStudy,
    ReturnLine,
    drawings,
    money,
    moves,
    render_portfolio,
)
from mmm.report.words import HARD_SPACE


def study(number: int, state: str = "deployed", **changes) -> PortfolioStudy:
    rng = np.random.default_rng(number)
    lines = []
    for channel in ("tv", "search", "social")[: 2 + number % 2]:
        middle = float(rng.lognormal(0.3, 0.4))
        low, high = middle * 0.6, middle * 1.7
        lines.append(ReturnLine(channel, low, middle, high, middle * rng.uniform(0.8, 1.2)))
    content = {
        "name": f"brand{number:03d}-uk",
        "state": state,
        "verdict": "trusted",
        "reasons": (f"Because of {state}.",),
        "when": "2026-11-22",
        "complete": "2026-11-22",
        "window": "2024-01-01 to 2026-11-16",
        "spend": 1_250_000.0 + number,
        "currency": "GBP",
        "returns": tuple(lines),
        "total": ReturnLine("total", 0.8, 1.1, 1.6),
        "link": f"runs/brand{number:03d}-uk/abc/report.html",
    }
    return PortfolioStudy(**content | changes)


def page(*studies: PortfolioStudy) -> str:
    return render_portfolio(PortfolioInputs("weekly", "2026-11-22 06:00 UTC", studies))


def test_what_failed_comes_first_and_what_is_well_is_not_listed_there():
    states = ("deployed", "held", "alarm", "failed")
    text = page(*(study(number, state) for number, state in enumerate(states)))
    look = text[text.index('id="look"') : text.index('id="moved"')]
    order = [look.index(f"brand{number:03d}-uk") for number in (3, 2, 1)]
    assert order == sorted(order)
    assert "brand000-uk" not in look
    assert "Because of failed." in look
    assert "brand000-uk" in text[text.index('id="studies"') :]


def test_nothing_to_see_is_said():
    assert "Nothing: every study is done" in page(study(1))
    assert "No study has a complete run" in page()


def test_numbers_are_those_given():
    one = study(1, returns=(ReturnLine("tv", 0.5, 1.234, 2.5, 2.468),))
    text = page(one)
    moved = text[text.index('id="moved"') : text.index('id="returns"')]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", moved)
    assert cells == [
        "tv",
        "2.47",
        "1.23",
        "0.50 to 2.50",
        f"−50{HARD_SPACE}%",
        "within what is known of it",
        "–",
    ]
    assert f"GBP{HARD_SPACE}1.25m" in text
    assert "brand001-uk: 1.23 (0.50 to 2.50)" in text


@pytest.mark.parametrize(
    ("before", "words"), [(1.0, None), (1.5, "within"), (3.0, "beyond"), (None, None)]
)
def test_only_what_moved_is_listed(before, words):
    found = moves([study(1, returns=(ReturnLine("tv", 0.5, 1.05, 2.5, before),))])
    assert [move.words.split()[0] for move in found] == ([words] if words else [])


def test_what_is_beyond_doubt_comes_first_and_the_rest_is_cut():
    sure = study(0, returns=(ReturnLine("tv", 1.0, 1.2, 1.4, 0.9),), since="study changed")
    many = [
        study(number, returns=(ReturnLine("tv", 0.1, 2.0, 9.0, 1.0),)) for number in range(1, 60)
    ]
    text = page(*many, sure)
    rows = text[text.index('id="moved"') : text.index('id="returns"')].split("<tr>")[2:]
    assert len(rows) == 40
    assert "beyond what is known" in rows[0]
    assert "study changed" in rows[0]
    assert "And 20 more" in text


def test_drawings_keep_order_and_stay_inside():
    found = drawings([study(number) for number in range(30)])
    assert [drawing.channel for drawing in found] == ["search", "tv", "social"]
    for drawing in found:
        for bar in drawing.bars:
            assert 210 <= bar.low <= bar.middle <= bar.high <= 900
            assert bar.y < drawing.height
    assert len(found[0].bars) == 30


def test_names_are_escaped_and_nothing_is_fetched():
    evil = "<script>alert(1)</script>\"'&"
    text = page(study(1, "failed", name=evil, reasons=(evil,), verdict=evil, currency=evil))
    assert "<script" not in text
    assert html.escape(evil, quote=False)[:20] in text
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", text)


def test_an_unknown_state_is_refused():
    with pytest.raises(ValueError, match="unknown state"):
        PortfolioInputs("b", "now", (replace(study(1), state="lost"),))


@pytest.mark.parametrize(
    ("amount", "text"), [(0.5, "GBP 0.500"), (1234, "GBP 1.23k"), (5.6e6, "GBP 5.60m")]
)
def test_money_has_three_digits(amount, text):
    assert money(amount, "GBP").replace(HARD_SPACE, " ") == text


@pytest.mark.browser
def test_the_page_draws_without_a_word_on_the_console(chromium, tmp_path):
    target = tmp_path / "portfolio.html"
    target.write_text(page(*(study(number, STATES[number % 4]) for number in range(40))))
    picture = tmp_path / "page.png"
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
    done = subprocess.run(
        [
            chromium,
            *flags,
            "--enable-logging=stderr",
            "--window-size=1200,4200",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--screenshot={picture}",
            target.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert picture.stat().st_size > 50_000
