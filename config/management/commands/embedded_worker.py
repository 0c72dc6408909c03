from __future__ import annotations

from django.core.management.base import BaseCommand

from config.embedded import work


class Command(BaseCommand):
    help = "Run the periodic tasks until standard input ends. `up` starts this by itself."
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        work()
