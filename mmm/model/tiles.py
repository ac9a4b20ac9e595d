"""Mixtures of rows along time, a tile of the result at a time.

A tile of four rows of the result stays in vector registers while every row it is mixed from goes
by once: four multiplications for every number loaded, which is what keeps the multipliers and
not the memory busy (Goto and van de Geijn, 2008).
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from mmm.model.lanes import LANES, VECTOR, spread_out
from mmm.model.vector import OPTIONS

HEIGHT, WIDTH = 4, LANES
"""Rows of a tile, and numbers in a vector."""
_FREE = ("contract",)


def _matrix(context, builder, kind, array):
    """Address of the first number of a contiguous matrix, and the length of its rows."""
    view = context.make_array(kind)(context, builder, array)
    return view.data, cgutils.unpack_tuple(builder, view.shape)[1]


def _vector(builder, data, index):
    return builder.bitcast(builder.gep(data, [index]), VECTOR.as_pointer())


def _tile(vectors):
    """What lowers a tile of HEIGHT rows and `vectors` times WIDTH periods."""

    def generate(context, builder, signature, args):
        weights, width = _matrix(context, builder, signature.args[0], args[0])
        rows, periods = _matrix(context, builder, signature.args[2], args[2])
        out, length = _matrix(context, builder, signature.args[3], args[3])
        first, count, start, top, bottom = args[1], args[4], args[5], args[6], args[7]
        lines, totals, places = [], [], []
        for step in range(HEIGHT):
            line = builder.add(top, ir.Constant(top.type, step))
            below = builder.icmp_signed("<", line, bottom)
            lines.append(builder.select(below, line, bottom))
            for part in range(vectors):
                at = builder.add(builder.mul(lines[-1], length), start)
                at = builder.add(at, ir.Constant(at.type, part * WIDTH))
                place = _vector(builder, out, at)
                total = cgutils.alloca_once(builder, VECTOR)
                builder.store(builder.load(place, align=8, typ=VECTOR), total)
                totals.append(total)
                places.append(place)
        with cgutils.for_range(builder, count) as loop:
            at = builder.add(builder.mul(loop.index, periods), start)
            mixed = [
                builder.load(
                    _vector(builder, rows, builder.add(at, ir.Constant(at.type, part * WIDTH))),
                    align=8,
                    typ=VECTOR,
                )
                for part in range(vectors)
            ]
            for step, line in enumerate(lines):
                at = builder.add(builder.mul(line, width), builder.add(first, loop.index))
                weight = spread_out(builder, builder.load(builder.gep(weights, [at])))
                for part, row in enumerate(mixed):
                    total = totals[step * vectors + part]
                    product = builder.fmul(weight, row, flags=_FREE)
                    builder.store(builder.fadd(builder.load(total), product, flags=_FREE), total)
        for place, total in zip(places, totals, strict=True):
            builder.store(builder.load(total), place, align=8)
        return context.get_dummy_value()

    return generate


@intrinsic
def _wide_tile(_typing, weights, first, rows, out, count, start, top, bottom):
    """out[top : top + HEIGHT, start : start + 2 WIDTH] += weights[:, first:] rows, rows of the
    result past `bottom` being that one again."""
    return types.void(weights, first, rows, out, count, start, top, bottom), _tile(2)


@intrinsic
def _slim_tile(_typing, weights, first, rows, out, count, start, top, bottom):
    """The same for WIDTH periods."""
    return types.void(weights, first, rows, out, count, start, top, bottom), _tile(1)


@njit(**OPTIONS)
def add_mixture(weights, first, rows, out):
    """out += weights[:, first : first + m] rows, for rows (m, T) along time and out (c, T); all
    contiguous."""
    count, periods, bottom = rows.shape[0], rows.shape[1], out.shape[0] - 1
    for top in range(0, out.shape[0], HEIGHT):
        t = 0
        while t + 2 * WIDTH <= periods and bottom > 0:
            _wide_tile(weights, first, rows, out, count, t, top, bottom)
            t += 2 * WIDTH
        if t + WIDTH <= periods and bottom > 0:
            _slim_tile(weights, first, rows, out, count, t, top, bottom)
            t += WIDTH
        for c in range(top, min(top + HEIGHT, bottom + 1)):
            for m in range(count):
                weight = weights[c, first + m]
                for x in range(t, periods):
                    out[c, x] += weight * rows[m, x]
