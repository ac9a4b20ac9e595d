"""NUTS on the compiled log-density, through nutpie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import nutpie
import pandas as pd
import xarray as xr
from nutpie.compile_pymc import CompiledPyMCModel
from threadpoolctl import threadpool_limits

from mmm.config import Inference
from mmm.inference.python_chains import python_model
from mmm.model import kernel
from mmm.model.density import Density
from mmm.model.views import Pool

Progress = Callable[[Sequence[nutpie.ChainProgress]], None]

DEEPEST_TREE = 7
"""127 steps: two to four times what settled chains take. Before the mass matrix has settled,
trees of 1023 steps were half of all gradients of a fit (`benchmarks/geometry`)."""


@dataclass(frozen=True, slots=True)
class Draws:
    """What the sampler returned: `unconstrained` (chains, draws, size) and its statistics."""

    unconstrained: np.ndarray
    statistics: xr.Dataset


def starting_points(density: Density) -> Callable[[int], np.ndarray]:
    """Starts scattered around the prior's centre, half a prior standard deviation wide."""
    centre, width = density.centre(), 0.5 * density.width()

    def start(seed: int) -> np.ndarray:
        return np.random.default_rng(seed).normal(centre, width)

    return start


def compiled_model(density: Density, pool: Pool) -> CompiledPyMCModel:
    """The compiled log-density as a model nutpie can sample, called without the interpreter.

    `pool` is where it works; it must outlive the sampling.
    """
    size = density.size
    names = pd.RangeIndex(size)
    return CompiledPyMCModel(
        _n_dim=size,
        dims={"q": ("scalar",)},
        _coords={"scalar": names, "unconstrained_parameter": names},
        _shapes={"q": (size,)},
        compiled_logp_func=kernel.logp(),
        compiled_expand_func=kernel.expand(),
        initial_point_func=starting_points(density),
        shared_data={},
        shared_var_keys={},
        user_data=pool.header,
        n_expanded=size,
        shape_info=(["q"], [slice(0, size)], [(size,)]),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )


def _finish(running: Any) -> xr.DataTree:
    """Waits for the chains. An interrupt stops them and stays an interrupt: nutpie's blocking
    call would return the draws made so far as if they were all."""
    try:
        return running.wait()
    except KeyboardInterrupt:
        running.cancel()
        raise


def sample(
    density: Density,
    settings: Inference,
    *,
    cores: int | None = None,
    progress: Progress | None = None,
) -> Draws:
    """Draws from the posterior of the sampled scalars; same inputs and seed, same draws.

    Interrupting (Ctrl-C) stops the chains and raises KeyboardInterrupt.
    """
    if density.written:
        compiled = python_model(density, starting_points(density))
    else:
        pool = density.workspace(settings.chains)  # alive until the chains are done
        compiled = compiled_model(density, pool)
    with threadpool_limits(1):  # chains are the parallel unit; BLAS threads would only compete
        running = nutpie.sample(
            compiled,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=cores,
            seed=settings.seed,
            target_accept=settings.target_accept,
            adaptation="low_rank",  # curve parameters of a channel are correlated
            maxdepth=DEEPEST_TREE,
            save_warmup=False,
            progress_bar=False,
            progress_callback=progress,
            progress_rate=200,
            blocking=False,
        )
        tree = _finish(running)
    posterior = tree["posterior"].to_dataset()
    return Draws(posterior["q"].values, tree["sample_stats"].to_dataset())
