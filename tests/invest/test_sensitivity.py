"""Power-scaling against the closed form of normal priors, and what a case makes of it."""

import numpy as np
import pytest
from scipy import stats

from mmm.invest.sensitivity import prior_sensitivity
from mmm.invest.verdict import Rule
from mmm.results.powerscale import (
    ALL,
    log_density,
    log_priors,
    power_weights,
    reliable_k,
    shift_by_alpha,
)
from mmm.transforms.parameter import halfnormal, logitnormal, lognormal


@pytest.mark.parametrize("alpha", [0.5, 2.0])
@pytest.mark.parametrize(("mean", "spread"), [(1.0, 0.5), (-0.6, 0.8), (0.0, 0.3)])
def test_weights_turn_a_normal_posterior_into_that_of_the_scaled_prior(alpha, mean, spread):
    # prior N(0, 1) and posterior N(m, s): with the prior to the power a the precision is
    # 1/s^2 + a - 1 and the mean is m/s^2 over it
    draws = stats.norm(mean, spread).ppf((np.arange(4000) + 0.5) / 4000)
    weights, k = power_weights(
        log_density(lognormal(*np.exp([-1.645, 1.645])), np.exp(draws)), alpha
    )
    precision = spread**-2 + alpha - 1
    found = weights @ draws
    assert weights.sum() == pytest.approx(1.0)
    assert found == pytest.approx(mean / spread**2 / precision, abs=0.02)
    assert weights @ (draws - found) ** 2 == pytest.approx(1 / precision, rel=0.05)
    assert k < reliable_k(4000)


def test_densities_are_normal_where_priors_are():
    draws = np.array([0.2, 0.5, 0.9])
    for prior, theirs in (
        (lognormal(0.1, 2.0), stats.norm(0, 1).logpdf),
        (logitnormal(0.1, 0.6), stats.norm(0, 1).logpdf),
        (halfnormal(0.4), stats.norm(0, 1).logpdf),
    ):
        scaled = {"lognormal": np.log, "logitnormal": lambda x: np.log(x / (1 - x))}.get(
            prior.kind, lambda x: x
        )(draws)
        expected = theirs((scaled - prior.location) / prior.scale)
        ours = log_density(prior, draws)
        assert ours - ours[0] == pytest.approx(expected - expected[0])


def test_weights_that_cannot_be_relied_on_say_so():
    draws = 6.0 * np.random.default_rng(0).standard_t(3, 2000)
    _, k = power_weights(-0.5 * draws**2, 0.2)
    assert not k <= reliable_k(2000)


def test_what_the_prior_does_not_touch_does_not_move():
    generator = np.random.default_rng(3)
    prior_side, other = generator.normal(size=(2, 4000))
    (low, _), (high, _) = (power_weights(-0.5 * prior_side**2, a) for a in (0.5, 2.0))
    assert shift_by_alpha(other, low, high, (0.5, 2.0)) < 0.05
    assert shift_by_alpha(prior_side, low, high, (0.5, 2.0)) > 0.05


def test_a_case_led_by_its_prior_moves_and_one_led_by_data_stays():
    generator = np.random.default_rng(5)
    score = generator.normal(-1.0, 0.7, 3000)
    log_prior = {"size of effects": -0.5 * score**2}
    led = prior_sensitivity(log_prior, 100 * (score + 1.5), 100.0, Rule(), fit_verdict="trusted")
    weaker, stronger = led
    assert (weaker.alpha, stronger.alpha) == (0.5, 2.0)
    assert weaker.npv_mean < 50 < stronger.npv_mean
    assert weaker.probability_of_loss > stronger.probability_of_loss
    assert weaker.sensitivity == stronger.sensitivity > 0.05
    free = generator.normal(0.5, 1.0, 3000)
    still = prior_sensitivity(log_prior, 100 * free, 100.0, Rule(), fit_verdict="trusted")
    assert all(row.sensitivity < 0.05 for row in still)
    assert still[0].npv_mean == pytest.approx(50, abs=8)


def test_priors_of_a_fit_by_group(fitted):
    numbers = np.arange(0, 200, 7)
    found = log_priors(fitted, numbers)
    assert set(found) == {"size of effects", "brand", "shape of curves", "trend", ALL}
    assert all(one.shape == (len(numbers),) for one in found.values())
    total = sum(one for name, one in found.items() if name != ALL)
    assert found[ALL] == pytest.approx(total)
    by_hand = np.zeros(len(numbers))
    shares = fitted.posterior["share"].values[0][numbers]
    from mmm.model.spec import model_spec

    for i, prior in enumerate(model_spec(fitted.study, fitted.panel).variable("share").priors):
        by_hand += stats.norm(prior.location, prior.scale).logpdf(np.log(shares[:, i]))
    ours = found["size of effects"]
    assert ours - ours[0] == pytest.approx(by_hand - by_hand[0])
