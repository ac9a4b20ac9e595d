"""`confounding.csv`: how strong a driver that nobody measured must be to change the answer.

Bounds of Cinelli and Hazlett (2020), as `mmm.results.omitted` has them, on the regression of
`mmm.results.conditional`: the outcome on one channel's fitted curve, given all other channels, the
baseline and the controls, at posterior mean curves and with geos pooled. Its coefficient is taken
to be what is reported, the posterior mean, so that f = sqrt(left of channel / left of outcome).

A posterior mean need not follow the data all the way. If the data moves the coefficient's least
squares estimate by b, the posterior mean moves by b V / se^2, with posterior variance V and
squared standard error se^2: exact for a small b and any prior, as d E[m | x] / dx = Var(m | x) /
se^2 where x is normal about m (Efron, 2011, "Tweedie's formula and selection bias", Journal of the
American Statistical Association 106). That `weight`, at most 1, multiplies every bias: a prior or
an experiment that decides an answer shields it from drivers, and the weight says that it does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmm.errors import Finding, Severity
from mmm.results.conditional import (
    Conditional,
    benchmarks,
    conditional_regression,
    inner_products,
    left_of,
)
from mmm.results.omitted import as_strong_as, relative_bias, robustness_value, times_needed
from mmm.results.respond import Response

TOTAL = "total"
TIMES = (1.0, 2.0, 3.0)
"""How many times as strong as an observed driver the one that is left out is taken to be."""
HALF = 0.5
WHOLE, DIRECT = "all", "direct"
WITH_ALL = ""
"""Where no benchmark is left out."""
COLUMNS = (
    "channel", "part", "benchmark", "times", "evidence", "roi_mean", "weight", "partial_r2",
    "rv_half", "rv_zero", "case_fall", "rv_case", "driver_channel", "driver_outcome", "left",
    "roi_left", "times_to_halve",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Robustness:
    """One coefficient against drivers left out.

    f: its partial Cohen's f; weight: the part of a bias of the data that reaches the posterior
    mean. `explains` has for each benchmark its partial R2 with the channel and the outcome.
    """

    channel: str
    f: float
    weight: float
    explains: dict[str, tuple[float, float]]

    @property
    def partial_r2(self) -> float:
        """Of the channel with the outcome: a driver that explained all the rest of the outcome
        would need as much with the channel to bring the data's estimate to nothing."""
        return 1.0 - 1.0 / (1.0 + self.f**2)

    @property
    def held(self) -> float:
        """f as the posterior mean feels it: infinite where the data has no say in it."""
        return self.f / self.weight if self.weight > 0 else float("inf")

    def left(self, benchmark: str, times: float) -> tuple[float, float, float]:
        """Partial R2 with channel and with outcome of a driver `times` as strong as `benchmark`,
        and the part of the effect that it would leave, 0 where nothing would be left; NaN where
        none can be that strong."""
        told, own = as_strong_as(times, *self.explains[benchmark])
        if not self.f > 0:
            return own, told, float("nan")
        return own, told, float(np.maximum(0.0, 1.0 - relative_bias(told, own, self.held)))

    def times_to_halve(self, benchmark: str) -> float:
        return times_needed(self.held, *self.explains[benchmark], HALF)


def robustness(regression: Conditional) -> list[Robustness]:
    """Every channel that does something here, and the total of them."""
    groups = benchmarks(regression.baseline)
    grams = {WITH_ALL: inner_products(regression)}
    grams |= {name: inner_products(regression, terms) for name, terms in groups.items()}
    active = [c for c, name in enumerate(regression.channels) if regression.effects[:, c].any()]
    found = [
        _robustness(regression.channels[c], grams, len(regression.channels), c,
                    float(regression.variance[c]))
        for c in active
    ]  # fmt: skip
    together = {name: _together(gram, len(regression.channels)) for name, gram in grams.items()}
    return [*found, _robustness(TOTAL, together, 1, 0, regression.total_variance)]


def _together(gram: np.ndarray, channels: int) -> np.ndarray:
    """Inner products with all channels as one column."""
    size = len(gram)
    first = size - channels - 1
    into = np.zeros((size, first + 2))
    into[:first, :first] = np.eye(first)
    into[first:-1, first] = into[-1, -1] = 1.0
    return into.T @ gram @ into


def _robustness(
    name: str, grams: dict[str, np.ndarray], channels: int, place: int, variance: float
) -> Robustness:
    own, outcome = _left(grams[WITH_ALL], channels, place)
    explains = {}
    for benchmark, gram in grams.items():
        if benchmark != WITH_ALL:
            more, noise = _left(gram, channels, place)
            explains[benchmark] = _explained(own, more), _explained(outcome, noise)
    f = float(np.sqrt(own / outcome)) if outcome > 0 else float("inf")
    # rows are over the noise, so that 1 / own is the squared standard error
    return Robustness(str(name), f, min(1.0, variance * own), explains)


def _left(gram: np.ndarray, channels: int, place: int) -> tuple[float, float]:
    """Sums of squares left of a channel given all else, and of the outcome given all."""
    target, last = len(gram) - 1 - channels + place, len(gram) - 1
    others = [column for column in range(last) if column != target]
    return left_of(gram, target, others), left_of(gram, last, range(last))


def _explained(left: float, more: float) -> float:
    return float(np.clip(1.0 - left / more, 0.0, 1.0 - 1e-12)) if more > 0 else 0.0


def confounding_table(response: Response, efficiency: pd.DataFrame) -> pd.DataFrame:
    """`confounding.csv`: for each channel, for each path that feeds the outcome and for `total`,
    a row with its robustness values and rows for drivers 1, 2 and 3 times as strong as each
    benchmark. `efficiency` is the response's `efficiency_table`.

    Where a channel acts through paths as well, `part` is `direct`: rows are about what it does
    itself, and returns are left out. Effects through paths alone are not in this regression.
    """
    regression = conditional_regression(response)
    silent = response.fit.study.routes().silent
    columns = {
        name: efficiency[name].tolist() for name in ("roi_mean", "mediated_mean", "evidence")
    }
    by_name = {
        str(name): {column: values[row] for column, values in columns.items()}
        for row, name in enumerate(efficiency["channel"])
    }
    rows: list[dict[str, object]] = []
    for one in robustness(regression):
        if one.channel not in silent:
            rows += _rows(one, by_name, through_paths=bool(response.paths))
    unknown = float("nan")
    return pd.DataFrame({name: [row.get(name, unknown) for row in rows] for name in COLUMNS})


def _rows(
    one: Robustness, by_name: Mapping[str, Mapping[Any, Any]], *, through_paths: bool
) -> Iterator[dict[str, object]]:
    known = by_name.get(one.channel)
    mediated = through_paths and (known is None or float(known["mediated_mean"]) != 0.0)
    roi = float("nan") if known is None or mediated else float(known["roi_mean"])
    start = {
        "channel": one.channel,
        "part": DIRECT if mediated else WHOLE,
        "evidence": "" if known is None else str(known["evidence"]),
        "roi_mean": roi,
        "weight": one.weight,
    }
    yield {
        **start,
        "benchmark": "",
        "partial_r2": one.partial_r2,
        "rv_half": float(robustness_value(one.held, HALF)),
        "rv_zero": float(robustness_value(one.held)),
    }
    for benchmark in one.explains:
        needed = one.times_to_halve(benchmark)
        for times in TIMES:
            own, told, left = one.left(benchmark, times)
            yield {
                **start,
                "benchmark": benchmark,
                "times": times,
                "driver_channel": own,
                "driver_outcome": told,
                "left": left,
                "roi_left": roi * left,
                "times_to_halve": needed,
            }


def turning_the_case(table: pd.DataFrame, fall: float) -> pd.DataFrame:
    """The table with what brings net present value to zero: `fall`, the part of all that media
    causes that would have to be missing, and the driver that takes it away. NaN where net present
    value is below zero as it is."""
    table = table.copy()
    total = (table["channel"] == TOTAL) & (table["benchmark"] == "")
    if 0.0 <= fall <= 1.0:
        row = table[total].iloc[0]
        # robustness values are of f over weight, which that of the whole effect gives back
        whole = float(row["rv_zero"])
        held = whole / np.sqrt(1.0 - whole) if whole < 1.0 else float("inf")
        table.loc[total, ["case_fall", "rv_case"]] = fall, float(robustness_value(held, fall))
    return table


def confounding_findings(table: pd.DataFrame) -> tuple[Finding, ...]:
    """One finding that names the channels whose return would be halved by a driver no stronger
    than an observed control, holiday or season. Trend is left out: few drivers are that strong."""
    worst: dict[str, tuple[float, str]] = {}
    columns = (table[name].tolist() for name in ("channel", "benchmark", "times", "times_to_halve"))
    for channel, benchmark, times, needed in zip(*columns, strict=True):
        observed = benchmark not in ("", "trend") and channel != TOTAL and times == 1.0
        if observed and needed <= 1.0 and needed < worst.get(channel, (math.inf, ""))[0]:
            worst[channel] = needed, benchmark
    if not worst:
        return ()
    named = ", ".join(
        f"'{channel}' ({needed:.2g} times as strong as {benchmark})"
        for channel, (needed, benchmark) in worst.items()
    )
    return (
        Finding(
            "confounding",
            Severity.INFO,
            "unmeasured drivers",
            "a driver of demand that nobody measured, no stronger than one that was, would halve "
            f"what is said of {named}.",
            "Think of what it might be and add it as a control, name a demand proxy, or run an "
            "experiment.",
        ),
    )
