"""The search over timing: against many starts, every choice of flights, and targets past reach."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from mmm.errors import InputError
from mmm.plan.constraints import best_linear, nearest
from mmm.plan.decision import decide
from mmm.plan.feasible import least_flights, nearest_flights
from mmm.plan.frontier import least_budget
from mmm.plan.money import prices
from mmm.plan.optimise import optimise
from mmm.plan.reach import chance_of
from mmm.plan.search import problem
from mmm.plan.solve import polish, random_plans

CHANNELS = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.1}},
    {"name": "search", "role": "tactical"},
    {"name": "posters", "role": "tactical", "saturation": "michaelis_menten"},
)


@pytest.fixture(scope="module")
def read(make):
    return make.response(*CHANNELS, draws=80, geos=1, finance={"margin": 0.9, "horizon": 40})


def task_of(read, settings):
    at = prices(read.fit)
    budget = settings.budget or float(at.today.sum())
    return problem(read, settings, budget, at)


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "expected_profit"},
        {"objective": "mean_variance", "risk_aversion": 1.0},
        {"objective": "mean_variance", "risk_aversion": 4.0},
        {"objective": "cvar", "level": 0.8},
        {"objective": "cvar", "level": 0.95},
    ],
)
def test_no_start_leads_to_a_plan_a_thousandth_better(read, make, options):
    settings = make.settings(**options)
    task = task_of(read, settings)
    found = optimise(read, settings)
    starts = random_plans(task.region, 12, np.random.default_rng(3))
    best = max(polish(task.valuation, task.objective, task.region, z).score for z in starts)
    assert found.status.score >= best - 1e-3 * abs(best)


def test_no_choice_of_flights_is_a_thousandth_better(read, make):
    flight = 90.0
    settings = make.settings(min_flight={"search": flight})
    found = optimise(read, settings)
    task = task_of(read, settings)
    least = least_flights(task.levers, settings)
    flown = np.flatnonzero(least > 0)
    spent = found.z[flown]
    assert ((spent <= 1e-6) | (spent >= flight - 1e-6)).all()
    scores = []
    for choice in itertools.product([False, True], repeat=len(flown)):
        lower, upper = task.region.lower.copy(), task.region.upper.copy()
        lower[flown] = np.where(choice, flight, 0.0)
        upper[flown] = np.where(choice, np.maximum(upper[flown], flight), 0.0)
        held = replace(task.region, lower=lower, upper=upper)
        if best_linear(held, np.zeros(len(lower))).status == 0:
            start = nearest(held, found.z)
            scores.append(polish(task.valuation, task.objective, held, start).score)
    assert len(scores) > 10
    assert found.status.score >= max(scores) - 1e-3 * abs(max(scores))


@pytest.mark.parametrize("bounds", [(0.02, 2.0), (0.3, 0.5), (0.9, 1.1)])
def test_flights_that_fit_are_found_and_those_that_do_not_are_refused(read, make, bounds):
    at = prices(read.fit)
    today = float(at.totals[1])
    low, high = bounds
    flight = 0.28 * today  # fits every one of the bounds, one period at least
    found = optimise(read, make.settings(min_flight={"search": flight}, bounds={"search": bounds}))
    spent = found.money[:, 0, 1]
    assert ((spent <= 1e-6) | (spent >= flight - 1e-6)).all()
    assert low * today - 1e-6 <= spent.sum() <= high * today + 1e-6
    with pytest.raises(InputError, match="can never be had"):
        optimise(
            read, make.settings(min_flight={"search": 2.1 * today}, bounds={"search": (0.1, 2.0)})
        )


def test_the_nearest_flights_are_the_nearest(read, make):
    settings = make.settings(min_flight={"search": 80.0})
    task = task_of(read, settings)
    least = least_flights(task.levers, settings)
    z = nearest(task.region, task.levers.decisions(task.levers.prices.today))
    on, impossible = nearest_flights(task.region, least, z)
    assert not impossible
    flown = np.flatnonzero(least > 0)

    def moved(choice):
        lower, upper = task.region.lower.copy(), task.region.upper.copy()
        lower[flown] = np.where(choice, least[flown], 0.0)
        upper[flown] = np.where(choice, upper[flown], 0.0)
        held = replace(task.region, lower=lower, upper=upper)
        if (lower > upper).any() or best_linear(held, np.zeros(len(z))).status != 0:
            return np.inf
        return np.abs(nearest(held, z) - z).sum()

    every = [moved(choice) for choice in itertools.product([False, True], repeat=len(flown))]
    assert moved(on[flown]) <= min(every) * (1 + 2e-3) + 1e-6


def test_a_target_that_every_plan_reaches_leaves_the_choice_to_profit(read, make):
    best = optimise(read, make.settings())
    found = optimise(read, make.settings(objective="probability_of_target", target=1.0))
    assert found.profit.mean() == pytest.approx(best.profit.mean(), rel=1e-6)
    assert found.status.score == pytest.approx(1.0)
    assert "plan_target_sure" in {one.check for one in found.findings}


def test_a_target_that_no_plan_reaches_leaves_the_choice_to_outcome(read, make):
    settings = make.settings(objective="probability_of_target", target=1e9)
    found = optimise(read, settings)
    assert found.status.score == 0.0
    assert "plan_target_out_of_reach" in {one.check for one in found.findings}
    task = task_of(read, settings)
    within = task.valuation.values(found.z)[0].mean()
    others = random_plans(task.region, 30, np.random.default_rng(4))
    assert all(within >= task.valuation.values(z)[0].mean() for z in others)


def test_least_budgets_of_targets_past_reach_spend_what_may_be_spent(read, make):
    settings = make.settings()
    found = least_budget(read, 1e9, 0.8, settings)
    assert not found.reached
    assert found.cut is None
    region = task_of(read, make.settings(spend_all=False, budget=1e9)).region
    most = float(best_linear(region, np.ones(region.size)).x.sum())
    assert found.budget == pytest.approx(most, rel=1e-3)
    easy = least_budget(read, 1.0, 0.8, settings)
    assert (easy.reached, easy.budget) == (True, pytest.approx(0.0, abs=1e-6))
    assert easy.cut == pytest.approx(float(prices(read.fit).today.sum()))


def test_between_the_two_the_chance_is_what_is_chosen(read, make):
    base = optimise(read, make.settings(objective="probability_of_target", target=1.0))
    task = task_of(read, make.settings(objective="probability_of_target", target=1.0))
    start = task.objective.start + task.valuation.values(base.z)[0]
    settings = make.settings(objective="probability_of_target", target=float(np.median(start)))
    found = optimise(read, settings)
    asked = task_of(read, settings)
    assert 0.3 < found.status.score < 0.99
    assert found.status.score >= chance_of(asked, base.z) - 1e-6


def test_objective_and_comparison_give_a_plan_the_same_chance(read, make):
    task = task_of(read, make.settings(objective="probability_of_target", target=1.0))
    today = task.levers.decisions(task.levers.prices.today)
    target = float(np.median(task.objective.start + task.valuation.values(today)[0]))
    settings = make.settings(objective="probability_of_target", target=target)
    decision = decide(read, settings)
    row = decision.comparison.set_index("scenario").loc["recommended"]
    assert row["probability_of_target"] == pytest.approx(decision.optimum.status.score, rel=1e-6)


def test_a_channel_that_does_not_earn_its_fixed_cost_is_given_up(make):
    dear = (
        {"name": "tv", "role": "tactical", "costs": {"fixed_per_period": 4000.0}},
        *CHANNELS[1:],
    )
    read = make.response(*dear, draws=40, geos=1, finance={"margin": 0.9, "horizon": 40})
    found = optimise(read, make.settings())
    assert (found.money[:, :, 0] == 0.0).all()
    assert found.money.sum() == pytest.approx(float(prices(read.fit).today.sum()))
    kept = optimise(read, make.settings(bounds={"tv": (0.5, 2.0)}))
    assert found.profit.mean() > kept.profit.mean()
    cheap = ({**dear[0], "costs": {"fixed_per_period": 0.01}}, *CHANNELS[1:])
    spent = optimise(make.response(*cheap, draws=40, geos=1), make.settings()).money
    assert spent[:, :, 0].sum() > 0.0
