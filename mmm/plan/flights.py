"""Smallest flights: a channel's money in a period is nothing, or at least so much.

Which periods are on is a combinatorial choice. Whether any choice meets the constraints is settled
by mixed-integer linear programming (HiGHS), which gives the one nearest to the plan solved for
without the rule. From there a heuristic: switch a period on or off, or move a flight, as long as
that makes the plan better.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmm.config import PlanSettings
from mmm.errors import input_error
from mmm.plan.constraints import Region, narrowed, nearest
from mmm.plan.feasible import INFEASIBLE, SECONDS, least_flights, nearest_flights
from mmm.plan.levers import Levers
from mmm.plan.search import Problem
from mmm.plan.solve import Solution, climb, polish

ROUNDS = 12
"""Changes of flights at most."""
TRIED = 4
"""Changes of a round that are solved for, the most promising first."""


def keep_flights(task: Problem, settings: PlanSettings, found: Solution) -> Solution:
    """The best plan found that keeps to the smallest flights of `settings`.

    Raises `InputError` where no choice of periods was found that meets every constraint.
    """
    least = least_flights(task.levers, settings)
    on, _ = nearest_flights(task.region, least, found.z)
    if on is None:
        raise input_error(
            INFEASIBLE, "plan.min_flight",
            f"no choice of periods that meets every constraint was found in {SECONDS:g} seconds.",
            "Lower 'min_flight', or widen bounds and pacing.",
        )  # fmt: skip
    best = _solved(task, least, on, found.z)
    for _ in range(ROUNDS):
        better = _improved(task, least, on, best)
        if better is None:
            break
        best, on = better
    return best


def _improved(
    task: Problem, least: np.ndarray, on: np.ndarray, best: Solution
) -> tuple[Solution, np.ndarray] | None:
    """A better plan with flights changed in one place, None where none was found."""
    promising = []
    for tried in _changes(task.levers, least, on):
        held = _held(task.region, least, tried)
        if held is None:
            continue
        start = nearest(held, best.z)
        promising.append((task.rough_objective.score(task.rough.values(start)[0]), tried, held,
                          start))  # fmt: skip
    promising.sort(key=lambda one: -one[0])
    for _, tried, held, start in promising[:TRIED]:
        rough = climb(task.rough, task.rough_objective, held, start, steps=30)[0]
        if task.objective.score(task.valuation.values(rough)[0]) <= best.score:
            continue
        other = polish(task.valuation, task.objective, held, rough)
        if other.score > best.score:
            return other, tried
    return None


def _changes(levers: Levers, least: np.ndarray, on: np.ndarray) -> Iterator[np.ndarray]:
    """Every flight switched by itself, and every flight moved to the period before or after."""
    of, groups = levers.channel_of(), levers.groups
    for i in np.flatnonzero(least > 0).tolist():
        switched = on.copy()
        switched[i] = not on[i]
        yield switched
        for j in (i - groups, i + groups):
            if 0 <= j < len(on) and of[j] == of[i] and on[i] and not on[j]:
                moved = on.copy()
                moved[[i, j]] = False, True
                yield moved


def _held(region: Region, least: np.ndarray, on: np.ndarray) -> Region | None:
    """The region with flights in the periods `on`, None where it is empty."""
    lower = np.where(on, np.maximum(region.lower, least), region.lower)
    upper = np.where(on | (least == 0), region.upper, 0.0)
    return narrowed(region, lower, upper)


def _solved(task: Problem, least: np.ndarray, on: np.ndarray, start: np.ndarray) -> Solution:
    """The plan with flights in the periods `on`."""
    held = _held(task.region, least, on)
    if held is None:  # settled by programming, to its tolerance
        raise input_error(
            INFEASIBLE, "plan.min_flight",
            "the smallest flights fit the other constraints only to the last digit.",
            "Lower 'min_flight' a little, or widen bounds and pacing.",
        )  # fmt: skip
    return polish(task.valuation, task.objective, held, nearest(held, start))
