"""Worlds whose effects differ as much as the model's default priors say they may.

Seeds of a world of the catalogue share one truth, near the middle of those priors, and intervals
hold it more often than they claim. Here the size of every effect is drawn anew for each seed; all
else is the catalogue's. The priors are written out anew, so that a mistake in the model's shows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit

from mmm.simulate import World, simulate, world_spec
from mmm.simulate.routed_worlds import ROUTED
from mmm.simulate.routes import PathSpec, RoutedSpec, simulate_routed
from mmm.simulate.spec import ChannelSpec, WorldSpec

MEDIA_SHARE, SHARE_FACTOR, Z90 = 0.25, 7.0, 1.6448536269514722
"""Of a share of outcome: mean of all channels, 90 % factor of each."""
PATH_SCALE = 0.8 / 1.959963984540054
"""Scale of the half-normal share of a path."""
SPLIT_SCALE = float(logit(0.9)) / Z90
"""Scale of the logit-normal part that builds the brand."""
HALF, SLOPE = (0.3, 6.0), (0.6, 2.4)
"""90 % intervals of a half-saturation, over mean exposure, and of a slope."""
MOST_SHARE = 0.7
"""Worlds in which marketing would be more of the outcome are drawn again."""


def drawn_shares(rng: np.random.Generator, costs: list[float]) -> np.ndarray:
    """Shares of channels that cost so much, from the default prior."""
    weight = np.sqrt(costs)
    weight /= weight.sum()
    spread = np.log(SHARE_FACTOR) / Z90
    return MEDIA_SHARE * weight * np.exp(spread * rng.normal(size=len(weight)) - spread**2 / 2)


def drawn_spec(spec: WorldSpec, seed: int, *, shapes: bool = False) -> WorldSpec:
    """`spec` with the size of each effect drawn, and with `shapes` the saturation curves, and the
    brand's part of channels that have both; they are kept otherwise."""
    rng = np.random.default_rng([seed, 99])
    while True:
        share = drawn_shares(rng, [channel.cost_share for channel in spec.channels])
        of_baseline = share / (1.0 - share.sum())
        if 0 < share.sum() < MOST_SHARE and of_baseline.max() < 1.0:
            channels = tuple(map(_resized, spec.channels, of_baseline))
            if shapes:
                channels = tuple(_curved(_split(channel, rng), rng) for channel in channels)
            return replace(spec, channels=channels)


def drawn_routed(spec: RoutedSpec, seed: int) -> RoutedSpec:
    """`spec` with the size of channels' direct effects, their saturation, what they cause of paths
    and what paths do drawn; for paths that feed the outcome or nothing."""
    rng = np.random.default_rng([seed, 99])
    costs = {channel.name: channel.cost_share for channel in spec.base.channels}
    paths = []
    for path in spec.paths:
        while True:
            share = drawn_shares(rng, [costs[name] for name in path.caused])
            if share.sum() < MOST_SHARE:
                break
        caused = dict(zip(path.caused, (share / (1.0 - share.sum())).tolist(), strict=True))
        paths.append(replace(path, caused=caused))
    feeding = [path for path in paths if path.converts > 0.0]
    while True:
        direct = drawn_shares(rng, list(costs.values()))
        through = np.abs(PATH_SCALE * rng.normal(size=len(feeding)))
        rest = 1.0 - direct.sum() - through.sum()
        if rest > 1.0 - MOST_SHARE and (direct / rest).max() < 1.0:
            break
    rates = {
        path.name: float(part / rest) * spec.base.level / _level(path)
        for path, part in zip(feeding, through, strict=True)
    }
    resized = map(_resized, spec.base.channels, direct / rest)
    channels = tuple(_curved(channel, rng) for channel in resized)
    return replace(
        spec,
        base=replace(spec.base, channels=channels),
        paths=tuple(replace(path, converts=rates.get(path.name, 0.0)) for path in paths),
    )


def drawn_world(name: str, seed: int) -> World:
    """The world of the catalogue, its effects drawn."""
    if name in ROUTED:
        return simulate_routed(drawn_routed(ROUTED[name](), seed), seed)
    return simulate(drawn_spec(world_spec(name), seed, shapes=True), seed)


def _level(path: PathSpec) -> float:
    """What there is of a path on average."""
    return path.level * (1.0 + sum(path.caused.values()))


def _split(channel: ChannelSpec, rng: np.random.Generator) -> ChannelSpec:
    if not (channel.tactical_share > 0.0 and channel.brand_share > 0.0):
        return channel
    brand = expit(SPLIT_SCALE * rng.normal())
    size = channel.tactical_share + channel.brand_share
    return replace(channel, tactical_share=size * (1.0 - brand), brand_share=size * brand)


def _curved(channel: ChannelSpec, rng: np.random.Generator) -> ChannelSpec:
    half, slope = (
        float(np.sqrt(low * high) * (high / low) ** (rng.normal() / (2.0 * Z90)))
        for low, high in (HALF, SLOPE)
    )
    return replace(channel, half_saturation=half, slope=slope)


def _resized(channel: ChannelSpec, share: float) -> ChannelSpec:
    size = float(share) / (channel.tactical_share + channel.brand_share)
    return replace(
        channel,
        tactical_share=size * channel.tactical_share,
        brand_share=size * channel.brand_share,
    )
