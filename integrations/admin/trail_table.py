"""The audit trail of one thing, as a table on its page."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from integrations import audit
from integrations.admin.trail import COLOURS
from integrations.models import AuditHead, EnvelopeEvent, Transmission

MOST = 500  # entries on a page
CHECKED_AT_ONCE = 3_000  # a longer chain is checked when somebody asks


def of_transmission(pk: int) -> QuerySet[EnvelopeEvent]:
    return EnvelopeEvent.objects.filter(transmission_id=pk).order_by("number")


def of_envelope(pk: int) -> QuerySet[EnvelopeEvent]:
    """Its own entries, and those of the files that it came by and went out as."""
    files = Transmission.objects.filter(Q(envelopes=pk) | Q(delivery__envelope=pk))
    about = Q(envelope_id=pk) | Q(transmission_id__in=list(files.values_list("pk", flat=True)))
    return EnvelopeEvent.objects.filter(about).order_by("number")


def context(entries: QuerySet[EnvelopeEvent]) -> dict[str, Any]:
    rows = list(entries[: MOST + 1])
    head = AuditHead.objects.filter(pk=audit.HEAD).first()
    is_short = head is None or head.count <= CHECKED_AT_ONCE
    return {
        "trail": [(row, COLOURS[row.operation], _facts(row)) for row in rows[:MOST]],
        "trail_is_cut": len(rows) > MOST,
        "trail_is_checked": is_short,
        "trail_fault": next(audit.faults(), "") if is_short else "",
    }


def _facts(row: EnvelopeEvent) -> list[tuple[str, Any]]:
    return [(name.replace("_", " "), _shown(value)) for name, value in row.detail.items() if value]


def _shown(value: Any) -> Any:
    """Of documents, only the names: the rest is beside them on the page."""
    if not isinstance(value, list):
        return value
    words = (each.get("name", each) if isinstance(each, dict) else each for each in value)
    return ", ".join(map(str, words))
