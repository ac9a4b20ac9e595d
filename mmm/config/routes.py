"""The graph of a study: which series move which, in the order in which effects travel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from mmm.config.channel import Channel
from mmm.config.path import OUTCOME, Path
from mmm.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Stage:
    """One path and what it hangs on.

    `channels` and `paths` name what moves it, `behind` all that does at whatever distance.
    `feeds` are the paths it moves, and `outcome`; nothing where it is bought: then it acts as the
    channel `bought_by`.
    """

    path: Path
    channels: tuple[str, ...]
    paths: tuple[str, ...]
    feeds: tuple[str, ...]
    bought_by: str | None
    behind: frozenset[str]

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class Routes:
    """Stages, each after those it hangs on; `direct` channels act on the outcome themselves and
    `silent` ones through paths alone."""

    stages: tuple[Stage, ...]
    direct: tuple[str, ...]
    silent: tuple[str, ...]

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)

    def feeding(self, target: str) -> tuple[Stage, ...]:
        """Stages whose series itself is a regressor of `target`, a path or `outcome`."""
        return tuple(stage for stage in self.stages if target in stage.feeds)

    @property
    def bought(self) -> dict[str, str]:
        """Of each channel whose media is a path: the path's name."""
        return {stage.bought_by: stage.name for stage in self.stages if stage.bought_by}


def routes(channels: Sequence[Channel], paths: Sequence[Path]) -> Routes:
    """The graph of a study's channels and paths.

    Raises `ValueError` that names what is wrong: names or columns used twice, unknown drivers or
    targets, a circle, statements that contradict each other.
    """
    _check_names(channels, paths)
    known = {path.name: path for path in paths}
    media = {channel.media_column: channel.name for channel in channels}
    bought = {path.name: media.get(path.column) for path in paths}
    for path in paths:
        _check_bought(path, bought[path.name])
    fed = {path.name: [one.name for one in paths if one.feeds == path.name] for path in paths}
    movers: dict[str, tuple[str, ...]] = {}
    for path in paths:
        moved = path.drivers or tuple(fed[path.name])
        if not moved:
            moved = tuple(one.name for one in channels if one.name != bought[path.name])
        moved = tuple(dict.fromkeys((*moved, *fed[path.name])))
        # what is bought acts as the channel that buys it
        movers[path.name] = tuple(dict.fromkeys(bought.get(name) or name for name in moved))
        if not moved:
            raise ValueError(f"path '{path.name}' has no driver; name one under 'drivers'")
        if bought[path.name] in movers[path.name]:
            raise ValueError(
                f"path '{path.name}' is the media of channel '{bought[path.name]}', which cannot "
                "drive it as well; take it out of 'drivers'"
            )
    order = _order(movers, {name: by for name, by in bought.items() if by})
    feeds = {name: _feeds(path, movers, bought[name]) for name, path in known.items()}
    channel_names = [channel.name for channel in channels]
    behind = _ancestors(order, movers, {by: name for name, by in bought.items() if by})
    silent = _silent(paths, behind, feeds, movers, bought)
    stages = tuple(
        Stage(
            known[name],
            tuple(one for one in channel_names if one in movers[name]),
            tuple(one for one in order if one in movers[name]),
            feeds[name],
            bought[name],
            behind[name],
        )
        for name in order
    )
    _check_priors(channels, silent)
    return Routes(
        stages,
        tuple(name for name in channel_names if name not in silent),
        tuple(name for name in channel_names if name in silent),
    )


def _check_names(channels: Sequence[Channel], paths: Sequence[Path]) -> None:
    names = [channel.name for channel in channels] + [path.name for path in paths]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"names used twice: {', '.join(twice)}; rename one of each")
    columns = Counter(path.column for path in paths)
    shared = sorted(name for name, count in columns.items() if count > 1)
    if shared:
        raise ValueError(f"two paths read the same column: {', '.join(shared)}; drop one of them")
    if OUTCOME in names:
        raise ValueError(f"a name '{OUTCOME}' stands for what paths feed; choose another one")
    for path in paths:
        others = [name for name in names if name != path.name]
        for driver in path.drivers or ():
            if driver not in others:
                raise ValueError(
                    f"path '{path.name}' names a driver '{driver}' that is no other channel or "
                    f"path; {did_you_mean(driver, others)}"
                )
        targets = [OUTCOME, *(other.name for other in paths if other is not path)]
        if path.feeds is not None and path.feeds not in targets:
            raise ValueError(
                f"path '{path.name}' feeds '{path.feeds}', which is neither another path nor "
                f"'{OUTCOME}'; {did_you_mean(path.feeds, targets)}"
            )


def _check_bought(path: Path, channel: str | None) -> None:
    if channel is None:
        return
    stated = {
        "lag": path.lag is not None,
        "prior": bool(path.prior.share or path.prior.conversion),
        "time_varying": path.time_varying,
        "feeds": path.feeds not in (None, OUTCOME),
    }
    for key, wrong in stated.items():
        if wrong:
            raise ValueError(
                f"path '{path.name}' is also bought as channel '{channel}', which holds its "
                f"effect, so '{key}' of the path says nothing; state it on the channel or drop it"
            )


def _order(movers: Mapping[str, tuple[str, ...]], bought: Mapping[str, str]) -> tuple[str, ...]:
    """Paths, each after those that move it, directly or by the channels that buy them."""
    buys = {channel: path for path, channel in bought.items()}
    graph = {
        name: [buys.get(mover, mover) for mover in movers[name] if mover in movers or mover in buys]
        for name in movers
    }
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ValueError(
            f"the paths go round in a circle: {circle}; an effect must end at the outcome"
        ) from None


def _feeds(
    path: Path, movers: Mapping[str, tuple[str, ...]], bought: str | None
) -> tuple[str, ...]:
    """What the series of `path` is a regressor of."""
    if bought:
        return ()
    taken = tuple(name for name, moved in movers.items() if path.name in moved)
    return (*taken, OUTCOME) if path.feeds == OUTCOME or not taken else taken


def _ancestors(
    order: Sequence[str], movers: Mapping[str, tuple[str, ...]], buys: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Everything behind each path: channels and paths that move it, at whatever distance."""
    behind: dict[str, frozenset[str]] = {}
    for name in order:
        found = set(movers[name])
        for mover in movers[name]:
            found |= behind.get(buys.get(mover, mover), frozenset())
        behind[name] = frozenset(found)
    return behind


def _silent(
    paths: Sequence[Path],
    behind: Mapping[str, frozenset[str]],
    feeds: Mapping[str, tuple[str, ...]],
    movers: Mapping[str, tuple[str, ...]],
    bought: Mapping[str, str | None],
) -> frozenset[str]:
    """What reaches the outcome through paths alone, by their 'direct: false'."""
    silent: set[str] = set()
    for path in paths:
        if path.direct:
            continue
        if bought[path.name]:
            raise ValueError(
                f"path '{path.name}' is also bought, and 'direct: false' would say that its "
                "drivers act through paid contacts alone; drop 'direct'"
            )
        for target in feeds[path.name]:
            if target == OUTCOME:
                silent |= behind[path.name]
                against = [name for name in behind[path.name] if OUTCOME in feeds.get(name, ())]
            else:
                against = [name for name in movers[target] if name in behind[path.name]]
            if against:
                raise ValueError(
                    f"path '{path.name}' says with 'direct: false' that '{against[0]}' reaches "
                    f"'{target}' through it alone, yet '{against[0]}' also feeds '{target}'; "
                    "drop one of the two statements"
                )
    return frozenset(silent)


def _check_priors(channels: Sequence[Channel], silent: frozenset[str]) -> None:
    for channel in channels:
        if channel.name in silent and (channel.prior.roi or channel.prior.share):
            raise ValueError(
                f"channel '{channel.name}' acts through paths alone ('direct: false'), so a prior "
                "of its own share of outcome has nothing to hold; drop 'prior.roi' or "
                "'prior.share', or state the path's prior"
            )


__all__ = ["Routes", "Stage", "routes"]
