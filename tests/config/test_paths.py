"""Paths in a study file: the graph they make, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mmm.config import Lag, Study


def study(paths: list[dict[str, Any]], **changes: Any) -> Study:
    content = {
        "study": "shop",
        "data": {"date": "week"},
        "outcome": {"column": "revenue", "kind": "revenue"},
        "channels": [
            {"name": "tv", "role": "both", "spend": "tv"},
            {"name": "social", "role": "tactical", "spend": "social"},
            {"name": "paid", "role": "tactical", "spend": "paid", "exposure": "paid_clicks"},
        ],
        "controls": ["price"],
        "paths": paths,
    }
    return Study.model_validate(content | changes)


def test_without_paths_every_channel_is_direct() -> None:
    graph = study([]).routes()
    assert graph.stages == ()
    assert graph.direct == ("tv", "social", "paid")
    assert graph.silent == ()


def test_a_mediator_is_driven_by_all_channels_and_feeds_the_outcome() -> None:
    (stage,) = study([{"name": "search", "column": "clicks"}]).routes().stages
    assert stage.channels == ("tv", "social", "paid")
    assert stage.feeds == ("outcome",)
    assert stage.bought_by is None


def test_a_path_that_is_bought_acts_as_its_channel() -> None:
    graph = study(
        [
            {"name": "clicks", "column": "paid_clicks"},
            {"name": "leads", "column": "leads", "drivers": ["clicks", "social"]},
        ]
    ).routes()
    assert graph.stage("clicks").bought_by == "paid"
    assert graph.stage("clicks").channels == ("tv", "social")
    assert graph.stage("clicks").feeds == ()
    assert graph.stage("leads").channels == ("social", "paid")
    assert graph.bought == {"paid": "clicks"}
    assert [stage.name for stage in graph.stages] == ["clicks", "leads"]


def test_stages_of_a_funnel_stand_in_the_order_of_effects() -> None:
    graph = study(
        [
            {"name": "bookings", "column": "bookings", "direct": False},
            {"name": "pipeline", "column": "pipeline", "feeds": "bookings"},
            {"name": "leads", "column": "leads", "feeds": "pipeline", "drivers": ["tv", "social"]},
        ]
    ).routes()
    assert [stage.name for stage in graph.stages] == ["leads", "pipeline", "bookings"]
    assert graph.stage("pipeline").paths == ("leads",)
    assert graph.stage("pipeline").channels == ()
    assert graph.stage("leads").feeds == ("pipeline",)
    assert graph.silent == ("tv", "social")
    assert graph.direct == ("paid",)
    assert graph.feeding("outcome") == (graph.stage("bookings"),)


def test_a_driver_may_feed_the_outcome_as_well_when_it_says_so() -> None:
    graph = study(
        [
            {"name": "visits", "column": "visits", "feeds": "outcome"},
            {"name": "leads", "column": "leads", "drivers": ["visits"]},
        ]
    ).routes()
    assert graph.stage("visits").feeds == ("leads", "outcome")


REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown driver": (
        [{"name": "search", "column": "clicks", "drivers": ["tvv"]}],
        "driver 'tvv'.*did you mean 'tv'",
    ),
    "itself": (
        [{"name": "search", "column": "clicks", "drivers": ["search"]}],
        "driver 'search' that is no other",
    ),
    "unknown target": (
        [{"name": "search", "column": "clicks", "feeds": "outcom"}],
        "feeds 'outcom'.*did you mean 'outcome'",
    ),
    "circle": (
        [
            {"name": "a", "column": "a", "feeds": "b"},
            {"name": "b", "column": "b", "feeds": "a"},
        ],
        "circle: (a -> b -> a|b -> a -> b)",
    ),
    "circle through what is bought": (
        [
            {"name": "clicks", "column": "paid_clicks", "drivers": ["leads"]},
            {"name": "leads", "column": "leads", "drivers": ["paid"]},
        ],
        "circle",
    ),
    "outcome": (
        [{"name": "sales", "column": "revenue"}],
        "outcome column 'revenue' is also a path",
    ),
    "control": ([{"name": "price", "column": "price"}], "share a column: price"),
    "name of a channel": ([{"name": "tv", "column": "clicks"}], "names used twice: tv"),
    "two of one name": (
        [{"name": "a", "column": "a"}, {"name": "a", "column": "b"}],
        "names used twice: a",
    ),
    "one column twice": (
        [{"name": "a", "column": "a"}, {"name": "b", "column": "a"}],
        "same column: a",
    ),
    "called outcome": ([{"name": "outcome", "column": "a"}], "name of a row of the results"),
    "driven by the channel that buys it": (
        [{"name": "clicks", "column": "paid_clicks", "drivers": ["paid"]}],
        "cannot drive it as well",
    ),
    "bought with a lag": (
        [{"name": "clicks", "column": "paid_clicks", "lag": {"median": 1, "max": 4}}],
        "'lag' of the path says nothing",
    ),
    "bought with a prior": (
        [{"name": "clicks", "column": "paid_clicks", "prior": {"share": [0.1, 0.2]}}],
        "'prior' of the path says nothing",
    ),
    "bought and not direct": (
        [{"name": "clicks", "column": "paid_clicks", "direct": False}],
        "paid contacts alone",
    ),
    "through it alone and past it": (
        [
            {"name": "leads", "column": "leads", "feeds": "pipeline", "direct": False},
            {"name": "pipeline", "column": "pipeline", "drivers": ["leads", "tv"]},
        ],
        "'tv' reaches 'pipeline' through it alone, yet",
    ),
    "both priors": (
        [{"name": "a", "column": "a", "prior": {"share": [0.1, 0.2], "conversion": [1, 2]}}],
        "not both",
    ),
    "lag out of order": (
        [{"name": "a", "column": "a", "lag": {"median": 5, "max": 4}}],
        "'max' \\(4\\) must be above its 'median' \\(5\\)",
    ),
    "unknown key": ([{"name": "a", "column": "a", "drivrs": ["tv"]}], "drivrs"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_makes_no_graph_is_refused_by_name(case: str) -> None:
    paths, words = REFUSED[case]
    with pytest.raises(ValidationError, match=words):
        study(paths)


def test_a_prior_that_would_hold_nothing_is_refused() -> None:
    channels = [
        {"name": "tv", "role": "both", "spend": "tv", "prior": {"roi": [0.5, 3.0]}},
        {"name": "social", "role": "tactical", "spend": "social"},
    ]
    with pytest.raises(ValidationError, match="'tv' acts through paths alone"):
        study([{"name": "leads", "column": "leads", "direct": False}], channels=channels)


def test_a_guess_may_not_have_a_path_s_name() -> None:
    with pytest.raises(ValidationError, match="names used twice: word"):
        study([{"name": "word", "column": "a"}], unmeasured=[{"name": "word", "share": [0.0, 0.1]}])


def test_lag_names_its_family() -> None:
    assert Lag(median=3, max=9).adstock == "lag_gamma"
    assert Lag(median=3, max=9, family="lognormal").adstock == "lag_lognormal"
