"""The joint log-density of the sampled scalars, compiled: prior, curves, collapsed likelihood.

It equals the PyMC model of `mmm.model.build` on the unconstrained scale (log of positive
variables, logit of bounded ones), which tests hold to 1e-8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from mmm.model import collapse, curves
from mmm.model.design import Design
from mmm.model.spec import ModelSpec

_EXP, _EXP_FOLDED, _LOGIT = range(3)
_KINDS = {"lognormal": _EXP, "halfnormal": _EXP_FOLDED, "logitnormal": _LOGIT}
_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)

_options = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_options)
def constrain(q, kind, location, scale, value, jacobian, prior_grad):
    """Natural values, their derivatives by q and the prior's gradient; returns the log-prior."""
    total = 0.0
    for i in range(q.shape[0]):
        if kind[i] == _LOGIT:
            value[i] = 1.0 / (1.0 + math.exp(-q[i]))
            jacobian[i] = value[i] * (1.0 - value[i])
        else:
            value[i] = math.exp(q[i])
            jacobian[i] = value[i]
        if kind[i] == _EXP_FOLDED:
            z = value[i] / scale[i]
            total += math.log(2.0) - 0.5 * z * z - math.log(scale[i]) - _LOG_ROOT_2PI + q[i]
            prior_grad[i] = 1.0 - z * z
        else:
            z = (q[i] - location[i]) / scale[i]
            total -= 0.5 * z * z + math.log(scale[i]) + _LOG_ROOT_2PI
            prior_grad[i] = -z / scale[i]
    return total


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each sampled scalar goes. `scalar` and `cell` pair up: scalar i fills flat cell j
    of the parameter table, then sigmas, then scales."""

    kind: np.ndarray
    location: np.ndarray
    scale: np.ndarray
    scalar: np.ndarray
    cell: np.ndarray
    base: np.ndarray

    @property
    def size(self) -> int:
        return len(self.kind)


def layout_of(spec: ModelSpec) -> Layout:
    """The layout of `spec`'s variables, in order."""
    table = np.array(spec.base, dtype=float)
    geos = len(spec.geos)
    base = np.concatenate([table.ravel(), np.ones(geos), np.ones(2)])
    kinds, locations, scales, scalar, cell = [], [], [], [], []
    for variable in spec.variables:
        for label, prior in enumerate(variable.priors):
            index = len(kinds)
            kinds.append(_KINDS[prior.kind])
            locations.append(prior.location)
            scales.append(prior.scale)
            if variable.place == "theta":
                cells = [row * curves.COLUMNS + variable.column for row in variable.rows[label]]
            elif variable.place == "sigma":
                cells = [table.size + label]
            else:
                cells = [table.size + geos + variable.column]
            scalar += [index] * len(cells)
            cell += cells
    return Layout(
        kind=np.array(kinds, dtype=np.int64),
        location=np.array(locations),
        scale=np.array(scales),
        scalar=np.array(scalar, dtype=np.int64),
        cell=np.array(cell, dtype=np.int64),
        base=base,
    )


class Workspace:
    """Arrays that one chain reuses between evaluations; never shared between threads."""

    def __init__(self, spec: ModelSpec, design: Design) -> None:
        shape = design.media.shape
        geos, channels, _ = shape
        own, shared = design.own, design.baseline.shared.shape[1]
        size = own + (channels if spec.pooled else 0)
        self.exposure, self.now, self.stock = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.effect, self.effect_bar = np.zeros(shape), np.zeros(shape)
        self.means = np.zeros((channels, 2))
        self.inverse = np.zeros((geos, size, size))
        self.lower = np.zeros((geos, size, size))
        self.cross = np.zeros((geos, size, shared))
        self.solved = np.zeros((geos, size, shared))
        self.schur_lower = np.zeros((shared, shared))
        self.schur_inverse = np.zeros((shared, shared))
        self.own_mean = np.zeros((geos, size))
        self.shared_mean = np.zeros(shared)
        self.geo_gram = np.zeros((geos, shared, shared))
        self.spread_bar = np.zeros(channels if spec.pooled else 0)
        self.sigma_bar = np.zeros(geos)
        self.own_sd_bar, self.shared_sd_bar = np.zeros(own), np.zeros(shared)


@dataclass(frozen=True, slots=True)
class Density:
    """The log-density of `spec` on `design`, as a function of natural or unconstrained values."""

    spec: ModelSpec
    design: Design
    layout: Layout
    adstock: np.ndarray
    saturation: np.ndarray

    def centre(self) -> np.ndarray:
        """The middle of the priors on the unconstrained scale, (size,)."""
        folded = self.layout.kind == _EXP_FOLDED
        return np.where(folded, np.log(0.5 * self.layout.scale), self.layout.location)

    def width(self) -> np.ndarray:
        """Prior standard deviations on the unconstrained scale, (size,); 1 for folded ones."""
        return np.where(self.layout.kind == _EXP_FOLDED, 1.0, self.layout.scale)

    def workspace(self) -> Workspace:
        return Workspace(self.spec, self.design)

    def split(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Parameter table (C, columns), sigma (G,), prior scales of own and shared rows."""
        channels, geos = len(self.spec.channels), len(self.spec.geos)
        table = cells[: channels * curves.COLUMNS].reshape(channels, curves.COLUMNS)
        sigma = cells[table.size : table.size + geos]
        scales = np.append(cells[table.size + geos :], 1.0)  # group -1 reads the last, 1.0
        baseline = self.design.baseline
        own_sd = baseline.own_sd * scales[baseline.own_group]
        shared_sd = baseline.shared_sd * scales[baseline.shared_group]
        return table, sigma, own_sd, shared_sd

    def cells(self, value: np.ndarray) -> np.ndarray:
        """Flat cells from natural values (size,)."""
        cells = self.layout.base.copy()
        cells[self.layout.cell] = value[self.layout.scalar]
        return cells

    def spread(self, table: np.ndarray) -> np.ndarray:
        pooled = table[:, curves.SPREAD] if self.spec.pooled else table[:0, curves.SPREAD]
        return np.ascontiguousarray(pooled)

    def curves(self, table: np.ndarray, work: Workspace) -> None:
        """Fills the workspace's curves and channel effects from the parameter table."""
        design = self.design
        curves.forward(
            table, self.adstock, self.saturation, self.spec.lags, design.media, design.early,
            work.exposure, work.now, work.stock,
        )  # fmt: skip
        curves.normalisers(table, work.now, work.stock, design.weight, work.means)
        curves.effects(table, work.means, work.now, work.stock, work.effect)

    def moments(self, cells: np.ndarray, work: Workspace) -> float:
        """Log-likelihood at flat `cells`; leaves the conditional's moments in the workspace."""
        table, sigma, own_sd, shared_sd = self.split(cells)
        self.curves(table, work)
        return collapse.moments(
            work.effect, self.spread(table), sigma, own_sd, shared_sd, self.design.rows,
            self.design.gram, self.design.own, work.inverse, work.lower, work.cross, work.solved,
            work.schur_lower, work.schur_inverse, work.own_mean, work.shared_mean, work.geo_gram,
        )  # fmt: skip

    def value_and_gradient(self, q: np.ndarray, work: Workspace) -> tuple[float, np.ndarray]:
        """Log-density and gradient at unconstrained `q` (size,); NaN where it cannot be had."""
        layout, design = self.layout, self.design
        value, jacobian, grad = np.empty_like(q), np.empty_like(q), np.empty_like(q)
        total = constrain(
            q, layout.kind, layout.location, layout.scale, value, jacobian, grad
        )
        cells = self.cells(value)
        total += self.moments(cells, work)
        if not math.isfinite(total):
            return math.nan, grad
        table, sigma, own_sd, shared_sd = self.split(cells)
        collapse.gradient(
            work.effect, self.spread(table), sigma, own_sd, shared_sd, design.rows, design.own,
            work.inverse, work.cross, work.solved, work.schur_inverse, work.own_mean,
            work.shared_mean, work.geo_gram,
            work.effect_bar, work.spread_bar, work.sigma_bar, work.own_sd_bar, work.shared_sd_bar,
        )  # fmt: skip
        table_bar = np.zeros_like(table)
        curves.adjoint(
            table, self.adstock, self.saturation, self.spec.lags, design.media, design.early,
            design.weight, work.exposure, work.now, work.stock, work.means, work.effect_bar,
            table_bar,
        )  # fmt: skip
        if self.spec.pooled:
            table_bar[:, curves.SPREAD] += work.spread_bar
        baseline = design.baseline
        scale_bar = np.zeros(3)
        np.add.at(scale_bar, baseline.own_group, work.own_sd_bar * baseline.own_sd)
        np.add.at(scale_bar, baseline.shared_group, work.shared_sd_bar * baseline.shared_sd)
        cell_bar = np.concatenate([table_bar.ravel(), work.sigma_bar, scale_bar[:2]])
        value_bar = np.bincount(
            layout.scalar, weights=cell_bar[layout.cell], minlength=layout.size
        )
        return total, grad + value_bar * jacobian


def build_density(spec: ModelSpec, design: Design) -> Density:
    """The compiled log-density of `spec` on `design`."""
    return Density(
        spec=spec,
        design=design,
        layout=layout_of(spec),
        adstock=np.array(spec.adstock, dtype=np.int64),
        saturation=np.array(spec.saturation, dtype=np.int64),
    )


def natural_values(density: Density, unconstrained: np.ndarray) -> np.ndarray:
    """Natural values of unconstrained draws, same shape (..., size)."""
    logit = density.layout.kind == _LOGIT
    natural = np.exp(np.where(logit, 0.0, unconstrained))
    return np.where(logit, 1.0 / (1.0 + np.exp(-unconstrained)), natural)
