"""The optimiser: the plan a study's settings ask for, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.config import PlanSettings
from mmm.errors import Finding
from mmm.plan.constraints import Region
from mmm.plan.feasible import require_flights
from mmm.plan.flights import keep_flights
from mmm.plan.levers import Levers
from mmm.plan.money import prices, spending
from mmm.plan.profit import profit_findings
from mmm.plan.reach import within_reach
from mmm.plan.scenario import Scenario, as_is
from mmm.plan.search import RANDOM_PLANS, RANDOM_STARTS, Problem, problem, solve
from mmm.plan.solve import CONVERGED, Solution, random_plans
from mmm.plan.support import support_findings
from mmm.plan.target import valuation_of, with_noise_of
from mmm.plan.worth import profit_measure
from mmm.results.respond import Response


@dataclass(frozen=True, slots=True)
class Status:
    """Whether the plan is as good as claimed.

    score, score_today and score_random (the best of `random_plans`, on the draws that starts are
    explored on): the objective. today_allowed: whether today's plan keeps to the constraints.
    gap: what a first-order bound leaves to gain. price: what one more unit of budget would add
    to the objective. active: the constraints that the plan stands at.
    """

    converged: bool
    message: str
    score: float
    score_today: float
    today_allowed: bool
    score_random: float
    random_plans: int
    beats_today: bool
    beats_random: bool
    gap: float
    price: float | None
    active: tuple[str, ...]
    starts: int
    steps: int


@dataclass(frozen=True, slots=True)
class Optimum:
    """A recommended plan beside today's at the same prices.

    z (n,) decisions; money (H, G, C). profit and profit_today (D,): see `profit_measure`.
    """

    settings: PlanSettings
    budget: float | None
    levers: Levers
    region: Region
    z: np.ndarray
    money: np.ndarray
    plan: Scenario
    today: Scenario
    status: Status
    profit: np.ndarray
    profit_today: np.ndarray
    findings: tuple[Finding, ...]


def optimise(
    response: Response, settings: PlanSettings | None = None, base: Scenario | None = None
) -> Optimum:
    """The plan with the best objective that keeps to every constraint of `settings` (the study's
    where left out). `base` is what today's plan is taken to be, `as_is` by default.

    The budget is money over the horizon: media spend, and effort at its unit cost, of all
    channels; today's where none is stated. Raises `InputError` for constraints in conflict.
    """
    settings = settings or response.fit.study.plan
    at = prices(response.fit, base or as_is(response.fit, prices=settings.prices))
    budget = settings.budget if settings.budget is not None else float(at.today.sum())
    return optimum_of(problem(response, settings, budget, at), settings, budget)


def chosen_scenario(response: Response, scenario: Scenario | None = None) -> Scenario:
    """The plan that the fit's study asks for: optimised, `scenario`, or its last periods again."""
    settings = response.fit.study.plan
    if settings.optimised:
        return optimise(response, settings).plan
    return scenario or as_is(response.fit, settings.horizon)


def optimum_of(task: Problem, settings: PlanSettings, budget: float | None) -> Optimum:
    """Solves a problem and compares the plan with today's and with random ones."""
    require_flights(task.region, task.levers, settings)
    found, reach_findings = within_reach(task, settings, budget, solve(task))
    if settings.min_flight:
        found = keep_flights(task, settings, found)
    made, region, response = task.levers, task.region, task.response
    profit = (
        task.valuation if task.objective.money
        else valuation_of(response, made, profit_measure(response, made))
    )  # fmt: skip
    today = made.decisions(made.prices.today)
    money = made.money(found.z)
    plan = spending(made.prices, money, "recommended", plan_words(made, settings, budget))
    return Optimum(
        settings=settings,
        budget=budget,
        levers=made,
        region=region,
        z=found.z,
        money=money,
        plan=plan,
        today=spending(made.prices, made.prices.today, "today", made.prices.base.statements),
        status=status_of(task, found, today),
        profit=profit.values(found.z)[0],
        profit_today=profit.of_money(made.prices.today),
        findings=(
            *reach_findings,
            *support_findings(response.fit, made, found.z),
            *profit_findings(response.fit),
        ),
    )


def status_of(task: Problem, found: Solution, today: np.ndarray) -> Status:
    """How the plan found compares."""
    made = task.levers
    objective = with_noise_of(task.objective, task.valuation, made.money(found.z))
    worth = task.valuation.values(found.z)[0]
    score = objective.score(worth)
    now = made.prices.today
    today_score = with_noise_of(task.objective, task.valuation, now).score(
        task.valuation.of_money(now)
    )
    rng = np.random.default_rng([task.response.fit.study.inference.seed, 10])
    plans = random_plans(task.region, RANDOM_PLANS, rng)
    kept = np.linspace(0, len(worth) - 1, task.rough.draws).round().astype(int)
    rough_objective = objective.take(kept)
    random = [rough_objective.score(task.rough.values(z)[0]) for z in plans]
    mine = rough_objective.score(task.rough.values(found.z)[0])
    best_random = max(random, default=-np.inf)
    unit = max(1.0, float(np.abs(found.z).max()))
    size = max(abs(score), float(np.std(worth)) if objective.kind != "probability_of_target" else 0,
               1e-12)  # fmt: skip
    converged = bool(found.gap <= CONVERGED * size or objective.sure(score))
    allowed = task.region.holds(today, 1e-6 * unit)
    slack = 1e-6 * size
    return Status(
        converged=converged,
        message=found.message if converged else (
            f"{found.message}; a first-order bound leaves up to {found.gap:,.4g} to gain. "
            "Curves that are steep at first have several optima: compare with other bounds."
        ),
        score=score,
        score_today=today_score,
        today_allowed=allowed,
        score_random=best_random,
        random_plans=len(plans),
        beats_today=bool(score >= today_score - slack),
        beats_random=bool(mine >= best_random - slack),
        gap=found.gap,
        price=found.price,
        active=task.region.active(found.z, 1e-6 * unit),
        starts=RANDOM_STARTS + 2,
        steps=found.steps,
    )  # fmt: skip


def plan_words(made: Levers, settings: PlanSettings, budget: float | None) -> tuple[str, ...]:
    """What a plan's reader should know about how it was made."""
    horizon = made.prices.base.periods
    name = settings.objective or "expected_profit"
    kind = "profit in the worst draws" if name == "cvar" else name.replace("_", " ")
    total = "" if budget is None else f" of {budget:,.0f} in all"
    words = [f"Spending{total} over {horizon} periods is chosen for {kind}."]
    if made.groups == 1 and made.rest.shape[1] > 1:
        words.append("Geos keep their shares of a channel's money.")
    if made.blocks < horizon:
        words.append(f"Money is decided on in {made.blocks} blocks of periods, evenly within each.")
    if settings.min_flight:
        words.append(
            "Which periods have smallest flights is found by trying one change after the other."
        )
    return (*words, *made.prices.base.statements[1:])
