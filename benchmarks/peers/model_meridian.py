"""Meridian as every comparison sets it up: ROI priors, Hill saturation and `max_lag` 8 as its
defaults are, spend as media."""

from __future__ import annotations

from typing import Any

import pandas as pd
from meridian.data import data_frame_input_data_builder as builders
from meridian.data import input_data
from meridian.model import model, spec

KNOTS_A_YEAR, WEEKS_A_YEAR = 8, 52


def input_of(columns: dict[str, Any], frame: pd.DataFrame) -> input_data.InputData:
    """The data as Meridian wants them."""
    geo = columns["geo"]
    names = {"time_col": columns["date"], "geo_col": geo}
    builder = builders.DataFrameInputDataBuilder(kpi_type="revenue")
    builder = builder.with_kpi(frame, kpi_col=columns["outcome"], **names)
    if geo:
        builder = builder.with_population(frame, population_col=columns["population"], geo_col=geo)
    builder = builder.with_controls(frame, control_cols=columns["controls"], **names)
    builder = builder.with_media(
        frame,
        media_cols=columns["spend"],
        media_spend_cols=columns["spend"],
        media_channels=columns["channels"],
        **names,
    )
    return builder.build()


def model_spec(columns: dict[str, Any], periods: int, knots: str = "recommended") -> spec.ModelSpec:
    """Defaults but for the knots of the time effect.

    Its documentation starts from one knot a period with several geos, its default, and from
    one in all, which is no time effect, without geos, to be increased from there. So without
    geos it gets `KNOTS_A_YEAR`, enough for trend and a yearly pattern, unless `knots` says
    `automatic` or `default`.
    """
    if knots == "automatic":
        return spec.ModelSpec(enable_aks=True)
    if knots == "default" or columns["geo"]:
        return spec.ModelSpec()
    return spec.ModelSpec(knots=round(KNOTS_A_YEAR * periods / WEEKS_A_YEAR))


def build(columns: dict[str, Any], frame: pd.DataFrame, knots: str) -> model.Meridian:
    """The model, not yet sampled."""
    data = input_of(columns, frame)
    return model.Meridian(input_data=data, model_spec=model_spec(columns, len(data.time), knots))
