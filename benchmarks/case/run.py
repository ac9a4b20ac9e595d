"""Is the chance of loss honest? Cases of simulated worlds against what their plans really bring.

    python benchmarks/case/run.py --seeds 20 --worlds national national_brand

For each world and seed: a fit, the case of today's plan, and the plan's true NPV, from the world's
own response (`mmm.simulate.oracle`), which shares no code with the model. NPV is linear in the
margin, so for each level q there is a margin at which the case says that the chance of loss is q:
over seeds, the truth should lose there in the part q of them. That can only be asked of worlds
that differ as much as the prior says they may: `--effects drawn` (the default) draws the size of
every channel's effect anew for each seed, from the default prior of a share; `--effects fixed`
keeps those of the catalogue, whose seeds share one truth. Writes `results.csv` (one row a
world, seed and level) and `summary.csv` (how often it did, with the binomial 95 % band, and how
often the 90 % interval of NPV held the truth) beside this file.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binom

import mmm
from mmm.cash.cashflow import CashFlow, cash_flow
from mmm.invest.appraise import appraise
from mmm.plan.scenario import as_is
from mmm.simulate import simulate, world_spec
from mmm.simulate.generate import draw_scene
from mmm.simulate.oracle import contributions
from mmm.simulate.spec import WorldSpec

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from drawn import drawn_spec  # noqa: E402

LEVELS = (0.1, 0.2, 0.5, 0.8, 0.9)


def true_value(spec: WorldSpec, seed: int, plan: np.ndarray, periods: int) -> np.ndarray:
    """Money that `plan` (H, G, C) brings against nothing in each of the periods after the window,
    (periods,), in the world of `spec` and `seed`."""
    scene = draw_scene(spec, seed)
    silent = np.concatenate([scene.media, np.zeros((periods, *scene.media.shape[1:]))])
    spending = silent.copy()
    start = len(scene.media)
    spending[start : start + len(plan)] = plan
    difference = sum(
        ours - theirs
        for ours, theirs in zip(
            contributions(spending, scene.curves),
            contributions(silent, scene.curves),
            strict=True,
        )
    )
    return spec.value_per_unit * difference[start:].sum(axis=(1, 2))


def truth_of(cash: CashFlow, value: np.ndarray, cost: np.ndarray) -> CashFlow:
    """The cash flow of the truth under the same finance."""
    known = value[None, : cash.periods]
    return cash_flow(known, cost, cash.dates, cash.finance, cash.periods_per_year)


def judge(name: str, seed: int, draws: int, effects: str) -> list[dict[str, object]]:
    """One row a level."""
    spec = world_spec(name)
    if effects == "drawn":
        spec = drawn_spec(spec, seed)
    world = simulate(spec, seed)
    started = time.perf_counter()
    panel, _ = mmm.panel_from_frame(world.study, world.frame)
    settings = world.study.inference.model_copy(update={"draws": draws})
    fit = mmm.fit(world.study.model_copy(update={"inference": settings}), panel)
    plan = as_is(fit)
    found = appraise(mmm.response(fit), plan, fit_verdict="trusted")
    seconds = time.perf_counter() - started
    cash, cost = found.cash, plan.cost.sum(axis=1)
    value = true_value(spec, seed, plan.media, cash.periods)
    real = truth_of(cash, value, cost)
    npv = float((real.net @ real.discount_factor)[0])
    # what a margin of 1 would bring: NPV is (1 - tax) (margin x this - burden)
    worth = cash.present_inflow / cash.drawn.margin
    truth = float(real.present_inflow[0] / real.drawn.margin[0])
    low, high = np.quantile(found.case.npv_draws, [0.05, 0.95])
    rows = []
    for level in LEVELS:
        margin = float(np.quantile(cash.burden / worth, 1.0 - level))
        rows.append(
            {
                "world": name,
                "effects": effects,
                "seed": seed,
                "level": level,
                "margin": margin,
                "predicted": float(np.mean(margin * worth < cash.burden)),
                "lost": margin * truth < cash.burden,
                "npv": npv,
                "npv_mean": found.case.npv.mean,
                "npv_p05": low,
                "npv_p95": high,
                "inside": low <= npv <= high,
                "probability_of_loss": found.case.probability_of_loss,
                "verdict": found.case.decision.verdict.value,
                "seconds": seconds,
            }
        )
    return rows


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """By world and level: how often the truth lost, beside what was predicted."""
    table = (
        results.groupby(["world", "level"], sort=False)
        .agg(
            seeds=("seed", "nunique"),
            predicted=("predicted", "mean"),
            lost=("lost", "mean"),
            npv_held=("inside", "mean"),
        )
        .reset_index()
    )
    low, high = binom.interval(0.95, table["seeds"], table["level"])
    table["band_low"], table["band_high"] = low / table["seeds"], high / table["seeds"]
    table["calibrated"] = table["lost"].between(table["band_low"], table["band_high"])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--worlds", nargs="+", default=["national", "national_brand"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--effects", choices=("drawn", "fixed"), default="drawn")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for name in options.worlds:
        for seed in range(options.seeds):
            rows += judge(name, seed, options.draws, options.effects)
            last = rows[-1]
            print(
                f"{name} seed {seed}: NPV {last['npv']:,.0f}, said {last['npv_mean']:,.0f} "
                f"({last['npv_p05']:,.0f} to {last['npv_p95']:,.0f}), {last['seconds']:.0f} s",
                flush=True,
            )
            results = pd.DataFrame(rows)
            results.to_csv(options.out / "results.csv", index=False, float_format="%.6g")
            summary = summarise(results)
            summary.to_csv(options.out / "summary.csv", index=False, float_format="%.4g")
    print(summary.to_string(index=False))


if __name__ == "__main__":
    main()
