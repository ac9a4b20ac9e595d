"""What a channel with a lag causes arrives when the lag says, and nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mmm
from mmm.config import Study
from mmm.efficiency.caused import horizon
from mmm.results.ledger import ledger_table
from mmm.results.respond import after_window, channel_effect, response

PERIODS, MEDIAN, LONGEST = 130, 9.0, 24.0


@pytest.fixture(scope="module")
def read():
    """Visits that bring 2 each by a gamma lag of median 9, and little else that moves."""
    rng = np.random.default_rng(3)
    visits = rng.gamma(2.0, 20.0, PERIODS + 60) * (rng.random(PERIODS + 60) < 0.25)
    opened = np.repeat(visits / 200, 200)
    arrives = np.repeat(np.arange(PERIODS + 60), 200) + rng.random(opened.size)
    arrives = (arrives + rng.gamma(4.0, MEDIAN / 3.672, opened.size)).astype(int)
    brought = np.bincount(arrives, weights=2.0 * opened)[60 : PERIODS + 60]
    frame = pd.DataFrame(
        {
            "week": pd.date_range("2021-01-04", periods=PERIODS, freq="W-MON"),
            "orders": 100 + brought + rng.normal(0, 5, PERIODS),
            "visits": visits[60:],
        }
    )
    visit = {"name": "visits", "exposure": "visits", "role": "tactical", "saturation": "none"}
    study = Study.model_validate(
        {
            "study": "visits",
            "data": {"date": "week"},
            "outcome": {"column": "orders", "kind": "units"},
            "channels": [visit | {"lag": {"median": 6, "max": LONGEST}}],
            "baseline": {"trend": False, "seasonality": 0},
            "inference": {"chains": 2, "draws": 250, "tune": 200},
        }
    )
    panel, _ = mmm.panel_from_frame(study, frame)
    return response(mmm.fit(study, panel))


def test_the_lag_is_learned_beyond_what_was_stated(read):
    median = read.fit.posterior["lag_gamma_median"].values
    low, high = np.quantile(median, [0.05, 0.95])
    assert low < MEDIAN < high
    assert high - low < 0.5 * (1.5 - 1 / 1.5) * 6


def test_what_one_visit_brings_comes_late_and_whole(read):
    ahead = after_window(read)
    media = np.zeros((PERIODS + ahead, 1))
    media[PERIODS - 1] = 100.0
    effect = channel_effect(read, 0, media, carry_in=0.0).tactical[:, 0]
    whole = effect.sum(axis=1)
    np.testing.assert_array_equal(effect[:, PERIODS - 1 + int(LONGEST) + 1 :], 0.0)
    assert (effect[:, PERIODS:].sum(axis=1) > 0.9 * whole).all()
    low, high = np.quantile(whole, [0.05, 0.95])
    assert low < 200.0 < high
    assert len(horizon(read).media) == PERIODS + ahead


def test_the_ledger_names_the_lag(read):
    ledger = ledger_table(read.fit).set_index("quantity")
    row = ledger.loc["lag_median"]
    assert row["channel"] == "visits"
    assert row["prior_p05"] == pytest.approx(4.0)
    assert row["tier"] == "data"
