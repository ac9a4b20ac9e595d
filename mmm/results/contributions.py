"""Contributions: what each component added to the outcome, adding up exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.model.design import BaselineRows
from mmm.results.blocks import by_geo
from mmm.results.held import held_effects
from mmm.results.noise import with_noise
from mmm.results.outcome import Held, split_outcome
from mmm.results.prices import Media, media_of
from mmm.results.quarters import quarters
from mmm.results.respond import (
    Effect,
    Response,
    baseline_effect,
    channel_effect,
    window_effect,
)
from mmm.results.summary import SUFFIXES, summarise
from mmm.transforms.parameter import Z90

BASELINE, CONTROL, TACTICAL, BRAND = "baseline", "control", "tactical", "brand"
MEDIATED = "mediated"
UNMEASURED, RESIDUAL = "unmeasured", "residual"


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the outcome: draws (D, G, T) in units of outcome."""

    name: str
    kind: str
    draws: np.ndarray


@dataclass(frozen=True, slots=True)
class Sums:
    """One component summed over the window: outcome (D, G) and its value in money (D, G) by geo,
    outcome (D, Q) by quarter."""

    outcome: np.ndarray
    value: np.ndarray
    by_quarter: np.ndarray


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The outcome taken apart.

    table: `contributions.csv`. totals: component, kind and the summary of its sum over the
    window. fitted: observed beside the posterior predictive. sums: of each (component, kind).
    """

    table: pd.DataFrame
    totals: pd.DataFrame
    fitted: pd.DataFrame
    sums: dict[tuple[str, str], Sums]


@dataclass(frozen=True, slots=True)
class Part:
    """Summaries (4, G, T) of a component in a block of geos, and its sums there."""

    name: str
    kind: str
    numbers: np.ndarray
    sums: Sums | None = None


def outcome_components(
    response: Response,
    rows: BaselineRows,
    media: Media,
    walk: np.ndarray | None = None,
    held: Held = None,
    moved: Mapping[str, np.ndarray] | None = None,
) -> Iterator[Component]:
    """Every part of the expected outcome over the periods of `rows`, to which they add up draw
    by draw.

    `media` (S, G, C) of all geos of the panel starts with the window; the last of its S periods
    are those of `rows`. `walk` (D, G, T) adds to the trend, `moved` to each control named in it.
    `held` is what no channel moved of
    the paths: each is part of the baseline, under the path's name.
    """
    moved = moved or {}
    every = [one for one in (walk, *moved.values()) if one is not None]
    whole = np.sum(every, axis=0) if every else None
    split = split_outcome(response, rows, media, whole, held)
    periods = rows.own.shape[1]
    guesses = {
        name: share[:, None, None] * response.level[None, :, None]
        for name, share in unmeasured_shares(response).items()
    }
    for name, kind, draws in _baseline_effects(response, rows):
        if walk is not None and name == "trend":
            draws += walk
        if kind == CONTROL and name in moved:
            draws += moved[name]
        if split is not None:
            draws = split.start.copy() if name == "baseline" else draws * split.baseline
        if name == "baseline":
            for guess in guesses.values():
                draws -= guess
        yield Component(name, kind, draws)
    for name, effect in held_effects(response, held).items():
        draws = effect[:, :, -periods:]
        yield Component(name, BASELINE, draws if split is None else draws * split.baseline)
    for name, guess in guesses.items():
        yield Component(name, UNMEASURED, np.repeat(guess, periods, axis=2))
    channels = range(len(response.fit.study.channels))
    effects = (channel_effect(response, one, media_of(response, media, one)) for one in channels)
    factor = None if split is None else split.media
    yield from _channel_components(response, effects, periods, factor)


def _channel_components(
    response: Response, effects: Iterable[Effect], periods: int, factor: np.ndarray | None
) -> Iterator[Component]:
    """What channels add over the last `periods` of their `effects`, those of the predictor, times
    `factor` (D, G, T)."""
    silent = response.fit.study.routes().silent
    for channel, effect in zip(response.fit.study.channels, effects, strict=True):
        direct = channel.name not in silent
        for kind, known, draws in (
            (TACTICAL, direct and channel.role.has_tactical, effect.tactical),
            (BRAND, direct and channel.role.has_brand, effect.brand),
            (MEDIATED, effect.mediated is not None, effect.mediated),
        ):
            if known and draws is not None:
                draws = draws[:, :, -periods:]
                yield Component(channel.name, kind, draws if factor is None else draws * factor)


def _baseline_effects(
    response: Response, rows: BaselineRows
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Name, kind and predictor of baseline, trend, seasonality, holidays and controls."""
    groups: dict[tuple[str, str], set[str]] = {}
    for name in dict.fromkeys((*rows.own_component, *rows.shared_component)):
        group, _, rest = name.partition(": ")
        key = (rest, CONTROL) if group == CONTROL else (group, BASELINE)
        groups.setdefault(key, set()).add(name)
    for (name, kind), members in groups.items():
        yield name, kind, baseline_effect(response, rows, members)


def unmeasured_shares(response: Response) -> dict[str, np.ndarray]:
    """Draws (D,) of each stated guess, normal with the stated 90 % interval, never below 0."""
    study = response.fit.study
    rng = np.random.default_rng([study.inference.seed, 2])
    shares = {}
    for touchpoint in study.unmeasured:
        low, high = touchpoint.share
        noise = rng.standard_normal(response.draws)
        guess = (low + high) / 2 + noise * (high - low) / (2 * Z90)
        shares[touchpoint.name] = np.maximum(guess, 0.0)
    return shares


def component_table(name: str, kind: str, dates: pd.DatetimeIndex, geos: tuple[str, ...],
                    numbers: np.ndarray) -> pd.DataFrame:  # fmt: skip
    """Rows (date, geo) of one component from `numbers` (4, G, T)."""
    columns = {
        "date": np.tile(np.asarray(dates), len(geos)),
        "geo": np.repeat(np.array(geos, dtype=object), len(dates)),
        "component": name,
        "kind": kind,
    }
    for suffix, values in zip(SUFFIXES, numbers, strict=True):
        columns[suffix] = values.ravel()
    return pd.DataFrame(columns)


def predictive(response: Response, expected: np.ndarray, *, stream: int) -> np.ndarray:
    """Summary (4, G, T) of the outcome itself, noise added to `expected` (D, G, T); its mean is
    that of `expected`.

    `stream` keeps the noise of different tables apart; each geo has its own.
    """
    numbers = np.empty((4, *expected.shape[1:]))
    for g, place in enumerate(response.places):
        rng = np.random.default_rng([response.fit.study.inference.seed, stream, place])
        numbers[:, g] = summarise(with_noise(response, g, expected[:, g], rng))
        numbers[0, g] = expected[:, g].mean(axis=0)
    return numbers


def decompose(response: Response) -> Decomposition:
    """Takes the fitted window apart. In every date and geo the means of `table` add up to the
    observed outcome: `residual` is what is left in each draw."""
    panel = response.fit.panel
    dates, geos = panel.dates, panel.geos
    observed = panel.dataset["outcome"].values.T
    blocks = by_geo(response, len(dates), _decompose_block)
    tables, rows, sums = [], [], {}
    for parts in zip(*blocks, strict=True):
        name, kind = parts[0].name, parts[0].kind
        numbers = np.concatenate([part.numbers for part in parts], axis=1)
        if parts[0].sums is None:
            fitted = component_table(name, kind, dates, geos, numbers)
            continue
        tables.append(component_table(name, kind, dates, geos, numbers))
        sums[name, kind] = total = _joined([part.sums for part in parts])
        summary = dict(zip(SUFFIXES, summarise(total.outcome.sum(axis=1)), strict=True))
        rows.append({"component": name, "kind": kind, **summary})
    fitted = fitted.drop(columns=["component", "kind"])
    fitted.insert(2, "observed", observed.ravel())
    return Decomposition(pd.concat(tables, ignore_index=True), pd.DataFrame(rows), fitted, sums)


def channel_sums(response: Response) -> dict[tuple[str, str], Sums]:
    """`Decomposition.sums` of the channels alone: the same numbers without summaries by period,
    which take most of the time."""
    panel = response.fit.panel
    periods, media = len(panel.dates), panel.dataset["media"].values
    value, starts = panel.dataset["value_per_unit"].values.T, quarters(panel).starts

    def block(some: Response) -> dict[tuple[str, str], Sums]:
        split = split_outcome(some, some.density.design.baseline, media)
        factor = None if split is None else split.media
        effects = (window_effect(some, one) for one in range(media.shape[2]))
        found = _channel_components(some, effects, periods, factor)
        worth = value[some.places]
        return {(one.name, one.kind): _sums(one.draws, worth, starts) for one in found}

    blocks = by_geo(response, periods, block)
    return {key: _joined([one[key] for one in blocks]) for key in blocks[0]}


def _decompose_block(response: Response) -> list[Part]:
    """Every component, the residual, and last the prediction, in the response's geos."""
    data = response.fit.panel.dataset
    observed = data["outcome"].values.T[response.places]
    value = data["value_per_unit"].values.T[response.places]
    starts = quarters(response.fit.panel).starts

    def part(name: str, kind: str, draws: np.ndarray) -> Part:
        return Part(name, kind, summarise(draws), _sums(draws, value, starts))

    rows = response.density.design.baseline
    expected = np.zeros((response.draws, *observed.shape))
    parts = []
    for component in outcome_components(response, rows, data["media"].values):
        expected += component.draws
        parts.append(part(component.name, component.kind, component.draws))
    parts.append(part(RESIDUAL, RESIDUAL, observed[None] - expected))
    return [*parts, Part("outcome", "total", predictive(response, expected, stream=3))]


def _sums(draws: np.ndarray, value: np.ndarray, starts: np.ndarray) -> Sums:
    """Sums over the window of a component's draws (D, G, T), units of which are worth `value`
    (G, T); quarters begin at the periods `starts`."""
    return Sums(
        outcome=draws.sum(axis=2),
        value=np.einsum("dgt,gt->dg", draws, value),
        by_quarter=np.add.reduceat(draws.sum(axis=1), starts, axis=1),
    )


def _joined(sums: list[Sums]) -> Sums:
    return Sums(
        outcome=np.concatenate([one.outcome for one in sums], axis=1),
        value=np.concatenate([one.value for one in sums], axis=1),
        by_quarter=np.sum([one.by_quarter for one in sums], axis=0),
    )


def contributions_table(response: Response) -> pd.DataFrame:
    """`contributions.csv`: date, geo, component, kind, mean, p05, p50, p95."""
    return decompose(response).table
