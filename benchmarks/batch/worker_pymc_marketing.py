"""Fits study folders one after the other with PyMC-Marketing's `MMM`: geometric adstock,
logistic saturation, yearly seasonality, trend and controls, sampled by nutpie. Started by run.py
in the peer's environment; prints one JSON line with seconds a study."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import yaml
from pymc_marketing.mmm import MMM, GeometricAdstock, LogisticSaturation

DRAWS, CHAINS, CORES = 1000, 4, 2


def fit(folder: Path) -> float:
    study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    date, outcome = study["data"]["date"], study["outcome"]["column"]
    spend = [channel["spend"] for channel in study["channels"]]
    controls = list(study.get("controls", []))
    frame = pd.read_csv(folder / "data.csv", parse_dates=[date])
    started = time.perf_counter()
    frame["trend"] = (frame[date] - frame[date].min()) / (frame[date].max() - frame[date].min())
    for name in controls:
        frame[name] = frame[name] / frame[name].abs().max()
    model = MMM(
        date_column=date,
        target_column=outcome,
        channel_columns=spend,
        control_columns=[*controls, "trend"],
        adstock=GeometricAdstock(l_max=8),
        saturation=LogisticSaturation(),
        yearly_seasonality=2,
    )
    model.fit(
        frame[[date, *spend, *controls, "trend"]],
        frame[outcome],
        draws=DRAWS,
        tune=1000,
        chains=CHAINS,
        cores=CORES,
        random_seed=1,
        nuts_sampler="nutpie",
        progressbar=False,
        compute_convergence_checks=False,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    seconds = [fit(Path(name)) for name in sys.argv[1:]]
    print(json.dumps({"seconds": seconds, "s_per_study": sum(seconds) / len(seconds)}))
