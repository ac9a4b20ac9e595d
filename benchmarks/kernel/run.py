"""How far one gradient of the collapsed likelihood is from what this machine could do.

    python benchmarks/kernel/run.py

Counts what a gradient needs at least (`counts`), divides by what this machine was seen to do at
its best (`machine`), and sets the time per call beside it. Writes `results.csv` (a row a size)
and `machine.json` (the peaks and the processor) beside this file. Everything runs on one thread;
run it on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numba
import numpy as np
import pandas as pd
from numba import njit
from threadpoolctl import threadpool_info, threadpool_limits

import mmm
from mmm.model import kernel
from mmm.model.density import Density, build_density
from mmm.model.design import build_design
from mmm.model.spec import model_spec
from mmm.model.vector import exp_array, log_array
from mmm.simulate import large_spec, simulate

HERE = Path(__file__).parent
SIZES = ((1, 104, 4), (2, 131, 6), (8, 156, 8), (50, 208, 30))  # geos, weeks, channels
WORD = 8  # bytes of a number


# not cached on disk: numba would keep an old `exp_array` in a loop of this file
compiled = njit(error_model="numpy", fastmath={"contract", "nsz"})


@compiled
def repeat(step, a, b, c, times):
    for _ in range(times):
        step(a, b, c)


@compiled
def multiply(a, b, out):
    np.dot(a, b, out)


@compiled
def divide(x, out, _):
    for i in range(x.shape[0]):
        out[i] = 1.0 / x[i]


@compiled
def triad(x, out, z):
    for i in range(x.shape[0]):
        out[i] = x[i] + 3.0 * z[i]


@compiled
def adstock(state, x, level):
    """Geometric adstock of series side by side, (periods, series); state (2, series)."""
    for t in range(x.shape[0]):
        for lane in range(x.shape[1]):
            state[1, lane] = state[0, lane] * state[1, lane] + x[t, lane]
            level[t, lane] = state[1, lane]


def timed(calls: Sequence[Callable[[], object]], budget: float) -> list[float]:
    """Seconds of each call, one after the other, for `budget` seconds and at least once each."""
    spent: list[float] = []
    until = time.perf_counter() + budget
    while not spent or time.perf_counter() < until:
        for call in calls:
            started = time.perf_counter()
            call()
            spent.append(time.perf_counter() - started)
    return spent


def best(call: Callable[[], object]) -> float:
    """Shortest time of one call."""
    call()
    return min(timed([call], 0.3))


def gemm_gflops(m: int, n: int, k: int) -> float:
    """Rate of (m, k) times (k, n), enough of them a call to drown the call's cost."""
    times = max(1, round(2e6 / (m * n * k)))
    a, b, out = np.ones((m, k)), np.ones((n, k)).T, np.empty((m, n))
    return 2 * times * m * n * k / best(partial(repeat, multiply, a, b, out, times)) / 1e9


def triad_gbs(footprint: int) -> float:
    """Bytes read and written a second, in 1e9, by a triad whose three arrays take `footprint`."""
    n = max(64, footprint // (3 * WORD))
    times, (x, out, z) = max(1, 1_000_000 // n), np.ones((3, n))
    return 3 * WORD * n * times / best(partial(repeat, triad, x, out, z, times)) / 1e9


def element_ns() -> dict[str, float]:
    """Nanoseconds an element, in the first cache."""
    n, times = 16 * 72, 200  # three arrays fit, and lie no whole page apart
    x, out, scratch = np.random.default_rng(0).uniform(0.1, 3.0, (3, n))
    series, level = np.ones((2, 16, 72))
    state = np.full((2, 72), 0.5)

    def ufunc(function: np.ufunc) -> None:
        for _ in range(times):
            function(x, out=out)

    calls = {
        "exp_own": partial(repeat, exp_array, x, out, scratch, times),
        "exp_numpy": partial(ufunc, np.exp),
        "log_own": partial(repeat, log_array, x, out, scratch, times),
        "log_numpy": partial(ufunc, np.log),
        "divide": partial(repeat, divide, x, out, scratch, times),
        "adstock": partial(repeat, adstock, state, series, level, times),
    }
    return {name: 1e9 * best(call) / (n * times) for name, call in calls.items()}


def machine() -> dict[str, object]:
    """The peaks, and what they were measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    named = re.findall(r"model name\s*: (.*)", text)
    sizes = {"16 KB": 2**14, "512 KB": 2**19, "8 MB": 2**23, "256 MB": 2**28}
    return {
        "processor": named[0] if named else platform.processor(),
        "processors": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "libraries": [f"{each['internal_api']} {each['version']}" for each in threadpool_info()],
        "versions": {"numpy": np.__version__, "numba": numba.__version__},
        "gemm_gflops": max(gemm_gflops(n, n, n) for n in (256, 384, 512)),
        "element_ns": element_ns(),
        "triad_gbs": {name: triad_gbs(size) for name, size in sizes.items()},
    }


def counts(geos: int, periods: int, channels: int, own: int, shared: int) -> dict[str, float]:
    """What a gradient needs at least: normal likelihood, geometric adstock, Hill, no brand stock.

    G geos, T periods, C channels, K own rows, P shared rows, K + P + 1 with the outcome. With
    several geos a block has B = K + C columns and effects enter one by one (S = C series); with
    one geo only their sum enters (S = 1, B = 0). One multiply-add is 2 flops.

    `elements` G C T of media, each: one exp, one log, one division (of 1 by level (1 + e), for
    the inverses of both), a step of the geometric recursion forward and one backward, and
    `plain` 23 flops: forward 9 (floor, argument of exp, 1 + e, the two inverses, sum for the
    mean, scale to share), backward 14 (centring, s (1 - s), gradients by share, slope,
    half-saturation, level and half-life).
    `inner` 2 G T (S (K + P + 1) + S (S + 1) / 2): effects with rows and with each other.
    `outer` 2 G T (K + P + 1 + S), the residual, and with several geos 2 G T C (K + P + C + 1)
    for the way back to effects.
    `blocks` G B^3 + P^3, Cholesky factor and inverse of each block (n^3 / 3 + 2 n^3 / 3), and
    per geo 2 (B^2 P + B P^2 / 2) for the Schur complement, B P^2 + C P^2 for the covariance of
    shared and own, 2 P (K C + C (C + 1) / 2 + K) for the part of it that has a gradient,
    B^2 + 2 B P + P^2 / 2 to scale the inner products and 2 (B^2 + 4 B P + P^2) for means and
    traces.
    `traffic` bytes: media, levels and curves go out once and come back once (media twice in),
    the rows of each geo twice in; the rows all geos have in common are counted once.
    """
    G, T, C, K, P, pooled = geos, periods, channels, own, shared, geos > 1
    S, B = (C, K + C) if pooled else (1, 0)
    elements = G * C * T
    linear = B * B + 2 * B * P + P * P / 2 + 2 * (B * B + 4 * B * P + P * P)
    seen = 2 * P * (K * C + C * (C + 1) / 2 + K) * pooled
    schur = 2 * (B * B * P + B * P * P / 2) + (B + C * pooled) * P * P
    return {
        "elements": elements,
        "plain": 23 * elements,
        "inner": 2 * G * T * (S * (K + P + 1) + S * (S + 1) / 2) + (not pooled) * elements,
        "outer": 2 * G * T * (K + P + 1 + S) + 2 * G * T * C * (K + P + C + 1) * pooled,
        "blocks": G * B**3 + P**3 + G * (schur + seen + linear),
        "traffic": WORD * (6 * elements + 2 * G * T * (P + 1) + K * T),
        "footprint": WORD * (3 * elements + G * T * (P + 1) + K * T),
    }


def seconds_a_gradient(density: Density) -> float:
    """Median over calls, as the sampler makes them, at points scattered as the prior."""
    points = np.random.default_rng(0).normal(size=(64, len(density.centre())))
    points, pool = density.centre() + density.width() * points, density.workspace()
    points = [q for q in points if np.isfinite(density.value_and_gradient(q, pool)[0])][:16]
    logp, header = kernel.logp().ctypes, pool.header.ctypes.data
    gradient, value = np.empty_like(points[0]), np.empty(1)
    address = [array.ctypes.data_as(logp.argtypes[1]) for array in (*points, gradient, value)]
    calls = [partial(logp, len(gradient), q, *address[-2:], header) for q in address[:-2]]
    return float(np.median(timed(calls, 2.0)))


def row(size: tuple[int, int, int], peaks: dict) -> dict[str, float]:
    """Counts, time at the limit with its parts, time measured, in microseconds."""
    world = simulate(large_spec(*size, seed=1))
    panel, _ = mmm.panel_from_frame(world.study, world.frame)
    spec = model_spec(world.study, panel)
    density = build_density(spec, build_design(spec, panel))
    own, shared = density.design.own, density.shared_size
    need = counts(*size, own, shared)
    ns, gflops = peaks["element_ns"], peaks["gemm_gflops"]
    exp_log = sum(min(ns[f"{name}_own"], ns[f"{name}_numpy"]) for name in ("exp", "log"))
    part = {
        "exp_log_us": need["elements"] * exp_log / 1e3,
        "divide_us": need["elements"] * ns["divide"] / 1e3,
        "adstock_us": need["elements"] * 2 * ns["adstock"] / 1e3,
        **{f"{k}_us": need[k] / gflops / 1e3 for k in ("plain", "inner", "outer", "blocks")},
    }
    arithmetic = sum(part.values())
    traffic = need["traffic"] / triad_gbs(int(need["footprint"])) / 1e3
    # what the BLAS reaches at the shapes of the two large products, in place of its best
    geos, periods, channels = size
    series = channels if geos > 1 else 1
    width = own + shared + 1 + series
    inner = need["inner"] / gemm_gflops(series, width, periods) / 1e3
    outer = need["outer"] / gemm_gflops(series, periods, width) / 1e3
    shapes = max(arithmetic - part["inner_us"] - part["outer_us"] + inner + outer, traffic)
    limit, measured = max(arithmetic, traffic), 1e6 * seconds_a_gradient(density)
    return {
        "geos": geos, "periods": periods, "channels": channels, "own_rows": own,
        "shared_rows": shared, "scalars": len(density.centre()), **need, **part,
        "arithmetic_us": arithmetic, "traffic_us": traffic, "limit_us": limit,
        "limit_at_blas_shapes_us": shapes,
        "measured_us": measured, "ratio": measured / limit,
        "ratio_at_blas_shapes": measured / shapes,
    }  # fmt: skip


def main() -> None:
    gemm_gflops(8, 8, 8)  # loads the BLAS numba calls, which the limit would miss otherwise
    with threadpool_limits(1):
        peaks = machine()
        table = pd.DataFrame([row(size, peaks) for size in SIZES])
    table.to_csv(HERE / "results.csv", index=False, float_format="%.6g")
    (HERE / "machine.json").write_text(json.dumps(peaks, indent=2) + "\n", encoding="utf-8")
    print(table[["geos", "periods", "channels", "limit_us", "measured_us", "ratio"]])


if __name__ == "__main__":
    main()
