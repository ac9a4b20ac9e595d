"""What a case rests on that was learned rather than stated: effects, memory, carry-over."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mmm.invest.assumptions import Assumption, Source
from mmm.invest.tornado import Quantity
from mmm.plan.scenario import Scenario
from mmm.results.respond import Response

BELIEVED = ("prior", "guess")

LABELS = {
    "contribution": ("effect", "share of outcome"),
    "brand_share": ("brand part", "share of the effect"),
    "brand_half_life": ("memory of the brand", "half-life in periods"),
    "movement": ("movement of effectiveness", "over its mean, a quarter"),
}
"""Quantity of the ledger -> its name in a case, and its unit."""


def plan_assumptions(scenario: Scenario) -> tuple[Assumption, ...]:
    """What the plan assumes about what lies ahead."""
    return tuple(
        Assumption(f"plan {number}", statement, "", Source.DEFAULT)
        for number, statement in enumerate(scenario.statements, 1)
    )


def learned_assumptions(ledger: pd.DataFrame) -> tuple[Assumption, ...]:
    """The ledger's quantities: medians and 90 % intervals of the posterior, and what they come
    from."""
    found = []
    for row in ledger.to_dict("records"):
        name, unit = LABELS.get(row["quantity"], (row["quantity"], ""))
        found.append(
            Assumption(
                f"{name} of {row['channel']}" if row["channel"] else name,
                row["posterior_p50"],
                unit,
                Source(row["tier"]),
                row["posterior_p05"],
                row["posterior_p95"],
            )
        )
    return tuple(found)


def believed_part(read: Response, ledger: pd.DataFrame) -> float:
    """Part of the channels' expected contribution whose size rests on priors."""
    tiers = _regressors(ledger)
    sizes = np.abs(read.totals.reshape(-1, read.totals.shape[2]).mean(axis=0))
    believed = np.array([tiers.get(name) in BELIEVED for name in read.density.spec.channels])
    return float(sizes[believed].sum() / sizes.sum()) if sizes.sum() > 0 else 0.0


def _regressors(ledger: pd.DataFrame) -> dict[str, str]:
    """Tier of the size of every channel and path in the outcome's regression; a channel that
    acts through paths alone is not in it."""
    return _tiers(ledger, "contribution") | _tiers(ledger, "path")


def quantities(read: Response, ledger: pd.DataFrame) -> tuple[Quantity, ...]:
    """What the posterior knows that may move a case: each channel's effect in the window, the
    memory of the brand, brand parts and half-lives of carry-over, by draw."""
    posterior = read.fit.posterior
    totals = read.totals.reshape(-1, read.totals.shape[2])[read.numbers]
    effects, parts = _regressors(ledger), _tiers(ledger, "brand_share")
    memory = _tiers(ledger, "brand_half_life")
    found = [
        Quantity(f"effect of {name}", totals[:, i], "outcome in the window", Source(effects[name]))
        for i, name in enumerate(read.density.spec.channels)
        if name in effects
    ]
    for variable in posterior.data_vars:
        name = str(variable)
        draws = posterior[name].stack(sample=("chain", "draw"), create_index=False)
        values = draws.transpose("sample", ...).values[read.numbers]
        for i, label in enumerate(posterior[name].coords[f"{name}_dim"].values):
            if name.startswith("brand_half_life"):
                title, unit, source = "memory of the brand", "half-life in periods", memory
            elif name == "brand_split":
                title, unit, source = f"brand part of {label}", "share of the effect", parts
            elif name.endswith("half_life"):
                title, unit, source = f"carry-over of {label}", "half-life in periods", effects
            else:
                continue
            tier = Source(source.get(str(label), source.get("", "prior")))
            found.append(Quantity(title, values[:, i], unit, tier))
    return tuple(found)


def _tiers(ledger: pd.DataFrame, quantity: str) -> dict[str, str]:
    rows = ledger[ledger["quantity"] == quantity]
    return dict(zip(rows["channel"].astype(str), rows["tier"].astype(str), strict=True))
