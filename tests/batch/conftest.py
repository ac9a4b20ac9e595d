"""Small studies in a folder, and the batch file over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

import mmm
from mmm.simulate import ChannelSpec, Flighting, WorldSpec, simulate

EVERY = {"verdict": "rejected"}
"""Sixty draws are never trusted; tests of batches let every verdict be deployed."""
SHORT = {"chains": 2, "draws": 60, "tune": 100, "seed": 3}


def tiny_spec(periods: int = 60, scale: float = 1.0, noise: float = 0.02) -> WorldSpec:
    """A national world of two channels; `scale` multiplies what the first one earns."""
    channels = (
        ChannelSpec(
            name="tv",
            flighting=Flighting.BURSTS,
            cost_share=0.08,
            tactical_share=0.16 * scale,
            decay=0.4,
            slope=1.2,
            half_saturation=1.0,
        ),
        ChannelSpec(
            name="search",
            flighting=Flighting.ALWAYS_ON,
            cost_share=0.05,
            tactical_share=0.10,
            decay=0.1,
            slope=1.0,
            half_saturation=1.2,
        ),
    )
    return WorldSpec(name="tiny", channels=channels, periods=periods, level=100_000.0, noise=noise)


def tiny_frame(seed: int, **changes: Any) -> pd.DataFrame:
    frame = simulate(tiny_spec(**changes), seed).frame
    return frame.assign(week=pd.to_datetime(frame["week"]).dt.strftime("%Y-%m-%d"))


def study_content(name: str | None = None) -> dict[str, Any]:
    """The study of a tiny world; without a name it is a template."""
    content = simulate(tiny_spec(), 0).study.model_dump(mode="json", exclude_defaults=True)
    content["inference"] = dict(SHORT)
    content["study"] = name
    content["data"] = {"file": "data.csv", "date": "week", "frequency": "W-MON"}
    if name is None:
        del content["study"], content["data"]["file"]
    return content


def write_tiny(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    """`folder/name/study.yaml` with its data."""
    home = folder / name
    home.mkdir(parents=True, exist_ok=True)
    frame.to_csv(home / "data.csv", index=False)
    path = home / "study.yaml"
    path.write_text(yaml.safe_dump(study_content(name)))
    return path


def write_batch(folder: Path, **content: Any) -> Path:
    path = folder / "batch.yaml"
    path.write_text(yaml.safe_dump({"batch": "weekly", **content}))
    return path


@pytest.fixture(scope="session")
def worlds() -> SimpleNamespace:
    """What makes and writes tiny studies."""
    return SimpleNamespace(
        frame=tiny_frame, content=study_content, write=write_tiny, batch=write_batch
    )


@pytest.fixture(scope="session")
def frames() -> dict[str, pd.DataFrame]:
    """A frame a study, drawn once."""
    return {name: tiny_frame(seed) for seed, name in enumerate(("alpha", "beta", "gamma"))}


@pytest.fixture
def studies(tmp_path, frames) -> Path:
    """A folder with three studies and a batch file over them."""
    for name, frame in frames.items():
        write_tiny(tmp_path / "in", name, frame)
    write_batch(tmp_path / "in", studies=["*/study.yaml"], report=False)
    return tmp_path / "in"


@pytest.fixture(scope="session")
def s3_server():
    """An S3-compatible server on this machine; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch) -> str:
    """The address of a new, empty bucket; credentials stand in the environment."""
    import fsspec

    environment = {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    address = f"s3://runs-{uuid.uuid4().hex}"
    fs = fsspec.filesystem("s3", skip_instance_cache=True)
    fs.mkdir(address)
    return address


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """A scheduler that speaks TLS only and two workers, each a process started by hand."""
    from dask.distributed import Security

    from mmm.batch.spread import Encryption

    home = tmp_path_factory.mktemp("grid")
    made = Security.temporary()
    files = {}
    for name in ("tls_ca_file", "tls_client_cert", "tls_client_key"):
        files[name] = home / f"{name}.pem"
        files[name].write_text(getattr(made, name))
    encryption = Encryption(*files.values())
    tls = ["--tls-ca-file", encryption.authority, "--tls-cert", encryption.certificate]
    tls += ["--tls-key", encryption.key, "--no-dashboard"]
    place = home / "scheduler.json"
    with ExitStack() as stack:
        listens = ["--protocol", "tls", "--host", "127.0.0.1", "--port", "0"]
        stack.enter_context(process("scheduler", *listens, "--scheduler-file", place, *tls))
        for _ in range(600):
            if place.exists() and place.read_text().strip():
                break
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        options = ["--nthreads", "1", "--nworkers", "1", "--local-directory", home, *tls]
        for _ in range(2):
            stack.enter_context(process("worker", address, *options))
        yield SimpleNamespace(scheduler=address, encryption=encryption)


@contextmanager
def process(name: str, *arguments: Any) -> Iterator[subprocess.Popen]:
    """A `dask scheduler` or `dask worker` while the block runs."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *map(str, arguments)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    paths = {**os.environ, "PYTHONPATH": str(Path(mmm.__file__).parent.parent)}
    paths["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "false"  # it wakes a process all the time
    running = subprocess.Popen(command, env=paths, **quiet)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=30)


@pytest.fixture
def batch(studies, grid):
    """Runs the batch over three studies; keeps the events and remembers the store."""
    return batch_of(studies, studies.parent / "store", grid)


def batch_of(studies: Path, out: Path, grid: SimpleNamespace) -> SimpleNamespace:
    from mmm.batch.run import run_batch

    events: list[dict] = []

    def run(watch=None, rules=EVERY, content=None, **options):
        what = {"studies": ["*/study.yaml"], "artefacts": "core", "promote": rules}
        path = write_batch(studies, **what | (content or {}))

        def hear(event):
            events.append(event)
            if watch:
                watch(event)

        where = {"scheduler": grid.scheduler, "encryption": grid.encryption}
        return run_batch(path, out, watch=hear, **where, **options)

    return SimpleNamespace(
        run=run,
        studies=studies,
        out=out,
        events=events,
        path=studies / "batch.yaml",
        complete=lambda: complete(out),
        one_run_each=lambda names=("alpha", "beta", "gamma"): one_run_each(out, names),
        written=lambda: {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*/fit.nc")},
    )


@pytest.fixture
def batch_in(grid):
    """`batch` over the studies of a folder, into a store of one's own choice."""
    return lambda studies, out: batch_of(studies, out, grid)


def complete(out: Path) -> dict[str, list[str]]:
    """Study -> its runs, each held to be whole."""
    found = {}
    for folder in sorted((out / "runs").iterdir()):
        for run in folder.iterdir():
            names = {path.name for path in run.iterdir()}
            assert {"fit.nc", "manifest.json", "run.json", "efficiency.csv", "inputs"} <= names
        found[folder.name] = sorted(run.name for run in folder.iterdir())
    return found


def one_run_each(out: Path, names: tuple[str, ...]) -> None:
    """Every study has exactly one complete run, the index says so, and nothing is left over."""
    from mmm.batch.index import read_index, rebuild_index
    from mmm.batch.store import open_store

    assert {study: len(runs) for study, runs in complete(out).items()} == dict.fromkeys(names, 1)
    index = read_index(open_store(out))
    done = index[index["status"] == "done"]
    assert sorted(done["study"]) == sorted(names)
    pd.testing.assert_frame_equal(rebuild_index(open_store(out), anew=True), index)
    assert not list((out / "started").rglob("*.json"))
