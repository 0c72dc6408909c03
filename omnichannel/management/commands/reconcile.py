"""Count again what is stored as a number, and compare the queue with providers' ledgers."""

from __future__ import annotations

import importlib.util
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from omnichannel import ledgers
from omnichannel.counters import Difference
from omnichannel.exceptions import OmnichannelError
from omnichannel.models import ChannelProvider, Message


def all_differences() -> Iterator[Difference]:
    """Of every app that has counters."""
    for config in apps.get_app_configs():
        name = f"{config.name}.counters"
        if importlib.util.find_spec(name):
            yield from importlib.import_module(name).differences()


class Command(BaseCommand):
    help = (
        "Compare every stored count with its rows, and what was sent with what providers say "
        "they took. Ends with 1 when something differs and was not corrected."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="correct the counts")
        parser.add_argument(
            "--ledger", type=Path, metavar="FILE", help='lines "recipient message-id"'
        )
        parser.add_argument("--provider", metavar="NAME", help="whose ledger the file is")
        parser.add_argument(
            "--limit", type=int, default=20, help="lines of each kind from a ledger; 0: all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        open_ends = self._count_again(fix=options["fix"])
        for name, findings in self._ledgers(options):
            open_ends += self._tell(name, findings, options["limit"] or sys.maxsize)
        if open_ends:
            raise CommandError(f"Differences that are not corrected: {open_ends:,}.")
        self.stdout.write("No difference is left." if options["fix"] else "No differences.")

    def _count_again(self, *, fix: bool) -> int:
        left = 0
        for difference in all_differences():
            fixed = fix and difference.fix() != 0
            self.stdout.write(f"{difference}{': corrected' if fixed else ''}")
            left += not fixed
        return left

    def _ledgers(self, options: dict[str, Any]) -> Iterator[tuple[str, Iterator[ledgers.Finding]]]:
        if options["ledger"]:
            yield str(options["ledger"]), self._of_file(options["ledger"], options["provider"])
            return
        for provider in ledgers.vendors():
            yield provider.name, ledgers.compare_vendor(provider)

    def _of_file(self, path: Path, name: str | None) -> Iterator[ledgers.Finding]:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        providers = ChannelProvider.objects.exclude(pk__in=[row.pk for row in ledgers.vendors()])
        if name:
            providers = ChannelProvider.objects.filter(name=name)
            if not providers.exists():
                raise CommandError(f"There is no provider {name}.")
        mine = Message.objects.filter(provider__in=providers)
        return ledgers.compare(ledgers.lines(path), mine)

    def _tell(self, name: str, findings: Iterable[ledgers.Finding], limit: int) -> int:
        """Print a ledger's findings; answer how many of them are differences."""
        counts: Counter[str] = Counter()
        try:
            for finding in findings:
                counts[finding.kind] += 1
                if counts[finding.kind] <= limit:
                    self.stdout.write(f"{name}: {finding.kind}: {finding.text}")
        except OmnichannelError as error:
            self.stderr.write(f"{name}: its ledger cannot be had: {error}")
            return 1
        for kind, number in counts.items():
            if number > limit:
                self.stdout.write(f"{name}: {kind}: {number - limit:,} more")
        return sum(number for kind, number in counts.items() if kind != ledgers.ARRIVED)
