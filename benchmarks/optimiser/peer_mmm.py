"""This library's optimiser on the same data: money by channel and week, geos in their present
proportions, as `mmm.optimise` plans by default. Started by peers.py.

Its objective: posterior mean of outcome within the window.
"""

import time

STARTED = time.perf_counter()

from peer_protocol import HORIZON, LARGEST, LESS, Job, leave, read_job  # noqa: E402

JOB = read_job()

import mmm  # noqa: E402
from mmm.config import PlanSettings  # noqa: E402
from mmm.data.load import load_panel  # noqa: E402
from mmm.inference.fit import fit  # noqa: E402
from mmm.plan.optimise import optimise  # noqa: E402
from mmm.results.respond import response  # noqa: E402

IMPORT_S = time.perf_counter() - STARTED


def main(job: Job) -> None:
    study = mmm.load_study(job.data / "study.yaml")
    settings = PlanSettings(
        horizon=HORIZON,
        objective="expected_outcome",
        bounds={channel.name: (0.0, LARGEST) for channel in study.channels},
    )
    inference = study.inference.model_copy(
        update={"chains": job.chains, "draws": job.draws, "tune": job.tune}
    )
    finance = study.finance.model_copy(update={"horizon": HORIZON})
    study = study.model_copy(update={"inference": inference, "finance": finance, "plan": settings})
    panel, _ = load_panel(study, job.data)
    started = time.perf_counter()
    found = fit(study, panel, cores=job.cores)
    fit_s = time.perf_counter() - started
    started = time.perf_counter()
    read = response(found)
    best = optimise(read)
    first_s = time.perf_counter() - started
    started = time.perf_counter()
    optimise(read, settings.model_copy(update={"budget": LESS * best.budget}))
    again_s = time.perf_counter() - started
    leave(
        job.out / "planned.json",
        {
            "import_s": IMPORT_S,
            "fit_s": fit_s,
            "first_s": first_s,
            "again_s": again_s,
            "plan": best.money.sum(axis=0).tolist(),
            "today": best.levers.prices.today.sum(axis=0).tolist(),
            "message": best.status.message,
        },
    )


if __name__ == "__main__":
    main(JOB)
