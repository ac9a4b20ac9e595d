"""Worlds in which channels work through other observed series, written plainly.

Every series is a sum of what each channel caused of it and a rest that none did, and each part
is carried on by itself; so the truth is known part by part.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from mmm.config import Lag, Path, Study
from mmm.dims import DAYS_PER_YEAR
from mmm.simulate.generate import Scene, draw_scene, scene_frame, world_study
from mmm.simulate.oracle import contributions, responses
from mmm.simulate.spec import WorldSpec
from mmm.simulate.truth import world_truth
from mmm.simulate.world import World

SEED_OFFSET = 104_729
"""Keeps the paths' noise apart from that of the world they are added to."""
NOTHING = 260
"""Periods without spending in which the window's effects are followed."""


@dataclass(frozen=True, slots=True)
class LagSpec:
    """A gamma distribution of lags in periods, cut at `longest`."""

    shape: float
    scale: float
    longest: int

    def weights(self) -> np.ndarray:
        """Weights of the lags 0 to `longest`, which add up to one, for causes spread evenly over
        a period: second differences of the integral of the distribution function."""
        ends = np.arange(-1.0, self.longest + 2.0).clip(0.0)
        mean, gamma = self.shape * self.scale, stats.gamma(self.shape, scale=self.scale)
        above = stats.gamma(self.shape + 1.0, scale=self.scale)
        so_far = ends * gamma.cdf(ends) - mean * above.cdf(ends)
        weights = np.diff(so_far, 2)
        return weights / weights.sum()

    @property
    def median(self) -> float:
        """Half of all effects come sooner."""
        return float(stats.gamma(self.shape, scale=self.scale).median())


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSpec:
    """One path and its truth.

    `level`: what it is without marketing, a period. `caused`: mean of what each channel causes of
    it in the window, as a part of `level`. `converts`: units of what it feeds for each of its
    units; the path named `feeds`, or `outcome`. `bought_by`: the channel whose media it is; what
    others cause adds to what it is without them, at the same price. `noise`: relative to `level`.
    """

    name: str
    level: float = 1.0
    caused: dict[str, float] = field(default_factory=dict)
    converts: float = 0.0
    feeds: str = "outcome"
    lag: LagSpec | None = None
    bought_by: str | None = None
    noise: float = 0.05
    direct: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedSpec:
    """A world and its paths, in the order in which effects travel; `silent` channels have no
    effect but through them."""

    base: WorldSpec
    paths: tuple[PathSpec, ...]
    silent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """A series over history, window and the time after, (S, G): by channel and the rest."""

    parts: dict[str, np.ndarray]
    rest: np.ndarray

    @property
    def total(self) -> np.ndarray:
        return self.rest + sum(self.parts.values(), np.zeros_like(self.rest))


def lagged(values: np.ndarray, lag: LagSpec | None) -> np.ndarray:
    """`values` (S, G) later by the lag."""
    if lag is None:
        return values
    out = np.zeros_like(values)
    for periods, weight in enumerate(lag.weights()):
        out[periods:] += weight * values[: len(values) - periods]
    return out


def simulate_routed(spec: RoutedSpec, seed: int = 0) -> World:
    """The world of `spec`; the same seed gives the same world, number for number."""
    base = spec.base
    scene = draw_scene(base, seed)
    rests = _rests(spec, scene, seed)
    scene = replace(scene, media=_demand(spec, scene.media, rests))
    media, flows = _travel(spec, scene, scene.media, rests)
    window = slice(base.history, None)
    level = scene.baseline.mean(axis=0)
    tactical, brand = (part[window] for part in contributions(media, scene.curves))
    for name in spec.silent:
        tactical[:, :, _place(base, name)] = 0.0
        brand[:, :, _place(base, name)] = 0.0
    mediated, baseline = np.zeros_like(tactical), scene.baseline.copy()
    for path in spec.paths:
        if path.bought_by:
            _credit(spec, scene, media, flows[path.name], path.bought_by, tactical, mediated)
        elif path.feeds == "outcome":
            flow = flows[path.name]
            for name, part in flow.parts.items():
                mediated[:, :, _place(base, name)] += path.converts * lagged(part, path.lag)[window]
            baseline += path.converts * lagged(flow.rest, path.lag)[window]
    expected = baseline + (tactical + brand + mediated).sum(axis=2)
    outcome = np.round(np.maximum(expected + scene.noise, 0.01 * level), 2)
    noise = outcome - expected
    spend = scene.spend.copy()
    for path in spec.paths:
        if path.bought_by:
            place = _place(base, path.bought_by)
            price = base.channels[place].unit_price
            spend[:, :, place] = np.round(media[:, :, place] * price, 2)
    routed = replace(
        scene, spend=spend, media=media, baseline=baseline, tactical=tactical, brand=brand,
        noise=noise, outcome=outcome,
    )  # fmt: skip
    frame = scene_frame(base, routed)
    for path in spec.paths:
        if not path.bought_by:
            frame[path.name] = np.round(flows[path.name].total[window], 2).ravel()
    truth = world_truth(
        base, seed, curves=scene.curves, spend=spend, media=media, tactical=tactical, brand=brand,
        baseline=baseline, noise=noise, outcome=outcome,
    )  # fmt: skip
    _complete(truth, spec, scene, mediated, flows, rests)
    return World(base.name, _study(spec), frame, _components(spec, routed, mediated), truth)


def _place(spec: WorldSpec, name: str) -> int:
    return [channel.name for channel in spec.channels].index(name)


def _rests(spec: RoutedSpec, scene: Scene, seed: int) -> dict[str, np.ndarray]:
    """What no channel causes of each path, over history and window: level, season, noise."""
    rng = np.random.default_rng([SEED_OFFSET, seed])
    angle = 2 * np.pi * spec.base.all_dates.day_of_year.to_numpy(dtype=float) / DAYS_PER_YEAR
    size = scene.curves.population / scene.curves.population.sum()
    rests = {}
    for path in spec.paths:
        season = 1.0 + 0.06 * np.cos(angle - rng.uniform(0, 2 * np.pi))
        shocks = path.noise * rng.normal(size=(len(angle), len(size)))
        rests[path.name] = path.level * size * (season[:, None] + shocks)
    return rests


def _demand(spec: RoutedSpec, media: np.ndarray, rests: dict[str, np.ndarray]) -> np.ndarray:
    """`media` with what is bought of each bought path without other channels: it follows demand."""
    planned = media.copy()
    for path in spec.paths:
        if path.bought_by:
            planned[:, :, _place(spec.base, path.bought_by)] = np.maximum(rests[path.name], 0.0)
    return planned


def _travel(
    spec: RoutedSpec, scene: Scene, plan: np.ndarray, rests: dict[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, Flow]]:
    """Media as it comes about under `plan` (S, G, C), bought paths grown by what others cause,
    and the flow of every path."""
    base, media = spec.base, plan.copy()
    size = scene.curves.population / scene.curves.population.sum()
    window = slice(base.history, len(scene.media))
    flows: dict[str, Flow] = {}
    for path in spec.paths:
        saturated, _ = responses(media, scene.curves)
        before, _ = responses(scene.media, scene.curves)
        known = rests[path.name]
        rest = np.concatenate([known, np.repeat(known[-1:], len(plan) - len(known), axis=0)])
        parts = {}
        for name, share in path.caused.items():
            place = _place(base, name)
            unit = (before[window, :, place] * size).sum(axis=1).mean()
            parts[name] = share * path.level * size * saturated[:, :, place] / unit
        for other in spec.paths:
            if other.feeds != path.name:
                continue
            rest = rest + other.converts * lagged(flows[other.name].rest, other.lag)
            for name, part in flows[other.name].parts.items():
                earlier = parts.get(name, np.zeros_like(rest))
                parts[name] = earlier + other.converts * lagged(part, other.lag)
        if path.bought_by:
            place = _place(base, path.bought_by)
            rest = plan[:, :, place]
            grown = Flow(parts, rest).total
            media[:, :, place] = np.round(grown, 2)
        flows[path.name] = Flow(parts, rest)
    return media, flows


def _credit(
    spec: RoutedSpec,
    scene: Scene,
    media: np.ndarray,
    flow: Flow,
    channel: str,
    tactical: np.ndarray,
    mediated: np.ndarray,
) -> None:
    """Moves what others caused of a bought path from its channel to them, in proportion to their
    parts, carried over as the channel's media is."""
    base, place = spec.base, _place(spec.base, channel)
    window = slice(base.history, base.history + base.periods)
    alone = media.copy()
    alone[:, :, place] = flow.rest
    own = contributions(alone, scene.curves)[0][window, :, place]
    rise = tactical[:, :, place] - own
    decay = float(scene.curves.decay[place])
    carried = {name: _kept(part, decay)[window] for name, part in flow.parts.items()}
    whole = sum(carried.values(), np.zeros_like(own))
    for name, part in carried.items():
        share = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
        mediated[:, :, _place(base, name)] += share * rise
    tactical[:, :, place] = own


def _kept(values: np.ndarray, decay: float) -> np.ndarray:
    out, level = np.empty_like(values), np.zeros_like(values[0])
    for period, value in enumerate(values):
        level = decay * level + (1.0 - decay) * value
        out[period] = level
    return out


def _study(spec: RoutedSpec) -> Study:
    """The study a user would write: the graph and rough lags, nothing of the truth."""
    base = world_study(spec.base)
    columns = {channel.name: channel.media_column for channel in base.channels}
    paths = []
    for path in spec.paths:
        fed = [other.name for other in spec.paths if other.feeds == path.name]
        lag = None
        if path.lag is not None:
            lag = Lag(median=max(1, round(path.lag.median)), max=path.lag.longest)
        paths.append(
            Path(
                name=path.name,
                column=columns[path.bought_by] if path.bought_by else path.name,
                drivers=tuple(path.caused) if path.caused and not fed else None,
                feeds=None if path.bought_by else path.feeds,
                lag=lag,
                direct=path.direct,
            )
        )
    return Study.model_validate(base.model_dump() | {"paths": [p.model_dump() for p in paths]})


def _components(spec: RoutedSpec, scene: Scene, mediated: np.ndarray) -> pd.DataFrame:
    columns = {"baseline": scene.baseline.ravel()}
    for place, channel in enumerate(spec.base.channels):
        parts = {"tactical": scene.tactical, "brand": scene.brand, "mediated": mediated}
        for kind, part in parts.items():
            if part[:, :, place].any():
                columns[f"{channel.name}:{kind}"] = part[:, :, place].ravel()
    columns["noise"] = scene.noise.ravel()
    return pd.DataFrame(columns)


def _complete(
    truth: dict[str, Any],
    spec: RoutedSpec,
    scene: Scene,
    mediated: np.ndarray,
    flows: dict[str, Flow],
    rests: dict[str, np.ndarray],
) -> None:
    """Adds what goes through paths to the truth: `mediated` of each channel and the total, and
    `paths`. A channel's return is known where no path is bought, else left out."""
    base, value = spec.base, spec.base.value_per_unit
    caused = _caused(spec, scene, rests)
    bought = any(path.bought_by for path in spec.paths)
    for place, channel in enumerate(base.channels):
        known = truth["channels"][channel.name]
        if channel.name in spec.silent:
            known["caused"] = 0.0
        known["mediated"] = float(mediated[:, :, place].sum())
        known["contribution"] = known["tactical"] + known["brand"] + known["mediated"]
        known["caused"] += caused[channel.name]
        known["roi"] = known["caused"] * value / known["loaded_cost"]
        known["roi_window"] = known["contribution"] * value / known["loaded_cost"]
        if bought:
            del known["caused"], known["roi"]
    total, channels = truth["total"], truth["channels"].values()
    for key in ("mediated", "contribution"):
        total[key] = sum(known[key] for known in channels)
    total["roi_window"] = total["contribution"] * value / total["loaded_cost"]
    del total["caused"], total["roi"]
    if not bought:
        total["caused"] = sum(known["caused"] for known in channels)
        total["roi"] = total["caused"] * value / total["loaded_cost"]
    truth["marketing_total"] = total["contribution"]
    window = slice(base.history, None)
    truth["paths"] = {
        path.name: {
            "caused": {
                name: float(part[window].sum()) for name, part in flows[path.name].parts.items()
            },
            "series": float(flows[path.name].total[window].sum()),
            "converts": path.converts,
            "lag_median": None if path.lag is None else path.lag.median,
        }
        for path in spec.paths
    }


def _caused(spec: RoutedSpec, scene: Scene, rests: dict[str, np.ndarray]) -> dict[str, float]:
    """Outcome that the window's media of each channel causes through paths, ever after."""
    base = spec.base
    silence = np.zeros((NOTHING, *scene.media.shape[1:]))
    factual = np.concatenate([scene.media, silence])
    without = factual.copy()
    without[base.history :] = 0.0
    found = dict.fromkeys((channel.name for channel in base.channels), 0.0)
    for sign, plan in ((1.0, factual), (-1.0, without)):
        _, flows = _travel(spec, scene, plan, rests)
        for path in spec.paths:
            if path.bought_by or path.feeds != "outcome":
                continue
            for name, part in flows[path.name].parts.items():
                found[name] += sign * path.converts * float(lagged(part, path.lag).sum())
    return found
