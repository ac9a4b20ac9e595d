"""The collapsed likelihood as a PyTensor graph; its compiled twin is in `mmm.model.collapse`.

Given the sampled scalars, the outcome of geo g is normal around the sum of its channel effects
with covariance sigma_g^2 I + Q_g'Q_g + W'W, where Q_g are the geo's own scaled rows and W_g
those that share coefficients with all geos. Woodbury, first in each geo and then for the
shared rows (Rasmussen and Williams, 2006, appendix A.3).
"""

from __future__ import annotations

import math

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.linalg import cholesky, solve_triangular
from pytensor.tensor.variable import TensorVariable

LOG_2PI = math.log(2.0 * math.pi)


def log_likelihood(
    residual: TensorVariable, own: TensorVariable, shared: TensorVariable, sigma: TensorVariable
) -> TensorVariable:
    """Log-density of `residual`, every coefficient integrated out; a scalar.

    residual (G, T); own (G, K, T) and shared (G, P, T) rows times the prior standard deviation
    of their coefficients; sigma (G,).
    """
    geos, periods = residual.type.shape
    noise = sigma[:, None]
    r = residual / noise
    w = shared / noise[:, :, None]
    q = own / noise[:, :, None]
    # whitened by the noise, the quadratic form and the determinant fall to I + QQ' and S
    lower = cholesky(np.eye(own.type.shape[1]) + q @ q.mT)
    to_outcome = _solve(lower, (q @ r[:, :, None]))[:, :, 0]
    to_shared = _solve(lower, q @ w.mT)
    schur = cholesky(np.eye(shared.type.shape[1]) + (w @ w.mT - to_shared.mT @ to_shared).sum(0))
    target = (w @ r[:, :, None])[:, :, 0] - (to_shared * to_outcome[:, :, None]).sum(1)
    explained = solve_triangular(schur, target.sum(0), lower=True, b_ndim=1)
    return (
        -0.5 * (r**2).sum()
        + 0.5 * (to_outcome**2).sum()
        + 0.5 * (explained**2).sum()
        - periods * pt.log(sigma).sum()
        - _log_diagonal(lower)
        - _log_diagonal(schur)
        - 0.5 * geos * periods * LOG_2PI
    )


def _solve(lower: TensorVariable, right: TensorVariable) -> TensorVariable:
    return solve_triangular(lower, right, lower=True, b_ndim=2)


def _log_diagonal(lower: TensorVariable) -> TensorVariable:
    return pt.log(pt.diagonal(lower, axis1=-2, axis2=-1)).sum()
