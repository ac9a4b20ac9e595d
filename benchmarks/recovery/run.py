"""Recovery of known truth: fits simulated worlds and compares channel by channel.

    python benchmarks/recovery/run.py --seeds 5 --worlds national geo

Writes `results.csv` (one row a world, seed, channel and quantity) and `summary.csv` (coverage
of 90 % intervals and median error by world and quantity) beside this file.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

import mmm
from mmm.simulate import simulate_world, world_names

HERE = Path(__file__).parent
QUANTITIES = ("contribution", "tactical", "brand", "mediated", "roi", "roi_window")
NEGLIGIBLE = 0.02
"""A path without effect is to be found below this part of outcome (quantity `path_off`)."""


def recover(name: str, seed: int) -> pd.DataFrame:
    """One fit: truth, estimate and whether the 90 % interval holds the truth."""
    world = simulate_world(name, seed=seed)
    started = time.perf_counter()
    panel, findings = mmm.panel_from_frame(world.study, world.frame)
    analysis = mmm.analyse(mmm.fit(world.study, panel), findings)
    seconds = time.perf_counter() - started
    rows = []
    table = analysis.efficiency.set_index("channel")
    for channel, truth in [*world.truth["channels"].items(), ("total", world.truth["total"])]:
        for quantity in QUANTITIES:
            true = truth.get(quantity)
            low, high = (table.loc[channel, f"{quantity}_{end}"] for end in ("p05", "p95"))
            if not true or not low < high:
                continue
            mean = table.loc[channel, f"{quantity}_mean"]
            rows.append(
                {
                    "world": name,
                    "seed": seed,
                    "channel": channel,
                    "quantity": quantity,
                    "truth": true,
                    "mean": mean,
                    "p05": low,
                    "p95": high,
                    "covered": low <= true <= high,
                    "error": abs(mean / true - 1),
                    "rhat": analysis.diagnostics.rhat_max,
                    "ess": analysis.diagnostics.ess_bulk_min,
                    "divergences": analysis.diagnostics.divergences,
                    "verdict": analysis.verdict.label.value,
                    "seconds": seconds,
                }
            )
    off = [path for path in world.truth.get("paths", {}).values() if path["converts"] == 0]
    if off and world.truth["total"]["mediated"] == 0:
        limit = NEGLIGIBLE * world.truth["outcome_total"]
        mean, low, high = (table.loc["total", f"mediated_{end}"] for end in ("mean", "p05", "p95"))
        found = {"channel": "all", "quantity": "path_off", "truth": 0.0, "mean": mean}
        found |= {"p05": low, "p95": high, "covered": low < limit, "error": mean / limit}
        rows.append({**rows[-1], **found})
    return pd.DataFrame(rows)


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Coverage and median error by world and quantity, channels only."""
    channels = results[results["channel"] != "total"]
    grouped = channels.groupby(["world", "quantity"], sort=False)
    return grouped.agg(
        fits=("seed", "nunique"),
        answers=("covered", "size"),
        coverage_90=("covered", "mean"),
        median_error=("error", "median"),
        worst_rhat=("rhat", "max"),
        least_ess=("ess", "min"),
        divergences=("divergences", "sum"),
    ).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=list(world_names()))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    tables = []
    for name in options.worlds:
        for seed in range(options.seeds):
            tables.append(recover(name, seed))
            last = tables[-1].iloc[0]
            print(
                f"{name} seed {seed}: {tables[-1]['covered'].mean():.0%} covered, "
                f"R-hat {last['rhat']:.3f}, {last['seconds']:.0f} s",
                flush=True,
            )
            results = pd.concat(tables, ignore_index=True)
            results.to_csv(options.out / "results.csv", index=False, float_format="%.6g")
            summary = summarise(results)
            summary.to_csv(options.out / "summary.csv", index=False, float_format="%.4g")
    print(summary.to_string(index=False))


if __name__ == "__main__":
    main()
