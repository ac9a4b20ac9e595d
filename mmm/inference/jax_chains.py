"""NUTS on the log-density in JAX: all chains as one batch, on a GPU where JAX finds one.

    draws = sample_jax(fit.density(), study.inference)

`inference.sampler` in a study chooses `numpyro` or `blackjax`. They see the same log-density as
the compiled sampler and move in the same coordinates; on one CPU they are slower, and
with many geos and channels on an accelerator they are not.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from mmm.config import Inference
from mmm.errors import ModelError
from mmm.inference.sample import Draws, drawn, settled, statistics_dataset
from mmm.inference.whiten import Whitened, chain_seeds, starting_point, whiten
from mmm.model.density import Density


def sample_jax(density: Density, settings: Inference) -> Draws:
    """Draws from the posterior of the sampled point by the sampler `settings` names.

    Raises `ModelError` when JAX or the sampler is not installed, or for a transform of your
    own, which JAX does not know.
    """
    jax, form = _needed("jax", settings.sampler), _needed("mmm.model.jax_form", settings.sampler)
    logp = form.log_density(density.spec, density.design)
    settings = settled(settings, density.spec, whitened=False)
    found = whiten(density, settings)
    start = found.start if found else partial(starting_point, density)
    starts = jax.numpy.array([start(seed) for seed in chain_seeds(settings)])
    key = jax.random.key(settings.seed)
    run = _numpyro if settings.sampler == "numpyro" else _blackjax
    points, statistics = run(_placed(logp, found), starts, key, settings)
    points = np.asarray(points)
    return drawn(points, statistics_dataset(statistics), found)


def _placed(logp: Any, found: Whitened | None) -> Any:
    """`logp` in the coordinates that were found."""
    if found is None:
        return logp
    jnp, at = import_module("jax.numpy"), found.coordinates
    half, slope = at.bends.half, at.bends.slope

    def placed(z: Any) -> Any:
        u = at.mode + at.root @ z
        q = u.at[half].set(at.bends.about + u[half] / jnp.exp(u[slope]))
        q = q.at[at.bends.share].add(jnp.logaddexp(0.0, u[at.bends.split]))
        return logp(q) - u[slope].sum()

    return placed


def _needed(name: str, sampler: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModelError(
            f"inference.sampler: '{sampler}' needs the package '{error.name}', which is not "
            "installed. Install it with: pip install 'mmm[jax]'; or choose 'nutpie'."
        ) from error


def _numpyro(logp: Any, starts: Any, key: Any, settings: Inference) -> tuple[Any, dict[str, Any]]:
    infer = _needed("numpyro.infer", "numpyro")
    nuts = infer.NUTS(
        potential_fn=lambda q: -logp(q),
        dense_mass=True,  # curve parameters of a channel are correlated
        target_accept_prob=settings.target_accept,
    )
    chains = infer.MCMC(
        nuts,
        num_warmup=settings.tune,
        num_samples=settings.draws,
        num_chains=settings.chains,
        chain_method="vectorized",
        progress_bar=False,
    )
    fields = ("diverging", "energy", "num_steps", "adapt_state.step_size", "potential_energy")
    chains.run(key, init_params=starts, extra_fields=fields)
    seen = chains.get_extra_fields(group_by_chain=True)
    return chains.get_samples(group_by_chain=True), {
        "diverging": seen["diverging"],
        "energy": seen["energy"],
        "n_steps": seen["num_steps"],
        "step_size": seen["adapt_state.step_size"],
        "logp": -seen["potential_energy"],
    }


def _blackjax(logp: Any, starts: Any, key: Any, settings: Inference) -> tuple[Any, dict[str, Any]]:
    jax, blackjax = _needed("jax", "blackjax"), _needed("blackjax", "blackjax")

    def chain(key, start):
        warm, drawn = jax.random.split(key)
        adaptation = blackjax.window_adaptation(
            blackjax.nuts,
            logp,
            is_mass_matrix_diagonal=False,
            target_acceptance_rate=settings.target_accept,
        )
        (state, parameters), _ = adaptation.run(warm, start, settings.tune)
        step = blackjax.nuts(logp, **parameters).step

        def draw(state, key):
            state, info = step(key, state)
            return state, (state.position, state.logdensity, info)

        keys = jax.random.split(drawn, settings.draws)
        _, (points, values, info) = jax.lax.scan(draw, state, keys)
        return points, values, info, jax.numpy.full(settings.draws, parameters["step_size"])

    keys = jax.random.split(key, settings.chains)
    points, values, info, sizes = jax.jit(jax.vmap(chain))(keys, starts)
    return points, {
        "diverging": info.is_divergent,
        "energy": info.energy,
        "n_steps": info.num_integration_steps,
        "step_size": sizes,
        "logp": values,
    }
