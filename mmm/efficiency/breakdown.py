"""Efficiency by geo and by quarter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm.data.costs import loaded_cost
from mmm.dims import GEO
from mmm.efficiency.caused import (
    Change,
    Horizon,
    added,
    change_between,
    horizon,
    multiplied,
    whole_horizon,
    year_of,
)
from mmm.efficiency.roi import (
    TOTAL,
    Account,
    accounts,
    contribution_columns,
    ratio_columns,
)
from mmm.results.blocks import affordable_draws, by_geo, thinned
from mmm.results.contributions import BRAND, MEDIATED, TACTICAL, Decomposition, decompose
from mmm.results.quarters import Quarters, quarters
from mmm.results.respond import Response, channel_effect
from mmm.results.summary import summary_columns

QUARTER_CELLS = 1e8
"""Draws x channels x quarters x geos x periods up to which every draw is evaluated."""


def efficiency_by_geo(
    response: Response,
    decomposition: Decomposition | None = None,
    books: list[Account] | None = None,
) -> pd.DataFrame:
    """`efficiency_geo.csv`: one row a geo and channel, `total` after the channels of each geo.

    Columns as in `efficiency_table`, of which these are the parts: draw by draw, what a channel
    caused in all geos adds up to what it caused. Fixed cost is spread over geos as
    `loaded_cost` does.
    """
    books = books or accounts(response, decomposition)
    rows = []
    for g, geo in enumerate(response.fit.panel.geos):
        for account in books:
            cost, effects = float(account.cost[g]), account.caused
            rows.append(
                {
                    "geo": geo,
                    "channel": account.channel,
                    "spend": float(account.spend[g]),
                    "loaded_cost": cost,
                    **contribution_columns(
                        account.tactical[:, g], account.brand[:, g], account.mediated[:, g]
                    ),
                    **ratio_columns("roi", effects.value[:, g], cost),
                    **ratio_columns("roi_window", account.window_value[:, g], cost),
                    **ratio_columns(
                        "mroi", effects.marginal_value[:, g], float(account.variable_cost[g])
                    ),
                }
            )
    return pd.DataFrame(rows)


def efficiency_by_quarter(
    response: Response, decomposition: Decomposition | None = None
) -> pd.DataFrame:
    """`efficiency_quarter.csv`: one row a quarter and channel, `total` after the channels of each.

    contribution: outcome earned in the quarter, whenever it was paid for. roi: value of all
    outcome that the quarter's spending causes, in the quarter and ever after, over its loaded
    cost: the window as it was against the window without that quarter's spending of the channel
    (of all channels for `total`). With saturation quarters do not add up to the window: without
    one of them the others would earn more. Large studies are read from an even subset of draws,
    250 at least. Years take the place of quarters where periods are longer.
    """
    parts = decomposition or decompose(response)
    panel, study = response.fit.panel, response.fit.study
    named = quarters(panel)
    cost = _by_quarter(loaded_cost(panel, study.channels).sum(GEO).values, named)
    spend = _by_quarter(panel.dataset["spend"].sum(GEO).values, named)
    value = quarter_values(response, named)
    each = [
        np.sum(
            [
                parts.sums[name, kind].by_quarter
                for kind in (TACTICAL, BRAND, MEDIATED)
                if (name, kind) in parts.sums
            ],
            axis=0,
        )
        for name in panel.channels
    ]
    earned = [*each, np.sum(each, axis=0)]
    rows = []
    for q, (label, date) in enumerate(zip(named.labels, named.dates, strict=True)):
        for index, channel in enumerate((*panel.channels, TOTAL)):
            chosen = slice(index, index + 1) if channel != TOTAL else slice(None)
            paid = float(cost[q, chosen].sum())
            rows.append(
                {
                    "quarter": label,
                    "start": date,
                    "periods": int(named.periods[q]),
                    "channel": channel,
                    "spend": float(spend[q, chosen].sum()),
                    "loaded_cost": paid,
                    **summary_columns("contribution", earned[index][:, q]),
                    **ratio_columns("roi", value[index, q], paid),
                }
            )
    return pd.DataFrame(rows)


def _by_quarter(money: np.ndarray, named: Quarters) -> np.ndarray:
    """Sums over the periods of each quarter, (T, C) to (Q, C)."""
    return np.add.reduceat(money, named.starts, axis=0)


def quarter_values(response: Response, named: Quarters) -> np.ndarray:
    """Value of all outcome caused by each channel's spending of each quarter, and by all channels'
    in the last row, (C + 1, Q, draws)."""
    span = horizon(response)
    quarter_count = len(named.labels)
    cells = span.media.size * quarter_count
    some = thinned(response, affordable_draws(response, cells, QUARTER_CELLS))
    held = 1 if span.rows is None else quarter_count
    blocks = by_geo(
        some, len(span.media), lambda block: _quarters_block(block, span, named), arrays=held
    )
    return np.sum(blocks, axis=0)


def _quarters_block(response: Response, span: Horizon, named: Quarters) -> np.ndarray:
    """`quarter_values` of the response's geos."""
    worth, year = span.worth[:, response.places], year_of(response)
    channels, chosen = span.media.shape[2], named.slices()
    whole = whole_horizon(response, span)
    value = np.zeros((channels + 1, len(chosen), response.draws))
    together: dict[int, Change] = {}
    for channel in range(channels):
        media = span.media[:, response.places, channel]
        spent = channel_effect(response, channel, media)
        full = added(response, channel, spent, worth)[1] if whole is None else None
        for q, periods in enumerate(chosen):
            if not media[periods].any():
                continue
            kept = media.copy()
            kept[periods] = 0.0
            less = channel_effect(response, channel, kept)
            if whole is None:
                caused = full - added(response, channel, less, worth)[1]
            else:
                change = change_between(response, channel, spent, less)
                caused = multiplied(change, worth, whole, year)[1]
                together[q] = together[q] + change if q in together else change
            value[channel, q] = caused.sum(axis=1)
    value[-1] = value[:-1].sum(axis=0)
    if whole is not None:
        for q, change in together.items():
            value[-1, q] = multiplied(change, worth, whole, year)[1].sum(axis=1)
    return value
