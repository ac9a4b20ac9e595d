"""How fast plans are found, and how good they are where the truth is known.

    python benchmarks/optimiser/run.py --seeds 20

`timing.csv`: seconds from a response of 1,000 draws (8 geos, 8 channels, 13 weeks) to a plan,
set-up included, for every objective. `truth.csv`: for each world and seed, the true profit of the
recommended plan, of today's and of the true optimum within the same limits, evaluated by the
simulator's own curves; what part of the loss is money on other channels and what part its timing;
what the posterior expects of the true optimum beyond the recommended plan (above zero only where
the search fell short); and whether the outcome of 13 held-out weeks reached the targets that were
forecast to be reached with 50, 80 and 90 %. `summary.csv`: loss against the true optimum, how often
today's plan was beaten, how often targets were reached. `--effects drawn` draws the sizes of
effects anew for each seed (`benchmarks/drawn.py`) and puts `drawn_` before the names of files;
`--level` leaves the trend out of the worlds and puts `level_` before them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import binom

import mmm
from mmm.config import Inference, PlanSettings
from mmm.plan.constraints import Region
from mmm.plan.levers import Levers
from mmm.plan.optimise import Optimum, optimise
from mmm.plan.profit import plan_worth_of_units
from mmm.plan.record import predictive_total
from mmm.plan.search import problem
from mmm.simulate import large_spec, world_spec
from mmm.simulate.generate import Scene, draw_scene, simulate
from mmm.simulate.oracle import contributions
from mmm.simulate.spec import WorldSpec

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from drawn import drawn_spec  # noqa: E402

AHEAD = 13
SETTINGS = PlanSettings(horizon=AHEAD, objective="expected_profit")
INFERENCE = Inference(chains=4, draws=500, tune=300, seed=1)
MEMORY = 60
CHANCES = (0.5, 0.8, 0.9)
WORLDS = ("geo", "geo_brand", "national")


@dataclass(frozen=True, slots=True)
class Truth:
    """The simulator's own answer for money (H, G, C) spent after the first `window` periods."""

    fit: mmm.Fit
    spec: WorldSpec
    scene: Scene
    window: int

    def by_channel(self, made: Levers, money: np.ndarray) -> np.ndarray:
        """Of each channel (C,): margin on the value of outcome caused over the finance horizon,
        less loaded cost, both discounted: what the optimiser counts. Carry-over has died out
        after `MEMORY` periods, and the brand stock is linear, so that no more of the past is
        needed."""
        start = self.spec.history + self.window
        past = self.scene.media[start - MEMORY : start]
        unit = plan_worth_of_units(self.fit, made.prices.base)
        span = len(unit.sold)
        silent = np.zeros((span, *past.shape[1:]))
        spent = silent.copy()
        spent[:AHEAD] = money * made.prices.buys
        with_it, without = (
            sum(contributions(np.concatenate([past, plan]), self.scene.curves))[MEMORY:]
            for plan in (spent, silent)
        )
        worth = np.einsum("t,tgc->c", unit.sold, with_it - without) * self.spec.value_per_unit
        by_period = money.sum(axis=1)
        # a channel's fixed cost ends with its last spending
        running = np.cumsum(by_period[::-1], axis=0)[::-1] > 0.0
        paid = by_period * made.prices.loading + made.prices.fixed * running
        return worth - unit.paid[:AHEAD] @ paid

    def profit(self, made: Levers, money: np.ndarray) -> float:
        """All channels together."""
        return float(self.by_channel(made, money).sum())

    def gradient(self, made: Levers, z: np.ndarray) -> np.ndarray:
        """By every decision: channels do not touch each other, so one step moves them all."""
        plan = z.reshape(len(made.chosen), -1)
        step = 1e-4 * plan.mean()
        slope = np.empty_like(plan)
        base = self.by_channel(made, made.money(z))[made.chosen]
        for place in range(plan.shape[1]):
            moved = plan.copy()
            moved[:, place] += step
            after = self.by_channel(made, made.money(moved.ravel()))[made.chosen]
            slope[:, place] = (after - base) / step
        return slope.ravel()

    def best(self, found: Optimum, region: Region) -> tuple[float, np.ndarray]:
        """Profit and decisions (n,) of the true optimum within a region, searched from the plan."""
        made = found.levers
        unit = float(np.abs(found.z).max())
        equal = region.low == region.high
        rows = np.vstack([region.matrix[~equal], -region.matrix[~equal]])
        ends = np.concatenate([region.low[~equal], -region.high[~equal]]) / unit
        rows, ends = rows[np.isfinite(ends)], ends[np.isfinite(ends)]
        scale = max(abs(self.profit(made, found.money)), unit)
        solved = minimize(
            lambda u: -self.profit(made, made.money(u * unit)) / scale,
            found.z / unit,
            jac=lambda u: -self.gradient(made, u * unit) * unit / scale,
            method="SLSQP",
            bounds=np.stack([region.lower, region.upper], axis=1) / unit,
            constraints=[
                {
                    "type": "eq",
                    "fun": lambda u: region.matrix[equal] @ u - region.low[equal] / unit,
                    "jac": lambda u: region.matrix[equal],
                },
                {"type": "ineq", "fun": lambda u: rows @ u - ends, "jac": lambda u: rows},
            ],
            options={"maxiter": 100, "ftol": 1e-9},
        )
        stays = self.profit(made, found.money)
        if region.holds(solved.x * unit, 1e-5 * unit) and -solved.fun * scale > stays:
            return -solved.fun * scale, solved.x * unit
        return stays, found.z


def with_totals_of(found: Optimum) -> Region:
    """The plan's region with the plan's money of each channel."""
    region, of = found.region, found.levers.channel_of()
    for channel in found.levers.chosen.tolist():
        total = float(found.z[of == channel].sum())
        region = region.with_rows((of == channel).astype(float), total, total, "totals")
    return region


def plan_in(name: str, seed: int, margin: float, effects: str, level: bool) -> dict[str, object]:
    """Fits a world but its last weeks, plans them, and holds plan and targets against the truth."""
    spec = world_spec(name)
    if effects == "drawn":
        spec = drawn_spec(spec, seed, shapes=True)
    if level:
        spec = replace(spec, trend=0.0)
    longer = replace(spec, periods=spec.periods + AHEAD)
    world, scene = simulate(longer, seed), draw_scene(longer, seed)
    finance = world.study.finance.model_copy(update={"margin": margin})
    study = world.study.model_copy(
        update={"inference": INFERENCE, "plan": SETTINGS, "finance": finance}
    )
    whole, _ = mmm.panel_from_frame(study, world.frame)
    panel = whole.window(0, spec.periods)
    fit = mmm.fit(study, panel)
    read = mmm.response(fit)
    started = time.perf_counter()
    found = optimise(read)
    seconds = time.perf_counter() - started
    truth = Truth(fit, longer, scene, spec.periods)
    made = found.levers
    plan, today = (truth.profit(made, money) for money in (found.money, made.prices.today))
    ahead = whole.window(spec.periods, spec.periods + AHEAD).dataset
    drawn = predictive_total(
        read, ahead["date"].to_index(), ahead["media"].values, ahead["controls"].values
    ).sum(axis=1)
    came = float(ahead["outcome"].values.sum())
    best, true_plan = truth.best(found, found.region)
    same_totals = truth.best(found, with_totals_of(found))[0]
    believed = problem(read, SETTINGS, found.budget).valuation.values(true_plan)[0]
    return {
        "world": name,
        "seed": seed,
        "plan": plan,
        "today": today,
        "best": best,
        "loss": (best - plan) / abs(best),
        "loss_between_channels": (best - max(same_totals, plan)) / abs(best),
        "loss_in_timing": (max(same_totals, plan) - plan) / abs(best),
        "search_short": float(believed.mean() - found.profit.mean()) / abs(best),
        "gain_missed": (best - plan) / max(best - today, 1e-9),
        "beats_today": plan > today,
        "expected": float(found.profit.mean()),
        "inside_90": bool(
            np.quantile(found.profit, 0.05) <= plan <= np.quantile(found.profit, 0.95)
        ),
        "probability_better": float((found.profit > found.profit_today).mean()),
        "converged": found.status.converged,
        "seconds": seconds,
        **{f"reached_{round(100 * p)}": bool(came >= np.quantile(drawn, 1.0 - p)) for p in CHANCES},
    }


def timings(repeats: int = 3) -> pd.DataFrame:
    """Seconds to a plan on a response of 1,000 draws, the first solve of the process apart."""
    spec = large_spec(geos=8, periods=104, channels=8, seed=1, brand=True)
    world = simulate(spec, 1)
    settings = Inference(chains=4, draws=250, tune=250, seed=1)
    study = world.study.model_copy(update={"inference": settings, "plan": SETTINGS})
    panel, _ = mmm.panel_from_frame(study, world.frame)
    read = mmm.response(mmm.fit(study, panel))
    forecast = mmm.forecast(read)
    total = float(forecast.loc[forecast["kind"] == "total", "mean"].sum())
    rows = []
    for objective, changes in (
        ("expected_profit", {}),
        ("expected_outcome", {}),
        ("cvar", {}),
        ("mean_variance", {}),
        ("probability_of_target", {"target": total}),
        ("expected_profit", {"pacing": 0.3, "brand_share": (0.1, 0.4)}),
    ):
        asked = SETTINGS.model_copy(update={"objective": objective, **changes})
        for repeat in range(repeats):
            started = time.perf_counter()
            found = optimise(read, asked)
            rows.append(
                {
                    "objective": objective,
                    "constrained": bool(changes) and "pacing" in changes,
                    "repeat": repeat,
                    "decisions": found.levers.size,
                    "draws": read.draws,
                    "seconds": time.perf_counter() - started,
                    "converged": found.status.converged,
                    "load": os.getloadavg()[0],
                }
            )
    return pd.DataFrame(rows)


def summary_of(table: pd.DataFrame) -> pd.DataFrame:
    """One row a world: mean loss, share of seeds beaten, and targets within binomial bands."""
    rows = []
    for name, part in table.groupby("world", sort=False):
        row = {
            "world": name,
            "seeds": len(part),
            "mean_loss": part["loss"].mean(),
            "loss_of_all": (part["best"] - part["plan"]).sum() / part["best"].sum(),
            "mean_loss_between_channels": part["loss_between_channels"].mean(),
            "mean_loss_in_timing": part["loss_in_timing"].mean(),
            "most_search_short": part["search_short"].max(),
            "mean_gain_missed": part["gain_missed"].mean(),
            "worst_loss": part["loss"].max(),
            "beats_today": part["beats_today"].mean(),
            "profit_inside_90": part["inside_90"].mean(),
            "median_seconds": part["seconds"].median(),
        }
        for p in CHANCES:
            key = f"reached_{round(100 * p)}"
            low, high = binom.ppf([0.025, 0.975], len(part), p)
            row[key] = part[key].mean()
            row[f"{key}_in_band"] = bool(low <= part[key].sum() <= high)
        rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--worlds", nargs="*", default=list(WORLDS))
    parser.add_argument("--margin", type=float, default=1.0)
    parser.add_argument("--skip-timing", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--effects", choices=("fixed", "drawn"), default="fixed")
    parser.add_argument("--level", action="store_true", help="worlds without trend")
    chosen = parser.parse_args()
    prefix = "level_" * chosen.level + "drawn_" * (chosen.effects == "drawn")
    if not chosen.skip_timing:
        table = timings()
        table.to_csv(chosen.out / "timing.csv", index=False)
        print(table.to_string(index=False))
    rows: list[dict[str, object]] = []
    for name in chosen.worlds:
        for seed in range(chosen.seeds):
            rows.append(plan_in(name, seed, chosen.margin, chosen.effects, chosen.level))
            print({key: rows[-1][key] for key in ("world", "seed", "loss", "beats_today")})
            table = pd.DataFrame(rows)
            table.to_csv(chosen.out / f"{prefix}truth.csv", index=False)
            summary_of(table).to_csv(chosen.out / f"{prefix}summary.csv", index=False)
    if rows:
        print(summary_of(pd.DataFrame(rows)).to_string(index=False))


if __name__ == "__main__":
    main()
