"""Money to exposure and back: what a channel's money buys in each geo, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mmm.data.costs import variable_cost_rate
from mmm.inference.fit import Fit
from mmm.plan.buying import recent_units
from mmm.plan.scenario import DUST, Scenario, as_is, running


@dataclass(frozen=True, slots=True)
class Prices:
    """What money does, at stated or recent prices, around a plan `base` of H periods.

    Money is media spend, or effort at its unit cost. today (H, G, C) is that of `base`;
    buys (G, C) is exposure per unit of money; loading (C,) is loaded cost per unit of money and
    fixed (C,) fixed cost a period; shares (G, C) is how today's money is spread over geos.
    priced (C,): channels money can be moved on; the others stay as they are in `base`. effort
    (C,): channels without media spend.
    """

    channels: tuple[str, ...]
    base: Scenario
    today: np.ndarray
    buys: np.ndarray
    loading: np.ndarray
    fixed: np.ndarray
    shares: np.ndarray
    priced: np.ndarray
    effort: np.ndarray

    @property
    def totals(self) -> np.ndarray:
        """Today's money over the horizon by channel, (C,)."""
        return self.today.sum(axis=(0, 1))


def prices(fit: Fit, base: Scenario | None = None) -> Prices:
    """Prices as `base` (by default `as_is`) states them, else recent ones: exposure over money in
    the last quarter of the window, in each geo where both were seen, else over all geos, else over
    the whole window. They do not depend on how long `base` is.
    """
    base = base or as_is(fit)
    channels = fit.study.channels
    today = np.empty_like(base.media)
    buys = np.zeros(base.media.shape[1:])
    priced = np.zeros(len(channels), dtype=bool)
    for index, channel in enumerate(channels):
        media = base.media[:, :, index]
        rate = variable_cost_rate(channel)
        if channel.spend is None:
            today[:, :, index] = rate * media
            priced[index] = rate > 0
            buys[:, index] = 1.0 / rate if rate > 0 else 0.0
            continue
        today[:, :, index] = base.spend[:, :, index]
        if channel.exposure is None:
            buys[:, index], priced[index] = 1.0, True
            continue
        if channel.name in base.given:
            buys[:, index], priced[index] = 1.0 / base.given[channel.name], True
            continue
        bought = recent_units(fit.panel, index)
        buys[:, index], priced[index] = bought, bool((bought > 0).any())
    loading = [1.0 + c.costs.agency_fee if c.spend is not None else 1.0 for c in channels]
    recent = today.sum(axis=0)
    whole = fit.panel.dataset["media"].values.sum(axis=0) / np.where(buys > 0, buys, 1.0)
    weight = np.where(recent.sum(axis=0) > 0, recent, whole)
    total = weight.sum(axis=0)
    shares = np.where(total > 0, weight / np.where(total > 0, total, 1.0), 1.0 / len(weight))
    return Prices(
        channels=fit.panel.channels,
        base=base,
        today=today,
        buys=buys,
        loading=np.array(loading),
        fixed=np.array([channel.costs.fixed_per_period for channel in channels]),
        shares=shares,
        priced=priced,
        effort=np.array([channel.spend is None for channel in channels]),
    )


def spending(prices: Prices, money: np.ndarray, name: str,
             statements: tuple[str, ...] = ()) -> Scenario:  # fmt: skip
    """The scenario in which `money` (H, G, C) is spent at these prices.

    Channels without a price keep their media of `prices.base`. Fixed cost runs up to a channel's
    last spending: see `running`.
    """
    base = prices.base
    keeps = ~prices.priced
    money = np.where(money > DUST * money.max(axis=(0, 1), initial=0.0), money, 0.0)
    by_period = money.sum(axis=1)
    media = np.where(keeps, base.media, money * prices.buys)
    spent = np.where(keeps, base.spend, np.where(prices.effort, 0.0, money))
    paid = by_period * prices.loading + prices.fixed * running(by_period)
    cost = np.where(keeps, base.cost, paid)
    return replace(
        base, name=name, media=media, spend=spent, cost=cost,
        statements=(*statements, *(words for words in base.bought if words not in statements)),
    )  # fmt: skip
