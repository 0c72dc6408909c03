from __future__ import annotations

from django.core.management.base import BaseCommand

from config.sender import work


class Command(BaseCommand):
    help = "Send campaigns until standard input ends. `up` starts as many as SEND_PROCESSES says."
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        work()
