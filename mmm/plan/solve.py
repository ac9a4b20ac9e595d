"""Solving: the plan of a region with the best objective, from several starts.

The objective is smooth but need not be concave (S-shaped curves), so that a local solver is
started from today's plan, from an even split and from random ones. Starts are explored by
channel totals on a part of the draws, the best are refined period by period, and the last solve
uses every draw. Sequential quadratic programming (Kraft, 1988; SciPy's SLSQP).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from mmm.plan.constraints import Region, best_linear, nearest
from mmm.plan.objective import SMOOTHING, Objective
from mmm.plan.worth import Valuation

STEPS = 200
TOLERANCE = 1e-9
SHIFTS = (1e-2, 1e-3, 1e-4)
"""Parts of the mean decision by which all are shifted, one after the other: a curve that is concave
from the start has no finite slope at nothing, and quadratic programming stops short beside it."""
RESTARTS = 2
"""Times the solver starts again from where it stopped, its curvature forgotten."""
CONVERGED = 1e-3
"""Improvement that a first-order bound may still leave, as a part of what is at stake."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A plan z (n,) and how it was found.

    score: the smooth objective; gap: how much more the linearised objective gains anywhere in
    the region, an upper bound of what is left to gain where the objective is concave
    (Frank and Wolfe, 1956); price: what one more unit of budget would add to the objective, None
    where the budget is free.
    """

    z: np.ndarray
    score: float
    gap: float
    price: float | None
    steps: int
    message: str


@lru_cache(maxsize=1)
def linear_algebra() -> ThreadpoolController:
    """What holds the threads of linear algebra."""
    return ThreadpoolController()


def evaluator(
    valuation: Valuation,
    objective: Objective,
    start: np.ndarray,
    part: float = SMOOTHING[0],
    shift: float = 0.0,
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Objective and gradient (n,) at decisions z (n,) with `shift` more money each, smoothed for
    plans like `start`; the last point is remembered."""
    objective = objective.smoothed_for(valuation.values(start)[0], part)
    known: dict[bytes, tuple[float, np.ndarray]] = {}

    def at(z: np.ndarray) -> tuple[float, np.ndarray]:
        key = z.tobytes()
        if key not in known:
            worth, gradient = valuation.values(z + shift)
            score, weights = objective.smooth(worth)
            known.clear()
            known[key] = score, weights @ gradient
        return known[key]

    return at


def climb(
    valuation: Valuation,
    objective: Objective,
    region: Region,
    start: np.ndarray,
    basis: np.ndarray | None = None,
    steps: int = STEPS,
    part: float = SMOOTHING[0],
    shift: float = 0.0,
) -> tuple[np.ndarray, float, int, str]:
    """A local optimum from `start` (n,), which lies in the region; within the span of `basis`
    (n, k) where given, whose columns are then what is decided on. With `shift` it is that of plans
    with so much more money in every decision, whose slopes are finite everywhere."""
    at = evaluator(valuation, objective, start, part, shift)
    if basis is None:
        basis, y = np.eye(len(start)), start.copy()
    else:
        y = np.linalg.lstsq(basis, start, rcond=None)[0]
    unit = max(float(np.abs(y).max()), 1e-12)
    first, slope = at(basis @ y)
    size = max(float(np.abs(slope @ basis).max()) * unit, 1e-12)
    matrix = region.matrix @ basis * unit
    scale = np.maximum(np.abs(matrix).max(axis=1, initial=0.0), 1e-12)
    matrix, low, high = matrix / scale[:, None], region.low / scale, region.high / scale
    equal = low == high
    below, above = ~equal & np.isfinite(low), ~equal & np.isfinite(high)
    one_sided = np.vstack([matrix[below], -matrix[above]])
    limits = np.concatenate([-low[below], high[above]])
    constraints = []
    if equal.any():
        constraints.append({
            "type": "eq", "fun": lambda u: matrix[equal] @ u - low[equal],
            "jac": lambda u: matrix[equal],
        })  # fmt: skip
    if len(limits):
        constraints.append({
            "type": "ineq", "fun": lambda u: one_sided @ u + limits, "jac": lambda u: one_sided,
        })  # fmt: skip
    # a column's bounds are the tightest of what it moves
    moved = np.where(basis > 0, basis, np.nan)
    lower = np.nanmax(region.lower[:, None] / moved, axis=0) / unit
    upper = np.nanmin(region.upper[:, None] / moved, axis=0) / unit
    bounds = np.stack([lower, np.maximum(upper, lower)], axis=1)

    def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
        score, gradient = at(basis @ (np.clip(u, bounds[:, 0], bounds[:, 1]) * unit))
        return -(score - first) / size, -(gradient @ basis) * unit / size

    with linear_algebra().limit(limits=1):  # threads make its small steps a hundred times slower
        found = minimize(
            loss, np.clip(y / unit, bounds[:, 0], bounds[:, 1]), jac=True, method="SLSQP",
            bounds=bounds, constraints=constraints,
            options={"maxiter": steps, "ftol": TOLERANCE},
        )  # fmt: skip
    z = np.clip(basis @ (np.clip(found.x, bounds[:, 0], bounds[:, 1]) * unit), region.lower,
                region.upper)  # fmt: skip
    if not region.holds(z, 1e-9 * unit):
        z = nearest(region, z)
    return z, at(z)[0], int(found.nit), str(found.message)


def channel_basis(
    shape: tuple[int, int, int], lengths: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Even plans: column k spends one unit of money on channel k, evenly over time and over groups
    by `shares` (K, Q); (n, K)."""
    channels, blocks, groups = shape
    even = lengths[:, None] / lengths.sum()
    basis = np.zeros((channels, blocks, groups, channels))
    for k in range(channels):
        basis[k, :, :, k] = even * shares[k]
    return basis.reshape(-1, channels)


def starting_plans(region: Region, basis: np.ndarray, today: np.ndarray, count: int,
                   rng: np.random.Generator) -> list[np.ndarray]:  # fmt: skip
    """Plans of the region to start from: near today's, even over channels, and `count` random
    divisions of the money."""
    total = max(float(today.sum()), 1.0)
    channels = basis.shape[1]
    wanted = [today, basis @ np.full(channels, total / channels)]
    wanted += [basis @ (total * part) for part in rng.dirichlet(np.ones(channels), count)]
    return [nearest(region, z) for z in wanted]


def certify(region: Region, z: np.ndarray, gradient: np.ndarray) -> tuple[float, float | None]:
    """The first-order gap at z (n,) and the shadow price of the budget."""
    scale = max(float(np.abs(gradient).max()), 1e-300)
    best = best_linear(region, gradient / scale)
    if best.status != 0:
        return float("inf"), None
    gap = max(0.0, float(-best.fun - gradient / scale @ z) * scale)
    price = None
    if "plan.budget" in region.sources:
        equal = region.low == region.high
        place = region.sources.index("plan.budget")
        if equal[place]:
            marginals = best.eqlin.marginals
            price = float(-marginals[int(equal[:place].sum())] * scale)
        else:
            upper = ~equal & np.isfinite(region.high)
            price = float(-best.ineqlin.marginals[int(upper[:place].sum())] * scale)
    return gap, price


def bound(
    valuation: Valuation, objective: Objective, region: Region, z: np.ndarray, part: float
) -> tuple[float, float | None]:
    """`certify`, and where slopes at nothing leave the gap wide, the least of those whose tangents
    are taken at plans with a little more money: no less true of a concave objective."""
    at = evaluator(valuation, objective, z, part)
    score, gradient = at(z)
    gap, price = certify(region, z, gradient)
    for step in SHIFTS[::-1] if gap > 0.01 * CONVERGED * abs(score) else ():
        shift = step * float(np.abs(z).mean())
        there, slope = at(z + shift)
        # the tangent's most, less what z has
        tangent = certify(region, z, slope)[0] - float(slope.sum()) * shift
        gap = min(gap, max(0.0, tangent + there - score))
    return gap, price


def polish(valuation: Valuation, objective: Objective, region: Region,
           start: np.ndarray) -> Solution:  # fmt: skip
    """The local optimum from `start`, with its certificate."""
    z, total = start, 0
    if objective.careful:
        z, _, total, _ = climb(
            valuation, objective, region, z, part=objective.smoothings[-1],
            shift=SHIFTS[-1] * float(np.abs(z).mean()),
        )  # fmt: skip
    for part in (*objective.smoothings, *objective.smoothings[-1:] * RESTARTS):
        before = z
        z, score, steps, message = climb(valuation, objective, region, z, part=part)
        total += steps
        gap, price = bound(valuation, objective, region, z, part)
        still = np.abs(z - before).sum() <= 1e-6 * np.abs(z).sum()
        if part == objective.smoothings[-1] and (still or gap <= 0.01 * CONVERGED * abs(score)):
            break
    return Solution(z, score, gap, price, total, message)


def random_plans(region: Region, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random plans of the region, (count, n): mixtures of its corners in random directions. Where
    the region has no end, of what lies within today's reach."""
    corners = []
    for _ in range(min(count, 24)):
        found = best_linear(region, rng.normal(size=region.size))
        if found.status == 0:
            corners.append(found.x)
    if not corners:
        return np.empty((0, region.size))
    parts = rng.dirichlet(np.full(len(corners), 0.3), count)
    return parts @ np.array(corners)
