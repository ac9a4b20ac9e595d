"""A peer's posterior in this library's curves, and the plan that this library finds on it.

PyMC-Marketing: geometric weights alpha^k over 8 lags that sum to one, then beta (1 - e^(-lam a)) /
(1 + e^(-lam a)), each channel and geo with parameters of its own. Meridian: the same weights over
its `max_lag` and one more, then a Hill curve, and an effect in each geo. Both are families of this
library: a Weibull survival of shape 1 is geometric and cut at a longest lag, and the logistic
curve is tanh(lam a / 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from peer_protocol import HORIZON, LARGEST

from mmm.model import curves
from mmm.model.planning import carried_levels, plan_draws
from mmm.plan.constraints import Region
from mmm.plan.levers import Levers, levers
from mmm.plan.money import Prices
from mmm.plan.objective import Objective
from mmm.plan.scenario import Scenario
from mmm.plan.search import Problem, solve
from mmm.plan.worth import Measure

SEARCH_DRAWS = 250
"""Draws that starts are explored on, as the library does."""


@dataclass(frozen=True)
class PeerChannel:
    """One decision of a peer: table (D, columns) of natural parameters, family of saturation, lags,
    carried (D, L, G) adstock of earlier spending, effect (D, G), unit (G,) scaled media per
    money."""

    table: np.ndarray
    saturation: int
    lags: int
    carried: np.ndarray
    effect: np.ndarray
    unit: np.ndarray

    def take(self, kept: np.ndarray) -> PeerChannel:
        return PeerChannel(
            self.table[kept], self.saturation, self.lags, self.carried[kept], self.effect[kept],
            self.unit,
        )  # fmt: skip


@dataclass(frozen=True)
class PeerValuation:
    """Outcome of a peer's response over `periods` from the plan's first, as a valuation."""

    levers: Levers
    channels: tuple[PeerChannel, ...]
    periods: int
    measure: Measure
    response: Any = None

    @property
    def draws(self) -> int:
        return len(self.channels[0].table)

    def take(self, kept: np.ndarray) -> PeerValuation:
        some = tuple(one.take(kept) for one in self.channels)
        return PeerValuation(self.levers, some, self.periods, self.measure, self.response)

    def values(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        parts = self._parts(self.levers.money(z))
        gradient = [self.levers.by_block(slope) for _, slope in parts]
        return np.sum([value for value, _ in parts], axis=0), np.concatenate(gradient, axis=1)

    def of_money(self, money: np.ndarray) -> np.ndarray:
        return np.sum([value for value, _ in self._parts(money)], axis=0)

    def _parts(self, money: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        found = []
        for place, one in enumerate(self.channels):
            spread, member = self.levers.spread(place)
            found.append(
                plan_draws(
                    one.table, curves.WEIBULL_CDF, one.saturation, one.lags,
                    np.ascontiguousarray(money[:, :, place] * one.unit), one.carried,
                    np.ones((len(one.table), 1, self.periods)), one.effect, spread * one.unit,
                    member,
                )[:2]
            )  # fmt: skip
        return found


def natural_table(alpha: np.ndarray, half: np.ndarray, slope: np.ndarray | float) -> np.ndarray:
    """Natural parameters (D, columns) of geometric weights `alpha` (D,) and a curve."""
    table = np.zeros((len(alpha), curves.COLUMNS))
    table[:, curves.ADSTOCK_1] = 1.0
    table[:, curves.ADSTOCK_2] = -1.0 / np.log(alpha)
    table[:, curves.HALF], table[:, curves.SLOPE] = half, slope
    return table


def pymc_marketing_channels(left: Any) -> tuple[PeerChannel, ...]:
    """One for each geo and channel, geos first, from `curves.npz`."""
    spend, lags = left["spend"], int(left["lags"])
    geos, _, channels = spend.shape
    shape = (-1, geos, channels)
    alpha, lam, beta = (np.reshape(left[name], shape) for name in ("alpha", "lam", "beta"))
    scale = np.broadcast_to(left["channel_scale"], (geos, channels))
    size = np.broadcast_to(left["target_scale"], (geos,))
    found = []
    for g in range(geos):
        for c in range(channels):
            table = natural_table(alpha[:, g, c], np.log(3.0) / lam[:, g, c], 1.0)
            media = np.ascontiguousarray(spend[g, :, c][None] / scale[g, c])
            carried = carried_levels(table, curves.WEIBULL_CDF, lags, media, np.zeros(1))
            effect = np.ascontiguousarray((beta[:, g, c] * size[g])[:, None])
            found.append(
                PeerChannel(table, curves.TANH, lags, carried, effect, 1.0 / scale[g : g + 1, c])
            )
    return tuple(found)


def meridian_channels(left: Any) -> tuple[PeerChannel, ...]:
    """One for each channel in all geos, from `curves.npz`."""
    lags, beta = int(left["lags"]), left["beta"].astype(float)
    draws, geos, channels = beta.shape
    found = []
    for c in range(channels):
        table = natural_table(
            *(left[name][:, c].astype(float) for name in ("alpha", "ec", "slope"))
        )
        effect = np.ascontiguousarray(beta[:, :, c] * left["unit"])
        unit = 1.0 / left["media_scale"][:, c].astype(float)
        nothing = np.zeros((draws, lags, geos))
        found.append(PeerChannel(table, curves.HILL, lags, nothing, effect, unit))
    return tuple(found)


def even_prices(today: np.ndarray) -> Prices:
    """Prices of a plan in money, today's (G, C) spread evenly over the horizon."""
    geos, channels = today.shape
    spread = np.repeat(today[None] / HORIZON, HORIZON, axis=0)
    total = np.where(today.sum(axis=0) > 0, today.sum(axis=0), 1.0)
    base = Scenario(
        "today", pd.date_range("2030-01-07", periods=HORIZON, freq="7D"), spread, spread,
        spread.sum(axis=1), np.zeros((HORIZON, geos, 0)), np.ones((HORIZON, geos)), (),
    )  # fmt: skip
    return Prices(
        channels=tuple(map(str, range(channels))), base=base, today=spread,
        buys=np.ones((geos, channels)), loading=np.ones(channels), fixed=np.zeros(channels),
        shares=today / total, priced=np.ones(channels, dtype=bool),
        effort=np.zeros(channels, dtype=bool),
    )  # fmt: skip


def peer_problem(channels: tuple[PeerChannel, ...], today: np.ndarray, periods: int,
                 theirs: np.ndarray) -> Problem:  # fmt: skip
    """The peer's problem: even money over the window, as much in all as in its plan `theirs`
    (G, C), each decision within nothing and `LARGEST` times today's (G, C), or what the peer gave
    it where it rounds to more."""
    made = levers(even_prices(today), blocks=1)
    seed = SimpleNamespace(study=SimpleNamespace(inference=SimpleNamespace(seed=1)))
    nothing = Measure("outcome", np.ones((periods, today.shape[0])), np.zeros(HORIZON))
    whole = PeerValuation(made, channels, periods, nothing, SimpleNamespace(fit=seed))
    kept = np.linspace(0, whole.draws - 1, min(SEARCH_DRAWS, whole.draws)).round().astype(int)
    most = np.maximum(LARGEST * today.sum(axis=0), theirs.sum(axis=0))
    budget = float(theirs.sum())
    region = Region(
        np.zeros(made.size), most, tuple(f"bounds {c}" for c in range(made.size)),
        np.ones((1, made.size)), np.array([budget]), np.array([budget]), ("plan.budget",),
    )  # fmt: skip
    mean = Objective("expected_outcome")
    return Problem(whole.response, made, region, whole, mean, whole.take(kept), mean)


def our_plan(task: Problem) -> np.ndarray:
    """Money (G, C) of the plan that this library's solver finds."""
    return task.levers.money(solve(task).z).sum(axis=0)
