"""Plans and controls that leave what the data has seen are said to."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mmm.invest.appraise import appraise
from mmm.plan.decision import decide, plan_json
from mmm.plan.scenario import as_is
from mmm.plan.scenarios import multiplied_by, stopped, with_controls
from mmm.plan.support import outside, scenario_findings, seen_range


@pytest.fixture(scope="module")
def read(make):
    return make.response(active=1.0, draws=10)


def test_what_repeats_the_last_periods_is_inside(read):
    assert scenario_findings(read.fit, as_is(read.fit)) == ()
    assert scenario_findings(read.fit, as_is(read.fit, 100)) == ()


def test_a_thousandfold_plan_says_so_wherever_it_is_read(read):
    huge = multiplied_by(read.fit, {"tv": 1000.0})
    (finding,) = scenario_findings(read.fit, huge)
    low, high = seen_range(read.fit, 0)
    assert finding.where == "tv x 1000: tv"
    assert f"outside the {low:,.0f} to {high:,.0f} that the data has seen" in finding.message
    decision = decide(read, None, huge)
    assert decision.findings == (finding,)
    content = json.loads(json.dumps(plan_json(read.fit, decision)))
    assert [one["where"] for one in content["findings"]] == [finding.where]
    case = appraise(read, huge, fit_verdict="trusted").case
    assert any(finding.message in line for line in case.caveats)


def test_nothing_is_outside_where_the_data_never_was_without(make, read):
    money = np.zeros((6, 2, 4))
    assert outside(read.fit, money).all()
    messages = [one.message for one in scenario_findings(read.fit, stopped(read.fit))]
    assert len(messages) == 4
    assert all("never was without the channel" in message for message in messages)
    assert not outside(make.fit(geos=1, active=0.6), money[:, :1]).any()


def test_controls_far_from_the_data_are_named_with_their_geos(read):
    base, seen = as_is(read.fit), read.fit.panel.dataset["controls"].values[:, :, 0]
    rows = pd.DataFrame(
        [(date, geo, 3.0) for date in base.dates for geo in read.fit.panel.geos],
        columns=["date", "geo", "price"],
    )
    assert scenario_findings(read.fit, with_controls(read.fit, base, rows, "c.csv")) == ()
    rows.loc[rows.index[-1], "price"] = 300.0
    (finding,) = scenario_findings(read.fit, with_controls(read.fit, base, rows, "c.csv"))
    assert finding.where.endswith(": price")
    assert "in 1 of 6 planned periods the control is 300" in finding.message
    assert f"{seen[:, 1].min():,.6g} to {seen[:, 1].max():,.6g} in geo 1" in finding.message
