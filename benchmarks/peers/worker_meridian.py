"""Fits with Meridian: the model is model_meridian.py's. Started by run.py.

Compile time is what JAX reports through its monitoring hooks (tracing, lowering, XLA), without
counting overlaps twice.
"""

import time

STARTED = time.perf_counter()

from protocol import Clock, Job, Timing, read_job, stack_parameters, write_fit  # noqa: E402

JOB = read_job()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from jax import monitoring  # noqa: E402
from meridian.analysis import analyzer  # noqa: E402
from model_meridian import build  # noqa: E402

IMPORT_S = time.perf_counter() - STARTED

PACKAGES = ("google-meridian", "jax", "jaxlib", "tfp-nightly", "tensorflow", "numpy")
DERIVED = ("mu_t",)
COMPILED: list[tuple[float, float]] = []


def heard(event: str, seconds: float, **_: object) -> None:
    """Keeps the interval of every step of compilation."""
    if event.startswith("/jax/core/compile/"):
        now = time.perf_counter()
        COMPILED.append((now - seconds, now))


monitoring.register_event_duration_secs_listener(heard)


def compile_seconds() -> float:
    """Seconds covered by the intervals since the last call."""
    covered, end = 0.0, -np.inf
    for start, stop in sorted(COMPILED):
        covered += max(0.0, stop - max(start, end))
        end = max(end, stop)
    COMPILED.clear()
    return covered


def run(job: Job, place: int, situation: str) -> None:
    frame = pd.read_csv(job.table(place))
    adapt, burn_in = int(job.options["adapt"]), int(job.options["burn_in"])
    compile_seconds()
    clock = Clock()
    fitted = build(job.columns, frame, str(job.options["knots"]))
    build_s, building_s = clock.read(), compile_seconds()
    fitted.sample_posterior(
        n_chains=job.chains,
        n_adapt=adapt,
        n_burnin=burn_in,
        n_keep=job.draws,
        seed=job.seed,
    )
    fit_s, compiling_s = clock.read(), compile_seconds()
    results = analyzer.Analyzer(
        model_context=fitted.model_context, inference_data=fitted.inference_data
    )
    totals = np.asarray(
        results.incremental_outcome(use_posterior=True, include_non_paid_channels=False)
    )
    totals_s = clock.read()
    posterior = fitted.inference_data.posterior
    kept = [name for name in posterior.data_vars if name not in DERIVED]
    write_fit(
        job,
        situation,
        import_s=IMPORT_S,
        timing=Timing(
            build_s - building_s, building_s + compiling_s, fit_s - compiling_s, totals_s
        ),
        channels=job.columns["channels"],
        totals=totals,
        parameters=stack_parameters([posterior[name].values for name in kept]),
        divergences=int(fitted.inference_data.sample_stats["diverging"].sum()),
        warm_up=adapt + burn_in,
        packages=PACKAGES,
        settings=f"ROI priors, Hill, max_lag 8, {job.options['knots']} knots "
        f"({fitted.model_context.knot_info.n_knots})",
    )


if __name__ == "__main__":
    for place, situation in enumerate(JOB.situations):
        run(JOB, place, situation)
