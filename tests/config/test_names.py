"""What a study file is refused for: names, columns and rules over the whole study."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mmm.config import channel as channels
from mmm.config.load import load_study
from mmm.config.names import RESERVED
from mmm.errors import InputError

GOOD = """\
study: shop
data: {file: data.csv, date: week}
outcome: {column: revenue, kind: revenue}
channels:
  - {name: tv, spend: tv_spend, role: both}
  - {name: search, spend: search_spend, role: tactical}
"""


def refusal(path) -> str:
    with pytest.raises(InputError) as refused:
        load_study(path)
    (finding,) = refused.value.findings
    return str(finding)


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ((GOOD, GOOD + "controls: [tv]"), "controls[0] (line 7)", "names used twice: tv"),
        (
            ("spend: search_spend", "spend: tv_spend"),
            "channels[1].spend (line 6)",
            "'channels[0].spend' has it as well: name the column of each",
        ),
        (
            ("spend: search_spend", "spend: revenue"),
            "channels[1].spend (line 6)",
            "Name the column that holds the channel",
        ),
        (
            ("spend: search_spend", "spend: revenue, exposure: clicks"),
            "channels[1].spend (line 6)",
            "the outcome column 'revenue' is also a channel",
        ),
        (
            (GOOD, GOOD + "controls: [price, revenue]"),
            "controls[1] (line 7)",
            "the outcome column 'revenue' is also a control",
        ),
        (
            (GOOD, GOOD + "controls: [price, tv_spend]"),
            "controls[1] (line 7)",
            "drop it from 'controls'",
        ),
        ((GOOD, GOOD + "controls: [price, price]"), "controls[1] (line 7)", "drop one of the two"),
        (
            (GOOD, GOOD + "demand_proxies: [searches]"),
            "demand_proxies[0] (line 7)",
            "List them in 'controls'",
        ),
        (
            (GOOD, GOOD + "plan:\n  bounds:\n    tvv: [0, 2]"),
            "plan.bounds.tvv (line 9)",
            "Did you mean 'tv'?",
        ),
        (
            (GOOD, GOOD + "plan:\n  fixed: [tv, radio]"),
            "plan.fixed[1] (line 8)",
            "Known names: tv, search.",
        ),
        (
            (GOOD, GOOD.replace("kind: r", "currency: GBP, kind: r") + "finance: {currency: EUR}"),
            "finance.currency (line 7)",
            "Give every amount in GBP",
        ),
        (
            ("study: shop", "study: a shop"),
            "study (line 1)",
            "'a shop' holds a character that a name may not hold: a space.",
        ),
        (
            ("name: search", "name: ré/x"),
            "channels[1].name (line 6)",
            "a name may not hold: 'é', '/'. Start with a letter from A to Z",
        ),
        (("name: search", "name: _x"), "channels[1].name (line 6)", "starts with '_'"),
        (("name: search", "name: ''"), "channels[1].name (line 6)", "the name is empty"),
        (
            ("name: search", f"name: {'x' * 99}"),
            "channels[1].name (line 6)",
            "has 99 characters and may have 80. Shorten it.",
        ),
        (("role: both", "role: both, prior: {ROI: [1, 2]}"), "prior.ROI", "Did you mean 'roi'?"),
        (
            ("role: both", "role: both, carry_in: -1"),
            "channels[0].carry_in (line 5)",
            "must be at least 0, got -1. Give a number at least 0, or 'estimated'.",
        ),
        (
            ("role: both", "role: both, costs: {agency_fee: 12}"),
            "agency_fee (line 5)",
            "Give a number at most 5: 0.12 is 12 %.",
        ),
        (
            (GOOD, GOOD + "finance: {discount_rate: 9}"),
            "finance.discount_rate (line 7)",
            "Give a number at most 1: 0.09 is 9 %.",
        ),
        (
            (GOOD, GOOD + "finance: {tax_rate: 25}"),
            "finance.tax_rate (line 7)",
            "Give a number below 1: 0.25 is 25 %.",
        ),
        (
            (GOOD, GOOD + "finance: {discount_rate: -0.1}"),
            "finance.discount_rate (line 7)",
            "Give a number at least 0.",
        ),
    ],
)
def test_the_place_and_what_to_write_instead_are_named(study_file, change, where, says):
    finding = refusal(study_file(GOOD.replace(*change)))
    assert finding.startswith("study.yaml")
    assert where in finding
    assert says in finding


@pytest.mark.parametrize("name", sorted(RESERVED))
@pytest.mark.parametrize("spelt", [str.lower, str.upper, str.title])
def test_the_name_of_a_row_of_the_results_is_refused(study_file, name, spelt):
    named = GOOD.replace("name: search", f"name: {spelt(name)}")
    finding = refusal(study_file(named))
    assert "channels[1].name (line 6)" in finding
    assert f"Rename it, as in '{spelt(name)}_channel'." in finding
    finding = refusal(
        study_file(GOOD + f"baseline: {{holidays: DE}}\ncontrols: [price, {spelt(name)}]")
    )
    assert "controls[1] (line 8)" in finding
    assert "Rename its column" in finding


def test_a_control_may_be_called_as_a_part_of_the_baseline_that_is_left_out(study_file):
    controls = "controls: [holidays, trend, seasonality]\n"
    study = load_study(study_file(GOOD + controls + "baseline: {trend: false, seasonality: 0}"))
    assert study.controls == ("holidays", "trend", "seasonality")


def test_every_rule_says_what_to_write_instead():
    """No message of a rule leaves its reader with 'correct this'."""
    config = Path(channels.__file__).parent
    for path in sorted(config.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            name, message = ast.unparse(node.exc.func), node.exc.args[0]
            if name in ("ValueError", "PlacedError") and ast.unparse(message) != "str(error)":
                words = [
                    part.value
                    for part in ast.walk(message)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                assert any("; " in word for word in words), f"{path.name}: line {node.lineno}"
