"""What recipients do with a message, kept as its Message Events. It shows that it arrived."""

from __future__ import annotations

import contextlib
import datetime
import logging
from collections.abc import Iterator

from django.db import DatabaseError, connection, transaction

from omnichannel import machines
from omnichannel.choices import MessageStatus
from omnichannel.models import Message, MessageEvent
from omnichannel.recording import clean, code_of

logger = logging.getLogger(__name__)

MOST = 50  # events of one type for one message: a program in a loop must not fill the table
NOT_SURE = (MessageStatus.SENT, MessageStatus.UNCERTAIN)
WAIT_MILLISECONDS = 2_000  # for the database, while somebody waits for a page


def write(
    message: Message,
    event: str,
    *,
    at: datetime.datetime,
    url: str = "",
    code: str = "",
    description: str = "",
    is_machine: bool = False,
) -> bool:
    """Keep an event (choices.EventType); False when the message has enough of that type.

    A message that was sent, or of which nobody knew, is delivered by it.
    """
    known = MessageEvent.objects.filter(message=message, type=event).order_by()
    if known[:MOST].count() >= MOST:
        return False
    MessageEvent.objects.create(
        message=message,
        provider_id=message.provider_id,
        type=event,
        at=at,
        status=MessageStatus.DELIVERED if message.status in NOT_SURE else message.status,
        url=clean(url),
        code=code_of(code),
        description=clean(description),
        is_machine=is_machine,
    )
    if message.status in NOT_SURE:
        rows = Message.objects.filter(pk=message.pk, status__in=NOT_SURE)
        rows.move(MessageStatus.DELIVERED, error_code="", error_message="")
    return True


def fetched(
    message: Message,
    event: str,
    *,
    at: datetime.datetime,
    user_agent: str,
    url: str = "",
    code: str = "",
) -> bool:
    """Keep an open or a click, unless the database is busy for too long: False then."""
    who = machines.machine(user_agent)
    if not who and machines.is_too_soon(message.last_attempt_at, at):
        who = "sooner than anyone reads"
    try:
        with hurried():
            return write(
                message,
                event,
                at=at,
                url=url,
                code=code,
                description=f"By a machine: {who}." if who else "",
                is_machine=bool(who),
            )
    except DatabaseError as error:
        logger.warning("An event of message %s was not kept: %s", message.pk, error)
        return False


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Inside, a statement that would wait longer for others raises a DatabaseError."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {WAIT_MILLISECONDS}")
            yield
        return
    usual = int(1000 * connection.settings_dict["OPTIONS"].get("timeout", 5))
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")
