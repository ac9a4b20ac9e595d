"""Meridian's budget optimiser: one multiple of its money a channel, geos and weeks in fixed
proportions. Started by peers.py.

Its objective, the default: posterior mean of incremental outcome within the window, of a window
of its own without earlier spending. The model is that of `benchmarks/peers/model_meridian.py`.
"""

import time

STARTED = time.perf_counter()

from peer_protocol import (  # noqa: E402
    HORIZON,
    LARGEST,
    LESS,
    Job,
    leave_plans,
    leave_values,
    read_job,
    recent_money,
)

JOB = read_job()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from meridian.analysis import analyzer, optimizer, tensors  # noqa: E402
from meridian.model import model  # noqa: E402
from model_meridian import build  # noqa: E402

IMPORT_S = time.perf_counter() - STARTED


def fitted(job: Job) -> tuple[model.Meridian, pd.DataFrame]:
    frame = pd.read_csv(job.data / "data.csv")
    found = build(job.columns, frame, "recommended")
    found.sample_posterior(
        n_chains=job.chains, n_adapt=job.tune, n_burnin=job.tune, n_keep=job.draws, seed=1
    )
    return found, frame


def main(job: Job) -> None:
    started = time.perf_counter()
    fit, frame = fitted(job)
    fit_s = time.perf_counter() - started
    columns = job.columns
    money = recent_money(frame, columns)
    geos = [str(name) for name in fit.input_data.geo.values]
    if columns["geo"]:
        money = money.loc[geos]
    even = np.repeat(money.to_numpy()[:, None, :] / HORIZON, HORIZON, axis=1).astype(np.float32)
    dates = pd.date_range(
        pd.Timestamp(frame[columns["date"]].max()), periods=HORIZON + 1, freq="7D"
    )[1:]
    weeks = [f"{date:%Y-%m-%d}" for date in dates]
    total = float(money.to_numpy().sum())

    def plan(budget: float) -> np.ndarray:
        tool = optimizer.BudgetOptimizer(fit)
        ahead = tool.create_optimization_tensors(
            time=weeks,
            cpmu=np.ones_like(even),
            media_spend=even,
            revenue_per_kpi=np.ones(even.shape[:2], dtype=np.float32),
        )
        found = tool.optimize(
            new_data=ahead,
            budget=budget,
            spend_constraint_lower=1.0,
            spend_constraint_upper=LARGEST - 1.0,
            use_kpi=False,
        )
        return np.asarray(found.optimized_data["spend"].values, dtype=float)

    started = time.perf_counter()
    by_channel = plan(total)
    first_s = time.perf_counter() - started
    started = time.perf_counter()
    plan(LESS * total)
    again_s = time.perf_counter() - started

    posterior = fit.inference_data.posterior
    arrays = {
        name: posterior[source].values.reshape(-1, *posterior[source].shape[2:])
        for name, source in (
            ("alpha", "alpha_m"), ("ec", "ec_m"), ("slope", "slope_m"), ("beta", "beta_gm"),
        )
    }  # fmt: skip
    # what a unit of the model's outcome is in each geo
    unit = np.asarray(
        fit.kpi_transformer.inverse(np.ones((len(geos), fit.n_times), dtype=np.float32))
        - fit.kpi_transformer.inverse(np.zeros((len(geos), fit.n_times), dtype=np.float32))
    )[:, 0]
    np.savez(
        job.out / "curves.npz",
        today=money.to_numpy(),
        media_scale=np.asarray(fit.media_tensors.media_transformer.scale_factors_gm),
        unit=unit,
        periods=HORIZON,
        lags=fit.model_spec.max_lag + 1,
        **arrays,
    )
    shares = money.to_numpy() / money.to_numpy().sum(axis=0)
    leave_plans(
        job,
        import_s=IMPORT_S,
        fit_s=fit_s,
        first_s=first_s,
        again_s=again_s,
        plan=(shares * by_channel).tolist(),
        today=money.to_numpy().tolist(),
        message="grid search",
    )
    analysis = analyzer.Analyzer(model_context=fit.model_context, inference_data=fit.inference_data)

    def value(given: list[list[float]]) -> float:
        media = np.repeat(np.array(given)[:, None, :] / HORIZON, HORIZON, axis=1)
        outcome = analysis.incremental_outcome(
            use_posterior=True,
            new_data=tensors.DataTensors(
                media=media.astype(np.float32),
                revenue_per_kpi=np.ones((len(geos), HORIZON), dtype=np.float32),
                time=weeks,
            ),
            include_non_paid_channels=False,
        )
        return float(np.asarray(outcome, dtype=np.float64).sum(axis=2).mean())

    leave_values(job, value)


if __name__ == "__main__":
    main(JOB)
