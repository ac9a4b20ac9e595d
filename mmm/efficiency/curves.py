"""Response curves: what a channel would contribute at other levels of its spending."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm.data.costs import variable_cost_rate
from mmm.results.respond import Response, channel_effect
from mmm.results.summary import SUFFIXES, summarise

MULTIPLIERS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)


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
    before the window too; at 1 it equals the contribution in `efficiency.csv`. `spend` is media
    money, or the cost of effort for a channel without media spend.
    """
    panel = response.fit.panel
    rows = []
    for index, channel in enumerate(response.fit.study.channels):
        media = panel.dataset["media"].values[:, :, index]
        spend = panel.dataset["spend"].values[:, :, index].sum()
        today = spend if channel.spend else variable_cost_rate(channel) * media.sum()
        low, high = supported_range(media)
        for multiplier in MULTIPLIERS:
            effect = channel_effect(response, index, media * multiplier, carry_in=multiplier)
            numbers = summarise(effect.total.sum(axis=(1, 2)))
            rows.append(
                {
                    "channel": channel.name,
                    "multiplier": multiplier,
                    "spend": float(today * multiplier),
                    **dict(zip(SUFFIXES, numbers, strict=True)),
                    "supported": bool(low <= multiplier <= high),
                }
            )
    return pd.DataFrame(rows)
