"""What channels cost in full: media, agency fee, cost per unit and fixed cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from mmm.config.channel import Channel
from mmm.data.panel import Panel
from mmm.dims import CHANNEL, DATE, GEO


def variable_cost_rate(channel: Channel) -> float:
    """Cost of one more unit of spend, or of exposure for a channel without media spend."""
    if channel.spend is not None:
        return 1.0 + channel.costs.agency_fee
    return channel.costs.unit_cost or 0.0


def loaded_cost(panel: Panel, channels: Sequence[Channel]) -> xr.DataArray:
    """Fully loaded cost (date, geo, channel), in money.

    spend * (1 + agency_fee), or media * unit_cost for a channel without media spend, plus
    fixed_per_period in every period, spread over geos as the channel's total spend (media
    without spend) is; equally where that is nothing. A channel without spend, unit cost and
    fixed cost costs 0 and has no ROI.
    """
    names = [channel.name for channel in channels]
    spend, media = panel.dataset["spend"], panel.dataset["media"].values
    if names != list(panel.channels):
        places = [panel.channels.index(name) for name in names]
        spend, media = spend.isel({CHANNEL: places}), media[:, :, places]
    paid = spend.values
    columns = []
    for index, channel in enumerate(channels):
        base = (media if channel.spend is None else paid)[:, :, index]
        split = _geo_split(base.sum(axis=0))
        columns.append(variable_cost_rate(channel) * base + channel.costs.fixed_per_period * split)
    return xr.DataArray(
        np.stack(columns, axis=-1),
        dims=(DATE, GEO, CHANNEL),
        coords=spend.coords,
        name="loaded_cost",
    )


def _geo_split(totals: np.ndarray) -> np.ndarray:
    """Parts that add up to one, in proportion to `totals` (geo)."""
    total = totals.sum()
    return totals / total if total > 0 else np.full(len(totals), 1.0 / len(totals))
