"""Returns on stated dates, by which two fits can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from mmm.data.costs import loaded_cost
from mmm.dims import CHANNEL, DATE, GEO
from mmm.results.blocks import by_geo
from mmm.results.outcome import caused_outcome, whole_outcome
from mmm.results.respond import Response, channel_effect

_GRID = 512


@dataclass(frozen=True, slots=True)
class Shift:
    """Return of a channel on the dates both fits have seen, by either: medians, the relative
    change, and the overlap of the two posteriors (1: the same, 0: apart)."""

    channel: str
    before: float
    after: float
    change: float
    overlap: float


def returns_on(reading: Response, dates: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """Draws (D,) of value earned on `dates` over loaded cost on them, by channel with a cost."""
    fit = reading.fit
    panel = fit.panel
    places = panel.dates.get_indexer(dates)
    media = panel.dataset["media"].values
    worth = panel.dataset["value_per_unit"].values
    cost = loaded_cost(panel, fit.study.channels).isel({DATE: places}).sum([DATE, GEO])
    rows = reading.density.design.baseline

    def block(some: Response) -> np.ndarray:
        whole = whole_outcome(some, rows, media)
        totals = np.empty((media.shape[2], some.draws))
        for channel in range(media.shape[2]):
            effect = channel_effect(some, channel, media[:, some.places, channel])
            caused = caused_outcome(effect.total, whole)[:, :, places]
            totals[channel] = np.einsum("dgt,tg->d", caused, worth[places][:, some.places])
        return totals

    value = np.sum(by_geo(reading, len(media), block, arrays=3), axis=0)
    return {
        name: value[index] / float(cost.sel({CHANNEL: name}))
        for index, name in enumerate(panel.channels)
        if float(cost.sel({CHANNEL: name})) > 0
    }


def shift_of(channel: str, before: np.ndarray, after: np.ndarray) -> Shift:
    """How the return of a channel, draws (D,) of either fit, has changed."""
    old, new = float(np.median(before)), float(np.median(after))
    change = new / old - 1.0 if old else float("inf")
    return Shift(channel, old, new, change, overlap(before, after))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """The area under the lower of two densities (Weitzman, 1970), by Gaussian kernels, on the
    log scale where all draws are above zero; 0 to 1."""
    if min(first.min(), second.min()) > 0:
        first, second = np.log(first), np.log(second)
    if first.std() == 0 or second.std() == 0:
        return float(np.array_equal(np.unique(first), np.unique(second)))
    both = np.concatenate([first, second])
    margin = both.std()
    grid = np.linspace(both.min() - margin, both.max() + margin, _GRID)
    lower = np.minimum(stats.gaussian_kde(first)(grid), stats.gaussian_kde(second)(grid))
    return float(min(1.0, np.trapezoid(lower, grid)))
