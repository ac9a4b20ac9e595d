"""Other priors without fitting again: closed forms, refits of one world, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmm.config import Brand, Inference
from mmm.data.load import panel_from_frame
from mmm.inference import fit as fitting
from mmm.model import spec
from mmm.model.spec import model_spec
from mmm.results.confounding import Overlap, brand_findings, brand_overlap
from mmm.results.ledger import ledger_table
from mmm.results.powerscale import reliable_k, smoothed_weights
from mmm.results.respond import response
from mmm.results.sensitivity import (
    HALF_LIFE,
    MOVED,
    TREND,
    Alternative,
    Sensitivity,
    brand_sensitivity,
    brand_shares,
    weighted_quantiles,
)
from mmm.simulate import simulate_world
from mmm.transforms.parameter import Z90


def test_a_power_of_a_prior_gives_the_closed_form_posterior():
    """Prior N(0, 1) and one reading of 1 with unit noise: N(1/2, 1/2); with the prior to the
    power a, N(1 / (1 + a), 1 / (1 + a))."""
    draws = np.random.default_rng(0).normal(0.5, np.sqrt(0.5), 20_000)
    for power in (0.5, 2.0):
        weights, k = smoothed_weights(-(power - 1.0) * 0.5 * draws**2)
        assert weights.sum() == pytest.approx(1.0)
        assert k < reliable_k(len(draws))
        mean = weights @ draws
        assert mean == pytest.approx(1 / (1 + power), abs=0.02)
        assert weights @ (draws - mean) ** 2 == pytest.approx(1 / (1 + power), rel=0.06)


def test_a_moved_prior_gives_the_closed_form_posterior():
    """The prior moved by s: the posterior moves by s / 2."""
    draws = np.random.default_rng(1).normal(0.5, np.sqrt(0.5), 20_000)
    weights, _ = smoothed_weights(1.0 * draws)
    assert weights @ draws == pytest.approx(1.0, abs=0.03)


def test_weights_that_one_draw_decides_are_not_relied_on():
    draws = np.random.default_rng(2).normal(size=2000)
    _, k = smoothed_weights(3.0 * draws**2)
    assert k > reliable_k(2000)
    assert reliable_k(100) < reliable_k(2000) <= 0.7


@pytest.mark.parametrize("log_ratio", [np.linspace(-1, 1, 12), np.repeat([0.0, 1.0], 200)])
def test_too_few_different_draws_are_not_relied_on(log_ratio):
    weights, k = smoothed_weights(log_ratio)
    assert k == np.inf
    np.testing.assert_allclose(weights, np.exp(log_ratio) / np.exp(log_ratio).sum())


def test_weighted_quantiles_are_those_of_repeated_draws():
    draws = np.array([3.0, 1.0, 2.0])
    weights = np.array([0.25, 0.5, 0.25])
    (middle,) = weighted_quantiles(np.repeat(draws, 400), np.repeat(weights, 400) / 400, (0.6,))
    assert middle == pytest.approx(np.quantile(np.repeat(draws, [1000, 2000, 1000]), 0.6))


FAST = Inference(chains=4, draws=1000, tune=300, seed=3)


@pytest.fixture(scope="module")
def fitted():
    """A world in which only the prior settles how long the brand remembers."""
    world = simulate_world("brand_alone", seed=0)
    study = world.study.model_copy(update={"inference": FAST})
    panel, _ = panel_from_frame(study, world.frame)
    return fitting.fit(study, panel)


def brand_mean(fit):
    return np.sum(list(brand_shares(fit, model_spec(fit.study, fit.panel)).values()), axis=0).mean()


@pytest.mark.parametrize(
    ("change", "sigmas", "steps"),
    [("power 0.5", np.sqrt(2.0), 0.0), ("moved by +1 sd", 1.0, 1.0)],
)
def test_weights_agree_with_a_refit_under_another_half_life(fitted, change, sigmas, steps):
    low, high = fitted.study.brand.half_life
    middle, sigma = np.log(low * high) / 2, np.log(high / low) / (2 * Z90)
    centre = middle + steps * sigma
    ends = tuple(float(np.exp(centre + z * sigmas * sigma)) for z in (-Z90, Z90))
    again = fitted.study.model_copy(update={"brand": Brand(half_life=ends)})
    refit = brand_mean(fitting.fit(again, fitted.panel))
    found = brand_sensitivity(fitted, model_spec(fitted.study, fitted.panel))
    one = next(a for a in found.alternatives if (a.prior, a.change) == (HALF_LIFE, change))
    assert one.usable
    assert one.mean == pytest.approx(refit, rel=0.12)
    if steps:
        assert refit / found.mean - 1 > 0.1


def test_weights_agree_with_a_refit_under_a_stiffer_trend(fitted, monkeypatch):
    def stiffer(study, panel):
        known = spec.model_spec(study, panel)
        variables = tuple(
            replace(v, priors=tuple(replace(p, scale=p.scale / np.sqrt(2.0)) for p in v.priors))
            if v.name == "trend_scale"
            else v
            for v in known.variables
        )
        return replace(known, variables=variables)

    found = brand_sensitivity(fitted, model_spec(fitted.study, fitted.panel))
    monkeypatch.setattr(fitting, "model_spec", stiffer)
    refit = brand_mean(fitting.fit(fitted.study, fitted.panel))
    one = next(a for a in found.alternatives if (a.prior, a.change) == (TREND, "power 2"))
    assert one.mean == pytest.approx(refit, rel=0.08)


def test_an_unsettled_brand_is_led_by_the_prior_and_said_so(fitted):
    found = brand_sensitivity(fitted, model_spec(fitted.study, fitted.panel))
    ledger = ledger_table(fitted).set_index(["quantity", "channel"])
    assert ledger.loc[("brand_half_life", ""), "tier"] == "prior"
    assert ledger.loc[("brand_share", "tv"), "brand_shift"] == found.moved("tv")
    assert ledger.loc[("contribution", "sponsorship"), "brand_shift"] > 0.0
    assert np.isnan(ledger.loc[("contribution", "paid_search"), "brand_shift"])

    overlap = brand_overlap(response(fitted, 300))
    assert 0.5 < overlap.copied <= 1.0 and overlap.correlation < -0.8
    (one,) = brand_findings(overlap, found, ledger.reset_index())
    assert one.check == "brand_prior_led" and one.severity == "warning"
    assert f"Brand is {found.mean:.1%} of outcome" in one.message
    assert "can copy" in one.message and "were the trend stiffer or looser" in one.message


def sensitivity(mean=0.1, other=0.12, usable=True):
    alternative = Alternative(
        HALF_LIFE, "power 2", other, 0.0, 0.3, {"tv": other}, 0.4 if usable else 0.9, usable
    )
    return Sensitivity(mean, 0.02, 0.25, {"tv": mean}, (alternative,))


def ledger(tier):
    return pd.DataFrame({"quantity": ["brand_half_life"], "channel": [""], "tier": [tier]})


def test_moved_is_the_largest_change_and_infinite_where_draws_cannot_tell():
    assert sensitivity().moved() == pytest.approx(0.2)
    assert sensitivity().moved("tv") == pytest.approx(0.2)
    assert sensitivity().moved(prior=TREND) == 0.0
    assert sensitivity(usable=False).moved() == np.inf


APART, ALIKE = Overlap(0.3, -0.2), Overlap(0.95, -0.2)


@pytest.mark.parametrize(
    ("overlap", "found", "tier", "count"),
    [
        (ALIKE, sensitivity(), "prior", 1),
        (ALIKE, sensitivity(), "data", 0),
        (APART, sensitivity(), "prior", 0),
        (Overlap(0.3, -0.9), sensitivity(), "prior", 1),
        (APART, sensitivity(other=0.1 * (1 + MOVED) + 0.001), "prior", 1),
        (APART, sensitivity(usable=False), "prior", 1),
        (ALIKE, sensitivity(mean=0.01, other=0.01), "prior", 0),
        (Overlap(0.9, float("nan")), sensitivity(), "prior", 1),
    ],
)
def test_the_rule_of_the_finding(overlap, found, tier, count):
    assert len(brand_findings(overlap, found, ledger(tier))) == count


def test_unusable_weights_are_named_with_their_pareto_k():
    (one,) = brand_findings(ALIKE, sensitivity(usable=False), ledger("prior"))
    assert "the draws cannot tell (Pareto k 0.90)" in one.message


def test_a_sensitive_brand_share_is_the_priors_whatever_its_contraction(make, monkeypatch):
    from mmm.results import ledger as module

    fit = make.fit([{"name": "tv", "role": "both"}], draws=400, spread=0.1)
    assert ledger_table(fit).set_index("quantity").loc["brand_share", "tier"] == "data"
    moved = sensitivity(other=0.2)
    monkeypatch.setattr(module, "brand_sensitivity", lambda *_: moved)
    table = ledger_table(fit).set_index("quantity")
    assert table.loc["brand_share", "tier"] == table.loc["brand_half_life", "tier"] == "prior"
    assert table.loc["contribution", "tier"] == "data"


def test_no_brand_has_no_sensitivity(make):
    fit = make.fit([{"name": "search", "role": "tactical"}], draws=20)
    assert brand_sensitivity(fit, model_spec(fit.study, fit.panel)) is None
    assert ledger_table(fit)["brand_shift"].isna().all()


def test_a_slow_stock_is_copied_by_trend_and_a_quick_one_is_not(make):
    def copied(half_life, **study):
        channel = {"name": "tv", "role": "brand", "adstock": "none"}
        brand = {"half_life": half_life}
        return brand_overlap(make.response(channel, geos=2, spread=0.05, brand=brand, **study))

    slow, quick = copied((100.0, 110.0)), copied((0.4, 0.5))
    assert slow.copied > 0.9 > 0.5 > quick.copied >= 0.0
    flat = copied((100.0, 110.0), baseline={"trend": False})
    assert flat.copied < 0.5 and np.isnan(flat.correlation)
