"""Completed envelopes as .zip archives, for the mailboxes whose rule asks for one."""

from __future__ import annotations

import datetime
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

from integrations import blobs, handing, native_files
from integrations.audit import Entry
from integrations.choices import Direction, Folder
from integrations.conversion.names import safe_name
from integrations.directory import integration_of, is_on
from integrations.models import (
    Blob,
    ConversionLog,
    Envelope,
    EnvelopeDelivery,
    EnvelopeDocument,
    EnvelopeEvent,
    Integration,
)

# What may be left out, by its letter.
CERTIFICATE, PRINTABLE, TRAIL = "c", "p", "a"


@dataclass(frozen=True)
class Archive:
    integration: Integration
    delivery: EnvelopeDelivery
    name: str
    blob: Blob

    def send(self, *, at: datetime.datetime) -> list[Entry]:
        """In the caller's transaction."""
        return handing.hand_over(
            self.integration,
            self.delivery,
            Folder.CINBOX,
            self.name,
            self.blob,
            "application/zip",
            at=at,
        )


def prepare(envelope: Envelope) -> list[Archive]:
    """Outside a transaction: those whose IN rule of this envelope says so, and are switched on.

    Raises DocumentRefused when retention has taken a document.
    """
    logs = ConversionLog.objects.filter(
        envelope=envelope, rule__direction=Direction.IN, rule__send_zip=True
    ).select_related("rule", "delivery__mailbox__account", "delivery__mailbox__integration")
    latest = {log.delivery_id: log for log in logs.order_by("pk") if log.delivery_id}
    found = []
    for log in latest.values():
        integration = integration_of(log.delivery.mailbox) if log.delivery else None
        if log.delivery and log.rule and integration and is_on(integration):
            blob = blobs.store(packed(envelope, log.rule.zip_exclude))
            name = safe_name(f"{envelope.key}.zip")
            found.append(Archive(integration, log.delivery, name, blob))
    return found


def packed(envelope: Envelope, left_out: str = "") -> bytes:
    """The documents and the native XML; with certificate, printable summary and audit trail."""
    documents = list(
        EnvelopeDocument.objects.filter(envelope=envelope).select_related("blob").order_by("number")
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("envelope.xml", native_files.native_of(envelope))
        for each in documents:
            name = f"documents/{each.number:03d}-{safe_name(each.name)}"
            archive.writestr(name, blobs.read(each.blob))
        if CERTIFICATE not in left_out:
            archive.writestr("certificate.json", _json(_certificate(envelope, documents)))
        if PRINTABLE not in left_out:
            archive.writestr("summary.txt", _summary(envelope, documents))
        if TRAIL not in left_out:
            archive.writestr("audit.json", _json(_trail(envelope)))
    return file.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)


def _certificate(envelope: Envelope, documents: list[EnvelopeDocument]) -> dict[str, Any]:
    """What the documents are, by their digests."""
    return {
        "envelope": str(envelope.key),
        "sender": str(envelope.sender.key),
        "documents": [
            {"name": each.name, "size": each.blob.size, "sha256": each.blob.sha256}
            for each in documents
        ],
    }


def _summary(envelope: Envelope, documents: list[EnvelopeDocument]) -> str:
    lines = [f"Envelope {envelope.key}", f"Subject: {envelope.subject}"]
    lines += [f"Sender: {envelope.sender}", f"Sent: {envelope.created_at:%Y-%m-%d %H:%M} UTC", ""]
    lines += [f"{name}: {value}" for name, value in envelope.fields.items()]
    lines += ["", *(f"{each.number}. {each.name}, {each.blob.size} bytes" for each in documents)]
    return "\n".join(lines) + "\n"


def _trail(envelope: Envelope) -> list[dict[str, Any]]:
    entries = EnvelopeEvent.objects.filter(envelope_id=envelope.pk).order_by("number")
    columns = ("number", "at", "operation", "actor", "text", "digest")
    return list(entries.values(*columns))
