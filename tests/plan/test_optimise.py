"""The optimiser against brute force through the response engine, and its refusals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mmm.errors import InputError
from mmm.plan.constraints import brand_part
from mmm.plan.forecast import incremental_value
from mmm.plan.money import prices, spending
from mmm.plan.objective import Objective, tail_mean
from mmm.plan.optimise import optimise
from mmm.plan.scenario import as_is
from mmm.results.ahead import baseline_walk, continued
from mmm.results.noise import noise_of_total
from mmm.results.outcome import baseline_predictor
from mmm.results.respond import channel_effect

THREE = (
    {"name": "tv", "role": "both", "costs": {"agency_fee": 0.1}},
    {"name": "search", "role": "tactical"},
    {"name": "posters", "role": "brand", "saturation": "michaelis_menten"},
)
STEPS = 120


@pytest.fixture(scope="module")
def read(make):
    """One period ahead, so that three amounts of money are all there is to decide."""
    return make.response(
        *THREE, draws=60, geos=2, active=1.0, plan={"horizon": 1},
        finance={"margin": 0.9, "horizon": 40},
    )  # fmt: skip


class Grid:
    """Profit and outcome of every division of the budget into `STEPS` parts, by the engine."""

    def __init__(self, read, budget):
        data = read.fit.panel.dataset
        window = data["media"].values
        today = data["spend"].values[-1]
        shares = today / today.sum(axis=0)
        worths, outcomes = [], []
        for channel in range(3):
            tail = 40
            silent = np.concatenate([window[:, :, channel], np.zeros((tail, 2))])
            base = channel_effect(read, channel, silent).total[:, :, -tail:]
            worth, outcome = [], []
            for step in range(STEPS + 1):
                spent = silent.copy()
                spent[len(window)] = budget * step / STEPS * shares[:, channel]
                change = channel_effect(read, channel, spent).total[:, :, -tail:] - base
                worth.append(0.9 * 2.0 * change.sum(axis=(1, 2)))
                outcome.append(change[:, :, 0].sum(axis=1))
            worths.append(np.array(worth))
            outcomes.append(np.array(outcome))
        parts = [p for p in itertools.product(range(STEPS + 1), repeat=2) if sum(p) <= STEPS]
        first, second = np.array(parts).T
        self.parts = np.stack([first, second, STEPS - first - second], axis=1)
        self.money = self.parts * (budget / STEPS)
        loading = np.array([1.1, 1.0, 1.0])
        gain = sum(worths[c][self.parts[:, c]] for c in range(3))
        self.profit = gain - (self.money @ loading)[:, None]
        self.window = sum(outcomes[c][self.parts[:, c]] for c in range(3))

    def best(self, score, allowed):
        return max(score(self, i) for i in np.flatnonzero(allowed))


@pytest.fixture(scope="module")
def budget(read):
    return float(read.fit.panel.dataset["spend"].values[-1].sum() * 1.1)


@pytest.fixture(scope="module")
def grid(read, budget):
    return Grid(read, budget)


def start_and_noise(read):
    """Outcome of the period ahead without spending, and its noise, by draw."""
    data = read.fit.panel.dataset
    usual = as_is(read.fit, 1)
    ahead = continued(read, usual.dates, usual.controls, usual.carried).last(1)
    window = data["media"].values
    total = baseline_predictor(read, ahead.rows, baseline_walk(read, ahead))
    for channel in range(3):
        silent = np.concatenate([window[:, :, channel], np.zeros((1, 2))])
        total = total + channel_effect(read, channel, silent).total[:, :, -1:]
    return total.sum(axis=(1, 2)), noise_of_total(read, total)


OBJECTIVES = {
    "expected_profit": {},
    "cvar": {"level": 0.8},
    "mean_variance": {"risk_aversion": 1.5},
    "probability_of_target": {},
}
CONSTRAINTS = {
    "none": {},
    "bounds": {"bounds": {"tv": (0.2, 0.7), "search": (0.9, 1.4), "posters": (0.0, 9.0)}},
    "brand": {"brand_share": (0.5, 0.6), "bounds": {"posters": (0.0, 9.0)}},
    "group": {"groups": ({"name": "paid", "channels": ("tv", "search"), "share": (0.3, 0.45)},),
              "bounds": {"posters": (0.0, 9.0)}},
    "flights": {"min_flight": {"search": 75.0, "tv": 75.0}, "bounds": {"posters": (0.0, 9.0)}},
}  # fmt: skip


def allowed(read, money, options, today, seen, slack=0.0):
    """Which divisions (N, 3) keep to the settings, by their words."""
    good = np.ones(len(money), dtype=bool)
    for c, name in enumerate(("tv", "search", "posters")):
        low, high = options.get("bounds", {}).get(name, (0.0, 2.0))
        good &= (money[:, c] >= low * today[c] - slack) & (money[:, c] <= high * today[c] + slack)
        good &= money[:, c] <= max(high * today[c], seen[c]) + slack
    total = money.sum(axis=1)
    if "brand_share" in options:
        part = money @ brand_part(read) / total
        good &= (part >= 0.5 - slack) & (part <= 0.6 + slack)
    if "groups" in options:
        part = money[:, :2].sum(axis=1) / total
        good &= (part >= 0.3 - slack) & (part <= 0.45 + slack)
    for name, least in options.get("min_flight", {}).items():
        spent = money[:, ("tv", "search", "posters").index(name)]
        good &= (spent <= slack) | (spent >= least - slack)
    return good


@pytest.mark.parametrize("constraint", list(CONSTRAINTS))
@pytest.mark.parametrize("kind", list(OBJECTIVES))
def test_within_a_thousandth_of_brute_force(read, grid, budget, make, kind, constraint):
    spend = read.fit.panel.dataset["spend"].values.sum(axis=1)
    options = dict(CONSTRAINTS[constraint])
    start, noise = start_and_noise(read)
    target = float(np.median(start + grid.window.mean(axis=0)))
    objective = Objective(kind, target=target, start=start, noise=noise, **OBJECTIVES[kind])
    draws = grid.window if kind == "probability_of_target" else grid.profit
    scores = np.array([objective.score(row) for row in draws])
    good = allowed(read, grid.money, options, spend[-1], spend.max(axis=0))
    assert good.any()
    extra = {"target": target} if kind == "probability_of_target" else {}
    found = optimise(
        read,
        make.settings(horizon=1, budget=budget, objective=kind, **OBJECTIVES[kind], **options,
                      **extra),
    )  # fmt: skip
    best, worst = scores[good].max(), scores[good].min()
    assert found.status.score >= best - 1e-3 * max(abs(best), best - worst)
    assert found.money.sum() == pytest.approx(budget, rel=1e-9)
    mine = found.money.sum(axis=(0, 1))[None]
    assert allowed(read, mine, options, spend[-1], spend.max(axis=0), slack=1e-5).all()
    if kind != "probability_of_target":
        assert found.status.score == pytest.approx(objective.score(found.profit), rel=1e-9)
    assert found.status.beats_random


def test_where_effects_multiply_too(make):
    read = make.response(
        *THREE, draws=30, geos=1, active=1.0, likelihood="lognormal", plan={"horizon": 1},
        finance={"margin": 0.9, "horizon": 20},
    )  # fmt: skip
    at = prices(read.fit)
    budget = float(at.today.sum() * 1.2)
    steps, best = 24, -np.inf
    caps = [2.0 * at.totals[c] for c in range(3)]
    for parts in itertools.product(range(steps + 1), repeat=2):
        money = budget * np.array([*parts, steps - sum(parts)]) / steps
        if (money < 0).any() or (money > caps).any():
            continue
        plan = spending(at, money[None, None, :], "tried")
        profit = 0.9 * incremental_value(read, plan, 20).sum(axis=1) - plan.cost.sum()
        best = max(best, tail_mean(profit, 0.9)[0])
    found = optimise(read, make.settings(horizon=1, budget=budget, objective="cvar"))
    assert found.status.score >= best - 1e-3 * abs(best)
    assert found.status.converged


def refused(read, make, **options):
    with pytest.raises(InputError) as refusal:
        optimise(read, make.settings(horizon=1, **options))
    (finding,) = refusal.value.findings
    return finding


def test_a_budget_that_bounds_cannot_meet_is_refused_by_name(read, make, budget):
    bounds = {"tv": (0.0, 0.5), "search": (0.0, 0.5), "posters": (0.0, 0.5)}
    finding = refused(read, make, budget=budget, bounds=bounds)
    assert finding.where == "plan.budget, plan.bounds.tv, plan.bounds.search, plan.bounds.posters"
    assert f"{0.5 * budget / 1.1:,.0f}" in finding.message
    # the same bounds with one channel free are no conflict
    optimise(read, make.settings(horizon=1, budget=budget, bounds={**bounds, "tv": (0.0, 9.0)}))


def test_only_the_constraints_in_conflict_are_named(read, make, budget):
    finding = refused(
        read, make, budget=budget, brand_share=(0.9, 1.0), bounds={"search": (1.2, 1.3)},
        groups=({"name": "paid", "channels": ("tv",), "spend": (0.0, 1e6)},),
    )  # fmt: skip
    assert "plan.brand_share" in finding.where
    assert "plan.groups.paid" not in finding.where
    finding = refused(read, make, budget=budget, min_flight={"tv": 1e6}, bounds={"tv": (0.9, 9.0)})
    assert finding.where == "plan.min_flight.tv"
    finding = refused(read, make, fixed=("tv", "search", "posters"))
    assert finding.where == "plan.fixed"


def test_fixed_channels_and_effort_stay_and_money_adds_up(make):
    read = make.response(draws=20)
    found = optimise(read, make.settings(fixed=("search",), budget=2500.0, pacing=0.2))
    at = found.levers.prices
    np.testing.assert_array_equal(found.money[:, :, 1], at.today[:, :, 1])
    assert found.money.sum() == pytest.approx(2500.0)
    steps = np.abs(np.diff(found.money.sum(axis=1), axis=0))
    mean = found.money.sum(axis=(0, 1)) / 6
    free = [0, 2, 3]
    assert (steps[:, free] <= 0.2 * mean[free] + 1e-6).all()
    # effort is media, and no spend
    assert (found.plan.spend[:, :, 3] == 0).all()
    np.testing.assert_allclose(found.plan.media[:, :, 3] * 4.0, found.money[:, :, 3])


def test_money_may_be_left_unspent(make):
    read = make.response(*THREE, draws=20, finance={"margin": 0.02, "horizon": 60})
    spent = optimise(read, make.settings())
    kept = optimise(read, make.settings(spend_all=False))
    assert kept.money.sum() < 0.2 * spent.money.sum()
    assert kept.profit.mean() > spent.profit.mean()


def test_geos_set_free_do_no_worse(make):
    read = make.response(*THREE, draws=20, geos=3)
    held = optimise(read, make.settings())
    free = optimise(read, make.settings(free_geos=True))
    assert free.status.score >= held.status.score


def test_a_plan_beyond_the_data_says_so(make):
    read = make.response(*THREE, draws=20)
    at = prices(read.fit)
    far = optimise(read, make.settings(budget=float(at.today.sum()) * 3, bounds={"tv": (5.0, 8.0)}))
    (finding,) = [f for f in far.findings if f.where == "plan: tv"]
    assert finding.check == "plan_support"
    assert "6 of 6 planned periods" in finding.message
