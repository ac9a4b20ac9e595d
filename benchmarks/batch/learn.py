"""What priors from siblings do to the error of short and of long histories.

    python benchmarks/batch/learn.py

A portfolio of worlds whose returns of one channel scatter around a common one: siblings with
long histories, and further studies fitted with and without the prior their siblings give.
Writes `learn.csv`: root mean square error of the log return, and how often the 90 % interval
holds the truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from mmm.batch.learn import LEAST_SD, predicted
from mmm.config import Inference, Study
from mmm.data.load import panel_from_frame
from mmm.efficiency.roi import efficiency_table
from mmm.inference.fit import fit
from mmm.results.respond import response
from mmm.simulate import ChannelSpec, Flighting, World, WorldSpec, simulate

SCATTER, NOISE = 0.25, 0.05
Z90 = 1.6448536269514722
SHORT = Inference(chains=2, draws=300, tune=300, seed=5)


def world(seed: int, periods: int) -> World:
    """Two channels; the return of the first is drawn around 2."""
    scale = float(np.exp(np.random.default_rng([seed, 99]).normal(0.0, SCATTER)))
    tv = ChannelSpec(
        name="tv",
        flighting=Flighting.BURSTS,
        cost_share=0.04,
        tactical_share=0.08 * scale,
        decay=0.4,
        slope=1.2,
        half_saturation=1.0,
    )
    search = ChannelSpec(
        name="search",
        flighting=Flighting.ALWAYS_ON,
        cost_share=0.03,
        tactical_share=0.06,
        decay=0.1,
        slope=1.0,
        half_saturation=1.2,
    )
    spec = WorldSpec(
        name="learn", channels=(tv, search), periods=periods, level=100_000.0, noise=NOISE
    )
    return simulate(spec, seed)


def log_return(one: World, prior: dict | None) -> tuple[float, float, float]:
    """Median, and ends of the 90 % interval, of the log return of tv within the window."""
    content = one.study.model_dump(mode="json", exclude_defaults=True)
    content["inference"] = SHORT.model_dump()
    if prior:
        content["channels"][0]["prior"] = prior
    study = Study.model_validate(content)
    found = fit(study, panel_from_frame(study, one.frame)[0])
    row = efficiency_table(response(found)).set_index("channel").loc["tv"]
    low, middle, high = (row[f"roi_window_{end}"] for end in ("p05", "p50", "p95"))
    return float(np.log(middle)), float(np.log(low)), float(np.log(high))


def truth(one: World) -> float:
    """The log return of tv within the window, as simulated."""
    return float(np.log(one.truth["channels"]["tv"]["roi_window"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--siblings", type=int, default=12)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--weeks", type=int, nargs="+", default=[30, 52, 156])
    options = parser.parse_args()
    said = [log_return(world(seed, 156), None) for seed in range(options.siblings)]
    means = np.array([middle for middle, _, _ in said])
    sds = np.array([(high - low) / (2 * Z90) for _, low, high in said])
    mean, sd = predicted(means, sds)
    sd = max(sd, LEAST_SD)
    prior = {"roi": [float(np.exp(mean - Z90 * sd)), float(np.exp(mean + Z90 * sd))]}
    print(f"prior from {options.siblings} siblings: {prior['roi']}")
    rows = []
    for weeks in options.weeks:
        worlds = [world(1000 + number, weeks) for number in range(options.studies)]
        truths = np.array([truth(one) for one in worlds])
        for name, stated in (("own prior", None), ("siblings", prior)):
            found = np.array([log_return(one, stated) for one in worlds])
            error = found[:, 0] - truths
            held = (found[:, 1] <= truths) & (truths <= found[:, 2])
            rows.append(
                {
                    "weeks": weeks,
                    "prior": name,
                    "studies": options.studies,
                    "rmse_log_roi": float(np.sqrt((error**2).mean())),
                    "held_in_90": float(held.mean()),
                    "width_log_roi": float((found[:, 2] - found[:, 1]).mean()),
                }
            )
            print(rows[-1], flush=True)
    frame = pd.DataFrame(rows).round(4)
    frame.to_csv(Path(__file__).with_name("learn.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
