"""Whether returns hold: without the last periods, under other seeds, on other outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from mmm.evaluate.bench import Bench
from mmm.evaluate.perturb import jittered, nudge, perturbation, smoothed
from mmm.evaluate.placebo import Trial, judged, middle, placebo, planned_trials
from mmm.evaluate.residuals import expected_mean
from mmm.evaluate.seeds import compared, seeds
from mmm.evaluate.seeds import judged as judged_seeds
from mmm.evaluate.stability import cuts, stability
from mmm.inference.fit import fit
from mmm.results.respond import response
from mmm.transforms.parameter import halfnormal, lognormal


def test_returns_of_a_constant_world_are_stable(constant, fitted, monkeypatch):
    assert cuts(constant.panel) == [4, 13, 26, 60]
    monkeypatch.setattr("mmm.evaluate.stability.WEEKS", (13.0,))
    found = stability(response(fitted), constant.study, constant.panel, Bench(2))
    assert found.unstable == ()
    assert found.advice == ()
    assert len(found.rows) == 4
    assert 0.3 <= found.least_overlap <= 1.0


def test_a_return_that_moved_is_unstable_and_the_other_is_not(moved, monkeypatch):
    monkeypatch.setattr("mmm.evaluate.stability.WEEKS", (26.0,))
    base = response(fit(moved.study, moved.panel))
    found = stability(base, moved.study, moved.panel, Bench(2))
    assert found.unstable == ("tv",)
    half = next(row for row in found.rows if row.channel == "tv" and row.dropped == 60)
    assert half.change > 0.25
    assert half.overlap < 0.3
    assert "'tv'" in found.reading
    assert "time_varying" in found.advice[0]


def test_placebos_are_not_credited(constant):
    trials = planned_trials(constant.panel, 4, 1)
    found = placebo(constant.study, constant.panel, trials, Bench(4))
    assert len(found.trials) == 4
    assert found.credited == 0
    assert found.rate == 0.0
    assert found.rate_p95 == pytest.approx(1 - 0.05 ** (1 / 4))
    assert all(trial.share < trial.prior for trial in found.trials)
    assert found.advice == ()


def test_placebo_shifts_are_in_turn_and_unlike_the_channel(constant):
    trials = planned_trials(constant.panel, 10, 1)
    assert [channel for channel, _ in trials[:4]] == ["tv", "search", "tv", "search"]
    assert len(set(trials)) == 10
    media = constant.panel.dataset["media"].values[:, 0]
    for channel, shift in trials:
        own = media[:, constant.panel.channels.index(channel)]
        assert 13 <= shift <= 107
        assert abs(np.corrcoef(own, np.roll(own, shift))[0, 1]) < 0.8


def test_credit_is_counted_with_its_uncertainty():
    trial = Trial("tv", 20, 0.1, 0.05, 0.99, 0.8, credited=True)
    other = Trial("tv", 21, 0.01, 0.05, 0.01, 0.8, credited=False)
    found = judged((trial, other, other), ("tv", "flat"))
    assert (found.credited, found.left_out) == (1, ("flat",))
    assert found.rate == pytest.approx(1 / 3)
    assert found.rate_p05 < 1 / 3 < found.rate_p95
    assert "'tv'" in found.advice[0]
    assert judged((), ("flat",)).reading.startswith("No placebo")


def test_middle_of_priors():
    assert middle(lognormal(0.1, 10.0)) == pytest.approx(1.0)
    draws = np.abs(np.random.default_rng(0).standard_normal(200_001)) * 2.0
    assert middle(halfnormal(2.0)) == pytest.approx(np.median(draws), rel=0.01)


def test_seeds_of_a_settled_fit_agree(constant, fitted):
    found = seeds(fitted, constant.study, constant.panel, 1, Bench(1))
    assert [row.channel for row in found.rows] == ["tv", "search"]
    assert found.within_error
    assert 0 < found.largest_of_interval < 0.2


def test_independent_draws_are_within_error_and_moved_ones_are_not():
    rng = np.random.default_rng(5)
    own, other = rng.normal(2.0, 0.5, (2, 1000))
    close = compared(2, "tv", own, other, 2)
    assert close.error == pytest.approx(0.5 / np.sqrt(1000), rel=0.25)
    assert close.z == pytest.approx(
        (other.mean() - own.mean()) / np.hypot(close.error, close.error_other)
    )
    assert judged_seeds((close,)).within_error
    apart = judged_seeds((close, compared(2, "tv", own, other + 0.2, 2)))
    assert not apart.within_error
    assert apart.advice
    assert judged_seeds((close,) * 20).limit > judged_seeds((close,)).limit


def test_small_changes_move_little(constant, fitted):
    found = perturbation(response(fitted), constant.study, constant.panel, 1, 1, Bench(2))
    assert len({row.change for row in found.rows}) == 2
    assert found.largest < 0.25
    assert found.advice == ()


def test_outcomes_are_changed_as_said(constant, fitted):
    read = response(fitted)
    own = constant.panel.dataset["outcome"].values
    noise = float(read.sigma.mean() * read.level[0])
    added = [
        panel.dataset["outcome"].values - own for _, panel in jittered(read, constant.panel, 2)
    ]
    for one in added:
        assert one.std() == pytest.approx(0.1 * noise, rel=0.2)
    assert not np.allclose(*added)
    ((name, panel),) = smoothed(read, constant.panel, 1)
    changed = np.flatnonzero(panel.dataset["outcome"].values[:, 0] != own[:, 0])
    assert len(changed) == 1
    left = np.abs(own[:, 0] - expected_mean(read)[0])
    assert changed[0] == left.argmax()
    assert name == f"without {constant.panel.dates[changed[0]]:%Y-%m-%d}"


def test_a_nudge_is_over_the_interval():
    before = np.linspace(0.0, 10.0, 1001)
    assert nudge("noise 1", "tv", before, before + 0.9).of_interval == pytest.approx(0.1)
