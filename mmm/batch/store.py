"""The store: a folder, or any place fsspec reaches, where runs appear whole or not at all.

| path | content |
| --- | --- |
| `records/STUDY/RUN.json` | the record of a complete run; the run is visible when this is |
| `records/STUDY/RUN.failed.json` | why the run failed when last tried |
| `runs/STUDY/RUN/` | the artefacts, `inputs/`, and a copy of the record; never changed |
| `promotions/STUDY/TIME.RUN.json` | that the run was deployed, and why |
| `started/STUDY/RUN.json` | that the run was begun; removed when it ends |
| `tracked/STUDY/RUN.json` | that MLflow was told of the run |
| `index.parquet`, `summary.json`, `portfolio.html` | derived, and written anew by each batch |

Nothing is locked: each file has one meaning whoever writes it, and the index follows from the
records.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fsspec

from mmm.errors import InputError, input_error

ASIDE = ".aside"
LEAST_FREE = 50_000_000
"""Bytes that must be free where a run is written."""
FOLDERS = frozenset({"records", "runs", "promotions", "started", "tracked", "batches"})
FILES = frozenset({"index.parquet", "summary.json", "portfolio.html"})


@dataclass(frozen=True, slots=True)
class Store:
    """A place for runs. `address` is what it was opened with; `root` is its path in `fs`."""

    address: str
    root: str
    fs: Any

    @property
    def local(self) -> Path | None:
        """The folder, where the store is one."""
        protocol = self.fs.protocol
        names = (protocol,) if isinstance(protocol, str) else protocol
        return Path(self.root) if "file" in names else None

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        if self.local:
            return (self.local / name).exists()
        self.fs.invalidate_cache()
        return self.fs.exists(self.path(name))

    def read(self, name: str) -> bytes:
        """Raises `FileNotFoundError` where there is none."""
        return self.fs.cat_file(self.path(name))

    def write(self, name: str, content: bytes) -> None:
        """A file, whole or not at all; it takes the place of an earlier one."""
        if not self.local:
            self.fs.pipe_file(self.path(name), content)
            return
        target = self.local / name
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            aside.write_bytes(content)
            os.replace(aside, target)
        finally:
            aside.unlink(missing_ok=True)

    def names(self, folder: str) -> Iterator[str]:
        """Paths of all files below `folder`, relative to it, in no order; none where it is
        missing."""
        if self.local:
            yield from _files_below(self.local / folder, "")
            return
        self.fs.invalidate_cache()
        prefix = self.path(folder).rstrip("/") + "/"
        found = self.fs.find(prefix) if self.fs.exists(prefix) else []
        for path in found:
            name = path.removeprefix(prefix)
            if not name.rpartition("/")[2].startswith("."):
                yield name

    def remove(self, name: str) -> None:
        """A file or a folder with all in it; nothing where it is gone already."""
        if not self.local:
            if self.fs.exists(self.path(name)):
                self.fs.rm(self.path(name), recursive=True)
            return
        target = self.local / name
        if target.is_dir():
            doomed = self.local / ASIDE / uuid.uuid4().hex
            doomed.parent.mkdir(parents=True, exist_ok=True)
            target.rename(doomed)  # gone at once, not file by file
            shutil.rmtree(doomed, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)

    def clear_aside(self) -> None:
        """Removes what writers on this machine left behind when they were killed."""
        parent = self.local / ASIDE if self.local else None
        if parent is None or not parent.is_dir():
            return
        for folder in parent.iterdir():
            host, _, rest = folder.name.partition("~")
            owner = rest.partition("~")[0]
            if host == socket.gethostname() and owner.isdigit() and not _alive(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def aside(self) -> Generator[Path]:
        """A new folder on this machine to write into, where nobody looks; removed at the end.

        Raises `OSError` where next to nothing is free: HDF5 ends the process on a full disk.
        """
        parent = self.local / ASIDE if self.local else None
        if parent:
            parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(parent or tempfile.gettempdir()).free < LEAST_FREE:
            raise OSError(errno.ENOSPC, f"less than {LEAST_FREE // 10**6} MB are free")
        owner = f"{socket.gethostname()}~{os.getpid()}~"
        folder = Path(tempfile.mkdtemp(prefix=owner, dir=parent))
        try:
            folder.chmod(0o755)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def move_in(self, folder: Path, name: str, last: str) -> bool:
        """Makes `folder` (from `aside`) the folder `name`; False where there is one already.

        On an object store the file `last` is uploaded after all others, so that its presence
        says that they are there.
        """
        if self.local:
            target = self.local / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.rename(target)
            except OSError:
                if (target / last).is_file():
                    return False
                raise
            return True
        if self.exists(f"{name}/{last}"):
            return False
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        files.sort(key=lambda path: path == folder / last)
        for path in files:
            self.fs.put_file(str(path), self.path(f"{name}/{path.relative_to(folder).as_posix()}"))
        return True


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def open_store(address: str | Path, *, must_exist: bool = False) -> Store:
    """The store at `address`: a folder, or as s3://bucket/prefix. Nothing is written yet.

    Raises `InputError` where it cannot be one, `must_exist` and does not, or the address holds
    credentials: they come from the environment.
    """
    text = str(address)
    if "://" in text and "@" in urlsplit(text).netloc:
        shown = f"{urlsplit(text).scheme}://..."
        raise input_error(
            "store",
            shown,
            "the address holds credentials.",
            "Leave them out; they are read from the environment.",
        )
    try:
        fs, root = fsspec.url_to_fs(text, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        raise _unusable(text, str(error)) from error
    store = Store(text, root.rstrip("/"), fs)
    if store.local:
        _check_folder(store.local)
    if must_exist and not store.exists("records"):
        raise _unusable(text, "there is no store")
    return store


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise _unusable(str(folder), "it is a file")
    if not os.access(folder if folder.exists() else _nearest(folder), os.W_OK):
        raise _unusable(str(folder), "it may not be written to")
    inside = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if "records" not in inside and any(
        not name.startswith(".") for name in inside - FOLDERS - FILES
    ):
        raise _unusable(str(folder), "it holds files that are not those of a store")


def _nearest(folder: Path) -> Path:
    """The nearest folder above that there is."""
    return next(parent for parent in folder.absolute().parents if parent.exists())


def _unusable(address: str, why: str) -> InputError:
    return input_error(
        "store", address, f"cannot be a store of runs: {why}.", "Name another with --out."
    )


def _files_below(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name
