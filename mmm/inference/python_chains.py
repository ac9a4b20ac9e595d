"""NUTS through nutpie on a log-density called in Python, for transforms of the user's own.

The interpreter runs between the compiled parts of such a density, so chains take turns there;
the compiled parts themselves run side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nutpie.compiled_pyfunc import PyFuncModel, from_pyfunc

from mmm.inference.whiten import Whitened
from mmm.model.density import Density

LogDensity = Callable[[np.ndarray], tuple[float, np.ndarray]]


class NotFiniteError(ValueError):
    """The log-density cannot be had here; the sampler counts a divergence and goes on."""

    is_recoverable = True


def python_model(
    density: Density, found: Whitened | None, start: Callable[[int], np.ndarray]
) -> PyFuncModel:
    """`density` as a model nutpie can sample, in the coordinates that were `found`, with starting
    points `start` (seed -> point).

    Every chain works in memory of its own. The draws are `q` (chains, draws, size).
    """

    def logp_of_chain() -> LogDensity:
        pool = density.workspace()

        def logp(z: np.ndarray) -> tuple[float, np.ndarray]:
            if found:
                value, gradient = density.moved(z, found.coordinates, pool)
            else:
                value, gradient = density.value_and_gradient(z, pool)
            if not (np.isfinite(value) and np.isfinite(gradient).all()):
                raise NotFiniteError(f"log-density {value} at {found.points(z) if found else z}")
            return value, gradient

        return logp

    def expand_of_chain(*_: int) -> Callable[[np.ndarray], dict[str, Any]]:
        return lambda q: {"q": q.copy()}

    return from_pyfunc(
        density.size,
        logp_of_chain,
        expand_of_chain,
        [np.dtype(np.float64)],
        [(density.size,)],
        ["q"],
        coords={"scalar": np.arange(density.size)},
        dims={"q": ("scalar",)},
        make_initial_point_fn=start,
    )
