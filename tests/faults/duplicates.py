"""The test's database backed up, put back and copied, by the means that operators use."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.db import connection, connections

from tests.faults.own_postgres import binaries


def back_up(folder: Path) -> Path:
    connections.close_all()
    kept = folder / "backup"
    if connection.vendor == "sqlite":
        _whole_file(kept)
    else:
        _postgresql("pg_dump", "--format=custom", f"--file={kept}")
    return kept


def _whole_file(target: Path) -> None:
    """A killed process leaves its last commits in the log beside the file."""
    source = sqlite3.connect(connection.settings_dict["NAME"])
    with contextlib.closing(source), contextlib.closing(sqlite3.connect(target)) as copied:
        source.backup(copied)


def restore(kept: Path) -> None:
    """The backup into the very same database: its file is written anew, or its tables are."""
    connections.close_all()
    if connection.vendor == "sqlite":
        name = connection.settings_dict["NAME"]
        for beside in ("-wal", "-shm"):  # else what it has is played into the backup
            Path(f"{name}{beside}").unlink(missing_ok=True)
        shutil.copyfile(kept, name)
    else:
        _postgresql("pg_restore", "--clean", "--if-exists", "--no-owner", str(kept))


def _postgresql(program: str, *arguments: str) -> None:
    given = connection.settings_dict
    found = binaries()
    subprocess.run(
        [
            str(found / program) if found else program,
            f"--host={given['HOST']}",
            f"--port={given['PORT'] or 5432}",
            f"--username={given['USER']}",
            f"--dbname={given['NAME']}",
            *arguments,
        ],
        check=True,
        timeout=60,
        env={"PGPASSWORD": given["PASSWORD"] or ""},
    )


@contextlib.contextmanager
def copy(folder: Path) -> Iterator[str]:
    """The name of a second database with the same rows: a copied file, or a clone."""
    connections.close_all()
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        folder.mkdir(exist_ok=True)
        _whole_file(folder / "studio.sqlite3")
        yield str(folder / "studio.sqlite3")
        return
    clone = f"clone_{uuid.uuid4().hex[:12]}"
    # Threads that earlier tests have started may keep connections.
    _say(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    _say(f"CREATE DATABASE {clone} TEMPLATE {name}")
    try:
        yield clone
    finally:
        _say(f"DROP DATABASE {clone} WITH (FORCE)")


def _say(statement: str) -> None:
    given = connection.settings_dict
    with psycopg.connect(
        host=given["HOST"],
        port=given["PORT"] or 5432,
        user=given["USER"],
        password=given["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    ) as server:
        server.execute(statement.encode())


@contextlib.contextmanager
def using(name: str) -> Iterator[None]:
    """The processes forked in here, and this one, work on the database of this name."""
    connections.close_all()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = before
