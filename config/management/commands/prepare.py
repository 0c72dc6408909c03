from __future__ import annotations

import os

from django.core.management.base import BaseCommand

from config.first_start import ensure_superuser, prepare


class Command(BaseCommand):
    help = (
        "Migrate and make the periodic tasks: run it at every release before the processes start. "
        "With ADMIN_PASSWORD set it also makes the first superuser, `admin`."
    )

    def handle(self, *args: object, **options: object) -> None:
        prepare()
        if os.environ.get("ADMIN_PASSWORD"):
            ensure_superuser()
        self.stdout.write("Ready.")
