"""Smallest flights: a channel's money in a period is nothing, or at least so much.

Which periods are on is a combinatorial choice. The heuristic: solve without the rule; where a
period falls short of its flight, switch the weakest off and hold those nearest to it at the least;
solve again; then try the flip of each borderline period once and keep what helps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmm.config import PlanSettings
from mmm.errors import input_error
from mmm.plan.constraints import Region, best_linear, nearest
from mmm.plan.levers import Levers
from mmm.plan.objective import Objective
from mmm.plan.solve import Solution, polish
from mmm.plan.worth import Valuation

FLIPS = 12
"""Borderline decisions whose flip is tried."""


def least_flights(levers: Levers, settings: PlanSettings) -> np.ndarray:
    """Money of each decision at least, when it is not nothing, (n,)."""
    least = np.zeros(levers.shape)
    for place, channel in enumerate(levers.chosen.tolist()):
        flight = settings.min_flight.get(levers.prices.channels[channel], 0.0)
        least[place] = flight * levers.lengths[:, None]
    return least.ravel()


def keep_flights(valuation: Valuation, objective: Objective, region: Region, levers: Levers,
                 settings: PlanSettings, found: Solution) -> Solution:  # fmt: skip
    """The best plan found that keeps to the smallest flights of `settings`.

    Raises `InputError` where no choice of periods was found that meets every constraint.
    """
    least = least_flights(levers, settings)
    on = found.z >= 0.5 * least
    best = _solved(valuation, objective, region, least, on, found.z)
    while best is None and on.any():
        # nothing fits: give up the flight that is furthest from being worth its least
        ratio = np.where(on & (least > 0), found.z / np.maximum(least, 1e-300), np.inf)
        weakest = int(ratio.argmin())
        if not np.isfinite(ratio[weakest]):
            break
        on[weakest] = False
        best = _solved(valuation, objective, region, least, on, found.z)
    if best is None:
        raise input_error(
            "plan_infeasible", "plan.min_flight",
            "no choice of periods was found that meets the smallest flights and every other "
            "constraint.",
            "Lower 'min_flight', or widen bounds and pacing.",
        )  # fmt: skip
    closeness = np.abs(np.log(np.maximum(found.z, 1e-9 * least + 1e-300) / (least + 1e-300)))
    borderline = [i for i in np.argsort(closeness) if least[i] > 0][:FLIPS]
    for i in borderline:
        tried = on.copy()
        tried[i] = not tried[i]
        other = _solved(valuation, objective, region, least, tried, best.z)
        if other is not None and other.score > best.score:
            best, on = other, tried
    return best


def _solved(valuation: Valuation, objective: Objective, region: Region, least: np.ndarray,
            on: np.ndarray, start: np.ndarray) -> Solution | None:  # fmt: skip
    """The plan with flights in the periods `on`, None where there is none."""
    lower = np.where(on, np.maximum(region.lower, least), region.lower)
    upper = np.where(on | (least == 0), region.upper, 0.0)
    held = replace(region, lower=lower, upper=upper)
    if (lower > upper).any() or best_linear(held, np.zeros(region.size)).status != 0:
        return None
    return polish(valuation, objective, held, nearest(held, start))
