"""The joint log-density of the sampled scalars, compiled: prior, curves, collapsed likelihood.

It equals the PyMC model of `mmm.model.build` on the unconstrained scale (log of positive
variables, logit of bounded ones), which tests hold to 1e-8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmm.model import curves, kernel
from mmm.model.design import Design
from mmm.model.spec import ModelSpec

_KINDS = {"lognormal": kernel.EXP, "halfnormal": kernel.EXP_FOLDED, "logitnormal": kernel.LOGIT}


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
    """Arrays that `Density.moments` fills and reuses."""

    def __init__(self, spec: ModelSpec, design: Design) -> None:
        shape = design.media.shape
        geos, channels, _ = shape
        own, shared = design.own, design.baseline.shared.shape[1]
        size = own + (channels if spec.pooled else 0)
        self.exposure, self.now, self.stock = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self.effect = np.zeros(shape)
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
        folded = self.layout.kind == kernel.EXP_FOLDED
        return np.where(folded, np.log(0.5 * self.layout.scale), self.layout.location)

    def width(self) -> np.ndarray:
        """Prior standard deviations on the unconstrained scale, (size,); 1 for folded ones."""
        return np.where(self.layout.kind == kernel.EXP_FOLDED, 1.0, self.layout.scale)

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

    def moments(self, cells: np.ndarray, work: Workspace) -> float:
        """Log-likelihood at flat `cells`; leaves effects and conditional moments in `work`."""
        table, sigma, own_sd, shared_sd = self.split(cells)
        design = self.design
        return kernel.window(
            table, self.spread(table), sigma, own_sd, shared_sd, self.adstock, self.saturation,
            self.spec.lags, design.media, design.early, design.weight, design.rows, design.gram,
            design.own, work.exposure, work.now, work.stock, work.means, work.effect,
            work.inverse, work.lower, work.cross, work.solved, work.schur_lower,
            work.schur_inverse, work.own_mean, work.shared_mean, work.geo_gram,
        )  # fmt: skip

    def value_and_gradient(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """Log-density and gradient at unconstrained `q` (size,); NaN where it cannot be had."""
        arrays = self.arrays()
        gradient = np.empty_like(q)
        value = kernel.joint(
            q, gradient, *(arrays[name] for name in (*kernel.INTEGERS, *kernel.REALS)),
            self.design.own, self.spec.lags, self.spec.pooled,
        )  # fmt: skip
        return value, gradient

    def arrays(self) -> dict[str, np.ndarray]:
        """The kernel's arrays by name, contiguous."""
        layout, design = self.layout, self.design
        baseline = design.baseline
        return {
            "kind": layout.kind,
            "scalar": layout.scalar,
            "cell": layout.cell,
            "adstock": self.adstock,
            "saturation": self.saturation,
            "own_group": baseline.own_group,
            "shared_group": baseline.shared_group,
            "location": layout.location,
            "scale": layout.scale,
            "base": layout.base,
            "media": design.media,
            "early": design.early,
            "weight": design.weight,
            "rows": design.rows,
            "gram": design.gram,
            "own_sd": baseline.own_sd,
            "shared_sd": baseline.shared_sd,
        }

    def header(self) -> np.ndarray:
        """Sizes and addresses for the C callback; valid while this object lives."""
        geos, channels, periods = self.design.media.shape
        sizes = [
            self.layout.size, len(self.layout.cell), len(self.layout.base), geos, channels,
            periods, self.design.own, len(self.design.baseline.shared_sd), self.spec.lags,
            int(self.spec.pooled),
        ]  # fmt: skip
        arrays = self.arrays()
        addresses = [arrays[name].ctypes.data for name in (*kernel.INTEGERS, *kernel.REALS)]
        return np.array(sizes + addresses, dtype=np.int64)


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
    logit = density.layout.kind == kernel.LOGIT
    natural = np.exp(np.where(logit, 0.0, unconstrained))
    return np.where(logit, 1.0 / (1.0 + np.exp(-unconstrained)), natural)
