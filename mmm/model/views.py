"""Arrays as a compiled callback sees them: addresses and shapes in one header of integers.

A C callback gets a pointer and nothing else. The header it points to begins with `META`, then
holds an address and three extents for every field of `Data` and `Work`. Work is a pool of equal
slots; a call claims one, so that chains in several threads reuse memory and never share it.
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, register_model
from numba.np.arrayobj import populate_array

from mmm.model.columns import COLUMNS
from mmm.model.lanes import LANES
from mmm.model.sweep import padded
from mmm.model.vector import OPTIONS

META = ("lags", "pooled", "slots", "stride", "flags", "value_only", "ends", "middle", "told")
LAGS, POOLED, SLOTS, STRIDE, FLAGS, VALUE_ONLY, ENDS, MIDDLE, TOLD = range(len(META))
ENTRY = 4

INTEGERS = ("kind", "scalar", "cell", "adstock", "reach", "saturation", "own_row", "shared_row",
            "own_group", "shared_group", "drifting", "reading_geo", "reading_time",
            "reading_of", "reading_walk", "reading_channel", "reading_place", "trial_first",
            "trial_channel", "trial_geo", "trial_start", "trial_length", "trial_at",
            "trial_when", "trial_multiplies", "bend_half", "bend_slope", "bend_share",
            "bend_split")  # fmt: skip
VECTORS = ("location", "scale", "prior_constant", "base", "weight", "own_base", "shared_base",
           "mode", "bend_about", "reading", "reading_variance", "reading_sd", "trial_lift",
           "trial_variance", "trial_base", "trial_weight", "trial_change")  # fmt: skip
MATRICES = ("early", "common", "drift", "mode_root", "reading_rows")
CUBES = ("media", "local", "gram")
Data = namedtuple("Data", (*INTEGERS, *VECTORS, *MATRICES, *CUBES))
"""What a model is: constant while it is sampled. Shapes are those of `Layout` and `Design`; `mode`
(n,), `mode_root` (n, n) and the `bend_`s say where the sampler's point z lies
(`mmm.model.coordinates`) and are empty where it is the unconstrained point itself."""

ALONG_TRIALS = ("trial_moved", "trial_high", "trial_sat", "trial_logs", "trial_gain",
                "trial_stock", "trial_effect", "trial_bar", "trial_flow")  # fmt: skip
"""Vectors as long as `trial_change`."""
WORK_VECTORS = ("value", "jacobian", "power", "cells", "cells_bar", "own_sd", "shared_sd",
                "own_sd_bar", "shared_sd_bar", "spread", "spread_bar", "raw", "sums", "between",
                "system", "net", "covariance", "link", "pivot", "first_mean", "full", "target",
                "shared_mean", "point", "slope", "reading_inner",
                "reading_target", "reading_mean", "reading_noise", "reading_left", "level_gain",
                "level_mean", "level_sum", "level_left", "left_bar", "sigma", "sigma_bar",
                "trial_seen", "trial_spread", "trial_caused", *ALONG_TRIALS)  # fmt: skip
WORK_MATRICES = ("lag_weights", "series", "means", "with_rows", "within", "weights", "cross",
                 "solved", "own_target", "own_mean", "shared_target", "geo_gram", "inverse", "root",
                 "schur_inverse", "schur_root", "reading_inverse", "reading_row", "level",
                 "table", "table_bar", "trial_mean", "trial_walk")  # fmt: skip
WORK_CUBES = ("exposure", "logs", "now", "stock", "dynamic", "dynamic_bar",
              "trial_now", "trial_level", "level_bar")  # fmt: skip
Work = namedtuple("Work", (*WORK_VECTORS, *WORK_MATRICES, *WORK_CUBES))
"""Everything an evaluation computes on the way, by name. `table` (C, columns) and `sigma` (G,)
are the beginning of `cells`, and their gradients that of `cells_bar`."""


FIELDS = (*Data._fields, *Work._fields)


def work_shapes(data: Data, lags: int, pooled: bool) -> dict[str, tuple[int, ...]]:
    """The shape of every field of `Work` for a model."""
    geos, channels, periods = data.media.shape
    own, static = len(data.own_row), len(data.shared_row)
    moving = len(data.drifting) * len(data.drift)
    size, shared, dynamic = own + channels * pooled, static + moving, channels + moving
    rows, blocks = data.gram.shape[1], -(-geos // LANES)
    path = (geos, channels, periods)
    square, apart = (blocks, size * size * LANES), len(data.reading_channel)
    told = (len(data.reading_sd) + geos * (apart + 1) * (apart > 0),)
    read = periods if len(data.reading) else 0
    tests, arms = data.trial_lift.shape, data.trial_channel.shape
    tried = path if len(data.trial_lift) else (0, 0, 0)
    return {
        "value": data.kind.shape, "jacobian": data.kind.shape, "power": data.kind.shape,
        "cells": (len(data.base),), "cells_bar": (len(data.base),),
        "own_sd": (own,), "shared_sd": (shared,),
        "own_sd_bar": (own,), "shared_sd_bar": (shared,),
        "spread": (channels * pooled,), "spread_bar": (channels * pooled,),
        "raw": (geos,), "sums": (rows,), "between": (dynamic,),
        "system": (size * size * LANES,), "net": (shared * shared * LANES,),
        "covariance": (size * size * LANES,), "link": (size * shared * LANES,),
        "pivot": (LANES,), "first_mean": (size * LANES,), "full": (rows + dynamic,),
        "target": (shared,), "shared_mean": (shared,),
        "point": data.mode.shape, "slope": data.mode.shape,
        "reading_inner": data.reading_rows.shape[1:], "reading_target": told, "reading_mean": told,
        "reading_noise": data.reading.shape, "reading_left": data.reading.shape,
        "reading_inverse": (told[0], padded(told[0])), "reading_row": data.reading_rows.shape,
        "level": (geos, read), "level_bar": (geos, channels, read), "level_left": (read,),
        "left_bar": (read,), "level_gain": (channels,), "level_mean": (channels,),
        "level_sum": (channels,),
        "lag_weights": (4, channels * lags), "series": (3, periods), "means": (channels, 2),
        "with_rows": (dynamic, rows), "within": (dynamic, dynamic),
        "weights": (dynamic, rows + dynamic),
        "cross": (blocks, size * shared * LANES), "solved": (blocks, size * shared * LANES),
        "own_target": (blocks, size * LANES), "own_mean": (blocks, size * LANES),
        "shared_target": (blocks, shared * LANES),
        "geo_gram": (blocks, shared * shared * LANES), "inverse": square, "root": square,
        "schur_inverse": (shared, padded(shared)), "schur_root": (shared, shared),
        "exposure": path, "logs": path, "now": path, "stock": path,
        "dynamic": (geos, dynamic, periods), "dynamic_bar": (geos, dynamic, periods),
        "trial_seen": tests, "trial_spread": tests, "trial_caused": arms,
        "trial_mean": (channels, 2), "trial_walk": (len(data.drifting), len(data.drift)),
        "trial_now": tried, "trial_level": tried,
        **dict.fromkeys(ALONG_TRIALS, data.trial_change.shape),
    }  # fmt: skip


class Pool:
    """`slots` sets of work arrays in one block of memory, and the header that says where all is.

    Keeps `data` alive; `work` are the arrays of the first slot. While `header[VALUE_ONLY]` is
    set, evaluations leave the gradient out.
    """

    def __init__(self, data: Data, lags: int, pooled: bool, slots: int = 1) -> None:
        shapes = work_shapes(data, lags, pooled)
        geos, channels, _ = data.media.shape
        sizes = {name: -(-math.prod(shape) // 8) * 8 for name, shape in shapes.items()}
        stride = sum(sizes.values()) + 8
        self.data, self.flags = data, np.zeros(slots, dtype=np.int64)
        self.block = np.zeros(stride * slots)
        arrays, start = {}, 0
        for name, shape in shapes.items():
            arrays[name] = self.block[start : start + math.prod(shape)].reshape(shape)
            start += sizes[name]
        columns = channels * COLUMNS
        for name, cells in (("", arrays["cells"]), ("_bar", arrays["cells_bar"])):
            arrays[f"table{name}"] = cells[:columns].reshape(channels, COLUMNS)
            arrays[f"sigma{name}"] = cells[columns : columns + geos]
        self.work = Work(**arrays)
        meta = [lags, int(pooled), slots, 8 * stride, self.flags.ctypes.data, 0, 0, 0, 0]
        entries = [entry for array in (*data, *self.work) for entry in _entry(array)]
        self.header = np.array(meta + entries, dtype=np.int64)


def _entry(array: np.ndarray) -> list[int]:
    shape = [*array.shape, 1, 1][:3]
    return [array.ctypes.data, *shape]


_LONG = ir.IntType(64)


class FrameType(types.Type):
    """The compiled form of `Data` and `Work`: a header's address and the slot's shift in bytes.

    An attribute is an array made on the spot from the header, so handing a frame on costs two
    numbers however many arrays it has.
    """

    def __init__(self) -> None:
        super().__init__("Frame")


FRAME = FrameType()


def _array_type(name: str) -> types.Array:
    extents = (
        3 if name in (*CUBES, *WORK_CUBES) else 2 if name in (*MATRICES, *WORK_MATRICES) else 1
    )
    return types.Array(types.int64 if name in INTEGERS else types.float64, extents, "C")


@register_model(FrameType)
class FrameModel(models.StructModel):
    """Two integers."""

    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, [("header", types.int64), ("shift", types.int64)])


@infer_getattr
class FrameAttributes(AttributeTemplate):
    """The type of a frame's fields."""

    key = FrameType

    def generic_resolve(self, _frame, name):
        return _array_type(name) if name in FIELDS else None


@lower_getattr_generic(FrameType)
def frame_field(context, builder, kind, value, name):
    """The array of a field, from its entry in the header."""
    frame = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    start = len(META) + ENTRY * FIELDS.index(name)
    place = builder.inttoptr(frame.header, _LONG.as_pointer())

    def read(offset):
        address = builder.gep(place, [ir.Constant(_LONG, start + offset)])
        return builder.load(address, typ=_LONG)

    array_type = _array_type(name)
    address = read(0)
    if name in Work._fields:
        address = builder.add(address, frame.shift)
    shape = [read(1 + axis) for axis in range(array_type.ndim)]
    strides, step = [], ir.Constant(_LONG, 8)
    for extent in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, extent)
    array = context.make_array(array_type)(context, builder)
    populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=shape,
        strides=strides,
        itemsize=ir.Constant(_LONG, 8),
        meminfo=None,
    )
    return array._getvalue()


@intrinsic
def frame_at(_typing, header, shift):
    """The frame of a header (its address), `shift` bytes into the pool."""

    def generate(context, builder, signature, arguments):
        frame = cgutils.create_struct_proxy(FRAME)(context, builder)
        frame.header, frame.shift = arguments
        return frame._getvalue()

    return FRAME(types.int64, types.int64), generate


@intrinsic
def meta_of(_typing, header, at):
    """Entry `at` of the header at an address."""

    def generate(_context, builder, _signature, arguments):
        place = builder.inttoptr(arguments[0], _LONG.as_pointer())
        return builder.load(builder.gep(place, [arguments[1]]), typ=_LONG)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def address_of(_typing, pointer):
    """The address a C pointer holds."""

    def generate(_context, builder, _signature, arguments):
        return builder.ptrtoint(arguments[0], _LONG)

    return types.int64(pointer), generate


@intrinsic
def pointer_to(_typing, array):
    """The C pointer to an array's first number."""

    def generate(context, builder, signature, arguments):
        kind = signature.args[0]
        return context.make_array(kind)(context, builder, arguments[0]).data

    return types.CPointer(types.double)(array), generate


@intrinsic
def try_claim(_typing, address):
    """Sets the flag at `address` from 0 to 1; False where another thread holds it."""

    def generate(_context, builder, _signature, arguments):
        place = builder.inttoptr(arguments[0], _LONG.as_pointer())
        swapped = builder.cmpxchg(
            place, ir.Constant(_LONG, 0), ir.Constant(_LONG, 1), "acquire", "monotonic"
        )
        return builder.extract_value(swapped, 1)

    return types.boolean(address), generate


@intrinsic
def release(_typing, address):
    """Sets the flag at `address` back to 0."""

    def generate(context, builder, _signature, arguments):
        place = builder.inttoptr(arguments[0], _LONG.as_pointer())
        builder.store_atomic(ir.Constant(_LONG, 0), place, "release", 8)
        return context.get_dummy_value()

    return types.void(address), generate


@njit(**OPTIONS)
def claim(header):
    """The number of a free slot, waiting for one if need be."""
    slot = 0
    while not try_claim(meta_of(header, FLAGS) + 8 * slot):
        slot = (slot + 1) % meta_of(header, SLOTS)
    return slot
