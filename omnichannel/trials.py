"""What may be tried of a provider or a template in one request, and what came of it.

Each answers a dictionary for who asked: `good`, `outcome`, `text` and `seconds`, of a message also
`code`, `meaning`, `external_id`, `waits_until` and `message`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from omnichannel import bounces, delivery, outbox
from omnichannel.choices import Category, ChannelType, MessageStatus, Priority
from omnichannel.exceptions import OmnichannelError
from omnichannel.links import TEST_SEND
from omnichannel.models import BounceMailbox, ChannelProvider, Message, MessageTemplate
from omnichannel.outgoing import backend_of
from omnichannel.routing import pick_provider

GOOD = (MessageStatus.SENT, MessageStatus.DELIVERED)


def send_text(provider: ChannelProvider, address: str, text: str) -> dict[str, Any]:
    """Send one message through the queue, now."""
    is_email = provider.channel_type == ChannelType.EMAIL
    message = Message(
        provider=provider,
        category=Category.TRANSACTIONAL,
        priority=Priority.URGENT,
        to_address=address,
        subject="Test message" if is_email else "",
        body_text=text,
    )
    return deliver_and_tell(message)


def send_template(
    template: MessageTemplate,
    address: str,
    *,
    variables: Mapping[str, Any] | None = None,
    language: str = "",
    provider: ChannelProvider | None = None,
) -> dict[str, Any]:
    """Send the published version through the queue, now: with the sample variables unless others
    are given, by the default transactional provider unless one is given.
    """
    started = time.monotonic()
    try:
        provider = provider or pick_provider(
            template.channel_type, Category.TRANSACTIONAL, address=address, at=timezone.now()
        )
    except OmnichannelError as error:
        return not_sent(started, error)
    chosen = {"language": language} if language else {}
    values = template.sample_variables if variables is None else variables
    return deliver_and_tell(
        Message(
            provider=provider,
            category=Category.TRANSACTIONAL,
            priority=Priority.URGENT,
            to_address=address,
            template_version=template.published_version,
            variables={**values, **chosen, **TEST_SEND},
        )
    )


def deliver_and_tell(message: Message) -> dict[str, Any]:
    """Send one unsaved message in this request."""
    started = time.monotonic()
    try:
        message = outbox.enqueue(message, at=timezone.now())
        message = delivery.deliver_now(message, at=timezone.now())
    except OmnichannelError as error:
        return not_sent(started, error)
    return _answer(started, **_told(message))


def not_sent(started: float, error: Exception) -> dict[str, Any]:
    """`started` is a monotonic moment."""
    return _answer(started, good=False, outcome="Not sent", text=str(error))


def try_connection(provider: ChannelProvider) -> dict[str, Any]:
    """Try the connection and the credentials; nothing is sent."""
    started = time.monotonic()
    try:
        backend = backend_of(provider)
    except OmnichannelError as error:
        return _answer(started, good=False, outcome="Not checked", text=str(error))
    try:
        said = backend.check()
    except OmnichannelError as error:
        code = getattr(error, "code", "")
        return _answer(started, good=False, outcome="No", code=code, text=str(error))
    finally:
        backend.close()
    return _answer(started, good=True, outcome="It works", text=said)


def try_mailbox(mailbox: BounceMailbox) -> dict[str, Any]:
    """Look into a bounce mailbox."""
    started = time.monotonic()
    try:
        said = bounces.check(mailbox)
    except OmnichannelError as error:
        return _answer(started, good=False, outcome="No", text=str(error))
    return _answer(started, good=True, outcome="It works", text=said)


def _told(message: Message) -> dict[str, Any]:
    """The row, and the event that the attempt left."""
    event = message.events.order_by("-id").first()
    provider = ChannelProvider.objects.get(pk=message.provider_id)
    code = event.code if event else message.error_code
    told = (event.description if event else message.error_message) or provider.trouble
    return {
        "good": message.status in GOOD,
        "outcome": message.get_status_display(),
        "code": code,
        "meaning": message.provider_status,
        "text": told,
        "external_id": message.external_id,
        "waits_until": message.due_at if message.status == MessageStatus.SCHEDULED else None,
        "message": message,
    }


def _answer(started: float, **said: Any) -> dict[str, Any]:
    return {**said, "seconds": f"{time.monotonic() - started:.2f}"}
