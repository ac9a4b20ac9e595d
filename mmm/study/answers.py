"""The ledger's rows of what is decided on: returns, marginal returns and net present value.

What was believed of them before the data has no formula: the priors are drawn and put through the
same response engine, today's spending repeated, as the posterior's draws are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit

from mmm.cash.cashflow import CashFlow
from mmm.efficiency.roi import TOTAL, Account, accounts
from mmm.inference.fit import Fit, sampled_draws
from mmm.invest.appraise import PRIOR_LED, plan_worth
from mmm.invest.learned import believed_part
from mmm.invest.valuation import present_value
from mmm.plan.scenario import as_is
from mmm.results.ledger import LED_BY_DATA, QUANTITIES
from mmm.results.power import power_of
from mmm.results.respond import Response, response
from mmm.transforms.parameter import PriorSpec

PRIOR_DRAWS = 400
COMMON = ("brand_half_life", "trend_scale", "geo_trend_scale", "sigma", "nu")
"""Variables whose labels are no channels."""

Answers = dict[tuple[str, str], np.ndarray]


def answer_draws(books: Sequence[Account], cash: CashFlow) -> Answers:
    """Draws (D,) of each answer by quantity and channel: `roi`, `mroi`, `npv`."""
    found: Answers = {}
    for account in books:
        cost, variable = float(account.cost.sum()), float(account.variable_cost.sum())
        channel = "" if account.channel == TOTAL else account.channel
        if cost > 0.0:
            found["roi", channel] = account.caused.value.sum(axis=1) / cost
        if variable > 0.0:
            found["mroi", channel] = account.caused.marginal_value.sum(axis=1) / variable
    found["npv", ""] = present_value(cash)
    return found


def prior_answers(fit: Fit) -> Answers:
    """The same before the data: `PRIOR_DRAWS` draws of the priors, by the study's seed."""
    read = response(prior_fit(fit, np.random.default_rng([fit.study.inference.seed, PRIOR_DRAWS])))
    panel, study = fit.panel, fit.study
    finance = study.finance.settled(panel.periods_per_year, study.currency)
    worth = plan_worth(read, as_is(read.fit), finance)
    return answer_draws(accounts(read), worth.cash(finance))


def prior_fit(fit: Fit, random: np.random.Generator) -> Fit:
    """`fit` with draws of its priors in place of its posterior's."""
    sizes = {"chain": 1, "draw": PRIOR_DRAWS}
    drawn = {}
    for variable in fit.density().spec.variables:
        values = np.stack([draws_of(prior, random) for prior in variable.priors], axis=1)
        drawn[variable.name] = (("chain", "draw", variable.dim), values[None])
    coordinates = {
        variable.dim: np.array(variable.labels) for variable in fit.density().spec.variables
    }
    kept = {name: one.isel(chain=[0]) for name, one in fit.statistics.data_vars.items()}
    statistics = {
        name: (one.dims, np.resize(one.values, (1, PRIOR_DRAWS))) for name, one in kept.items()
    }
    return replace(
        fit,
        posterior=xr.Dataset(
            drawn, coords={name: np.arange(size) for name, size in sizes.items()} | coordinates
        ),
        statistics=xr.Dataset(statistics),
        paths={name: prior_fit(path, random) for name, path in fit.paths.items()},
    )


def draws_of(prior: PriorSpec, random: np.random.Generator) -> np.ndarray:
    """`PRIOR_DRAWS` draws of a prior."""
    score = random.standard_normal(PRIOR_DRAWS)
    if prior.kind == "halfnormal":
        return prior.scale * np.abs(score)
    scaled = prior.location + prior.scale * score
    return expit(scaled) if prior.kind == "logitnormal" else np.exp(scaled)


def whole_ledger(
    ledger: pd.DataFrame, read: Response, books: Sequence[Account], cash: CashFlow
) -> pd.DataFrame:
    """`ledger` with the answers' rows, and every row's sensitivity to its own priors and to the
    likelihood where the draws can tell.

    An answer's own priors are those of its channel and of what is common to all; those of the net
    present value and of all channels together are every channel's. An answer of a channel that the
    data moved has its contribution's tier, so that none says more of the data than what was found;
    one of all channels is led by the prior where most of what is valued is.
    """
    fit, power = read.fit, power_of(read.fit, read.numbers)
    after, before = answer_draws(books, cash), prior_answers(fit)
    shares = ledger[ledger["quantity"].eq("contribution")].set_index("channel")
    led = believed_part(read, ledger) > PRIOR_LED
    rows = [
        _row(quantity, channel, draws, before[quantity, channel], shares, led=led)
        for (quantity, channel), draws in after.items()
    ]
    whole = pd.concat([ledger, pd.DataFrame(rows)], ignore_index=True)
    sampled = _sampled(read) | after
    known = {}
    for (quantity, channel), draws in sampled.items():
        decides = _decides(channel)
        known[quantity, channel] = power.of_prior(draws, decides), power.of_likelihood(draws)
    keys = list(zip(whole["quantity"], whole["channel"], strict=True))
    nothing = (float("nan"), float("nan"))
    both = np.array([known.get(key, nothing) for key in keys], dtype=float).reshape(-1, 2)
    place = list(whole.columns).index("contraction") + 1
    whole.insert(place, "prior_sensitivity", both[:, 0])
    whole.insert(place + 1, "likelihood_sensitivity", both[:, 1])
    return whole


def _decides(channel: str) -> Callable[[str, str], bool]:
    if channel:
        return lambda variable, label: label == channel or variable == "brand_half_life"
    return lambda variable, _label: variable not in COMMON or variable == "brand_half_life"


def _sampled(read: Response) -> Answers:
    """Draws (D,) of the sampled quantities of the ledger."""
    fit, found = read.fit, {}
    for name, quantity in QUANTITIES.items():
        if name in fit.posterior:
            values = sampled_draws(fit, name)[read.numbers]
            for place, label in enumerate(fit.density().spec.variable(name).labels):
                channel = "" if name == "brand_half_life" and label == "brand" else label
                found[quantity, channel] = values[:, place]
    return found


def _row(
    quantity: str,
    channel: str,
    after: np.ndarray,
    before: np.ndarray,
    shares: pd.DataFrame,
    *,
    led: bool,
) -> dict[str, object]:
    low, middle, high = np.quantile(after, [0.05, 0.5, 0.95]).tolist()
    believed = np.quantile(before, [0.05, 0.95])
    moved = contraction_of(believed, np.array([low, high]))
    tier = "data" if moved >= LED_BY_DATA else "prior"
    tests = ""
    if not channel and led:
        tier = "prior"
    if channel in shares.index:
        tests = str(shares.loc[channel, "experiments"])
        tier = str(shares.loc[channel, "tier"]) if tier == "data" else tier
    return {
        "quantity": quantity,
        "channel": channel,
        "tier": tier,
        "contraction": moved,
        "prior_p05": float(believed[0]),
        "prior_p95": float(believed[1]),
        "posterior_p05": low,
        "posterior_p50": middle,
        "posterior_p95": high,
        "reference": "",
        "experiments": tests,
        "prior_source": "",
    }


def contraction_of(before: np.ndarray, after: np.ndarray) -> float:
    """1 less the squared ratio of the widths of two 90 % intervals (2,), which for normal
    distributions is that of variances; on the log scale where all ends are above zero."""
    if min(before[0], after[0]) > 0.0:
        before, after = np.log(before), np.log(after)
    width, wider = float(after[1] - after[0]), float(before[1] - before[0])
    return float(np.clip(1.0 - (width / wider) ** 2, 0.0, 1.0)) if wider > 0.0 else 0.0
