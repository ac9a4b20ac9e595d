"""What money buys ahead: at stated prices, at recent ones, or at prices drawn around these."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from mmm.config import Channel
from mmm.data.panel import Panel
from mmm.inference.fit import Fit
from mmm.results.prices import Bought, Media, price_history, price_range
from mmm.results.respond import Response

QUARTER_WEEKS = 13.0


@dataclass(frozen=True, slots=True)
class Buying:
    """Exposure of the channels that are bought by the unit: media (H, G, C), with `given` prices
    as stated and `drawn` ones by channel, money per unit; in words, what was assumed."""

    media: np.ndarray
    given: Mapping[str, float]
    drawn: Mapping[str, float]
    words: tuple[str, ...]


def by_unit(channel: Channel) -> bool:
    """Whether a channel's exposure is bought with money at a price of its own."""
    return channel.spend is not None and channel.exposure is not None


def recent_periods(panel: Panel) -> np.ndarray:
    """The periods of the window in which a price is recent: those of its last quarter of a year
    (one at least), however long a plan is."""
    count = max(1, round(QUARTER_WEEKS / panel.weeks_per_period))
    observed = len(panel.dates)
    return np.arange(max(0, observed - count), observed)


def recent_units(panel: Panel, channel: int) -> np.ndarray:
    """Exposure per unit of spend that a channel (number in the panel) buys at recent prices, by
    geo, (G,): see `units_per_money`."""
    recent = recent_periods(panel)
    window = [panel.dataset[name].values[:, :, channel] for name in ("media", "spend")]
    return units_per_money(*(one[recent] for one in window), *window)


def units_per_money(
    media: np.ndarray, spend: np.ndarray, window_media: np.ndarray, window_spend: np.ndarray
) -> np.ndarray:
    """Exposure per unit of spend by geo, (G,): of media and spend (H, G) where both were seen,
    else over all geos, else over the whole window; 0 where neither was ever seen."""
    sources = [
        (media.sum(axis=0), spend.sum(axis=0)),
        (media.sum(), spend.sum()),
        (window_media.sum(), window_spend.sum()),
    ]
    found = np.zeros(media.shape[1])
    for exposure, money in sources:
        both = (np.asarray(exposure) > 0) & (np.asarray(money) > 0)
        ratio = np.divide(exposure, money, out=np.zeros(np.shape(money)), where=both)
        found = np.where(found > 0, found, ratio)
    return found


def bought(
    fit: Fit,
    media: np.ndarray,
    spend: np.ndarray,
    given: Mapping[str, float],
    before: Collection[str] = (),
) -> Buying:
    """What `spend` (H, G, C) buys ahead, at `given` prices by channel, else at recent ones, which
    are drawn ahead where their history says how they move. `media` (H, G, C) stays where nothing
    is spent, and where neither is so, unless channels of `before` were bought otherwise in it."""
    panel = fit.panel
    media, drawn, words = media.copy(), {}, []
    for index, channel in enumerate(fit.study.channels):
        if not by_unit(channel):
            continue
        units = recent_units(panel, index)
        if channel.name in given:
            units = np.full(len(units), 1.0 / given[channel.name])
            price = given[channel.name]
        elif units.any():
            price = _price(panel, index)
            if price_history(panel, index) is not None:
                drawn[channel.name] = price
        else:
            continue
        if channel.name in {*given, *drawn, *before}:
            paid = spend[:, :, index]
            media[:, :, index] = np.where(paid > 0, paid * units, media[:, :, index])
        words.append(_words(fit, channel, index, len(spend), price, given, drawn))
    kept = {name: price for name, price in given.items() if name in panel.channels}
    return Buying(media, kept, drawn, tuple(words))


def bought_ahead(
    response: Response, media: Media, periods: int, drawn: Mapping[str, float]
) -> Media:
    """`media` (S, G, C) from the window's first period on, `periods` of them after it bought at
    `drawn` prices."""
    if not drawn or isinstance(media, Bought):
        return media
    panel = response.fit.panel
    prices = {panel.channels.index(name): price for name, price in drawn.items()}
    return Bought(media, len(panel.dates), periods, prices)


def _price(panel: Panel, channel: int) -> float:
    """Money per unit over all geos in the recent periods, else over the whole window."""
    media, spend = (panel.dataset[name].values[:, :, channel] for name in ("media", "spend"))
    recent = recent_periods(panel)
    if media[recent].sum() > 0 and spend[recent].sum() > 0:
        return float(spend[recent].sum() / media[recent].sum())
    return float(spend.sum() / media.sum())


def _words(
    fit: Fit,
    channel: Channel,
    index: int,
    periods: int,
    price: float,
    given: Collection[str],
    drawn: Collection[str],
) -> str:
    """How the price of a channel goes on."""
    unit = f"a unit of {channel.exposure} of {channel.name}"
    if channel.name in given:
        return f"Ahead, {unit} costs {price:,.4g}, as the plan states."
    history = price_history(fit.panel, index)
    if channel.name not in drawn or history is None:
        return (
            f"A{unit[1:]} goes on costing {price:,.4g}, its recent price (by geo where it was "
            "bought there)."
        )
    low, high = price_range(fit.panel, index, price, periods)
    weeks = "weeks" if abs(fit.panel.weeks_per_period - 1.0) < 0.01 else "periods"
    return (
        f"The price ahead of {unit} is drawn from its own {history.periods} {weeks}: 80 % of "
        f"draws are between {100 * low:.0f} and {100 * high:.0f} % of the recent price of "
        f"{price:,.4g}."
    )
