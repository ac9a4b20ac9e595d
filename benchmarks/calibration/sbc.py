"""Simulation-based calibration of the default model (Talts et al., 2018, arXiv:1804.06788).

    python benchmarks/calibration/sbc.py --fits 200 --kinds national geo brand

For each fit, parameters and an outcome are drawn from the model's own statement of itself (the
plain PyMC graph, `mmm.model.build`, form `explicit`: what the compiled density integrates out is
drawn there), the outcome is fitted with the defaults, and the rank of each drawn value among
draws of its posterior is kept. Where sampling is right, ranks are uniform and intervals hold as
often as they say.

Priors of the model depend on the data: effects are shares of each geo's mean outcome, and noise
and trend are in units of its spread. Were each drawn outcome scaled anew, the prior of the fit
would not be the one it was drawn from, and no sampler could pass. So a reference panel for each
kind is simulated once, specification and scaling are those of this panel, and drawn outcomes, which
come in scaled units, take the place of its outcome in the compiled design as they are. The test is
of one fixed model per kind and exact; that rescaling itself does no harm is for
`benchmarks/recovery` and `benchmarks/calibration/worlds.py` to show. Drawn outcomes may be below
zero, as the normal likelihood says.

Ranks are of every sampled parameter, of some coefficients that are integrated out and drawn back,
and of what is derived: returns, marginal returns, brand's part of each channel's effect, and the
net present value of 13 more periods of today's spending over 104 periods at a margin of 0.4. Truths
and draws pass through the same response engine. Two chains of `--draws` are thinned to 99.

Writes `ranks.csv` (one row a fit and quantity; fits that are there are not made again),
`summary.csv` (coverage with the binomial band, tests of uniform ranks, adjusted over the family of
all quantities) and `ranks_KIND.svg` beside this file.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from arviz_stats import ess, rhat
from picture import rank_picture
from scipy.stats import binom
from uniformity import (
    ERROR,
    LEVELS,
    chi_squared_probability,
    coverage_band,
    ecdf_probability,
    held,
    holm,
)

import mmm
from mmm.data.costs import loaded_cost, variable_cost_rate
from mmm.dims import CHANNEL, DATE, GEO
from mmm.efficiency.caused import caused_by_channels
from mmm.inference.fit import Fit, posterior_dataset
from mmm.inference.sample import sample
from mmm.invest.appraise import plan_worth
from mmm.invest.valuation import present_value
from mmm.model import kernel
from mmm.model.build import build_model
from mmm.model.density import Density, build_density, natural_values
from mmm.model.design import Design, build_design, distinct_rows
from mmm.model.redraw import WholeDraws, noise_length, whole_draws
from mmm.model.spec import model_spec
from mmm.plan.scenario import as_is
from mmm.results.respond import Response, channel_effect
from mmm.simulate import ChannelSpec, Flighting, WorldSpec, simulate

HERE = Path(__file__).parent
RANKED = 99
"""Draws that a truth is ranked among: 100 ranks, so that every level of `LEVELS` is exact."""
BLOCK = 50
"""Draws from the prior made at once."""
SEED = 20_180_418
COLUMNS = (
    "kind", "fit", "quantity", "rank", "truth", "mean", "sd",
    "rhat", "ess", "divergences", "seconds",
)  # fmt: skip


def _channel(name: str, flighting: Flighting, tactical: float, brand: float) -> ChannelSpec:
    return ChannelSpec(
        name=name,
        flighting=flighting,
        cost_share=0.03,
        tactical_share=tactical,
        brand_share=brand,
        decay=0.4,
        slope=1.2,
    )


def reference_specs() -> dict[str, WorldSpec]:
    """The world of each kind whose spending, prices and scale are used."""
    tv = _channel("tv", Flighting.BURSTS, 0.08, 0.0)
    search = _channel("paid_search", Flighting.ALWAYS_ON, 0.08, 0.0)
    social = _channel("paid_social", Flighting.SEASONAL, 0.06, 0.0)
    both = _channel("tv", Flighting.BURSTS, 0.05, 0.06)
    alone = _channel("sponsorship", Flighting.SPIKES, 0.0, 0.05)
    spread = tuple(replace(one, geo_deviation=0.2) for one in (tv, search, social))
    return {
        "national": WorldSpec(name="sbc_national", periods=104, channels=(tv, search, social)),
        "geo": WorldSpec(name="sbc_geo", periods=78, geos=4, channels=spread),
        "brand": WorldSpec(
            name="sbc_brand",
            periods=130,
            history=208,
            brand_half_life=26.0,
            channels=(both, alone, search),
        ),
    }


@dataclass(frozen=True)
class Reference:
    """One kind: the fixed study, panel and design, and the graph to draw from."""

    kind: str
    study: mmm.Study
    panel: mmm.Panel
    density: Density
    graph: pm.Model


def reference(kind: str, spec: WorldSpec | None = None) -> Reference:
    """The fixed parts of `kind`, whose world is `spec` where it is none of `reference_specs`."""
    world = simulate(spec or reference_specs()[kind], seed=1)
    panel, _ = mmm.panel_from_frame(world.study, world.frame)
    stated = model_spec(world.study, panel)
    design = build_design(stated, panel)
    density, graph = build_density(stated, design), build_model(stated, design, form="explicit")
    return Reference(kind, world.study, panel, density, graph)


@dataclass(frozen=True)
class Truth:
    """One draw from the prior: natural scalars in the density's order, coefficients, outcome."""

    values: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    deviation: np.ndarray
    outcome: np.ndarray


class PriorDraws:
    """Draws from the prior by number; the same number is the same draw however many are asked."""

    def __init__(self, known: Reference, fixed: Mapping[str, np.ndarray] | None = None) -> None:
        """`fixed`: parameters that are not drawn, and their natural values."""
        self.fixed = dict(fixed or {})
        self.known = replace(known, graph=pm.do(known.graph, self.fixed)) if fixed else known
        self.block = cache(self._block)

    def _block(self, block: int) -> tuple[xr.Dataset, np.ndarray]:
        kinds, kind = list(reference_specs()), self.known.kind
        place = kinds.index(kind) if kind in kinds else crc32(kind.encode())
        seed = np.random.SeedSequence([SEED, place, block])
        tree = pm.sample_prior_predictive(
            BLOCK, model=self.known.graph, random_seed=int(seed.generate_state(1)[0])
        )
        outcome = tree["prior_predictive"]["outcome"].values[0]
        return tree["prior"].to_dataset().isel(chain=0), outcome

    def __getitem__(self, number: int) -> Truth:
        block, place = divmod(number, BLOCK)
        prior, outcome = self.block(block)
        drawn, spec = prior.isel(draw=place), self.known.density.spec
        geos, channels = len(spec.geos), len(spec.channels)
        return Truth(
            values=np.concatenate(
                [np.atleast_1d(self.fixed.get(v.name, drawn.get(v.name))) for v in spec.variables]
            ),
            own=_or_none(drawn, "own_coefficient", (geos, 0)),
            shared=_or_none(drawn, "shared_coefficient", (0,)),
            deviation=1.0 + _or_none(drawn, "geo_deviation", (geos, channels)),
            outcome=outcome[place],
        )


def _or_none(drawn: xr.Dataset, name: str, shape: tuple[int, ...]) -> np.ndarray:
    return drawn[name].values if name in drawn else np.zeros(shape)


def with_outcome(density: Density, outcome: np.ndarray) -> Density:
    """The density with another outcome (G, T), in scaled units; nothing is scaled anew."""
    design: Design = density.design
    common, local, *_ = distinct_rows(design.baseline, outcome - design.centre)
    rows = np.concatenate([np.broadcast_to(common, (len(local), *common.shape)), local], axis=1)
    swapped = replace(
        design,
        outcome=np.ascontiguousarray(outcome),
        local=local,
        gram=rows @ rows.transpose(0, 2, 1),
    )
    return build_density(density.spec, swapped)


def truth_and_draws(
    known: Reference, density: Density, truth: Truth, kept: np.ndarray, number: int
) -> Response:
    """A response whose first draw is the truth, and the others are `kept` (draws, size). Noise is
    of fit `number` alone: the same in all fits would move all ranks of a coefficient one way."""
    values = np.stack([truth.values, *kept])
    random = np.random.default_rng([SEED, 1, number])
    noise = random.standard_normal((len(values), noise_length(density)))
    every, space = np.ones(len(values), dtype=bool), density.workspace()
    found, totals = whole_draws(density, values, every, noise, space)
    for name in ("own", "shared", "deviation"):
        getattr(found, name)[0] = getattr(truth, name)
    drawn = {name: getattr(found, name) for name in WholeDraws.__slots__ if name != "scales"}
    return Response(
        fit=Fit(known.study, known.panel, xr.Dataset(), xr.Dataset(), {}),
        density=density,
        **drawn,
        trend_scale=found.scales[:, 0],
        geo_trend_scale=found.scales[:, 1],
        totals=totals[None],
        numbers=np.arange(len(values)),
        places=np.arange(len(density.spec.geos)),
    )


def quantities(read: Response, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Everything that is ranked, (draws,) each, from a response and its scalars (draws, size)."""
    spec, baseline = read.density.spec, read.density.design.baseline
    start = 0
    for variable in spec.variables:
        for label in variable.labels:
            yield f"{variable.name}[{label}]", values[:, start]
            start += 1
    for name in dict.fromkeys(baseline.shared_component):
        yield f"coefficient[{name}]", read.shared[:, baseline.shared_component.index(name)]
    for name in dict.fromkeys(baseline.own_component):
        place = baseline.own_component.index(name)
        yield f"coefficient[{name} in {spec.geos[0]}]", read.own[:, 0, place]
    if spec.pooled:
        for place, name in enumerate(spec.channels):
            yield f"geo_factor[{name} in {spec.geos[0]}]", read.deviation[:, 0, place]
    yield from derived(read)


def derived(read: Response) -> Iterator[tuple[str, np.ndarray]]:
    study, panel = read.fit.study, read.fit.panel
    cost = loaded_cost(panel, study.channels).sum([DATE, GEO]).values
    spend = panel.dataset["spend"].sum([DATE, GEO]).transpose(CHANNEL).values
    each, together = caused_by_channels(read)
    for place, (channel, caused) in enumerate(zip(study.channels, each, strict=True)):
        name = channel.name
        yield f"roi[{name}]", caused.value.sum(axis=1) / cost[place]
        paid = variable_cost_rate(channel) * spend[place]
        yield f"mroi[{name}]", caused.marginal_value.sum(axis=1) / paid
        if channel.role.has_brand and channel.role.has_tactical:
            media = panel.dataset["media"].values[:, :, place]
            effect = channel_effect(read, place, media)
            brand = effect.brand.sum(axis=(1, 2))
            yield f"brand_share[{name}]", brand / effect.total.sum(axis=(1, 2))
    yield "roi[total]", together.value.sum(axis=1) / cost.sum()
    finance = study.finance.settled(panel.periods_per_year, study.currency)
    worth = plan_worth(read, as_is(read.fit), finance)
    yield "npv", present_value(worth.cash(finance))


def calibrate(known: Reference, truths: PriorDraws, number: int, draws: int) -> list[Mapping]:
    """One fit: a row a quantity."""
    truth = truths[number]
    started = time.perf_counter()
    density = with_outcome(known.density, truth.outcome)
    settings = known.study.inference.model_copy(
        update={"chains": 2, "draws": draws, "seed": (SEED + 7919 * number) % 2**31}
    )
    sampled = sample(density, settings)
    values = natural_values(density, sampled.unconstrained)
    posterior = posterior_dataset(density, values)
    worst = max(float(one.max()) for one in rhat(posterior).data_vars.values())
    least = min(float(one.min()) for one in ess(posterior).data_vars.values())
    flat = values.reshape(-1, values.shape[2])
    kept = flat[np.linspace(0, len(flat) - 1, RANKED).round().astype(int)]
    read = truth_and_draws(known, density, truth, kept, number)
    seconds = time.perf_counter() - started
    rows = []
    for name, found in quantities(read, np.vstack([truth.values, kept])):
        rows.append(
            {
                "kind": known.kind,
                "fit": number,
                "quantity": name,
                "rank": int((found[1:] < found[0]).sum()),
                "truth": found[0],
                "mean": found[1:].mean(),
                "sd": found[1:].std(),
                "rhat": worst,
                "ess": least,
                "divergences": int(sampled.statistics["diverging"].sum()),
                "seconds": seconds,
            }
        )
    return rows


def append(path: Path, rows: list[Mapping]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        if fresh:
            writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def summarise(ranks: pd.DataFrame) -> pd.DataFrame:
    """One row a kind and quantity: coverage beside its band, and tests of uniform ranks."""
    rows = []
    for (kind, quantity), some in ranks.groupby(["kind", "quantity"], sort=False):
        found = some["rank"].to_numpy()
        row = {"kind": kind, "quantity": quantity, "fits": len(found)}
        for level in LEVELS:
            name = f"{level:.0%}".rstrip("%")
            row[f"coverage_{name}"] = held(found, RANKED, level).mean()
            row[f"low_{name}"], row[f"high_{name}"] = coverage_band(len(found), level)
        row["mean_rank"] = found.mean() / RANKED
        row["p_chi2"] = chi_squared_probability(found, RANKED)
        row["p_ecdf"] = ecdf_probability(found, RANKED)
        rows.append(row)
    table = pd.DataFrame(rows)
    for test in ("chi2", "ecdf"):
        table[f"p_{test}_family"] = holm(table[f"p_{test}"].to_numpy())
    return table


def verdict(table: pd.DataFrame) -> str:
    """What the whole family says, in words."""
    count = len(table)
    said = [f"{count} quantities, {table['fits'].min()} fits each at least."]
    for test in ("ecdf", "chi2"):
        failed = table.loc[table[f"p_{test}_family"] < ERROR]
        names = ", ".join(failed["kind"] + " " + failed["quantity"])
        which = f" ({names})" if names else ""
        said.append(
            f"{test}: {len(failed)} rejected at a family-wise 5 %{which}; "
            f"{int((table[f'p_{test}'] < ERROR).sum())} below 0.05 alone, "
            f"{binom.ppf(0.975, count, ERROR):.0f} allowed."
        )
    for level in LEVELS:
        name = f"{level:.0%}".rstrip("%")
        inside = table[f"coverage_{name}"].between(table[f"low_{name}"], table[f"high_{name}"])
        said.append(
            f"{name} % intervals held {table[f'coverage_{name}'].mean():.1%}; "
            f"{int((~inside).sum())} outside their band, {binom.ppf(0.975, count, ERROR):.0f} "
            "allowed."
        )
    return "\n".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kinds", nargs="+", default=list(reference_specs()))
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    path = options.out / "ranks.csv"
    done = set()
    if path.exists():
        known = pd.read_csv(path, usecols=["kind", "fit"])
        done = set(zip(known["kind"], known["fit"], strict=True))
    for kind in options.kinds:
        left = [number for number in range(options.fits) if (kind, number) not in done]
        if not left:
            continue
        known = reference(kind)
        kernel.prepare(known.density.spec.likelihood)
        truths = PriorDraws(known)
        for number in left:
            rows = calibrate(known, truths, number, options.draws)
            append(path, rows)
            last = rows[-1]
            print(
                f"{kind} {number}: {last['seconds']:.1f} s, R-hat {last['rhat']:.3f}, "
                f"ESS {last['ess']:.0f}, {last['divergences']} divergent",
                flush=True,
            )
    ranks = pd.read_csv(path)
    table = summarise(ranks)
    table.to_csv(options.out / "summary.csv", index=False, float_format="%.4g")
    for kind, some in ranks.groupby("kind", sort=False):
        drawing = rank_picture(some, str(kind), RANKED)
        (options.out / f"ranks_{kind}.svg").write_text(drawing, encoding="utf-8")
    print(verdict(table))


if __name__ == "__main__":
    main()
