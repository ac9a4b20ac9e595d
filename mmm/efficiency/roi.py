"""Efficiency: what each channel earned for what it cost, in the window and after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.data.costs import loaded_cost, variable_cost_rate
from mmm.dims import DATE, GEO
from mmm.model.spec import model_spec
from mmm.results.contributions import BRAND, TACTICAL, Decomposition, decompose
from mmm.results.ledger import channel_evidence
from mmm.results.respond import Response, after_window, brand_tail, channel_effect
from mmm.results.summary import SUFFIXES, summary_columns

TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Caused:
    """What the window's spending of one channel caused, against not spending, per draw (D,).

    outcome and value: all of it, carry-over past the window included. marginal_value: value of
    one more percent of spending, times 100.
    """

    outcome: np.ndarray
    value: np.ndarray
    marginal_value: np.ndarray


def caused(response: Response, channel: int) -> Caused:
    """Counterfactual of `channel`: the window as it was against the window without it.

    Both start from the same level before the window, so what earlier spending carries in is
    not counted. Outcome after the window is valued at its last value per unit.
    """
    data = response.fit.panel.dataset
    media = data["media"].values[:, :, channel]
    value = data["value_per_unit"].values
    later = after_window(response)
    spent = np.concatenate([media, np.zeros((later, media.shape[1]))])
    worth = np.concatenate([value, np.repeat(value[-1:], later, axis=0)])
    with_it = channel_effect(response, channel, spent, direction=spent, worth=worth)
    without = channel_effect(response, channel, np.zeros_like(spent))
    difference = with_it.total - without.total
    tail = brand_tail(response, channel, with_it.brand - without.brand)
    return Caused(
        outcome=difference.sum(axis=(1, 2)) + tail.sum(axis=1),
        value=np.einsum("dgt,tg->d", difference, worth) + tail @ value[-1],
        marginal_value=with_it.slope.sum(axis=1),
    )


def efficiency_table(
    response: Response, decomposition: Decomposition | None = None
) -> pd.DataFrame:
    """`efficiency.csv`: one row a channel, and `total`.

    contribution, tactical, brand, mediated: outcome in the window. roi: value of all outcome
    caused over loaded cost; roi_window: value of the contribution in the window over it; mroi:
    value of the next unit of money at today's pattern. cost_per_outcome: loaded cost over
    outcome caused, its mean taken at the mean outcome. NaN where a channel has no cost.
    """
    parts = decomposition or decompose(response)
    fit = response.fit
    study, panel = fit.study, fit.panel
    cost = loaded_cost(panel, study.channels).sum([DATE, GEO]).values
    spend = panel.dataset["spend"].sum([DATE, GEO]).values
    media = panel.dataset["media"].values
    value = panel.dataset["value_per_unit"].values
    found = channel_evidence(fit, model_spec(study, panel), "share")
    nothing = np.zeros(response.draws)
    rows, all_caused, all_parts, all_values, variable = [], [], [], [], []
    for index, channel in enumerate(study.channels):
        effects = caused(response, index)
        tactical = parts.total_draws.get((channel.name, TACTICAL), nothing)
        brand = parts.total_draws.get((channel.name, BRAND), nothing)
        window = channel_effect(response, index, media[:, :, index]).total
        in_window = np.einsum("dgt,tg->d", window, value)
        base = media[:, :, index].sum() if channel.spend is None else spend[index]
        marginal = variable_cost_rate(channel) * base
        rows.append(
            {
                "channel": channel.name,
                "role": str(channel.role),
                **_row(spend[index], cost[index], marginal, tactical, brand, in_window, effects),
                "evidence": found[channel.name].tier,
                "contraction": found[channel.name].contraction,
            }
        )
        all_caused.append(effects)
        all_parts.append((tactical, brand))
        all_values.append(in_window)
        variable.append(marginal)
    together = Caused(
        *(
            np.sum([getattr(effects, name) for effects in all_caused], axis=0)
            for name in ("outcome", "value", "marginal_value")
        )
    )
    tactical, brand = (np.sum([pair[k] for pair in all_parts], axis=0) for k in (0, 1))
    least = min(rows, key=lambda row: row["contraction"])
    rows.append(
        {
            "channel": TOTAL,
            "role": "",
            **_row(spend.sum(), cost.sum(), sum(variable), tactical, brand,
                   np.sum(all_values, axis=0), together),
            "evidence": least["evidence"],
            "contraction": least["contraction"],
        }
    )  # fmt: skip
    return pd.DataFrame(rows)


def _row(
    spend: float,
    cost: float,
    variable_cost: float,
    tactical: np.ndarray,
    brand: np.ndarray,
    window_value: np.ndarray,
    effects: Caused,
) -> dict[str, float]:
    contribution = tactical + brand
    row = {"spend": float(spend), "loaded_cost": float(cost)}
    row |= summary_columns("contribution", contribution)
    row |= summary_columns("tactical", tactical)
    row |= summary_columns("brand", brand)
    row |= summary_columns("mediated", np.zeros_like(tactical))
    row |= _ratio("roi", effects.value, cost)
    row |= _ratio("roi_window", window_value, cost)
    row |= _ratio("mroi", effects.marginal_value, variable_cost)
    if cost > 0:
        with np.errstate(divide="ignore"):
            price = np.where(effects.outcome > 0, cost / effects.outcome, np.inf)
        row |= summary_columns("cost_per_outcome", price)
        mean = effects.outcome.mean()
        row["cost_per_outcome_mean"] = float(cost / mean) if mean > 0 else float("inf")
    else:
        row |= {f"cost_per_outcome_{suffix}": float("nan") for suffix in SUFFIXES}
    return row


def _ratio(prefix: str, value: np.ndarray, cost: float) -> dict[str, float]:
    if cost > 0:
        return summary_columns(prefix, value / cost)
    return {f"{prefix}_{suffix}": float("nan") for suffix in SUFFIXES}
