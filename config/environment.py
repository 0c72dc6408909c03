"""The environment, read so that a wrong value ends the start with one sentence about it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


class Environment(environ.Env):
    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, ImproperlyConfigured) as error:
            raise SystemExit(f"{var} cannot be used: {error}.") from error

    def database(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings of the database at a URL such as postgres://user@host/name."""
        with warnings.catch_warnings(action="ignore"):
            database = self.db(var, default=default)
        if database.get("ENGINE") not in ENGINES:
            raise SystemExit(f"{var} is not the URL of a database: postgres://user@host/name.")
        return database

    def port(self, var: str, default: int) -> int:
        number = self.int(var, default=default)
        if not 0 < number < 65536:
            raise SystemExit(f"{var} is not a port: {number}.")
        return number

    def folder(self, var: str, default: Path) -> Path:
        """An absolute path that exists; made when it does not."""
        path = Path(self(var, default=str(default))).absolute()
        try:
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise SystemExit(f"{var} cannot be used: {error}.") from error
        return path


env = Environment()
