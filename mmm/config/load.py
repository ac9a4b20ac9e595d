"""From a file to a `Study` or a `Batch`, and back: every problem in one go, with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mmm.config.batch import Batch
from mmm.config.block import Block
from mmm.config.problems import Location, problems_of
from mmm.config.study import Study
from mmm.errors import Finding, InputError, Severity, input_error

CHECK = "study_file"


class _StudyLoader(yaml.SafeLoader):
    """Safe YAML, in which 1e6 is a number and a date is text, as they are everywhere else."""


class _QuickLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """The same, an order of magnitude quicker."""


class _StudyDumper(yaml.SafeDumper):
    """The same reading of numbers, so that what is written reads back."""


_EXPONENT = re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")
for _yaml_class in (_StudyLoader, _QuickLoader, _StudyDumper):
    _yaml_class.add_implicit_resolver("tag:yaml.org,2002:float", _EXPONENT, list("-+0123456789"))
    _yaml_class.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in _yaml_class.yaml_implicit_resolvers.items()
    }


def load_study(path: Path | str) -> Study:
    """Reads and validates a study file.

    Raises `InputError` with one finding a problem: no such file, not YAML, a key given
    twice, an unknown key (with the nearest one), a value that is impossible.
    """
    return _load(Study, Path(path), _STUDY_FILE)


def load_batch(path: Path | str) -> Batch:
    """Reads and validates a batch file; raises `InputError` as `load_study` does."""
    return _load(Batch, Path(path), _BATCH_FILE)


def study_of(content: Mapping[str, Any], name: str) -> Study:
    """The study that `content` describes; messages call it `name`. Raises `InputError`."""
    return _validated(Study, content, name, None, [])


def yaml_mapping(path: Path, *, strict: bool = False) -> dict[str, Any]:
    """The content of a study file, well formed but not validated, by the quick parser where
    PyYAML has it. Raises `InputError` as `load_study` does, with the same messages; for a key
    given twice only with `strict`, which is slow."""
    if strict:
        _, data, findings = _parse(path, _STUDY_FILE)
        if findings:
            raise InputError(findings)
        return data
    return mapping_from_yaml(_read(path, _STUDY_FILE), path.name)


def mapping_from_yaml(text: str, name: str) -> dict[str, Any]:
    """The same from the file's text; messages call it `name`."""
    try:
        content = _QuickLoader(text).get_single_data()
    except yaml.YAMLError as error:
        raise _not_yaml(name, error) from error
    if not isinstance(content, dict):
        raise _no_mapping(name, _STUDY_FILE)
    return content


def content_to_yaml(content: Mapping[str, Any]) -> str:
    """A mapping as YAML that reads back as equal."""
    return yaml.dump(
        dict(content),
        Dumper=_StudyDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    """How messages speak of a file."""

    check: str
    words: str
    example: str
    start: str


_STUDY_FILE = _Kind(
    CHECK,
    "study file",
    "study.yaml",
    "Start it with 'study: my-study' and the blocks 'data', 'outcome' and 'channels'.",
)
_BATCH_FILE = _Kind(
    "batch_file",
    "batch file",
    "batch.yaml",
    "Start it with 'batch: my-batch', then 'studies' or 'table'.",
)


def _load[B: Block](model: type[B], path: Path, kind: _Kind) -> B:
    root, data, findings = _parse(path, kind)
    return _validated(model, data, path.name, root, findings, kind.check)


def _document(loader: Any) -> tuple[yaml.Node | None, Any]:
    """The document's nodes and its content."""
    root = loader.get_single_node()
    return root, None if root is None else loader.construct_document(root)


def _parse(path: Path, kind: _Kind) -> tuple[yaml.Node | None, dict[str, Any], list[Finding]]:
    """The document's nodes, its content, and the keys given twice."""
    text = _read(path, kind)
    try:
        root, data = _document(_QuickLoader(text))
    except yaml.YAMLError:
        try:  # the slower parser's messages are the better ones
            root, data = _document(_StudyLoader(text))
        except yaml.YAMLError as error:
            raise _not_yaml(path.name, error, kind.check) from error
    if not isinstance(data, dict):
        raise _no_mapping(path.name, kind)
    findings = [
        Finding(
            kind.check,
            Severity.ERROR,
            _where(path.name, location, line),
            f"the key '{location[-1]}' is given twice, first on line {first}.",
            "Keep one of the two.",
        )
        for location, first, line in _repeated_keys(root, (), set())
    ]
    return root, data, findings


def _validated[B: Block](
    model: type[B],
    data: Mapping[str, Any],
    name: str,
    root: yaml.Node | None,
    findings: list[Finding],
    check: str = CHECK,
) -> B:
    try:
        block = model.model_validate(data)
    except ValidationError:
        findings += [
            Finding(
                check,
                Severity.ERROR,
                _where(name, problem.location, _line(root, problem.location)),
                problem.message,
                problem.remedy,
            )
            for problem in problems_of(model, data)
        ]
        raise InputError(findings) from None
    if findings:
        raise InputError(findings)
    return block


def _no_mapping(name: str, kind: _Kind) -> InputError:
    message = "the file does not hold 'key: value' lines at its top level."
    return input_error(kind.check, name, message, kind.start)


def study_to_yaml(study: Study) -> str:
    """The study as a study file, without what is at its default. Reads back as equal."""
    return content_to_yaml(study.model_dump(mode="json", exclude_defaults=True))


def study_schema() -> dict[str, Any]:
    """JSON Schema of the study file, for editors that complete and check as one types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Study.model_json_schema(),
    }


def batch_schema() -> dict[str, Any]:
    """JSON Schema of the batch file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Batch.model_json_schema(),
    }


def _read(path: Path, kind: _Kind) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise input_error(
            kind.check, str(path), "there is no such file.", f"Check the path to the {kind.words}."
        ) from None
    except IsADirectoryError:
        remedy = f"Name the {kind.words} in it, as {kind.example}."
        raise input_error(kind.check, str(path), "this is a directory.", remedy) from None
    except UnicodeDecodeError as error:
        raise input_error(
            kind.check,
            path.name,
            f"the file is not UTF-8 text (byte {error.start + 1} cannot be read).",
            "Save it as UTF-8.",
        ) from error
    except OSError as error:
        message = f"the file cannot be read ({error.strerror})."
        raise input_error(kind.check, str(path), message, "Check its rights.") from error


def _not_yaml(name: str, error: yaml.YAMLError, check: str = CHECK) -> InputError:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}: line {mark.line + 1}, column {mark.column + 1}" if mark else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it breaks off"
    remedy = (
        "Indent with spaces, not with tabs."
        if "\\t" in problem
        else "Check the indentation, the colons, brackets and quotes on that line and before it."
    )
    return input_error(check, where, f"the file is not valid YAML: {problem}.", remedy)


def _where(name: str, location: Location, line: int | None) -> str:
    keys = ""
    for part in location:
        keys += f"[{part}]" if isinstance(part, int) else f".{part}"
    place = f"{name}: {keys.removeprefix('.')}" if keys else name
    return f"{place} (line {line})" if line and keys else place


def _line(node: yaml.Node | None, location: Location) -> int | None:
    """Line of the deepest part of `location` that the file has; None without a file."""
    line = None
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                return line
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            # the last of several equal keys is the one that counts
            pairs = [(key, value) for key, value in node.value if key.value == part]
            if not pairs:
                return line
            key, node = pairs[-1]
            line = key.start_mark.line + 1
        else:
            return line
    return line


def _repeated_keys(
    node: yaml.Node | None, location: Location, seen: set[int]
) -> Iterator[tuple[Location, int, int]]:
    """(location, first line, line) of every key given twice within one mapping."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _repeated_keys(item, (*location, index), seen)
    elif isinstance(node, yaml.MappingNode):
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            here = (*location, key.value)
            if key.value in first:
                yield here, first[key.value], line
            first.setdefault(key.value, line)
            yield from _repeated_keys(value, here, seen)


__all__ = ["load_batch", "load_study", "study_schema", "study_to_yaml"]
