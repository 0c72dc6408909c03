"""Over HTTP: the view, and both directions with libas2."""

from __future__ import annotations

import http.client
import os
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.utils import timezone

from integrations import as2_sending, blobs
from integrations.choices import MdnState, TransmissionStatus
from integrations.protocols.as2.receipt_reading import Expected, read_mdn
from tests.integrations.as2.peers import LibAs2
from tests.integrations.as2.rows import incoming, make_connection, make_outgoing
from tests.integrations.as2.stations import MESSAGE_ID, ORDER, acme, as_partner, build, studio
from tests.integrations.as2.stations_online import Online

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted(settings):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True
    cache.clear()


def send(client, as2, built, **headers):
    kept = {name: value for name, value in built.headers.items() if name != "Content-Type"}
    return client.generic(
        "POST",
        f"/as2/{as2.token}",
        built.body,
        content_type=built.headers["Content-Type"],
        headers=kept | headers,
    )


def test_a_post_is_answered_with_the_receipt(client):
    built = build()

    answer = send(client, make_connection(), built)

    expected = Expected(MESSAGE_ID, built.mic)
    receipt = read_mdn(
        answer.headers, answer.content, expected, as_partner(studio()), at=timezone.now()
    )
    assert (answer.status_code, receipt.state) == (200, "processed")
    assert answer.headers["AS2-To"] == "ACME"


def test_a_document_larger_than_a_form_may_be_is_taken(client):
    data = os.urandom(3 * 1024 * 1024)

    answer = send(client, make_connection(), build(data))

    assert answer.status_code == 200
    assert blobs.read(incoming().get().blob) == data


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_other_methods_are_refused_shortly(client, method):
    as2 = make_connection()

    answer = client.generic(method, f"/as2/{as2.token}")

    assert (answer.status_code, answer.content) == (405, b"")
    assert answer.headers["Allow"] == "POST"


def test_a_token_that_nobody_has_gets_no_hint(client):
    as2 = make_connection()
    as2.token = "other"

    answer = send(client, as2, build())

    assert (answer.status_code, answer.content) == (403, b"This message is not accepted.\n")


def post_to(url, headers, body):
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)) as line:
        line.request("POST", parts.path, body, headers)
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_libas2_sends_to_our_url_and_believes_our_receipt(live_server, tmp_path):
    as2 = make_connection()
    peer = LibAs2(acme(), studio(), tmp_path)
    headers, body = peer.build(ORDER, sign="sha-256", encrypt="aes256-CBC", want_receipt=True)

    status, said, receipt = post_to(f"{live_server.url}/as2/{as2.token}", headers, body)

    told = peer.read_receipt(said, receipt)
    row = incoming().get()
    assert (status, row.status) == (200, TransmissionStatus.RECEIVED)
    assert blobs.read(row.blob) == ORDER
    assert told["disposition"]["processed"] is True
    assert f"{told['receivedContentMic']['mic']}, sha-256" == row.mic


@pytest.mark.slow
def test_we_send_to_libas2_and_believe_its_receipt(tmp_path):
    peer = LibAs2(acme(), studio(), tmp_path)

    def answer(headers, body):
        _, said, receipt = peer.answer(headers, body)
        return 200, said, receipt

    with Online(answer) as partner:
        as2 = make_connection(recipient_url=partner.url, mdn_signed=False, timeout_s=30)
        row = make_outgoing(as2, ORDER)
        as2_sending.send_due(timezone.now())

    row.refresh_from_db()
    assert (row.status, row.mdn_state) == (TransmissionStatus.DONE, MdnState.PROCESSED)
