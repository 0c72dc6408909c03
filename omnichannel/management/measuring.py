"""What `bench` and `prove` share: modules found by name, a database of their own, their output."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
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

from omnichannel.benchmarks.base import Figure

SERVER_URL = "postgres://postgres@127.0.0.1:5432/postgres"
SMALL = 0.01  # below it, digits count and not places


def modules(package: str) -> dict[str, ModuleType]:
    """{NAME: module} of every package of this name among the apps."""
    found: dict[str, ModuleType] = {}
    for config in apps.get_app_configs():
        try:
            parent = importlib.import_module(f"{config.name}.{package}")
        except ModuleNotFoundError:
            continue
        for item in pkgutil.iter_modules(parent.__path__):
            module = importlib.import_module(f"{parent.__name__}.{item.name}")
            if hasattr(module, "NAME"):
                found[module.NAME] = module
    return found


class MeasuringCommand(BaseCommand):
    """Runs one module of `package` in a database made for it, and prints its figures.

    BENCH_POSTGRES_URL names the server on which `--db postgresql` makes that database.
    """

    package = ""  # benchmarks, proofs
    preparation: tuple[str, ...] = ("migrate", "-v0")  # the command that makes the tables
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = ", ".join(sorted(modules(self.package)))
        parser.add_argument("name", help=names)
        parser.add_argument("--n", "--messages", type=int, help="how many messages or rows")
        parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def figures(self, module: ModuleType, options: dict[str, Any]) -> Iterator[Figure]:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        known = modules(self.package)
        module = known.get(options["name"])
        if module is None:
            raise CommandError(
                f"There is no {options['name']} among the {self.package}. "
                f"Known: {', '.join(sorted(known))}"
            )
        # What was started must be ended, and a database dropped, also when we are told to end.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        if os.environ.get("BENCH_DATABASE") != "own":
            self._again_in_own_database(options)
            return
        self.report([self._printed(figure, options) for figure in self.figures(module, options)])

    def report(self, figures: list[Figure]) -> None:
        """What is to be said of all of them. Raises CommandError when they are not good."""

    def _printed(self, figure: Figure, options: dict[str, Any]) -> Figure:
        self.stdout.write(_json(figure) if options["json"] else _line(figure))
        self.stdout.flush()
        return figure

    def _again_in_own_database(self, options: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(prefix="studio-bench-") as folder:
            env = {**os.environ, "VAR_DIR": folder, "BENCH_DATABASE": "own", "DEMO_DATA": "0"}
            for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
                env.pop(name, None)
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
        made = [sys.executable, manage, *self.preparation]
        subprocess.run(made, env=env, check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen([sys.executable, *sys.argv], env=env) as process:
            try:
                code = process.wait()
            finally:
                process.terminate()
        if code:
            sys.exit(code if code > 0 else 1)


def _json(figure: Figure) -> str:
    return json.dumps(
        {
            "figure": figure.name,
            "value": _rounded(figure.value),
            "unit": figure.unit,
            "n": figure.n,
            "seconds": round(figure.seconds, 3),
            "peak_mb": round(figure.peak_mb, 1),
        }
    )


def _rounded(value: float) -> float:
    return round(value, 4) if abs(value) >= SMALL else float(f"{value:.4g}")


def _line(figure: Figure) -> str:
    form = ",.2f" if figure.value == 0 or abs(figure.value) >= SMALL else ".2g"
    parts = [f"{figure.name:<28} {figure.value:>14{form}} {figure.unit}"]
    if figure.n:
        parts.append(f"n={figure.n:,}")
    if figure.seconds:
        parts.append(f"{figure.seconds:.1f} s")
    if figure.peak_mb:
        parts.append(f"peak {figure.peak_mb:.0f} MB")
    if figure.at_most is not None:
        parts.append(f"at most {figure.at_most:g}")
    if figure.at_least is not None:
        parts.append(f"at least {figure.at_least:g}")
    return "  ".join(parts)
