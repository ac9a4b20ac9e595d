"""Response curves: what a channel would contribute at other levels of its spending."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm.data.costs import variable_cost_rate
from mmm.results.blocks import affordable_draws, by_geo, thinned
from mmm.results.outcome import whole_outcome
from mmm.results.respond import Response, channel_effect
from mmm.results.summary import SUFFIXES, summarise

MULTIPLIERS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
CURVE_CELLS = 5e8
"""Draws x channels x multipliers x geos x periods up to which every draw is evaluated."""


def supported_range(media: np.ndarray) -> tuple[float, float]:
    """Multipliers of today's mean level that the data has seen: the 5 % and 95 % quantiles of
    active periods' total over their mean, for media (T, G)."""
    level = media.sum(axis=1)
    active = level[level > 0]
    if not len(active):
        return 1.0, 1.0
    low, high = np.quantile(active, [0.05, 0.95]) / active.mean()
    return min(float(low), 1.0), max(float(high), 1.0)


def curves_table(response: Response) -> pd.DataFrame:
    """`curves.csv`: channel, multiplier, spend, mean, p05, p50, p95, supported.

    The contribution in the window had the channel always run at `multiplier` times its pattern,
    before the window too. At 1 it equals the contribution in `efficiency.csv` where effects add;
    where they multiply it is the whole difference the channel makes, the others as they were.
    `spend` is media money, or the cost of effort for a channel without media spend. Large studies
    are read from an even subset of draws, 250 at least.
    """
    panel = response.fit.panel
    cells = panel.dataset["media"].size * len(MULTIPLIERS)
    some = thinned(response, affordable_draws(response, cells, CURVE_CELLS))
    drawn = np.concatenate(by_geo(some, len(panel.dates), _curves_block), axis=3).sum(axis=3)
    rows = []
    for index, channel in enumerate(response.fit.study.channels):
        media = panel.dataset["media"].values[:, :, index]
        spend = panel.dataset["spend"].values[:, :, index].sum()
        today = spend if channel.spend else variable_cost_rate(channel) * media.sum()
        low, high = supported_range(media)
        for multiplier, draws in zip(MULTIPLIERS, drawn[index], strict=True):
            rows.append(
                {
                    "channel": channel.name,
                    "multiplier": multiplier,
                    "spend": float(today * multiplier),
                    **dict(zip(SUFFIXES, summarise(draws), strict=True)),
                    "supported": bool(low <= multiplier <= high),
                }
            )
    return pd.DataFrame(rows)


def _curves_block(response: Response) -> np.ndarray:
    """Contributions in the window, (channels, multipliers, D, G)."""
    media = response.fit.panel.dataset["media"].values
    whole = whole_outcome(response, response.density.design.baseline, media)
    own = media[:, response.places]
    sums = np.empty((media.shape[2], len(MULTIPLIERS), *response.deviation.shape[:2]))
    for channel in range(media.shape[2]):
        base = None
        if whole is not None:
            base = whole * np.exp(-channel_effect(response, channel, own[:, :, channel]).total)
        for place, multiplier in enumerate(MULTIPLIERS):
            effect = channel_effect(
                response, channel, own[:, :, channel] * multiplier, carry_in=multiplier
            )
            if base is None:
                sums[channel, place] = effect.passing.sum(axis=2) + effect.brand.sum(axis=2)
            else:
                sums[channel, place] = (base * np.expm1(effect.total)).sum(axis=2)
    return sums
