"""Databases as `migrate` leaves them: made once for all the workers of a run, then copied.

Making one takes many seconds, and a hundred tests want one of their own.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "TEST_PREPARED"  # what the workers of a run share; it names the PostgreSQL database too


def share() -> None:
    """Called before the workers start: they, and all that they start, find the folder's name."""
    if FOLDER in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="prepared-"))
    os.environ[FOLDER] = str(folder)
    atexit.register(_forget, folder)


def sqlite_file() -> Path:
    path = _folder() / "studio.sqlite3"

    def make() -> None:
        env = {**_env(), "VAR_DIR": str(path.parent)}
        env.pop("DATABASE_URL", None)
        _migrate(env)

    _once("sqlite", make)
    return path


def fill(connection: sqlite3.Connection) -> None:
    """Give an empty database in memory what `migrate` would."""
    with contextlib.closing(sqlite3.connect(sqlite_file())) as source:
        source.backup(connection)


def postgres_clone(url: str, name: str) -> None:
    """Make the database `name` on the server that `url` leads to."""
    template = postgres_template(url)
    with _locked("clone"):  # nobody may be connected to a template that is copied
        _say(url, f"CREATE DATABASE {name} TEMPLATE {template}")


def postgres_template(url: str) -> str:
    """The name of a database on that server which is there to be copied."""
    name = f"template_{_folder().name.replace('-', '_')}"

    def make() -> None:
        _say(url, f"CREATE DATABASE {name}")
        (_folder() / "servers").open("a").write(f"{url}\n")
        address = f"{url.rsplit('/', 1)[0]}/{name}"
        with tempfile.TemporaryDirectory() as var_dir:
            _migrate({**_env(), "VAR_DIR": var_dir, "DATABASE_URL": address})

    _once(f"postgresql-{uuid.uuid5(uuid.NAMESPACE_URL, url)}", make)
    return name


@functools.cache
def _folder() -> Path:
    share()
    return Path(os.environ[FOLDER])


def _env() -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name != "OMNI_CRASH"},
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }


def _migrate(env: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(command, env=env, cwd=ROOT, check=True, timeout=180)


def _once(name: str, make: Callable[[], None]) -> None:
    ready = _folder() / f"{name}.ready"
    with _locked(name):
        if not ready.exists():
            make()
            ready.touch()


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    with (_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(statement.encode())


def _forget(folder: Path) -> None:
    servers = folder / "servers"
    for url in servers.read_text().split() if servers.exists() else ():
        with contextlib.suppress(psycopg.Error):
            _say(url, f"DROP DATABASE template_{folder.name.replace('-', '_')} WITH (FORCE)")
    shutil.rmtree(folder, ignore_errors=True)
