from __future__ import annotations

import threading

import pytest
from django.core.cache import cache
from django.db import IntegrityError

from integrations import as2_arriving, as2_receiving, audit, blobs
from integrations.choices import MdnState, Operation, TransmissionStatus
from integrations.models import Blob, EnvelopeEvent, Transmission
from integrations.protocols.as2 import building
from integrations.protocols.as2.receipt_reading import Expected, read_mdn
from tests.integrations.as2.rows import incoming, key_of, make_connection, pem_of, post
from tests.integrations.as2.stations import (
    AT,
    MESSAGE_ID,
    ORDER,
    acme,
    as_partner,
    build,
    pair,
    studio,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted():
    cache.clear()


@pytest.fixture
def as2():
    return make_connection()


def receipt_of(reply, built):
    """As ACME reads our answer."""
    expected = Expected(MESSAGE_ID, built.mic)
    return read_mdn(reply.headers, reply.body, expected, as_partner(studio()), at=AT)


def test_a_message_becomes_a_transmission_and_a_signed_receipt(as2):
    built = build()

    reply = post(as2, built.headers, built.body)

    row = incoming().get()
    assert reply.status == 200
    assert receipt_of(reply, built).state == "processed"
    assert row.status == TransmissionStatus.RECEIVED
    assert (row.filename, row.content_type) == ("orders.edi", "application/edifact")
    assert (row.message_id, row.peer_ip) == (MESSAGE_ID.strip("<>"), "192.0.2.7")
    assert row.security == "encrypted aes256, signed sha256"
    assert blobs.read(row.blob) == ORDER
    assert row.attributes["AS2-From"] == "ACME"
    assert list(audit.faults()) == []


def test_a_message_that_wants_no_receipt_gets_none(as2):
    built = build(receipt="none")

    reply = post(as2, built.headers, built.body)

    assert (reply.status, reply.body) == (200, b"\n")
    assert incoming().get().mdn_state == MdnState.NONE
    assert Blob.objects.count() == 1


def test_a_repeated_message_gets_the_same_receipt_and_is_not_processed_again(as2):
    built = build()
    first = post(as2, built.headers, built.body)

    second = post(as2, built.headers, built.body)

    assert second.body == first.body
    statuses = sorted(incoming().values_list("status", flat=True))
    assert statuses == [TransmissionStatus.DUPLICATE, TransmissionStatus.RECEIVED]


def test_the_same_id_with_another_document_is_refused(as2):
    built, other = build(), build(b"another order")
    post(as2, built.headers, built.body)

    receipt = receipt_of(post(as2, other.headers, other.body), other)

    assert (receipt.state, receipt.text) == ("failed", "duplicate-document")
    assert incoming().filter(status=TransmissionStatus.RECEIVED).count() == 1


def test_an_id_whose_first_attempt_failed_may_be_used_again(as2):
    built = build()
    damaged = build(own=acme(pair("mallory")))
    post(as2, damaged.headers, damaged.body)

    receipt = receipt_of(post(as2, built.headers, built.body), built)

    assert receipt.state == "processed"
    assert incoming().get().status == TransmissionStatus.RECEIVED


def test_the_same_message_at_the_same_moment_is_taken_in_once(as2, monkeypatch):
    built = build()
    scratch, once = blobs.scratch, []

    def overtaken():
        if not once:
            once.append(True)
            post(as2, built.headers, built.body)
        return scratch()

    monkeypatch.setattr(as2_arriving.blobs, "scratch", overtaken)

    receipt = receipt_of(post(as2, built.headers, built.body), built)

    assert receipt.state == "processed"
    assert incoming().filter(status=TransmissionStatus.RECEIVED).count() == 1


def test_nothing_is_answered_when_the_document_cannot_be_kept(as2, monkeypatch):
    built = build()
    monkeypatch.setattr(
        as2_arriving.arrivals, "take_in", lambda *_, **__: (_ for _ in ()).throw(IntegrityError())
    )

    with pytest.raises(IntegrityError):
        post(as2, built.headers, built.body)

    assert not Transmission.objects.exists()


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"signing": "none", "encryption": "aes256-gcm"}, "insufficient-message-security"),
        ({"encryption": "none"}, "insufficient-message-security"),
        ({"signing": "sha1"}, "insufficient-message-security"),
    ],
)
def test_what_is_less_safe_than_agreed_is_refused_with_a_receipt(as2, wishes, code):
    built = build(**wishes)

    receipt = receipt_of(post(as2, built.headers, built.body), built)

    assert (receipt.state, receipt.text) == ("failed", code)
    assert not incoming().exists()


def test_a_refusal_is_in_the_audit_trail_with_its_reason(as2):
    built = build(own=acme(pair("mallory")))

    post(as2, built.headers, built.body)

    entry = EnvelopeEvent.objects.get(operation=Operation.REJECTED)
    assert "nobody we know" in entry.text
    assert entry.detail["code"] == "authentication-failed"
    assert entry.ip == "192.0.2.7"


def test_an_integration_that_is_off_refuses_without_a_word():
    as2 = make_connection(active=False)
    built = build()

    reply = post(as2, built.headers, built.body)

    assert (reply.status, reply.body) == (403, b"This message is not accepted.\n")
    assert not incoming().exists()


@pytest.mark.parametrize(
    "names", [("ACME", "OTHER"), ("acme", "STUDIO"), ("MALLORY", "STUDIO"), ("", "")]
)
def test_a_pair_that_nobody_agreed_on_is_turned_away(as2, names):
    built = build()
    headers = built.headers | {"AS2-From": names[0], "AS2-To": names[1]}

    assert post(as2, headers, built.body).status == 403


def test_strangers_cannot_tell_an_unknown_url_from_one_that_is_off():
    off, built = make_connection(active=False), build()

    answers = [
        post(off, built.headers, built.body),
        post(off, built.headers, built.body, token="x"),
    ]

    assert answers[0] == answers[1]


def test_a_message_that_says_it_is_too_large_is_not_read(as2):
    built = build()

    reply = post(as2, built.headers, built.body, size=65 * 1024 * 1024)

    assert reply.status == 413


def test_a_message_larger_than_the_partner_may_send_is_refused():
    as2 = make_connection(max_mb=1)

    reply = post(as2, build().headers, bytes(1024 * 1024 + 1), size=-1)

    assert reply.status == 413


def test_a_message_that_broke_off_is_not_taken(as2):
    built = build()

    reply = post(as2, built.headers, built.body[:-100], size=len(built.body))

    assert reply.status == 400


def test_whoever_is_refused_too_often_has_to_wait(as2, monkeypatch):
    monkeypatch.setattr(as2_receiving, "REFUSALS", 3)
    built = build()
    for _ in range(3):
        post(as2, built.headers | {"AS2-From": "X"}, built.body)

    assert post(as2, built.headers, built.body).status == 429
    assert post(as2, built.headers, built.body, ip="192.0.2.8").status == 200


def test_large_messages_wait_for_one_another(as2, monkeypatch):
    monkeypatch.setattr(as2_receiving, "_large", threading.BoundedSemaphore(1))
    monkeypatch.setattr(as2_receiving, "WAITS", 0.01)
    monkeypatch.setattr(as2_receiving, "LARGE", 100)
    built = build()

    with as2_receiving._room(1000):
        assert post(as2, built.headers, built.body).status == 503
    assert post(as2, built.headers, built.body).status == 200


@pytest.mark.parametrize("message_id", ["", "<>", "x" * 300])
def test_a_message_without_an_id_is_refused(as2, message_id):
    built = build()

    receipt = post(as2, built.headers | {"Message-ID": message_id}, built.body)

    assert b"unexpected-processing-error" in receipt.body
    assert not incoming().exists()


def test_the_name_of_the_file_cannot_lead_out_of_its_folder(as2, monkeypatch):
    monkeypatch.setattr(building, "disposition", lambda name: f'attachment; filename="{name}"')
    built = build(filename="../../etc/passwd")

    post(as2, built.headers, built.body)

    row = incoming().get()
    assert row.filename == "passwd"
    assert row.blob.path.name == row.blob.key.hex


def test_our_next_certificate_signs_from_its_date_on():
    following = pair("studio next")
    as2 = make_connection(
        next_certificate=pem_of(following), next_key=key_of(following), switch_at=AT
    )
    built = build()

    reply = post(as2, built.headers, built.body)

    expected = Expected(MESSAGE_ID, built.mic)
    partner = as_partner(studio(following))
    assert read_mdn(reply.headers, reply.body, expected, partner, at=AT).state == "processed"
