"""How often the rules promote, hold or alarm in worlds that changed and in worlds that did not.

    python benchmarks/batch/alarms.py

A fit to 104 weeks meets a fit to those and the weeks after, in which nothing changed, or one
channel earns half from then on; and a fit to data in which it always earned half. Writes
`alarms.csv`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import pandas as pd

from mmm.batch.compare import compare_fits
from mmm.batch.promote import decide
from mmm.config import Inference
from mmm.config.batch import Promote
from mmm.data.load import panel_from_frame
from mmm.inference.fit import Fit, fit
from mmm.simulate import ChannelSpec, Flighting, World, WorldSpec, simulate

WEEKS = 104
SHORT = Inference(chains=2, draws=250, tune=250, seed=5)


def world(seed: int, later: int, scale: float) -> World:
    """Two channels and 3 % noise; the first earns `scale` times as much."""
    tv = ChannelSpec(
        name="tv",
        flighting=Flighting.BURSTS,
        cost_share=0.08,
        tactical_share=0.16 * scale,
        decay=0.4,
        slope=1.2,
        half_saturation=1.0,
    )
    search = ChannelSpec(
        name="search",
        flighting=Flighting.ALWAYS_ON,
        cost_share=0.05,
        tactical_share=0.10,
        decay=0.1,
        slope=1.0,
        half_saturation=1.2,
    )
    spec = WorldSpec(
        name="alarms", channels=(tv, search), periods=WEEKS + later, level=100_000.0, noise=0.03
    )
    return simulate(spec, seed)


def fitted(one: World, frame: pd.DataFrame) -> Fit:
    study = one.study.model_copy(update={"inference": SHORT})
    return fit(study, panel_from_frame(study, frame)[0])


def decisions(seed: int, later: int) -> dict[str, str]:
    calm, half = world(seed, later, 1.0), world(seed, later, 0.5)
    joined = pd.concat([calm.frame.iloc[:WEEKS], half.frame.iloc[WEEKS:]], ignore_index=True)
    deployed = fitted(calm, calm.frame.iloc[:WEEKS])
    frames = {"calm": calm.frame, "halves from now on": joined, "halved throughout": half.frame}
    return {
        name: decide("trusted", compare_fits(deployed, fitted(calm, frame)), Promote()).action
        for name, frame in frames.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--weeks", type=int, nargs="+", default=[4, 13])
    options = parser.parse_args()
    rows = []
    for later in options.weeks:
        found = [decisions(seed, later) for seed in range(20, 20 + options.seeds)]
        for name in found[0]:
            counts = Counter(one[name] for one in found)
            actions = {action: counts[action] for action in ("promote", "hold", "alarm")}
            rows.append({"world": name, "new_weeks": later, "worlds": options.seeds, **actions})
            print(rows[-1], flush=True)
    frame = pd.DataFrame(rows)
    frame.to_csv(Path(__file__).with_name("alarms.csv"), index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
