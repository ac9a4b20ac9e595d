"""Reconciliation: what platforms and teams claim, beside what the model finds and what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmm.data.claims import Claim
from mmm.results.contributions import BRAND, TACTICAL, Decomposition
from mmm.results.summary import SUFFIXES, summarise

MEDIATED = "mediated"
KINDS = (TACTICAL, BRAND, MEDIATED)
"""Kinds of contribution that channels cause."""

CHANNEL_ROW, OTHER_ROW, CLAIMS_ROW = "channel", "other", "claims"
MARKETING_ROW, REST_ROW, ACTUAL_ROW = "marketing", "rest", "actual"


@dataclass(frozen=True, slots=True)
class Beside:
    """One line: what is claimed (NaN: nothing is), and draws (D,) of what the model finds (None:
    it says nothing of it)."""

    kind: str
    channel: str
    source: str
    claimed: float
    found: np.ndarray | None


def reconciliation_table(parts: Decomposition, claims: Sequence[Claim]) -> pd.DataFrame:
    """`reconciliation.csv`: one row a claim, then the channels nobody claims anything for, then
    the sums.

    Kinds: `channel`; `other` (a claim for what is no channel); `claims`, all claims, beside what
    the model finds for the channels they name, each counted once; `marketing`, all channels;
    `rest`, baseline and everything else; `actual`, the outcome as recorded. In the column
    `model_mean`, `marketing` and `rest` add up to `actual`.

    Columns: claimed; model_ mean, p05, p50, p95, the contribution in the window; ratio_ of claim
    to model at the model's mean, and p05, p50, p95; probability_exceeds, that the claim is more
    than the channel caused; claimed_of_actual and model_of_actual, over the actual outcome.
    """
    caused = channel_draws(parts)
    actual = float(sum(sums.outcome.mean(axis=0).sum() for sums in parts.sums.values()))
    claimed_channels = list(dict.fromkeys(claim.channel for claim in claims if claim.channel))
    marketing = np.sum(list(caused.values()), axis=0)
    named = np.sum([caused[name] for name in claimed_channels], axis=0)
    lines = [
        Beside(CHANNEL_ROW, claim.channel, claim.source, claim.claimed, caused[claim.channel])
        if claim.channel
        else Beside(OTHER_ROW, "", claim.source, claim.claimed, None)
        for claim in claims
    ]
    lines += [
        Beside(CHANNEL_ROW, name, "", np.nan, draws)
        for name, draws in caused.items()
        if name not in claimed_channels
    ]
    total = sum(claim.claimed for claim in claims)
    found = named if claimed_channels else None
    lines += [
        Beside(CLAIMS_ROW, "", "", total, found),
        Beside(MARKETING_ROW, "", "", np.nan, marketing),
        Beside(REST_ROW, "", "", np.nan, actual - marketing),
        Beside(ACTUAL_ROW, "", "", np.nan, np.full_like(marketing, actual)),
    ]
    return pd.DataFrame([_row(line, actual) for line in lines])


def channel_draws(parts: Decomposition) -> dict[str, np.ndarray]:
    """What each channel contributed to the window, all kinds together, (D,) by name."""
    found: dict[str, np.ndarray] = {}
    for (name, kind), sums in parts.sums.items():
        if kind in KINDS:
            whole = sums.outcome.sum(axis=1)
            found[name] = found[name] + whole if name in found else whole
    return found


def _row(line: Beside, actual: float) -> dict[str, Any]:
    claimed, found = line.claimed, line.found
    numbers = np.full(4, np.nan) if found is None else summarise(found)
    compared = found is not None and np.isfinite(claimed)
    ratios = np.full(4, np.nan)
    if compared:
        # the largest ratio belongs to the smallest effect; there is none of an effect of nothing
        ends = numbers[[0, 3, 2, 1]]
        ratios = np.divide(claimed, ends, out=np.full(4, np.inf), where=ends > 0)
    return {
        "kind": line.kind,
        "channel": line.channel,
        "source": line.source,
        "claimed": claimed,
        **_suffixed("model", numbers),
        **_suffixed("ratio", ratios),
        "probability_exceeds": float(np.mean(found < claimed)) if compared else np.nan,
        "claimed_of_actual": claimed / actual if actual > 0 else np.nan,
        "model_of_actual": numbers[0] / actual if actual > 0 else np.nan,
    }


def _suffixed(prefix: str, numbers: np.ndarray) -> dict[str, float]:
    return {f"{prefix}_{suffix}": float(x) for suffix, x in zip(SUFFIXES, numbers, strict=True)}
