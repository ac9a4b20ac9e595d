"""True against fitted families of carry-over and saturation: how often totals are held.

    python benchmarks/calibration/worlds.py --pairs --seeds 2

All channels of a world have one true adstock and one true saturation; each world is fitted with
the default specification (`default`: what a study gets that names no family) and with other
families in its place: every adstock with the default's saturation and every saturation with the
default's adstock, or with `--full` every pair of both, with `--default` none of them. The logistic
curve is the tanh one in the parametrisation by its half-saturation point, here and in the model,
and is not fitted twice.

Writes `pairs.csv` (one row a fit and channel) and `pairs_summary.csv` (90 % coverage of channel
totals, all channels and seeds, for each size, truth and fit).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

import mmm
from mmm.simulate import ChannelSpec, Flighting, World, WorldSpec, simulate
from mmm.simulate.families import delayed_lags, weibull_density_lags, weibull_survival_lags

DEFAULT = "default"
CHAINS, DRAWS = 2, 400
ADSTOCKS = {
    "geometric": None,
    "delayed": delayed_lags(1.8, 2.0),
    "weibull_pdf": weibull_density_lags(2.0, 3.0),
    "weibull_cdf": weibull_survival_lags(2.0, 3.0),
}
"""Lag weights of each true adstock; none: geometric with a decay of 0.5."""
SATURATIONS = {
    "hill": {"slope": 1.6, "half_saturation": 1.0},
    "michaelis_menten": {"slope": 1.0, "half_saturation": 1.0},
    "tanh": {"saturation": "tanh", "half_saturation": 0.8},
    "root": {"saturation": "root", "slope": 0.5},
}
"""Changes of a channel that give it each true curve."""


def pair_spec(size: str, adstock: str, saturation: str) -> WorldSpec:
    """A small world whose channels all have the named families."""
    shape = {"decay": 0.5, "lags": ADSTOCKS[adstock], **SATURATIONS[saturation]}
    plans = (
        ("tv", Flighting.BURSTS, 0.09),
        ("paid_search", Flighting.ALWAYS_ON, 0.09),
        ("events", Flighting.SPIKES, 0.06),
    )
    geo = size == "geo"
    channels = tuple(
        ChannelSpec(name=name, flighting=plan, cost_share=0.03, tactical_share=share)
        for name, plan, share in plans
    )
    deviation = 0.1 if geo else 0.0
    return WorldSpec(
        name=f"{size}_{adstock}_{saturation}",
        channels=tuple(replace(one, geo_deviation=deviation, **shape) for one in channels),
        periods=104 if geo else 130,
        geos=6 if geo else 1,
        noise=0.03,
    )


def fitted_families(*, full: bool, alone: bool = False) -> Iterator[tuple[str, str]]:
    """Adstock and saturation of each fit; the default first, or nothing else."""
    yield DEFAULT, DEFAULT
    if alone:
        return
    if full:
        yield from product(ADSTOCKS, SATURATIONS)
        return
    yield from ((adstock, DEFAULT) for adstock in ADSTOCKS)
    yield from ((DEFAULT, saturation) for saturation in SATURATIONS)


def fit_pair(world: World, adstock: str, saturation: str) -> pd.DataFrame:
    """One fit: a row a channel."""
    named = {"adstock": adstock, "saturation": saturation}
    changes = {key: value for key, value in named.items() if value != DEFAULT}
    settings = world.study.inference.model_copy(update={"chains": CHAINS, "draws": DRAWS})
    study = world.study.model_copy(
        update={
            "inference": settings,
            "channels": tuple(one.model_copy(update=changes) for one in world.study.channels),
        }
    )
    panel, _ = mmm.panel_from_frame(study, world.frame)
    started = time.perf_counter()
    read = mmm.response(mmm.fit(study, panel))
    seconds = time.perf_counter() - started
    totals = read.totals.reshape(-1, read.totals.shape[2])
    low, high = np.quantile(totals, [0.05, 0.95], axis=0)
    truth = np.array([known["contribution"] for known in world.truth["channels"].values()])
    return pd.DataFrame(
        {
            "channel": panel.channels,
            "truth": truth,
            "mean": totals.mean(axis=0),
            "p05": low,
            "p95": high,
            "covered": (low <= truth) & (truth <= high),
            "error": np.abs(totals.mean(axis=0) / truth - 1.0),
            "width": (high - low) / truth,
            "divergences": int(read.fit.statistics["diverging"].sum()),
            "seconds": seconds,
        }
    )


KEYS = ["size", "true_adstock", "true_saturation", "adstock", "saturation"]


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    return (
        rows.groupby(KEYS, sort=False)
        .agg(
            seeds=("seed", "nunique"),
            answers=("covered", "size"),
            coverage_90=("covered", "mean"),
            median_error=("error", "median"),
            worst_error=("error", "max"),
            width=("width", "median"),
            seconds=("seconds", "mean"),
        )
        .reset_index()
    )


def run_pairs(sizes: list[str], seeds: int, out: Path, *, full: bool, alone: bool) -> None:
    path = out / "pairs.csv"
    tables = [pd.read_csv(path)] if path.exists() else []
    done = {key for part in tables for key in part[[*KEYS, "seed"]].itertuples(index=False)}
    done = {tuple(key) for key in done}
    for fitted, size, adstock, saturation, seed in product(
        fitted_families(full=full, alone=alone), sizes, ADSTOCKS, SATURATIONS, range(seeds)
    ):
        key = (size, adstock, saturation, *fitted, seed)
        if key in done:
            continue
        world = simulate(pair_spec(size, adstock, saturation), seed)
        found = fit_pair(world, *fitted)
        for place, (name, value) in enumerate(zip([*KEYS, "seed"], key, strict=True)):
            found.insert(place, name, value)
        tables.append(found)
        print(
            f"{size} {adstock} {saturation} as {' '.join(fitted)} {seed}: held "
            f"{found['covered'].sum()} of {len(found)}, median error "
            f"{found['error'].median():.0%}, {found['seconds'].iloc[0]:.1f} s",
            flush=True,
        )
        rows = pd.concat(tables, ignore_index=True)
        rows.to_csv(path, index=False, float_format="%.6g")
    rows = pd.concat(tables, ignore_index=True)
    summary = summarise(rows)
    summary.to_csv(out / "pairs_summary.csv", index=False, float_format="%.4g")
    alone = rows[rows["adstock"].eq(DEFAULT) & rows["saturation"].eq(DEFAULT)]
    for size, some in alone.groupby("size", sort=False):
        table = some.pivot_table(
            index="true_adstock", columns="true_saturation", values="covered", sort=False
        )
        print(f"\n{size}, default specification: part of 90 % intervals that held the truth")
        print(table.to_string(float_format="%.2f"))
