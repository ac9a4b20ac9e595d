"""PyMC-Marketing's `MMM` as every comparison sets it up: geometric adstock, logistic saturation,
yearly seasonality, a trend and the controls.

Priors, scaling and likelihood are the class's own. With several geos the class has its
parameters vary by geo (`dims`). Controls are put on the scale its documentation asks for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from pymc_marketing.mmm import MMM, GeometricAdstock, LogisticSaturation

TREND = "trend"


def prepared(path: Path, columns: dict[str, Any]) -> pd.DataFrame:
    """The data with a trend column; controls divided by their largest absolute value."""
    frame = pd.read_csv(path, parse_dates=[columns["date"]])
    dates = frame[columns["date"]]
    frame[TREND] = (dates - dates.min()) / (dates.max() - dates.min())
    for name in columns["controls"]:
        frame[name] = frame[name] / frame[name].abs().max()
    return frame


def build(columns: dict[str, Any], frame: pd.DataFrame) -> tuple[MMM, pd.DataFrame, pd.Series]:
    """The model, built, with its inputs and target."""
    model = MMM(
        date_column=columns["date"],
        target_column=columns["outcome"],
        channel_columns=columns["spend"],
        control_columns=[*columns["controls"], TREND],
        dims=(columns["geo"],) if columns["geo"] else None,
        adstock=GeometricAdstock(l_max=8),
        saturation=LogisticSaturation(),
        yearly_seasonality=2,
    )
    used = [columns["date"], *columns["spend"], *columns["controls"], TREND]
    inputs = frame[[*used, columns["geo"]] if columns["geo"] else used]
    target = frame[columns["outcome"]]
    model.build_model(inputs, target)
    return model, inputs, target
