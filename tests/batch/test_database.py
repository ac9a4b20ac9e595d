"""A SQL database as source: PostgreSQL on this machine where it is installed, and SQLite."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy
import yaml

from mmm.batch.database import read_database
from mmm.batch.run import plan_only, run_batch
from mmm.batch.sources import open_source
from mmm.config.load import load_batch
from mmm.errors import InputError

PROGRAMS = Path("/usr/lib/postgresql")
PASSWORD = "s3cret-w0rd"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def found_program(name: str) -> str | None:
    newest = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(newest[-1]) if newest else shutil.which(name)


class Server:
    """A PostgreSQL server of our own, which asks for a password."""

    def __init__(self, command: list, home: Path, port: int, user: dict) -> None:
        self.command, self.home, self.user = command, home, user
        self.address = f"postgresql+psycopg://mmm:{PASSWORD}@127.0.0.1:{port}/postgres"

    def start(self) -> None:
        self.running = subprocess.Popen(self.command, cwd=self.home, **QUIET, **self.user)
        engine = sqlalchemy.create_engine(self.address, poolclass=sqlalchemy.NullPool)
        for _ in range(300):
            try:
                with engine.connect():
                    return
            except sqlalchemy.exc.OperationalError:
                assert self.running.poll() is None, "PostgreSQL did not start"
                time.sleep(0.1)
        pytest.fail("PostgreSQL does not answer")

    def cut(self) -> None:
        """As when the machine fails: connections end in the middle of what they do."""
        self.running.send_signal(signal.SIGQUIT)
        self.running.wait(timeout=30)


@pytest.fixture(scope="session")
def server():
    initdb, program = found_program("initdb"), found_program("postgres")
    if not initdb or not program:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    home = Path("/tmp") / f"mmm-pg-{os.getpid()}"
    home.mkdir()
    user = {}
    if os.geteuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    secret = home / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    make = [initdb, "-D", home / "data", "-U", "mmm", "-A", "scram-sha-256", "-N"]
    subprocess.run([*make, f"--pwfile={secret}"], check=True, cwd=home, **QUIET, **user)
    options = ["-c", "listen_addresses=127.0.0.1", "-p", str(port), "-k", home, "-F"]
    found = Server([program, "-D", home / "data", *options], home, port, user)
    found.start()
    yield found
    found.running.terminate()
    found.running.wait(timeout=30)
    shutil.rmtree(home)


@pytest.fixture
def postgres(server) -> str:
    """Its address."""
    return server.address


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, frames, monkeypatch):
    """A database that holds a table `weekly`; its address is in MMM_TEST_DATABASE."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/rows.db"
    else:
        address = request.getfixturevalue("postgres")
    monkeypatch.setenv("MMM_TEST_DATABASE", address)
    return filled(address, frames)


def filled(address: str, frames: dict[str, pd.DataFrame]) -> sqlalchemy.Engine:
    """The database with a table `weekly` of all `frames`."""
    parts = [
        frame.assign(brand=name, week=pd.to_datetime(frame["week"]).dt.date)
        for name, frame in frames.items()
    ]
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    pd.concat(parts).to_sql(
        "weekly",
        engine,
        index=False,
        if_exists="replace",
        dtype={"week": sqlalchemy.Date(), "price": sqlalchemy.Numeric(12, 4)},
    )
    return engine


def write_batch(worlds, folder: Path, query: str, **changes) -> Path:
    (folder / "template.yaml").write_text(yaml.safe_dump(worlds.content()))
    source = {
        "database": "MMM_TEST_DATABASE",
        "query": query,
        "keys": ["brand"],
        "template": "template.yaml",
    }
    return worlds.batch(folder, table=source | changes)


def test_groups_of_a_database_are_those_of_its_rows(worlds, database, frames, tmp_path):
    path = write_batch(worlds, tmp_path, "select * from weekly where brand <> 'a:b';")
    with open_source(load_batch(path), tmp_path) as source:
        entries = list(source.entries())
        again = list(source.entries())
        with database.begin() as connection:
            connection.execute(sqlalchemy.text("drop table weekly"))
        payloads = [source.payload(entry) for entry in entries]
    assert [entry.name for entry in entries] == list(frames)
    assert again == entries
    for payload, (name, frame) in zip(payloads, frames.items(), strict=True):
        target = tmp_path / f"{name}.parquet"
        target.write_bytes(payload.files["data.parquet"])
        rows = pd.read_parquet(target)
        np.testing.assert_array_equal(rows["revenue"], frame["revenue"])
        np.testing.assert_allclose(rows["price"].astype(float), frame["price"], atol=1e-4)


def test_the_same_rows_have_the_same_digest_again(worlds, database, tmp_path):
    path = write_batch(worlds, tmp_path, "select * from weekly order by revenue")
    with open_source(load_batch(path), tmp_path) as source:
        first = list(source.entries())
    path = write_batch(worlds, tmp_path, "select * from weekly order by revenue desc")
    with open_source(load_batch(path), tmp_path) as source:
        assert list(source.entries()) == first


def test_reading_cannot_write(worlds, database, tmp_path):
    with pytest.raises(InputError, match=r"cannot be read"):
        read_database(
            "MMM_TEST_DATABASE",
            "with gone as (delete from weekly returning brand) select * from gone",
        )
    with database.connect() as connection:
        assert connection.execute(sqlalchemy.text("select count(*) from weekly")).scalar() == 180


@pytest.mark.parametrize(
    "query", ["select * from nothing", "select brand, 'secret:word' from weekly where oops"]
)
def test_a_wrong_query_is_refused_without_the_address(database, query):
    with pytest.raises(InputError) as refusal:
        read_database("MMM_TEST_DATABASE", query)
    assert "database in MMM_TEST_DATABASE" in str(refusal.value)
    assert "Check that it answers" in str(refusal.value)
    assert "://" not in str(refusal.value)


def test_a_database_that_went_away_is_named_by_its_variable(postgres, monkeypatch):
    dead = postgres.rsplit(":", 1)[0] + ":9/postgres"
    monkeypatch.setenv("MMM_TEST_DATABASE", dead)
    with pytest.raises(InputError) as refusal:
        read_database("MMM_TEST_DATABASE", "select 1")
    assert PASSWORD not in str(refusal.value)
    wrong = postgres.replace(PASSWORD, "wrong-word")
    monkeypatch.setenv("MMM_TEST_DATABASE", wrong)
    with pytest.raises(InputError) as refusal:
        read_database("MMM_TEST_DATABASE", "select 1")
    assert "wrong-word" not in str(refusal.value)


@pytest.mark.parametrize("address", ["nonsense", "nodriver://me:hidden-word@host/db"])
def test_an_address_that_cannot_be_used_is_not_shown(monkeypatch, address):
    monkeypatch.setenv("MMM_TEST_DATABASE", address)
    with pytest.raises(InputError) as refusal:
        read_database("MMM_TEST_DATABASE", "select 1")
    assert "hidden-word" not in str(refusal.value)


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("MMM_TEST_DATABASE", raising=False)
    with pytest.raises(InputError, match="MMM_TEST_DATABASE: the environment variable is not set"):
        read_database("MMM_TEST_DATABASE", "select 1")


def test_a_batch_whose_database_is_cut_runs_nothing_and_all_of_it_later(
    worlds, database, tmp_path, monkeypatch
):
    path = write_batch(worlds, tmp_path, "select * from weekly")
    address = os.environ["MMM_TEST_DATABASE"]
    cut = f"sqlite:///{tmp_path}/none/rows.db"
    if database.dialect.name == "postgresql":
        cut = address.rsplit(":", 1)[0] + ":9/postgres"
    monkeypatch.setenv("MMM_TEST_DATABASE", cut)
    with pytest.raises(InputError, match="the database cannot be read"):
        run_batch(path, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    monkeypatch.setenv("MMM_TEST_DATABASE", address)
    assert [one.reason for one in plan_only(path, tmp_path / "store")] == ["new"] * 3


def test_a_database_cut_in_the_middle_of_its_answer_leaves_nothing(
    worlds, server, frames, tmp_path, monkeypatch
):
    filled(server.address, frames)
    monkeypatch.setenv("MMM_TEST_DATABASE", server.address)
    path = write_batch(worlds, tmp_path, "select *, pg_sleep(0.05)::text from weekly")
    cut = threading.Timer(1.0, server.cut)
    cut.start()
    with pytest.raises(InputError, match="the database cannot be read") as refusal:
        run_batch(path, tmp_path / "store")
    cut.join()
    server.start()
    assert PASSWORD not in str(refusal.value)
    assert not (tmp_path / "store").exists()
    path = write_batch(worlds, tmp_path, "select * from weekly")
    assert [one.reason for one in plan_only(path, tmp_path / "store")] == ["new"] * 3


def test_a_database_cut_while_studies_run_is_not_missed(
    worlds, server, database, tmp_path, batch_in, frames
):
    """The rows of all studies were read before the first of them began."""
    rows = tmp_path / "rows.db"
    write_batch(worlds, tmp_path, "select * from weekly")
    content = yaml.safe_load((tmp_path / "batch.yaml").read_text())
    batch = batch_in(tmp_path, tmp_path / "store")

    def cut(event):
        if event["event"] != "started":
            return
        if database.dialect.name == "sqlite":
            if rows.exists():
                rows.rename(tmp_path / "gone.db")
        elif server.running.poll() is None:
            server.cut()

    summary = batch.run(watch=cut, content={"studies": [], "table": content["table"]})
    assert (summary.done, summary.failed) == (3, 0)
    batch.one_run_each(tuple(frames))
    before = batch.written()
    with pytest.raises(InputError, match="the database cannot be read"):
        batch.run(content={"studies": [], "table": content["table"]})
    if database.dialect.name == "sqlite":
        (tmp_path / "gone.db").rename(rows)
    else:
        server.start()
    again = batch.run(content={"studies": [], "table": content["table"]})
    assert (again.done, again.skipped, again.failed) == (0, 3, 0)
    assert batch.written() == before
