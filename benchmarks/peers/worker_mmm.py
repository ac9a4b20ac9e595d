"""Fits with `mmm`, as its defaults are. Started by run.py."""

import time

STARTED = time.perf_counter()

from protocol import Clock, Job, Timing, read_job, write_fit  # noqa: E402

JOB = read_job()

import pandas as pd  # noqa: E402

import mmm  # noqa: E402
from mmm.inference.sample import settled  # noqa: E402

LOADED = (mmm.load_study, mmm.panel_from_frame, mmm.fit, mmm.response)
IMPORT_S = time.perf_counter() - STARTED

PACKAGES = ("mmm", "pymc", "pytensor", "nutpie", "numba", "numpy")


def study_of(job: Job) -> mmm.Study:
    """The study file as `mmm.write_world` left it, with this job's draws."""
    study = mmm.load_study(job.data / "study.yaml")
    changes = {"draws": job.draws, "chains": job.chains, "seed": job.seed}
    return study.model_copy(update={"inference": study.inference.model_copy(update=changes)})


def run(job: Job, place: int, situation: str) -> None:
    study = study_of(job)
    frame = pd.read_csv(job.table(place))
    clock = Clock()
    panel, _ = mmm.panel_from_frame(study, frame)
    panel_s = clock.read()
    fit = mmm.fit(study, panel, cores=job.cores)
    fit_s = clock.read()
    response = mmm.response(fit)
    totals_s = clock.read()
    build_s, compile_s = fit.timings["build_s"], fit.timings["compile_s"]
    write_fit(
        job,
        situation,
        import_s=IMPORT_S,
        timing=Timing(panel_s + build_s, compile_s, fit_s - build_s - compile_s, totals_s),
        channels=panel.channels,
        totals=response.totals,
        parameters=fit.values().reshape(job.chains, job.draws, -1),
        divergences=int(fit.statistics["diverging"].sum()),
        warm_up=settled(study.inference, fit.density().spec, whitened=True).tune,
        packages=PACKAGES,
        settings=f"defaults; target_accept {study.inference.target_accept or 'as the model needs'}",
    )


if __name__ == "__main__":
    for place, situation in enumerate(JOB.situations):
        run(JOB, place, situation)
