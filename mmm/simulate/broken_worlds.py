"""Sixteen worlds that each break one assumption, and one that breaks none, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mmm.config import OutcomeKind
from mmm.errors import did_you_mean, input_error
from mmm.simulate.broken import Trouble, simulate_troubled, window_truth
from mmm.simulate.families import delayed_lags, weibull_density_lags
from mmm.simulate.routed_worlds import mediated_search
from mmm.simulate.routes import simulate_routed
from mmm.simulate.spec import ChannelSpec, Flighting, WorldSpec
from mmm.simulate.world import World

MEDIATION_IGNORED = "mediation_ignored"
"""The one world that is not a `Trouble`: one with paths, of which its study knows nothing."""


@dataclass(frozen=True, slots=True)
class BrokenSpec:
    """A world, what troubles it, and what that is in a few words."""

    spec: WorldSpec
    about: str
    trouble: Trouble = field(default_factory=Trouble)


def broken_names() -> tuple[str, ...]:
    """Names `simulate_broken` knows; `clean` breaks nothing."""
    return (*BROKEN, MEDIATION_IGNORED)


def simulate_broken(name: str, *, seed: int = 0) -> World:
    """A world of `broken_names`, with the study a user would write who knows of no trouble.

    Its truth is of the window: what each channel contributed. Raises `InputError` on another
    name.
    """
    if name == MEDIATION_IGNORED:
        return _mediation_ignored(seed)
    if name not in BROKEN:
        raise input_error(
            "simulate", "world", f"there is no world '{name}';", did_you_mean(name, broken_names())
        )
    found = BROKEN[name]()
    return simulate_troubled(replace(found.spec, name=name), found.trouble, seed)


def clean_channels() -> tuple[ChannelSpec, ...]:
    """Four channels of usual size and carry-over, on and off by turns, so that the outcome without
    each is seen; the response is to spending."""
    return (
        ChannelSpec(
            name="tv", flighting=Flighting.BURSTS, cost_share=0.035, tactical_share=0.08,
            decay=0.5, slope=1.3, half_saturation=0.9, geo_deviation=0.1,
        ),
        ChannelSpec(
            name="online_video", flighting=Flighting.BURSTS, cost_share=0.025,
            tactical_share=0.06, decay=0.4, slope=1.2, geo_deviation=0.1,
        ),
        ChannelSpec(
            name="paid_search", flighting=Flighting.BURSTS, cost_share=0.03,
            tactical_share=0.10, decay=0.15, half_saturation=1.4, geo_deviation=0.1,
        ),
        ChannelSpec(
            name="paid_social", flighting=Flighting.SPIKES, cost_share=0.025,
            tactical_share=0.06, decay=0.3, geo_deviation=0.1,
        ),
    )  # fmt: skip


def clean_spec() -> WorldSpec:
    """Eight geos over two and a half years: enough to know every channel well."""
    return WorldSpec(
        name="clean", channels=clean_channels(), periods=130, geos=8, level=2_400_000.0
    )


def _other_families() -> WorldSpec:
    tv, video, search, social = clean_channels()
    return replace(
        clean_spec(),
        channels=(
            replace(tv, lags=delayed_lags(2.5, 3.0), saturation="tanh", half_saturation=0.7),
            replace(video, lags=weibull_density_lags(2.5, 4.0), slope=2.5),
            replace(search, saturation="root", slope=0.35, half_saturation=1.0),
            replace(social, saturation="tanh", half_saturation=0.6),
        ),
    )


def _sparse() -> WorldSpec:
    tv, video, search, social = clean_channels()
    return replace(
        clean_spec(),
        geos=24,
        level=72.0,
        outcome="orders",
        kind=OutcomeKind.UNITS,
        value_per_unit=90.0,
        noise=0.0,
        channels=(
            replace(tv, flighting=Flighting.SPIKES),
            replace(video, flighting=Flighting.SPIKES),
            search,
            social,
        ),
    )


def _mediation_ignored(seed: int) -> World:
    routed = mediated_search()
    known = simulate_routed(
        replace(routed, base=replace(routed.base, name=MEDIATION_IGNORED)), seed
    )
    studied = {path.column for path in known.study.paths} - {
        column for channel in known.study.channels for column in (channel.spend, channel.exposure)
    }
    return World(
        name=known.name,
        study=known.study.model_copy(update={"paths": ()}),
        frame=known.frame.drop(columns=sorted(studied)),
        components=known.components,
        truth=window_truth(known.truth),
    )


def _broken(
    about: str, trouble: Trouble | None = None, **changes: object
) -> Callable[[], BrokenSpec]:
    return lambda: BrokenSpec(replace(clean_spec(), **changes), about, trouble or Trouble())


BROKEN: dict[str, Callable[[], BrokenSpec]] = {
    "clean": _broken("nothing is broken"),
    "demand_drives_search": _broken(
        "a demand that nobody records moves sales and search alike",
        Trouble(demand=0.06, follows={"paid_search": 5.0}),
    ),
    "collinear": _broken(
        "two channels always run together", Trouble(together=("tv", "online_video"))
    ),
    "wrong_family": lambda: BrokenSpec(
        _other_families(), "carry-over and saturation are of other families than the default"
    ),
    "structural_break": _broken(
        "a fifth of the baseline is lost from one week to the next", Trouble(step=(0.55, -0.2))
    ),
    "trending_effect": _broken(
        "TV wears out and search comes into its own",
        Trouble(effect={"tv": (1.8, 0.2), "paid_search": (0.4, 1.6)}),
    ),
    "outliers": _broken("six odd weeks", Trouble(outliers=(6, 0.45))),
    "constant_channel": _broken(
        "search spends the same every week", Trouble(steady=("paid_search",))
    ),
    "seasonal_media": _broken(
        "a sharp yearly peak of sales, and media that are bought for it",
        Trouble(
            peak=0.35,
            at_peak={"tv": 3.0, "online_video": 3.0, "paid_search": 2.0, "paid_social": 2.0},
        ),
    ),
    "spend_chases_sales": _broken(
        "budgets of search and social follow the sales of the last four weeks",
        Trouble(
            demand=0.06, persistence=0.9, chases={"paid_search": 4.0, "paid_social": 4.0}
        ),
    ),
    "heavy_noise": _broken("noise is five times as large", noise=0.15),
    "short_history": _broken("forty weeks of one country", periods=40, geos=1),
    "zero_effect": _broken(
        "video and social do nothing",
        Trouble(effect={"online_video": (0.0, 0.0), "paid_social": (0.0, 0.0)}),
    ),
    "sign_changing_control": _broken(
        "a higher price costs sales, then brings them",
        Trouble(turns=0.5),
        price_elasticity=-1.5,
    ),
    "sparse_geos": lambda: BrokenSpec(
        _sparse(), "24 small geos with three orders a week", Trouble(counted=True)
    ),
    "mismeasured_spend": _broken(
        "spending is written down with errors of a half, or once in four weeks",
        Trouble(misread={"tv": 0.5, "paid_search": 0.5}, booked={"paid_social": 4}),
    ),
}  # fmt: skip
"""Each world by name; the specification is made when it is asked for."""
