"""Worlds about brand: with and without a tracker, mixed up with trend, and beside effort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mmm.config import OutcomeKind
from mmm.simulate.spec import ChannelSpec, Flighting, WorldSpec
from mmm.simulate.survey import SurveySpec

CONSIDERATION = SurveySpec(
    name="consideration", base=0.12, loading=1.5, standard_error=0.01, missing=0.2
)
"""Weekly, with its standard error; one reading in five is missing."""

AWARENESS = SurveySpec(name="awareness", base=0.35, loading=1.8, sample_size=1200, every=4)
"""Every fourth week, as the part of about 1,200 people who say yes."""


def _brand_alone() -> WorldSpec:
    return WorldSpec(
        name="brand_alone",
        periods=156,
        level=900_000.0,
        history=208,
        brand_half_life=26.0,
        trend=0.06,
        channels=(
            ChannelSpec(
                name="tv",
                flighting=Flighting.BURSTS,
                cost_share=0.04,
                tactical_share=0.06,
                brand_share=0.09,
                decay=0.5,
                slope=1.3,
                half_saturation=0.9,
                agency_fee=0.1,
            ),
            ChannelSpec(
                name="sponsorship",
                flighting=Flighting.SPIKES,
                cost_share=0.015,
                brand_share=0.04,
                decay=0.3,
                slope=1.0,
                half_saturation=1.2,
                fixed_per_period=600.0,
            ),
            ChannelSpec(
                name="paid_search",
                flighting=Flighting.ALWAYS_ON,
                cost_share=0.03,
                tactical_share=0.10,
                decay=0.15,
                slope=1.0,
                half_saturation=1.4,
            ),
        ),
    )


def _brand_survey() -> WorldSpec:
    return replace(_brand_alone(), name="brand_survey", surveys=(CONSIDERATION, AWARENESS))


def _brand_confounded() -> WorldSpec:
    """Brand spending that grew year by year beside a growing baseline."""
    channels = tuple(
        replace(
            channel,
            growth=4.0 if channel.brand_share else 0.0,
            flighting=Flighting.ALWAYS_ON if channel.brand_share else channel.flighting,
        )
        for channel in _brand_alone().channels
    )
    return replace(
        _brand_alone(),
        name="brand_confounded",
        channels=channels,
        brand_half_life=52.0,
        trend=0.15,
    )


def _effort() -> WorldSpec:
    return WorldSpec(
        name="effort",
        periods=156,
        level=1_400_000.0,
        history=208,
        brand_half_life=30.0,
        trend=0.05,
        seasonality=0.06,
        price_elasticity=-0.5,
        outcome="pipeline",
        kind=OutcomeKind.PIPELINE,
        value_per_unit=0.25,
        currency="EUR",
        channels=(
            ChannelSpec(
                name="paid_search",
                flighting=Flighting.ALWAYS_ON,
                cost_share=0.02,
                tactical_share=0.06,
                decay=0.2,
                half_saturation=1.2,
                exposure="clicks",
                unit_price=6.0,
            ),
            ChannelSpec(
                name="linkedin",
                flighting=Flighting.BURSTS,
                cost_share=0.03,
                tactical_share=0.03,
                brand_share=0.05,
                decay=0.45,
                slope=1.3,
                agency_fee=0.12,
            ),
            ChannelSpec(
                name="account_visits",
                flighting=Flighting.SEASONAL,
                cost_share=0.03,
                tactical_share=0.05,
                brand_share=0.04,
                decay=0.55,
                slope=1.4,
                exposure="hours",
                unit_price=95.0,
                effort=True,
            ),
            ChannelSpec(
                name="sales_development",
                flighting=Flighting.BURSTS,
                cost_share=0.035,
                tactical_share=0.08,
                decay=0.4,
                half_saturation=0.8,
                exposure="headcount",
                unit_price=1_400.0,
                effort=True,
            ),
            ChannelSpec(
                name="executive_sponsors",
                flighting=Flighting.SPIKES,
                cost_share=0.012,
                brand_share=0.04,
                decay=0.35,
                exposure="meetings",
                unit_price=850.0,
                effort=True,
            ),
        ),
    )


def _brand_mixed() -> WorldSpec:
    """Several geos, effort beside media, brand spending that grows with trend, and a tracker."""
    channels = tuple(
        replace(
            channel,
            geo_deviation=0.15,
            growth=1.5 if channel.brand_share else 0.0,
        )
        for channel in _effort().channels
    )
    return replace(
        _effort(),
        name="brand_mixed",
        periods=130,
        geos=4,
        trend=0.10,
        channels=channels,
        surveys=(CONSIDERATION, AWARENESS),
    )


BRAND_WORLDS: dict[str, Callable[[], WorldSpec]] = {
    "brand_alone": _brand_alone,
    "brand_survey": _brand_survey,
    "brand_confounded": _brand_confounded,
    "effort": _effort,
    "brand_mixed": _brand_mixed,
}
"""Each world by name; the specification is made when it is asked for."""
