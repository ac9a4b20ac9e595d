"""The ledger's rows of returns and net present value, and what each answer is sensitive to."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mmm
from mmm.efficiency.roi import accounts
from mmm.results.power import Power, power_of, scaled_weights
from mmm.simulate import ChannelSpec, Flighting, WorldSpec, simulate
from mmm.study.answers import answer_draws, contraction_of, prior_answers

CHANNELS = (
    ChannelSpec(name="tv", flighting=Flighting.BURSTS, cost_share=0.04, tactical_share=0.1),
    ChannelSpec(name="idle", flighting=Flighting.ALWAYS_ON, cost_share=0.001, tactical_share=0.001),
)


@pytest.fixture(scope="module")
def analysis():
    """Two channels without carry-over or saturation, whose returns have closed-form priors."""
    world = simulate(WorldSpec(name="plain", channels=CHANNELS, periods=104), 3)
    plain = {"adstock": "none", "saturation": "none"}
    study = world.study.model_copy(
        update={
            "channels": tuple(one.model_copy(update=plain) for one in world.study.channels),
            "inference": world.study.inference.model_copy(update={"chains": 2, "draws": 500}),
        }
    )
    panel, findings = mmm.panel_from_frame(study, world.frame)
    return mmm.analyse(mmm.fit(study, panel), findings)


def test_every_answer_has_a_row(analysis):
    keys = set(zip(analysis.ledger["quantity"], analysis.ledger["channel"], strict=True))
    wanted = {(name, channel) for name in ("roi", "mroi") for channel in ("tv", "idle", "")}
    assert keys >= wanted | {("npv", "")}
    efficiency = analysis.efficiency.set_index("channel")
    rows = analysis.ledger.set_index(["quantity", "channel"])
    assert rows.loc[("roi", "tv"), "posterior_p05"] == efficiency.loc["tv", "roi_p05"]
    assert rows.loc[("mroi", ""), "posterior_p95"] == efficiency.loc["total", "mroi_p95"]
    assert rows.loc[("npv", ""), "posterior_p50"] == pytest.approx(analysis.case.npv.p50)


def test_what_was_believed_of_a_return_is_what_the_prior_of_its_share_says(analysis):
    fit = analysis.fit
    drawn = prior_answers(fit)["roi", "tv"]
    variable = fit.density().spec.variable("share")
    prior = variable.priors[variable.labels.index("tv")]
    worth = float((fit.panel.dataset["outcome"] * fit.panel.dataset["value_per_unit"]).sum())
    cost = float(analysis.efficiency.set_index("channel").loc["tv", "loaded_cost"])
    score = (np.log(drawn * cost / worth) - prior.location) / prior.scale
    assert stats.kstest(score, "norm").pvalue > 1e-3


def test_data_moves_the_channel_that_works_and_priors_hold_the_other(analysis):
    rows = analysis.ledger.set_index(["quantity", "channel"])
    tv, idle = rows.loc[("roi", "tv")], rows.loc[("roi", "idle")]
    assert tv["tier"] == "data"
    assert tv["contraction"] > idle["contraction"]
    assert tv["likelihood_sensitivity"] > 0.05 > tv["prior_sensitivity"]
    assert idle["prior_sensitivity"] > tv["prior_sensitivity"]


def test_no_return_rests_on_better_evidence_than_its_contribution(analysis):
    rows = analysis.ledger.set_index(["quantity", "channel"])
    for channel in ("tv", "idle"):
        if rows.loc[("contribution", channel), "tier"] == "prior":
            assert rows.loc[("roi", channel), "tier"] == "prior"


def test_priors_and_likelihood_add_up_to_what_the_sampler_saw(analysis):
    """At two draws, the difference of the sampler's log density is that of the parts."""
    fit = analysis.fit
    power = power_of(fit, np.arange(fit.draws))
    density = fit.density()
    names = [(one.name, label) for one in density.spec.variables for label in one.labels]
    values = np.column_stack(
        [fit.posterior[name].sel({f"{name}_dim": label}).values.ravel() for name, label in names]
    )
    kinds = [prior.kind for one in density.spec.variables for prior in one.priors]
    assert "logitnormal" not in kinds
    logp = [density.value_and_gradient(np.log(row))[0] for row in values[:2]]
    halves = [i for i, kind in enumerate(kinds) if kind == "halfnormal"]
    parts = sum(power.priors.values()) + np.log(values[:, halves]).sum(axis=1) + power.likelihood
    assert parts[1] - parts[0] == pytest.approx(logp[1] - logp[0], abs=1e-6)


@pytest.mark.parametrize("led_by", ["prior", "likelihood"])
def test_an_answer_moves_with_what_it_rests_on(led_by):
    """A normal prior and a normal likelihood, one twenty times as precise as the other."""
    precise, vague = stats.norm(0.0, 0.05), stats.norm(0.3, 1.0)
    draws = np.random.default_rng(0).normal(0.0, 0.05, 4000)
    strong, weak = precise.logpdf(draws), vague.logpdf(draws)
    prior, likelihood = (strong, weak) if led_by == "prior" else (weak, strong)
    power = Power({("share", "tv"): prior}, likelihood, scaled_weights(likelihood))
    both = power.of_prior(draws, lambda *_: True), power.of_likelihood(draws)
    assert (both[0] > 0.05 > both[1]) == (led_by == "prior")
    assert np.isnan(power.of_prior(draws, lambda *_: False))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((1.0, 100.0), (1.0, 10.0), 0.75),
        ((-4.0, 4.0), (-1.0, 1.0), 1 - 1 / 16),
        ((1.0, 2.0), (0.5, 9.0), 0.0),
    ],
)
def test_contraction_of_intervals(before, after, expected):
    assert contraction_of(np.array(before), np.array(after)) == pytest.approx(expected)


def test_a_channel_without_cost_has_no_return(analysis):
    books = accounts(mmm.response(analysis.fit))
    free = SimpleNamespace(
        channel="tv", cost=np.zeros(1), variable_cost=np.zeros(1), caused=books[0].caused
    )
    assert list(answer_draws([free], analysis.cash)) == [("npv", "")]
    assert isinstance(analysis.ledger, pd.DataFrame)
