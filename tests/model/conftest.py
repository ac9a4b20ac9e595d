"""Small worlds, their models as compiled density and as PyMC graph, and a dense oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from pytensor.compile.mode import Mode

from mmm.config import Brand, Channel, DataSource, Outcome, Study
from mmm.data.panel import Panel, build_panel
from mmm.inference.fit import Fit
from mmm.model import curves
from mmm.model.density import Density, build_density
from mmm.model.design import build_design
from mmm.model.spec import ModelSpec, model_spec

UNCONSTRAINED = {"lognormal": "log__", "halfnormal": "log__", "logitnormal": "logodds__"}


@dataclass(frozen=True, slots=True)
class Case:
    """A study on a panel, and the density of its model."""

    study: Study
    panel: Panel
    density: Density


def make_case(
    channels: Sequence[Mapping[str, Any]],
    *,
    geos: int = 1,
    periods: int = 40,
    controls: int = 0,
    baseline: Mapping[str, Any] | None = None,
    frequency: str = "W-MON",
    population: bool = False,
    silent: Sequence[tuple[int, int]] = (),
    late: Sequence[int] = (),
    revise: Callable[[ModelSpec], ModelSpec] | None = None,
    likelihood: str = "normal",
    brand: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Case:
    """A case with random flighted media. `silent` lists (geo, channel) pairs that never spend,
    `late` channels that spend nothing in the first third; `revise` changes the specification.
    The surveys of `brand` get readings at random."""
    rng = np.random.default_rng(seed)
    shape = (periods, geos, len(channels))
    media = rng.gamma(2.0, 50.0, shape) * (rng.random(shape) < 0.7)
    for geo, channel in silent:
        media[:, geo, channel] = 0.0
    media[: periods // 3, :, list(late)] = 0.0
    size = rng.lognormal(0.0, 0.5, geos)
    wave = np.sin(2 * np.pi * np.arange(periods) / 52)[:, None]
    share = media / np.maximum(media.mean(axis=(0, 1)), 1.0)
    level = 0.7 + 0.1 * wave + 0.3 / len(channels) * np.sqrt(share).sum(axis=2)
    outcome = 1000 * size * (level + rng.normal(0, 0.05, (periods, geos)))
    panel = build_panel(
        dates=pd.date_range("2021-01-04", periods=periods, freq=frequency),
        geos=[f"geo {g}" for g in range(geos)] if geos > 1 else ["national"],
        channels=[channel["name"] for channel in channels],
        controls=[f"control {p}" for p in range(controls)],
        outcome=outcome,
        value_per_unit=np.full(outcome.shape, 2.0),
        spend=media,
        media=media * size[:, None],
        control=rng.normal(3.0, 2.0, (periods, geos, controls)),
        population=1e6 * size if population else None,
        frequency=frequency,
        **readings(Brand.model_validate(brand or {}), periods, geos),
    )
    study = Study(
        study="case",
        data=DataSource(date="date"),
        outcome=Outcome(column="outcome", kind="units"),
        channels=tuple(Channel(spend=f"{c['name']}_spend", **c) for c in channels),
        controls=panel.controls,
        baseline=baseline or {},
        brand=brand or {},
        inference={"likelihood": likelihood},
    )
    spec = model_spec(study, panel)
    if revise:
        spec = revise(spec)
    return Case(study, panel, build_density(spec, build_design(spec, panel)))


def readings(brand: Brand, periods: int, geos: int) -> dict[str, Any]:
    """What `build_panel` takes for the surveys of `brand`: readings with gaps, and errors where
    one is stated."""
    rng = np.random.default_rng(periods + geos)
    surveys = brand.surveys
    shape = (periods, geos, len(surveys))
    values = 30.0 + 3.0 * rng.standard_normal(shape)
    errors = np.where([survey.standard_error is None for survey in surveys], np.nan, 1.0)
    for place, survey in enumerate(surveys):
        if survey.scope == "national":
            values[:, :, place] = values[:, :1, place]
    values[rng.random(periods) < 0.4] = np.nan
    return {
        "surveys": [survey.label for survey in surveys],
        "survey": values,
        "survey_error": np.broadcast_to(errors, shape),
    }


def value_arrays(density: Density, q: np.ndarray) -> dict[str, np.ndarray]:
    """Unconstrained scalars (..., size) as the values of a PyMC model's variables, by name."""
    arrays, start = {}, 0
    for variable in density.spec.variables:
        kinds = [prior.kind for prior in variable.priors]
        for kind in set(kinds):
            name = variable.name if len(set(kinds)) == 1 else f"{variable.name}_{kind}"
            places = [start + i for i, other in enumerate(kinds) if other == kind]
            arrays[f"{name}_{UNCONSTRAINED[kind]}"] = q[..., places]
        start += len(kinds)
    return arrays


def scalar_order(density: Density, model: pm.Model) -> np.ndarray:
    """Where each sampled scalar stands among the model's value variables laid end to end."""
    places = value_arrays(density, np.arange(density.layout.size))
    laid = np.concatenate([places[v.name] for v in model.value_vars if v.name in places])
    return np.argsort(laid)


# Merging alone: a graph this size takes longer to optimise than to run a few times.
FAST = Mode(linker="py", optimizer="merge")


def compile_graph(inputs: list[Any], outputs: list[Any]) -> Callable[..., Any]:
    return pytensor.function(inputs, outputs, mode=FAST, on_unused_input="ignore")


def compile_value(model: pm.Model) -> Callable[[Mapping[str, np.ndarray]], float]:
    """Log-density by value name."""
    function = compile_graph(model.value_vars, model.logp(sum=False))

    def evaluate(values: Mapping[str, np.ndarray]) -> float:
        return float(
            sum(part.sum() for part in function(*[values[v.name] for v in model.value_vars]))
        )

    return evaluate


def compile_logp(model: pm.Model) -> Callable[..., tuple[float, np.ndarray]]:
    """Log-density and its gradient (all value variables laid end to end) by value name."""
    logp = model.logp()
    gradients = pt.grad(logp, model.value_vars, disconnected_inputs="ignore")
    function = compile_graph(model.value_vars, [logp, *gradients])

    def evaluate(values: Mapping[str, np.ndarray]) -> tuple[float, np.ndarray]:
        value, *parts = function(*[values[v.name] for v in model.value_vars])
        return float(value), np.concatenate([np.ravel(part) for part in parts])

    return evaluate


@dataclass(frozen=True, slots=True)
class Dense:
    """One regression of all geos stacked: mean (GT,), rows (GT, n) per whitened coefficient
    (each geo's own in turn, then the shared), noise (GT,) standard deviations, y (GT,)."""

    mean: np.ndarray
    rows: np.ndarray
    noise: np.ndarray
    outcome: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        return self.rows @ self.rows.T + np.diag(self.noise**2)

    def conditional(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the whitened coefficients given the outcome."""
        scaled = self.rows / self.noise[:, None]
        covariance = np.linalg.inv(np.eye(self.rows.shape[1]) + scaled.T @ scaled)
        return covariance @ scaled.T @ ((self.outcome - self.mean) / self.noise), covariance


def dense_regression(density: Density, q: np.ndarray) -> Dense:
    """The regression at unconstrained `q`, by plain NumPy but for the channel effects."""
    pool = density.workspace()
    density.value_and_gradient(q, pool)
    work, design = pool.work, density.design
    channels, static = len(density.spec.channels), len(design.shared_row)
    geos, _, periods = work.dynamic.shape
    blocks = []
    for g in range(geos):
        effect, moving = work.dynamic[g, :channels], work.dynamic[g, channels:]
        own = design.baseline.own * work.own_sd[:, None]
        if density.spec.pooled:
            own = np.concatenate([own, effect * work.table[:, [curves.SPREAD]]])
        block = np.zeros((periods, geos * len(own)))
        block[:, g * len(own) : (g + 1) * len(own)] = own.T
        rows = np.concatenate([design.baseline.shared[g], moving])
        blocks.append(np.concatenate([block, (rows * work.shared_sd[:, None]).T], axis=1))
    assert len(rows) == static + len(moving)
    return Dense(
        mean=design.centre + work.dynamic[:, :channels].sum(axis=1).ravel(),
        rows=np.concatenate(blocks),
        noise=np.repeat(work.sigma, periods),
        outcome=design.outcome.ravel(),
    )


def fit_at(case: Case, natural: np.ndarray) -> Fit:
    """A fit whose posterior is the one chain `natural` (draws, size)."""
    posterior, start = {}, 0
    for variable in case.density.spec.variables:
        stop = start + len(variable.labels)
        posterior[variable.name] = (("chain", "draw", variable.dim), natural[None, :, start:stop])
        start = stop
    return Fit(case.study, case.panel, xr.Dataset(posterior), xr.Dataset(), {})


@dataclass(frozen=True, slots=True)
class Tools:
    """The functions above, for test modules."""

    make_case = staticmethod(make_case)
    value_arrays = staticmethod(value_arrays)
    scalar_order = staticmethod(scalar_order)
    compile_graph = staticmethod(compile_graph)
    compile_value = staticmethod(compile_value)
    compile_logp = staticmethod(compile_logp)
    dense_regression = staticmethod(dense_regression)
    fit_at = staticmethod(fit_at)


@pytest.fixture(scope="session")
def tools() -> Tools:
    return Tools()


@pytest.fixture(scope="module", autouse=True)
def light_graphs() -> Iterator[None]:
    """Graphs built without a C compiler and without the stack of every node."""
    with pytensor.config.change_flags(cxx="", traceback__limit=0):
        yield


@pytest.fixture(scope="module")
def light_jax() -> Iterator[None]:
    """JAX compiled with few optimisations, which take longer than all that is evaluated here."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
