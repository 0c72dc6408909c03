from __future__ import annotations

import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from omnichannel import api_keys
from omnichannel.choices import Scope


class Command(BaseCommand):
    help = "Make an API key and print it, which happens only this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Which system will use it.")
        parser.add_argument(
            "--scopes", required=True, help=f"With commas between: {', '.join(Scope.values)}."
        )
        parser.add_argument("--test", action="store_true", help="It only reaches the sandbox.")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="Never, unless given.")
        parser.add_argument("--rate", type=int, metavar="N", help="Requests per minute at most.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, key = api_keys.create(
                options["name"],
                [scope.strip() for scope in options["scopes"].split(",") if scope.strip()],
                is_test=options["test"],
                expires_at=self._expiry(options["expires"]),
                rate_limit=options["rate"],
            )
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        self.stdout.write(key)

    def _expiry(self, days: int | None) -> datetime.datetime | None:
        if days is None:
            return None
        if not 1 <= days <= 36_500:
            raise CommandError("A key lives for at least one day, and at most for 36,500.")
        return timezone.now() + datetime.timedelta(days=days)
