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
