"""What happens to an incoming envelope that no IN rule matches: exactly one of three things."""

from __future__ import annotations

from collections.abc import Callable

from integrations import announcing, blobs, handing, hooks, placing
from integrations.announcing import About
from integrations.audit import Entry
from integrations.choices import (
    DefaultRule,
    DeliveryStatus,
    EnvelopeStatus,
    Folder,
    Operation,
    Protocol,
)
from integrations.directory import integration_of, is_on
from integrations.exceptions import ConversionFailed
from integrations.inward import Inward
from integrations.models import Blob, Envelope, Integration

FILE = "envelope.xml"
MEDIA_TYPE = "application/xml"


def prepare(case: Inward, integration: Integration) -> None:
    """Make ready what is to be done in the transaction of the delivery. Raises IntegrationError."""
    rule = DefaultRule(integration.default_rule)
    case.say(Operation.DEFAULT_RULE, rule.label)
    _WAYS[rule](case, integration)


def _copy(case: Inward, integration: Integration) -> None:
    case.status = DeliveryStatus.COPIED
    blob = blobs.store(case.native)
    name = f"{case.envelope.key}.xml"
    case.acts.append(
        lambda: handing.hand_over(
            integration, case.row, Folder.INBOX, name, blob, MEDIA_TYPE, at=case.at
        )
    )


def _notify(case: Inward, integration: Integration) -> None:
    case.status = DeliveryStatus.NOTIFIED
    case.acts.append(lambda: _mail(case, integration))


def _mail(case: Inward, integration: Integration) -> list[Entry]:
    """One message, in the transaction that ends the delivery. Raises ConversionFailed."""
    envelope, mailbox = case.envelope, case.row.mailbox
    text = (
        f"{envelope.sender} sent an envelope to {mailbox}.\n\n"
        f"Subject: {envelope.subject}\nEnvelope: {envelope.key}\n"
    )
    is_queued, entry = announcing.mail(
        integration.notify_email,
        f"Envelope for {mailbox}: {envelope.subject}",
        text,
        About(mailbox.pk, envelope.pk),
        at=case.at,
    )
    if not is_queued:
        raise ConversionFailed(entry.text, "notice")
    return [entry]


def _reject(case: Inward, integration: Integration) -> None:
    case.status = DeliveryStatus.REJECTED
    reason, envelope = integration.reject_reason, case.envelope
    sender = integration_of(envelope.sender)
    notice: Blob | None = None
    if sender and sender.protocol == Protocol.SFTP and is_on(sender):
        text = f"{case.row.mailbox} rejected the envelope {envelope.key}.\n"
        about = f"Subject: {envelope.subject}\nReason: {reason}\n"
        notice = blobs.store((text + about).encode())
    case.acts.append(lambda: _cancel(case, reason))
    if sender and notice:
        case.acts.append(_told(case, sender, notice))


def _cancel(case: Inward, reason: str) -> list[Entry]:
    """Raises ConversionFailed."""
    envelope = case.envelope
    rows = Envelope.objects.filter(pk=envelope.pk, status__in=EnvelopeStatus.open())
    if not rows.update(status=EnvelopeStatus.CANCELLED, reject_reason=reason):
        raise ConversionFailed("The envelope was completed, cancelled or expired.", "state")
    envelope.status, envelope.reject_reason = EnvelopeStatus.CANCELLED, reason
    case.say(Operation.REJECTED, reason)
    cancelled = About(envelope.sender_id, envelope.pk).entry(
        Operation.CANCELLED, f"{case.row.mailbox} rejected it: {reason}"
    )
    told = hooks.envelope_event("envelope-rejected", envelope, envelope.sender, at=case.at)
    return [cancelled, *told]


def _told(case: Inward, sender: Integration, notice: Blob) -> Callable[[], list[Entry]]:
    """A notice in the folder that the sender looks into for what went wrong."""

    def tell() -> list[Entry]:
        name = f"{case.envelope.key}.rejected.txt"
        _, entry = placing.place(sender, Folder.ERROR, name, notice, at=case.at)
        return [entry]

    return tell


_WAYS: dict[DefaultRule, Callable[[Inward, Integration], None]] = {
    DefaultRule.COPY: _copy,
    DefaultRule.NOTIFY: _notify,
    DefaultRule.REJECT: _reject,
}
