"""The model in PyMC: what is sampled, what it does to the outcome, and the likelihood.

The compiled density of `mmm.model.density` is what is sampled by default; this graph says the
same in the open, and tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.dims import CHANNEL, GEO
from mmm.model import marginal
from mmm.model.curves import SPREAD
from mmm.model.design import INTERCEPT, Design, build_design
from mmm.model.spec import ModelSpec, Variable, model_spec
from mmm.model.terms import channel_effects
from mmm.transforms.parameter import PriorSpec

PERIOD, OWN_ROW, SHARED_ROW = "period", "own_row", "shared_row"


def pymc_model(study: Study, panel: Panel, *, collapsed: bool = True) -> pm.Model:
    """The model of `study` on `panel` in PyMC, to read, to sample from or to build on.

    It is the model `mmm.fit` samples through its compiled density. `collapsed` false gives
    every linear coefficient a variable of its own.
    """
    spec = model_spec(study, panel)
    return build_model(spec, build_design(spec, panel), collapsed=collapsed)


def build_model(spec: ModelSpec, design: Design, *, collapsed: bool = True) -> pm.Model:
    """The PyMC model of `spec` on `design`.

    `collapsed` integrates out every linear coefficient, as the compiled density does; otherwise
    they are variables of their own: `own_coefficient` (geo, own_row), `shared_coefficient`
    (shared_row) and `geo_deviation` (geo, channel), in units of geo mean outcome.
    """
    with pm.Model(coords=coordinates(spec, design)) as model:
        values = {variable.name: sampled(variable) for variable in spec.variables}
        table = parameter_table(spec, values)
        effect = channel_effects(table, spec, design)
        own_sd, shared_sd = baseline_scales(spec, design, values)
        if collapsed:
            collapsed_outcome(spec, design, table, effect, own_sd, shared_sd, values["sigma"])
        else:
            explicit_outcome(spec, design, table, effect, own_sd, shared_sd, values["sigma"])
    return model


def coordinates(spec: ModelSpec, design: Design) -> dict[str, Sequence[object]]:
    """Labels of every dimension of the model."""
    return {
        GEO: spec.geos,
        CHANNEL: spec.channels,
        PERIOD: range(design.outcome.shape[1]),
        OWN_ROW: design.baseline.own_component,
        SHARED_ROW: design.baseline.shared_component,
    } | {variable.dim: variable.labels for variable in spec.variables}


def sampled(variable: Variable) -> TensorVariable:
    """The random variable of `variable`, (labels,).

    Priors of several kinds become one random variable a kind, `<name>_<kind>`, and a
    deterministic `<name>` that joins them.
    """
    kinds = list(dict.fromkeys(prior.kind for prior in variable.priors))
    if len(kinds) == 1:
        return distribution(variable.name, variable.priors, variable.dim)
    model = pm.modelcontext(None)
    joined = pt.zeros(len(variable.labels))
    for kind in kinds:
        labels = [i for i, prior in enumerate(variable.priors) if prior.kind == kind]
        name = f"{variable.name}_{kind}"
        model.add_coord(f"{name}_dim", [variable.labels[i] for i in labels])
        part = distribution(name, [variable.priors[i] for i in labels], f"{name}_dim")
        joined = pt.set_subtensor(joined[labels], part)
    return pm.Deterministic(variable.name, joined, dims=variable.dim)


def distribution(name: str, priors: Sequence[PriorSpec], dim: str) -> TensorVariable:
    """One random variable for `priors`, all of one kind."""
    location = np.array([prior.location for prior in priors])
    scale = np.array([prior.scale for prior in priors])
    match priors[0].kind:
        case "lognormal":
            return pm.LogNormal(name, mu=location, sigma=scale, dims=dim)
        case "logitnormal":
            # PyMC gives this distribution no transform of its own
            unbounded = pm.distributions.transforms.logodds
            return pm.LogitNormal(name, location, scale, dims=dim, default_transform=unbounded)
        case "halfnormal":
            return pm.HalfNormal(name, sigma=scale, dims=dim)


def parameter_table(spec: ModelSpec, values: Mapping[str, TensorVariable]) -> TensorVariable:
    """Parameters of the curves, (channel, column): constants of the specification, sampled
    variables in the cells that are theirs."""
    table = pt.as_tensor_variable(np.array(spec.base))
    for variable in spec.variables:
        if variable.place == "theta":
            label = [i for i, rows in enumerate(variable.rows) for _ in rows]
            row = [row for rows in variable.rows for row in rows]
            cells = table[row, variable.column]
            table = pt.set_subtensor(cells, values[variable.name][label])
    return table


def baseline_scales(
    spec: ModelSpec, design: Design, values: Mapping[str, TensorVariable]
) -> tuple[TensorVariable, TensorVariable]:
    """Prior standard deviations of own and shared baseline coefficients, (K0,) and (P,): the
    design's, times the sampled scale of the rows' group where they have one."""
    baseline = design.baseline
    own, shared = pt.as_tensor_variable(baseline.own_sd), pt.as_tensor_variable(baseline.shared_sd)
    for variable in spec.variables:
        if variable.place == "scale":
            scale = values[variable.name][0]
            own = pt.switch(baseline.own_group == variable.column, own * scale, own)
            shared = pt.switch(baseline.shared_group == variable.column, shared * scale, shared)
    return own, shared


def collapsed_outcome(
    spec: ModelSpec,
    design: Design,
    table: TensorVariable,
    effect: TensorVariable,
    own_sd: TensorVariable,
    shared_sd: TensorVariable,
    sigma: TensorVariable,
) -> None:
    """The likelihood with every linear coefficient integrated out."""
    geos = len(spec.geos)
    own = pt.as_tensor_variable(np.tile(design.baseline.own[None], (geos, 1, 1)))
    own = own * own_sd[:, None]
    if spec.pooled:
        own = pt.concatenate([own, effect * table[:, SPREAD][:, None]], axis=1)
    residual = design.outcome - INTERCEPT - effect.sum(axis=1)
    shared = design.baseline.shared * shared_sd[:, None]
    pm.Potential(
        "outcome_likelihood",
        marginal.log_likelihood(
            pt.specify_shape(residual, design.outcome.shape),
            pt.specify_shape(own, (geos, own_rows(spec, design), None)),
            pt.specify_shape(shared, design.baseline.shared.shape),
            sigma,
        ),
    )


def own_rows(spec: ModelSpec, design: Design) -> int:
    """Rows whose coefficients are a geo's own: baseline rows, then channels where geos pool."""
    return design.own + (len(spec.channels) if spec.pooled else 0)


def explicit_outcome(
    spec: ModelSpec,
    design: Design,
    table: TensorVariable,
    effect: TensorVariable,
    own_sd: TensorVariable,
    shared_sd: TensorVariable,
    sigma: TensorVariable,
) -> None:
    """The same likelihood with every coefficient a variable: standard normals times their sd."""
    mean = INTERCEPT + effect.sum(axis=1)
    if design.own:
        standard = pm.Normal("own_standard", dims=(GEO, OWN_ROW))
        own = pm.Deterministic("own_coefficient", standard * own_sd, dims=(GEO, OWN_ROW))
        mean = mean + own @ design.baseline.own
    if len(design.baseline.shared_component):
        standard = pm.Normal("shared_standard", dims=SHARED_ROW)
        shared = pm.Deterministic("shared_coefficient", standard * shared_sd, dims=SHARED_ROW)
        mean = mean + (shared[:, None] * design.baseline.shared).sum(axis=1)
    if spec.pooled:
        standard = pm.Normal("geo_standard", dims=(GEO, CHANNEL))
        spread = table[:, SPREAD]
        deviation = pm.Deterministic("geo_deviation", standard * spread, dims=(GEO, CHANNEL))
        mean = mean + (deviation[:, :, None] * effect).sum(axis=1)
    pm.Normal("outcome", mean, sigma[:, None], observed=design.outcome, dims=(GEO, PERIOD))
