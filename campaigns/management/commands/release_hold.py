from __future__ import annotations

import math
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaigns import releasing as of_campaigns
from omnichannel import installation, releasing
from omnichannel.exceptions import IllegalTransition
from omnichannel.releasing import Release


class Command(BaseCommand):
    help = (
        "Release sending that is held because the database was restored or copied. What waited "
        "and may have been sent already is cancelled, unless --send is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--new-identity",
            action="store_true",
            help="this is a copy: all that waits is cancelled, scheduled campaigns too",
        )
        what.add_argument(
            "--send",
            action="store_true",
            help="the database was only moved, nothing was sent since: what waits is sent",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        choice = Release.CANCEL
        if options["new_identity"]:
            choice = Release.COPY
        elif options["send"]:
            choice = Release.SEND
        installation.look(at)  # nobody may have looked yet, if no process runs
        try:
            campaigns = of_campaigns.release(choice, by="manage.py release_hold", at=at)
        except IllegalTransition as error:
            raise CommandError(str(error)) from error
        count = releasing.go_on(at, until=math.inf)
        self.stdout.write(
            f"Sending is released. {count:,} messages and {campaigns:,} campaigns were cancelled."
        )
