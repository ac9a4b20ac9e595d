"""Internal rates of return: every rate at which the net present value is zero.

Worked in z = log(1 + r) per unit of time, so that every rate above -100 % is reached. NPV is
evaluated from its first flow for z >= 0 and from its last for z < 0 (the same zeros, never an
overflow). With time in units of the shortest step between flows, Cauchy's bound puts all zeros in
-log(1 + max|c| / |c_last|) <= z <= log(1 + max|c| / |c_first|); that range is searched on a grid,
finest near zero, and each change of sign is bisected. Zeros of the derivative add the pairs of
roots a grid step would hide, and double roots, where NPV touches zero without crossing it.
Descartes' rule of signs holds for flows at any times (Laguerre, 1883), so one change of sign is
one rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmm.cash.value import Floats, finite, years_from_first

GRID_HALF = 400
GRID_SCALE = 0.02
BISECTIONS = 64
TOUCHING = 1e-13
SAME_ROOT = 1e-9
BLOCK = 2048

Indices = NDArray[np.intp]


class RateStatus(StrEnum):
    UNIQUE = "unique"
    NONE = "none"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class InternalRate:
    """All rates, ascending, at which NPV is zero. Only a unique one is a return."""

    status: RateStatus
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class InternalRates:
    """By draw (D,): how many rates there are, and the rate where there is one.

    `rate` is NaN where `count` is not 1.
    """

    count: Indices
    rate: Floats


@dataclass(frozen=True, slots=True)
class _Flows:
    """Flows by draw (D, P), the first and the last of every draw not zero.

    `ahead` (P,): time since the first, `back` (P,): time until the last, in shortest steps.
    """

    cash: Floats
    ahead: Floats
    back: Floats

    def take(self, draws: Indices) -> _Flows:
        return _Flows(self.cash[draws], self.ahead, self.back)

    def at(self, z: Floats, size: bool = False) -> Floats:
        """A positive multiple of NPV at one z a draw (D,); of all money moved with `size`."""
        times = np.where((z >= 0)[:, None], self.ahead, self.back)
        weights = np.exp(-np.abs(z)[:, None] * times)
        return np.einsum("dp,dp->d", np.abs(self.cash) if size else self.cash, weights)

    def signs(self, grid: Floats) -> NDArray[np.int8]:
        """Sign of NPV at every point of an ascending grid (G,); shape (D, G)."""
        below = grid < 0
        times = np.where(below, self.back[:, None], self.ahead[:, None])
        return np.sign(self.cash @ np.exp(-np.abs(grid) * times)).astype(np.int8)

    def slope(self) -> _Flows:
        """Flows whose NPV is the derivative of this one's, first flow and sign left out."""
        return _Flows(
            (self.cash * self.ahead)[:, 1:], self.ahead[1:] - self.ahead[1], self.back[1:]
        )


def _grid(flows: _Flows) -> Floats:
    """Ascending z (G,) that spans Cauchy's bounds of every draw; holds 0 exactly."""
    largest = np.abs(flows.cash).max(axis=1)
    spans = [
        np.logaddexp(0.0, np.log(largest) - np.log(np.abs(ends))).max() * (1 + 1e-9)
        for ends in (flows.cash[:, -1], flows.cash[:, 0])
    ]
    below, above = (
        GRID_SCALE * np.sinh(np.linspace(0, np.arcsinh(span / GRID_SCALE), GRID_HALF))
        for span in spans
    )
    return np.concatenate([-below[:0:-1], above])


def _bisect(flows: _Flows, low: Floats, high: Floats, sign_low: NDArray[np.int8]) -> Floats:
    """The root between `low` and `high` of each draw, one bracket a row."""
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if ((middle == low) | (middle == high)).all():  # no number lies between
            break
        left = np.sign(flows.at(middle)) == sign_low
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return 0.5 * (low + high)


def _crossings(flows: _Flows, grid: Floats, signs: NDArray[np.int8]) -> tuple[Indices, Floats]:
    """Draw and z of every root that falls on the grid or changes sign along it."""
    on_draw, on_point = np.nonzero(signs == 0)
    draw, cell = np.nonzero(signs[:, :-1] * signs[:, 1:] < 0)
    roots = _bisect(flows.take(draw), grid[cell], grid[cell + 1], signs[draw, cell])
    return np.concatenate([on_draw, draw]), np.concatenate([grid[on_point], roots])


def _hidden(flows: _Flows, grid: Floats, signs: NDArray[np.int8]) -> tuple[Indices, Floats]:
    """Double roots, and pairs of roots inside one grid step, found at turning points."""
    slope = flows.slope()
    draw, turn = _crossings(slope, grid, slope.signs(grid))
    here = flows.take(draw)
    value = here.at(turn)
    touches = np.abs(value) <= TOUCHING * here.at(turn, size=True)
    cell = np.clip(np.searchsorted(grid, turn, side="right") - 1, 0, len(grid) - 2)
    left, right = signs[draw, cell], signs[draw, cell + 1]
    pair = ~touches & (left == right) & (left * np.sign(value) < 0)
    inside, point = here.take(np.flatnonzero(pair)), turn[pair]
    lower = _bisect(inside, grid[cell[pair]], point, left[pair])
    upper = _bisect(inside, point, grid[cell[pair] + 1], -left[pair])
    return (
        np.concatenate([draw[touches], draw[pair], draw[pair]]),
        np.concatenate([turn[touches], lower, upper]),
    )


def _groups(cash: Floats, times: Floats) -> Iterator[tuple[Indices, _Flows, float]]:
    """Draws that change sign, by the periods of their first and last flow, with the step."""
    draws = np.flatnonzero(_sign_changes(cash) > 0)
    moving = cash[draws] != 0
    first = np.argmax(moving, axis=1)
    last = cash.shape[1] - 1 - np.argmax(moving[:, ::-1], axis=1)
    spans, which = np.unique(np.stack([first, last], axis=1), axis=0, return_inverse=True)
    for number, (start, stop) in enumerate(spans):
        chosen = draws[which.ravel() == number]
        span = times[start : stop + 1]
        step = float(np.diff(span).min())
        ahead, back = (span - span[0]) / step, (span[-1] - span) / step
        yield chosen, _Flows(cash[chosen, start : stop + 1], ahead, back), step


def _roots(cash: Floats, times: Floats) -> tuple[Indices, Floats]:
    """Draw and z of every distinct root of flows (D, P) at `times` (P,), sorted by both."""
    draws, roots = [np.empty(0, np.intp)], [np.empty(0)]
    for chosen, flows, step in _groups(cash, times):
        draw, z = _roots_of(flows)
        draws.append(chosen[draw])
        roots.append(z / step)
    draw, z = np.concatenate(draws), np.concatenate(roots)
    order = np.lexsort((z, draw))
    return draw[order], z[order]


def _roots_of(flows: _Flows) -> tuple[Indices, Floats]:
    grid = _grid(flows)
    signs = flows.signs(grid)
    draw, z = _crossings(flows, grid, signs)
    # Descartes: one change of sign in the flows is one root, which the grid has found
    many = np.flatnonzero(_sign_changes(flows.cash) > 1)
    if len(many):
        hidden_draw, hidden_z = _hidden(flows.take(many), grid, signs[many])
        draw, z = np.concatenate([draw, many[hidden_draw]]), np.concatenate([z, hidden_z])
    order = np.lexsort((z, draw))
    draw, z = draw[order], z[order]
    again = (np.diff(draw) == 0) & (np.diff(z) <= SAME_ROOT)
    new = np.concatenate([[True], ~again])[: len(draw)]
    return draw[new], z[new]


def _sign_changes(cash: Floats) -> Indices:
    """Changes of sign along each row (D,), zeros left out: at most so many rates exist."""
    signs = np.sign(cash)
    index = np.maximum.accumulate(np.where(signs != 0, np.arange(cash.shape[1]), 0), axis=1)
    held = np.take_along_axis(signs, index, axis=1)
    return np.count_nonzero(held[:, :-1] * held[:, 1:] < 0, axis=1)


def irr(cash: ArrayLike) -> InternalRate:
    """Every internal rate per period of flows (P,).

    `none` when NPV is zero at no rate (or, flows all zero, at every rate).
    """
    flows = finite("cash", cash, (1,))
    return _one(flows, np.arange(len(flows), dtype=np.float64))


def xirr(cash: ArrayLike, dates: ArrayLike) -> InternalRate:
    """Every yearly internal rate of flows (P,) at `dates` (P,), earliest first, by day count
    actual/365: the rates at which `xnpv` is zero."""
    flows = finite("cash", cash, (1,))
    return _one(flows, years_from_first(dates, len(flows)))


def _one(flows: Floats, times: Floats) -> InternalRate:
    _, z = _roots(flows[None, :], times)
    status = (RateStatus.NONE, RateStatus.UNIQUE, RateStatus.SEVERAL)[min(len(z), 2)]
    with np.errstate(over="ignore"):
        return InternalRate(status, tuple(float(rate) for rate in np.expm1(z)))


def irr_draws(cash: ArrayLike) -> InternalRates:
    """`irr` of every row of flows (D, P)."""
    flows = finite("cash", cash, (2,))
    return _by_draw(flows, np.arange(flows.shape[1], dtype=np.float64))


def xirr_draws(cash: ArrayLike, dates: ArrayLike) -> InternalRates:
    """`xirr` of every row of flows (D, P)."""
    flows = finite("cash", cash, (2,))
    return _by_draw(flows, years_from_first(dates, flows.shape[1]))


def _by_draw(flows: Floats, times: Floats) -> InternalRates:
    count = np.zeros(len(flows), np.intp)
    rate = np.full(len(flows), np.nan)
    for start in range(0, len(flows), BLOCK):
        block = flows[start : start + BLOCK]
        draw, z = _roots(block, times)
        count[start : start + BLOCK] = np.bincount(draw, minlength=len(block))
        with np.errstate(over="ignore"):
            rate[start + draw] = np.expm1(z)
    rate[count != 1] = np.nan
    return InternalRates(count, rate)
