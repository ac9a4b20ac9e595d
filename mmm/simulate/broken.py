"""Worlds that break what a marketing mix model assumes, written plainly.

A world is drawn as ever, then troubled: media that follow demand, effects that move, a baseline
that breaks, an outcome with odd periods, spending that is written down wrongly. The truth is what
media did in the world as it then is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mmm.errors import input_error
from mmm.simulate.generate import (
    LOWEST_OUTCOME,
    Scene,
    curves_on,
    draw_scene,
    scene_components,
    scene_frame,
    world_study,
)
from mmm.simulate.oracle import Curves, contributions
from mmm.simulate.spec import WorldSpec
from mmm.simulate.truth import world_truth
from mmm.simulate.world import World

SEED_OFFSET = 15_485_863
"""Keeps what troubles a world apart from what else is drawn of it."""
SALES_MEMORY = 4
"""Periods of sales that budgets are set by."""
PEAK_DAY, PEAK_WIDTH = 348.0, 18.0
"""Middle and standard deviation, in days, of the yearly peak: two weeks before the year's end."""
ONWARDS = ("caused", "roi", "brand_window", "tail", "short_term", "multiplier")
"""What is only known of a world whose curves stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a world does that a model does not expect; by default nothing.

    `demand`: standard deviation of an unobserved demand, relative to the baseline, which keeps
    the part `persistence` of itself a period; `follows`: by how many per cent a channel's media
    rises with each per cent of it. `chases`: the same for sales of the last four periods.
    `peak`: height of a yearly peak of the baseline, relative; `at_peak`: how many times over a
    channel's media rises in it. `together`: channels whose plan is that of the first, up to a few
    per cent. `steady`: channels that spend the same always. `effect`: factors of a channel's
    effect at the start and the end of the window, in between along a line. `step`: where in the
    window, 0 to 1, the baseline changes, and by which part of its level. `turns`: where in the
    window the effect of price changes its sign. `outliers`: how many periods are odd in all geos,
    and by which part of the level. `counted`: the outcome is a Poisson count. `misread`: standard
    deviation of the relative error with which a channel's spending is written down; `booked`:
    periods whose spending is written down in the last of them.
    """

    demand: float = 0.0
    persistence: float = 0.8
    follows: Mapping[str, float] = field(default_factory=dict)
    chases: Mapping[str, float] = field(default_factory=dict)
    peak: float = 0.0
    at_peak: Mapping[str, float] = field(default_factory=dict)
    together: tuple[str, ...] = ()
    steady: tuple[str, ...] = ()
    effect: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    step: tuple[float, float] | None = None
    turns: float | None = None
    outliers: tuple[int, float] | None = None
    counted: bool = False
    misread: Mapping[str, float] = field(default_factory=dict)
    booked: Mapping[str, int] = field(default_factory=dict)

    @property
    def channels(self) -> set[str]:
        """Every channel it names."""
        named = (self.follows, self.chases, self.at_peak, self.effect, self.misread, self.booked)
        return {*self.together, *self.steady, *(name for one in named for name in one)}


def simulate_troubled(spec: WorldSpec, trouble: Trouble, seed: int = 0) -> World:
    """The world of `spec` with `trouble`; the same seed gives the same world, number for number.

    The truth of a channel is what it contributed in the window. Raises `InputError` where a
    channel that is named is not there, or has an exposure of its own.
    """
    _check(spec, trouble)
    scene = draw_scene(spec, seed)
    rng = np.random.default_rng([SEED_OFFSET, seed])
    demand = _demand(spec, trouble, rng)
    media = _planned(spec, trouble, scene.media, demand, rng)
    baseline = _baseline(spec, trouble, scene, demand)
    curves = curves_on(spec, media, scene.curves.population, scene.curves.multiplier)
    paths = _effect_paths(spec, trouble)
    if trouble.chases:
        media = _chased(spec, trouble, media, curves, paths, baseline + scene.noise)
    tactical, brand = (part[spec.history :] * paths for part in contributions(media, curves))
    expected = baseline + tactical.sum(axis=2) + brand.sum(axis=2)
    outcome = _outcome(spec, trouble, scene, expected, rng)
    spend = media.copy()
    troubled = replace(
        scene, curves=curves, spend=spend, media=media, baseline=baseline, tactical=tactical,
        brand=brand, noise=outcome - expected, outcome=outcome,
    )  # fmt: skip
    written = _written(spec, trouble, spend, rng)
    truth = world_truth(
        spec, seed, curves=curves, spend=spend, media=media, tactical=tactical, brand=brand,
        baseline=baseline, noise=troubled.noise, outcome=outcome,
    )  # fmt: skip
    return World(
        name=spec.name,
        study=world_study(spec),
        frame=scene_frame(spec, replace(troubled, spend=written, media=written)),
        components=scene_components(spec, troubled),
        truth=window_truth(truth),
    )


def window_truth(truth: dict[str, Any]) -> dict[str, Any]:
    """The truth without what comes after the window."""
    for known in (*truth["channels"].values(), truth["total"]):
        for key in ONWARDS:
            known.pop(key, None)
    return truth


def _check(spec: WorldSpec, trouble: Trouble) -> None:
    unknown = trouble.channels - {channel.name for channel in spec.channels}
    exposed = [channel.name for channel in spec.channels if channel.exposure is not None]
    if unknown or exposed or spec.surveys:
        named = ", ".join(sorted(unknown)) or ", ".join(exposed) or "a survey"
        raise input_error(
            "simulate",
            f"world '{spec.name}'",
            f"a troubled world has spending alone, of the channels it names; not: {named}.",
            "Change it.",
        )


def _places(spec: WorldSpec, named: Mapping[str, Any]) -> list[tuple[int, Any]]:
    names = [channel.name for channel in spec.channels]
    return [(names.index(name), value) for name, value in named.items()]


def _demand(spec: WorldSpec, trouble: Trouble, rng: np.random.Generator) -> np.ndarray:
    """Unobserved demand over history and window, relative to the baseline, (H + T, 1)."""
    shocks, keep = rng.normal(size=spec.history + spec.periods), trouble.persistence
    level, series = shocks[0], []
    for shock in shocks:
        level = keep * level + np.sqrt(1.0 - keep**2) * shock
        series.append(level)
    return trouble.demand * np.array(series)[:, None]


def _peak(spec: WorldSpec) -> np.ndarray:
    """The yearly peak over history and window, 0 to 1, (H + T, 1)."""
    day = spec.all_dates.day_of_year.to_numpy(dtype=float)
    away = np.minimum(np.abs(day - PEAK_DAY), 365.25 - np.abs(day - PEAK_DAY))
    return np.exp(-0.5 * (away / PEAK_WIDTH) ** 2)[:, None]


def _planned(
    spec: WorldSpec,
    trouble: Trouble,
    plan: np.ndarray,
    demand: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Media (H + T, G, C) after demand, season, other channels and habit had their say."""
    media = plan.copy()
    names = [channel.name for channel in spec.channels]
    for place, strength in _places(spec, trouble.follows):
        media[:, :, place] *= (1.0 + demand).clip(0.05) ** strength
    for place, times in _places(spec, trouble.at_peak):
        media[:, :, place] *= 1.0 + times * _peak(spec)
    if trouble.together:
        leader = media[:, :, names.index(trouble.together[0])]
        for name in trouble.together[1:]:
            place = names.index(name)
            size = media[:, :, place].mean(axis=0) / leader.mean(axis=0)
            media[:, :, place] = leader * size * np.exp(0.03 * rng.normal(size=leader.shape))
    for name in trouble.steady:
        media[:, :, names.index(name)] = media[:, :, names.index(name)].mean(axis=0)
    return np.round(media, 2)


def _baseline(spec: WorldSpec, trouble: Trouble, scene: Scene, demand: np.ndarray) -> np.ndarray:
    """The baseline (T, G) with demand, peak, break and a price that works the other way."""
    window = slice(spec.history, None)
    added = demand[window] + trouble.peak * _peak(spec)[window]
    progress = np.linspace(0.0, 1.0, spec.periods)[:, None]
    if trouble.step is not None:
        start, size = trouble.step
        added = added + size * (progress >= start)
    if trouble.turns is not None:
        price = spec.price_elasticity * (scene.price / scene.price.mean() - 1.0)
        added = added - 2.0 * price * (progress >= trouble.turns)
    return scene.baseline + scene.level * added


def _effect_paths(spec: WorldSpec, trouble: Trouble) -> np.ndarray:
    """Factors of each channel's effect over the window, (T, 1, C)."""
    paths = np.ones((spec.periods, 1, len(spec.channels)))
    for place, (start, end) in _places(spec, trouble.effect):
        paths[:, 0, place] = np.linspace(start, end, spec.periods)
    return paths


def _chased(
    spec: WorldSpec,
    trouble: Trouble,
    plan: np.ndarray,
    curves: Curves,
    paths: np.ndarray,
    others: np.ndarray,
) -> np.ndarray:
    """Media that rise with sales of the last periods, period by period, (H + T, G, C).

    `others` (T, G): all outcome but that of media.
    """
    media = plan.copy()
    for t in range(1, spec.periods):
        now = spec.history + t
        caused = sum(part[spec.history :] for part in contributions(media[:now], curves))
        sales = others[:t] + (caused * paths[:t]).sum(axis=2)
        recent = sales[-SALES_MEMORY:].mean(axis=0) / sales.mean(axis=0)
        for place, strength in _places(spec, trouble.chases):
            media[now, :, place] = np.round(plan[now, :, place] * recent**strength, 2)
    return media


def _outcome(
    spec: WorldSpec,
    trouble: Trouble,
    scene: Scene,
    expected: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """The outcome (T, G): noise or counting, and odd periods."""
    if trouble.counted:
        return rng.poisson(expected.clip(0.0)).astype(float)
    drawn = expected + scene.noise
    if trouble.outliers is not None:
        count, size = trouble.outliers
        odd = rng.choice(spec.periods, count, replace=False)
        drawn[odd] += scene.level * (size * rng.choice([-1.0, 1.0], size=count))[:, None]
    return np.round(np.maximum(drawn, LOWEST_OUTCOME * scene.level), 2)


def _written(
    spec: WorldSpec, trouble: Trouble, spend: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Spending as it is written down, (H + T, G, C)."""
    written = spend.copy()
    for place, error in _places(spec, trouble.misread):
        spread = np.exp(error * rng.normal(size=spend.shape[:2]) - 0.5 * error**2)
        written[:, :, place] = np.round(spend[:, :, place] * spread, 2)
    for place, periods in _places(spec, trouble.booked):
        for start in range(0, len(spend), periods):
            span = slice(start, start + periods)
            total = written[span, :, place].sum(axis=0)
            written[span, :, place] = 0.0
            written[min(start + periods, len(spend)) - 1, :, place] = total
    return written
