"""`manage.py figures`: the README's tables, made from what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from omnichannel import figures

DOCUMENTS = ("README.md",)


class Command(BaseCommand):
    help = (
        "Write the measured figures into the README. With commands, such as `bench send` or "
        "`prove crash`, measure these first, on each database, and keep what they print."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("commands", nargs="*", help='such as "bench send" "prove crash"')
        parser.add_argument("--db", choices=tuple(figures.DATABASES), action="append")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "figures.jsonl"
        for command in options["commands"]:
            for db in options["db"] or figures.DATABASES:
                self._keep(path, self._measured(command, db))
        known = figures.read(path)
        for name in DOCUMENTS:
            document = settings.BASE_DIR / name
            document.write_text(figures.write_into(document.read_text(), known))

    def _measured(self, command: str, db: str) -> list[dict[str, Any]]:
        manage = str(settings.BASE_DIR / "manage.py")
        words = [sys.executable, manage, *command.split(), "--db", db, "--json"]
        self.stdout.write(f"{command} --db {db}")
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise CommandError(f"{command} --db {db} failed.")
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return [{**line, "db": db, "command": command} for line in lines]

    def _keep(self, path: Path, lines: list[dict[str, Any]]) -> None:
        known = figures.read(path)
        for line in lines:
            known[line["figure"], line["db"]] = line
            self.stdout.write(f"  {line['figure']:<40} {line['value']:>16,.2f} {line['unit']}")
        ordered = [known[key] for key in sorted(known)]
        path.write_text("".join(json.dumps(line) + "\n" for line in ordered))
