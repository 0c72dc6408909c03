from __future__ import annotations

from django.db import transaction

from integrations import audit, blobs, envelopes
from integrations.envelopes import Draft, Paper
from tests.factories import NOW


def make_envelope(sender, recipients, *, subject="Order 1", data=b"hello"):
    """One on its way, with a document and its entries in the trail."""
    paper = Paper("order.txt", "text/plain", blobs.store(data))
    draft = Draft(sender=sender, recipients=recipients, subject=subject, papers=[paper])
    with transaction.atomic():
        envelope, entries = envelopes.write(draft, at=NOW)
        audit.write(entries, at=NOW)
    return envelope
