"""What the likelihood adds to the expected outcome."""

from __future__ import annotations

import numpy as np

from mmm.results.regression import Response


def with_noise(
    response: Response, geo: int, expected: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """`expected` (D, T) with noise as the likelihood has it: sigma times a standard normal, or a
    Student-t with each draw's degrees of freedom; on the log scale where effects multiply."""
    if response.density.spec.likelihood == "student_t":
        noise = rng.standard_t(response.nu[:, None], expected.shape)
    else:
        noise = rng.standard_normal(expected.shape)
    spread = response.sigma[:, geo, None]
    if response.multiplicative:
        return expected * np.exp(spread * noise - 0.5 * spread**2)
    return expected + response.level[geo] * spread * noise


def noisy_total(response: Response, expected: np.ndarray, *, stream: int) -> np.ndarray:
    """`expected` (D, G, H) with noise, the geos of `response` together, (D, H). `stream` keeps the
    noise of different uses apart; each geo has its own."""
    total = np.zeros((response.draws, expected.shape[2]))
    for g, place in enumerate(response.places):
        rng = np.random.default_rng([response.fit.study.inference.seed, stream, place])
        total += with_noise(response, g, expected[:, g], rng)
    return total


def noise_of_total(response: Response, expected: np.ndarray) -> np.ndarray:
    """Standard deviation (D,) of the noise of an outcome summed over geos and periods.

    `expected` (D, G, H). Student-t noise is Gaussian with a variance of its own in every period,
    which is drawn; where effects multiply, noise is that of many log-normal parts, each in
    proportion to its expectation, whose sum is taken as Gaussian.
    """
    draws, geos, periods = expected.shape
    if response.multiplicative:
        return np.sqrt(np.einsum("dgt,dg->d", expected**2, np.expm1(response.sigma**2)))
    spread = (response.sigma * response.level) ** 2
    if response.density.spec.likelihood != "student_t":
        return np.sqrt(periods * spread.sum(axis=1))
    rng = np.random.default_rng([response.fit.study.inference.seed, 8])
    nu = response.nu[:, None, None]
    mixed = nu / rng.chisquare(np.broadcast_to(nu, (draws, geos, periods)))
    return np.sqrt(np.einsum("dg,dgt->d", spread, mixed))
