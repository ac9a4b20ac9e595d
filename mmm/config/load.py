"""From a study file to a `Study`, and back: every problem in one go, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mmm.config.problems import Location, study_problems
from mmm.config.study import Study
from mmm.errors import Finding, InputError, Severity, input_error

CHECK = "study_file"


class _StudyLoader(yaml.SafeLoader):
    """Safe YAML, in which 1e6 is a number and a date is text, as they are everywhere else."""


class _StudyDumper(yaml.SafeDumper):
    """The same reading of numbers, so that what is written reads back."""


_EXPONENT = re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$")
for _yaml_class in (_StudyLoader, _StudyDumper):
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
    path = Path(path)
    name = path.name
    text = _read(path)
    try:
        loader = _StudyLoader(text)
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.YAMLError as error:
        raise _not_yaml(name, error) from error
    if not isinstance(data, dict):
        raise input_error(
            CHECK,
            name,
            "the file does not hold 'key: value' lines at its top level.",
            "Start it with 'study: my-study' and the blocks 'data', 'outcome' and 'channels'.",
        )
    findings = [
        Finding(
            CHECK,
            Severity.ERROR,
            _where(name, location, line),
            f"the key '{location[-1]}' is given twice, first on line {first}.",
            "Keep one of the two.",
        )
        for location, first, line in _repeated_keys(root, (), set())
    ]
    try:
        study = Study.model_validate(data)
    except ValidationError:
        findings += [
            Finding(
                CHECK,
                Severity.ERROR,
                _where(name, problem.location, _line(root, problem.location)),
                problem.message,
                problem.remedy,
            )
            for problem in study_problems(data)
        ]
        raise InputError(findings) from None
    if findings:
        raise InputError(findings)
    return study


def study_to_yaml(study: Study) -> str:
    """The study as a study file, without what is at its default. Reads back as equal."""
    stated = study.model_dump(mode="json", exclude_defaults=True)
    return yaml.dump(
        stated,
        Dumper=_StudyDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )


def study_schema() -> dict[str, Any]:
    """JSON Schema of the study file, for editors that complete and check as one types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Study.model_json_schema(),
    }


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise input_error(
            CHECK, str(path), "there is no such file.", "Check the path to the study file."
        ) from None
    except IsADirectoryError:
        raise input_error(
            CHECK, str(path), "this is a directory.", "Name the study file in it, as study.yaml."
        ) from None
    except UnicodeDecodeError as error:
        raise input_error(
            CHECK,
            path.name,
            f"the file is not UTF-8 text (byte {error.start + 1} cannot be read).",
            "Save it as UTF-8.",
        ) from error
    except OSError as error:
        raise input_error(
            CHECK, str(path), f"the file cannot be read ({error.strerror}).", "Check its rights."
        ) from error


def _not_yaml(name: str, error: yaml.YAMLError) -> InputError:
    mark = getattr(error, "problem_mark", None)
    where = f"{name}: line {mark.line + 1}, column {mark.column + 1}" if mark else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it breaks off"
    remedy = (
        "Indent with spaces, not with tabs."
        if "\\t" in problem
        else "Check the indentation, the colons, brackets and quotes on that line and before it."
    )
    return input_error(CHECK, where, f"the file is not valid YAML: {problem}.", remedy)


def _where(name: str, location: Location, line: int | None) -> str:
    keys = ""
    for part in location:
        keys += f"[{part}]" if isinstance(part, int) else f".{part}"
    place = f"{name}: {keys.removeprefix('.')}" if keys else name
    return f"{place} (line {line})" if line and keys else place


def _line(node: yaml.Node, location: Location) -> int | None:
    """Line of the deepest part of `location` that the file has."""
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


__all__ = ["load_study", "study_schema", "study_to_yaml"]
