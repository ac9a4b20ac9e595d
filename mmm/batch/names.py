"""Names that become paths: made safe, or refused."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from mmm.errors import InputError, input_error

CHECK = "batch"
LONGEST = 120
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")


def safe_part(name: str) -> str:
    """`name`, fit to be one part of a path. Raises `InputError` where it is not."""
    if len(name) > LONGEST or not _SAFE.fullmatch(name):
        raise input_error(
            CHECK,
            f"name {name[:80]!r}",
            "cannot be the name of a study or run.",
            f"Start with a letter or digit; go on with letters, digits, '_', '-' or '.', "
            f"{LONGEST} at most.",
        )
    return name


def name_from_keys(values: Iterable[str]) -> str:
    """The study name that stands for key values, `acme-uk` for ("acme", "uk").

    Characters that a name may not hold become `_`, and a digest of the values keeps such names
    apart. Raises `InputError` for values that read as a path: a separator, `..` or a control
    character.
    """
    values = tuple(values)
    for value in values:
        if not value.strip(". ") or "/" in value or "\\" in value or not value.isprintable():
            raise input_error(
                CHECK,
                f"key value {value[:80]!r}",
                "reads as a path or as nothing and cannot name a study.",
                "Correct the key column.",
            )
    parts = [_UNSAFE.sub("_", value) for value in values]
    name = "-".join(parts)
    plain = parts == list(values) and all("-" not in value for value in values)
    if plain and len(name) <= LONGEST and _SAFE.fullmatch(name):
        return name
    digest = hashlib.sha256("\0".join(values).encode()).hexdigest()[:8]
    start = name.lstrip("_.-")[: LONGEST - 9]
    return f"{start}-{digest}" if start else digest


def within(root: Path, path: str, what: str) -> Path:
    """`path`, relative to `root`, resolved. Raises `InputError` where it leads out of `root`,
    by `..`, as an absolute path or through a link."""
    if PurePosixPath(path).is_absolute() or Path(path).is_absolute():
        raise outside(path, what)
    root = root.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise outside(path, what)
    return found


def outside(path: str, what: str) -> InputError:
    """The refusal of a path that leads out of the batch's folder."""
    return input_error(
        CHECK,
        f"{what} {path[:200]!r}",
        "leads out of the folder of the batch file.",
        "Put what a batch reads into its folder and name it relative to it.",
    )
