"""Levers: the money a plan decides on, by channel, block of periods and (where freed) geo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.plan.money import Prices

MOST_LEVERS = 160
"""Decisions at most: periods are planned in blocks where channels and periods are more."""


@dataclass(frozen=True, slots=True)
class Levers:
    """How decisions z (n,), in money, become spending.

    chosen (K,) channels decided on; block (H,) which block of periods a period is in; groups Q:
    1 where geos keep their shares of today's money, else G. The order is channel, block, group:
    n = K B Q. Money of a block is spent evenly over its periods. `rest` (H, G, C) is the money
    that stays as it is.
    """

    prices: Prices
    chosen: np.ndarray
    block: np.ndarray
    groups: int
    rest: np.ndarray

    @property
    def blocks(self) -> int:
        return int(self.block[-1]) + 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(K, B, Q)."""
        return len(self.chosen), self.blocks, self.groups

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def lengths(self) -> np.ndarray:
        """Periods of each block, (B,)."""
        return np.bincount(self.block)

    def channel_of(self) -> np.ndarray:
        """Which channel (number in the study) each decision is about, (n,)."""
        blocks, groups = self.shape[1:]
        return np.repeat(self.chosen, blocks * groups)

    def money(self, z: np.ndarray) -> np.ndarray:
        """Spending (H, G, C) of decisions z (n,)."""
        out = self.rest.copy()
        per_period = z.reshape(self.shape) / self.lengths[None, :, None]
        for place, channel in enumerate(self.chosen):
            by_group = per_period[place][self.block]
            share = self.prices.shares[:, channel]
            out[:, :, channel] = by_group if self.groups > 1 else by_group * share
        return out

    def decisions(self, money: np.ndarray) -> np.ndarray:
        """The decisions z (n,) with the money of `money` (H, G, C) in every block."""
        z = np.zeros(self.shape)
        for place, channel in enumerate(self.chosen):
            by_geo = money[:, :, channel]
            by_group = by_geo if self.groups > 1 else by_geo.sum(axis=1, keepdims=True)
            np.add.at(z[place], self.block, by_group)
        return z.ravel()

    def spread(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Of the channel at `place`: exposure of each geo per money of its group in a period, and
        the geo's group, both (G,)."""
        channel = self.chosen[place]
        bought = self.prices.buys[:, channel]
        if self.groups > 1:
            return bought, np.arange(self.groups)
        return bought * self.prices.shares[:, channel], np.zeros(len(bought), dtype=np.int64)

    def by_block(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient (D, H, Q) by money of a period to one by money of a block, (D, B Q)."""
        if self.blocks == len(self.block):
            return gradient.reshape(len(gradient), -1)
        found = np.zeros((len(gradient), self.blocks, gradient.shape[2]))
        for b, length in enumerate(self.lengths):
            found[:, b] = gradient[:, self.block == b].sum(axis=1) / length
        return found.reshape(len(gradient), -1)


def levers(
    prices: Prices,
    fixed: frozenset[int] = frozenset(),
    *,
    free_geos: bool = False,
    blocks: int | None = None,
) -> Levers:
    """Levers on every channel with a price that is not among `fixed`.

    Every period is decided on apart, or as many blocks of them as keep decisions within
    `MOST_LEVERS`; `blocks` says how many.
    """
    horizon, geos = prices.today.shape[:2]
    chosen = np.array([c for c in np.flatnonzero(prices.priced) if c not in fixed], dtype=np.int64)
    groups = geos if free_geos else 1
    most = max(1, MOST_LEVERS // max(1, len(chosen) * groups))
    count = min(horizon, blocks or most)
    rest = prices.today.copy()
    rest[:, :, chosen] = 0.0
    return Levers(prices, chosen, np.arange(horizon) * count // horizon, groups, rest)
