"""The case as JSON."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite

import pandas as pd

from mmm.invest.case import InvestmentCase


def case_to_dict(case: InvestmentCase) -> dict[str, object]:
    """The case as plain JSON types in a fixed order: draws left out, NaN and infinity as null."""
    plain = {name: item for name, item in asdict(case).items() if name != "npv_draws"}
    decision = plain.pop("decision")
    head = {
        "verdict": decision["verdict"],
        "verdict_probability": decision["probability"],
        "verdict_sentence": decision["sentence"],
    }
    return {name: _plain(item) for name, item in {**head, **plain}.items()}


def _plain(item: object) -> object:
    if isinstance(item, dict):
        return {str(name): _plain(inner) for name, inner in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(inner) for inner in item]
    if isinstance(item, pd.Timestamp):
        return item.date().isoformat()
    if isinstance(item, str):
        return str(item)
    if isinstance(item, float):
        return float(item) if isfinite(item) else None
    return item
