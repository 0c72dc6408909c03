"""A PostgreSQL server of a test's own: it may be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg

from tests.journeys.product import free_port

# Nothing is forced to the disk: a killed server leaves its files to the living system.
SETTINGS = ("fsync=off", "listen_addresses=127.0.0.1", "shared_buffers=16MB")


def binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    name = str(found[-1]) if found else shutil.which("initdb")
    return Path(name).parent if name else None


class OwnPostgres:
    """On a free port, in a folder of its own that ends with it. As root it runs under the
    system's `postgres` account, which cannot get into pytest's folders.
    """

    def __init__(self, bin_folder: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="own-postgresql-"))
        self.bin = bin_folder
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> OwnPostgres:
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-D", str(self.folder))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)

    def start(self) -> None:
        options = " ".join(f"-c {setting}" for setting in SETTINGS)
        options += f" -p {self.port} -k {self.folder}"
        self._control("start", "-l", str(self.folder / "log"), "-o", options)

    def crash(self) -> None:
        """Every process ends at once, as in a power cut, and the server starts again."""
        self._control("stop", "-m", "immediate")
        self.start()

    @contextmanager
    def replaced(self, meanwhile: LiteralString) -> Iterator[OwnPostgres]:
        """A standby that has followed this server takes its place, as long as the block runs.

        `meanwhile` is a statement that it gets from this server.
        """
        standby = OwnPostgres(self.bin)
        if os.getuid() == 0:
            shutil.chown(standby.folder, "postgres")
        source = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        self._run("pg_basebackup", *source, "-D", str(standby.folder), "-R", "-c", "fast")
        standby.start()
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(meanwhile)
            self._control("stop", "-m", "fast")  # what it has, the standby has then
            standby._control("promote")
            yield standby
        finally:
            standby.__exit__()
            self.start()

    def end_connections(self, database: str) -> int:
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
            return len(rows.fetchall())

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-w", "-D", str(self.folder), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        account = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        subprocess.run(
            [self.bin / program, *arguments],
            cwd="/",
            check=True,
            timeout=60,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account,
        )
