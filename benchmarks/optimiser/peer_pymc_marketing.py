"""PyMC-Marketing's budget optimiser: even spending over the window, one budget a channel and geo.
Started by peers.py.

Its objective, the default: posterior mean of what channels contribute from the window's start to
the end of its carry-over, carry-in of observed spend included. The model is that of
`benchmarks/peers/model_pymc_marketing.py`.
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
import xarray as xr  # noqa: E402
from model_pymc_marketing import build, prepared  # noqa: E402
from pymc_marketing.mmm import MMM  # noqa: E402

IMPORT_S = time.perf_counter() - STARTED


def fitted(job: Job) -> tuple[MMM, pd.DataFrame]:
    frame = prepared(job.data / "data.csv", job.columns)
    model, inputs, target = build(job.columns, frame)
    model.add_original_scale_contribution_variable(["channel_contribution"])
    model.fit(
        inputs,
        target,
        draws=job.draws,
        tune=job.tune,
        chains=job.chains,
        cores=job.cores,
        random_seed=1,
        nuts_sampler="nutpie",
        progressbar=False,
        compute_convergence_checks=False,
    )
    return model, frame


def cells(job: Job, money: pd.DataFrame) -> xr.DataArray:
    """Money (G, C) as the budgets of a period that the optimiser decides on."""
    geo = job.columns["geo"]
    array = xr.DataArray(
        money.to_numpy() / HORIZON,
        dims=("geo", "channel"),
        coords={"geo": list(money.index), "channel": list(money.columns)},
    )
    return array.rename(geo=geo) if geo else array.isel(geo=0, drop=True)


def table(job: Job, budgets: xr.DataArray) -> list[list[float]]:
    """Budgets of a period as money over the horizon, (G, C)."""
    geo = job.columns["geo"]
    ordered = budgets.transpose(geo, "channel") if geo else budgets.expand_dims("geo")
    ordered = ordered.sel(channel=job.columns["spend"])
    return (np.asarray(ordered.values, dtype=float) * HORIZON).tolist()


def main(job: Job) -> None:
    started = time.perf_counter()
    model, frame = fitted(job)
    fit_s = time.perf_counter() - started
    columns = job.columns
    money = recent_money(frame, columns)
    today = cells(job, money)
    bounds = xr.concat([0.0 * today, LARGEST * today], dim="bound")
    bounds = bounds.assign_coords(bound=["lower", "upper"])
    last = frame[columns["date"]].max()
    weeks = pd.date_range(last, periods=HORIZON + 1, freq="7D")[1:]

    started = time.perf_counter()
    optimiser = model.budget_optimizer(weeks[0], weeks[-1])
    found = optimiser.allocate_budget(float(today.sum()), budget_bounds=bounds)
    first_s = time.perf_counter() - started
    started = time.perf_counter()
    optimiser.allocate_budget(LESS * float(today.sum()), budget_bounds=bounds)
    again_s = time.perf_counter() - started

    posterior = model.idata["posterior"].to_dataset().stack(sample=("chain", "draw"))
    scales = model.get_scales_as_xarray()
    geo = columns["geo"]
    order = ("sample", geo, "channel") if geo else ("sample", "channel")
    arrays = {
        name: posterior[source].transpose(*order, missing_dims="ignore")
        for name, source in (
            ("alpha", "adstock_alpha"), ("lam", "saturation_lam"), ("beta", "saturation_beta"),
        )
    }  # fmt: skip
    date = columns["date"]
    spend = np.stack(
        [
            part.sort_values(date)[columns["spend"]].to_numpy()
            for _, part in (frame.groupby(geo) if geo else [("all", frame)])
        ]
    )
    np.savez(
        job.out / "curves.npz",
        spend=spend,
        today=money.to_numpy(),
        channel_scale=scales["channel_scale"].values,
        target_scale=scales["target_scale"].values,
        periods=HORIZON + model.effective_carryover_lags(),
        lags=model.adstock.l_max,
        **{name: array.values for name, array in arrays.items()},
    )
    leave_plans(
        job,
        import_s=IMPORT_S,
        fit_s=fit_s,
        first_s=first_s,
        again_s=again_s,
        plan=table(job, found.budgets),
        today=money.to_numpy().tolist(),
        message=str(found.scipy_result.message),
    )

    def value(plan: list[list[float]]) -> float:
        given = pd.DataFrame(plan, index=money.index, columns=money.columns)
        return float(optimiser.evaluate_plan(cells(job, given)).utility)

    leave_values(job, value)


if __name__ == "__main__":
    main(JOB)
