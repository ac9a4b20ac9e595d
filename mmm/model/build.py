"""The model in PyMC: what is sampled, what it does to the outcome, and the likelihood.

The compiled density of `mmm.model.density` is what is sampled by default; this graph says the
same in the open, and tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Literal

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from mmm.config import Study
from mmm.data.panel import Panel
from mmm.dims import CHANNEL, GEO
from mmm.errors import ModelError
from mmm.model import marginal
from mmm.model.curves import DRIFT, SPREAD
from mmm.model.density import layout_of
from mmm.model.design import Design, build_design
from mmm.model.experiment_graph import experiment_log_likelihood
from mmm.model.graph import path_regressions
from mmm.model.op import CollapsedLikelihood, FusedLikelihood
from mmm.model.spec import ModelSpec, Variable, model_spec
from mmm.model.survey_graph import survey_log_likelihood
from mmm.model.terms import channel_effects
from mmm.transforms.parameter import PriorSpec

PERIOD, OWN_ROW, SHARED_ROW = "period", "own_row", "shared_row"
OWN_TERM, SHARED_TERM = "own_term", "shared_term"
DRIFTING, DRIFT_ROW = "drifting_channel", "drift_row"

Form = Literal["fused", "collapsed", "explicit"]
FORMS = ("fused", "collapsed", "explicit")


def pymc_model(study: Study, panel: Panel, *, form: Form = "fused") -> pm.Model:
    """The model of `study` on `panel` in PyMC, to read, to sample from or to build on.

    It is the model `mmm.fit` samples through its compiled density. `form`: `fused` evaluates
    curves and likelihood in one compiled step, `collapsed` states the same in PyTensor,
    `explicit` gives every linear coefficient a variable of its own. With Student-t noise
    nothing can be integrated out, so the explicit form is the only one and always given; with
    a transform of your own `fused` evaluates its curves in PyTensor. The study's paths are in it
    too, each a nested model: variables and dimensions of a path start with `PATH::`.
    """
    parts = {}
    for path in path_regressions(study, panel):
        spec = model_spec(path.study, path.panel)
        parts[path.name] = (spec, build_design(spec, path.panel))
    spec = model_spec(study, panel)
    return build_model(spec, build_design(spec, panel), form=form, paths=parts)


def build_model(
    spec: ModelSpec,
    design: Design,
    *,
    form: Form = "collapsed",
    name: str = "",
    paths: Mapping[str, tuple[ModelSpec, Design]] | None = None,
) -> pm.Model:
    """The PyMC model of `spec` on `design` in the `form` that `pymc_model` describes.

    Collapsed and fused forms integrate out every linear coefficient; the explicit form has them
    whitened, as `own_standard` (geo, own rows then channels) and `shared_standard` (shared
    rows, then those of drifting channels), and in units of the outcome the likelihood sees:
    `own_coefficient` (geo, own_row), `shared_coefficient` (shared_row), `geo_deviation`
    (geo, channel) and `drift` (drifting_channel, drift_row). `name` is put before every name of
    a model nested in another; `paths` are nested in this one.

    Raises `ModelError` for a form that is not one of the three.
    """
    if form not in FORMS:
        raise ModelError(f"form='{form}': choose one of {', '.join(FORMS)}.")
    with pm.Model(name=name) as model:
        for dim, labels in coordinates(spec, design).items():
            model.add_coord(*scoped(dim), labels)
        for path, part in (paths or {}).items():
            build_model(*part, form=form, name=path)
        values = {variable.name: sampled(variable) for variable in spec.variables}
        if form == "fused" and find_spec("jax"):
            import_module("mmm.model.jax_form")  # lets samplers in JAX convert the operations
        if form == "fused" and spec.likelihood != "student_t" and not spec.custom:
            likelihood, _ = FusedLikelihood(spec, design)(flat_cells(spec, values))
            pm.Potential("outcome_likelihood", likelihood)
            return model
        table = parameter_table(spec, values)
        if spec.national:
            tracked = survey_log_likelihood(spec, design, table, values)
            pm.Potential("survey_likelihood", tracked)
        if design.trials.count:
            pm.Potential("experiment_likelihood", experiment_log_likelihood(spec, design, table))
        own_sd, shared_sd = baseline_scales(spec, design, values)
        effect = channel_effects(table, spec, design)
        terms = Terms(table, effect, own_sd, shared_sd, values["sigma"])
        if form == "explicit" or spec.likelihood == "student_t":
            explicit_outcome(spec, design, terms, values.get("nu"))
        elif form == "collapsed":
            collapsed_outcome(spec, design, terms)
        else:
            pm.Potential("outcome_likelihood", compiled_likelihood(spec, design, terms))
    return model


def scoped(*dims: str) -> tuple[str, ...]:
    """Names of dimensions as the model in whose context this is called has them."""
    name = pm.modelcontext(None).name
    return tuple(f"{name}::{dim}" if name else dim for dim in dims)


def flat_cells(spec: ModelSpec, values: Mapping[str, TensorVariable]) -> TensorVariable:
    """Flat cells of the compiled density, from the values of the sampled variables."""
    layout = layout_of(spec)
    cells, start = pt.as_tensor_variable(layout.base), 0
    for variable in spec.variables:
        inside = (layout.scalar >= start) & (layout.scalar < start + len(variable.labels))
        label = layout.scalar[inside] - start
        cells = pt.set_subtensor(cells[layout.cell[inside]], values[variable.name][label])
        start += len(variable.labels)
    return cells


@dataclass(frozen=True, slots=True)
class Terms:
    """What the likelihood is made of: table (C, columns), effect (G, C, T) before deviations
    and drift, own_sd (K0,), shared_sd (P,), sigma (G,)."""

    table: TensorVariable
    effect: TensorVariable
    own_sd: TensorVariable
    shared_sd: TensorVariable
    sigma: TensorVariable


def coordinates(spec: ModelSpec, design: Design) -> dict[str, Sequence[object]]:
    """Labels of every dimension of the model."""
    baseline = design.baseline
    drifting = [spec.channels[channel] for channel in spec.drifting]
    rows = range(len(design.drift))
    return {
        GEO: spec.geos,
        CHANNEL: spec.channels,
        PERIOD: range(design.outcome.shape[1]),
        OWN_ROW: baseline.own_component,
        SHARED_ROW: baseline.shared_component,
        OWN_TERM: [*baseline.own_component, *(spec.channels if spec.pooled else ())],
        SHARED_TERM: [
            *baseline.shared_component,
            *(f"{channel} drift {k}" for channel in drifting for k in rows),
        ],
        DRIFTING: drifting,
        DRIFT_ROW: rows,
    } | {variable.dim: variable.labels for variable in spec.variables}


def sampled(variable: Variable) -> TensorVariable:
    """The random variable of `variable`, (labels,).

    Priors of several kinds become one random variable a kind, `<name>_<kind>`, and a
    deterministic `<name>` that joins them.
    """
    kinds = list(dict.fromkeys(prior.kind for prior in variable.priors))
    if len(kinds) == 1:
        return distribution(variable.name, variable.priors, *scoped(variable.dim))
    model = pm.modelcontext(None)
    joined = pt.zeros(len(variable.labels))
    for kind in kinds:
        labels = [i for i, prior in enumerate(variable.priors) if prior.kind == kind]
        name = f"{variable.name}_{kind}"
        (dim,) = scoped(f"{name}_dim")
        model.add_coord(dim, [variable.labels[i] for i in labels])
        part = distribution(name, [variable.priors[i] for i in labels], dim)
        joined = pt.set_subtensor(joined[labels], part)
    return pm.Deterministic(variable.name, joined, dims=scoped(variable.dim))


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


def drift_rows(spec: ModelSpec, design: Design, terms: Terms) -> TensorVariable:
    """Rows of the drifting channels, (G, drifting * K, T), channel by channel: the effect along
    each basis row, times the prior standard deviation of its coefficient."""
    drifting = list(spec.drifting)
    scaled = terms.effect[:, drifting] * terms.table[drifting, DRIFT][:, None]
    rows = scaled[:, :, None, :] * design.drift
    geos, periods = design.outcome.shape
    return rows.reshape((geos, len(drifting) * len(design.drift), periods))


def shared_rows(spec: ModelSpec, design: Design, terms: Terms) -> TensorVariable:
    """Scaled rows whose coefficients all geos share, (G, P, T): baseline, then drift."""
    shared = design.baseline.shared * terms.shared_sd[:, None]
    if not spec.drifting:
        return shared
    return pt.concatenate([shared, drift_rows(spec, design, terms)], axis=1)


def own_rows(spec: ModelSpec, design: Design, terms: Terms) -> TensorVariable:
    """Scaled rows whose coefficients are a geo's own, (G, K, T): baseline, then channels."""
    own = np.tile(design.baseline.own[None], (len(spec.geos), 1, 1)) * terms.own_sd[:, None]
    if not spec.pooled:
        return own
    return pt.concatenate([own, terms.effect * terms.table[:, SPREAD][:, None]], axis=1)


def row_counts(spec: ModelSpec, design: Design) -> tuple[int, int]:
    """How many own and how many shared rows there are."""
    own = design.own + (len(spec.channels) if spec.pooled else 0)
    return own, len(design.baseline.shared_sd) + len(spec.drifting) * len(design.drift)


def collapsed_outcome(spec: ModelSpec, design: Design, terms: Terms) -> None:
    """The likelihood with every linear coefficient integrated out."""
    geos, periods = design.outcome.shape
    own, shared = row_counts(spec, design)
    residual = design.outcome - design.centre - terms.effect.sum(axis=1)
    pm.Potential(
        "outcome_likelihood",
        marginal.log_likelihood(
            pt.specify_shape(residual, (geos, periods)),
            pt.specify_shape(own_rows(spec, design, terms), (geos, own, None)),
            pt.specify_shape(shared_rows(spec, design, terms), (geos, shared, None)),
            terms.sigma,
        ),
    )


def compiled_likelihood(spec: ModelSpec, design: Design, terms: Terms) -> TensorVariable:
    """The same, compiled."""
    spread = terms.table[:, SPREAD] if spec.pooled else pt.zeros(0)
    drift = terms.table[list(spec.drifting), DRIFT] if spec.drifting else pt.zeros(0)
    likelihood, *_ = CollapsedLikelihood(spec, design)(
        terms.effect, spread, drift, terms.sigma, terms.own_sd, terms.shared_sd
    )
    return likelihood


def explicit_outcome(
    spec: ModelSpec, design: Design, terms: Terms, nu: TensorVariable | None
) -> None:
    """The likelihood with every coefficient a variable: standard normals times their prior
    standard deviation. Noise is normal, or Student-t with `nu` (1,) degrees of freedom."""
    mean = design.centre + terms.effect.sum(axis=1)
    own, shared = row_counts(spec, design)
    if own:
        standard = pm.Normal("own_standard", dims=scoped(GEO, OWN_TERM))
        mean = mean + (standard[:, :, None] * own_rows(spec, design, terms)).sum(axis=1)
        baseline, channels = standard[:, : design.own], standard[:, design.own :]
        pm.Deterministic("own_coefficient", baseline * terms.own_sd, dims=scoped(GEO, OWN_ROW))
        if spec.pooled:
            spread = terms.table[:, SPREAD]
            pm.Deterministic("geo_deviation", channels * spread, dims=scoped(GEO, CHANNEL))
    if shared:
        standard = pm.Normal("shared_standard", dims=scoped(SHARED_TERM))
        mean = mean + (standard[:, None] * shared_rows(spec, design, terms)).sum(axis=1)
        rows = len(design.baseline.shared_sd)
        pm.Deterministic(
            "shared_coefficient", standard[:rows] * terms.shared_sd, dims=scoped(SHARED_ROW)
        )
        if spec.drifting:
            drifting = list(spec.drifting)
            drift = standard[rows:].reshape((len(drifting), len(design.drift)))
            scale = terms.table[drifting, DRIFT][:, None]
            pm.Deterministic("drift", drift * scale, dims=scoped(DRIFTING, DRIFT_ROW))
    noise = terms.sigma[:, None]
    dims = scoped(GEO, PERIOD)
    if nu is None:
        pm.Normal("outcome", mean, noise, observed=design.outcome, dims=dims)
    else:
        pm.StudentT("outcome", nu[0], mu=mean, sigma=noise, observed=design.outcome, dims=dims)
