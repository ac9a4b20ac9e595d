"""Prices of media carried past the window, and how far off that may be.

The price of a unit, all geos together, is spend over exposure. Its logarithm goes back and forth
around its mean as a first-order autoregression (`mmm.results.autoregression`),

    log p_{T+h} = m + d_{T+h},   d_t = phi d_{t-1} + e_t,

with phi within 0 and 1 that of least squares over neighbouring periods, less its bias, so that a
price without a level of its own goes on from where it is. Steps e are drawn from one period for
all channels together where all were bought in it.
What is not known of phi and m themselves is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmm.data.panel import Panel
from mmm.results.autoregression import autoregression
from mmm.results.regression import Response

FEWEST = 12
"""Steps from which an autoregression is read."""
SMALL = 0.01
"""Periods with less spend or exposure than this part of the mean say nothing of the price."""
STEADY = 1e-6
"""Steps below this, in logarithms, are rounding of a price that does not move."""
STREAM = 17
LONGEST_GAP = 520
TOLD = 2000
"""Draws from which a range is told in words."""


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """What is known of a channel's log price: `centre` m, `last` d of the last period bought,
    `gap` periods before the end of the window, persistence phi, steps (R,) e with mean zero, from
    `periods` periods in which it was bought."""

    centre: float
    last: float
    gap: int
    persistence: float
    steps: np.ndarray
    periods: int


def price_history(panel: Panel, channel: int) -> PriceHistory | None:
    """The history of one channel's price (number in the panel); None where it was bought in too
    few neighbouring periods, or its price never moved."""
    data = panel.dataset
    spend, media = (data[name].values[:, :, channel].sum(axis=1) for name in ("spend", "media"))
    bought = (spend > 0) & (media > 0)
    if bought.sum() <= FEWEST:
        return None
    bought &= (spend > SMALL * spend[bought].mean()) & (media > SMALL * media[bought].mean())
    price = np.log(np.where(bought, spend, 1.0) / np.where(bought, media, 1.0))
    centre = float(price[bought].mean())
    apart, pairs = price - centre, bought[1:] & bought[:-1]
    before, after = apart[:-1][pairs], apart[1:][pairs]
    if len(before) < FEWEST or float(np.abs(after - before).max()) < STEADY:
        return None
    persistence, steps = autoregression(before[:, None], after[:, None], unbiased=True)
    last = int(np.flatnonzero(bought)[-1])
    gap = min(len(price) - 1 - last, LONGEST_GAP)
    return PriceHistory(
        centre, float(apart[last]), gap, float(persistence[0]), steps[:, 0], int(bought.sum())
    )


def log_prices(known: PriceHistory, periods: int, seed: int, numbers: np.ndarray) -> np.ndarray:
    """The log price over `periods` after the window in draws `numbers` (D,), (D, periods). A draw
    is the same for every horizon and whichever others are asked for."""
    found = np.empty((len(numbers), periods))
    level, last = np.full(len(numbers), known.last), int(numbers.max()) + 1
    for h in range(-known.gap, periods):
        rng = np.random.default_rng([seed, STREAM, LONGEST_GAP + h])
        place = (rng.random(last)[numbers] * len(known.steps)).astype(np.int64)
        level = known.persistence * level + known.steps[place]
        if h >= 0:
            found[:, h] = known.centre + level
    return found


def units_ahead(response: Response, channel: int, price: float, periods: int) -> np.ndarray:
    """What money buys in each draw and period ahead, over what it buys at `price`,
    (D, periods)."""
    known = price_history(response.fit.panel, channel)
    if known is None:
        return np.ones((response.draws, periods))
    seed = response.fit.study.inference.seed
    return price * np.exp(-log_prices(known, periods, seed, response.numbers))


def price_range(panel: Panel, channel: int, price: float, periods: int) -> tuple[float, float]:
    """The central 80 % of the channel's price over `periods` ahead, over `price`."""
    known = price_history(panel, channel)
    if known is None:
        return 1.0, 1.0
    drawn = np.exp(log_prices(known, periods, 0, np.arange(TOLD))) / price
    low, high = np.quantile(drawn, [0.1, 0.9])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Bought:
    """Media (S, G, C) from the first period of the window on, bought in its H periods from
    `start` on at prices that nobody knows: those of the channels (numbers) in `prices`, money per
    unit at which `values` are stated."""

    values: np.ndarray
    start: int
    periods: int
    prices: Mapping[int, float]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def of(self, response: Response, channel: int) -> np.ndarray:
        """Media of one channel in the response's geos, (S, G), or (D, S, G) where each draw has
        its own."""
        stated = self.values[:, response.places, channel]
        if channel not in self.prices:
            return stated
        units = units_ahead(response, channel, self.prices[channel], self.periods)
        drawn = np.repeat(stated[None], response.draws, axis=0)
        drawn[:, self.start : self.start + self.periods] *= units[:, :, None]
        return drawn


Media = np.ndarray | Bought
"""Media (S, G, C) of all geos of the panel, from the first period of the window on."""


def media_of(response: Response, media: Media, channel: int) -> np.ndarray:
    """Media of one channel in the response's geos, (S, G), or (D, S, G) where draws differ."""
    if isinstance(media, Bought):
        return media.of(response, channel)
    return media[:, response.places, channel]
