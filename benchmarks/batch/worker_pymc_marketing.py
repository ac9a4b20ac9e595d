"""Fits study folders one after the other with PyMC-Marketing as `benchmarks/peers` sets it up,
sampled by nutpie. Started by run.py in the peer's environment; prints one JSON line with seconds
a study."""

import json
import sys
import time
from pathlib import Path

import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))

from model_pymc_marketing import build, prepared

DRAWS, CHAINS, CORES = 1000, 4, 2


def fit(folder: Path) -> float:
    study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    columns = {
        "date": study["data"]["date"],
        "outcome": study["outcome"]["column"],
        "spend": [channel["spend"] for channel in study["channels"]],
        "controls": list(study.get("controls", [])),
        "geo": None,
    }
    started = time.perf_counter()
    model, inputs, target = build(columns, prepared(folder / "data.csv", columns))
    model.fit(
        inputs,
        target,
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
