"""Plans that nothing can keep to are refused before anything is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm.errors import InputError
from mmm.plan.constraints import conflict, region_of
from mmm.plan.feasible import check_plan, require_flights
from mmm.plan.levers import levers
from mmm.plan.money import prices

TACTICAL = (
    {"name": "tv", "role": "tactical"},
    {"name": "search", "role": "tactical"},
)  # fmt: skip


def planned(make, channels=TACTICAL, **plan):
    settings = {"horizon": 6, "objective": "expected_profit", **plan}
    return make.fit(channels, geos=1, active=1.0, draws=4, plan=settings)


def refusal(fit):
    with pytest.raises(InputError) as found:
        check_plan(fit)
    (finding,) = found.value.findings
    return finding


def test_a_brand_share_needs_a_channel_that_builds_brand(make):
    assert refusal(planned(make, brand_share=(0.2, 0.4))).where == "plan.brand_share"
    both = ({"name": "tv", "role": "both"}, TACTICAL[1])
    check_plan(planned(make, both, brand_share=(0.2, 0.4)))


def test_a_flight_above_what_a_period_or_the_plan_may_have_is_refused(make):
    fit = planned(make)
    today = prices(fit).totals
    peak = float(fit.panel.dataset["spend"].values[:, 0, 0].max())
    found = refusal(planned(make, min_flight={"tv": 100.0 * peak}))
    assert found.where == "plan.min_flight.tv"
    assert "no period may have more than" in found.message
    tight = {"tv": (0.0, 0.5 * peak / today[0])}
    found = refusal(planned(make, min_flight={"tv": 0.9 * peak}, bounds=tight))
    assert f"leave it {0.5 * peak:,.0f} in all" in found.message
    check_plan(planned(make, min_flight={"tv": 0.9 * peak}))


def test_flights_that_no_choice_of_periods_meets_are_refused(make):
    fit = planned(make)
    total, peak = prices(fit).totals[0], float(fit.panel.dataset["spend"].values[:, 0, 0].max())
    flight = 0.4 * total
    if flight > peak:
        flight = 0.95 * peak
    # one flight is too little and two are too much
    between = (1.3 * flight / total, 1.6 * flight / total)
    flown = planned(make, min_flight={"tv": flight}, bounds={"tv": between})
    made = levers(prices(flown))
    budget = float(made.prices.today.sum())
    region = region_of(flown, made, flown.study.plan, budget, None)
    capped = np.minimum(region.upper, np.where(made.channel_of() == 0, 1.2 * flight, np.inf))
    with pytest.raises(InputError, match="no choice of periods"):
        require_flights(replace(region, upper=capped), made, flown.study.plan)
    check_plan(planned(make, min_flight={"tv": flight}, bounds={"tv": (0.0, 2.0)}))


def test_a_conflict_never_allows_less_than_nothing(make):
    fit = planned(make, budget=1e9)
    found = refusal(fit)
    assert "-0" not in found.message
    assert "allow 0 to" in found.message
    made = levers(prices(fit))
    none = fit.study.plan.model_copy(update={"bounds": {"tv": (0.0, 0.0), "search": (0.0, 0.0)}})
    message = str(conflict(region_of(fit, made, none, 1e9, None)))
    assert "allow 0 to 0." in message
