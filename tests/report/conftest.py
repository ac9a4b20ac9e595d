"""Report inputs of several shapes, made of draws so that every frame agrees with the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm.cash.cashflow import CashFlow, cash_flow, cashflow_frame
from mmm.config import Finance
from mmm.errors import Finding, Severity
from mmm.invest.case import build_case
from mmm.invest.export import case_to_dict
from mmm.report import ReportInputs, render_report

DRAWS = 200
SUMMARY = ("mean", "p05", "p50", "p95")
TIERS = ("data", "prior", "experiment")
MARGIN = 0.4


def summary(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and quantiles over the last axis."""
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=-1)
    return {"mean": draws.mean(axis=-1), "p05": low, "p50": middle, "p95": high}


def prefixed(name: str, draws: np.ndarray) -> dict[str, float]:
    return {f"{name}_{key}": float(value) for key, value in summary(draws).items()}


def long_frame(
    dates: pd.DatetimeIndex,
    geos: Sequence[str],
    component: str,
    kind: str,
    draws: np.ndarray,
) -> pd.DataFrame:
    """Rows of one component; `draws` (T, G, S)."""
    index = pd.MultiIndex.from_product([dates, geos], names=["date", "geo"])
    frame = index.to_frame(index=False)
    frame["component"], frame["kind"] = component, kind
    for key, value in summary(draws).items():
        frame[key] = value.ravel()
    return frame


def synthetic_inputs(
    *,
    channels: Sequence[str],
    brand: Sequence[str] = (),
    geos: Sequence[str] = ("national",),
    periods: int = 104,
    frequency: str = "W-MON",
    start: str = "2022-01-03",
    scale: float = 40_000.0,
    free: Sequence[str] = (),
    verdict: str = "trusted",
    controls: Sequence[str] = ("price",),
    seed: int = 7,
    **changes: Any,
) -> ReportInputs:
    """A whole report from random draws; `free` channels have no stated cost."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range(start, periods=periods, freq=frequency)
    shape = (periods, len(geos), 1)
    sizes = rng.lognormal(0, 0.5, len(geos))[None, :, None]
    season = 1 + 0.12 * np.sin(np.arange(periods) / max(periods / 8, 1))[:, None, None]
    parts: list[tuple[str, str, np.ndarray]] = []

    def noisy(mean: np.ndarray, spread: float) -> np.ndarray:
        return mean * np.clip(rng.normal(1.0, spread, DRAWS), 0.02, None)

    parts.append(("baseline", "baseline", noisy(scale * sizes * season, 0.01)))
    for name in controls:
        wave = 0.04 * scale * sizes * rng.normal(size=shape)
        parts.append((name, "control", noisy(wave, 0.2)))
    spends: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    effects: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for index, name in enumerate(channels):
        burst = rng.gamma(2.0, 0.5, shape) * sizes
        share = 0.09 / (1 + index % 5)
        now = noisy(scale * share * burst, 0.1 + 0.12 * (index % 4))
        parts.append((name, "tactical", now))
        total = now.sum(axis=(0, 1))
        later = np.zeros(DRAWS)
        if name in brand:
            slow = noisy(scale * share * 0.7 * sizes * np.ones(shape), 0.35)
            parts.append((name, "brand", slow))
            later = slow.sum(axis=(0, 1))
        whole = total + later
        cost = np.nan if name in free else float(whole.mean() / rng.uniform(1.5, 5.0))
        spends[name] = cost
        effects[name] = (total, later)
        rows.append(
            {
                "channel": name,
                "role": "both" if name in brand else "tactical",
                "spend": 0.0 if name in free else 0.9 * cost,
                "loaded_cost": 0.0 if name in free else cost,
                **prefixed("contribution", whole),
                **prefixed("tactical", total),
                **prefixed("brand", later),
                **prefixed("mediated", np.zeros(DRAWS)),
                **prefixed("roi", 1.08 * whole / cost),
                **prefixed("roi_window", whole / cost),
                **prefixed("mroi", 0.6 * whole / cost),
                **prefixed("cost_per_outcome", cost / whole),
                "evidence": TIERS[index % 3],
                "contraction": 0.85 - 0.25 * (index % 3),
            }
        )
    caused = sum(draws for _, kind, draws in parts if kind in {"tactical", "brand"})
    mean = sum(draws for _, _, draws in parts)
    observed = mean.mean(axis=-1) + 0.03 * scale * sizes[..., 0] * rng.normal(size=shape[:2])
    residual = observed[..., None] - mean
    parts.append(("residual", "residual", residual))
    cost = float(np.nansum(list(spends.values()))) or np.nan
    worth = caused.sum(axis=(0, 1))
    rows.append(
        {
            "channel": "total",
            "role": "",
            "spend": 0.9 * np.nan_to_num(cost),
            "loaded_cost": np.nan_to_num(cost),
            **prefixed("contribution", worth),
            **prefixed("tactical", worth * 0.7),
            **prefixed("brand", worth * 0.3),
            **prefixed("mediated", np.zeros(DRAWS)),
            **prefixed("roi", 1.08 * worth / cost),
            **prefixed("roi_window", worth / cost),
            **prefixed("mroi", 0.6 * worth / cost),
            **prefixed("cost_per_outcome", cost / worth),
            "evidence": "data",
            "contraction": 0.35,
        }
    )
    fitted = long_frame(
        dates, geos, "outcome", "total", mean + 0.03 * scale * sizes * rng.normal(size=mean.shape)
    ).assign(observed=observed.ravel())
    cash = cash_of(dates, frequency, np.nan_to_num(cost), worth)
    case = build_case(cash, cash.finance, fit_verdict=verdict)
    fields: dict[str, Any] = {
        "study": "synthetic-study",
        "currency": "GBP",
        "outcome_name": "revenue",
        "outcome_kind": "revenue",
        "outcome_unit": "GBP",
        "verdict": verdict,
        "reasons": () if verdict == "trusted" else ("Two channels move together (0.97).",),
        "findings": (
            Finding("outlier", Severity.INFO, "data.csv, 2022-11-21", "A high week.", "Name it."),
            Finding(
                "collinear",
                Severity.WARNING,
                "data.csv, columns tv and radio",
                "Two channels rise and fall together (correlation 0.97).",
                "Vary one without the other, or test one of them.",
            ),
        ),
        "diagnostics": {
            "rhat_max": 1.004,
            "ess_bulk_min": 1303.0,
            "ess_tail_min": 1120.0,
            "divergences": 0.0,
            "ebfmi_min": 0.91,
            "worst": "half_saturation[tv]",
        },
        "fitted": fitted[["date", "geo", "observed", "mean", "p05", "p50", "p95"]],
        "contributions": pd.concat(
            [long_frame(dates, geos, *part) for part in parts], ignore_index=True
        ),
        "contribution_totals": pd.DataFrame(
            [
                {"component": name, "kind": kind, **summary(draws.sum(axis=(0, 1)))}
                for name, kind, draws in parts
            ]
        ),
        "efficiency": pd.DataFrame(rows),
        "curves": response_curves(channels, spends, rows),
        "brand": brand_of(effects, spends, brand, geos) if brand else None,
        "forecast": forecast_of(dates, geos, mean, caused, frequency),
        "cashflow": cashflow_frame(cash),
        "case": case_to_dict(case),
        "npv_draws": case.npv_draws,
        "ledger": pd.DataFrame(
            [
                {
                    "quantity": quantity,
                    "channel": name,
                    "tier": TIERS[(index + shift) % 3],
                    "contraction": 0.3 + 0.05 * (index % 10),
                }
                for index, name in enumerate(channels)
                for shift, quantity in enumerate(("share", "carry_over", "half_saturation"))
            ]
        ),
        "manifest": {
            "versions": {"mmm": "0.1.0", "pymc": "6.4", "numpy": "2.5"},
            "seed": 1,
            "data_sha256": "ab" * 32,
            "timings": {"sample_s": 21.4, "total_s": 58.0},
            "peak_rss_mb": 812.0,
        },
    }
    return ReportInputs(**{**fields, **changes})


def brand_of(
    effects: Mapping[str, tuple[np.ndarray, np.ndarray]],
    spends: Mapping[str, float],
    brand: Sequence[str],
    geos: Sequence[str],
) -> pd.DataFrame:
    """`brand.csv` for draws of tactical and brand effect; every geo has the same part of each."""
    sums = tuple(np.sum([pair[side] for pair in effects.values()], axis=0) for side in (0, 1))
    whole = {**effects, "total": sums}
    paid = {name: float(np.nan_to_num(spends[name])) for name in effects}
    paid["total"] = sum(paid.values())
    high = sum(paid[name] for name in brand) / paid["total"] if paid["total"] else np.nan
    memory = np.random.default_rng(5).lognormal(3.5, 0.4, DRAWS)
    rows = []
    for geo in ("", *geos) if len(geos) > 1 else ("",):
        size = 1.0 / len(geos) if geo else 1.0
        for name, (now, later) in whole.items():
            now, later, cost = size * now, 1.4 * size * later, size * paid[name] or np.nan
            rows.append(
                {
                    "geo": geo,
                    "channel": name,
                    "role": "" if name == "total" else "both" if name in brand else "tactical",
                    "loaded_cost": np.nan_to_num(cost),
                    "cost_brand_low": 0.0,
                    "cost_brand_high": high if name == "total" else float(name in brand),
                    **prefixed("caused", now + later),
                    **prefixed("brand_window", 0.7 * later),
                    **prefixed("brand_after", 0.3 * later),
                    **prefixed("tail", 0.3 * later + 0.02 * now),
                    **prefixed("multiplier", (now + later) / (now + 0.3 * later)),
                    **prefixed("earned_brand", later / (now + later)),
                    **prefixed("roi_tactical", now / cost),
                    **prefixed("roi_brand", later / cost),
                    **prefixed("half_life", memory if later.any() else memory * np.nan),
                }
            )
    return pd.DataFrame(rows)


def response_curves(
    channels: Sequence[str], spends: Mapping[str, float], rows: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    frames = []
    for name, row in zip(channels, rows, strict=False):
        multiplier = np.linspace(0, 2, 21)
        lift = multiplier / (multiplier + 0.8) * 1.8
        frames.append(
            pd.DataFrame(
                {
                    "channel": name,
                    "multiplier": multiplier,
                    "spend": multiplier * spends[name],
                    **{key: lift * row[f"contribution_{key}"] for key in SUMMARY},
                    "supported": (multiplier >= 0.3) & (multiplier <= 1.4),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def forecast_of(
    dates: pd.DatetimeIndex, geos: Sequence[str], mean: np.ndarray, caused: np.ndarray, freq: str
) -> pd.DataFrame:
    horizon = min(13, len(dates))
    ahead = pd.date_range(dates[-1], periods=horizon + 1, freq=freq)[1:]
    marketing = long_frame(ahead, geos, "all", "tactical", caused[-horizon:])
    noise = np.random.default_rng(3).normal(1, 0.04, mean[-horizon:].shape)
    total = long_frame(ahead, geos, "outcome", "total", mean[-horizon:] * noise)
    return pd.concat([marketing, total], ignore_index=True)


def cash_of(dates: pd.DatetimeIndex, freq: str, cost: float, worth: np.ndarray) -> CashFlow:
    """A quarter of the window's spending, and what it brings over four times as long."""
    spending, periods = max(len(dates) // 4, 1), len(dates)
    share = np.exp(-np.arange(periods) / spending)
    ahead = pd.date_range(dates[-1], periods=periods + 1, freq=freq)[1:]
    per_year = 1.0 if freq == "YS" else 52.18
    finance = Finance(margin=MARGIN, discount_rate=0.09, tax_rate=0.25, payment_delay=1)
    value = worth[:, None] / 4 * share / share.sum()
    return cash_flow(value, np.full(spending, cost / 4 / spending), ahead, finance, per_year)


def annual(**changes: Any) -> ReportInputs:
    """One channel, one geo, 54 years."""
    return synthetic_inputs(
        channels=["advertising"],
        frequency="YS",
        start="1907-01-01",
        controls=(),
        **{"periods": 54, **changes},
    )


def weekly(**changes: Any) -> ReportInputs:
    """Five channels by week, two of them brand, one without cost."""
    return synthetic_inputs(
        channels=["tv", "radio", "paid search", "out_of_home_and_transit_posters", "organic"],
        brand=["tv", "radio"],
        free=["organic"],
        **changes,
    )


def regional(**changes: Any) -> ReportInputs:
    """Eight geos by eight channels, a year of weeks."""
    return synthetic_inputs(
        channels=[f"channel {letter}" for letter in "ABCDEFGH"],
        brand=["channel A"],
        geos=[f"region {index}" for index in range(8)],
        **{"periods": 52, **changes},
    )


SHAPES: Mapping[str, Callable[..., ReportInputs]] = {
    "annual": annual,
    "weekly": weekly,
    "regional": regional,
}


@pytest.fixture(params=list(SHAPES))
def inputs(request: pytest.FixtureRequest) -> ReportInputs:
    return SHAPES[request.param]()


@pytest.fixture(scope="session")
def rendered() -> Callable[[str], tuple[ReportInputs, str]]:
    """Inputs and page of a shape, rendered once in the whole run."""
    done: dict[str, tuple[ReportInputs, str]] = {}

    def render(shape: str) -> tuple[ReportInputs, str]:
        if shape not in done:
            inputs = SHAPES[shape]()
            done[shape] = inputs, render_report(inputs)
        return done[shape]

    return render


@pytest.fixture
def make() -> Mapping[str, Callable[..., ReportInputs]]:
    """The shapes by name, `synthetic` being the general one."""
    return {**SHAPES, "synthetic": synthetic_inputs}
