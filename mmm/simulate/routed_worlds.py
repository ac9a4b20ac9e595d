"""Worlds with paths, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mmm.config import OutcomeKind
from mmm.simulate.routes import LagSpec, PathSpec, RoutedSpec
from mmm.simulate.spec import ChannelSpec, Flighting, WorldSpec


def _search_channels() -> tuple[ChannelSpec, ...]:
    return (
        ChannelSpec(
            name="tv", flighting=Flighting.BURSTS, cost_share=0.035, tactical_share=0.05,
            decay=0.5, slope=1.3, half_saturation=0.9, agency_fee=0.1,
        ),
        ChannelSpec(
            name="online_video", flighting=Flighting.BURSTS, cost_share=0.02,
            tactical_share=0.03, decay=0.4, slope=1.2,
        ),
        ChannelSpec(
            name="paid_social", flighting=Flighting.ALWAYS_ON, cost_share=0.025,
            tactical_share=0.06, decay=0.3, slope=1.0,
        ),
        ChannelSpec(
            name="brand_search", flighting=Flighting.ALWAYS_ON, cost_share=0.015,
            tactical_share=0.06, decay=0.1, slope=1.0, half_saturation=2.0, exposure="clicks",
            unit_price=1.2,
        ),
    )  # fmt: skip


def mediated_search() -> RoutedSpec:
    """TV and video make people search the brand; some of them click on an advertisement."""
    base = WorldSpec(
        name="mediated_search", periods=156, level=1_000_000.0, channels=_search_channels()
    )
    return RoutedSpec(
        base=base,
        paths=(
            PathSpec(
                name="organic_search", level=40_000.0, converts=5.0, noise=0.1,
                caused={"tv": 0.25, "online_video": 0.10},
            ),
            PathSpec(
                name="brand_clicks", level=12_500.0, caused={"tv": 0.30, "online_video": 0.10},
                bought_by="brand_search", noise=0.15,
            ),
        ),
    )  # fmt: skip


def path_off() -> RoutedSpec:
    """The same clicks, which nothing follows from; nobody buys them."""
    spec = mediated_search()
    return RoutedSpec(
        base=replace(spec.base, name="path_off"),
        paths=(replace(spec.paths[0], converts=0.0),),
    )


def funnel() -> RoutedSpec:
    """Leads become pipeline, and pipeline revenue a quarter on; marketing sells by no other way."""
    base = WorldSpec(
        name="funnel", periods=208, level=400_000.0, noise=0.02, currency="EUR",
        kind=OutcomeKind.REVENUE,
        channels=(
            ChannelSpec(
                name="paid_search", flighting=Flighting.ALWAYS_ON, cost_share=0.06,
                tactical_share=0.07, decay=0.2,
            ),
            ChannelSpec(
                name="events", flighting=Flighting.SPIKES, cost_share=0.07, tactical_share=0.07,
                decay=0.5, half_saturation=0.6,
            ),
            ChannelSpec(
                name="linkedin", flighting=Flighting.BURSTS, cost_share=0.05,
                tactical_share=0.04, decay=0.4, slope=1.2, agency_fee=0.12,
            ),
        ),
    )  # fmt: skip
    return RoutedSpec(
        base=base,
        paths=(
            PathSpec(
                name="leads", level=500.0, noise=0.06, converts=900.0, feeds="pipeline",
                lag=LagSpec(3.0, 0.9, 8),
                caused={"paid_search": 0.35, "events": 0.35, "linkedin": 0.25},
            ),
            PathSpec(
                name="pipeline", level=300_000.0, noise=0.04, converts=0.35,
                lag=LagSpec(3.5, 2.0, 20), direct=False,
            ),
        ),
        silent=("paid_search", "events", "linkedin"),
    )  # fmt: skip


ROUTED: dict[str, Callable[[], RoutedSpec]] = {
    "mediated_search": mediated_search,
    "path_off": path_off,
    "funnel": funnel,
}
"""What each world with paths is by name."""
