"""What is believed of channels' shares before any data, from what they cost."""

from __future__ import annotations

import math

import numpy as np

from mmm.transforms.parameter import Z90

MEDIA_SHARE = 0.25
"""Prior means of all channels' shares of outcome, added up; spread by `cost_weights`."""
SHARE_FACTOR = 7.0
"""A channel's share lies within this factor of its prior median in nine cases of ten."""


def cost_weights(costs: np.ndarray) -> np.ndarray:
    """Each channel's part of what marketing is believed to earn, adding up to one, (C,).

    In proportion to the root of loaded cost: a channel on which next to nothing was spent is
    not believed to earn as much as the largest, nor to return exactly as much per unit of
    money. A channel without cost counts as an average one.
    """
    paid = costs > 0
    weights = np.ones(len(costs))
    if paid.any():
        weights[paid] = np.sqrt(costs[paid])
        weights[~paid] = weights[paid].mean()
    return weights / weights.sum()


def default_interval(weight: float) -> tuple[float, float]:
    """90 % interval of the share of a channel of that weight.

    That of a log-normal whose mean is the channel's part of `MEDIA_SHARE`. Medians that added up
    to it would let the many tails push the believed total to twice as much, and where the data
    cannot tell marketing from the level of the baseline, the estimate with it.
    """
    median = MEDIA_SHARE * weight * math.exp(-((math.log(SHARE_FACTOR) / Z90) ** 2) / 2.0)
    return median / SHARE_FACTOR, median * SHARE_FACTOR
