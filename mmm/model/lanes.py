"""Small dense matrices of eight geos at once.

Every geo has a block of the same size, too small to keep vector units busy alone. Element (i, j)
of eight matrices lies side by side, so each scalar step of an algorithm is one vector step for
eight geos. Arrays are flat: element (i, j) of an (n, m) matrix starts at (i * m + j) * LANES.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from mmm.model.vector import OPTIONS

LANES = 8
VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FREE = ("contract",)


def spread_out(builder, number):
    """A vector of `number`, LANES times."""
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), zeros)


def element(context, builder, kind, array, index):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), VECTOR.as_pointer())


def load(builder, pointer):
    return builder.load(pointer, align=8, typ=VECTOR)


def _store_product(combine):
    """What lowers `out[i:] = combine(out[i:], a[j:] * b[k:])`, one vector of LANES numbers."""

    def generate(context, builder, signature, args):
        kinds = signature.args
        target = element(context, builder, kinds[0], args[0], args[1])
        first = load(builder, element(context, builder, kinds[2], args[2], args[3]))
        second = load(builder, element(context, builder, kinds[4], args[4], args[5]))
        product = builder.fmul(first, second, flags=_FREE)
        total = getattr(builder, combine)(load(builder, target), product, flags=_FREE)
        builder.store(total, target, align=8)
        return context.get_dummy_value()

    return generate


@intrinsic
def add_product(_typing, out, i, a, j, b, k):
    """out[i:] += a[j:] * b[k:], one vector of LANES numbers."""
    return types.void(out, i, a, j, b, k), _store_product("fadd")


@intrinsic
def subtract_product(_typing, out, i, a, j, b, k):
    """out[i:] -= a[j:] * b[k:], one vector of LANES numbers."""
    return types.void(out, i, a, j, b, k), _store_product("fsub")


@intrinsic
def add_scaled(_typing, out, i, a, j, scalar):
    """out[i:] += scalar * a[j:], one vector of LANES numbers."""

    def generate(context, builder, signature, args):
        kinds = signature.args
        target = element(context, builder, kinds[0], args[0], args[1])
        vector = load(builder, element(context, builder, kinds[2], args[2], args[3]))
        product = builder.fmul(vector, spread_out(builder, args[4]), flags=_FREE)
        total = builder.fadd(load(builder, target), product, flags=_FREE)
        builder.store(total, target, align=8)
        return context.get_dummy_value()

    return types.void(out, i, a, j, scalar), generate


@njit(**OPTIONS)
def factor(n, system, root, inverse, pivot):
    """Cholesky factors in place of `system`'s lower triangle, their inverses into `root` and
    the inverses of the systems into `inverse` (both triangles); all (n * n * LANES).

    Returns the half log-determinants of all lanes, added up; NaN where one is not positive
    definite. `pivot` (LANES,) is spoilt.
    """
    log_det, product = 0.0, 1.0
    for k in range(n):
        at = (k * n + k) * LANES
        for lane in range(LANES):
            if not system[at + lane] > 0.0:
                return np.nan
            diagonal = math.sqrt(system[at + lane])
            system[at + lane] = diagonal
            pivot[lane] = 1.0 / diagonal
            product *= diagonal
        if product > 1e100 or product < 1e-100:
            log_det += math.log(product)
            product = 1.0
        for lane in range(LANES):
            root[at + lane] = pivot[lane]
        for i in range(k + 1, n):
            for lane in range(LANES):
                system[(i * n + k) * LANES + lane] *= pivot[lane]
        for i in range(k + 1, n):
            for j in range(k + 1, i + 1):
                subtract_product(
                    system, (i * n + j) * LANES,
                    system, (i * n + k) * LANES,
                    system, (j * n + k) * LANES,
                )  # fmt: skip
    for i in range(n):
        row = i * n * LANES
        for x in range(row, row + i * LANES):
            root[x] = 0.0
        for k in range(i):
            for j in range(k + 1):
                subtract_product(
                    root, row + j * LANES, system, row + k * LANES, root, (k * n + j) * LANES
                )
        for j in range(i):
            for lane in range(LANES):
                root[row + j * LANES + lane] *= root[row + i * LANES + lane]
    for x in range(n * n * LANES):
        inverse[x] = 0.0
    for k in range(n):
        for i in range(k + 1):
            for j in range(i + 1):
                add_product(
                    inverse, (i * n + j) * LANES,
                    root, (k * n + i) * LANES,
                    root, (k * n + j) * LANES,
                )  # fmt: skip
    for i in range(n):
        for j in range(i):
            for lane in range(LANES):
                inverse[(j * n + i) * LANES + lane] = inverse[(i * n + j) * LANES + lane]
    return log_det + math.log(product)


@njit(**OPTIONS)
def multiply(n, inner, m, left, right, out):
    """out (n, m) = left (n, inner) right (inner, m), lane by lane."""
    for x in range(n * m * LANES):
        out[x] = 0.0
    for i in range(n):
        for k in range(inner):
            for j in range(m):
                add_product(
                    out, (i * m + j) * LANES,
                    left, (i * inner + k) * LANES,
                    right, (k * m + j) * LANES,
                )  # fmt: skip
