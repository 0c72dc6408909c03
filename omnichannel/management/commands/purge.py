from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from omnichannel import retention
from omnichannel.lifecycle import stop_requested

STEP_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Delete what is over and older than so many days, in small steps, beside running workers. "
        "The figures of jobs and campaigns stay. Safe to break off and to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than", type=int, required=True, metavar="DAYS", help="Messages, with events."
        )
        parser.add_argument(
            "--events-older-than", type=int, metavar="DAYS", help="Events of the messages kept."
        )
        parser.add_argument("--dry-run", action="store_true", help="Only print what would go.")

    def handle(self, *args: Any, **options: Any) -> None:
        days, event_days = options["older_than"], options["events_older_than"]
        if days < 1 or (event_days is not None and event_days < 1):
            raise CommandError("Give at least one day.")
        at = timezone.now()
        limits = retention.Limits(
            messages=retention.days_before(at, days),
            events=retention.days_before(at, event_days or 0),
        )
        if options["dry_run"]:
            self._show(limits)
        else:
            self._purge(limits)

    def _show(self, limits: retention.Limits) -> None:
        plan = retention.plan(limits)
        for name, number in plan.jobs:
            self.stdout.write(f"{number:>12,} messages of {name}")
        self.stdout.write(f"{plan.lone:>12,} messages of no job")
        self.stdout.write(f"{plan.messages:>12,} messages together, with their events")
        size = filesizeformat(plan.file_bytes).replace("\xa0", " ")
        self.stdout.write(f"{plan.files:>12,} attachments of theirs, {size}")
        if limits.events:
            self.stdout.write(f"{plan.events:>12,} events")
        self.stdout.write("Nothing was deleted.")

    def _purge(self, limits: retention.Limits) -> None:
        total = retention.Purged()
        while not stop_requested():
            until = time.monotonic() + STEP_SECONDS
            gone = retention.purge(limits, until=until, stopped=stop_requested)
            total.add(gone)
            if not gone.messages and not gone.events:
                break
            self.stdout.write(f"{total.messages:,} messages and {total.events:,} events deleted")
            self.stdout.flush()
        self.stdout.write("Done." if total.messages or total.events else "Nothing was old enough.")
