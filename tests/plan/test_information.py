"""Regret, the worth of a test and its power, against closed forms and simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from mmm.plan.information import (
    best_in_each_draw,
    designs,
    plans_after,
    value_of_test,
    what_to_test,
)
from mmm.plan.lift import best_design, lift_tests, power_of, standard_error, treated_geos
from mmm.plan.optimise import optimise
from mmm.plan.regret import Regret, regret_of
from mmm.plan.search import problem
from mmm.results.respond import channel_effect

RNG = np.random.default_rng(0)


def value_of_certainty(profit):
    return profit.max(axis=1).mean() - profit.mean(axis=0).max()


def test_a_test_of_a_gaussian_effect_is_worth_what_theory_says():
    """Act or not on a gain N(m, s^2) measured with error e: the value of sample information is
    r L(|m| / r) with r^2 = s^4 / (s^2 + e^2) and the unit normal loss L."""
    mean, deviation, error = 0.3, 1.0, 0.7
    gain = mean + deviation * RNG.standard_normal(4000)
    profit = np.stack([gain, np.zeros_like(gain)], axis=1)
    mean, deviation = gain.mean(), gain.std()
    root = deviation**2 / np.hypot(deviation, error)
    z = abs(mean) / root
    theory = root * (norm.pdf(z) - z * norm.sf(z))
    found = value_of_test(profit, gain, error, np.random.default_rng(1), results=6000)
    assert found == pytest.approx(theory, rel=0.08)
    # a perfect test is worth certainty, a useless one nothing
    assert value_of_test(profit, gain, 1e-3, np.random.default_rng(2)) == pytest.approx(
        value_of_certainty(profit), rel=0.08
    )
    assert value_of_test(profit, gain, 1e6, np.random.default_rng(3)) == pytest.approx(0, abs=1e-6)


def test_power_is_how_often_a_simulated_lift_is_told_from_nothing():
    lift = 2.0 + RNG.standard_normal(500)
    seen = lift[None, :] + 1.3 * RNG.standard_normal((4000, 500))
    assert power_of(lift, 1.3) == pytest.approx((np.abs(seen) > 1.96 * 1.3).mean(), abs=0.003)


def test_treated_geos_are_half_and_alike_in_size(make):
    read = make.response(geos=8)
    treated = treated_geos(read)
    assert treated.sum() == 4
    level = read.level
    assert 0.7 < level[treated].sum() / level[~treated].sum() < 1.4
    assert treated_geos(make.response(geos=1)).all()


def test_the_error_of_a_lift_is_that_of_simulated_differences(make):
    read = make.response(geos=4, draws=1)
    treated = treated_geos(read)
    noise = RNG.standard_normal((60_000, 4, 5)) * (read.sigma[0] * read.level)[None, :, None]
    ratio = read.level[treated].sum() / read.level[~treated].sum()
    apart = noise[:, treated].sum(axis=(1, 2)) - ratio * noise[:, ~treated].sum(axis=(1, 2))
    assert standard_error(read, treated, 5) == pytest.approx(apart.std(), rel=0.02)


@pytest.fixture(scope="module", params=["normal", "lognormal"])
def task(request, make):
    read = make.response(draws=50, geos=4, likelihood=request.param, active=1.0)
    return problem(read, make.settings(), 2000.0)


def test_going_dark_gives_up_what_the_channel_does(task):
    tests = lift_tests(task.valuation, 1, weeks=(2.0, 4.0))
    assert [(t.change, t.periods) for t in tests] == [(-1.0, 2), (-1.0, 4), (1.0, 2), (1.0, 4)]
    dark = tests[1]
    assert (dark.lift < 0).all()
    assert (tests[3].lift > 0).all()
    assert dark.power >= tests[0].power
    if task.response.multiplicative:
        return
    window = task.response.fit.panel.dataset["media"].values[:, :, 1]
    today = task.levers.prices.base.media[:4, :, 1]
    treated = treated_geos(task.response)
    plan = np.where(treated, 0.0, today)
    new, old = (
        channel_effect(task.response, 1, np.concatenate([window, media])).total[:, treated, -4:]
        for media in (plan, today)
    )
    np.testing.assert_allclose(dark.lift, (new - old).sum(axis=(1, 2)), rtol=1e-9)


def test_what_to_test_ranks_channels_by_what_a_test_brings(task):
    best = task.levers.decisions(task.levers.prices.today)
    lost = regret_of(task, best, draws=6)
    tests = designs(task)
    after = [z for one in tests for z in plans_after(task, one, best)]
    assert all(task.region.holds(z, 1e-4) for z in after)
    profit = np.stack([task.valuation.values(z)[0] for z in [best, *lost.plans, *after]], axis=1)
    table = what_to_test(task, tests, profit)
    assert sorted(table["channel"]) == sorted(task.levers.prices.channels)
    assert (table["value"] >= 0).all()
    assert (np.diff(table["net"]) <= 0).all()
    assert table["power"].between(0.05 - 1e-9, 1).all()
    assert (table["value"] <= value_of_certainty(profit) * 1.05 + 1e-9).all()


def test_a_design_is_the_cheapest_that_is_strong_enough(task):
    tests = lift_tests(task.valuation, 0)
    best = best_design(tests)
    strong = [t for t in tests if t.power >= 0.8]
    assert best.power == max(t.power for t in tests) if not strong else best in strong


def test_regret_is_never_below_zero_and_nothing_for_a_draw_s_own_plan(make):
    read = make.response(draws=20)
    settings = make.settings()
    best = optimise(read, settings)
    task = problem(read, settings, best.budget)
    lost = regret_of(task, best.z, draws=5)
    assert (lost.regret >= 0).all()
    assert lost.regret.max() > 0
    for draw, plan, regret in zip(lost.draws, lost.plans, lost.regret, strict=True):
        own = task.valuation.values(plan)[0][draw]
        assert own - task.valuation.values(best.z)[0][draw] == pytest.approx(regret, abs=1e-6)
        assert task.region.holds(plan, 1e-4)


def test_certainty_is_what_theory_says_though_few_draws_have_plans_of_their_own():
    """Profit -(x - t)^2 of plan x: knowing t, whose variance is v, is worth v."""
    found, naive = [], []
    for _ in range(60):
        truth = RNG.standard_normal(1000)
        draws = RNG.choice(1000, 6, replace=False)
        plans = np.append(truth[draws], truth.mean())
        profit = -((plans[None, :] - truth[:, None]) ** 2)
        lost = Regret(draws, np.zeros(6), plans[:6, None])
        now = profit.mean(axis=0).max()
        known = best_in_each_draw(profit, lost, np.arange(6))
        found.append((known - now) / truth.var())
        naive.append(value_of_certainty(profit) / truth.var())
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(1.0, abs=4 * error)
    assert np.mean(naive) < 1.0 - 4 * error


def test_plans_after_a_result_lean_the_way_of_the_result(task):
    best = optimise(task.response, task.response.fit.study.plan.model_copy(
        update={"objective": "expected_profit", "budget": 2000.0})).z  # fmt: skip
    moved = []
    for place, design in enumerate(designs(task)):
        test = replace(design, error=0.3 * float(design.lift.std()))
        after = plans_after(task, test, best)
        money = np.array([z.reshape(task.levers.shape)[place].sum() for z in after])
        # the last result is the largest lift: good news of money added, bad of going dark
        news = np.sign(test.change) * (money[-1] - money[0])
        assert news >= -1e-6
        moved.append(news)
    assert max(moved) > 1.0
