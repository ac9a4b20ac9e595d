"""The specification: which scalars are sampled, with which priors, and where they go.

`model_spec(study, panel)` decides everything about the model that depends on the data's
shape and scale; nothing downstream guesses again.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from mmm.config import Channel, Study
from mmm.config.channel import Role
from mmm.data.costs import loaded_cost
from mmm.data.panel import Panel
from mmm.dims import GEO
from mmm.errors import InputError, input_error
from mmm.model import curves
from mmm.model.graph import outcome_regression
from mmm.model.readings import indicators, survey_priors
from mmm.model.reference import reference_split
from mmm.model.shares import cost_weights, default_interval
from mmm.transforms.lag_prior import adstock_parameters, lag_count
from mmm.transforms.parameter import PriorSpec, halfnormal, logitnormal, lognormal
from mmm.transforms.saturation import saturation_family

ADSTOCK_CODES = {
    "none": curves.NO_ADSTOCK,
    "geometric": curves.GEOMETRIC,
    "weibull": curves.WEIBULL,
    "delayed": curves.DELAYED,
    "weibull_pdf": curves.WEIBULL_PDF,
    "weibull_cdf": curves.WEIBULL_CDF,
    "lag_gamma": curves.LAG_GAMMA,
    "lag_lognormal": curves.LAG_LOGNORMAL,
}
SATURATION_CODES = {
    "none": curves.LINEAR,
    "hill": curves.HILL,
    "michaelis_menten": curves.MICHAELIS_MENTEN,
    "logistic": curves.TANH,
    "tanh": curves.TANH,
    "root": curves.ROOT,
}

HALFNORMAL_95 = 1.959963984540054
BRAND_SPLIT = logitnormal(0.1, 0.9)
CARRY_IN = lognormal(0.45, 2.2)
GEO_SPREAD_SCALE = 0.3
DRIFT_STEP_SCALE = 0.15
"""Prior scale of how far a time-varying channel's effectiveness moves within `DRIFT_WEEKS`."""
DRIFT_WEEKS = 13.0
NU = lognormal(2.0, 30.0)
"""Degrees of freedom of Student-t noise: from heavy tails to all but normal."""
EARLY_WEEKS = 13.0
KNOT_WEEKS = 26.0


@dataclass(frozen=True, slots=True)
class Variable:
    """A sampled variable: its labels, one prior a label, and the cells it fills.

    `place` is "theta" (column `column` of the rows in `rows`, one tuple a label), "sigma"
    (one label a geo), "scale" (one label: the group of baseline columns it scales), "survey" (one
    label a brand tracker) or "shape" (one label: the degrees of freedom of the noise).
    """

    name: str
    labels: tuple[str, ...]
    priors: tuple[PriorSpec, ...]
    place: str
    column: int = 0
    rows: tuple[tuple[int, ...], ...] = ()

    @property
    def dim(self) -> str:
        return f"{self.name}_dim"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything structural about a model. Codes and `base` (C, columns) are per channel.

    `base` holds the constants of the parameter table; sampled cells are overwritten.
    `reach` (C,) is how many lags (0, 1, ...) the weights of a finite adstock cover.
    `drifting` are the indices of time-varying channels, `drift_knots` the spans over which the
    effectiveness of each walks. `national` says of each brand tracker whether it is of the whole
    country, `survey_knots` over how many spans trackers walk of their own.
    """

    channels: tuple[str, ...]
    geos: tuple[str, ...]
    adstock: tuple[int, ...]
    saturation: tuple[int, ...]
    adstock_names: tuple[str, ...]
    saturation_names: tuple[str, ...]
    base: tuple[tuple[float, ...], ...]
    variables: tuple[Variable, ...]
    reach: tuple[int, ...]
    early_periods: int
    knots: int
    seasonality: int
    holidays: str | None
    pooled: bool
    likelihood: str = "normal"
    drifting: tuple[int, ...] = ()
    drift_knots: int = 0
    national: tuple[bool, ...] = ()
    survey_knots: int = 0

    @property
    def custom(self) -> bool:
        """Whether a channel has a transform of the user's own, which only PyTensor knows."""
        return curves.CUSTOM in (*self.adstock, *self.saturation)

    @property
    def lags(self) -> int:
        """The most lags a channel has."""
        return max(self.reach)

    @property
    def size(self) -> int:
        """Number of sampled scalars."""
        return sum(len(variable.labels) for variable in self.variables)

    def variable(self, name: str) -> Variable:
        return next(variable for variable in self.variables if variable.name == name)


def seen_outcome(panel: Panel, likelihood: str) -> np.ndarray:
    """The outcome as the likelihood sees it, (T, G): over its geo mean, its logarithm where
    noise is log-normal."""
    outcome = panel.dataset["outcome"].values
    relative = outcome / outcome.mean(axis=0)
    if likelihood != "lognormal":
        return relative
    if not (relative > 0).all():
        raise input_error(
            "outcome_not_positive",
            "inference.likelihood",
            "'lognormal' needs an outcome above zero everywhere, and some periods have none.",
            "Use 'normal' or 'student_t', or longer periods.",
        )
    return np.log(relative)


def outcome_scale(panel: Panel, likelihood: str = "normal") -> float:
    """Standard deviation within geos of the outcome the likelihood sees: the unit of weak
    priors."""
    seen = seen_outcome(panel, likelihood)
    return float(np.std(seen - seen.mean(axis=0)))


def early_periods(panel: Panel) -> int:
    """Periods that stand in for what was spent before the window: a quarter of a year."""
    periods = len(panel.dates)
    return max(1, min(round(EARLY_WEEKS / panel.weeks_per_period), periods // 4))


def share_prior(
    channel: Channel, panel: Panel, cost: float, weight: float, likelihood: str = "normal"
) -> PriorSpec:
    """Prior of a channel's share of outcome, from its stated interval or the weak default.

    The default is log-normal with mean `MEDIA_SHARE` times `weight` and a 90 % interval of
    `SHARE_FACTOR` both ways of its median. An interval from 0 is half-normal. With a log-normal
    likelihood the
    parameter is the mean effect e on the log scale, of which the share that would be missing
    without the channel is 1 - exp(-e).

    Raises `InputError` for an ROI prior on a channel without cost, or above all there is.
    """
    prior = channel.prior
    stated = prior.share
    if prior.roi:
        value = float((panel.dataset["outcome"] * panel.dataset["value_per_unit"]).sum().item())
        if not cost > 0:
            raise input_error(
                "prior_without_cost",
                f"channel '{channel.name}': prior.roi",
                "an ROI needs a cost, and this channel has none.",
                "Give 'costs.unit_cost' or state the prior as 'share'.",
            )
        stated = (prior.roi[0] * cost / value, prior.roi[1] * cost / value)
    if not stated:
        return lognormal(*default_interval(weight))
    if likelihood != "lognormal":
        return _from_nothing(stated[1]) if stated[0] == 0 else lognormal(*stated)
    if stated[1] >= 1:
        raise input_error(
            "prior_above_outcome",
            f"channel '{channel.name}': prior",
            f"its upper end is {stated[1]:.0%} of all outcome, and a multiplicative channel "
            "cannot cause all of it.",
            "Lower the upper end of the interval, or use the 'normal' likelihood.",
        )
    low, high = (-math.log1p(-bound) for bound in stated)
    return _from_nothing(high) if low == 0 else lognormal(low, high)


def _from_nothing(high: float) -> PriorSpec:
    """Half-normal, below `high` in 19 cases of 20."""
    return halfnormal(high / HALFNORMAL_95)


def split_prior(channel: Channel, half_life: tuple[float, float]) -> PriorSpec:
    """Prior of the part of a channel's effect that builds the brand: from the published pay-back
    it names, or the wide default. `half_life`: of the brand stock, 90 % interval in weeks."""
    name = channel.prior.reference
    return BRAND_SPLIT if name is None else reference_split(name, half_life, channel.name)


def model_spec(study: Study, panel: Panel) -> ModelSpec:
    """The specification of `study` on `panel`; `InputError` when its priors cannot be met.

    With paths it is that of the outcome's own regression, in which those that feed it come after
    the channels.
    """
    regression = outcome_regression(study, panel)
    study, panel = regression.study, regression.panel
    weeks = panel.weeks_per_period
    likelihood = study.inference.likelihood
    periods, count = len(panel.dates), len(study.channels)
    pooled = len(panel.geos) > 1
    base = np.zeros((count, curves.COLUMNS))
    base[:, [curves.ADSTOCK_1, curves.ADSTOCK_2, curves.HALF, curves.SLOPE]] = 1.0
    base[:, curves.MEMORY] = 1.0
    collected: dict[str, list[tuple[str, PriorSpec, int, tuple[int, ...]]]] = {}

    def sample(name: str, label: str, prior: PriorSpec, column: int, *rows: int) -> None:
        collected.setdefault(name, []).append((label, prior, column, rows))

    costs = loaded_cost(panel, study.channels).sum(["date", GEO]).values
    weights = cost_weights(costs)
    early = panel.dataset["media"].isel(date=slice(0, early_periods(panel))).sum(["date", GEO])
    problems = []
    for row, channel in enumerate(study.channels):
        if channel.name in regression.silent:
            continue
        try:
            prior = share_prior(channel, panel, float(costs[row]), float(weights[row]), likelihood)
            split = split_prior(channel, study.brand.half_life_of(channel.name))
        except InputError as error:
            problems.extend(error.findings)
            continue
        sample("share", channel.name, prior, curves.SHARE, row)
        if channel.role is Role.BOTH:
            sample("brand_split", channel.name, split, curves.SPLIT, row)
        base[row, curves.SPLIT] = 1.0 if channel.role is Role.BRAND else 0.0
        columns = (curves.ADSTOCK_1, curves.ADSTOCK_2)
        for parameter, column in zip(adstock_parameters(channel, weeks), columns, strict=False):
            name = f"{channel.adstock}_{parameter.name}"
            sample(name, channel.name, parameter.prior, column, row)
        saturation = saturation_family(channel.saturation)
        for parameter, slot in zip(saturation.parameters, saturation.slots, strict=True):
            column = curves.SLOPE if slot == "slope" else curves.HALF
            name = f"{saturation.name}_{parameter.name}"
            sample(name, channel.name, parameter.prior, column, row)
        if channel.carry_in != "estimated":
            base[row, curves.CARRY] = channel.carry_in
        elif early.values[row] > 0 and (channel.adstock != "none" or channel.role.has_brand):
            sample("carry_in", channel.name, CARRY_IN, curves.CARRY, row)
        if pooled:
            sample("geo_spread", channel.name, halfnormal(GEO_SPREAD_SCALE), curves.SPREAD, row)
        if channel.time_varying:
            sample("drift_scale", channel.name, halfnormal(DRIFT_STEP_SCALE), curves.DRIFT, row)
    if problems:
        raise InputError(problems)
    for label, (low, high), rows in brand_groups(study, regression.silent):
        memory = lognormal(low / weeks, high / weeks)
        sample("brand_half_life", label, memory, curves.MEMORY, *rows)
    variables = [
        Variable(
            name,
            tuple(label for label, *_ in cells),
            tuple(prior for _, prior, *_ in cells),
            "theta",
            cells[0][2],
            tuple(rows for *_, rows in cells),
        )
        for name, cells in collected.items()
    ]
    trackers = study.brand.surveys
    if trackers:
        found = survey_priors(panel, walks=study.brand.drift)
        for name, (place, priors) in found.items():
            variables.append(Variable(name, indicators(panel), priors, "survey", place))
    spread = outcome_scale(panel, likelihood)
    noise = tuple(halfnormal(spread) for _ in panel.geos)
    variables.append(Variable("sigma", panel.geos, noise, "sigma"))
    if likelihood == "student_t":
        variables.append(Variable("nu", ("noise",), (NU,), "shape"))
    knots = trend_knots(study, panel)
    if knots:
        walk = (halfnormal(spread / 2),)
        variables.append(Variable("trend_scale", ("trend",), walk, "scale", 0))
        if pooled:
            walk = (halfnormal(spread / 8),)
            variables.append(Variable("geo_trend_scale", ("geo_trend",), walk, "scale", 1))
    seasonality = study.baseline.seasonality
    if seasonality is None:
        seasonality = 2 if panel.periods_per_year > 3 else 0
    reach = tuple(lag_count(channel, weeks, periods) for channel in study.channels)
    return ModelSpec(
        channels=panel.channels,
        geos=panel.geos,
        adstock=tuple(ADSTOCK_CODES.get(c.adstock, curves.CUSTOM) for c in study.channels),
        saturation=tuple(SATURATION_CODES.get(c.saturation, curves.CUSTOM) for c in study.channels),
        adstock_names=tuple(channel.adstock for channel in study.channels),
        saturation_names=tuple(channel.saturation for channel in study.channels),
        base=tuple(tuple(row) for row in base.tolist()),
        variables=tuple(variables),
        reach=reach,
        early_periods=early_periods(panel),
        knots=knots,
        seasonality=seasonality,
        holidays=study.baseline.holidays,
        pooled=pooled,
        likelihood=likelihood,
        national=tuple(survey.scope == "national" for survey in trackers),
        survey_knots=half_years(panel) if trackers and study.brand.drift else 0,
        drifting=tuple(
            row
            for row, channel in enumerate(study.channels)
            if channel.time_varying and channel.name not in regression.silent
        ),
        drift_knots=int(np.clip(round(periods * weeks / DRIFT_WEEKS), 2, max(2, periods // 4))),
    )


def trend_knots(study: Study, panel: Panel) -> int:
    """Spans of the trend: as stated, or one half-year each with at least eight periods."""
    trend = study.baseline.trend
    if trend is False:
        return 0
    if trend is not True:
        return int(trend)
    return half_years(panel)


def half_years(panel: Panel) -> int:
    """Spans of half a year each with at least eight periods."""
    periods = len(panel.dates)
    return int(np.clip(round(periods * panel.weeks_per_period / KNOT_WEEKS), 2, periods // 8))


def brand_groups(
    study: Study, silent: Collection[str] = ()
) -> list[tuple[str, tuple[float, float], tuple[int, ...]]]:
    """Channels with brand effects by how these fade: name, half-life interval in weeks, rows;
    without those that have no effect of their own."""
    names = [channel.name for channel in study.channels]
    found = []
    for group in study.brand.groups:
        rows = tuple(sorted(names.index(name) for name in group.channels if name not in silent))
        if rows:
            found.append((group.name, group.half_life, rows))
    grouped = {row for *_, rows in found for row in rows}
    rest = tuple(
        row
        for row, channel in enumerate(study.channels)
        if channel.role.has_brand and row not in grouped and channel.name not in silent
    )
    return [*found, ("brand", study.brand.half_life, rest)] if rest else found
