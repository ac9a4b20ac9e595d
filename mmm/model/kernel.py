"""Entry points of the compiled kernels: what Python and the sampler call.

Numba caches compiled code on disk by the file of the outermost function only. The kernels'
sources are hashed into the key here, so a change in any of them compiles anew and nothing
else does. Compiled code knows no model: refitting with other data, priors or channels compiles
nothing.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import math
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from mmm.model import (
    carry_over,
    collapse,
    columns,
    coordinates,
    counterfactual,
    curves,
    experiment,
    explicit,
    lags,
    lanes,
    linked,
    saturation,
    survey,
    sweep,
    tiles,
    vector,
    views,
)  # fmt: skip
from mmm.model.coordinates import place_point, turn_slope
from mmm.model.vector import OPTIONS, exp_array
from mmm.transforms import lag_nodes

EXP, EXP_FOLDED, LOGIT = range(3)
"""How a sampled scalar gets its natural value, and with it its prior's form."""

_SPREAD, _COLUMNS, _DRIFT = curves.SPREAD, curves.COLUMNS, curves.DRIFT

_MODULES = (
    linked, vector, coordinates, tiles, lanes, sweep, columns, views, lag_nodes, lags, saturation,
    survey, carry_over, curves, experiment, collapse, explicit, counterfactual,
)  # fmt: skip
SOURCES = [*(Path(module.__file__ or "") for module in _MODULES), Path(__file__)]
STAMP = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()


@njit(**OPTIONS)
def constrain(q, data, work, prior_grad):
    """Natural values, their derivatives by q and the prior's gradient; returns the log-prior."""
    total = data.prior_constant[0]
    kind, location, scale = data.kind, data.location, data.scale
    value, jacobian, power = work.value, work.jacobian, work.power
    for i in range(kind.shape[0]):
        power[i] = -q[i] if kind[i] == LOGIT else q[i]
    exp_array(power, jacobian, value)
    for i in range(kind.shape[0]):
        if kind[i] == LOGIT:
            value[i] = 1.0 / (1.0 + jacobian[i])
            jacobian[i] = value[i] * (1.0 - value[i])
        else:
            value[i] = jacobian[i]
        if kind[i] == EXP_FOLDED:
            z = value[i] / scale[i]
            total += q[i] - 0.5 * z * z
            prior_grad[i] = 1.0 - z * z
        else:
            z = (q[i] - location[i]) / scale[i]
            total -= 0.5 * z * z
            prior_grad[i] = -z / scale[i]
    return total


@njit(**OPTIONS)
def spread_cells(data, work, pooled):
    """Prior scales of linear coefficients and geo spreads from `work.cells`, into `work`."""
    geos, channels, _ = data.media.shape
    cells, first = work.cells, channels * _COLUMNS + geos
    static, bases = data.shared_row.shape[0], data.drift.shape[0]
    for k in range(data.own_base.shape[0]):
        group = data.own_group[k]
        work.own_sd[k] = data.own_base[k] * (cells[first + group] if group >= 0 else 1.0)
    for k in range(static):
        group = data.shared_group[k]
        work.shared_sd[k] = data.shared_base[k] * (cells[first + group] if group >= 0 else 1.0)
    for place in range(data.drifting.shape[0]):
        for k in range(bases):
            at = data.drifting[place] * _COLUMNS + _DRIFT
            work.shared_sd[static + place * bases + k] = cells[at]
    if pooled:
        for c in range(channels):
            work.spread[c] = cells[c * _COLUMNS + _SPREAD]


@njit(**OPTIONS)
def gather_cells(data, work, pooled):
    """The adjoint of `spread_cells`: adds gradients by scales and spreads to `work.cells_bar`."""
    geos, channels, _ = data.media.shape
    bar, first = work.cells_bar, channels * _COLUMNS + geos
    static, bases = data.shared_row.shape[0], data.drift.shape[0]
    for k in range(data.own_base.shape[0]):
        if data.own_group[k] >= 0:
            bar[first + data.own_group[k]] += work.own_sd_bar[k] * data.own_base[k]
    for k in range(static):
        if data.shared_group[k] >= 0:
            bar[first + data.shared_group[k]] += work.shared_sd_bar[k] * data.shared_base[k]
    for place in range(data.drifting.shape[0]):
        for k in range(bases):
            at = data.drifting[place] * _COLUMNS + _DRIFT
            bar[at] += work.shared_sd_bar[static + place * bases + k]
    if pooled:
        for c in range(channels):
            bar[c * _COLUMNS + _SPREAD] += work.spread_bar[c]


@njit(**OPTIONS)
def fill_cells(q, data, work, grad):
    """Cells at the point `q`; its log-prior, whose gradient goes to `grad`."""
    log_prior = constrain(q, data, work, grad)
    for k in range(work.cells.shape[0]):
        work.cells[k] = data.base[k]
        work.cells_bar[k] = 0.0
    for k in range(data.cell.shape[0]):
        work.cells[data.cell[k]] = work.value[data.scalar[k]]
    return log_prior


@njit(**OPTIONS)
def collect_cells(data, work, grad):
    """Adds to `grad` the gradient by cells carried back to the point."""
    for k in range(data.cell.shape[0]):
        i = data.scalar[k]
        grad[i] += work.cells_bar[data.cell[k]] * work.jacobian[i]


@njit(**OPTIONS)
def begin(q, data, work, pooled, grad):
    """Cells, curves and effects at `q`; returns the log-prior, whose gradient goes into `grad`."""
    log_prior = fill_cells(q, data, work, grad)
    spread_cells(data, work, pooled)
    curves.forward(work.table, data, work)
    curves.effects(work.table, data, work)
    return log_prior


@njit(**OPTIONS)
def finish(data, work, pooled, grad):
    """Carries the likelihood's gradient back through effects and curves and adds it to `grad`."""
    curves.effects_adjoint(data, work)
    curves.adjoint(work.table, data, work, work.table_bar)
    gather_cells(data, work, pooled)
    collect_cells(data, work, grad)


_DOUBLES = types.CPointer(types.double)
LOGP_SIGNATURE = types.int64(types.uint64, _DOUBLES, _DOUBLES, _DOUBLES, types.voidptr)
EXPAND_SIGNATURE = types.int64(types.uint64, types.uint64, _DOUBLES, _DOUBLES, types.voidptr)


@njit(**OPTIONS)
def verdict(total, grad, size):
    """What nutpie is told: 0, or why the point is of no use."""
    if not math.isfinite(total):
        return 4
    for i in range(size):
        if not math.isfinite(grad[i]):
            return 3
    return 0


PART_SIGNATURE = types.float64(types.int64, types.int64, types.int64, _DOUBLES, _DOUBLES)
"""A part takes the header's address, a slot, a number, a point and its gradient."""


@intrinsic
def call_part(_typing, address, h, slot, number, q, grad):
    """Calls the part at `address`."""

    def generate(_context, builder, _signature, arguments):
        integer, doubles = ir.IntType(64), ir.DoubleType().as_pointer()
        kind = ir.FunctionType(ir.DoubleType(), [integer, integer, integer, doubles, doubles])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(function, arguments[1:])

    return types.float64(types.int64, types.int64, types.int64, types.int64, q, grad), generate


def _ends(stamp):
    @cfunc(PART_SIGNATURE, cache=True, _nrt=False)
    def ends(h, slot, back, q, grad):
        """What comes before the likelihood, or what comes after it where `back` is not 0."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        pooled = views.meta_of(h, views.POOLED) != 0
        if back == 0:
            return begin(q, data, work, pooled, grad)
        finish(data, work, pooled, grad)
        return 0.0

    return ends


def _told(stamp):
    @cfunc(PART_SIGNATURE, cache=True, _nrt=False)
    def told(h, slot, _size, _q, _grad):
        """The log-likelihood of trackers and experiments, and its gradient into the slot."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        return survey.log_likelihood(data, work) + experiment.log_likelihood(data, work)

    return told


def _collapsed(stamp):
    @cfunc(PART_SIGNATURE, cache=True, _nrt=False)
    def collapsed_middle(h, slot, _size, _q, _grad):
        """The collapsed log-likelihood, and its gradient by effects and scales into the slot."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        total = collapse.moments(data, work)
        if math.isfinite(total) and not views.meta_of(h, views.VALUE_ONLY):
            collapse.gradient(data, work)
        return total

    return collapsed_middle


def _explicit(stamp):
    @cfunc(PART_SIGNATURE, cache=True, _nrt=False)
    def explicit_middle(h, slot, size, q, grad):
        """The same with Student-t noise, whose coefficients are the end of the point."""
        _ = stamp
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        return explicit.log_density(data, work, q, grad, size)

    return explicit_middle


def _logp(stamp):
    @cfunc(LOGP_SIGNATURE, cache=True, _nrt=False)
    def logp(size, q, grad, value, header):
        _ = stamp
        h, length = views.address_of(header), np.int64(size)
        ends, middle = views.meta_of(h, views.ENDS), views.meta_of(h, views.MIDDLE)
        told = views.meta_of(h, views.TOLD)
        slot = views.claim(h)
        data = views.frame_at(h, 0)
        work = views.frame_at(h, slot * views.meta_of(h, views.STRIDE))
        point, slope, volume = q, grad, 0.0
        if data.mode.shape[0] > 0:
            point, slope = views.pointer_to(work.point), views.pointer_to(work.slope)
            volume = place_point(q, data, work)
        total = volume + call_part(ends, h, slot, 0, point, slope)
        if told != 0:
            total += call_part(told, h, slot, 0, point, slope)
        total += call_part(middle, h, slot, length, point, slope)
        if math.isfinite(total) and not views.meta_of(h, views.VALUE_ONLY):
            call_part(ends, h, slot, 1, point, slope)
            if data.mode.shape[0] > 0:
                turn_slope(data, work, grad)
        views.release(views.meta_of(h, views.FLAGS) + 8 * slot)
        value[0] = total
        return verdict(total, grad, size)

    return logp


def _expand(stamp):
    @cfunc(EXPAND_SIGNATURE, cache=True, _nrt=False)
    def expand(size, _expanded, q, out, _data):
        _ = stamp
        for i in range(size):
            out[i] = q[i]
        return 0

    return expand


def _channel_draws(stamp):
    @njit(cache=True, **counterfactual.CALLED)
    def channel_draws(table, means, adstock, saturation, lags, media, early, direction, worth,
                      deviation, wander, now_out, stock_out, slope_out):  # fmt: skip
        _ = stamp
        counterfactual.channel_draws(
            table, means, adstock, saturation, lags, media, early, direction, worth, deviation,
            wander, now_out, stock_out, slope_out,
        )  # fmt: skip

    return channel_draws


channel_draws = _channel_draws(STAMP)


@lru_cache(maxsize=1)
def logp():
    """The C callback of the log-density in nutpie's form, compiled or read from the cache. It
    calls the parts whose addresses are in the header."""
    return _logp(STAMP)


@lru_cache(maxsize=1)
def expand():
    """The C callback that hands unconstrained draws on as they are."""
    return _expand(STAMP)


@lru_cache(maxsize=1)
def ends():
    """The part before and after the likelihood."""
    return _ends(STAMP)


@lru_cache(maxsize=1)
def told():
    """The likelihood of trackers and experiments, compiled for the models that have any."""
    return _told(STAMP)


@lru_cache(maxsize=2)
def middle(likelihood: str):
    """The likelihood of a family."""
    return _explicit(STAMP) if likelihood == "student_t" else _collapsed(STAMP)


@contextmanager
def _uncollected():
    """No garbage collection: walking over what a compiler holds is a tenth of compiling."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def prepare(likelihood: str, *, told_too: bool = False) -> float:
    """Makes the sampler's callbacks ready, `told_too` that of trackers and experiments; returns
    the seconds spent compiling, 0 where they were in memory or on disk already. Where nothing is
    on disk another process compiles the likelihood beside; should it fail, this one does it all.
    """
    started = time.perf_counter()
    wanted = {likelihood, "told"} if told_too else {likelihood}
    if wanted <= _ready:
        return 0.0
    known, helper = bool(_ready) or expand().cache_hits > 0, None
    if not known:
        more = "; kernel.told()" if told_too else ""
        order = f"kernel.middle({likelihood!r}){more}"
        whole = f"import gc; gc.disable(); from mmm.model import kernel; {order}"
        helper = subprocess.Popen([sys.executable, "-c", whole])
    with _uncollected():
        parts = [logp(), ends()]
        if helper is not None:
            helper.wait()
        parts += [middle(likelihood), told()] if told_too else [middle(likelihood)]
    fresh = [part for part in parts if id(part) not in _loaded and not part.cache_hits]
    _loaded.update(map(id, parts))
    _ready.update(wanted)
    return time.perf_counter() - started if fresh or not known else 0.0


_ready: set[str] = set()
_loaded: set[int] = set()


def call(header: np.ndarray, q: np.ndarray, grad: np.ndarray) -> float:
    """Log-density at `q` (size,) by the callback, its gradient into `grad` (size,)."""
    value = ctypes.c_double()
    doubles = ctypes.POINTER(ctypes.c_double)
    logp().ctypes(
        len(q), q.ctypes.data_as(doubles), grad.ctypes.data_as(doubles), ctypes.byref(value),
        header.ctypes.data,
    )  # fmt: skip
    return value.value
