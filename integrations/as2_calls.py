"""One attempt to hand a message to a partner's AS2 station, and what its answer means.

| answer | meaning |
|---|---|
| none, 408, 425, 429, 5xx | tried again later |
| another status | the operator has to change something |
| 2xx with a receipt that says so | delivered |
| 2xx with a receipt that refuses | refused, at once |
| 2xx with a receipt that cannot be believed, or without the one in the answer | tried again |
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from django.utils import timezone

from integrations import as2_line, as2_pairs, as2_receipts, blobs
from integrations.as2_line import Call
from integrations.choices import MdnMode
from integrations.exceptions import As2Refused, IntegrationError
from integrations.models import As2Connection, Transmission
from integrations.protocols.as2.building import CONTENT_TYPE, NONE, SYNC, Built, Wishes
from integrations.protocols.as2.building import build as build_message
from integrations.protocols.as2.names import new_message_id
from integrations.protocols.as2.receipt_reading import (
    UNVERIFIED,
    Expected,
    Receipt,
    is_receipt,
    read_mdn,
)
from omnichannel.backends.http_answer import Answer
from omnichannel.backends.http_request import basic
from omnichannel.backends.outside import Resolver
from omnichannel.backends.outside_line import NoAnswer

AGAIN = (408, 425, 429)
TEST = b"This is a test of the connection. Nothing needs to be done about it.\r\n"


@dataclass(frozen=True)
class Outcome:
    """Of one attempt. With a `receipt` that is believed, that decides.

    `is_taken`: handed over, and nothing more is expected in this answer. `is_final`: it makes no
    sense to try again.
    """

    answer: Answer
    receipt: Receipt | None = None
    is_taken: bool = False
    is_final: bool = False
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Tested:
    """`outcome` in a few words, `text` what it means or what to do."""

    good: bool
    outcome: str
    text: str


def build(as2: As2Connection, row: Transmission, message_id: str, at: datetime.datetime) -> Built:
    """Raises OmnichannelError; the text says what to change."""
    kind = row.content_type if CONTENT_TYPE.fullmatch(row.content_type) else as2.content_type
    payload = blobs.read(row.blob)
    return _built(as2, payload, kind, row.filename, message_id, as2_pairs.wishes(as2), at)


def _built(
    as2: As2Connection,
    payload: bytes,
    kind: str,
    filename: str,
    message_id: str,
    wishes: Wishes,
    at: datetime.datetime,
) -> Built:
    if not as2.recipient_url or not as2.recipient_id:
        raise As2Refused("Enter the recipient's URL and id first.", "connection")
    if wishes.encryption == NONE and not as2.recipient_url.startswith("https://"):
        raise As2Refused("Without encryption the recipient URL must begin with https.", "algorithm")
    return build_message(
        payload,
        content_type=kind,
        filename=filename,
        own=as2_pairs.station(as2, at),
        partner=as2_pairs.partner(as2, at),
        message_id=message_id,
        at=at,
        wishes=wishes,
    )


def call(row: Transmission, at: datetime.datetime, resolve: Resolver | None = None) -> Outcome:
    """In a thread: no row is read or written, nothing is raised."""
    as2 = row.integration.as2
    try:
        if row.wire is None:
            raise As2Refused("The message was not built.", "unsendable")
        body = blobs.read(row.wire)
        answer = as2_line.post(_call(as2, row.headers, body), resolve=resolve)
    except NoAnswer as error:
        is_final = error.code == "refused"
        return Outcome(Answer(0), is_final=is_final, code=error.code, text=str(error))
    except IntegrationError as error:
        return Outcome(Answer(0), is_final=True, code=error.code, text=str(error))
    return _outcome(as2, row, answer, at)


def _call(as2: As2Connection, headers: dict[str, str], body: bytes) -> Call:
    if as2.http_user:
        headers = {**headers, "Authorization": basic(as2.http_user, as2.http_password)}
    return Call(as2.recipient_url, headers, body, float(as2.timeout_s), as2.verify_tls)


def _outcome(
    as2: As2Connection, row: Transmission, answer: Answer, at: datetime.datetime
) -> Outcome:
    refusal = _refusal(answer)
    if refusal is not None:
        return refusal
    if as2.mdn_mode == MdnMode.NONE:
        return Outcome(answer, is_taken=True)
    has_receipt = answer.is_whole and is_receipt(answer.headers, answer.body)
    if as2.mdn_mode == MdnMode.ASYNC and not has_receipt:
        return Outcome(answer, is_taken=True)
    if not has_receipt:
        text = "There was no receipt in the answer."
        return Outcome(answer, code="no-receipt", text=text)
    receipt = as2_receipts.read(as2, row, answer.headers, answer.body, at)
    if receipt.state == UNVERIFIED:
        return Outcome(answer, code=UNVERIFIED, text=receipt.text)
    return Outcome(answer, receipt)


def _refusal(answer: Answer) -> Outcome | None:
    """None when the status is a good one."""
    status = answer.status
    if 200 <= status < 300:
        return None
    text = f"The partner's station answered {status}."
    if 300 <= status < 400:
        text += " Redirects are not followed: enter the URL it leads to."
    if status in (401, 407):
        text += " Check the HTTP user and password."
    is_final = status < 500 and status not in AGAIN
    return Outcome(answer, is_final=is_final, code=f"http-{status}", text=text)


def try_out(as2: As2Connection, *, resolve: Resolver | None = None) -> Tested:
    """Send a small message, as the others are sent, and tell what came back.

    Raises OmnichannelError when it cannot even be built.
    """
    at = timezone.now()
    wishes = replace(as2_pairs.wishes(as2), receipt=SYNC, receipt_url="", subject="Test")
    message_id = new_message_id(as2.self_id)
    built = _built(as2, TEST, "text/plain", "test.txt", message_id, wishes, at)
    try:
        answer = as2_line.post(_call(as2, built.headers, built.body), resolve=resolve)
    except NoAnswer as error:
        return Tested(False, "No answer", str(error))
    refusal = _refusal(answer)
    if refusal is not None:
        return Tested(False, f"Answer {answer.status}", refusal.text)
    if not is_receipt(answer.headers, answer.body):
        return Tested(
            False, "No receipt", "The station took the message and sent no receipt with its answer."
        )
    expected = Expected(message_id, built.mic, as2.mdn_signed)
    partner = as2_pairs.partner(as2, at)
    receipt = read_mdn(answer.headers, answer.body, expected, partner, at=at)
    text = receipt.text or "The partner's station received the test message intact."
    return Tested(receipt.is_delivered, f"Receipt: {receipt.state}", text)
