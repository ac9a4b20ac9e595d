"""Small studies in a folder, and the batch file over them."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from mmm.simulate import ChannelSpec, Flighting, WorldSpec, simulate

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
