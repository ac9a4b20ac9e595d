"""What a plan must keep to, as linear constraints on its decisions, each with its source.

A region of plans is { z : lower <= z <= upper, low <= A z <= high }. Sources are the keys of the
study file that a bound or row comes from, so that a conflict can be named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import OptimizeResult, linprog

from mmm.config import PlanSettings, Role
from mmm.errors import InputError, input_error
from mmm.inference.fit import Fit
from mmm.model import curves
from mmm.plan.levers import Levers
from mmm.plan.levers import levers as levers_on
from mmm.plan.money import Prices
from mmm.plan.scenario import money_of
from mmm.results.respond import Response

BOUNDS = (0.0, 2.0)
"""Multiples of today's money that a channel may take where the study states none."""


@dataclass(frozen=True, slots=True)
class Region:
    """lower, upper (n,) with their sources (n,); matrix (m, n) with low, high (m,) and sources."""

    lower: np.ndarray
    upper: np.ndarray
    bound_sources: tuple[str, ...]
    matrix: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sources: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.lower)

    def without(self, dropped: Iterable[str]) -> Region:
        """The same without everything from the sources `dropped`; money stays above zero."""
        gone = set(dropped)
        rows = np.array([source not in gone for source in self.sources], dtype=bool)
        free = np.array([source in gone for source in self.bound_sources], dtype=bool)
        return Region(
            np.where(free, 0.0, self.lower),
            np.where(free, np.inf, self.upper),
            self.bound_sources,
            self.matrix[rows],
            self.low[rows],
            self.high[rows],
            tuple(source for source in self.sources if source not in gone),
        )

    def holds(self, z: np.ndarray, tolerance: float) -> bool:
        """Whether z (n,) keeps to everything, `tolerance` in money."""
        across = self.matrix @ z
        return bool(
            (z >= self.lower - tolerance).all()
            and (z <= self.upper + tolerance).all()
            and (across >= self.low - tolerance).all()
            and (across <= self.high + tolerance).all()
        )

    def active(self, z: np.ndarray, tolerance: float) -> tuple[str, ...]:
        """Sources whose limit z (n,) stands at, in their order, each once."""
        across = self.matrix @ z
        found = [
            f"{source} ({'upper' if high else 'lower'} limit)"
            for source, value, low, top in zip(
                self.sources, across, self.low, self.high, strict=True
            )
            if low < top
            for high, limit in ((False, low), (True, top))
            if abs(value - limit) <= tolerance
        ]
        at_top = np.isfinite(self.upper) & (z >= self.upper - tolerance)
        found += [
            f"{self.bound_sources[i]} (largest period)" for i in np.flatnonzero(at_top)
            if self.upper[i] > self.lower[i]
        ]  # fmt: skip
        return tuple(dict.fromkeys(found))

    def with_rows(self, rows: np.ndarray, low: float, high: float, source: str) -> Region:
        """The same with one row more, (n,)."""
        return replace(
            self,
            matrix=np.vstack([self.matrix, rows]),
            low=np.append(self.low, low),
            high=np.append(self.high, high),
            sources=(*self.sources, source),
        )


def best_linear(region: Region, gain: np.ndarray) -> OptimizeResult:
    """The plan of the region with the largest `gain` (n,) @ z, by linear programming (HiGHS)."""
    matrix, low, high = region.matrix, region.low, region.high
    equal = low == high
    upper, lower = ~equal & np.isfinite(high), ~equal & np.isfinite(low)
    return linprog(
        -gain,
        A_ub=np.vstack([matrix[upper], -matrix[lower]]),
        b_ub=np.concatenate([high[upper], -low[lower]]),
        A_eq=matrix[equal],
        b_eq=low[equal],
        bounds=np.stack([region.lower, region.upper], axis=1),
        method="highs",
    )


def narrowed(region: Region, lower: np.ndarray, upper: np.ndarray) -> Region | None:
    """The region with other bounds (n,), None where no plan keeps to them."""
    held = replace(region, lower=lower, upper=upper)
    if (lower > upper).any() or best_linear(held, np.zeros(region.size)).status != 0:
        return None
    return held


def nearest(region: Region, wanted: np.ndarray) -> np.ndarray:
    """The plan of the region with the least money moved from `wanted` (n,)."""
    size = region.size
    apart = np.hstack([np.eye(size), -np.eye(size)])
    doubled = Region(
        np.concatenate([region.lower, np.zeros(size)]),
        np.concatenate([region.upper, np.full(size, np.inf)]),
        (),
        np.vstack([
            np.hstack([region.matrix, np.zeros_like(region.matrix)]),
            apart,
            np.hstack([np.eye(size), np.eye(size)]),
        ]),
        np.concatenate([region.low, np.full(size, -np.inf), wanted]),
        np.concatenate([region.high, wanted, np.full(size, np.inf)]),
        (),
    )  # fmt: skip
    found = best_linear(doubled, np.concatenate([np.zeros(size), -np.ones(size)]))
    if found.status != 0:
        raise conflict(region)
    return np.clip(found.x[:size], region.lower, region.upper)


def require_feasible(region: Region) -> None:
    """Raises `InputError` that names the constraints in conflict where no plan keeps to all."""
    if (region.lower > region.upper).any() or best_linear(
        region, np.zeros(region.size)
    ).status == 2:
        raise conflict(region)


def conflict(region: Region) -> InputError:
    """The smallest set of constraints found that cannot hold together (a deletion filter), and
    what total the others allow."""
    dropped: set[str] = set()
    for source in dict.fromkeys((*region.sources, *region.bound_sources)):
        if _impossible(region.without({*dropped, source})):
            dropped.add(source)
    names = [s for s in dict.fromkeys((*region.sources, *region.bound_sources)) if s not in dropped]
    message = f"no plan can keep to {' and '.join(names)} together."
    if "plan.budget" in names:
        place = region.sources.index("plan.budget")
        rest = region.without({"plan.budget"})
        total = region.matrix[place]
        least, most = best_linear(rest, -total), best_linear(rest, total)
        if least.status == 0 and most.status == 0:
            wanted = region.low[place]
            wanted = wanted if np.isfinite(wanted) else region.high[place]
            message += (
                f" Channels that are free to move would have to take {wanted:,.0f} in all; the "
                f"rest of the constraints allow {max(0.0, least.fun):,.0f} to "
                f"{max(0.0, -most.fun):,.0f}."
            )
    return input_error(
        "plan_infeasible",
        ", ".join(names),
        message,
        "Loosen one of them. A channel without bounds of its own may have "
        f"{BOUNDS[0]:g} to {BOUNDS[1]:g} times today's money.",
    )


def _impossible(region: Region) -> bool:
    if (region.lower > region.upper).any():
        return True
    return best_linear(region, np.zeros(region.size)).status == 2


def region_of(
    fit: Fit,
    levers: Levers,
    settings: PlanSettings,
    budget: float | None,
    brand: np.ndarray | None,
) -> Region:
    """The region of `settings`; `budget` is money over the horizon, all channels together (None:
    free). `brand` (C,) is how much of a channel's money builds brand; where it is not known yet,
    None, the brand share is left out."""
    names, chosen = fit.panel.channels, levers.chosen
    totals, of = levers.prices.totals, levers.channel_of()
    caps = _caps(fit, levers, settings)
    region = Region(
        np.zeros(levers.size), caps, tuple(f"plan.bounds.{names[c]}" for c in of),
        np.empty((0, levers.size)), np.empty(0), np.empty(0), (),
    )  # fmt: skip
    rest = levers.rest.sum(axis=(0, 1))
    if budget is not None:
        left = budget - float(rest.sum())
        low = left if settings.spend_all else -np.inf
        region = region.with_rows(np.ones(levers.size), low, left, "plan.budget")
    for channel in chosen.tolist():
        low, high = settings.bounds.get(names[channel], BOUNDS)
        region = region.with_rows(
            (of == channel).astype(float), low * totals[channel], high * totals[channel],
            f"plan.bounds.{names[channel]}",
        )  # fmt: skip
    if settings.brand_share is not None and brand is not None:
        part = brand
        for limit, sign in zip(settings.brand_share, (1.0, -1.0), strict=True):
            low = -sign * float((part - limit) @ rest)
            region = region.with_rows(sign * (part - limit)[of], low, np.inf, "plan.brand_share")
    for group in settings.groups:
        inside = np.array([name in group.channels for name in names], dtype=float)
        source = f"plan.groups.{group.name}"
        if group.share is not None:
            for limit, sign in zip(group.share, (1.0, -1.0), strict=True):
                low = -sign * float((inside - limit) @ rest)
                region = region.with_rows(sign * (inside - limit)[of], low, np.inf, source)
        if group.spend is not None:
            have = float(inside @ rest)
            region = region.with_rows(
                inside[of], group.spend[0] - have, group.spend[1] - have, source
            )
    if settings.pacing is not None:
        region = _paced(region, levers, settings.pacing)
    return region


def role_part(role: Role) -> float | None:
    """How much of a channel's money builds brand: all of it, nothing, or (None) as it turns out."""
    return {Role.BRAND: 1.0, Role.TACTICAL: 0.0}.get(role)


def brand_part(response: Response) -> np.ndarray:
    """How much of a channel's money builds brand, (C,): in role both, the posterior mean of the
    part of its effect that does."""
    split = response.table[:, :, curves.SPLIT].mean(axis=0)
    parts = [role_part(channel.role) for channel in response.fit.study.channels]
    return np.array([split[i] if part is None else part for i, part in enumerate(parts)])


def seen_money(fit: Fit) -> np.ndarray:
    """Money of every period of the window, effort at its unit cost, (T, G, C)."""
    data = fit.panel.dataset
    return money_of(fit, data["media"].values, data["spend"].values)


def _caps(fit: Fit, levers: Levers, settings: PlanSettings) -> np.ndarray:
    """Money of a block at most, (n,): in each period the largest one seen, or the channel's upper
    multiple of today's mean period where that is more."""
    seen = seen_money(fit)
    caps = np.empty(levers.shape)
    for place, channel in enumerate(levers.chosen.tolist()):
        multiple = settings.bounds.get(fit.panel.channels[channel], BOUNDS)[1]
        peaks = [seen[:, :, channel], multiple * levers.prices.today[:, :, channel]]
        if levers.groups == 1:
            peaks = [one.sum(axis=1, keepdims=True) for one in peaks]
        peak = np.maximum(peaks[0].max(axis=0), peaks[1].mean(axis=0))
        caps[place] = levers.lengths[:, None] * peak[None, :]
    return caps.ravel()


def _paced(region: Region, levers: Levers, pacing: float) -> Region:
    """Money of a channel moves between neighbouring periods by at most `pacing` times its mean
    period in the plan."""
    channels, blocks, _ = levers.shape
    horizon = len(levers.block)
    for place in range(channels):
        for b in range(1, blocks):
            step, mean = np.zeros(levers.shape), np.zeros(levers.shape)
            step[place, b] = 1.0 / levers.lengths[b]
            step[place, b - 1] = -1.0 / levers.lengths[b - 1]
            mean[place] = pacing / horizon
            for sign in (1.0, -1.0):
                region = region.with_rows((mean - sign * step).ravel(), 0.0, np.inf, "plan.pacing")
    return region


def planned_levers(fit: Fit, settings: PlanSettings, at: Prices) -> Levers:
    """Levers on the channels that `settings` leave free. Raises `InputError` where none is."""
    names = fit.panel.channels
    fixed = frozenset(names.index(name) for name in settings.fixed)
    made = levers_on(at, fixed, free_geos=settings.free_geos)
    if not made.size:
        raise input_error(
            "plan_nothing_to_move",
            "plan.fixed",
            "no channel is free to move: all are fixed or have no price.",
            "Leave a channel with spend, or with 'costs.unit_cost', out of 'fixed'.",
        )
    return made
