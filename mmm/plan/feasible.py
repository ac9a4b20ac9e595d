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
    if nearest_flights(region, least, np.zeros(region.size))[1]:
        raise input_error(
            INFEASIBLE,
            "plan.min_flight",
            "no choice of periods meets the smallest flights and every other constraint.",
            "Lower 'min_flight', or widen bounds, pacing and groups.",
        )


def least_flights(levers: Levers, settings: PlanSettings) -> np.ndarray:
    """Money of each decision at least, when it is not nothing, (n,)."""
    least = np.zeros(levers.shape)
    for place, channel in enumerate(levers.chosen.tolist()):
        flight = settings.min_flight.get(levers.prices.channels[channel], 0.0)
        least[place] = flight * levers.lengths[:, None]
    return least.ravel()


def nearest_flights(
    region: Region, least: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray | None, bool]:
    """Which decisions spend (n,) in the plan of the region with flights of `least` (n,) that is
    nearest to `wanted` (n,), in money moved, and whether there is provably none; None where none
    was found in `SECONDS`. By mixed-integer linear programming (HiGHS)."""
    size = len(wanted)
    flown = np.flatnonzero(least > 0)
    unit = max(float(np.abs(wanted).max()), float(least.max()), 1e-12)
    most = np.where(np.isfinite(region.upper), region.upper, region.upper[np.isfinite(region.upper)]
                    .sum() + 10.0 * unit)  # fmt: skip
    # variables: plan, money moved up or down, and whether each flight is on
    eye, none = np.eye(size), np.zeros((size, len(flown)))
    pick = np.zeros((len(flown), size))
    pick[np.arange(len(flown)), flown] = 1.0
    apart = np.zeros((len(flown), size))
    rows = [
        (np.hstack([region.matrix, np.zeros((len(region.low), size + len(flown)))]),
         region.low / unit, region.high / unit),
        (np.hstack([eye, eye, none]), wanted / unit, np.full(size, np.inf)),
        (np.hstack([-eye, eye, none]), -wanted / unit, np.full(size, np.inf)),
        (np.hstack([pick, apart, -np.diag(least[flown] / unit)]), np.zeros(len(flown)),
         np.full(len(flown), np.inf)),
        (np.hstack([pick, apart, -np.diag(most[flown] / unit)]), np.full(len(flown), -np.inf),
         np.zeros(len(flown))),
    ]  # fmt: skip
    moved = np.full(size, np.inf)
    solved = milp(
        np.concatenate([np.zeros(size), np.ones(size), np.zeros(len(flown))]),
        integrality=np.concatenate([np.zeros(2 * size), np.ones(len(flown))]),
        bounds=Bounds(
            np.concatenate([region.lower / unit, np.zeros(size + len(flown))]),
            np.concatenate([region.upper / unit, moved, np.ones(len(flown))]),
        ),
        constraints=[LinearConstraint(*row) for row in rows],
        options={"time_limit": SECONDS, "mip_rel_gap": 1e-3},
    )
    if solved.x is None:
        return None, solved.status == IMPOSSIBLE
    on = np.ones(size, dtype=bool)
    on[flown] = solved.x[2 * size :] > 0.5
    return on, False
