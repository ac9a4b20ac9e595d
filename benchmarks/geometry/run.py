"""Which sampler settings buy the most effective draws per gradient of the log-density.

    python benchmarks/geometry/run.py --data DATA [--settings all] [--seeds 2]

`DATA` is a folder with one study a sub-folder (`small_business/study.yaml` and so on); without
it only simulated worlds are sampled. Cost is counted in gradients of all chains, warm-up
included, because gradients do not depend on what else the machine does (the search for the mode
takes one to two hundred a chain and two a scalar, and is not counted). Each setting changes one
thing about `base`, the default: `unbent` leaves out bends, `plain` all change of coordinates, with
nutpie's low-rank mass matrix. Writes
`results.csv` (a row a data set, setting and seed, written as it goes; rows already there are
not sampled again) and `summary.csv` (by setting and data set) beside this file or under `--out`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import pandas as pd
import xarray as xr
from arviz_stats import ess, rhat
from threadpoolctl import threadpool_limits

import mmm
from mmm.config import Inference, Study
from mmm.data.panel import Panel
from mmm.inference.fit import Fit, posterior_dataset
from mmm.inference.sample import DEEPEST_TREE, KEPT_STATISTICS, compiled_model, settled
from mmm.inference.whiten import Whitened, starting_point, whiten
from mmm.model import kernel
from mmm.model.coordinates import Bends
from mmm.model.density import Density, bends_of, build_density, natural_values
from mmm.model.design import build_design
from mmm.model.spec import ModelSpec, model_spec
from mmm.results.respond import response
from mmm.simulate import large_spec, simulate, simulate_world

HERE = Path(__file__).parent
CHAINS, DRAWS = 4, 500
TRUSTED_ESS = 400.0
STUDIES = ("small_business", "pinkham", "conjura_home", "robyn_weekly", "medium_business")
WORLDS = {"simulated_2x131x6": (2, 131, 6), "national_brand": None}
SLOW = ("medium_business",)


@dataclass(frozen=True)
class Setting:
    """One way to sample: in which coordinates, from where, and what nutpie is told."""

    name: str
    tune: int | None = None
    accept: float | None = None
    whitened: bool = True
    bent: bool = True

    def told(self, spec: ModelSpec) -> dict[str, Any]:
        """Keyword arguments of `nutpie.sample` for a model: what is left out is the default."""
        asked = Inference(tune=self.tune, target_accept=self.accept)
        used = settled(asked, spec, whitened=self.whitened)
        return {
            "tune": used.tune,
            "draws": DRAWS,
            "target_accept": used.target_accept,
            "adaptation": "diag" if self.whitened else "low_rank",
            "maxdepth": DEEPEST_TREE,
        }


def settings() -> tuple[Setting, ...]:
    """The default, everything one step away from it, and the same without whitening."""
    return (
        Setting("base"),
        Setting("unbent", bent=False),
        *(Setting(f"accept_{a:g}", accept=a) for a in (0.8, 0.9, 0.95, 0.97, 0.98)),
        *(Setting(f"tune_{n}", tune=n) for n in (100, 200, 400)),
        Setting("unbent_tune_200", bent=False, tune=200),
        Setting("plain", whitened=False),
        Setting("plain_0.95", whitened=False, accept=0.95),
    )


def problems(data: Path | None, names: list[str]) -> Iterator[tuple[str, Study, Panel]]:
    """Study and panel by name: folders of `data`, then simulated worlds."""
    for name in STUDIES:
        if data is not None and name in names:
            study = mmm.load_study(data / name / "study.yaml")
            panel, _ = mmm.load_panel(study, data / name)
            yield name, study, panel
    for name, size in WORLDS.items():
        if name in names:
            world = simulate(large_spec(*size), seed=0) if size else simulate_world(name, seed=0)
            panel, _ = mmm.panel_from_frame(world.study, world.frame)
            yield name, world.study, panel


def drawn(density: Density, setting: Setting, seed: int) -> xr.DataTree:
    """Draws and statistics of one setting, warm-up included."""
    found = shape(density, setting, seed)
    start = found.start if found else partial(starting_point, density)
    pool = density.workspace(CHAINS, found and found.coordinates)
    compiled = compiled_model(density.size, start, pool)
    with threadpool_limits(1):
        tree = nutpie.sample(
            compiled,
            chains=CHAINS,
            seed=seed,
            save_warmup=True,
            progress_bar=False,
            **setting.told(density.spec),
        )
    if found:
        points = tree["posterior"]["q"]
        tree["posterior"]["q"] = points.copy(data=found.points(points.values))
    return tree


def shape(density: Density, setting: Setting, seed: int) -> Whitened | None:
    """The coordinates of one setting."""
    if not setting.whitened:
        return None
    bends = bends_of(density)
    if not setting.bent:
        bends = Bends(*(np.empty(0, getattr(bends, one.name).dtype) for one in fields(bends)))
    return whiten(density, Inference(chains=CHAINS, seed=seed), bends=bends)


def fitted(density: Density, study: Study, panel: Panel, tree: xr.DataTree) -> Fit:
    """The draws as a fit, as `mmm.fit` would return it."""
    values = natural_values(density, tree["posterior"]["q"].values)
    kept = tree["sample_stats"].to_dataset()[list(KEPT_STATISTICS)].drop_attrs()
    return Fit(study, panel, posterior_dataset(density, values), kept, versions={})


def worst(values: xr.Dataset, *, largest: bool) -> tuple[float, str]:
    """The worst value of all variables and its name; one that is not finite is the worst."""
    bad = np.inf if largest else 0.0
    found = []
    for name, part in values.data_vars.items():
        flat = np.where(np.isfinite(part.values), part.values, bad)
        at = int(flat.argmax() if largest else flat.argmin())
        found.append((float(flat[at]), f"{name}[{part[part.dims[0]].values[at]}]"))
    return max(found) if largest else min(found)


def measure(
    density: Density, study: Study, panel: Panel, setting: Setting, seed: int
) -> dict[str, Any]:
    """One row of `results.csv`."""
    tree = drawn(density, setting, seed)
    fit = fitted(density, study, panel, tree)
    read = response(fit, draws=1)  # its totals are of every draw
    channels = list(panel.channels)
    totals = xr.Dataset(
        {"total": (("chain", "draw", "total_dim"), read.totals)}, coords={"total_dim": channels}
    )
    everything = fit.posterior.merge(totals)
    bulk, name = worst(ess(fit.posterior, method="bulk"), largest=False)
    tail, tail_name = worst(ess(everything, method="tail"), largest=False)
    total, total_name = worst(ess(totals, method="bulk"), largest=False)
    disagreement, rhat_name = worst(rhat(everything), largest=True)
    warm, main = tree["warmup_sample_stats"], tree["sample_stats"]
    warm_up = int(warm["n_steps"].sum())
    sampling = int(main["n_steps"].sum())
    spent = (warm_up + sampling) / 1000.0
    told = setting.told(density.spec)
    return {
        "setting": setting.name,
        "seed": seed,
        "target_accept": told["target_accept"],
        "tune": told["tune"],
        "draws": told["draws"],
        "scalars": density.size,
        "gradients_warm_up": warm_up,
        "gradients_sampling": sampling,
        "steps_mean": float(main["n_steps"].mean()),
        "steps_max": int(main["n_steps"].max()),
        "step_size": float(main["step_size"].mean()),
        "divergences": int(main["diverging"].sum()),
        "rhat_max": disagreement,
        "rhat_of": rhat_name,
        "ess_total": total,
        "ess_total_of": total_name,
        "ess_parameter": bulk,
        "ess_parameter_of": name,
        "ess_tail": tail,
        "ess_tail_of": tail_name,
        "ess_total_per_1000": total / spent,
        "ess_parameter_per_1000": bulk / spent,
        "gradients_to_trust": warm_up + sampling * TRUSTED_ESS / max(min(total, bulk, tail), 1.0),
    }


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """By setting and data set: mean cost, warm-up and steps over seeds, all divergences, and the
    worst seed of everything else."""
    grouped = results.groupby(["setting", "dataset"], sort=False)
    return grouped.agg(
        seeds=("seed", "nunique"),
        gradients=("gradients_to_trust", "mean"),
        warm_up=("gradients_warm_up", "mean"),
        steps_mean=("steps_mean", "mean"),
        divergences=("divergences", "sum"),
        rhat_max=("rhat_max", "max"),
        ess_total=("ess_total", "min"),
        ess_parameter=("ess_parameter", "min"),
        ess_tail=("ess_tail", "min"),
        ess_total_per_1000=("ess_total_per_1000", "min"),
        ess_parameter_per_1000=("ess_parameter_per_1000", "min"),
    ).reset_index()


def main() -> None:
    every = {setting.name: setting for setting in settings()}
    known = [*STUDIES, *WORLDS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--datasets", nargs="+", choices=known, default=None)
    parser.add_argument("--settings", nargs="+", choices=["all", *every], default=["all"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    chosen = list(every) if "all" in options.settings else options.settings
    names = options.datasets or [name for name in known if name not in SLOW]
    target = options.out / "results.csv"
    rows = pd.read_csv(target).to_dict("records") if target.exists() else []
    done = {(row["dataset"], row["setting"], row["seed"]) for row in rows}
    for name, study, panel in problems(options.data, names):
        spec = model_spec(study, panel)
        density = build_density(spec, build_design(spec, panel))
        kernel.prepare(spec.likelihood)
        for setting in (every[key] for key in chosen):
            for seed in range(1, options.seeds + 1):
                if (name, setting.name, seed) in done:
                    continue
                row = {"dataset": name, **measure(density, study, panel, setting, seed)}
                rows.append(row)
                pd.DataFrame(rows).to_csv(target, index=False, float_format="%.6g")
                print(
                    f"{name} {setting.name} seed {seed}: {row['steps_mean']:.0f} steps, "
                    f"{row['divergences']} divergences, R-hat {row['rhat_max']:.3f}, "
                    f"ESS {row['ess_total']:.0f} {row['ess_parameter']:.0f}, "
                    f"{row['gradients_to_trust']:.0f} gradients to trust",
                    flush=True,
                )
    summary = summarise(pd.DataFrame(rows))
    summary.to_csv(options.out / "summary.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
