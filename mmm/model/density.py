"""The joint log-density of what is sampled, compiled: prior, curves, likelihood.

It equals the PyMC model of `mmm.model.build` on the unconstrained scale (log of positive
variables, logit of bounded ones), which tests hold to 1e-8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mmm.model import curves, kernel, own
from mmm.model.coordinates import Bends, Coordinates, log_volume, points, slope_by_z
from mmm.model.design import Design
from mmm.model.own import OwnChannel
from mmm.model.readings import reading_entries
from mmm.model.spec import ModelSpec
from mmm.model.terms import told_apart
from mmm.model.views import ENDS, MIDDLE, TOLD, Data, Pool

_KINDS = {"lognormal": kernel.EXP, "halfnormal": kernel.EXP_FOLDED, "logitnormal": kernel.LOGIT}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each sampled scalar goes. `scalar` and `cell` pair up: scalar i fills flat cell j
    of the parameter table, then sigmas, then the two trend scales, then nu, then the loading, noise
    and walk of brand trackers."""

    kind: np.ndarray
    location: np.ndarray
    scale: np.ndarray
    scalar: np.ndarray
    cell: np.ndarray
    base: np.ndarray

    @property
    def size(self) -> int:
        return len(self.kind)

    def prior_constant(self) -> np.ndarray:
        """What no point changes of the log-prior, (1,): the densities' normalising factors."""
        halves = np.where(self.kind == kernel.EXP_FOLDED, math.log(2.0), 0.0)
        return np.sum(halves - np.log(self.scale) - 0.5 * math.log(2 * math.pi), keepdims=True)


def layout_of(spec: ModelSpec) -> Layout:
    """The layout of `spec`'s variables, in order."""
    table = np.array(spec.base, dtype=float)
    geos = len(spec.geos)
    indicators = np.zeros(3 * len(spec.national))
    base = np.concatenate([table.ravel(), np.ones(geos), np.ones(2), [np.inf], indicators])
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
            elif variable.place == "scale":
                cells = [table.size + geos + variable.column]
            elif variable.place == "survey":
                cells = [table.size + geos + 3 + variable.column * len(spec.national) + label]
            else:
                cells = [table.size + geos + 2]
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


@dataclass(frozen=True, slots=True)
class Density:
    """The log-density of `spec` on `design`, as a function of an unconstrained point.

    The point holds the sampled scalars (`layout.size`) and, with Student-t noise, the whitened
    linear coefficients after them (`coefficients`).
    """

    spec: ModelSpec
    design: Design
    layout: Layout
    data: Data
    written: tuple[OwnChannel, ...] = ()
    """Channels with a transform of the user's own, which the kernels do not know."""

    @property
    def own_size(self) -> int:
        """Coefficients a geo has of its own: baseline rows, then channels where geos pool."""
        return self.design.own + len(self.spec.channels) * self.spec.pooled

    @property
    def shared_size(self) -> int:
        """Coefficients that geos share: baseline rows, then drift."""
        drift = len(self.spec.drifting) * len(self.design.drift)
        return len(self.design.shared_row) + drift

    @property
    def coefficients(self) -> int:
        """How many linear coefficients are sampled rather than integrated out."""
        if self.spec.likelihood != "student_t":
            return 0
        return len(self.spec.geos) * self.own_size + self.shared_size

    @property
    def size(self) -> int:
        """Length of the point that is sampled."""
        return self.layout.size + self.coefficients

    def centre(self) -> np.ndarray:
        """The middle of the priors on the unconstrained scale, (size,)."""
        folded = self.layout.kind == kernel.EXP_FOLDED
        middle = np.where(folded, np.log(0.5 * self.layout.scale), self.layout.location)
        return np.concatenate([middle, np.zeros(self.coefficients)])

    def width(self) -> np.ndarray:
        """Prior standard deviations on the unconstrained scale, (size,); 1 for folded ones."""
        folded = self.layout.kind == kernel.EXP_FOLDED
        return np.concatenate(
            [np.where(folded, 1.0, self.layout.scale), np.ones(self.coefficients)]
        )

    @property
    def told(self) -> bool:
        """Whether trackers or experiments are part of it."""
        return bool(len(self.data.reading) or len(self.data.trial_lift))

    def workspace(self, slots: int = 1, at: Coordinates | None = None) -> Pool:
        """Memory to evaluate the density in, for as many threads at once as it has slots.

        With `at`, points and gradients of `kernel.call` are in those coordinates, which
        transforms of the user's own do not know.
        """
        data = self.data
        if at is not None:
            data = data._replace(mode=at.mode, mode_root=at.root)
            data = data._replace(
                bend_half=at.bends.half,
                bend_slope=at.bends.slope,
                bend_about=at.bends.about,
                bend_share=at.bends.share,
                bend_split=at.bends.split,
            )
        pool = Pool(data, self.spec.lags, self.spec.pooled, slots)
        pool.header[ENDS] = kernel.ends().address
        pool.header[MIDDLE] = kernel.middle(self.spec.likelihood).address
        if self.told:
            pool.header[TOLD] = kernel.told().address
        return pool

    def value_and_gradient(
        self, q: np.ndarray, pool: Pool | None = None
    ) -> tuple[float, np.ndarray]:
        """Log-density and gradient at unconstrained `q` (size,); NaN where it cannot be had."""
        pool = pool or self.workspace()
        if self.written:
            return own.value_and_gradient(self.written, self.spec.likelihood, pool, q)
        point, gradient = np.ascontiguousarray(q, dtype=float), np.empty(len(q))
        return kernel.call(pool.header, point, gradient), gradient

    def moved(self, z: np.ndarray, at: Coordinates, pool: Pool) -> tuple[float, np.ndarray]:
        """Log-density and gradient by `z` (size,) in the coordinates `at`, those of `pool`."""
        if not self.written:
            return self.value_and_gradient(z, pool)
        q = points(at, z)
        value, gradient = self.value_and_gradient(q, pool)
        return value + float(log_volume(at.bends, q)), slope_by_z(at, q, gradient)


def bends_of(density: Density) -> Bends:
    """Where `density` is better moved in along bends: channels whose Hill half-saturation and
    slope are both sampled, each about its mean exposure where it spends, and those whose share
    and brand split are."""
    columns = (curves.HALF, curves.SLOPE, curves.SHARE, curves.SPLIT)
    first, found = 0, {column: {} for column in columns}
    for variable in density.spec.variables:
        if variable.place == "theta" and variable.column in found:
            scalars = enumerate(variable.rows, start=first)
            found[variable.column] |= {rows: scalar for scalar, rows in scalars}
        first += len(variable.priors)
    media, half, slope, share, split = density.design.media, *found.values()
    spent = [rows for rows in half if rows in slope and media[:, list(rows)].max() > 0.0]
    hill = [rows for rows in spent if density.spec.saturation[rows[0]] == curves.HILL]
    both = [rows for rows in share if rows in split]
    levels = [media[:, list(rows)] for rows in hill]
    return Bends(
        half=np.array([half[rows] for rows in hill], dtype=np.int64),
        slope=np.array([slope[rows] for rows in hill], dtype=np.int64),
        about=np.array([np.log(level[level > 0].mean()) for level in levels]),
        share=np.array([share[rows] for rows in both], dtype=np.int64),
        split=np.array([split[rows] for rows in both], dtype=np.int64),
    )


def build_density(spec: ModelSpec, design: Design) -> Density:
    """The compiled log-density of `spec` on `design`."""
    layout, baseline, readings = layout_of(spec), design.baseline, design.readings
    trials, apart = design.trials, told_apart(spec, design)
    place, entries = reading_entries(readings, len(apart))
    data = Data(
        kind=layout.kind,
        scalar=layout.scalar,
        cell=layout.cell,
        adstock=np.array(spec.adstock, dtype=np.int64),
        reach=np.array(spec.reach, dtype=np.int64),
        saturation=np.array(spec.saturation, dtype=np.int64),
        own_row=design.own_row,
        shared_row=design.shared_row,
        own_group=baseline.own_group,
        shared_group=baseline.shared_group,
        drifting=np.array(spec.drifting, dtype=np.int64),
        location=layout.location,
        scale=layout.scale,
        prior_constant=layout.prior_constant(),
        base=layout.base,
        weight=design.weight,
        own_base=baseline.own_sd,
        shared_base=baseline.shared_sd,
        reading_geo=readings.geo,
        reading_time=readings.time,
        reading_of=readings.of,
        reading_walk=readings.walk_of,
        reading_channel=np.array(apart, dtype=np.int64),
        reading_place=place.ravel(),
        trial_first=trials.first,
        trial_channel=trials.channel,
        trial_geo=trials.geo,
        trial_start=trials.start,
        trial_length=trials.length,
        trial_at=trials.at,
        trial_when=trials.when,
        trial_multiplies=np.array([spec.likelihood == "lognormal"], dtype=np.int64),
        bend_half=np.empty(0, dtype=np.int64),
        bend_slope=np.empty(0, dtype=np.int64),
        bend_share=np.empty(0, dtype=np.int64),
        bend_split=np.empty(0, dtype=np.int64),
        mode=np.empty(0),
        bend_about=np.empty(0),
        reading=readings.value,
        reading_variance=readings.variance,
        reading_sd=readings.row_sd,
        trial_lift=trials.lift,
        trial_variance=trials.variance,
        trial_base=trials.base,
        trial_weight=trials.weight,
        trial_change=trials.change,
        reading_rows=entries,
        early=design.early,
        common=design.common,
        drift=design.drift,
        mode_root=np.empty((0, 0)),
        media=design.media,
        local=design.local,
        gram=design.gram,
    )
    data = Data(*(np.ascontiguousarray(array) for array in data))
    return Density(spec, design, layout, data, own.own_channels(spec, design))


def natural_values(density: Density, unconstrained: np.ndarray) -> np.ndarray:
    """Natural values of unconstrained points, same shape (..., size)."""
    scalars = density.layout.size
    logit = density.layout.kind == kernel.LOGIT
    sampled = unconstrained[..., :scalars]
    natural = np.exp(np.where(logit, 0.0, sampled))
    natural = np.where(logit, 1.0 / (1.0 + np.exp(-sampled)), natural)
    return np.concatenate([natural, unconstrained[..., scalars:]], axis=-1)


def unconstrained_values(density: Density, natural: np.ndarray) -> np.ndarray:
    """The inverse of `natural_values`."""
    scalars = density.layout.size
    logit = density.layout.kind == kernel.LOGIT
    sampled = natural[..., :scalars]
    odds = sampled / np.where(logit, 1.0 - sampled, 1.0)
    return np.concatenate([np.log(odds), natural[..., scalars:]], axis=-1)
