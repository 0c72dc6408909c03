"""A database that real processes share: for tests with several workers, kills and restarts."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg

from tests import prepared

ROOT = Path(__file__).resolve().parent.parent
SETUP = "import django; django.setup()\n"


class LiveStudio:
    """A migrated database with a VAR_DIR of its own, and processes that work on it."""

    def __init__(self, var_dir: Path, postgres_url: str = "") -> None:
        self.var_dir = var_dir
        self.postgres_url = postgres_url
        self.name = f"live_{uuid.uuid4().hex[:12]}"
        self.running: list[subprocess.Popen] = []

    def __enter__(self) -> LiveStudio:
        if self.postgres_url:
            prepared.postgres_clone(self.postgres_url, self.name)
        else:
            self.copy_migrated()
        return self

    def __exit__(self, *_) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        if self.postgres_url:
            self._server(f"DROP DATABASE {self.name} WITH (FORCE)")

    def copy_migrated(self) -> None:
        shutil.copy(prepared.sqlite_file(), self.var_dir / "studio.sqlite3")

    def env(self, **more: str) -> dict[str, str]:
        env = {
            **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "OMNI_CRASH")},
            "VAR_DIR": str(self.var_dir),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": str(ROOT),
            **more,
        }
        if self.postgres_url:
            base = self.postgres_url.rsplit("/", 1)[0]
            env["DATABASE_URL"] = f"{base}/{self.name}"
        return env

    def start(self, code: str, **env: str) -> subprocess.Popen:
        """Start `code` in a process of its own; its standard output is a pipe."""
        process = subprocess.Popen(
            [sys.executable, "-c", SETUP + code],
            env=self.env(**env),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def run(self, code: str, **env: str) -> str:
        """Run `code` to its end; answer what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", SETUP + code],
            env=self.env(**env),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout.strip()

    def look_up(self, query: str) -> list[tuple]:
        """Ask the database without a process of the product's, which takes seconds to start."""
        if self.postgres_url:
            base = self.postgres_url.rsplit("/", 1)[0]
            with psycopg.connect(f"{base}/{self.name}") as connection:
                return connection.execute(query).fetchall()
        path = self.var_dir / "studio.sqlite3"
        with contextlib.closing(sqlite3.connect(path, timeout=20)) as connection:
            return connection.execute(query).fetchall()

    def manage(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.env(),
            cwd=ROOT,
            check=True,
            timeout=120,
        )

    def _server(self, statement: str) -> None:
        with psycopg.connect(self.postgres_url, autocommit=True) as connection:
            connection.execute(statement)
