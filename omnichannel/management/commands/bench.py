"""Measure speed: `manage.py bench NAME`, in a database of its own, one line per figure."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from omnichannel.benchmarks.base import BenchOptions, Figure

SERVER_URL = "postgres://postgres@127.0.0.1:5432/postgres"


def benchmarks() -> dict[str, ModuleType]:
    """{name: module} of every `benchmarks` package among the apps."""
    found: dict[str, ModuleType] = {}
    for config in apps.get_app_configs():
        try:
            package = importlib.import_module(f"{config.name}.benchmarks")
        except ModuleNotFoundError:
            continue
        for item in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{item.name}")
            if hasattr(module, "NAME"):
                found[module.NAME] = module
    return found


class Command(BaseCommand):
    help = "Measure speed, in a database of its own. BENCH_POSTGRES_URL names the server."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="send, import, expand, ...")
        parser.add_argument("--n", type=int, help="how many messages or rows")
        parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        known = benchmarks()
        module = known.get(options["name"])
        if module is None:
            raise CommandError(f"No benchmark {options['name']}. Known: {', '.join(sorted(known))}")
        if os.environ.get("BENCH_DATABASE") != "own":
            self._again_in_own_database(options)
            return
        n = options["n"] or module.N
        run = module.run(BenchOptions(n=n, db=options["db"], seed=options["seed"]))
        self._print(run, as_json=options["json"])

    def _print(self, figures: Iterator[Figure], *, as_json: bool) -> None:
        for figure in figures:
            self.stdout.write(_json(figure) if as_json else _line(figure))
            self.stdout.flush()

    def _again_in_own_database(self, options: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
            env = {**os.environ, "VAR_DIR": folder, "BENCH_DATABASE": "own", "DEMO_DATA": "0"}
            env.pop("DATABASE_URL", None)
            if options["db"] == "sqlite":
                self._run(env)
                return
            server = os.environ.get("BENCH_POSTGRES_URL", SERVER_URL)
            name = f"bench_{uuid.uuid4().hex[:12]}"
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
                try:
                    self._run({**env, "DATABASE_URL": f"{server.rsplit('/', 1)[0]}/{name}"})
                finally:
                    connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _run(self, env: dict[str, str]) -> None:
        manage = str(settings.BASE_DIR / "manage.py")
        subprocess.run([sys.executable, manage, "migrate", "-v0"], env=env, check=True)
        done = subprocess.run([sys.executable, *sys.argv], env=env, check=False)
        if done.returncode:
            sys.exit(done.returncode)


def _json(figure: Figure) -> str:
    return json.dumps(
        {
            "figure": figure.name,
            "value": round(figure.value, 4),
            "unit": figure.unit,
            "n": figure.n,
            "seconds": round(figure.seconds, 3),
            "peak_mb": round(figure.peak_mb, 1),
        }
    )


def _line(figure: Figure) -> str:
    parts = [f"{figure.name:<28} {figure.value:>14,.2f} {figure.unit}"]
    if figure.n:
        parts.append(f"n={figure.n:,}")
    if figure.seconds:
        parts.append(f"{figure.seconds:.1f} s")
    if figure.peak_mb:
        parts.append(f"peak {figure.peak_mb:.0f} MB")
    return "  ".join(parts)
