"""A message arrives at our AS2 station.

In this order: is it small enough, does anybody expect it (the integration is on, the pair of names
is the agreed one), is it as safe as agreed, did it come before; then document and receipt are on
the disk, and only then the receipt goes out. It says "received intact": what the document means is
worked out by a tick.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from django.core.cache import cache

from integrations import as2_answers, as2_arriving, as2_pairs, as2_receipts, audit
from integrations.as2_answers import Asked
from integrations.as2_arriving import Incoming
from integrations.audit import Entry
from integrations.choices import Operation, Protocol
from integrations.exceptions import As2Refused
from integrations.models import As2Connection
from integrations.protocols.as2.names import bare_id, read_as2_name
from integrations.protocols.as2.opening import open_message
from integrations.protocols.as2.receipt_reading import is_receipt
from integrations.protocols.as2.receipts import Answer
from integrations.protocols.as2.stations import MB

MOST_BYTES = 64 * MB
REFUSALS, REFUSALS_WITHIN = 60, 60  # of one sender and URL; seconds
LONGEST_ID = 250
LARGE, AT_A_TIME, WAITS = 8 * MB, 2, 30.0  # bytes, messages, seconds
logger = logging.getLogger(__name__)
_large = threading.BoundedSemaphore(AT_A_TIME)


@dataclass(frozen=True)
class Posted:
    """A POST. Header names are lower case; `size` is what it says, or -1; `read` gives its body."""

    token: str
    headers: Mapping[str, str]
    size: int
    read: Callable[[int], bytes]
    ip: str | None = None


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]


def say(status: int, text: str) -> Reply:
    return Reply(status, f"{text}\n".encode(), {"Content-Type": "text/plain"})


class TurnedAway(As2Refused):
    """Answered with a status and nothing that a stranger could learn from."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text, "turned-away")
        self.status = status


ANSWERS = {
    400: "This message is not accepted.",
    403: "This message is not accepted.",
    413: "This message is too large.",
    503: "Try again later.",
    429: "Too many messages were refused. Try again later.",
}


def receive(posted: Posted, *, at: datetime.datetime) -> Reply:
    """What to answer. Raises DatabaseError."""
    if cache.get(_counted(posted), 0) >= REFUSALS:
        return say(429, ANSWERS[429])
    try:
        with _room(posted.size):
            return _received(posted, at)
    except TurnedAway as turned:
        logger.warning("An AS2 message from %s was turned away: %s", posted.ip, turned)
        _count(posted)
        return say(turned.status, ANSWERS[turned.status])


def _counted(posted: Posted) -> str:
    return f"as2:{posted.token[:64]}:{posted.ip}"


def _count(posted: Posted) -> None:
    """A refusal: who makes many of them has to wait."""
    cache.add(_counted(posted), 0, REFUSALS_WITHIN)
    with contextlib.suppress(ValueError):  # it ran out in between
        cache.incr(_counted(posted))


@contextlib.contextmanager
def _room(size: int) -> Iterator[None]:
    """Large messages are opened one or two at a time, for the sake of the memory."""
    if 0 <= size <= LARGE:
        yield
        return
    if not _large.acquire(timeout=WAITS):
        raise TurnedAway(503, "too many large messages at a time")
    try:
        yield
    finally:
        _large.release()


def _received(posted: Posted, at: datetime.datetime) -> Reply:
    if posted.size > MOST_BYTES:
        raise TurnedAway(413, f"It has more than {MOST_BYTES} bytes.")
    as2 = _expecting(posted)
    body = _body(posted, as2)
    if is_receipt(posted.headers, body):
        as2_receipts.take(as2, posted.headers, body, ip=posted.ip, at=at)
        return say(200, "")
    try:
        message_id = _message_id(posted)
        asked = as2_answers.asked_of(posted.headers, as2)
        own, partner = as2_pairs.station(as2, at), as2_pairs.partner(as2, at)
        limits = as2_pairs.limits(as2)
        opened = open_message(posted.headers, body, own, partner, at=at, limits=limits)
        as2_answers.check_agreed(asked, as2)
    except As2Refused as error:
        return _refuse(posted, as2, error, at)
    del body
    incoming = Incoming(posted.headers, posted.ip, as2, message_id, asked, opened)
    answer = as2_arriving.take_in(incoming, at)
    return _reply(answer) if answer else say(200, "")


def _expecting(posted: Posted) -> As2Connection:
    """The connection with this URL, when it is on and these two names are its pair."""
    rows = As2Connection.objects.select_related("integration__mailbox__account")
    as2 = rows.filter(token=posted.token).first()
    if as2 is None:
        raise TurnedAway(403, "no connection has this URL")
    row = as2.integration
    is_on = row.active and row.mailbox.is_active and row.mailbox.account.is_active
    if not is_on or row.protocol != Protocol.AS2:
        raise TurnedAway(403, f"{as2}: the integration is off")
    pair = [read_as2_name(posted.headers.get(name, "")) for name in ("as2-from", "as2-to")]
    if not as2.recipient_id or pair != [as2.recipient_id, as2.self_id]:
        raise TurnedAway(403, f"{as2}: the names in AS2-From and AS2-To are others")
    return as2


def _body(posted: Posted, as2: As2Connection) -> bytes:
    most = min(MOST_BYTES, as2.max_mb * MB)
    if posted.size > most:
        raise TurnedAway(413, f"{as2}: it has more than {as2.max_mb} MB")
    body = posted.read(most + 1)
    if len(body) > most:
        raise TurnedAway(413, f"{as2}: it has more than {as2.max_mb} MB")
    if posted.size > len(body):
        raise TurnedAway(400, f"{as2}: it broke off")
    return body


def _message_id(posted: Posted) -> str:
    message_id = bare_id(posted.headers.get("message-id", ""))
    if not message_id or len(message_id) > LONGEST_ID or not message_id.isprintable():
        raise As2Refused("The message has no Message-ID.", "unexpected-processing-error")
    return message_id


def _refuse(posted: Posted, as2: As2Connection, error: As2Refused, at: datetime.datetime) -> Reply:
    """With a receipt that says so, unless it would have to go to a sender who is not verified."""
    message_id = bare_id(posted.headers.get("message-id", ""))[:LONGEST_ID]
    _count(posted)
    entry = Entry(
        Operation.REJECTED,
        f"An AS2 message was refused: {error}",
        mailbox=as2.integration.mailbox_id,
        actor=as2_pairs.peer_name(as2),
        ip=posted.ip,
        detail={"code": error.code, "message_id": message_id},
    )
    audit.write([entry], at=at)
    if error.code == "receipt-url":
        return say(400, ANSWERS[400])
    try:
        return _negative(posted, as2, message_id, error.code, at)
    except As2Refused:  # not even a receipt can be made
        return say(400, ANSWERS[400])


def _negative(
    posted: Posted, as2: As2Connection, message_id: str, code: str, at: datetime.datetime
) -> Reply:
    try:
        asked = as2_answers.asked_of(posted.headers, as2)
    except As2Refused:  # the receipt itself is wanted in a way that is not possible
        asked = Asked(is_wanted=True)
    if not asked.is_wanted or asked.url:
        return say(400, ANSWERS[400])
    return _reply(as2_answers.answer_to(as2, message_id, asked, at=at, code=code))


def _reply(answer: Answer) -> Reply:
    return Reply(200, answer.body, answer.headers)
