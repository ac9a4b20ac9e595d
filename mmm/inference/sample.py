"""NUTS on the compiled log-density, through nutpie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import nutpie
import xarray as xr
from nutpie.compiled_pyfunc import from_pyfunc

from mmm.config import Inference
from mmm.model.density import Density

Progress = Callable[[Sequence[nutpie.ChainProgress]], None]


class ImpossiblePointError(ValueError):
    """The density is not finite here; the sampler rejects the step and goes on."""

    is_recoverable = True


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
    size = density.layout.size

    def make_logp() -> Callable[..., tuple[float, np.ndarray]]:
        work = density.workspace()

        def logp(q: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = density.value_and_gradient(q, work)
            if not np.isfinite(value) or not np.all(np.isfinite(gradient)):
                raise ImpossiblePointError("the log-density is not finite at this point")
            return value, gradient

        return logp

    def make_expand(_seed1: int, _seed2: int, _chain: int) -> Callable[..., dict[str, np.ndarray]]:
        return lambda q: {"q": q.copy()}

    compiled = from_pyfunc(
        size,
        make_logp,
        make_expand,
        [np.dtype("float64")],
        [(size,)],
        ["q"],
        make_initial_point_fn=starting_points(density),
    )
    tree = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        save_warmup=False,
        progress_bar=False,
        progress_callback=progress,
        progress_rate=200,
    )
    return Draws(tree["posterior"]["q"].values, tree["sample_stats"].to_dataset())
