from __future__ import annotations

import datetime

import pytest
from django.core.cache import cache

from integrations import as2_receipts, as2_sending
from integrations.choices import MdnMode, MdnState, TransmissionStatus
from integrations.protocols.as2.receipt_reading import Expected, read_mdn
from tests.integrations.as2.rows import incoming, make_connection, make_outgoing, post
from tests.integrations.as2.stations import AT, MESSAGE_ID, acme, as_partner, build, pair, studio
from tests.integrations.as2.stations_online import Online
from tests.integrations.as2.test_sending import acme_answers, send, status_only

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _own_network(settings, monkeypatch):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True
    monkeypatch.setattr(as2_receipts.hooks, "delivery_failed", lambda *_, **__: None)
    cache.clear()


def asked_later(url, **wishes):
    return build(receipt="async", receipt_url=url, **wishes)


def test_a_receipt_asked_for_later_goes_to_the_agreed_host():
    with Online(status_only(200)) as partner:
        as2 = make_connection(recipient_url=partner.url)
        built = asked_later(partner.url)
        reply = post(as2, built.headers, built.body)
        assert (reply.status, reply.body, partner.posts) == (200, b"\n", [])

        as2_sending.send_due(AT)

    ((headers, body),) = partner.posts
    expected = Expected(MESSAGE_ID, built.mic)
    assert read_mdn(headers, body, expected, as_partner(studio()), at=AT).state == "processed"
    assert incoming().get().mdn_state == MdnState.PROCESSED


def test_a_receipt_that_was_not_taken_is_sent_again_later():
    with Online(status_only(500)) as partner:
        as2 = make_connection(recipient_url=partner.url)
        built = asked_later(partner.url)
        post(as2, built.headers, built.body)
        as2_sending.send_due(AT)
        as2_sending.send_due(AT + MINUTE / 2)
        as2_sending.send_due(AT + 2 * MINUTE)
        assert len(partner.posts) == 2

        as2_sending.send_due(AT + datetime.timedelta(hours=9))

    assert incoming().get().mdn_state == MdnState.FAILED


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example.com/mdn",
        "http://169.254.169.254/latest",
        "ftp://127.0.0.1/x",
        "http://127.0.0.1:25/x",
        "http://user@127.0.0.1:8080/x",
        "nothing",
    ],
)
def test_a_receipt_is_never_sent_to_another_host(url):
    as2 = make_connection()
    built = asked_later(url)

    reply = post(as2, built.headers, built.body)

    assert reply.status == 400
    assert not incoming().exists()
    assert as2_sending.send_due(AT) == 0


def test_a_sender_who_is_not_verified_gets_no_later_receipt():
    with Online(status_only(200)) as partner:
        as2 = make_connection(recipient_url=partner.url)
        built = asked_later(partner.url, own=acme(pair("mallory")))

        reply = post(as2, built.headers, built.body)
        as2_sending.send_due(AT)

    assert (reply.status, partner.posts) == (400, [])


def test_an_address_of_our_own_network_is_not_called_for_a_receipt(settings):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = False
    with Online(status_only(200)) as partner:
        as2 = make_connection(recipient_url=partner.url)
        built = asked_later(partner.url)
        post(as2, built.headers, built.body)
        as2_sending.send_due(AT)

    assert not partner.posts


@pytest.fixture
def handed_over():
    """A message of ours whose receipt comes later, and what the partner got."""
    with Online(status_only(202)) as partner:
        as2 = make_connection(recipient_url=partner.url, mdn_mode=MdnMode.ASYNC)
        row = send(make_outgoing(as2))
        return as2, row, partner.posts[0]


def test_a_message_is_not_delivered_before_its_later_receipt_came(handed_over):
    _, row, (headers, _) = handed_over

    assert (row.status, row.mdn_state) == (TransmissionStatus.SENT, MdnState.PENDING)
    assert headers["Receipt-Delivery-Option"].endswith(f"/as2/{row.integration.as2.token}")


def test_the_later_receipt_proves_the_delivery(handed_over):
    as2, row, posted = handed_over
    _, headers, body = acme_answers(*posted)

    reply = post(as2, headers, body)

    row.refresh_from_db()
    assert reply.status == 200
    assert (row.status, row.mdn_state) == (TransmissionStatus.DONE, MdnState.PROCESSED)


def test_a_later_receipt_may_refuse(handed_over):
    as2, row, posted = handed_over
    _, headers, body = acme_answers(*posted, code="integrity-check-failed")

    post(as2, headers, body)

    row.refresh_from_db()
    assert (row.status, row.mdn_state) == (TransmissionStatus.ERROR, MdnState.FAILED)
    assert row.error_text == "integrity-check-failed"


@pytest.mark.parametrize(
    "forged", [{"own": acme(pair("mallory"))}, {"mic": "b3RoZXI="}, {"signed_with": ""}]
)
def test_a_forged_later_receipt_changes_nothing(handed_over, forged):
    as2, row, posted = handed_over
    _, headers, body = acme_answers(*posted, **forged)

    reply = post(as2, headers, body)

    row.refresh_from_db()
    assert (reply.status, reply.body) == (200, b"\n")
    assert (row.status, row.mdn_state) == (TransmissionStatus.SENT, MdnState.PENDING)


def test_a_receipt_may_overtake_our_own_note(handed_over):
    as2, row, posted = handed_over
    type(row).objects.filter(pk=row.pk).update(status=TransmissionStatus.QUEUED)
    _, headers, body = acme_answers(*posted)

    post(as2, headers, body)

    row.refresh_from_db()
    assert row.status == TransmissionStatus.DONE


def test_a_second_receipt_changes_nothing_any_more(handed_over):
    as2, row, posted = handed_over
    for code in ("", "unexpected-processing-error"):
        _, headers, body = acme_answers(*posted, code=code)
        post(as2, headers, body)

    row.refresh_from_db()
    assert row.status == TransmissionStatus.DONE


def test_a_message_whose_receipt_does_not_come_is_sent_again(handed_over):
    _, row, _ = handed_over

    assert as2_receipts.check_async_mdn(AT + 29 * MINUTE) == 0
    assert as2_receipts.check_async_mdn(AT + 31 * MINUTE) == 1

    row.refresh_from_db()
    assert (row.status, row.error_code) == (TransmissionStatus.QUEUED, "no-receipt")
    assert row.next_attempt_at == AT + 32 * MINUTE


def test_a_message_whose_receipt_never_comes_has_failed(handed_over):
    _, row, _ = handed_over
    type(row).objects.filter(pk=row.pk).update(attempts=5)

    as2_receipts.check_async_mdn(AT + 31 * MINUTE)

    row.refresh_from_db()
    assert (row.status, row.mdn_state) == (TransmissionStatus.ERROR, MdnState.FAILED)
