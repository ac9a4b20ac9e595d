"""The search for the best plan: what is asked, where it starts and how it is refined."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mmm.config import PlanSettings
from mmm.plan.constraints import (
    Region,
    brand_part,
    narrowed,
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
    SHIFTS,
    Solution,
    bound,
    channel_basis,
    climb,
    polish,
    random_plans,
    starting_plans,
)
from mmm.plan.target import measure_of, objective_of, valuation_of, with_noise_of
from mmm.plan.worth import Valuation, kept_draws
from mmm.results.blocks import thinned
from mmm.results.respond import Response

SEARCH_DRAWS = 250
"""Draws on which starts are explored."""
RANDOM_STARTS = 5
RANDOM_SEARCHED, RANDOM_REFINED = 40, 2
"""Random plans looked at, and the best of them that a careful objective is searched from."""
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
    if task.objective.careful:  # many plans are locally best in when they spend
        some = list(random_plans(region, RANDOM_SEARCHED, rng))
        starts_in_time = [*ranked, well_timed(task, ranked[0]), nearest(region, today)]
        starts_in_time += best_of(task, some, most=RANDOM_REFINED)
        refined = [_shifted(task, z, SHIFTS[0]) for z in starts_in_time]
        refined = [_shifted(task, z, SHIFTS[1]) for z in best_of(task, refined, most=POLISHED)]
        best = [*best_of(task, refined, POLISHED, CLOSE), ranked[0]]
    else:
        timed = [*ranked, *(well_timed(task, z) for z in ranked)]
        refined = [_shifted(task, z, 0.0) for z in timed]
        best = best_of(task, [*refined, *ranked], most=1)
    found = max(
        (polish(task.valuation, task.objective, region, z) for z in best),
        key=lambda one: one.score,
    )
    settled = with_noise_of(task.objective, task.valuation, made.money(found.z))
    if settled is not task.objective:
        found = polish(task.valuation, settled, region, found.z)
    return given_up(task, found) if task.objective.money else found


def given_up(task: Problem, found: Solution) -> Solution:
    """`found`, or a better plan that gives up a channel and with it fixed cost: a step that no
    gradient shows. Spending is not ended early for it, as if nothing came after the plan."""
    made, region, best = task.levers, task.region, found
    for place, channel in enumerate(made.chosen.tolist()):
        if made.prices.fixed[channel] <= 0.0 or not best.z.reshape(made.shape)[place].any():
            continue
        upper = region.upper.reshape(made.shape).copy()
        upper[place] = 0.0
        held = narrowed(region, region.lower, upper.ravel())
        if held is None:
            continue
        start = nearest(held, best.z)
        z = climb(task.rough, task.rough_objective, held, start, steps=30)[0]
        near = task.objective.score(task.valuation.values(z)[0])
        if near < best.score - CLOSE * abs(best.score):
            continue
        other = polish(task.valuation, task.objective, held, z)
        best = other if other.score > best.score else best
    if best is found:
        return found
    gap, price = bound(
        task.valuation, task.objective, region, best.z, task.objective.smoothings[-1]
    )
    return replace(best, gap=gap, price=price)


def _shifted(task: Problem, z: np.ndarray, part: float) -> np.ndarray:
    """The plan that plan z (n,) leads to on the searching draws, every decision shifted by a part
    of their mean."""
    shift = part * float(np.abs(z).mean())
    return climb(task.rough, task.rough_objective, task.region, z, steps=60, shift=shift)[0]


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
