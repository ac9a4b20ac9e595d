"""Contributions: what each component added to the outcome, adding up exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmm.model.design import BaselineRows
from mmm.results.respond import Response, baseline_effect, channel_effect
from mmm.results.summary import SUFFIXES, summarise
from mmm.transforms.parameter import Z90

BASELINE, CONTROL, TACTICAL, BRAND = "baseline", "control", "tactical", "brand"
UNMEASURED, RESIDUAL = "unmeasured", "residual"


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the outcome: draws (D, G, T) in units of outcome."""

    name: str
    kind: str
    draws: np.ndarray


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The outcome taken apart.

    table: `contributions.csv`. totals: component, kind and the summary of its sum over the
    window. fitted: observed beside the posterior predictive. total_draws: draws (D,) of each
    (component, kind) summed over the window.
    """

    table: pd.DataFrame
    totals: pd.DataFrame
    fitted: pd.DataFrame
    total_draws: dict[tuple[str, str], np.ndarray]


def baseline_components(response: Response, rows: BaselineRows) -> Iterator[Component]:
    """Baseline, trend, seasonality, holidays and controls under `rows`, the stated guesses of
    unmeasured touchpoints taken out of the baseline and shown by name."""
    names = dict.fromkeys((*rows.own_component, *rows.shared_component))
    groups: dict[tuple[str, str], set[str]] = {}
    for name in names:
        group, _, rest = name.partition(": ")
        key = (rest, CONTROL) if group == CONTROL else (group, BASELINE)
        groups.setdefault(key, set()).add(name)
    guesses = unmeasured_shares(response)
    for (name, kind), members in groups.items():
        draws = baseline_effect(response, rows, members)
        if name == "baseline":
            for share in guesses.values():
                draws = draws - share[:, None, None] * response.level[None, :, None]
        yield Component(name, kind, draws)
    periods = rows.shared.shape[2]
    for name, share in guesses.items():
        constant = share[:, None, None] * response.level[None, :, None]
        yield Component(name, UNMEASURED, np.repeat(constant, periods, axis=2))


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


def media_components(response: Response, media: np.ndarray) -> Iterator[Component]:
    """Tactical and brand effect of each channel under `media` (T, G, C), own units."""
    for index, channel in enumerate(response.fit.study.channels):
        effect = channel_effect(response, index, media[:, :, index])
        if channel.role.has_tactical:
            yield Component(channel.name, TACTICAL, effect.tactical)
        if channel.role.has_brand:
            yield Component(channel.name, BRAND, effect.brand)


def component_table(component: Component, dates: pd.DatetimeIndex, geos: tuple[str, ...],
                    numbers: np.ndarray) -> pd.DataFrame:  # fmt: skip
    """Rows (date, geo) of one component from `numbers` (4, G, T)."""
    columns = {
        "date": np.tile(np.asarray(dates), len(geos)),
        "geo": np.repeat(np.array(geos, dtype=object), len(dates)),
        "component": component.name,
        "kind": component.kind,
    }
    for suffix, values in zip(SUFFIXES, numbers, strict=True):
        columns[suffix] = values.ravel()
    return pd.DataFrame(columns)


def predictive_table(
    response: Response, expected: np.ndarray, dates: pd.DatetimeIndex, *, stream: int
) -> pd.DataFrame:
    """The predicted outcome, noise added to `expected` (D, G, T); its mean is that of `expected`.

    `stream` keeps the noise of different tables apart.
    """
    rng = np.random.default_rng([response.fit.study.inference.seed, stream])
    spread = response.sigma * response.level[None, :]
    predicted = expected + spread[:, :, None] * rng.standard_normal(expected.shape)
    numbers = summarise(predicted)
    numbers[0] = expected.mean(axis=0)
    outcome = Component("outcome", "total", predicted)
    return component_table(outcome, dates, response.fit.panel.geos, numbers)


def decompose(response: Response) -> Decomposition:
    """Takes the fitted window apart. In every date and geo the means of `table` add up to the
    observed outcome: `residual` is what is left in each draw."""
    panel, density = response.fit.panel, response.density
    observed = panel.dataset["outcome"].values.T
    dates, geos = panel.dates, panel.geos
    expected = np.zeros((response.draws, *observed.shape))
    tables, rows, total_draws = [], [], {}

    def add(component: Component) -> None:
        tables.append(component_table(component, dates, geos, summarise(component.draws)))
        total = component.draws.sum(axis=(1, 2))
        total_draws[component.name, component.kind] = total
        numbers = dict(zip(SUFFIXES, summarise(total), strict=True))
        rows.append({"component": component.name, "kind": component.kind, **numbers})

    for component in baseline_components(response, density.design.baseline):
        expected += component.draws
        add(component)
    for component in media_components(response, panel.dataset["media"].values):
        expected += component.draws
        add(component)
    add(Component(RESIDUAL, RESIDUAL, observed[None] - expected))
    fitted = predictive_table(response, expected, dates, stream=3)
    fitted = fitted.drop(columns=["component", "kind"])
    fitted.insert(2, "observed", observed.ravel())
    return Decomposition(
        pd.concat(tables, ignore_index=True), pd.DataFrame(rows), fitted, total_draws
    )


def contributions_table(response: Response) -> pd.DataFrame:
    """`contributions.csv`: date, geo, component, kind, mean, p05, p50, p95."""
    return decompose(response).table
