"""Fits with PyMC-Marketing, sampled by nutpie: the model is model_pymc_marketing.py's. Started by
run.py."""

import time

STARTED = time.perf_counter()

from protocol import Clock, Job, Timing, read_job, stack_parameters, write_fit  # noqa: E402

JOB = read_job()

import nutpie  # noqa: E402
import pymc as pm  # noqa: E402
from model_pymc_marketing import build, prepared  # noqa: E402

IMPORT_S = time.perf_counter() - STARTED

PACKAGES = ("pymc-marketing", "pymc", "pytensor", "nutpie", "numba", "numpy")
SPENT: dict[str, float] = {}


def timed(name: str, function):
    """`function`, its seconds added to `SPENT[name]`."""

    def call(*args, **kwargs):
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            SPENT[name] = SPENT.get(name, 0.0) + time.perf_counter() - started

    return call


# `fit` calls both by these names: what it compiles, and what it computes from finished draws
nutpie.compile_pymc_model = timed("compile", nutpie.compile_pymc_model)
pm.compute_deterministics = timed("deterministics", pm.compute_deterministics)


def run(job: Job, place: int, situation: str) -> None:
    SPENT.clear()
    frame = prepared(job.table(place), job.columns)
    sampler = {"tune": job.options["tune"]}
    if job.options["target_accept"]:
        sampler["target_accept"] = job.options["target_accept"]
    clock = Clock()
    model, inputs, target = build(job.columns, frame)
    build_s = clock.read()
    model.fit(
        inputs,
        target,
        draws=job.draws,
        chains=job.chains,
        cores=job.cores,
        random_seed=job.seed,
        nuts_sampler="nutpie",
        progressbar=False,
        compute_convergence_checks=False,  # as no other library computes them in its fit
        **sampler,
    )
    fit_s = clock.read()
    posterior = model.idata["posterior"].to_dataset()
    scale = model.get_scales_as_xarray()["target_scale"]
    contribution = posterior["channel_contribution"]
    over = [name for name in contribution.dims if name not in ("chain", "draw", "channel")]
    totals = (contribution * scale).sum(over).transpose("chain", "draw", "channel")
    totals_s = clock.read()
    compile_s, derived_s = SPENT["compile"], SPENT.get("deterministics", 0.0)
    names = [variable.name for variable in model.model.free_RVs]
    accept = job.options["target_accept"] or "its own"
    write_fit(
        job,
        situation,
        import_s=IMPORT_S,
        timing=Timing(build_s, compile_s, fit_s - compile_s - derived_s, derived_s + totals_s),
        channels=job.columns["channels"],
        totals=totals.sel(channel=job.columns["spend"]).values,
        parameters=stack_parameters([posterior[name].values for name in names]),
        divergences=int(model.idata["sample_stats"]["diverging"].sum()),
        warm_up=job.options["tune"],
        packages=PACKAGES,
        settings=f"GeometricAdstock(8), LogisticSaturation, nutpie; target_accept {accept}",
    )


if __name__ == "__main__":
    for place, situation in enumerate(JOB.situations):
        run(JOB, place, situation)
