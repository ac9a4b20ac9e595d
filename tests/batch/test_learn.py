"""Priors from siblings: the summary has its closed forms, covers, and does not feed on itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mmm.batch.job import Job, run_job
from mmm.batch.learn import (
    LEAST_SD,
    STATED,
    LearnedPrior,
    Portfolio,
    own_evidence,
    predicted,
    with_priors,
)
from mmm.batch.payload import Payload
from mmm.batch.record import DONE, ChannelReturn, Record
from mmm.batch.runs import read_record
from mmm.batch.store import open_store
from mmm.config.batch import Promote


def said(channel="tv", mean=0.5, sd=0.2, **changes) -> ChannelReturn:
    values = {"roi_mean": 1.6, "roi_p05": 1.2, "roi_p50": 1.6, "roi_p95": 2.2}
    return ChannelReturn(channel, 100.0, **values, log_mean=mean, log_sd=sd, **changes)


def record(study: str, *channels: ChannelReturn) -> Record:
    return Record(study, "r", "2026-01-01", DONE, "d", "s", "1", channels=channels)


def test_equal_precise_siblings_predict_themselves():
    mean, sd = predicted(np.full(50, 0.7), np.full(50, 0.1))
    assert mean == pytest.approx(0.7)
    assert sd == pytest.approx(0.1 / 50**0.5, rel=0.02)


def test_the_spread_between_siblings_is_the_method_of_moments():
    """With equal variances v, tau^2 = sample variance - v."""
    means = np.random.default_rng(0).normal(0.2, 0.5, 30)
    mean, sd = predicted(means, np.full(30, 0.3))
    between = means.var(ddof=1) - 0.09
    wider = stats.t(28).ppf(0.95) / stats.norm.ppf(0.95)
    assert mean == pytest.approx(means.mean())
    assert sd == pytest.approx(wider * np.sqrt(between + (between + 0.09) / 30))


@pytest.mark.parametrize("siblings", [4, 20])
def test_the_interval_covers_a_further_study(siblings):
    rng = np.random.default_rng(siblings)
    hits = 0
    for _ in range(800):
        sds = rng.uniform(0.1, 0.4, siblings)
        truths = rng.normal(0.4, 0.3, siblings + 1)
        mean, sd = predicted(rng.normal(truths[:-1], sds), sds)
        hits += abs(truths[-1] - mean) < stats.norm.ppf(0.95) * sd
    assert hits / 800 == pytest.approx(0.9, abs=0.05)


@settings(max_examples=100, deadline=None)
@given(st.floats(-1.0, 2.0), st.floats(0.1, 0.5), st.floats(-1.0, 2.0), st.floats(0.31, 2.0))
def test_what_was_learned_is_divided_out(mean, sd, prior_mean, prior_sd):
    """A normal likelihood times the prior, less the prior, is the likelihood."""
    precision = sd**-2 + prior_sd**-2
    posterior = (mean * sd**-2 + prior_mean * prior_sd**-2) / precision
    one = said(mean=posterior, sd=precision**-0.5, learned_mean=prior_mean, learned_sd=prior_sd)
    found = own_evidence(one)
    if sd**-2 > 0.11 * precision:
        assert found == pytest.approx((mean, sd), rel=1e-6, abs=1e-6)


def test_a_sibling_that_only_repeats_its_prior_is_not_heard():
    assert own_evidence(said(mean=0.5, sd=0.3, learned_mean=0.5, learned_sd=0.3)) is None
    assert own_evidence(replace(said(), log_mean=None, log_sd=None)) is None


def test_a_study_is_left_out_of_its_own_prior():
    records = [record(f"s{number}", said(mean=0.5)) for number in range(4)]
    portfolio = Portfolio([*records, record("odd", said(mean=5.0))])
    (mine,) = portfolio.priors_for("odd")
    assert mine.mean == pytest.approx(0.5)
    assert mine.studies == 4
    assert mine.sd >= LEAST_SD
    (other,) = portfolio.priors_for("s0")
    assert other.mean > 0.6
    assert Portfolio(records[:3]).priors_for("s0") == ()


def test_priors_go_where_none_is_stated(worlds):
    content = worlds.content("alpha")
    content["channels"] = [
        {"name": "tv", "role": "tactical", "spend": "tv_spend"},
        {"name": "search", "role": "tactical", "spend": "s", "prior": {"roi": [1.0, 2.0]}},
        {"name": "events", "role": "tactical", "exposure": "hours"},
        {"name": "radio", "role": "tactical", "spend": "r", "prior": {"half_life": [1.0, 3.0]}},
    ]
    text = yaml.safe_dump(content).encode()
    priors = [LearnedPrior(name, 0.0, 0.5, 7) for name in ("tv", "search", "events", "radio", "x")]
    payload, taken = with_priors(Payload("s.yaml", {"s.yaml": text, "d.csv": b""}), priors, "w")
    assert [prior.channel for prior in taken] == ["tv", "radio"]
    assert payload.files["s.yaml" + STATED] == text
    channels = {one["name"]: one for one in yaml.safe_load(payload.files["s.yaml"])["channels"]}
    assert channels["tv"]["prior"]["source"] == "7 other studies of batch w"
    low, high = channels["tv"]["prior"]["roi"]
    assert low * high == pytest.approx(1.0, rel=1e-4)
    assert channels["radio"]["prior"]["half_life"] == [1.0, 3.0]
    assert channels["search"] == content["channels"][1]
    assert with_priors(payload, priors[-1:], "w") == (payload, ())


def test_a_short_history_gains_from_its_siblings(worlds, tmp_path):
    """Thirty weeks of a channel whose siblings say what it truly earns."""
    content = worlds.content("alpha")
    content["inference"] = {"chains": 2, "draws": 200, "tune": 200, "seed": 3}
    frame = worlds.frame(4, periods=30, noise=0.2)
    truth = np.log(0.16 / 0.08)
    files = {"s.yaml": yaml.safe_dump(content).encode(), "data.csv": frame.to_csv().encode()}
    found = {}
    for name, priors in (("plain", []), ("told", [LearnedPrior("tv", truth, 0.3, 9)])):
        payload, taken = with_priors(Payload("s.yaml", files), priors, "weekly")
        job = Job(
            name, "r1", "s.yaml", "d", "s", payload, str(tmp_path / "store"), "weekly",
            Promote(), learned=taken, report=False,
        )  # fmt: skip
        assert run_job(job).status == "done"
        store = open_store(tmp_path / "store")
        found[name] = next(
            one for one in read_record(store, name, "r1").channels if one.channel == "tv"
        )
        ledger = store.read(f"runs/{name}/r1/ledger.csv").decode()
        assert ("9 other studies of batch weekly" in ledger) == (name == "told")
    assert found["told"].log_sd < 0.9 * found["plain"].log_sd
    assert abs(found["told"].log_mean - truth) < abs(found["plain"].log_mean - truth)
    assert own_evidence(found["told"])[1] > found["told"].log_sd
