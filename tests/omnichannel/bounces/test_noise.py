"""Whatever a mail holds, it is read to an end, and what it tells can be kept."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnichannel.backends.base import TrackingEvent
from omnichannel.bounce_matching import _event
from omnichannel.choices import EventType, Outcome
from omnichannel.models import Message
from omnichannel.receipts import _row
from omnichannel.returned import Kind, Returned, mail, read
from tests.factories import NOW
from tests.omnichannel.bounces.corpus_mails import mail as corpus_mail
from tests.omnichannel.bounces.corpus_mails import names

KEY = "0b2d9c86-3f5e-4a51-9c7f-d1f8a3b0c2e4"
CORPUS = [corpus_mail(name, KEY, has_token=True) for name in names()]
PIECES = [
    b"\r\n",
    b"\n\n",
    b"--b1",
    b"--b1--",
    b"\0",
    b"\xff\xfe",
    b"From: MAILER-DAEMON@example.com\n",
    b"Subject: Undelivered\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b1\n\n",
    b"Content-Type: multipart/mixed; boundary=b1\n\n",
    b"Content-Type: message/delivery-status\n\n",
    b"Content-Type: message/feedback-report\n\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: text/plain; charset=utf-7\n\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Subject: =?zip?b?eJw=?= =?utf-8?q?=ZZ?= =?x?b?=== ?=\n",
    b"Final-Recipient: rfc822; ann@example.com\n",
    b"Original-Recipient: rfc822;+00+FF@+2B\n",
    b"Action: failed\n",
    b"Status: 5.1.1\n",
    b"Diagnostic-Code: smtp; 550 \xf0\x9f\x98\x80\n",
    b"X-Failed-Recipients: a@b, c@d\n",
    b"<ann@example.com>:\n550 no such user\n",
    b"Date: Mon, 99 Foo 0000 99:99:99 +9999\n",
    b"Date: Fri, 31 Dec 9999 23:59:59 -2359\n",
    b"Message-ID: <" + KEY.encode() + b"@example.com>\n",
]
NOISE = st.binary(max_size=200) | st.sampled_from(PIECES)
MADE = st.lists(NOISE, max_size=40).map(b"".join)


@st.composite
def broken(draw) -> bytes:
    """A good mail of which something is cut out, and something else put in."""
    data = draw(st.sampled_from(CORPUS))
    start = draw(st.integers(0, len(data)))
    end = start + draw(st.integers(0, 80))
    return data[:start] + draw(NOISE) + data[end:]


def keepable(returned: Returned) -> bool:
    """Its words go into the database as they are."""
    message = Message(key=KEY)
    events: list[TrackingEvent] = [
        _event(message, recipient, "ann@example.com", returned, NOW)
        for recipient in returned.recipients
    ]
    text = json.dumps([_row(event, NOW) for event in events])
    text.encode()
    return "\\u0000" not in text


@given(st.one_of(MADE, broken(), st.binary(max_size=2_000)))
def test_any_mail_is_read_to_an_end(raw):
    found = read(raw)

    assert isinstance(found.kind, Kind)
    assert all(each.type in EventType.values for each in found.recipients)
    assert all(each.outcome in ("", *Outcome.values) for each in found.recipients)
    assert all(len(each.code) <= 9 and len(each.text) <= 500 for each in found.recipients)
    assert keepable(found)


HUGE = 400_000
NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5_000)
)
BOMBS = {
    "nothing": b"",
    "deep": NESTED,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 60_000,
    "one boundary in itself": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 5_000,
    "one long header": b"Subject: " + b"x" * HUGE,
    "folded": b"Subject: x\n" + b" y\n" * 100_000,
    "many headers": b"A: b\n" * 60_000,
    "spaces": b"Content-Type: multipart/mixed;" + b" boundary" * 100 + b" " * HUGE,
    "zeros": b"\0" * HUGE,
    "dashes": b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b"-" * HUGE,
    "at signs": b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b"a@b" * (HUGE // 3),
    "addresses": b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b"<a@b>:\n550 x\n" * 30_000,
    "codes": b"From: MAILER-DAEMON\nSubject: failure notice\n\n" + b"5.1." * (HUGE // 4),
    "tokens": b"To: x@example.com\n\n" + b"+" + b"a" * HUGE,
    "base64": b"Content-Transfer-Encoding: base64\n\n" + b"QUFB" * (HUGE // 4),
    "recipients": b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n\n" * 4_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_does_not_go_off(name):
    found = read(BOMBS[name])

    assert len(found.recipients) <= 100
    assert len(mail.parts_of(BOMBS[name])) <= mail.MOST_PARTS
    assert keepable(found)
