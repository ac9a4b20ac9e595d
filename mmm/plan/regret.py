"""How wrong a plan may turn out: against today's, and against what each draw would have chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mmm.plan.constraints import nearest
from mmm.plan.draws import one_draw
from mmm.plan.objective import Objective
from mmm.plan.search import Problem
from mmm.plan.solve import climb

REGRET_DRAWS = 24
"""Draws that are asked for a plan of their own."""


@dataclass(frozen=True, slots=True)
class Regret:
    """What a plan forgoes in each of some draws, against the best plan found for that draw alone.

    draws (R,) says which; regret (R,) in the valuation's money; plans (R, n) the draws' own. A
    better plan of a draw may exist where curves are steep at first, so regret is a lower bound.
    """

    draws: np.ndarray
    regret: np.ndarray
    plans: np.ndarray


def regret_of(task: Problem, z: np.ndarray, draws: int = REGRET_DRAWS) -> Regret:
    """Regret of plan z (n,) within the problem's constraints; `task` counts profit."""
    kept = np.unique(np.linspace(0, task.valuation.draws - 1, draws).round().astype(int))
    worth = task.valuation.values(z)[0]
    mean = Objective("expected_profit")
    plans, lost = [], []
    starts = [(task.region, z)]
    made = task.levers
    given_up = z.reshape(made.shape).sum(axis=(1, 2)) == 0.0
    if (given_up & (made.prices.fixed[made.chosen] > 0.0)).any():
        # fixed cost is a step: without these channels, or with them from today's plan
        of = np.repeat(given_up, made.size // len(made.chosen))
        without = replace(task.region, upper=np.where(of, 0.0, task.region.upper))
        starts = [
            (without, z),
            (task.region, nearest(task.region, made.decisions(made.prices.today))),
        ]
    for draw in kept.tolist():
        alone = one_draw(task.valuation, draw)
        found = [climb(alone, mean, region, start, steps=60)[0] for region, start in starts]
        gained = [float(alone.values(own)[0][0]) for own in found]
        own = found[int(np.argmax(gained))]
        lost.append(max(0.0, max(gained) - worth[draw]))
        plans.append(own)
    return Regret(kept, np.array(lost), np.array(plans))
