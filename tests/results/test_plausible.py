"""Answers far outside published ranges become findings."""

from __future__ import annotations

import pandas as pd
import pytest

from mmm.config import Channel, Finance
from mmm.efficiency.plausible import (
    MOST_MULTIPLIER,
    TIMES_HIGHEST,
    _amount,
    conflict_findings,
    range_findings,
    whole_findings,
)
from mmm.errors import Severity

STATED = Finance(margin=1.0)
LIMIT = TIMES_HIGHEST * 6.36


def efficiency(low, high, channel="tv"):
    return pd.DataFrame({"channel": [channel], "roi_p05": [low], "roi_p95": [high]})


def brand(low, geo=""):
    return pd.DataFrame(
        {"geo": [geo], "channel": ["tv"], "multiplier_p05": [low], "multiplier_p95": [low + 5]}
    )


def test_only_a_return_wholly_out_of_range_is_found():
    (one,) = range_findings(efficiency(LIMIT + 0.1, 40.0), None, STATED)
    assert one.check == "return_out_of_range"
    assert one.severity is Severity.WARNING
    assert "channel 'tv'" in one.where and "Profit Ability 2" in one.message
    assert range_findings(efficiency(LIMIT - 0.1, 40.0), None, STATED) == ()
    assert range_findings(efficiency(float("nan"), float("nan")), None, STATED) == ()


def test_a_margin_left_out_makes_it_a_remark():
    (one,) = range_findings(efficiency(LIMIT + 0.1, 40.0), None, Finance())
    assert one.severity is Severity.INFO


def test_revenue_is_turned_into_profit_first():
    table = efficiency(30.0, 50.0)
    assert len(range_findings(table, None, STATED)) == 1
    assert range_findings(table, None, Finance(margin=0.4)) == ()


def test_the_total_and_geos_are_left_out():
    assert range_findings(efficiency(90.0, 99.0, "total"), None, STATED) == ()
    quiet = efficiency(1.0, 2.0)
    assert range_findings(quiet, brand(MOST_MULTIPLIER + 1, geo="north"), STATED) == ()


@pytest.mark.parametrize(("low", "count"), [(MOST_MULTIPLIER + 1, 1), (MOST_MULTIPLIER - 1, 0)])
def test_a_multiplier_wholly_above_ten_is_found(low, count):
    found = range_findings(efficiency(1.0, 2.0), brand(low), STATED)
    assert [one.check for one in found] == ["multiplier_out_of_range"] * count


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7_291_234.0, "7.29 million"),
        (123.4, "123"),
        (12.34, "12.3"),
        (0.0, "0"),
        (-45_678.0, "-45,700"),
    ],
)
def test_amounts_are_said_without_powers_of_ten(value, said):
    assert _amount(value) == said


@pytest.mark.parametrize(("caused", "found"), [(99.0, 0), (100.0, 0), (101.0, 1)])
def test_channels_cannot_have_caused_more_than_there_was(caused, found):
    table = pd.DataFrame({"channel": ["tv", "total"], "contribution_mean": [500.0, caused]})
    rows = whole_findings(table, 100.0)
    assert len(rows) == found
    assert all("101% of all" in one.message for one in rows)
    assert whole_findings(table, 0.0) == ()


@pytest.mark.parametrize(
    ("prior", "quantity", "interval", "found"),
    [
        ({"roi": (1000.0, 2000.0)}, "roi", (183.0, 250.0), True),
        ({"roi": (1.0, 2.0)}, "roi", (2.5, 3.0), True),
        ({"roi": (1.0, 2.0)}, "roi", (1.9, 3.0), False),
        ({"share": (0.1, 0.2)}, "contribution", (0.01, 0.05), True),
        ({}, "roi", (2.5, 3.0), False),
    ],
)
def test_a_stated_prior_that_the_data_do_not_meet_is_named(prior, quantity, interval, found):
    channel = Channel(name="tv", role="tactical", spend="s", prior=prior)
    low, high = next(iter(prior.values()), (1.0, 2.0))
    ledger = pd.DataFrame(
        {
            "channel": ["tv"], "quantity": [quantity], "prior_p05": [low], "prior_p95": [high],
            "posterior_p05": [interval[0]], "posterior_p95": [interval[1]],
        }
    )  # fmt: skip
    rows = conflict_findings(ledger, [channel])
    assert [one.check for one in rows] == ["prior_conflict"] * found
