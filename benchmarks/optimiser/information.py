"""How much of what a plan loses against the true optimum the data does not know.

    python benchmarks/optimiser/information.py

Truths are drawn from the model's own prior, on the spending of a simulated world of each size and
with its noise, and an outcome is drawn for each. The outcome is fitted, the plan with the largest
posterior expected profit is made, and its profit under the truth is set beside that of the true
optimum within the same limits. Likelihood and prior are those the truth was drawn from, so that no
rule which sees the same data loses less money on average over such truths (Berger, 1985,
"Statistical decision theory and Bayesian analysis", section 4.4): what is lost is the price of not
knowing. What remains to the method is Monte Carlo error of the draws and of the solver, and that it
has to learn the noise. A truth whose density is not finite in floating point is passed over.

`information.csv` has a row a truth, `information_summary.csv` one a size: `lost`, money lost over
what the true optima earn, all truths together, with its standard error by the delta method;
`lost_per_cost` and `best_per_cost` the two over the plan's loaded cost; `missed` money lost over
what the optima earn above today's plan; how often today's plan is beaten.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd

from mmm.config import PlanSettings
from mmm.inference.fit import posterior_dataset
from mmm.inference.sample import sample
from mmm.model import kernel
from mmm.model.density import natural_values
from mmm.plan.money import prices
from mmm.plan.objective import Objective
from mmm.plan.search import problem, solve
from mmm.plan.solve import climb
from mmm.results.blocks import take_draws
from mmm.simulate import world_spec
from mmm.simulate.spec import WorldSpec

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "calibration"))

from sbc import SEED, PriorDraws, Reference, reference, truth_and_draws, with_outcome  # noqa: E402

AHEAD = 13
SETTINGS = PlanSettings(horizon=AHEAD, objective="expected_profit")
DRAWS = 1000
"""Posterior draws that a plan is made on."""
MARGIN = 1.0
"""Margin on the value of outcome, as in `run.py`."""
SIZES = (
    ("national", 104, 1), ("national", 156, 1), ("national", 208, 1), ("national", 312, 1),
    ("national", 416, 1), ("geo", 130, 4), ("geo", 130, 10),
)  # fmt: skip
"""World whose channels are used, periods, geos."""


def world_of(name: str, periods: int, geos: int) -> WorldSpec:
    """The catalogue's world at another size, each geo as large as it is there."""
    spec = world_spec(name)
    return replace(
        spec, periods=periods, geos=geos, level=spec.level * geos / spec.geos,
        name=f"{name}_{geos}x{periods}",
    )  # fmt: skip


def at_margin(known: Reference, margin: float) -> Reference:
    """The same with another margin on the value of outcome."""
    finance = known.study.finance.model_copy(update={"margin": margin})
    return replace(known, study=known.study.model_copy(update={"finance": finance}))


def plan_under(known: Reference, truths: PriorDraws, number: int) -> dict[str, object]:
    """One truth: its optimum, and the plan that a fit of its outcome leads to."""
    truth = truths[number]
    started = time.perf_counter()
    density = with_outcome(known.density, truth.outcome)
    settings = known.study.inference.model_copy(
        update={"chains": 2, "draws": DRAWS // 2, "seed": (SEED + 7919 * number) % 2**31}
    )
    sampled = sample(density, settings)
    values = natural_values(density, sampled.unconstrained)
    flat = values.reshape(-1, values.shape[2])
    read = truth_and_draws(known, density, truth, flat, number)
    real, believed = take_draws(read, np.array([0])), take_draws(read, np.arange(1, len(flat) + 1))
    at = prices(real.fit)
    budget = float(at.today.sum())
    asked, actual = (problem(one, SETTINGS, budget, at) for one in (believed, real))
    found = solve(asked)
    # the optimum is searched for afresh and from the plan: the better of the two
    tried = (
        solve(actual).z,
        climb(actual.valuation, Objective("expected_profit"), actual.region, found.z)[0],
    )
    best = max(float(actual.valuation.values(z)[0][0]) for z in tried)
    plan = float(actual.valuation.values(found.z)[0][0])
    today = float(actual.valuation.of_money(at.today)[0])
    return {
        "world": known.kind,
        "truth": number,
        "best": best,
        "plan": plan,
        "today": today,
        "lost": best - plan,
        "cost": float(at.base.cost.sum()),
        "gap": found.gap,
        "expected": float(asked.valuation.values(found.z)[0].mean()),
        "divergences": int(sampled.statistics["diverging"].sum()),
        "parameters": len(posterior_dataset(density, values).data_vars),
        "seconds": time.perf_counter() - started,
    }


def noise_of(known: Reference) -> dict[str, np.ndarray]:
    """The noise of the reference world itself, as its own fit has it."""
    settings = known.study.inference.model_copy(update={"chains": 2, "draws": 200, "seed": 1})
    sampled = sample(known.density, settings)
    posterior = posterior_dataset(
        known.density, natural_values(known.density, sampled.unconstrained)
    )
    return {"sigma": posterior["sigma"].mean(("chain", "draw")).values}


def ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[float, float]:
    """Ratio of two means and its standard error by the delta method."""
    found = float(top.sum() / bottom.sum())
    return found, float(np.std(top - found * bottom, ddof=1) / np.sqrt(len(top)) / bottom.mean())


def summary_of(table: pd.DataFrame) -> pd.DataFrame:
    """One row a size."""
    rows = []
    for name, part in table.groupby("world", sort=False):
        best, plan, today = (part[column].to_numpy() for column in ("best", "plan", "today"))
        lost, error = ratio(best - plan, best)
        missed, missed_error = ratio(best - plan, best - today)
        rows.append(
            {
                "world": name,
                "truths": len(part),
                "lost": lost,
                "lost_se": error,
                "mean_best": best.mean(),
                "mean_lost": (best - plan).mean(),
                "mean_lost_se": (best - plan).std(ddof=1) / np.sqrt(len(best)),
                "lost_per_cost": float(np.mean((best - plan) / part["cost"])),
                "best_per_cost": float(np.mean(best / part["cost"])),
                "missed": missed,
                "missed_se": missed_error,
                "beats_today": float((plan > today).mean()),
                "median_seconds": float(part["seconds"].median()),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--truths", type=int, default=60)
    parser.add_argument("--sizes", nargs="*", help="NAME:PERIODS:GEOS in place of the usual ones")
    parser.add_argument("--summary", action="store_true", help="only the summary")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    sizes = () if options.summary else SIZES
    if options.sizes:
        parts = [one.split(":") for one in options.sizes]
        sizes = tuple((name, int(periods), int(geos)) for name, periods, geos in parts)
    path = options.out / "information.csv"
    rows = pd.read_csv(path).to_dict("records") if path.exists() else []
    done = {(row["world"], row["truth"]) for row in rows}
    for name, periods, geos in sizes:
        spec = world_of(name, periods, geos)
        found = sum(world == spec.name for world, _ in done)
        if found >= options.truths:
            continue
        known = at_margin(reference(spec.name, spec), MARGIN)
        kernel.prepare(known.density.spec.likelihood)
        truths = PriorDraws(known, noise_of(known))
        for number in count():
            if found == options.truths:
                break
            if (spec.name, number) in done:
                continue
            try:
                rows.append(plan_under(known, truths, number))
            except FloatingPointError as problem:
                print(f"{spec.name} {number}: {problem}", flush=True)
                continue
            found += 1
            last = rows[-1]
            print(
                f"{spec.name} {number}: best {last['best']:,.0f}, plan {last['plan']:,.0f}, today "
                f"{last['today']:,.0f}, {last['seconds']:.1f} s",
                flush=True,
            )
            pd.DataFrame(rows).to_csv(path, index=False, float_format="%.6g")
    summary = summary_of(pd.DataFrame(rows))
    summary.to_csv(options.out / "information_summary.csv", index=False, float_format="%.4g")
    print(summary.to_string(index=False))


if __name__ == "__main__":
    main()
