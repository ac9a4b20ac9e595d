"""The truth of a world as JSON-able totals and parameters."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mmm.dims import DAYS_PER_WEEK
from mmm.simulate.longrun import SHORT_TERM_WEEKS, long_run
from mmm.simulate.oracle import Curves, caused_by_window
from mmm.simulate.spec import ChannelSpec, WorldSpec


def loaded_cost(channel: ChannelSpec, periods: int, spend: float, exposure: float) -> float:
    """`spend (1 + agency_fee) + fixed_per_period periods + unit_cost exposure`, in money.

    `unit_cost` counts for effort channels alone.
    """
    unit_cost = channel.unit_price if channel.effort else 0.0
    return (
        spend * (1.0 + channel.agency_fee)
        + channel.fixed_per_period * periods
        + unit_cost * exposure
    )


def world_truth(
    spec: WorldSpec,
    seed: int,
    *,
    curves: Curves,
    spend: np.ndarray,
    media: np.ndarray,
    tactical: np.ndarray,
    brand: np.ndarray,
    baseline: np.ndarray,
    noise: np.ndarray,
    outcome: np.ndarray,
) -> dict[str, Any]:
    """Totals over the window and true parameters. `spend`, `media`: history and window.

    Of each channel: `spend`, `exposure`, `loaded_cost`, `contribution` (outcome in the
    window, carry-in included) = `tactical` + `brand`, `caused` (outcome the window's spend
    causes in and after the window), `roi` = `caused` value / `loaded_cost`, `roi_window` =
    `contribution` value / `loaded_cost`, and `parameters`. Of what the window's spend causes,
    `brand_window` comes through the brand stock in the window, `tail` after the window, and
    `short_term` within 13 weeks; `multiplier` is `caused` over `short_term`.
    """
    caused = caused_by_window(media, spec.history, curves)
    weeks = (spec.dates[1] - spec.dates[0]).days / DAYS_PER_WEEK
    lasting = long_run(media, spec.history, curves, max(1, round(SHORT_TERM_WEEKS / weeks)))
    channels: dict[str, dict[str, Any]] = {}
    for index, channel in enumerate(spec.channels):
        money = float(spend[spec.history :, :, index].sum())
        units = float(media[spec.history :, :, index].sum())
        now, later = float(tactical[:, :, index].sum()), float(brand[:, :, index].sum())
        channels[channel.name] = {
            "role": str(channel.role),
            "spend": money,
            "exposure": units,
            **_returns(
                cost=loaded_cost(channel, spec.periods, money, units),
                tactical=now,
                brand=later,
                caused=float(caused[index]),
                value_per_unit=spec.value_per_unit,
            ),
            "brand_window": float(lasting.brand_window[index]),
            "tail": float(lasting.after[index]),
            "short_term": float(lasting.short_term[index]),
            "multiplier": float(lasting.caused[index] / lasting.short_term[index]),
            "parameters": _parameters(spec, curves, index),
        }
    sums = {
        key: sum(channel[key] for channel in channels.values())
        for key in ("spend", "loaded_cost", "tactical", "brand", "caused")
    }
    settings = asdict(spec)
    del settings["channels"], settings["surveys"]
    return {
        "world": spec.name,
        "seed": int(seed),
        "periods": spec.periods,
        "geos": list(spec.geo_names) if spec.geos > 1 else [],
        "outcome_total": float(outcome.sum()),
        "baseline_total": float(baseline.sum()),
        "marketing_total": float(tactical.sum() + brand.sum()),
        "noise_total": float(noise.sum()),
        "value_per_unit": spec.value_per_unit,
        "currency": spec.currency,
        "brand_half_life": spec.brand_half_life,
        "brand_retention": None if spec.brand_half_life is None else curves.retention,
        "channels": channels,
        "total": {
            "spend": sums["spend"],
            **_returns(
                cost=sums["loaded_cost"],
                tactical=sums["tactical"],
                brand=sums["brand"],
                caused=sums["caused"],
                value_per_unit=spec.value_per_unit,
            ),
        },
        "settings": settings,
    }


def _returns(
    *, cost: float, tactical: float, brand: float, caused: float, value_per_unit: float
) -> dict[str, float]:
    return {
        "loaded_cost": cost,
        "contribution": tactical + brand,
        "tactical": tactical,
        "brand": brand,
        "caused": caused,
        "roi": caused * value_per_unit / cost,
        "roi_window": (tactical + brand) * value_per_unit / cost,
    }


def _parameters(spec: WorldSpec, curves: Curves, index: int) -> dict[str, Any]:
    channel = spec.channels[index]
    geos = spec.geo_names if spec.geos > 1 else ()
    return {
        "decay": channel.decay,
        "slope": channel.slope,
        "half_saturation": float(curves.half_saturation[index]),
        "half_saturation_multiple": channel.half_saturation,
        "tactical_effect": float(curves.tactical_effect[index]),
        "brand_effect": float(curves.brand_effect[index]),
        "geo_deviation": channel.geo_deviation,
        "geo_multiplier": {
            geo: float(curves.multiplier[row, index]) for row, geo in enumerate(geos)
        },
    }
