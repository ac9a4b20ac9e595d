"""Efficiency: what each channel earned for what it cost, in the window and after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.costs import loaded_cost, variable_cost_rate
from mmm.efficiency.caused import Caused, caused_by_channels
from mmm.results.contributions import BRAND, MEDIATED, TACTICAL, Decomposition, channel_sums
from mmm.results.links import evidence_by_channel
from mmm.results.respond import Response
from mmm.results.summary import SUFFIXES, summaries, summarise, summary_columns

TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Account:
    """What one channel, or all of them, cost and earned by geo.

    spend, cost and variable_cost (G,) in money, the last of them what grows with spending;
    tactical, brand, mediated and window_value (D, G): outcome in the window and its value.
    """

    channel: str
    spend: np.ndarray
    cost: np.ndarray
    variable_cost: np.ndarray
    tactical: np.ndarray
    brand: np.ndarray
    mediated: np.ndarray
    window_value: np.ndarray
    caused: Caused


def accounts(response: Response, decomposition: Decomposition | None = None) -> list[Account]:
    """One account a channel, and last that of all channels together, `total`."""
    sums = decomposition.sums if decomposition else channel_sums(response)
    study, panel = response.fit.study, response.fit.panel
    cost = loaded_cost(panel, study.channels).values.sum(axis=0).T
    spend = panel.dataset["spend"].values.sum(axis=0).T
    media = panel.dataset["media"].values.sum(axis=0).T
    nothing = np.zeros((response.draws, len(panel.geos)))
    each, together = caused_by_channels(response)
    found = []
    for index, channel in enumerate(study.channels):
        base = media[index] if channel.spend is None else spend[index]
        known = [sums.get((channel.name, kind)) for kind in (TACTICAL, BRAND, MEDIATED)]
        tactical, brand, mediated = (nothing if one is None else one.outcome for one in known)
        values = [one.value for one in known if one is not None]
        found.append(
            Account(
                channel.name, spend[index], cost[index], variable_cost_rate(channel) * base,
                tactical, brand, mediated, np.sum(values, axis=0), each[index],
            )
        )  # fmt: skip
    columns = ("spend", "cost", "variable_cost", "tactical", "brand", "mediated", "window_value")
    of_all = (np.sum([getattr(one, name) for one in found], axis=0) for name in columns)
    return [*found, Account(TOTAL, *of_all, together)]


def efficiency_table(
    response: Response,
    decomposition: Decomposition | None = None,
    books: list[Account] | None = None,
) -> pd.DataFrame:
    """`efficiency.csv`: one row a channel, and `total`.

    contribution, tactical, brand, mediated: outcome in the window; where effects multiply, parts
    that add up. roi: value of all outcome caused over loaded cost, by counterfactual; roi_window:
    value of the contribution in the window over it; mroi: value of the next unit of money at
    today's pattern. cost_per_outcome: loaded cost over outcome caused, its mean taken at the mean
    outcome. NaN where a channel has no cost.
    """
    fit = response.fit
    books = books or accounts(response, decomposition)
    found = evidence_by_channel(fit)
    least = min(found.values(), key=lambda one: one.contraction)
    roles = {channel.name: str(channel.role) for channel in fit.study.channels}
    rows = []
    for account in books:
        effects = account.caused
        known = found.get(account.channel, least)
        cost = float(account.cost.sum())
        rows.append(
            {
                "channel": account.channel,
                "role": roles.get(account.channel, ""),
                "spend": float(account.spend.sum()),
                "loaded_cost": cost,
                **contribution_columns(
                    account.tactical.sum(axis=1),
                    account.brand.sum(axis=1),
                    account.mediated.sum(axis=1),
                ),
                **ratio_columns("roi", effects.value.sum(axis=1), cost),
                **ratio_columns("roi_window", account.window_value.sum(axis=1), cost),
                **ratio_columns(
                    "mroi", effects.marginal_value.sum(axis=1), float(account.variable_cost.sum())
                ),
                **price_columns(effects.outcome.sum(axis=1), cost),
                "evidence": known.tier,
                "contraction": known.contraction,
            }
        )
    return pd.DataFrame(rows)


def contribution_columns(
    tactical: np.ndarray, brand: np.ndarray, mediated: np.ndarray
) -> dict[str, float]:
    """Outcome in the window (D,) and its parts."""
    parts = {"tactical": tactical, "brand": brand, "mediated": mediated}
    return summaries({"contribution": tactical + brand + mediated, **parts})


def price_columns(outcome: np.ndarray, cost: float) -> dict[str, float]:
    """Cost of a unit of `outcome` (D,), infinite where there is none: cost over the mean and the
    quantiles of outcome."""
    names = [f"cost_per_outcome_{suffix}" for suffix in SUFFIXES]
    if not cost > 0:
        return dict.fromkeys(names, float("nan"))
    mean, low, middle, high = summarise(outcome)
    units = (mean, high, middle, low)
    return {
        name: float(cost / unit) if unit > 0 else float("inf")
        for name, unit in zip(names, units, strict=True)
    }


def ratio_columns(prefix: str, value: np.ndarray, cost: float) -> dict[str, float]:
    """`value` (D,) over `cost`, NaN where there is none."""
    if cost > 0:
        return summary_columns(prefix, value / cost)
    return {f"{prefix}_{suffix}": float("nan") for suffix in SUFFIXES}
