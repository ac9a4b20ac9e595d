"""The search for the best plan: what is asked, where it starts and how it is refined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.config import PlanSettings
from mmm.plan.constraints import (
    Region,
    brand_part,
    nearest,
    planned_levers,
    region_of,
    require_feasible,
)
from mmm.plan.flighting import known_patterns
from mmm.plan.levers import Levers
from mmm.plan.money import Prices, prices
from mmm.plan.objective import Objective
from mmm.plan.scenario import as_is
from mmm.plan.solve import (
    Solution,
    channel_basis,
    climb,
    polish,
    random_plans,
    refine,
    starting_plans,
)
from mmm.plan.target import measure_of, objective_of, valuation_of, with_noise_of
from mmm.plan.worth import Valuation, kept_draws
from mmm.results.blocks import thinned
from mmm.results.respond import Response

SEARCH_DRAWS = 250
"""Draws on which starts are explored."""
RANDOM_STARTS = 5
RANDOM_REFINED = 3
"""Random plans among those that a careful objective is searched from."""
POLISHED = 3
"""Plans at most that a careful objective is solved from on all draws: the best by the draws it is
searched on, and others within `CLOSE` of it, as a part of its score, which those rank less
surely."""
CLOSE = 0.01
FEWEST_TIMED = 3
"""Blocks of periods from which on timing is explored."""
RANDOM_PLANS = 100
"""Random plans that the recommended one is compared with."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything a solve needs, on all draws and on a part of them for searching."""

    response: Response
    levers: Levers
    region: Region
    valuation: Valuation
    objective: Objective
    rough: Valuation
    rough_objective: Objective


def problem(
    response: Response, settings: PlanSettings, budget: float | None, at: Prices | None = None
) -> Problem:
    """The problem of `settings` with `budget` in all (None: free). Raises `InputError` where no
    plan keeps to the constraints, with the conflict named."""
    fit = response.fit
    at = at or prices(fit, as_is(fit, prices=settings.prices))
    made = planned_levers(fit, settings, at)
    region = region_of(fit, made, settings, budget, brand_part(response))
    require_feasible(region)
    measure = measure_of(response, made, settings)
    objective = objective_of(response, made, settings)
    some, kept = thinned(response, SEARCH_DRAWS), kept_draws(response, SEARCH_DRAWS)
    return Problem(
        response,
        made,
        region,
        valuation_of(response, made, measure),
        objective,
        valuation_of(some, made, measure.take(kept)),
        objective.take(kept),
    )


def solve(task: Problem, starts: int = RANDOM_STARTS) -> Solution:
    """The best plan found from several starts: divisions of the money over channels, then its
    timing, then every decision by itself on all draws."""
    made, region = task.levers, task.region
    rng = np.random.default_rng([task.response.fit.study.inference.seed, 9])
    shares = made.prices.shares[:, made.chosen].T
    basis = channel_basis(
        made.shape, made.lengths, shares if made.groups > 1 else np.ones((len(made.chosen), 1))
    )
    today = made.decisions(made.prices.today)
    explored = []
    for start in starting_plans(region, basis, today, starts, rng):
        explored.append(start)
        even = basis @ (basis.T @ start / (basis**2).sum(axis=0))
        if region.holds(even, 1e-6 * max(1.0, float(np.abs(start).max()))):
            explored.append(
                climb(task.rough, task.rough_objective, region, even, basis, steps=60)[0]
            )
    ranked = best_of(task, explored, most=2)
    if task.objective.sure(task.rough_objective.score(task.rough.values(ranked[0])[0])):
        return polish(task.valuation, task.objective, region, ranked[0])
    timed = [*ranked, *(well_timed(task, z) for z in ranked)]
    if task.objective.careful:  # many plans are locally best in when they spend
        some = list(random_plans(region, RANDOM_PLANS, rng))
        timed += [nearest(region, today), *best_of(task, some, most=RANDOM_REFINED)]
    refined = [refine(task.rough, task.rough_objective, region, z, steps=60) for z in timed]
    most = POLISHED if task.objective.careful else 1
    best = best_of(task, [*refined, *ranked], most, CLOSE)
    if task.objective.careful:
        best.append(ranked[0])
    found = max(
        (polish(task.valuation, task.objective, region, z) for z in best),
        key=lambda one: one.score,
    )
    settled = with_noise_of(task.objective, task.valuation, made.money(found.z))
    if settled is not task.objective:
        found = polish(task.valuation, settled, region, found.z)
    return found


def well_timed(task: Problem, z: np.ndarray) -> np.ndarray:
    """The plan with each channel's money in the best of `known_patterns`, one channel after the
    other: an even plan may be a ridge that a local solver does not leave."""
    made = task.levers
    if made.blocks < FEWEST_TIMED:
        return z
    patterns = known_patterns(made.blocks)
    unit = 1e-6 * max(1.0, float(np.abs(z).max()))

    def score(plan: np.ndarray) -> float:
        return task.rough_objective.smooth(task.rough.values(plan)[0])[0]

    best, best_score = z.reshape(made.shape), score(z)
    for place in range(len(made.chosen)):
        totals = best[place].sum(axis=0)
        for pattern in patterns:
            tried = best.copy()
            tried[place] = pattern[:, None] * totals
            plan = tried.ravel()
            if not task.region.holds(plan, unit):
                continue
            value = score(plan)
            if value > best_score:
                best, best_score = tried, value
    return best.ravel()


def best_of(
    task: Problem, plans: list[np.ndarray], most: int, close: float = np.inf
) -> list[np.ndarray]:
    """The `most` best plans on the searching draws, all of them different, and within the part
    `close` of the best one's score."""
    scored = sorted(
        ((task.rough_objective.smooth(task.rough.values(z)[0])[0], i) for i, z in
         enumerate(plans)), reverse=True,
    )  # fmt: skip
    chosen: list[np.ndarray] = []
    for score, i in scored:
        if score < scored[0][0] - close * abs(scored[0][0]):
            break
        size = max(float(np.abs(plans[i]).sum()), 1e-12)
        if all(np.abs(plans[i] - z).sum() > 0.02 * size for z in chosen):
            chosen.append(plans[i])
        if len(chosen) == most:
            break
    return chosen
