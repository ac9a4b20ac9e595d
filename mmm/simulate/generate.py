"""From a specification and a seed to a world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmm.config import (
    Baseline,
    Brand,
    Channel,
    Costs,
    DataSource,
    Finance,
    Outcome,
    OutcomeKind,
    PlanSettings,
    Study,
)
from mmm.dims import DAYS_PER_YEAR
from mmm.errors import input_error
from mmm.simulate.media import media_plan
from mmm.simulate.oracle import Curves, contributions, responses, retention_of
from mmm.simulate.spec import ChannelSpec, WorldSpec
from mmm.simulate.survey import Readings, survey_columns, survey_truth, take_readings
from mmm.simulate.truth import world_truth
from mmm.simulate.world import World

DATE_COLUMN = "week"
GEO_COLUMN = "region"
POPULATION_COLUMN = "population"
PRICE_COLUMN = "price"
LOWEST_OUTCOME = 0.01
"""Least outcome, as a part of a geo's level: keeps the outcome above zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything drawn, before it is laid out. H history and T window periods, G geos.

    `spend`, `media`: shape (H + T, G, C). `price`, `baseline`, `noise`, `outcome`: shape
    (T, G). `tactical`, `brand`: shape (T, G, C). `surveys`: one a survey of the specification.
    `level`: baseline outcome a period without trend, season and price, shape (G,).
    """

    level: np.ndarray
    curves: Curves
    spend: np.ndarray
    media: np.ndarray
    price: np.ndarray
    baseline: np.ndarray
    tactical: np.ndarray
    brand: np.ndarray
    noise: np.ndarray
    outcome: np.ndarray
    surveys: tuple[Readings, ...]


def simulate(spec: WorldSpec, seed: int = 0) -> World:
    """The world of `spec`; the same seed gives the same world, number for number.

    Raises `InputError` on a negative seed.
    """
    scene = draw_scene(spec, seed)
    truth = world_truth(
        spec,
        seed,
        curves=scene.curves,
        spend=scene.spend,
        media=scene.media,
        tactical=scene.tactical,
        brand=scene.brand,
        baseline=scene.baseline,
        noise=scene.noise,
        outcome=scene.outcome,
    )
    return World(
        name=spec.name,
        study=world_study(spec),
        frame=scene_frame(spec, scene),
        components=scene_components(spec, scene),
        truth=truth | {"surveys": survey_truth(scene.surveys)},
    )


def draw_scene(spec: WorldSpec, seed: int) -> Scene:
    """Draws population, media, curves, baseline and noise, each from its own stream."""
    if seed < 0:
        raise input_error("simulate", "seed", f"must not be negative, got {seed}.", "Use 0 or up.")
    source = np.random.SeedSequence(seed)
    streams = source.spawn(4 + len(spec.channels))
    size_rng, curve_rng, baseline_rng, noise_rng, *media_rngs = map(np.random.default_rng, streams)

    population, level = _sizes(spec, size_rng)
    plans = [
        media_plan(channel, spec.all_dates, channel.cost_share * spec.value_per_unit * level, rng)
        for channel, rng in zip(spec.channels, media_rngs, strict=True)
    ]
    spend = np.stack([plan[0] for plan in plans], axis=2)
    media = np.stack([plan[1] for plan in plans], axis=2)

    curves = _curves(spec, media, population, curve_rng)
    tactical, brand = (part[spec.history :] for part in contributions(media, curves))
    price, baseline = _baseline(spec, level, baseline_rng)

    expected = baseline + tactical.sum(axis=2) + brand.sum(axis=2)
    drawn = expected + spec.noise * level * noise_rng.normal(size=expected.shape)
    counted = spec.kind in (OutcomeKind.UNITS, OutcomeKind.CUSTOMERS)
    outcome = np.round(np.maximum(drawn, LOWEST_OUTCOME * level), 0 if counted else 2)
    stock = brand.sum(axis=2) / level
    surveys = tuple(
        take_readings(survey, stock, np.random.default_rng(stream))
        for survey, stream in zip(spec.surveys, source.spawn(len(spec.surveys)), strict=True)
    )
    return Scene(
        level=level,
        curves=curves,
        spend=spend,
        media=media,
        price=price,
        baseline=baseline,
        tactical=tactical,
        brand=brand,
        noise=outcome - expected,
        outcome=outcome,
        surveys=surveys,
    )


def world_study(spec: WorldSpec) -> Study:
    """The study a user would write for this world: no prior, nothing of the truth."""
    by_geo = spec.geos > 1
    return Study(
        study=spec.name,
        data=DataSource(
            file="data.csv",
            date=DATE_COLUMN,
            geo=GEO_COLUMN if by_geo else None,
            population=POPULATION_COLUMN if by_geo else None,
            frequency=spec.frequency,
        ),
        outcome=Outcome(
            column=spec.outcome,
            kind=spec.kind,
            value_per_unit=spec.value_per_unit,
            currency=spec.currency,
        ),
        channels=tuple(_channel(channel) for channel in spec.channels),
        controls=(PRICE_COLUMN,),
        baseline=Baseline(trend=True, seasonality=2),
        brand=Brand(survey=tuple(survey.study_block() for survey in spec.surveys)),
        plan=PlanSettings(horizon=13),
        finance=Finance(
            currency=spec.currency,
            margin=0.4,
            discount_rate=0.09,
            tax_rate=0.25,
            payment_delay=1,
            horizon=104,
        ),
    )


def _channel(channel: ChannelSpec) -> Channel:
    return Channel(
        name=channel.name,
        role=channel.role,
        spend=channel.spend_column,
        exposure=channel.exposure_column,
        costs=Costs(
            agency_fee=channel.agency_fee,
            fixed_per_period=channel.fixed_per_period,
            unit_cost=channel.unit_price if channel.effort else None,
        ),
    )


def _sizes(spec: WorldSpec, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Heads and baseline outcome a period, each of shape (G,)."""
    if spec.geos == 1:
        return np.ones(1), np.array([spec.level])
    population = np.maximum(np.round(rng.lognormal(np.log(1.5e6), 0.6, spec.geos), -3), 1e5)
    weight = population * rng.lognormal(0.0, 0.1, spec.geos)
    return population, spec.level * weight / weight.sum()


def _curves(
    spec: WorldSpec, media: np.ndarray, population: np.ndarray, rng: np.random.Generator
) -> Curves:
    """True curves, with effects that differ between geos as the specification asks."""
    deviation = np.array([channel.geo_deviation for channel in spec.channels])
    drawn = 1.0 + deviation * rng.normal(size=(spec.geos, len(spec.channels)))
    multiplier = np.maximum(drawn, 0.05) if spec.geos > 1 else np.ones((1, len(spec.channels)))
    return curves_on(spec, media, population, multiplier)


def curves_on(
    spec: WorldSpec, media: np.ndarray, population: np.ndarray, multiplier: np.ndarray
) -> Curves:
    """True curves on `media` (H + T, G, C), with effects scaled to the shares the specification
    asks for in the window. `population`: (G,); `multiplier`: (G, C)."""
    channels = spec.channels
    per_head = media / population[None, :, None]
    active = np.array(
        [per_head[:, :, c][per_head[:, :, c] > 0].mean() for c in range(len(channels))]
    )
    half_life = spec.brand_half_life
    other = any(one.lags is not None or one.saturation != "hill" for one in channels)
    shape = Curves(
        decay=np.array([channel.decay for channel in channels]),
        half_saturation=active * np.array([channel.half_saturation for channel in channels]),
        slope=np.array([channel.slope for channel in channels]),
        tactical_effect=np.zeros(len(channels)),
        brand_effect=np.zeros(len(channels)),
        multiplier=multiplier,
        population=population,
        retention=0.0 if half_life is None else retention_of(half_life),
        lags=tuple(None if one.lags is None else np.array(one.lags) for one in channels)
        if other
        else (),
        saturation=tuple(channel.saturation for channel in channels) if other else (),
    )
    saturated, stock = (part[spec.history :].mean(axis=0) for part in responses(media, shape))
    return replace(
        shape,
        tactical_effect=np.array([channel.tactical_share for channel in channels])
        * (spec.level / (population @ saturated)),
        brand_effect=np.array([channel.brand_share for channel in channels])
        * (spec.level / (population @ stock)),
    )


def _baseline(
    spec: WorldSpec, level: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Price and baseline outcome, each of shape (T, G)."""
    periods, geos = spec.periods, spec.geos
    progress = np.linspace(-0.5, 0.5, periods)
    wave = 0.25 * spec.trend * np.sin(2 * np.pi * (progress + rng.uniform()))
    slope = spec.trend * (1.0 + (0.3 * rng.normal(size=geos) if geos > 1 else np.zeros(1)))
    trend = progress[:, None] * slope + wave[:, None]

    angle = 2 * np.pi * spec.dates.day_of_year.to_numpy(dtype=float) / DAYS_PER_YEAR
    peak, second_peak = rng.uniform(0, 2 * np.pi, size=2)
    yearly = np.cos(angle - peak) + 0.4 * np.cos(2 * angle - second_peak)
    season = spec.seasonality * yearly[:, None]

    price = np.round(_price(periods, geos, rng), 2)
    control = spec.price_elasticity * (price / price.mean() - 1.0)
    return price, level * (1.0 + trend + season + control)


def _price(periods: int, geos: int, rng: np.random.Generator) -> np.ndarray:
    """A list price with now and then a promotion, shape (T, G)."""
    steps = np.repeat(rng.normal(0.0, 0.03, size=periods // 26 + 1), 26)[:periods]
    promoted = rng.uniform(size=periods) < 0.12
    depth = np.where(promoted, rng.uniform(0.05, 0.15, size=periods), 0.0)
    local = rng.normal(0.0, 0.015, size=(periods, geos))
    return 20.0 * (1.0 + steps[:, None] - depth[:, None] + local)


def scene_frame(spec: WorldSpec, scene: Scene) -> pd.DataFrame:
    """The data as a study finds it, one row a date and geo."""
    columns: dict[str, object] = {DATE_COLUMN: np.repeat(spec.dates.to_numpy(), spec.geos)}
    if spec.geos > 1:
        columns[GEO_COLUMN] = np.tile(spec.geo_names, spec.periods)
        columns[POPULATION_COLUMN] = np.tile(scene.curves.population.astype(int), spec.periods)
    columns[spec.outcome] = scene.outcome.ravel()
    for index, channel in enumerate(spec.channels):
        if channel.spend_column is not None:
            columns[channel.spend_column] = scene.spend[spec.history :, :, index].ravel()
        if channel.exposure_column is not None:
            columns[channel.exposure_column] = scene.media[spec.history :, :, index].ravel()
    columns[PRICE_COLUMN] = scene.price.ravel()
    columns |= survey_columns(scene.surveys)
    return pd.DataFrame(columns)


def scene_components(spec: WorldSpec, scene: Scene) -> pd.DataFrame:
    columns = {"baseline": scene.baseline.ravel()}
    for index, channel in enumerate(spec.channels):
        if channel.role.has_tactical:
            columns[f"{channel.name}:tactical"] = scene.tactical[:, :, index].ravel()
        if channel.role.has_brand:
            columns[f"{channel.name}:brand"] = scene.brand[:, :, index].ravel()
    columns["noise"] = scene.noise.ravel()
    return pd.DataFrame(columns)
