"""Is the audit trail whole? `manage.py verify_audit`"""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from integrations import audit
from integrations.models import EnvelopeEvent

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Check every entry of the audit trail against the one before it. Fails if one was changed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        faults = list(islice(audit.faults(), SHOWN + 1))
        for fault in faults[:SHOWN]:
            self.stderr.write(fault)
        if faults:
            more = " There are more." if len(faults) > SHOWN else ""
            raise CommandError(f"The audit trail was changed outside the product.{more}")
        count = EnvelopeEvent.objects.count()
        self.stdout.write(f"The audit trail is whole: {count:,} entries.")
