"""What the parts of a study may be called: no name twice, and none that results call a row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mmm.config.block import PlacedError

RESERVED = {
    "total": "the sum of all channels",
    "outcome": "the outcome itself",
    "residual": "what no component explains",
    "baseline": "what would have happened anyway",
    "trend": "the trend of the baseline",
    "seasonality": "the season of the baseline",
    "holidays": "the holidays of the baseline",
}
"""Names of rows in the tables of results, and what each is there."""


@dataclass(frozen=True, slots=True)
class Called:
    """Something a study names: its kind in words, its name, and the place that gives it."""

    kind: str
    name: str
    place: tuple[str | int, ...]


def called(kind: str, block: str, names: Iterable[str], *key: str) -> Iterator[Called]:
    """What the list `block` names, each at `key` of its entry."""
    for index, name in enumerate(names):
        yield Called(kind, name, (block, index, *key))


def check_names(parts: Sequence[Called], unused: Iterable[str] = ()) -> None:
    """Raises `PlacedError` for a reserved name or one given twice, in whatever case.

    `unused` are reserved names that no row of this study's results has, so that a control, which
    is called as its column is, may have them.
    """
    free = frozenset(unused)
    for part in parts:
        word = part.name.strip().casefold()
        if word in RESERVED and not (part.kind == "control" and word in free):
            fix = "rename its column" if part.kind == "control" else "rename it"
            raise PlacedError(
                f"the {part.kind} '{part.name}' has the name of a row of the results: "
                f"{RESERVED[word]}; {fix}, as in '{part.name.strip()}_{part.kind}'",
                part.place,
            )
    by_name: dict[str, list[Called]] = defaultdict(list)
    for part in parts:
        by_name[part.name].append(part)
    twice = sorted(name for name, those in by_name.items() if len(those) > 1)
    if twice:
        first, second = by_name[twice[0]][:2]
        raise PlacedError(
            f"names used twice: {', '.join(twice)}; '{place_words(first.place)}' has it as well: "
            "rename one of the two",
            second.place,
        )


def check_apart(columns: Sequence[Called], what: str, remedy: str) -> None:
    """Raises `PlacedError` where two of `columns` are the same."""
    seen: dict[str, Called] = {}
    for column in columns:
        first = seen.setdefault(column.name, column)
        if first is not column:
            raise PlacedError(
                f"{what}: {column.name}; '{place_words(first.place)}' has it as well: {remedy}",
                column.place,
            )


def place_words(place: tuple[str | int, ...]) -> str:
    """`channels[0].name`."""
    keys = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return keys.removeprefix(".")
