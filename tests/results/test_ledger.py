"""What the ledger says of multiplicative and moving channels."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.results.ledger import ledger_table

STATED = {"name": "tv", "role": "tactical", "time_varying": True, "prior": {"share": (0.05, 0.2)}}


@pytest.mark.parametrize("likelihood", ["normal", "lognormal"])
def test_a_stated_share_is_listed_as_it_was_stated(make, likelihood):
    fit = make.fit([STATED], likelihood=likelihood, draws=200)
    table = ledger_table(fit).set_index("quantity")
    row = table.loc["contribution"]
    assert (row["prior_p05"], row["prior_p95"]) == pytest.approx((0.05, 0.2), rel=1e-6)
    drawn = fit.posterior["share"].values.ravel()
    share = drawn if likelihood == "normal" else 1 - np.exp(-drawn)
    assert row["posterior_p50"] == pytest.approx(np.quantile(share, 0.5), rel=1e-6)
    assert 0 < row["posterior_p05"] < row["posterior_p95"] < 1


def test_the_movement_of_a_time_varying_channel_is_listed(make):
    table = ledger_table(make.fit([STATED], draws=200)).set_index("quantity")
    assert table.loc["movement", "channel"] == "tv"
    assert "movement" not in set(ledger_table(make.fit(draws=50))["quantity"])


def test_a_reference_is_named_where_a_prior_was_taken_from_it(make):
    channels = [
        {"name": "tv", "role": "both", "prior": {"reference": "profit_ability_2/linear_tv"}},
        {"name": "radio", "role": "both"},
    ]
    table = ledger_table(make.fit(channels, draws=50)).set_index(["quantity", "channel"])
    assert table.loc[("brand_share", "tv"), "reference"] == "profit_ability_2/linear_tv"
    others = table["reference"].drop(("brand_share", "tv"))
    assert set(others) == {""}
    low, high = table.loc[("brand_share", "tv"), ["prior_p05", "prior_p95"]]
    assert 0.5 < low < high < 1.0
