"""What is sent to a worker, and content laid over content. Apart from where studies come from: a
worker needs no DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Payload:
    """What a worker needs to fit one study: `study_file` is one of `files`, paths as they lie
    to each other in the batch's folder."""

    study_file: str
    files: Mapping[str, bytes]


def merged(content: Any, change: Any) -> Any:
    """`content` with `change` laid over it: blocks key by key, lists of named blocks (channels)
    name by name, anything else replaced."""
    if isinstance(content, Mapping) and isinstance(change, Mapping):
        both = {key: merged(content.get(key), value) for key, value in change.items()}
        return {**content, **both}
    if _named(content) and _named(change):
        changes = {item["name"]: item for item in change}
        kept = [merged(item, changes.pop(item["name"], {})) for item in content]
        return [*kept, *changes.values()]
    return change


def _named(content: Any) -> bool:
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(item, Mapping) and "name" in item for item in content)
    )
