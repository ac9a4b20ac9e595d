"""The compiled density taken apart: the same kernels, entered in the middle.

`mmm.model.kernel` goes from a sampled point to its log-density in one call. Here each stage is a
C function of its own on a `Pool`, so that PyTensor can supply what the kernels do not know: a
graph's own parameter cells, its own effects, or the curves of a family written by the user.
Stages are found by address, which keeps what calls them small and quick to compile.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from mmm.model import collapse, curves, experiment, explicit, kernel, survey, views

_DOUBLES = types.CPointer(types.double)
STAGE = types.float64(types.int64, types.int64, _DOUBLES, _DOUBLES)
"""A stage takes the header's address, a slot, a point and its gradient; most need only two."""

POINT, PATHS, EFFECTS, COLLAPSED, EXPLICIT, BACK, POINT_BACK = range(7)
"""Places of the stages in `addresses`."""


def _point(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def point(h, slot, q, grad):
        """Cells at the point `q`; its log-prior, whose gradient goes to `grad`."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        return kernel.fill_cells(q, data, work, grad)

    return point


def _paths(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def paths(h, slot, _q, _grad):
        """From cells to scales, exposure, saturated exposure, brand stock and their means."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        for k in range(work.cells.shape[0]):
            work.cells_bar[k] = 0.0
        kernel.spread_cells(data, work, views.meta_of(h, views.POOLED) != 0)
        curves.forward(work.table, data, work)
        return 0.0

    return paths


def _effects(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def effects(h, slot, _q, _grad):
        """From saturated exposure and brand stock to effects and drift rows; returns the
        log-likelihood of brand trackers and experiments."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        curves.effects(work.table, data, work)
        return survey.log_likelihood(data, work) + experiment.log_likelihood(data, work)

    return effects


def _collapsed(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def collapsed(h, slot, _q, _grad):
        """The log-likelihood of effects and scales, coefficients integrated out, and its
        gradient by both; NaN where it cannot be had."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        total = collapse.moments(data, work)
        if np.isfinite(total):
            collapse.gradient(data, work)
            curves.effects_adjoint(data, work)
        return total

    return collapsed


def _explicit(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def explicit_stage(h, slot, q, grad):
        """The same with Student-t noise: coefficients are the end of `q`, with their prior."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        size = data.own_row.shape[0] + work.spread.shape[0]
        length = data.kind.shape[0] + data.media.shape[0] * size + work.shared_sd.shape[0]
        total = explicit.log_density(data, work, q, grad, length)
        curves.effects_adjoint(data, work)
        return total

    return explicit_stage


def _back(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def back(h, slot, _q, _grad):
        """The gradient by effects and scales carried back to cells."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        curves.adjoint(work.table, data, work, work.table_bar)
        kernel.gather_cells(data, work, views.meta_of(h, views.POOLED) != 0)
        return 0.0

    return back


def _point_back(stamp):
    @cfunc(STAGE, cache=True, _nrt=False)
    def point_back(h, slot, _q, grad):
        """The gradient by cells added to that by the point."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        kernel.collect_cells(data, work, grad)
        return 0.0

    return point_back


_MAKERS = (_point, _paths, _effects, _collapsed, _explicit, _back, _point_back)


@lru_cache(maxsize=len(_MAKERS))
def stage(number: int):
    """The C function of one stage, compiled or read from the cache."""
    return _MAKERS[number](kernel.STAMP)


def addresses(*numbers: int) -> np.ndarray:
    """Addresses of the stages asked for, at their places; zero for the others."""
    out = np.zeros(len(_MAKERS), dtype=np.int64)
    for number in numbers:
        out[number] = stage(number).address
    return out


@intrinsic
def invoke(_typing, address, header, slot):
    """Calls the stage at `address` without a point."""

    def generate(_context, builder, _signature, arguments):
        number, nothing = ir.IntType(64), ir.DoubleType().as_pointer()
        kind = ir.FunctionType(ir.DoubleType(), [number, number, nothing, nothing])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        null = ir.Constant(nothing, None)
        return builder.call(function, [arguments[1], arguments[2], null, null])

    return types.float64(types.int64, types.int64, types.int64), generate


def _window(stamp):
    @njit(cache=True, nogil=True)
    def window(stages, h, cells, gradient):
        """Log-likelihood of flat `cells` with its gradient, by one set of a pool's memory."""
        _ = stamp
        slot = views.claim(h)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        for k in range(cells.shape[0]):
            work.cells[k] = cells[k]
        invoke(stages[PATHS], h, slot)
        total = invoke(stages[EFFECTS], h, slot)
        total += invoke(stages[COLLAPSED], h, slot)
        if np.isfinite(total):
            invoke(stages[BACK], h, slot)
            for k in range(cells.shape[0]):
                gradient[k] = work.cells_bar[k]
        else:
            gradient[:] = 0.0
        views.release(views.meta_of(h, views.FLAGS) + 8 * slot)
        return total

    return window


def _likelihood(stamp):
    @njit(cache=True, nogil=True)
    def likelihood(stages, h, effect, spread, drift, sigma, own_sd, shared_sd,
                   effect_bar, spread_bar, drift_bar, sigma_bar, own_bar, shared_bar):  # fmt: skip
        """Log-likelihood of effects (G, C, T) and scales, with its gradient by each."""
        _ = stamp
        slot = views.claim(h)
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        geos, channels, periods = effect.shape
        bases, static = data.drift.shape[0], shared_sd.shape[0]
        work.spread[:] = spread
        work.own_sd[:] = own_sd
        work.shared_sd[:static] = shared_sd
        work.sigma[:] = sigma
        work.dynamic[:, :channels] = effect
        for place in range(drift.shape[0]):
            for k in range(bases):
                row = channels + place * bases + k
                work.shared_sd[static + place * bases + k] = drift[place]
                for g in range(geos):
                    for t in range(periods):
                        moved = effect[g, data.drifting[place], t] * data.drift[k, t]
                        work.dynamic[g, row, t] = moved
        total = invoke(stages[COLLAPSED], h, slot)
        effect_bar[:], spread_bar[:], drift_bar[:] = 0.0, 0.0, 0.0
        sigma_bar[:], own_bar[:], shared_bar[:] = 0.0, 0.0, 0.0
        if np.isfinite(total):
            effect_bar[:] = work.dynamic_bar[:, :channels]
            spread_bar[:] = work.spread_bar
            sigma_bar[:] = work.sigma_bar
            own_bar[:] = work.own_sd_bar
            shared_bar[:] = work.shared_sd_bar[:static]
            for place in range(drift.shape[0]):
                for k in range(bases):
                    drift_bar[place] += work.shared_sd_bar[static + place * bases + k]
        views.release(views.meta_of(h, views.FLAGS) + 8 * slot)
        return total

    return likelihood


window = _window(kernel.STAMP)
likelihood = _likelihood(kernel.STAMP)
