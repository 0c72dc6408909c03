"""Both directions with libas2, an independent implementation."""

from __future__ import annotations

import base64

import pytest

from integrations.protocols.as2.receipt_reading import Expected, read_mdn
from integrations.protocols.as2.receipts import build_mdn, wants_signed
from tests.integrations.as2.peers import LibAs2
from tests.integrations.as2.stations import (
    AT,
    MESSAGE_ID,
    ORDER,
    acme,
    as_partner,
    build,
    receive,
    studio,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def peer(tmp_path):
    return LibAs2(acme(), studio(), tmp_path)


@pytest.mark.parametrize("sign", ["sha-256", "sha-512"])
@pytest.mark.parametrize("encrypt", ["aes128-CBC", "aes256-CBC"])
def test_we_open_what_libas2_sends(peer, sign, encrypt):
    headers, body = peer.build(ORDER, sign=sign, encrypt=encrypt)

    opened = receive(headers, body)

    assert opened.payload == ORDER
    assert opened.algorithms == (encrypt.partition("-")[0], sign.replace("-", ""))


def test_libas2_believes_our_signed_receipt(peer):
    headers, body = peer.build(ORDER, sign="sha-256", encrypt="aes256-CBC", want_receipt=True)
    opened = receive(headers, body)
    answer = build_mdn(
        own=studio(),
        to="ACME",
        original_message_id=headers["Message-Id"],
        message_id="<3@studio.example.com>",
        at=AT,
        mic=opened.mic,
        mic_alg=opened.mic_alg,
        signed_with=wants_signed(headers),
    )

    said = peer.read_receipt(answer.headers, answer.body)

    assert said["disposition"]["processed"] is True
    assert said["originalMessageId"] == headers["Message-Id"]
    assert said["receivedContentMic"] == {"mic": opened.mic, "algorithm": "sha-256"}


@pytest.mark.parametrize("signing", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encryption", ["aes256", "aes128"])
def test_libas2_opens_what_we_send_and_we_believe_its_receipt(peer, signing, encryption):
    built = build(own=studio(), partner=as_partner(acme()), signing=signing, encryption=encryption)

    read, headers, body = peer.answer(built.headers, built.body)
    receipt = read_mdn(
        headers, body, Expected(MESSAGE_ID, built.mic, signed=False), as_partner(acme()), at=AT
    )

    # libas2 reads a line end more; its MIC is over what we signed.
    assert base64.b64decode(read["payload"]).rstrip() == ORDER.rstrip()
    assert receipt.state == "processed"


def test_a_receipt_of_libas2_about_a_message_it_cannot_open_is_a_failure(peer):
    built = build(own=studio(), partner=as_partner(studio()))

    _, headers, body = peer.answer(built.headers, built.body)
    receipt = read_mdn(
        headers, body, Expected(MESSAGE_ID, built.mic, signed=False), as_partner(acme()), at=AT
    )

    assert receipt.state == "failed"
