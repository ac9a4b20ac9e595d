"""Tables and JSON as every artefact is written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Comma-separated, with dates as dates."""
    frame.to_csv(path, index=False, date_format="%Y-%m-%d", lineterminator="\n")


def write_json(content: Any, path: Path) -> None:
    """Indented; what is not a finite number becomes null."""
    text = json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(item: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(item, Mapping):
        return {str(key): _plain(value) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(value) for value in item]
    if isinstance(item, float) and not math.isfinite(item):
        return None
    return item
