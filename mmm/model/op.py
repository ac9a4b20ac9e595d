"""The compiled likelihood as PyTensor operations, with their gradients.

Both give the log-likelihood, every linear coefficient integrated out, and its gradient in one
call of cached kernels; only the first output may be differentiated. They run under PyTensor's
default mode and its numba backend (nutpie), and under JAX once `mmm.model.jax_form` is imported.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType, grad_not_implemented
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import numba_funcify, numba_njit

from mmm.model import stages
from mmm.model.density import build_density
from mmm.model.design import Design
from mmm.model.spec import ModelSpec
from mmm.model.views import Pool


class _Likelihood(Op):
    """An operation on the memory of one model; equal to itself alone."""

    used: tuple[int, ...] = ()

    def __init__(self, spec: ModelSpec, design: Design) -> None:
        self.spec, self.design = spec, design
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """Memory for as many evaluations at once as there are cores, made on first use."""
        if self._pool is None:
            density = build_density(self.spec, self.design)
            self._pool = density.workspace(os.cpu_count() or 1)
        return self._pool

    @property
    def places(self) -> tuple[np.ndarray, int]:
        """Addresses of the stages it uses and of the pool's header."""
        return stages.addresses(*self.used), self.pool.header.ctypes.data

    def __getstate__(self) -> dict[str, Any]:
        # addresses mean nothing to another process
        return self.__dict__ | {"_pool": None}

    def pullback(
        self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]
    ) -> list[Any]:
        """The outputs after the first, times the first's cotangent."""
        if any(not isinstance(bar.type, DisconnectedType) for bar in cotangents[1:]):
            return [grad_not_implemented(self, i, x) for i, x in enumerate(inputs)]
        return [cotangents[0] * slope for slope in outputs[1:]]


class FusedLikelihood(_Likelihood):
    """Curves and collapsed likelihood from the flat parameter cells of `mmm.model.density`:
    cells (n,) -> log-likelihood, its gradient (n,)."""

    used = (stages.PATHS, stages.EFFECTS, stages.COLLAPSED, stages.BACK)

    def make_node(self, cells: Any) -> Apply:
        cells = pt.as_tensor_variable(cells, dtype="float64")
        return Apply(self, [cells], [pt.dscalar(), cells.type()])

    def perform(self, _node: Apply, inputs: Sequence[Any], outputs: Any) -> None:
        cells = np.ascontiguousarray(inputs[0])
        gradient = np.empty(len(cells))
        value = stages.window(*self.places, cells, gradient)
        outputs[0][0], outputs[1][0] = np.asarray(value), gradient


class CollapsedLikelihood(_Likelihood):
    """The collapsed likelihood from effects and scales: effect (G, C, T) before deviations and
    drift, spread (C,) of geos (empty where they do not pool), drift sd of each drifting channel,
    sigma (G,), own_sd (K0,), shared_sd (P,) -> log-likelihood, its gradient by each."""

    used = (stages.COLLAPSED,)

    def make_node(self, *inputs: Any) -> Apply:
        tensors = [pt.as_tensor_variable(x, dtype="float64") for x in inputs]
        return Apply(self, tensors, [pt.dscalar(), *(tensor.type() for tensor in tensors)])

    def perform(self, _node: Apply, inputs: Sequence[Any], outputs: Any) -> None:
        arrays = [np.ascontiguousarray(x) for x in inputs]
        slopes = [np.empty(array.shape) for array in arrays]
        value = stages.likelihood(*self.places, *arrays, *slopes)
        for place, result in zip(outputs, [np.asarray(value), *slopes], strict=True):
            place[0] = result


@numba_funcify.register(FusedLikelihood)
def _numba_fused(op: FusedLikelihood, **_: Any) -> Any:
    used, header = op.places
    window = stages.window

    @numba_njit
    def fused(cells):
        flat = np.ascontiguousarray(cells)
        gradient = np.empty(flat.shape[0])
        value = window(used, header, flat, gradient)
        return np.asarray(value), gradient

    fused.pool = op.pool  # its memory lives as long as the function
    return fused


@numba_funcify.register(CollapsedLikelihood)
def _numba_collapsed(op: CollapsedLikelihood, **_: Any) -> Any:
    used, header = op.places
    likelihood = stages.likelihood

    whole = np.ascontiguousarray

    @numba_njit
    def collapsed(effect, spread, drift, sigma, own_sd, shared_sd):
        bars = (
            np.empty(effect.shape),
            np.empty(spread.shape),
            np.empty(drift.shape),
            np.empty(sigma.shape),
            np.empty(own_sd.shape),
            np.empty(shared_sd.shape),
        )
        value = likelihood(
            used, header, whole(effect), whole(spread), whole(drift), whole(sigma),
            whole(own_sd), whole(shared_sd), *bars,
        )  # fmt: skip
        return (np.asarray(value), *bars)

    collapsed.pool = op.pool  # its memory lives as long as the function
    return collapsed
