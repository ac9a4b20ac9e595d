"""Recovery of known truth: fits simulated worlds and compares channel by channel.

    python benchmarks/recovery/run.py --seeds 5 --worlds national geo

Writes `results.csv` (one row a world, seed, channel and quantity) and `summary.csv` (coverage
of 90 % intervals, median error and how often the ledger calls the answer prior-led, by world and
quantity) beside this file. Where a path is switched off, `mediated` counts as covered when its
interval reaches below 2 % of outcome. Rows already there are not fitted again.

Seeds of a world share one truth. With `--effects drawn` the sizes of effects are drawn anew for
each from the default priors (`benchmarks/drawn.py`), and the files are called `drawn_results.csv`
and `drawn_summary.csv`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import mmm
from mmm.results.ledger import ledger_table
from mmm.simulate import World, simulate_world, world_names
from mmm.study.analysis import diagnostics_of

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from drawn import drawn_world  # noqa: E402

ENDS = ("mean", "p05", "p95")
QUANTITIES = ("contribution", "tactical", "brand", "mediated", "roi", "roi_window")
NOTHING = 0.02
"""Part of outcome below which the interval of a path that is switched off must reach."""


@dataclass(frozen=True)
class Answer:
    """An estimate beside its truth; `held` where another rule than coverage decides."""

    channel: str
    quantity: str
    truth: float
    mean: float
    low: float
    high: float
    tier: str = ""
    held: bool | None = None


def channel_answers(world: World, table: pd.DataFrame, ledger: pd.DataFrame) -> Iterator[Answer]:
    """Contributions and returns, channel by channel and in total."""
    tiers = {(row["quantity"], row["channel"]): row["tier"] for row in ledger.to_dict("records")}
    memory = tiers.get(("brand_half_life", ""), "")
    nothing = NOTHING * world.truth["outcome_total"]
    for channel, truth in [*world.truth["channels"].items(), ("total", world.truth["total"])]:
        for quantity in QUANTITIES:
            true = truth.get(quantity)
            mean, low, high = (table.loc[channel, f"{quantity}_{end}"] for end in ENDS)
            if true is None or not low < high:
                continue
            tier, held = "", None
            if quantity == "brand":
                led = {tiers.get(("brand_share", channel), memory), memory}
                tier = "prior" if "prior" in led else "data"
            if true == 0:
                if quantity != "mediated":
                    continue
                held = low < nothing
            yield Answer(channel, quantity, true, mean, low, high, tier, held)


def memory_answers(world: World, fit: mmm.Fit, ledger: pd.DataFrame) -> Iterator[Answer]:
    """The half-life of the brand and the lags of paths."""
    quantiles = (0.05, 0.95)
    if world.truth.get("brand_half_life") and "brand_half_life" in fit.posterior:
        drawn = fit.posterior["brand_half_life"].values.ravel()
        tier = ledger.loc[ledger["quantity"] == "brand_half_life", "tier"].iloc[0]
        low, high = np.quantile(drawn, quantiles)
        true = world.truth["brand_half_life"]
        yield Answer("brand", "half_life", true, np.median(drawn), low, high, tier)
    for path, known in world.truth.get("paths", {}).items():
        for one in (fit, *fit.paths.values()):
            lags = one.posterior.get("lag_gamma_median")
            if (
                known.get("lag_median")
                and lags is not None
                and path in lags["lag_gamma_median_dim"]
            ):
                drawn = lags.sel(lag_gamma_median_dim=path).values.ravel()
                low, high = np.quantile(drawn, quantiles)
                yield Answer(path, "lag", known["lag_median"], np.median(drawn), low, high)


def recover(name: str, seed: int, effects: str) -> pd.DataFrame:
    """One fit: truth, estimate and whether the 90 % interval holds the truth."""
    drawn = effects == "drawn"
    world = drawn_world(name, seed) if drawn else simulate_world(name, seed=seed)
    panel, _ = mmm.panel_from_frame(world.study, world.frame)
    started = time.perf_counter()
    fit = mmm.fit(world.study, panel)
    seconds = time.perf_counter() - started
    read = mmm.response(fit)
    diagnostics = diagnostics_of(read)
    table = mmm.efficiency_table(read).set_index("channel")
    ledger = ledger_table(fit)
    answers = [*channel_answers(world, table, ledger), *memory_answers(world, fit, ledger)]
    return pd.DataFrame(
        {
            "world": name,
            "seed": seed,
            "channel": one.channel,
            "quantity": one.quantity,
            "truth": one.truth,
            "mean": one.mean,
            "p05": one.low,
            "p95": one.high,
            "covered": one.low <= one.truth <= one.high if one.held is None else one.held,
            "error": abs(one.mean / one.truth - 1) if one.truth else np.nan,
            "tier": one.tier,
            "rhat": diagnostics.rhat_max,
            "ess": diagnostics.ess_bulk_min,
            "divergences": diagnostics.divergences,
            "seconds": seconds,
        }
        for one in answers
    )


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Coverage and median error by world and quantity, channels only."""
    channels = results[results["channel"] != "total"]
    grouped = channels.groupby(["world", "quantity"], sort=False)
    return grouped.agg(
        fits=("seed", "nunique"),
        answers=("covered", "size"),
        coverage_90=("covered", "mean"),
        median_error=("error", "median"),
        prior_led=("tier", lambda tiers: (tiers == "prior").mean()),
        worst_rhat=("rhat", "max"),
        least_ess=("ess", "min"),
        divergences=("divergences", "sum"),
    ).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=list(world_names()))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--effects", choices=("fixed", "drawn"), default="fixed")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    prefix = "drawn_" if options.effects == "drawn" else ""
    options.out.mkdir(parents=True, exist_ok=True)
    known = options.out / f"{prefix}results.csv"
    tables = [pd.read_csv(known, keep_default_na=False, na_values=[""])] if known.exists() else []
    done = {key for table in tables for key in zip(table["world"], table["seed"], strict=True)}
    for name in options.worlds:
        for seed in range(options.seeds):
            if (name, seed) in done:
                continue
            tables.append(recover(name, seed, options.effects))
            last = tables[-1].iloc[0]
            print(
                f"{name} seed {seed}: {tables[-1]['covered'].mean():.0%} covered, "
                f"R-hat {last['rhat']:.3f}, {last['seconds']:.0f} s",
                flush=True,
            )
            results = pd.concat(tables, ignore_index=True)
            results.to_csv(known, index=False, float_format="%.6g")
            summary = summarise(results)
            target = options.out / f"{prefix}summary.csv"
            summary.to_csv(target, index=False, float_format="%.4g")
    print(summary.to_string(index=False))


if __name__ == "__main__":
    main()
