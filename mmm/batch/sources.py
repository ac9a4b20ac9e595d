"""Where a batch's studies come from: files found by pattern, or one table under a template."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mmm.batch.beside import (
    SplitFile,
    missing_rows,
    named_files,
    refuse_strangers,
    renamed,
    split_files,
)
from mmm.batch.names import CHECK, name_from_keys, outside, safe_part, within
from mmm.batch.payload import Payload, merged
from mmm.batch.record import content_sha256
from mmm.batch.table import Snapshot, snapshot
from mmm.config.batch import Batch, TableSource
from mmm.config.load import content_to_yaml, study_of, yaml_mapping
from mmm.config.study import Study
from mmm.errors import InputError, did_you_mean, input_error


@dataclass(frozen=True, slots=True)
class Entry:
    """One study of a batch before anything is fitted.

    `place` is the study file relative to the batch file, or the key values joined by '/'.
    `problem` says why it cannot be run, where that is known already.
    """

    name: str
    place: str
    data_sha256: str
    study_sha256: str
    problem: str = ""


class Source(Protocol):
    """Studies to plan, and what a worker is sent for each."""

    def entries(self) -> Iterator[Entry]: ...

    def payload(self, entry: Entry) -> Payload: ...


@contextmanager
def open_source(batch: Batch, base: Path) -> Generator[Source]:
    """The studies of `batch`, whose file is in the folder `base`. Raises `InputError` where the
    batch as a whole cannot be read; what is wrong with one study is in its entry."""
    base = base.resolve()
    if batch.table is None:
        yield FileStudies(batch.studies, base)
        return
    template = read_template(batch.table, base)
    data = template["data"]
    order = [data[key] for key in ("date", "geo") if isinstance(data.get(key), str)]
    with (
        snapshot(batch.table, base, order) as rows,
        split_files(batch.table, template, base) as beside,
    ):
        yield TableStudies(batch.table, template, rows, beside)


@dataclass(frozen=True, slots=True)
class FileStudies:
    """Study files found by patterns, each with the files it names."""

    patterns: tuple[str, ...]
    base: Path

    def entries(self) -> Iterator[Entry]:
        """Raises `InputError` for a pattern that leads out of the folder or finds nothing, and
        for two studies of one name."""
        seen: dict[str, str] = {}
        for path in self._found():
            entry = self._entry(path)
            if entry.name in seen:
                raise input_error(
                    CHECK,
                    f"{seen[entry.name]} and {entry.place}",
                    f"both name their study '{entry.name}'.",
                    "Give each a name of its own.",
                )
            seen[entry.name] = entry.place
            yield entry

    def payload(self, entry: Entry) -> Payload:
        """Raises `InputError` where a file is another than when the entry was made."""
        study = within(self.base, entry.place, "study file")
        files = {entry.place: study.read_bytes()}
        for path in self._files(study, yaml_mapping(study)):
            files[path.relative_to(self.base).as_posix()] = path.read_bytes()
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        study_sha256, data_sha256 = digests.pop(entry.place), _together(digests)
        if (study_sha256, data_sha256) != (entry.study_sha256, entry.data_sha256):
            raise input_error(
                CHECK, entry.place, "its files changed while the batch ran.", "Run the batch again."
            )
        return Payload(entry.place, files)

    def _found(self) -> list[Path]:
        found: set[Path] = set()
        for pattern in self.patterns:
            if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
                raise outside(pattern, "studies")
            matches = [path for path in self.base.glob(pattern) if path.is_file()]
            if not matches:
                raise input_error(
                    CHECK,
                    f"studies: '{pattern}'",
                    "no file matches.",
                    "Patterns are relative to the batch file, as '*/study.yaml'.",
                )
            found.update(matches)
        return sorted(found)

    def _entry(self, path: Path) -> Entry:
        place = path.relative_to(self.base).as_posix()
        study_sha256 = data_sha256 = ""
        name = name_from_keys([*path.parent.relative_to(self.base).parts, path.stem])
        try:
            within(self.base, place, "study file")
            study_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            content = yaml_mapping(path)
            name = safe_part(str(content.get("study", "")))
            files = self._files(path, content)
            data_sha256 = _together(
                {file.relative_to(self.base).as_posix(): _digest(file) for file in files}
            )
        except InputError as refusal:
            problem = str(refusal.findings[0])
            return Entry(name, place, data_sha256, study_sha256, problem)
        except OSError as error:
            problem = f"{error.filename or place}: {error.strerror}."
            return Entry(name, place, data_sha256, study_sha256, problem)
        return Entry(name, place, data_sha256, study_sha256)

    def _files(self, study: Path, content: Mapping[str, Any]) -> list[Path]:
        """The data file first, then the others the study names."""
        folder = study.parent.relative_to(self.base)
        paths = []
        for place, name in named_files(content):
            if Path(name).is_absolute():
                raise outside(name, f"{study.name}: {place}")
            paths.append(within(self.base, str(folder / name), f"{study.name}: {place}"))
        return paths


@dataclass(frozen=True, slots=True)
class TableStudies:
    """One study a group of a table's rows: the template with what is overridden for its keys.
    `beside` are the further files that the template names."""

    table: TableSource
    template: Mapping[str, Any]
    rows: Snapshot
    beside: tuple[SplitFile, ...] = ()

    def entries(self) -> Iterator[Entry]:
        """Raises `InputError` for key values that read as a path, and for a further file with
        rows of no study."""
        seen = set()
        for group in self.rows.groups():
            content = self._content(group.values)
            seen.add(group.values)
            digests = {one.name: one.digests.get(group.values, "") for one in self.beside}
            yield Entry(
                name_from_keys(group.values),
                "/".join(group.values),
                content_sha256([group.data_sha256, digests]) if digests else group.data_sha256,
                content_sha256(content),
                missing_rows(self.beside, content, group.values),
            )
        refuse_strangers(self.beside, seen)

    def payload(self, entry: Entry) -> Payload:
        values = tuple(entry.place.split("/"))
        name, content = self.rows.file(values)
        files, names = {name: content}, {}
        for one in self.beside:
            if values in one.digests:
                names[one.name], part = one.content(values)
                files[names[one.name]] = part
        study = {**renamed(self._content(values), names), "study": entry.name}
        study["data"] = {"file": name, **study["data"]}
        study_of(study, f"{self.table.template} for {entry.place}")
        return Payload("study.yaml", {"study.yaml": content_to_yaml(study).encode(), **files})

    def _content(self, values: Any) -> dict[str, Any]:
        content = dict(self.template)
        for pattern, change in self.table.overrides.items():
            wanted = pattern.split("/")
            if all(fnmatch.fnmatchcase(v, w) for v, w in zip(values, wanted, strict=True)):
                content = merged(content, change)
        return content


def read_template(table: TableSource, base: Path) -> dict[str, Any]:
    """The study file under which a table is split; raises `InputError` where it names a data
    file, and where an override names any file."""
    path = within(base, table.template, "table.template")
    content = yaml_mapping(path, strict=True)
    data = content.get("data")
    if not isinstance(data, dict):
        raise input_error(
            CHECK, path.name, "the template has no block 'data'.", "Name the date column there."
        )
    if "file" in data:
        raise input_error(
            CHECK,
            f"{path.name}: data.file",
            "the rows of a study of a table come from the table.",
            "Remove 'data.file'.",
        )
    content.pop("study", None)
    keys = set(content) | {"study"}
    for pattern, change in table.overrides.items():
        _refuse_files(change, f"overrides: {pattern}")
        unknown = sorted(set(change) - keys - _study_keys())
        if unknown:
            raise input_error(
                CHECK,
                f"overrides: {unknown[0]}",
                "is no key of a study;",
                did_you_mean(unknown[0], sorted(_study_keys())),
            )
    return content


def _refuse_files(content: Mapping[str, Any], place: str) -> None:
    for key, _ in named_files(content)[:1]:
        raise input_error(
            CHECK,
            f"{place}: {key}",
            "an override names no file.",
            f"Name the file under '{key}' of the template: it is split as the table is.",
        )


def _study_keys() -> set[str]:
    return set(Study.model_fields)


def _together(digests: Mapping[str, str]) -> str:
    """One digest of several files, by name; that of the file where it is one."""
    return next(iter(digests.values())) if len(digests) == 1 else content_sha256(digests)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
