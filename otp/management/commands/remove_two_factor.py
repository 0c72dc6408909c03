from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from otp.two_factor import audit, removal


class Command(BaseCommand):
    help = "Remove all two-factor devices of a user, when no administrator can sign in to do it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        count = removal.remove_all(user)
        audit.note(user, user, f"Two-factor devices removed from the command line: {count}.")
        self.stdout.write(f"{user}: {count} two-factor device{'s' * (count != 1)} removed.")
