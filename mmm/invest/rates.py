"""Internal rates of return: every rate at which the net present value is zero.

Worked in z = log(1 + r), so that every rate above -100 % is reached. NPV is evaluated from
its first flow for z >= 0 and from its last for z < 0 (the same zeros, never an overflow).
By Cauchy's bound all zeros lie in -log(1 + max|c| / |c_last|) <= z <= log(1 + max|c| /
|c_first|); that range is searched on a grid, finest near zero, and each change of sign is
bisected. Zeros of the derivative add the pairs of roots a grid step would hide, and double
roots, where NPV touches zero without crossing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmm.invest.value import Floats, finite

GRID_HALF = 400
GRID_SCALE = 0.02
BISECTIONS = 64
TOUCHING = 1e-13
SAME_ROOT = 1e-9
BLOCK = 4096

Indices = NDArray[np.intp]


class RateStatus(StrEnum):
    UNIQUE = "unique"
    NONE = "none"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class InternalRate:
    """All rates per period, ascending, at which NPV is zero. Only a unique one is a return."""

    status: RateStatus
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class InternalRates:
    """By draw (D,): how many rates there are, and the rate per period where there is one.

    `rate` is NaN where `count` is not 1.
    """

    count: Indices
    rate: Floats


@dataclass(frozen=True, slots=True)
class _Flows:
    """Flows by draw (D, P) read from the first that is not zero, and back from the last."""

    forward: Floats
    backward: Floats

    def take(self, draws: Indices) -> _Flows:
        return _Flows(self.forward[draws], self.backward[draws])

    def at(self, z: Floats) -> Floats:
        """A positive multiple of NPV at one z a draw (D,), by Horner's rule."""
        coefficients = np.where((z >= 0)[:, None], self.forward, self.backward)
        base = np.exp(-np.abs(z))
        total = np.zeros_like(z)
        for column in coefficients.T[::-1]:
            total = total * base + column
        return total

    def signs(self, grid: Floats) -> NDArray[np.int8]:
        """Sign of NPV at every point of an ascending grid (G,); shape (D, G)."""
        weights = np.exp(-np.arange(self.forward.shape[1])[:, None] * np.abs(grid))
        below = grid < 0
        value = np.hstack([self.backward @ weights[:, below], self.forward @ weights[:, ~below]])
        return np.sign(value).astype(np.int8)


def _aligned(cash: Floats) -> _Flows:
    periods = cash.shape[1]
    moving = cash != 0
    first = np.argmax(moving, axis=1)[:, None]
    last = periods - 1 - np.argmax(moving[:, ::-1], axis=1)[:, None]
    steps = np.arange(periods)
    return _Flows(
        np.take_along_axis(cash, (first + steps) % periods, axis=1),
        np.take_along_axis(cash, (last - steps) % periods, axis=1),
    )


def _grid(flows: _Flows) -> Floats:
    """Ascending z (G,) that spans Cauchy's bounds of every draw; holds 0 exactly."""
    largest = np.abs(flows.forward).max(axis=1)
    spans = [
        np.logaddexp(0.0, np.log(largest) - np.log(np.abs(ends[:, 0]))).max() * (1 + 1e-9)
        for ends in (flows.backward, flows.forward)
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
    slope = _aligned(flows.forward * np.arange(flows.forward.shape[1]))
    draw, turn = _crossings(slope, grid, slope.signs(grid))
    here = flows.take(draw)
    value = here.at(turn)
    moved = _Flows(np.abs(here.forward), np.abs(here.backward)).at(turn)
    touches = np.abs(value) <= TOUCHING * moved
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


def _roots(cash: Floats) -> tuple[Indices, Floats]:
    """Draw and z of every distinct root of flows (D, P), sorted by draw and then z."""
    live = np.flatnonzero(cash.any(axis=1))
    changing = live[_sign_changes(cash[live]) > 0]
    if not len(changing):
        return np.empty(0, np.intp), np.empty(0)
    flows = _aligned(cash[changing])
    grid = _grid(flows)
    signs = flows.signs(grid)
    draw, z = _crossings(flows, grid, signs)
    # Descartes: one change of sign in the flows is one root, which the grid has found
    many = np.flatnonzero(_sign_changes(cash[changing]) > 1)
    if len(many):
        hidden_draw, hidden_z = _hidden(flows.take(many), grid, signs[many])
        draw, z = np.concatenate([draw, many[hidden_draw]]), np.concatenate([z, hidden_z])
    order = np.lexsort((z, draw))
    draw, z = draw[order], z[order]
    again = (np.diff(draw) == 0) & (np.diff(z) <= SAME_ROOT)
    new = np.concatenate([[True], ~again])[: len(draw)]
    return changing[draw[new]], z[new]


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
    _, z = _roots(flows[None, :])
    status = (RateStatus.NONE, RateStatus.UNIQUE, RateStatus.SEVERAL)[min(len(z), 2)]
    return InternalRate(status, tuple(float(rate) for rate in np.expm1(z)))


def irr_draws(cash: ArrayLike) -> InternalRates:
    """`irr` of every row of flows (D, P)."""
    flows = finite("cash", cash, (2,))
    count = np.zeros(len(flows), np.intp)
    rate = np.full(len(flows), np.nan)
    for start in range(0, len(flows), BLOCK):
        block = flows[start : start + BLOCK]
        draw, z = _roots(block)
        count[start : start + BLOCK] = np.bincount(draw, minlength=len(block))
        rate[start + draw] = np.expm1(z)
    rate[count != 1] = np.nan
    return InternalRates(count, rate)
