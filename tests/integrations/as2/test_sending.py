from __future__ import annotations

import datetime
import threading

import pytest

from integrations import as2_calls, as2_receipts, as2_sending, blobs
from integrations.choices import MdnMode, MdnState, TransmissionStatus
from integrations.envelopes import NotPossible
from integrations.models import EnvelopeEvent
from integrations.protocols.as2.names import bare_id
from integrations.protocols.as2.opening import open_message
from integrations.protocols.as2.receipts import build_mdn
from tests.integrations.as2.rows import make_connection, make_outgoing, pem_of
from tests.integrations.as2.stations import AT, acme, as_partner, pair, studio
from tests.integrations.as2.stations_online import Online

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _own_network(settings):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True


@pytest.fixture
def failures(monkeypatch):
    told = []
    monkeypatch.setattr(
        as2_receipts.hooks, "delivery_failed", lambda row, text, *, at: told.append(text)
    )
    return told


def acme_answers(headers, body, *, code="", own=None, mic=None, signed_with="sha256"):
    """A receipt for what came, as an honest station makes it."""
    opened = open_message(headers, body, acme(), as_partner(studio()), at=AT)
    answer = build_mdn(
        own=own or acme(),
        to="STUDIO",
        original_message_id=headers["Message-ID"],
        message_id="<r@acme.example.com>",
        at=AT,
        code=code,
        mic="" if code else (opened.mic if mic is None else mic),
        mic_alg=opened.mic_alg,
        signed_with=signed_with,
    )
    return 200, answer.headers, answer.body


def status_only(status):
    return lambda headers, body: (status, {}, b"")


def send(row, *, at=AT):
    as2_sending.send_due(at)
    row.refresh_from_db()
    return row


def test_a_document_is_delivered_when_its_receipt_proves_it():
    with Online(acme_answers) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url)))

    ((headers, body),) = partner.posts
    opened = open_message(headers, body, acme(), as_partner(studio()), at=AT)
    assert opened.payload == b"hello"
    assert (row.status, row.mdn_state) == (TransmissionStatus.DONE, MdnState.PROCESSED)
    assert (row.attempts, row.claimed_by, row.lease_until) == (1, "", None)
    assert bare_id(headers["Message-ID"]) == row.message_id
    assert blobs.read(row.mdn)


def test_what_is_sent_again_is_the_same_to_the_byte(failures):
    answers = [status_only(503), acme_answers]
    with Online(lambda *posted: answers.pop(0)(*posted)) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url)))
        assert row.next_attempt_at - AT < 2 * MINUTE
        row = send(row, at=AT + 2 * MINUTE)

    first, second = partner.posts
    assert first == second
    assert (row.status, row.attempts) == (TransmissionStatus.DONE, 2)
    assert not failures


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 1), (1, 5), (2, 15), (3, 60), (4, 240), (5, 240)]
)
def test_the_pauses_between_attempts_grow(attempts, minutes):
    with Online(status_only(500)) as partner:
        as2 = make_connection(recipient_url=partner.url, max_attempts=10)
        row = send(make_outgoing(as2, attempts=attempts))

    pause = row.next_attempt_at - AT
    assert minutes * MINUTE <= pause < minutes * MINUTE + MINUTE / 2
    assert (row.status, row.error_code) == (TransmissionStatus.QUEUED, "http-500")


def test_after_the_last_attempt_it_has_failed_and_somebody_is_told(failures):
    with Online(status_only(500)) as partner:
        as2 = make_connection(recipient_url=partner.url, max_attempts=2)
        row = send(make_outgoing(as2, attempts=1))

    assert (row.status, row.mdn_state) == (TransmissionStatus.ERROR, MdnState.FAILED)
    assert failures == ["The partner's station answered 500."]
    assert EnvelopeEvent.objects.filter(transmission_id=row.pk, operation="failed").exists()


def test_a_refusal_of_the_partner_is_final_at_once(failures):
    def refuse(headers, body):
        return acme_answers(headers, body, code="decryption-failed")

    with Online(refuse) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url)))

    assert (row.status, row.mdn_state) == (TransmissionStatus.ERROR, MdnState.FAILED)
    assert row.attempts == 1
    assert failures == ["The partner refused it: decryption-failed"]


@pytest.mark.parametrize(
    "forged",
    [
        {"own": acme(pair("mallory"))},
        {"mic": "b3RoZXI="},
        {"mic": ""},
        {"signed_with": ""},
    ],
    ids=["stranger", "other mic", "no mic", "unsigned"],
)
def test_a_receipt_that_cannot_be_believed_is_no_delivery(forged, failures):
    with Online(lambda *posted: acme_answers(*posted, **forged)) as partner:
        as2 = make_connection(recipient_url=partner.url, max_attempts=2)
        row = send(make_outgoing(as2))
        assert (row.status, row.error_code) == (TransmissionStatus.QUEUED, "unverified")
        row = send(row, at=AT + 2 * MINUTE)

    assert (row.status, row.mdn_state) == (TransmissionStatus.ERROR, MdnState.UNVERIFIED)
    assert len(failures) == 1


def test_an_answer_without_a_receipt_is_no_delivery():
    with Online(lambda *_: (200, {"Content-Type": "text/html"}, b"OK")) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url)))

    assert (row.status, row.error_code) == (TransmissionStatus.QUEUED, "no-receipt")


def test_without_a_receipt_asked_for_a_good_status_is_enough():
    with Online(status_only(204)) as partner:
        as2 = make_connection(recipient_url=partner.url, mdn_mode=MdnMode.NONE)
        row = send(make_outgoing(as2))

    assert (row.status, row.mdn_state) == (TransmissionStatus.DONE, MdnState.NONE)
    assert "Disposition-Notification-To" not in partner.posts[0][0]


def test_a_redirect_is_not_followed(failures):
    with Online(lambda *_: (302, {"Location": "http://127.0.0.1:9/"}, b"")) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url)))

    assert row.status == TransmissionStatus.ERROR
    assert "Redirects are not followed" in failures[0]
    assert len(partner.posts) == 1


def test_no_connection_is_tried_again():
    row = send(make_outgoing(make_connection()))

    assert (row.status, row.error_code) == (TransmissionStatus.QUEUED, "connect")


def test_our_own_network_is_not_called_unless_it_is_opened(settings, failures):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = False
    with Online(acme_answers) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url)))

    assert row.status == TransmissionStatus.ERROR
    assert "not on the internet" in failures[0]
    assert not partner.posts


def test_a_partner_that_is_too_slow_is_left(monkeypatch):
    release = threading.Event()

    def slow(headers, body):
        release.wait(10)
        return 200, {}, b""

    with Online(slow) as partner:
        row = send(make_outgoing(make_connection(recipient_url=partner.url, timeout_s=1)))
        release.set()

    assert (row.status, row.error_code) == (TransmissionStatus.QUEUED, "timeout")


def test_the_password_goes_along_and_is_not_kept():
    with Online(acme_answers) as partner:
        as2 = make_connection(recipient_url=partner.url, http_user="us", http_password="secret")
        row = send(make_outgoing(as2))

    assert partner.posts[0][0]["Authorization"] == "Basic dXM6c2VjcmV0"
    assert "Authorization" not in row.headers


def test_what_cannot_be_encrypted_fails_with_what_to_do(failures):
    row = send(make_outgoing(make_connection(recipient_certificate="")))

    assert row.status == TransmissionStatus.ERROR
    assert failures == ["The partner has no certificate: store it first."]


def test_nothing_unencrypted_goes_over_plain_http(failures):
    row = send(make_outgoing(make_connection(encryption="none")))

    assert row.status == TransmissionStatus.ERROR
    assert "must begin with https" in failures[0]


def test_nothing_is_sent_while_the_integration_is_off():
    row = send(make_outgoing(make_connection(active=False)))

    assert (row.status, row.attempts) == (TransmissionStatus.WAITING, 0)


def test_a_row_that_another_worker_has_is_left_alone():
    as2 = make_connection()
    row = send(make_outgoing(as2, claimed_by="other", lease_until=AT + MINUTE))

    assert (row.attempts, row.claimed_by) == (0, "other")


def test_the_row_of_a_worker_that_is_gone_is_sent_by_the_next():
    with Online(acme_answers) as partner:
        as2 = make_connection(recipient_url=partner.url)
        row = send(make_outgoing(as2, claimed_by="gone", lease_until=AT - MINUTE, attempts=1))

    assert row.status == TransmissionStatus.DONE


def test_a_slow_partner_holds_up_nobody_else():
    release = threading.Event()

    def slow(headers, body):
        release.wait(10)
        return 500, {}, b""

    def quick(headers, body):
        if len(second.posts) >= 4:
            release.set()
        return acme_answers(headers, body)

    with Online(slow) as first, Online(quick) as second:
        stuck = make_connection(recipient_url=first.url)
        for _ in range(3):
            make_outgoing(stuck)
        as2 = make_connection(recipient_url=second.url, self_id="OTHER")
        for _ in range(4):
            make_outgoing(as2)
        as2_sending.send_due(AT)

    assert release.is_set()


def test_a_test_of_the_connection_tells_what_came_back():
    with Online(acme_answers_now) as partner:
        tested = as2_sending.test_connection(make_connection(recipient_url=partner.url))

    assert (tested.good, tested.outcome) == (True, "Receipt: processed")


def acme_answers_now(headers, body):
    return acme_answers(headers, body)


def test_a_test_of_the_connection_tells_what_is_wrong():
    with Online(status_only(401)) as partner:
        tested = as2_calls.try_out(make_connection(recipient_url=partner.url))

    assert not tested.good
    assert "HTTP user and password" in tested.text


def test_a_certificate_that_is_the_partners_next_one_is_used_when_the_first_is_over():
    over = pair("acme over", days=1)
    with Online(acme_answers) as partner:
        as2 = make_connection(
            recipient_url=partner.url,
            recipient_certificate=pem_of(over),
            recipient_certificate_next=pem_of(pair("acme")),
        )
        row = send(make_outgoing(as2), at=AT + datetime.timedelta(days=2))

    assert row.status == TransmissionStatus.DONE


def test_what_failed_is_built_anew_when_an_operator_sends_it_again():
    with Online(acme_answers) as partner:
        as2 = make_connection(recipient_url=partner.url)
        row = send(make_outgoing(as2, status=TransmissionStatus.ERROR, message_id="old"))
        as2_sending.send_again(row, by=None, at=AT)
        row = send(row)

    assert (row.status, row.attempts) == (TransmissionStatus.DONE, 1)
    assert row.message_id != "old"


def test_what_was_delivered_is_not_sent_again():
    row = make_outgoing(make_connection(), status=TransmissionStatus.DONE)

    with pytest.raises(NotPossible):
        as2_sending.send_again(row, by=None, at=AT)
