"""Files that the template of a table names (experiments, claims, records, a scenario): one for all
studies, split by the key columns as the table is."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmm.batch.names import CHECK, outside, within
from mmm.batch.table import Snapshot, snapshot
from mmm.config.batch import TableSource
from mmm.errors import InputError, input_error

FILES = ("experiments", "claims", "plan.scenario")
"""Keys of a study file that name further files beside its data, and `file` in any block."""
SPARED = ("experiments", "claims")
"""Those a study may do without: without rows of its own the key is left out."""


@dataclass(frozen=True, slots=True)
class SplitFile:
    """One such file: where the template names it, and how; the digest of each study's rows by
    its key values."""

    place: str
    name: str
    rows: Snapshot
    digests: Mapping[tuple[str, ...], str]

    def content(self, values: Sequence[str]) -> tuple[str, bytes]:
        """Name and content of one study's part, without the key columns."""
        name, content = self.rows.file(values, keys=False)
        return re.sub(r"[^A-Za-z0-9]+", "-", self.place) + Path(name).suffix, content


@contextmanager
def split_files(
    table: TableSource, template: Mapping[str, Any], base: Path
) -> Generator[tuple[SplitFile, ...]]:
    """Every file that the template names, relative to itself. Raises `InputError` for one that
    leads out of `base`, cannot be read, or lacks a key column."""
    home = within(base, table.template, "table.template").parent
    with ExitStack() as stack:
        places = {name: place for place, name in reversed(named_files(template))}
        found = []
        for name, place in places.items():
            where = f"{table.template}: {place}"
            if Path(name).is_absolute():
                raise outside(name, where)
            path = within(base, str(home.relative_to(base.resolve()) / name), where)
            inner = str(path.relative_to(base.resolve()))
            source = TableSource(file=inner, keys=table.keys, template=table.template)
            try:
                rows = stack.enter_context(snapshot(source, base, None))
            except InputError as refusal:
                raise _unusable(refusal, where, name, table.keys) from refusal
            digests = {group.values: group.data_sha256 for group in rows.groups()}
            found.append(SplitFile(place, name, rows, digests))
        yield tuple(found)


def _unusable(refusal: InputError, where: str, name: str, keys: Sequence[str]) -> InputError:
    first = refusal.findings[0]
    problem = first.where.removeprefix("table: ").replace("keys: ", "key column ")
    return input_error(
        CHECK,
        f"{where}: {name}",
        f"{problem}: {first.message}",
        f"{first.remedy} A file that the template names is split as the table is, so that each "
        f"row tells its study by the columns {', '.join(keys)}.",
    )


def refuse_strangers(files: Sequence[SplitFile], studies: set[tuple[str, ...]]) -> None:
    """Raises `InputError` for rows of a study that the table does not have."""
    for one in files:
        for values in one.digests:
            if values not in studies:
                raise input_error(
                    CHECK,
                    f"{one.place}: {one.name}",
                    f"has rows of '{'/'.join(values)}', which is no study of the table.",
                    "Correct the key columns, or take the rows out.",
                )


def missing_rows(
    files: Sequence[SplitFile], content: Mapping[str, Any], values: tuple[str, ...]
) -> str:
    """What is wrong with a study that needs rows of a file and has none; empty where it has."""
    known = {one.name: one for one in files}
    for place, name in named_files(content):
        if values not in known[name].digests and place not in SPARED:
            return f"{place}: {name} has no rows of '{'/'.join(values)}'."
    return ""


def renamed(content: Any, names: Mapping[str, str], place: str = "") -> Any:
    """`content` with every file it names called as `names` has it; a key whose file is not there
    is left out."""
    if isinstance(content, Mapping):
        kept = {}
        for key, value in content.items():
            here = f"{place}.{key}".lstrip(".")
            if not _names_file(key, here, value):
                kept[key] = renamed(value, names, here)
            elif value in names:
                kept[key] = names[value]
        return kept
    if isinstance(content, list):
        return [renamed(item, names, f"{place}[{number}]") for number, item in enumerate(content)]
    return content


def named_files(content: Any) -> list[tuple[str, str]]:
    """(place, path) of every file that a study's content names: its data first, then `FILES` and
    any further block that has the key `file`."""
    return sorted(_named(content, ""), key=lambda one: one[0] != "data.file")


def _named(content: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            here = f"{place}.{key}".lstrip(".")
            if _names_file(key, here, value):
                yield here, value
            else:
                yield from _named(value, here)
    elif isinstance(content, list):
        for number, item in enumerate(content):
            yield from _named(item, f"{place}[{number}]")


def _names_file(key: object, place: str, value: object) -> bool:
    return (key == "file" or place in FILES) and isinstance(value, str)
