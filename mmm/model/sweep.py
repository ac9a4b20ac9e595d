"""The inverse of one positive definite matrix, a vector of a row at a time.

Gauss-Jordan elimination in place: n steps, each the same vector operation on every row, which
keeps vector units busy where a triangular factor has rows of every length. Without pivoting it
is as accurate as a Cholesky factor for positive definite matrices (Higham, 2002, "Accuracy and
Stability of Numerical Algorithms", section 14.4). Rows are padded to whole vectors.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from mmm.model.lanes import LANES, VECTOR, element, load, spread_out
from mmm.model.vector import OPTIONS

_PLACES = ir.VectorType(ir.IntType(64), LANES)
_FREE = ("contract",)


def padded(size: int) -> int:
    """Length of a row of `size` numbers in whole vectors."""
    return -(-size // LANES) * LANES


def _with(builder, vector, place, number):
    """`vector` with `number` at `place`, where that is within it. Numbers stored singly would hold
    up the next load of the whole."""
    lanes = ir.Constant(_PLACES, [ir.Constant(ir.IntType(64), lane) for lane in range(LANES)])
    one = builder.insert_element(ir.Constant(_PLACES, ir.Undefined), place, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    same = builder.shuffle_vector(one, ir.Constant(_PLACES, ir.Undefined), zeros)
    there = builder.icmp_signed("==", lanes, same)
    return builder.select(there, ir.Constant(VECTOR, [number] * LANES), vector)


@intrinsic
def _scale_row(_typing, out, i, place, scale):
    """out[i:] = scale * out[i:], taken to be 1 at `place`; one vector."""

    def generate(context, builder, signature, args):
        target = element(context, builder, signature.args[0], args[0], args[1])
        row = _with(builder, load(builder, target), args[2], 1.0)
        builder.store(builder.fmul(row, spread_out(builder, args[3])), target, align=8)
        return context.get_dummy_value()

    return types.void(out, i, place, scale), generate


@intrinsic
def _take_off(_typing, out, i, j, place, times):
    """out[i:] -= times * out[j:], out[i:] taken to be 0 at `place`; one vector."""

    def generate(context, builder, signature, args):
        kind, array = signature.args[0], args[0]
        target = element(context, builder, kind, array, args[1])
        row = _with(builder, load(builder, target), args[3], 0.0)
        by = load(builder, element(context, builder, kind, array, args[2]))
        product = builder.fmul(by, spread_out(builder, args[4]), flags=_FREE)
        builder.store(builder.fsub(row, product, flags=_FREE), target, align=8)
        return context.get_dummy_value()

    return types.void(out, i, j, place, times), generate


@njit(**OPTIONS)
def invert_spd(n, matrix):
    """Turns the lower triangle of `matrix` (n, padded) into the whole inverse, in place; returns
    the half log-determinant, or NaN where it is not positive definite."""
    width = matrix.shape[1]
    for p in range(n):
        for q in range(p):
            matrix[q, p] = matrix[p, q]
    log_det, product = 0.0, 1.0
    for k in range(n):
        pivot, at = matrix[k, k], k * width
        if not pivot > 0.0:
            return np.nan
        product *= pivot
        if product > 1e200 or product < 1e-200:
            log_det += math.log(product)
            product = 1.0
        for j in range(0, width, LANES):
            _scale_row(matrix, at + j, k - j, 1.0 / pivot)
        for i in range(n):
            if i != k:
                times = matrix[i, k]
                for j in range(0, width, LANES):
                    _take_off(matrix, i * width + j, at + j, k - j, times)
    return 0.5 * (log_det + math.log(product))
