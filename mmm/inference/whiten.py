"""Where the posterior lies and what shape it has, learned before any chain runs.

With the mode m of the log-density on the unconstrained scale, bent where it curves
(`mmm.model.coordinates`), and w and V the eigenvalues and eigenvectors of its negative Hessian
there (Laplace's approximation), the posterior of z in

    u = m + V w^(-1/2) z

is near a standard normal, however long and narrow that of u: trees of NUTS are short from the
first draw on, and there is little left for its mass matrix to learn. This is a change of
coordinates: draws are exact whatever the shape, which decides only their cost
(`benchmarks/geometry`).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.optimize import minimize

from mmm.config import Inference
from mmm.model.coordinates import Bends, Coordinates, coordinates_of, points, unmoved
from mmm.model.density import Density, bends_of
from mmm.model.views import Pool

LARGEST = 600
"""Scalars up to which a Hessian by differences costs less than it saves."""
STEP = 1e-4
"""Difference of the unconstrained scalars, whose priors are some tenths to 1 wide."""
LEAST_CURVATURE = 0.3
"""Flatter directions are taken to be as wide as this says: they are far from normal."""
CLIFF = 1e10
"""What the search is told where the log-density cannot be had."""
TOLERANCE = 1e-6
"""Of the log-density, relative, where the climb ends: within a tenth of a posterior standard
deviation of the mode, which is close enough to measure the shape and to begin."""
ITERATIONS = 500
SAME = 0.1
"""Log-densities nearer than this are those of one mode, reached twice."""

Point = np.ndarray


@dataclass(frozen=True, slots=True)
class Whitened:
    """Coordinates in which the posterior is near a standard normal, and the modes found from
    scattered starts, in those coordinates, (starts, n)."""

    coordinates: Coordinates
    modes: np.ndarray

    def start(self, seed: int) -> Point:
        """A starting point: about one of the modes, a posterior standard deviation wide."""
        rng = np.random.default_rng(seed)
        return rng.choice(self.modes) + rng.standard_normal(self.modes.shape[1])

    def points(self, z: Point) -> Point:
        """Unconstrained points of `z` (..., n), same shape."""
        return points(self.coordinates, z)


def starting_point(density: Density, seed: int) -> Point:
    """A start scattered around the prior's centre, half a prior standard deviation wide."""
    return np.random.default_rng(seed).normal(density.centre(), 0.5 * density.width())


def chain_seeds(settings: Inference) -> list[int]:
    """A seed a chain."""
    return np.random.SeedSequence(settings.seed).generate_state(settings.chains).tolist()


def whiten(
    density: Density,
    settings: Inference,
    cores: int | None = None,
    bends: Bends | None = None,
) -> Whitened | None:
    """The mode and its shape along `bends` (left out, `bends_of` the density), searched from a
    scattered start a chain; None where there is none to be had, or the density is too large.
    Chains that start about different modes disagree, and R-hat tells."""
    if density.size > LARGEST:
        return None
    first, *others = (starting_point(density, seed) for seed in chain_seeds(settings))
    cores = 1 if density.written else cores or os.cpu_count() or 1
    plain = _placed(density, unmoved(bends or bends_of(density), density.size), cores)
    with ThreadPoolExecutor(cores) as threads:
        best = _climb(plain, first)
        about = _shape(plain, threads, best.point)
        if about is None:
            return None
        # in which other modes are rounder and take a third of the steps, unless there are limits
        # to how low scalars may go
        near = plain if lowest(density) is not None else _placed(density, about, cores)
        found = [best, *threads.map(partial(_climb, near), others)]
        highest = max(found, key=lambda one: one.value)
        if highest.value > best.value + SAME:
            about = _shape(plain, threads, highest.point)
            if about is None:
                return None
    about = replace(about, mode=coordinates_of(plain.at, highest.point))
    modes = [coordinates_of(about, one.point) for one in found]
    return Whitened(about, np.array(modes))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A density in coordinates, and memory to evaluate it in."""

    density: Density
    at: Coordinates
    pool: Pool

    def __call__(self, z: Point) -> tuple[float, Point]:
        return self.density.moved(z, self.at, self.pool)


def _placed(density: Density, at: Coordinates, cores: int) -> _Placed:
    return _Placed(density, at, density.workspace(cores, at))


def _shape(plain: _Placed, threads: ThreadPoolExecutor, mode: Point) -> Coordinates | None:
    """Laplace's coordinates about the point `mode`, None where there is no curvature to be
    had."""
    here = coordinates_of(plain.at, mode)
    columns = np.array(list(threads.map(partial(_slope, plain, here), range(len(here)))))
    curvature = -0.5 * (columns + columns.T)
    if not np.isfinite(curvature).all():
        return None
    values, vectors = np.linalg.eigh(curvature)
    scale = 1.0 / np.sqrt(np.maximum(values, LEAST_CURVATURE))
    return replace(plain.at, mode=here, root=np.ascontiguousarray(vectors * scale))


@dataclass(frozen=True, slots=True)
class _Mode:
    """A mode and the log-density there."""

    point: Point
    value: float


def _climb(placed: _Placed, start: Point) -> _Mode:
    """The mode uphill from the unconstrained point `start`, searched for in the coordinates of
    `placed`."""
    least = lowest(placed.density)

    def downhill(z: Point) -> tuple[float, Point]:
        value, gradient = placed(z)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return CLIFF, np.zeros(len(z))
        return -value, -gradient

    bounds = None
    if least is not None:
        bounds = [(None if limit == -np.inf else limit, None) for limit in least]
        start = np.maximum(start, least)
    options = {"maxiter": ITERATIONS, "maxcor": 30, "ftol": TOLERANCE}
    begin = coordinates_of(placed.at, start)
    found = minimize(downhill, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return _Mode(points(placed.at, found.x), -float(found.fun))


def lowest(density: Density) -> Point | None:
    """How low each scalar may go in the search for a mode, None where there is no limit.

    Student-t noise has no fewer degrees of freedom than its prior's median says: with few of
    them the joint density of noise and sampled coefficients grows without bound where the
    coefficients pass through as many observations as there are of them and the noise is nothing
    (Fernandez and Steel, 1999).
    """
    if density.spec.likelihood != "student_t":
        return None
    places = [one.place for one in density.spec.variables for _ in one.priors]
    held = np.array([*(place == "shape" for place in places), *[False] * density.coefficients])
    return np.where(held, density.centre(), -np.inf)


def _slope(placed: _Placed, mode: Point, axis: int) -> Point:
    """Derivative of the gradient along one axis at the mode, by central differences."""
    step = np.zeros(len(mode))
    step[axis] = STEP
    above, below = (placed(mode + way * step)[1] for way in (1, -1))
    return (above - below) / (2.0 * STEP)
