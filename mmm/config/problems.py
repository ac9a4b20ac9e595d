"""What is wrong with a study's raw content, in plain words and with the nearest valid name."""

from __future__ import annotations

import copy
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from mmm.config.block import PlacedError
from mmm.errors import did_you_mean

Location = tuple[str | int, ...]

_CHOICE_ERRORS = ("enum", "literal_error")
_TYPE_WORDS = {
    "string_type": "text",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "finite_number": "a finite number",
    "dict_type": "a block of 'key: value' lines",
    "model_type": "a block of 'key: value' lines",
    "model_attributes_type": "a block of 'key: value' lines",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_NAMES = "Start with a letter from A to Z or a digit; go on with these, '_', '-' or '.'."
LARGEST_PART = 5.0
"""Numbers with a bound up to here are parts of a whole, as a rate or a fee."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where in the study, what, and what to do."""

    location: Location
    message: str
    remedy: str


def problems_of(model: type[BaseModel], data: Mapping[str, Any]) -> list[Problem]:
    """Everything wrong with `data` as a `model`, in the order of the file's keys.

    A rule over a whole block (as names used twice) is only tried once its parts are valid,
    so parts found wrong are repaired in a copy and the copy is tried again.
    """
    repaired = copy.deepcopy(dict(data))
    problems: list[Problem] = []
    reported: set[Location] = set()
    blamed: list[Location] = []
    for _ in range(8):
        try:
            model.model_validate(repaired)
            break
        except ValidationError as error:
            grouped = _by_location(error.errors(include_url=False), repaired)
        progress = False
        for location, errors in grouped.items():
            echo = location in reported or any(
                location and blame[: len(location)] == location for blame in blamed
            )
            if not echo:
                problems.append(_explain(model, location, errors))
                reported.add(location)
            if _repair(model, repaired, location, errors[0]):
                progress = True
                if errors[0]["type"] != "extra_forbidden":
                    blamed.append(location)
        if not progress:
            break
    return problems


def _by_location(errors: Iterable[Any], data: object) -> dict[Location, list[Any]]:
    """Errors by place in the file; the branch names of unions are dropped from the place."""
    grouped: dict[Location, list[Any]] = {}
    for error in errors:
        location: Location = ()
        here: Any = data
        for part in error["loc"]:
            if _holds(here, part):
                here = here[part]
            elif error["type"] == "missing" and part == error["loc"][-1]:
                here = ()
            else:
                continue
            location = (*location, part)
        grouped.setdefault(location, []).append(error)
    for found in grouped.values():
        # of a union's branches, the one whose type fitted tells most
        found.sort(key=lambda error: error["type"] in _TYPE_WORDS)
    return grouped


def _holds(here: Any, part: Any) -> bool:
    if isinstance(here, Mapping):
        return part in here
    return isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)


def _explain(root: type[BaseModel], location: Location, errors: list[Any]) -> Problem:
    error = errors[0]
    kind, value, context = error["type"], error.get("input"), error.get("ctx", {})
    name = str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        known = _keys_at(root, location[:-1])
        return Problem(location, f"unknown key '{name}'.", _sentence(did_you_mean(name, known)))
    if kind == "missing" and location and isinstance(location[-1], int):
        return Problem(
            location[:-1], "this must be two numbers.", "Write them as [low, high], low first."
        )
    if kind == "missing":
        choices = _choices(_annotation_at(root, location))
        options = f", one of {', '.join(choices)}" if choices else ""
        return Problem(location, f"the key '{name}' is required.", f"Add '{name}: ...'{options}.")
    if kind in _CHOICE_ERRORS and isinstance(value, int | float):
        beyond = next((each for each in errors if each["type"] in _BOUNDS), None)
        if beyond is not None:
            bound = _bound(beyond)
            words = " or ".join(f"'{choice}'" for choice in _expected(error))
            message = f"the number must be {bound}, got {_show(value)}."
            return Problem(location, message, f"Give a number {bound}, or {words}.")
    if kind in _CHOICE_ERRORS:
        choices = _expected(error)
        near = did_you_mean(str(value), choices)
        options = f" Valid: {', '.join(choices)}." if near.startswith("did") else ""
        others = [_TYPE_WORDS[each["type"]] for each in errors if each["type"] in _TYPE_WORDS]
        options += f" Or give {others[0]}." if others else ""
        return Problem(location, f"{_show(value)} is not a valid value.", _sentence(near) + options)
    if kind in _BOUNDS:
        bound = _bound(error)
        message = f"the number must be {bound}, got {_show(value)}."
        return Problem(location, message, f"Give a number {bound}{_as_percentage(error)}.")
    if kind == "value_error":
        message, _, remedy = error["msg"].removeprefix("Value error, ").partition("; ")
        remedy = remedy or "correct this in the file"
        broken = context.get("error")
        within = broken.place if isinstance(broken, PlacedError) else ()
        return Problem((*location, *within), f"{message.rstrip('.')}.", _sentence(remedy))
    if kind == "string_pattern_mismatch":
        return Problem(location, _unfit(str(value), str(context["pattern"])), _NAMES)
    if kind == "string_too_long":
        longest = context["max_length"]
        message = f"{_show(value)} has {len(str(value))} characters and may have {longest}."
        return Problem(location, message, "Shorten it.")
    if kind == "string_too_short":
        return Problem(location, "the text is empty.", f"Give '{name}' a text.")
    if kind == "too_short":
        return Problem(location, "the list is empty.", "Give at least one entry.")
    if kind == "too_long" and context.get("max_length") == 2:
        return Problem(
            location, "this must be two numbers.", "Write them as [low, high], low first."
        )
    if kind in _TYPE_WORDS:
        wanted = [_TYPE_WORDS[each["type"]] for each in errors if each["type"] in _TYPE_WORDS]
        words = " or ".join(dict.fromkeys(wanted))
        remedy = (
            f"Put it in quotes if it is meant as text: {name}: '{_bare(value)}'."
            if "text" in wanted and isinstance(value, bool | int | float)
            else f"Give {words}{', or leave the key out' if value is None else ''}."
        )
        return Problem(location, f"this must be {words}, got {_show(value)}.", remedy)
    return Problem(location, f"{error['msg'].rstrip('.')}.", "Correct this in the file.")


def _bound(error: Any) -> str:
    word, key = _BOUNDS[error["type"]]
    return f"{word} {error['ctx'][key]:g}"


def _as_percentage(error: Any) -> str:
    """`: 0.09 is 9 %`, where a part of a whole is given as a percentage."""
    value, most = error.get("input"), error["ctx"].get("le", error["ctx"].get("lt"))
    percentage = isinstance(value, int | float) and most is not None and most <= LARGEST_PART
    return f": {value / 100:g} is {value:g} %" if percentage and 1 < value <= 100 else ""


def _unfit(name: str, pattern: str) -> str:
    """Which character a name may not hold, or that there is none."""
    if not name:
        return "the name is empty."
    if not re.match("[A-Za-z0-9]", name):
        return f"{_show(name)} starts with {_character(name[0])}, and a name may not."
    allowed = "[A-Za-z0-9_.\\- ]" if " " in pattern else "[A-Za-z0-9_.\\-]"
    odd = [character for character in dict.fromkeys(name) if not re.match(allowed, character)]
    listed = ", ".join(map(_character, odd))
    return f"{_show(name)} holds a character that a name may not hold: {listed}."


def _character(character: str) -> str:
    return "a space" if character == " " else f"'{character}'"


def _repair(root: type[BaseModel], data: Any, location: Location, error: Any) -> bool:
    """Makes the wrong part harmless, in place; False where that cannot be done."""
    if not location:
        return False
    parent = data
    for part in location[:-1]:
        parent = parent[part]
    key = location[-1]
    if not isinstance(parent, dict):
        return False
    choices = _expected(error) if error["type"] in _CHOICE_ERRORS else []
    if error["type"] == "missing":
        choices = _choices(_annotation_at(root, location))
    if choices:
        parent[key] = choices[0]
        return True
    model = _model(_annotation_at(root, location[:-1]))
    field = model.model_fields.get(str(key)) if model else None
    if key not in parent or (field is not None and field.is_required()):
        return False
    del parent[key]
    return True


def _annotation_at(root: type[BaseModel], location: Location) -> Any:
    here: Any = root
    for part in location:
        model = _model(here)
        if isinstance(part, int) or model is None:
            continue
        field = model.model_fields.get(part)
        here = field.annotation if field else None
    return here


def _model(annotation: Any) -> type[BaseModel] | None:
    """The block inside an annotation such as `tuple[Channel, ...]` or `Prior | None`."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model(part) for part in get_args(annotation))
    return next((model for model in found if model), None)


def _keys_at(root: type[BaseModel], location: Location) -> list[str]:
    model = _model(_annotation_at(root, location))
    return list(model.model_fields) if model else []


def _choices(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    origin = get_origin(annotation)
    if origin is Literal:
        return [str(value) for value in get_args(annotation)]
    if origin in (Annotated, Union, types.UnionType):
        return [choice for part in get_args(annotation) for choice in _choices(part)]
    return []


def _expected(error: Any) -> list[str]:
    return re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))


def _bare(value: object) -> str:
    if isinstance(value, bool):
        # YAML reads NO, off and n as false: Norway is the usual victim
        return "YES" if value else "NO"
    return str(value)


def _show(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a block"
    text = str(list(value)) if isinstance(value, list | tuple) else str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"'{text}'" if isinstance(value, str) else text


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?")) else f"{text}."
