"""Mailboxes and their integrations as an operator saves and switches them: each with its entry."""

from __future__ import annotations

import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F

from integrations import audit
from integrations.audit import Entry
from integrations.choices import DeliveryStatus, Operation, Protocol, TransmissionStatus
from integrations.directory import is_on
from integrations.drafts import NotPossible
from integrations.models import EnvelopeDelivery, Integration, Mailbox, SftpConnection, Transmission
from omnichannel import doorbell

Actor = AbstractBaseUser | AnonymousUser | None
TASKS = ("process_transmissions", "deliver_envelopes", "send_as2")


def name_of(by: Actor) -> str:
    """Who did it, as the audit trail names them."""
    return by.get_username() if by and by.get_username() else audit.SYSTEM


def save_mailbox(mailbox: Mailbox, *, by: Actor, at: datetime.datetime) -> None:
    with transaction.atomic():
        is_new = mailbox.pk is None
        mailbox.save()
        operation = Operation.CREATED if is_new else Operation.CHANGED
        said = Entry(operation, f"Mailbox {mailbox}", mailbox=mailbox.pk, actor=name_of(by))
        audit.write([said], at=at)


def save(integration: Integration, *, by: Actor, at: datetime.datetime) -> None:
    """Save it, and end the connections that live by what it was. It is not switched by this.

    A connection of its protocol is made if there is none; that of the other stays as it is.
    """
    with transaction.atomic():
        is_new = integration.pk is None
        integration.updated_by_id = by.pk if by else None
        if is_new:
            integration.active = False
            integration.save(force_insert=True)
        else:
            integration.save(
                update_fields=[
                    *("protocol", "notify_email", "default_rule", "reject_reason"),
                    *("updated_by", "updated_at"),
                ]
            )
            integration.renew()
        if integration.protocol == Protocol.SFTP:
            SftpConnection.objects.get_or_create(integration=integration)
        operation = Operation.CREATED if is_new else Operation.CHANGED
        text = f"Integration by {integration.get_protocol_display()}"
        said = _entry(integration, operation, text, by)
        audit.write([said], at=at)
    integration.refresh_from_db(fields=["generation", "active"])


def switch(integration: Integration, on: bool, *, by: Actor, at: datetime.datetime) -> bool:
    """On or off; False when it was so already. What is in hand when it goes off waits, and goes
    on only when an operator says so.
    """
    with transaction.atomic():
        rows = Integration.objects.filter(pk=integration.pk, active=not on)
        changed = rows.update(
            active=on,
            generation=F("generation") + 1,
            updated_by=by.pk if by else None,
            updated_at=at,
        )
        if changed:
            if not on:
                _hold(integration)
            operation = Operation.SWITCHED_ON if on else Operation.SWITCHED_OFF
            audit.write([_entry(integration, operation, "", by)], at=at)
    integration.refresh_from_db(fields=["active", "generation", "updated_at"])
    return bool(changed)


def _hold(integration: Integration) -> None:
    moving = (TransmissionStatus.RECEIVED, TransmissionStatus.QUEUED)
    Transmission.objects.filter(integration=integration, status__in=moving).update(
        status=TransmissionStatus.WAITING
    )
    deliveries = EnvelopeDelivery.objects.filter(mailbox=integration.mailbox_id)
    deliveries.filter(status=DeliveryStatus.RECEIVED).update(status=DeliveryStatus.WAITING)


def process_now(integration: Integration, *, by: Actor, at: datetime.datetime) -> int:
    """Let go what waited while it was off; answer how much. Raises NotPossible while it is off."""
    fresh = Integration.objects.select_related("mailbox__account").get(pk=integration.pk)
    if not is_on(fresh):
        raise NotPossible("Switch the integration on first.")
    with transaction.atomic():
        waiting = Transmission.objects.filter(
            integration=integration, status=TransmissionStatus.WAITING
        )
        count = waiting.filter(is_incoming=True).update(status=TransmissionStatus.RECEIVED)
        sendable = waiting.filter(is_incoming=False, protocol=fresh.protocol)
        count += sendable.update(status=TransmissionStatus.QUEUED, next_attempt_at=at)
        deliveries = EnvelopeDelivery.objects.filter(
            mailbox=integration.mailbox_id, status=DeliveryStatus.WAITING
        )
        count += deliveries.update(status=DeliveryStatus.RECEIVED)
        if count:
            text = f"{count} that waited are processed now"
            audit.write([_entry(integration, Operation.REPROCESSED, text, by)], at=at)
        for task in TASKS:
            doorbell.ring(f"integrations.tasks.{task}")
    return count


def _entry(integration: Integration, operation: Operation, text: str, by: Actor) -> Entry:
    return Entry(operation, text, mailbox=integration.mailbox_id, actor=name_of(by))
