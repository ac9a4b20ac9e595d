"""Worlds that break assumptions: does the library get them right, flag them, or fail silently?

    python benchmarks/calibration/worlds.py --seeds 3
    python benchmarks/calibration/worlds.py --pairs --seeds 2

Each world of `mmm.simulate.broken_worlds` is written as a study directory and run as a user would
(`mmm.check_study`, `mmm.run_study`), with the study of a user who knows of no trouble, over
several seeds. Channel totals of the window are compared with the truth.

The error of a channel is that of its mean, over its true total. Where the true total is below a
fifth of the average channel's in that world, the error is over that average: nothing has no
relative error; an effect of nothing is held by an interval that reaches below a twentieth of the
average. A run fails where the median error of its channels is over 25 % or any is over 50 %;
a world's 90 % coverage is over all channels and seeds and fails under 75 %. A failure is silent
where the verdict was `trusted`: of errors, on that seed; of coverage, on most seeds. A finding
names the trouble where its check is among those listed here for the world; what only `mmm check`
says does not count, as no verdict comes of it. A study that is refused was not trusted.

Writes `worlds.csv` (one row a world, seed and channel), `worlds_runs.csv` (one row a world and
seed, with verdict and findings) and `worlds_summary.csv` (one row a world), or, with `--pairs`,
what `pairs.py` says. Rows already there are not made again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pairs import run_pairs

import mmm
from mmm.errors import Finding, InputError
from mmm.simulate import World, write_world
from mmm.simulate.broken_worlds import broken_names, simulate_broken

HERE = Path(__file__).parent
MEDIAN, WORST, COVERAGE = 0.25, 0.5, 0.75
SMALL = 0.2
"""Part of the average channel's truth below which an error is over that average."""
NOTHING = 0.05
"""Part of that average below which the interval of a channel without effect must reach."""
REFUSED = "refused"

SHOCKS = ("geos_move_together", "residuals_related", "media_follows_outcome")
"""What says that something which acts everywhere, or lasts, or moves media too, is missing."""
NAMED: Mapping[str, tuple[str, ...]] = {
    "clean": (),
    "demand_drives_search": SHOCKS,
    "collinear": ("collinear", "entangled"),
    "wrong_family": ("curve_misfit",),
    "structural_break": ("level_break",),
    "trending_effect": ("effect_moves",),
    "outliers": ("outlier",),
    "constant_channel": ("constant_channel",),
    "seasonal_media": ("season_misfit", "entangled"),
    "mediation_ignored": ("mediated",),
    "spend_chases_sales": SHOCKS,
    "heavy_noise": ("imprecise", "weakly_known"),
    "short_history": ("few_periods", "imprecise"),
    "zero_effect": ("imprecise",),
    "sign_changing_control": ("control_moves",),
    "sparse_geos": ("small_counts", "imprecise"),
    "mismeasured_spend": ("media_follows_outcome", "curve_misfit"),
}
"""Checks whose finding names what troubles each world."""


def study(world: World, directory: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """One run as a user makes it: what is said of it, and its channels (none where refused)."""
    path = write_world(world, directory / "study") / "study.yaml"
    started = time.perf_counter()
    try:
        checked = mmm.check_study(path).findings
        result = mmm.run_study(path, directory / "out", core=True, report=False)
    except InputError as refusal:
        said = _said(refusal.findings, REFUSED, time.perf_counter() - started)
        return said | {"checks": _names(refusal.findings)}, pd.DataFrame()
    analysis = result.analysis
    if analysis is None:
        raise AssertionError("a run without an analysis")
    said = _said(analysis.findings, result.verdict, time.perf_counter() - started)
    diagnostics = analysis.diagnostics
    said |= {
        "checks": _names(checked),
        "rhat": diagnostics.rhat_max,
        "ess": min(diagnostics.ess_bulk_min, diagnostics.ess_tail_min),
        "divergences": diagnostics.divergences,
        "reasons": " | ".join(result.reasons),
    }
    return said, channels(world, analysis.efficiency)


def _said(findings: tuple[Finding, ...], verdict: str, seconds: float) -> dict[str, Any]:
    return {"verdict": verdict, "findings": _names(findings), "seconds": seconds}


def _names(findings: tuple[Finding, ...]) -> str:
    """Checks that found something, those that only inform in brackets."""
    names = {one.check if one.severity != "info" else f"({one.check})" for one in findings}
    return " ".join(sorted(names))


def channels(world: World, efficiency: pd.DataFrame) -> pd.DataFrame:
    """Truth, estimate and error of each channel's total in the window."""
    table = efficiency.set_index("channel")
    truths = {name: known["contribution"] for name, known in world.truth["channels"].items()}
    average = float(np.mean(list(truths.values())))
    rows = []
    for name, truth in truths.items():
        mean, low, high = (table.loc[name, f"contribution_{end}"] for end in ("mean", "p05", "p95"))
        over = truth if truth >= SMALL * average else average
        rows.append(
            {
                "channel": name,
                "truth": truth,
                "mean": mean,
                "p05": low,
                "p95": high,
                # shares are above nothing by construction
                "covered": low <= max(truth, NOTHING * average) and truth <= high,
                "error": abs(mean - truth) / over,
                "relative_to": "truth" if over == truth else "average",
                "evidence": table.loc[name, "evidence"],
            }
        )
    return pd.DataFrame(rows)


def summarise(runs: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """One row a world: how wrong, how often held, what was said, and what that makes of it."""
    rows = []
    for world, some in runs.groupby("world", sort=False):
        known = answers[answers["world"] == world]
        by_seed = known.groupby("seed")["error"].agg(["median", "max"])
        trusted = some.loc[some["verdict"] == "trusted", "seed"]
        wrong = by_seed[(by_seed["median"] > MEDIAN) | (by_seed["max"] > WORST)].index
        coverage = known["covered"].mean() if len(known) else float("nan")
        narrow = bool(coverage < COVERAGE)
        wanted = set(NAMED.get(str(world), ()))
        said = [{name.strip("()") for name in text.split()} for text in some["findings"]]
        named = sum(bool(found & wanted) for found in said)
        silent = len(wrong.intersection(trusted)) > 0
        silent = silent or (narrow and len(trusted) > len(some) / 2)
        failed = len(wrong) > 0 or narrow
        if silent:
            outcome = "silent failure"
        elif not len(known):
            outcome = "refused"
        elif failed:
            outcome = "flagged, named" if named >= len(some) / 2 else "flagged"
        else:
            outcome = "right"
        rows.append(
            {
                "world": world,
                "seeds": len(some),
                "outcome": outcome,
                "median_error": known["error"].median() if len(known) else float("nan"),
                "worst_error": known["error"].max() if len(known) else float("nan"),
                "coverage_90": coverage,
                "verdicts": " ".join(some["verdict"]),
                "named": f"{named} of {len(some)}",
                "findings": " ".join(sorted(set(" ".join(some["findings"]).split()))),
                "checks_alone": " ".join(
                    sorted(
                        set(" ".join(some["checks"]).split())
                        - set(" ".join(some["findings"]).split())
                    )
                ),
                "seconds": some["seconds"].mean(),
            }
        )
    return pd.DataFrame(rows)


def headline(summary: pd.DataFrame) -> str:
    broken = summary[summary["world"] != "clean"]
    counts = broken["outcome"].value_counts()
    said = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    silent = int((broken["outcome"] == "silent failure").sum())
    return f"{silent} silent failures in {len(broken)} broken worlds ({said})."


def run_worlds(names: list[str], seeds: int, out: Path) -> None:
    files = {name: out / f"{name}.csv" for name in ("worlds", "worlds_runs", "worlds_summary")}
    runs = _known(files["worlds_runs"])
    answers = _known(files["worlds"])
    done = {(row["world"], row["seed"]) for part in runs for row in part.to_dict("records")}
    for name in names:
        for seed in range(seeds):
            if (name, seed) in done:
                continue
            with tempfile.TemporaryDirectory() as directory:
                said, table = study(simulate_broken(name, seed=seed), Path(directory))
            runs.append(pd.DataFrame([{"world": name, "seed": seed, **said}]))
            if len(table):
                table.insert(0, "world", name)
                table.insert(1, "seed", seed)
                answers.append(table)
                error = f"median error {table['error'].median():.0%}, worst "
                error += f"{table['error'].max():.0%}, held {table['covered'].mean():.0%}"
            else:
                error = "no answer"
            print(
                f"{name} {seed}: {error}, {said['verdict']} [{said['findings']}], "
                f"{said['seconds']:.0f} s",
                flush=True,
            )
            every = _joined(runs)
            every.to_csv(files["worlds_runs"], index=False, float_format="%.6g")
            if answers:
                found = pd.concat(answers, ignore_index=True)
                found.to_csv(files["worlds"], index=False, float_format="%.6g")
    every = _joined(runs)
    found = pd.concat(answers) if answers else pd.DataFrame(columns=["world", "seed", "error"])
    summary = summarise(every, found)
    summary.to_csv(files["worlds_summary"], index=False, float_format="%.4g")
    print(summary.drop(columns=["findings", "checks_alone"]).to_string(index=False))
    print(headline(summary))


def _joined(runs: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(runs, ignore_index=True).fillna({"findings": "", "checks": ""})


def _known(path: Path) -> list[pd.DataFrame]:
    return [pd.read_csv(path)] if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--worlds", nargs="+", default=list(broken_names()))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", action="store_true", help="true against fitted families")
    parser.add_argument("--full", action="store_true", help="with --pairs: every fitted family")
    parser.add_argument("--default", action="store_true", help="with --pairs: no other family")
    parser.add_argument("--sizes", nargs="+", default=["national", "geo"], help="with --pairs")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.pairs:
        run_pairs(
            options.sizes, options.seeds, options.out, full=options.full, alone=options.default
        )
    else:
        run_worlds(options.worlds, options.seeds, options.out)


if __name__ == "__main__":
    main()
