"""NUTS on the compiled log-density, through nutpie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import nutpie
import pandas as pd
import pyarrow as pa
import xarray as xr
from nutpie.compile_pymc import CompiledPyMCModel

from mmm.config import Inference
from mmm.inference.blas import one_blas_thread
from mmm.inference.python_chains import python_model
from mmm.inference.whiten import Whitened, starting_point, whiten
from mmm.model import kernel
from mmm.model.coordinates import log_volume
from mmm.model.density import Density
from mmm.model.spec import ModelSpec
from mmm.model.terms import branded
from mmm.model.views import Pool

Progress = Callable[[Sequence[nutpie.ChainProgress]], None]
Start = Callable[[int], np.ndarray]

DEEPEST_TREE = 7
"""127 steps: two to four times what settled chains take. Before the mass matrix has settled,
trees of 1023 steps were half of all gradients of a fit (`benchmarks/geometry`)."""
ACCEPTANCE, BRAND_ACCEPTANCE = 0.92, 0.98
WARM_UP, BRAND_WARM_UP, LONG_WARM_UP = 100, 200, 300
"""In whitened coordinates little is left to learn: R-hat of no parameter was above 1.01 in 53 fits
of three sizes, with 100 as with 200. Where brand stocks are fitted it was in one fit of twelve
with 100. The longest is for no whitening and for Student-t noise, whose coefficients are sampled:
there all of the shape is to be learned (`benchmarks/geometry`)."""
KEPT_STATISTICS = ("diverging", "energy", "n_steps", "step_size", "logp")


@dataclass(frozen=True, slots=True)
class Draws:
    """What the sampler returned: `unconstrained` (chains, draws, size) and its statistics."""

    unconstrained: np.ndarray
    statistics: xr.Dataset


def compiled_model(size: int, start: Start, pool: Pool) -> CompiledPyMCModel:
    """The compiled log-density as a model nutpie can sample, called without the interpreter.

    `pool` is where it works, in whose coordinates `start` (seed -> point) is; it must outlive
    the sampling.
    """
    names = pd.RangeIndex(size)
    return CompiledPyMCModel(
        _n_dim=size,
        dims={"q": ("scalar",)},
        _coords={"scalar": names, "unconstrained_parameter": names},
        _shapes={"q": (size,)},
        compiled_logp_func=kernel.logp(),
        compiled_expand_func=kernel.expand(),
        initial_point_func=start,
        shared_data={},
        shared_var_keys={},
        user_data=pool.header,
        n_expanded=size,
        shape_info=(["q"], [slice(0, size)], [(size,)]),
        logp_func=None,
        expand_func=None,
        reparameterized_names=[],
    )


def statistics_dataset(values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """What is kept of a sampler's statistics, each (chains, draws)."""
    one = values[KEPT_STATISTICS[0]]
    coords = {"chain": np.arange(one.shape[0]), "draw": np.arange(one.shape[1])}
    kept = {name: (("chain", "draw"), np.asarray(values[name])) for name in KEPT_STATISTICS}
    return xr.Dataset(kept, coords)


def _finish(running: Any) -> Any:
    """Waits for the chains. An interrupt stops them and stays an interrupt: nutpie's blocking
    call would return the draws made so far as if they were all."""
    try:
        return running.wait()
    except KeyboardInterrupt:
        running.cancel()
        raise


def _read(trace: Any, settings: Inference) -> tuple[np.ndarray, xr.Dataset]:
    """Draws (chains, draws, size) and statistics of nutpie's tables, one a chain, without the
    warm-up at their beginning. Making an ArviZ tree of all they hold took longer than results."""
    points, statistics = trace.get_arrow_trace()

    def column(tables: Any, name: str) -> np.ndarray:
        columns = [pa.array(table.column(name)) for table in tables]
        if isinstance(columns[0], pa.LargeListArray):
            columns = [one.flatten() for one in columns]
        values = np.stack([one.to_numpy(zero_copy_only=False) for one in columns])
        return values.reshape(len(columns), tables[0].num_rows, -1)[:, settings.tune :]

    kept = {name: column(statistics, name)[..., 0] for name in KEPT_STATISTICS}
    return column(points, "q"), statistics_dataset(kept)


def drawn(points: np.ndarray, statistics: xr.Dataset, found: Whitened | None) -> Draws:
    """The sampler's `points` (chains, draws, size) and log-densities, out of the coordinates
    `found` into those of the density."""
    if found is None:
        return Draws(points, statistics)
    unconstrained = found.points(points)
    logp = statistics["logp"] - log_volume(found.coordinates.bends, unconstrained)
    return Draws(unconstrained, statistics.assign(logp=logp))


def settled(settings: Inference, spec: ModelSpec, *, whitened: bool) -> Inference:
    """`settings` with the warm-up and the target acceptance that stay clear of divergences at
    the least cost (`benchmarks/geometry`), where they are left out: brand stocks need shorter
    steps. `whitened`: whether chains move in whitened coordinates."""
    brand = any(branded(spec))
    accept = BRAND_ACCEPTANCE if brand else ACCEPTANCE
    tune = BRAND_WARM_UP if brand else WARM_UP
    if not whitened or spec.likelihood == "student_t":
        tune = LONG_WARM_UP
    needed = {"tune": settings.tune or tune, "target_accept": settings.target_accept or accept}
    return settings.model_copy(update=needed)


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
    with one_blas_thread():  # chains are the parallel unit; BLAS threads would only compete
        return _sampled(density, settings, cores, progress)


def _sampled(
    density: Density, settings: Inference, cores: int | None, progress: Progress | None
) -> Draws:
    found = whiten(density, settings, cores)
    settings = settled(settings, density.spec, whitened=found is not None)
    start = found.start if found else partial(starting_point, density)
    if density.written:
        compiled = python_model(density, found, start)
    else:
        pool = density.workspace(settings.chains, found.coordinates if found else None)
        compiled = compiled_model(density.size, start, pool)  # the pool outlives the chains
    running = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        # curve parameters of a channel are correlated
        adaptation="diag" if found else "low_rank",
        maxdepth=DEEPEST_TREE,
        save_warmup=False,
        progress_bar=False,
        progress_callback=progress,
        progress_rate=200,
        blocking=False,
        return_raw_trace=True,
    )
    trace = _finish(running)
    points, statistics = _read(trace, settings)
    return drawn(points, statistics, found)
