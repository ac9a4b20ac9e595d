"""Whether any plan keeps to the settings, as far as study and data alone can tell."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from mmm.config import PlanSettings, Role
from mmm.errors import input_error
from mmm.inference.fit import Fit
from mmm.plan.constraints import (
    Region,
    best_linear,
    planned_levers,
    region_of,
    require_feasible,
    role_part,
)
from mmm.plan.flights import least_flights
from mmm.plan.levers import Levers
from mmm.plan.money import prices
from mmm.plan.scenario import as_is

INFEASIBLE = "plan_infeasible"
IMPOSSIBLE = 2
"""What HiGHS calls a problem without a solution."""
SECONDS = 10.0
"""Time after which the choice of periods for flights is left to the search."""


def check_plan(fit: Fit, periods: int | None = None) -> None:
    """Raises `InputError` where no plan over `periods` (the study's horizon where left out) can
    keep to the study's constraints, as far as that is known without a posterior: `fit` may have
    no draws. What a brand share asks of channels that build brand and sell now is only known
    after fitting."""
    settings = fit.study.plan
    if not settings.optimised:
        return
    made = planned_levers(fit, settings, prices(fit, as_is(fit, periods)))
    _refuse_brandless(fit, settings)
    known = [role_part(channel.role) for channel in fit.study.channels]
    brand = None if None in known else np.array(known, dtype=float)
    budget = settings.budget if settings.budget is not None else float(made.prices.today.sum())
    region = region_of(fit, made, settings, budget, brand)
    require_feasible(region)
    require_flights(region, made, settings)


def _refuse_brandless(fit: Fit, settings: PlanSettings) -> None:
    """Raises `InputError` where a part of money is to build brand and no channel does."""
    share = settings.brand_share
    if share is None or any(c.role is not Role.TACTICAL for c in fit.study.channels):
        return
    raise input_error(
        INFEASIBLE,
        "plan.brand_share",
        f"asks for {share[0]:g} to {share[1]:g} of money to build brand, and no channel has the "
        "role 'brand' or 'both'.",
        "Give the channels that build brand their role, or leave 'brand_share' out.",
    )


def require_flights(region: Region, levers: Levers, settings: PlanSettings) -> None:
    """Raises `InputError` where a smallest flight is more than its channel may have in a period or
    in all, or where no choice of periods keeps to all flights and every other constraint."""
    if not settings.min_flight:
        return
    least = least_flights(levers, settings)
    of = levers.channel_of()
    lengths = np.broadcast_to(levers.lengths[:, None], levers.shape).ravel()
    for name, flight in settings.min_flight.items():
        mine = of == levers.prices.channels.index(name)
        if not mine.any():
            continue
        most = float((region.upper[mine] / lengths[mine]).max())
        found = best_linear(region, mine.astype(float))
        whole = float(-found.fun) if found.status == 0 else np.inf
        needed = float(least[mine].min())
        if flight > most * (1.0 + 1e-9) or needed > whole * (1.0 + 1e-9):
            why = (
                f"no period may have more than {most:,.0f}" if flight > most
                else f"budget and bounds leave it {whole:,.0f} in all"
            )  # fmt: skip
            raise input_error(
                INFEASIBLE,
                f"plan.min_flight.{name}",
                f"a flight of {flight:,.0f} a period can never be had: {why}.",
                f"Lower it, or raise 'plan.bounds.{name}' or the budget.",
            )
    if _no_choice(region, least):
        raise input_error(
            INFEASIBLE,
            "plan.min_flight",
            "no choice of periods meets the smallest flights and every other constraint.",
            "Lower 'min_flight', or widen bounds, pacing and groups.",
        )


def _no_choice(region: Region, least: np.ndarray) -> bool:
    """Whether switching decisions off, or holding them at `least` (n,) or more, never meets the
    region: z and one switch y of 0 or 1 for each, by mixed-integer programming (HiGHS)."""
    size, flown = region.size, np.flatnonzero(least > 0)
    count = len(flown)
    pick = np.zeros((count, size))
    pick[np.arange(count), flown] = 1.0
    top = np.minimum(region.upper[flown], 1e15)
    rows = [
        LinearConstraint(
            np.hstack([region.matrix, np.zeros((len(region.matrix), count))]),
            region.low, region.high,
        ),
        LinearConstraint(np.hstack([pick, -np.diag(least[flown])]), 0.0, np.inf),
        LinearConstraint(np.hstack([pick, -np.diag(top)]), -np.inf, 0.0),
    ]  # fmt: skip
    found = milp(
        np.zeros(size + count),
        constraints=rows,
        integrality=np.concatenate([np.zeros(size), np.ones(count)]),
        bounds=Bounds(
            np.concatenate([region.lower, np.zeros(count)]),
            np.concatenate([region.upper, np.ones(count)]),
        ),
        options={"time_limit": SECONDS},
    )
    return found.status == IMPOSSIBLE
