"""The catalogue of worlds, and worlds of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mmm.config import OutcomeKind
from mmm.errors import did_you_mean, input_error
from mmm.simulate.brand_worlds import BRAND_WORLDS
from mmm.simulate.generate import simulate
from mmm.simulate.routed_worlds import ROUTED
from mmm.simulate.routes import simulate_routed
from mmm.simulate.spec import ChannelSpec, Flighting, WorldSpec
from mmm.simulate.world import World

ALWAYS_ON, BURSTS, SEASONAL, SPIKES = (
    Flighting.ALWAYS_ON,
    Flighting.BURSTS,
    Flighting.SEASONAL,
    Flighting.SPIKES,
)


def world_names() -> tuple[str, ...]:
    """Names `simulate_world` knows."""
    return (*WORLDS, *ROUTED)


def world_spec(name: str) -> WorldSpec:
    """The specification of a world of the catalogue. Raises `InputError` on another name."""
    if name not in WORLDS:
        raise input_error(
            "simulate",
            "world",
            f"there is no world '{name}';",
            did_you_mean(name, world_names()),
        )
    return WORLDS[name]()


def simulate_world(
    name: str,
    *,
    seed: int = 0,
    periods: int | None = None,
    geos: int | None = None,
    history: int | None = None,
    noise: float | None = None,
) -> World:
    """A world of the catalogue, its size, warm-up or noise changed where given.

    Raises `InputError` on an unknown name or an impossible size.
    """
    changes = {"periods": periods, "geos": geos, "history": history, "noise": noise}
    given = {key: value for key, value in changes.items() if value is not None}
    if name in ROUTED:
        routed = ROUTED[name]()
        return simulate_routed(replace(routed, base=replace(routed.base, **given)), seed)
    return simulate(replace(world_spec(name), **given), seed)


def large_spec(
    geos: int = 50,
    periods: int = 208,
    channels: int = 30,
    seed: int = 0,
    *,
    brand: bool = False,
) -> WorldSpec:
    """A world of any size, its channels drawn at random: for benchmarks and recovery.

    All channels together earn 40 % of baseline outcome and cost 15 % of its value. With
    `brand`, every third channel feeds a brand stock as well. Raises `InputError` on an
    impossible size.
    """
    if channels < 1 or seed < 0:
        raise input_error(
            "simulate",
            "large world",
            f"needs at least 1 channel and a seed of 0 or up, got {channels} and {seed}.",
            "Change them.",
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, channels]))
    contribution = 0.40 * rng.dirichlet(np.full(channels, 6.0))
    cost = 0.15 * rng.dirichlet(np.full(channels, 6.0))
    kinds = (ALWAYS_ON, BURSTS, SEASONAL, SPIKES)
    drawn = []
    for index in range(channels):
        later = rng.uniform(0.3, 0.6) if brand and index % 3 == 0 else 0.0
        drawn.append(
            ChannelSpec(
                name=f"channel_{index + 1:02d}",
                flighting=kinds[index % len(kinds)],
                cost_share=float(cost[index]),
                tactical_share=float(contribution[index] * (1.0 - later)),
                brand_share=float(contribution[index] * later),
                decay=float(rng.uniform(0.1, 0.7)),
                slope=float(rng.uniform(0.8, 2.0)),
                half_saturation=float(rng.uniform(0.6, 2.0)),
                agency_fee=0.1 if index % 5 == 0 else 0.0,
                geo_deviation=0.2,
            )
        )
    return WorldSpec(
        name=f"large_{geos}x{periods}x{channels}",
        channels=tuple(drawn),
        periods=periods,
        geos=geos,
        level=200_000.0 * geos,
        history=208 if brand else 104,
        brand_half_life=26.0 if brand else None,
        start="2019-01-07",
    )


def _national() -> WorldSpec:
    return WorldSpec(
        name="national",
        periods=156,
        level=1_200_000.0,
        channels=(
            ChannelSpec(
                name="tv",
                flighting=BURSTS,
                cost_share=0.035,
                tactical_share=0.08,
                decay=0.6,
                slope=1.5,
                half_saturation=0.9,
                exposure="grps",
                unit_price=450.0,
                agency_fee=0.1,
                fixed_per_period=1_500.0,
            ),
            ChannelSpec(
                name="online_video",
                flighting=BURSTS,
                cost_share=0.02,
                tactical_share=0.04,
                decay=0.45,
                slope=1.2,
                half_saturation=1.1,
                exposure="impressions",
                unit_price=0.012,
            ),
            ChannelSpec(
                name="paid_search",
                flighting=ALWAYS_ON,
                cost_share=0.025,
                tactical_share=0.09,
                decay=0.15,
                slope=1.0,
                half_saturation=1.4,
            ),
            ChannelSpec(
                name="paid_social",
                flighting=ALWAYS_ON,
                cost_share=0.025,
                tactical_share=0.05,
                decay=0.3,
                slope=0.8,
                half_saturation=1.0,
                agency_fee=0.12,
            ),
            ChannelSpec(
                name="out_of_home",
                flighting=SEASONAL,
                cost_share=0.02,
                tactical_share=0.03,
                decay=0.5,
                slope=2.0,
                half_saturation=0.8,
            ),
        ),
    )


def _national_brand() -> WorldSpec:
    return WorldSpec(
        name="national_brand",
        periods=208,
        level=1_200_000.0,
        history=208,
        brand_half_life=26.0,
        trend=0.06,
        channels=(
            ChannelSpec(
                name="tv",
                flighting=BURSTS,
                cost_share=0.035,
                tactical_share=0.06,
                brand_share=0.08,
                decay=0.55,
                slope=1.4,
                half_saturation=0.9,
                exposure="grps",
                unit_price=450.0,
                agency_fee=0.1,
                fixed_per_period=1_500.0,
            ),
            ChannelSpec(
                name="sponsorship",
                flighting=SPIKES,
                cost_share=0.015,
                brand_share=0.04,
                decay=0.3,
                slope=1.0,
                half_saturation=1.2,
                fixed_per_period=800.0,
            ),
            ChannelSpec(
                name="online_video",
                flighting=SEASONAL,
                cost_share=0.02,
                tactical_share=0.035,
                brand_share=0.035,
                decay=0.4,
                slope=1.2,
                half_saturation=1.0,
            ),
            ChannelSpec(
                name="paid_search",
                flighting=ALWAYS_ON,
                cost_share=0.025,
                tactical_share=0.09,
                decay=0.15,
                slope=1.0,
                half_saturation=1.4,
            ),
            ChannelSpec(
                name="paid_social",
                flighting=ALWAYS_ON,
                cost_share=0.025,
                tactical_share=0.05,
                decay=0.3,
                slope=0.8,
                half_saturation=1.0,
                agency_fee=0.12,
            ),
        ),
    )


def _geo() -> WorldSpec:
    channels = tuple(
        replace(channel, geo_deviation=0.2, fixed_per_period=channel.fixed_per_period * 2)
        for channel in _national().channels
    )
    return replace(
        _national(), name="geo", periods=130, geos=10, level=3_000_000.0, channels=channels
    )


def _geo_brand() -> WorldSpec:
    chosen = ("tv", "online_video", "paid_search", "paid_social")
    channels = tuple(
        replace(channel, geo_deviation=0.15)
        for channel in _national_brand().channels
        if channel.name in chosen
    )
    return replace(
        _national_brand(),
        name="geo_brand",
        periods=156,
        geos=8,
        level=20_000.0,
        outcome="new_customers",
        kind=OutcomeKind.CUSTOMERS,
        value_per_unit=75.0,
        channels=channels,
    )


def _b2b() -> WorldSpec:
    return WorldSpec(
        name="b2b",
        periods=156,
        level=1_600_000.0,
        history=208,
        brand_half_life=30.0,
        trend=0.08,
        seasonality=0.07,
        price_elasticity=-0.5,
        outcome="pipeline",
        kind=OutcomeKind.PIPELINE,
        value_per_unit=0.25,
        currency="EUR",
        channels=(
            ChannelSpec(
                name="paid_search",
                flighting=ALWAYS_ON,
                cost_share=0.025,
                tactical_share=0.07,
                decay=0.25,
                slope=1.0,
                half_saturation=1.2,
                exposure="clicks",
                unit_price=6.5,
                agency_fee=0.1,
            ),
            ChannelSpec(
                name="linkedin",
                flighting=BURSTS,
                cost_share=0.03,
                tactical_share=0.04,
                brand_share=0.05,
                decay=0.45,
                slope=1.3,
                half_saturation=1.0,
                exposure="impressions",
                unit_price=0.045,
                agency_fee=0.12,
            ),
            ChannelSpec(
                name="events",
                flighting=SPIKES,
                cost_share=0.03,
                tactical_share=0.07,
                decay=0.75,
                slope=1.1,
                half_saturation=0.5,
                fixed_per_period=900.0,
            ),
            ChannelSpec(
                name="account_visits",
                flighting=ALWAYS_ON,
                cost_share=0.035,
                tactical_share=0.06,
                brand_share=0.05,
                decay=0.55,
                slope=1.6,
                half_saturation=1.0,
                exposure="hours",
                unit_price=95.0,
                effort=True,
            ),
            ChannelSpec(
                name="trade_press",
                flighting=SEASONAL,
                cost_share=0.012,
                brand_share=0.04,
                decay=0.4,
                slope=0.9,
                half_saturation=1.0,
                fixed_per_period=400.0,
            ),
        ),
    )


WORLDS: dict[str, Callable[[], WorldSpec]] = {
    "national": _national,
    "national_brand": _national_brand,
    "geo": _geo,
    "geo_brand": _geo_brand,
    "b2b": _b2b,
    **BRAND_WORLDS,
}
"""What each world is by name; the specification is made when it is asked for."""
