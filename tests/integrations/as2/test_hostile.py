"""Whatever comes, the codec refuses it by its own errors, soon, and within its memory."""

from __future__ import annotations

import contextlib
import random
import time

import pytest

from integrations import certificates
from integrations.exceptions import As2Refused
from integrations.protocols.as2.receipt_reading import is_receipt, original_message_id
from tests.integrations.as2.rows import pem_of
from tests.integrations.as2.stations import acme, as_partner, build, pair, receive
from tests.integrations.as2.test_receipts import mdn, read
from tests.integrations.as2.test_refusals import resigned

ANY = {"require_signed": False, "require_encrypted": False, "allow_legacy": True}
ROUNDS = 60


def damaged(data, draw):
    """With a byte changed, some taken out or put in, or the end cut off."""
    found = bytearray(data)
    at = draw.randrange(min(len(found), draw.choice([60, 400, len(found)])))
    how = draw.randrange(4)
    if how == 0:
        found[at] = draw.randrange(256)
    elif how == 1:
        del found[at : at + draw.choice([1, 16, 200])]
    elif how == 2:
        found[at:at] = draw.randbytes(draw.choice([1, 4, 16]))
    else:
        del found[at:]
    return bytes(found)


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"encryption": "aes256-gcm"},
        {"encryption": "none", "compress": True},
        {"signing": "none", "oaep": True},
    ],
)
def test_a_damaged_message_is_refused_or_opened_and_nothing_else(wishes):
    draw, built, partner = random.Random(3), build(**wishes), as_partner(acme(), **ANY)

    for _ in range(ROUNDS):
        with contextlib.suppress(As2Refused):
            receive(built.headers, damaged(built.body, draw), partner=partner)


def test_a_damaged_signature_is_refused_or_right():
    draw, built, partner = random.Random(4), build(encryption="none"), as_partner(acme(), **ANY)

    for _ in range(ROUNDS * 2):
        body = resigned(built, lambda cms: damaged(cms, draw))
        with contextlib.suppress(As2Refused):
            receive(built.headers, body, partner=partner)


def test_a_damaged_receipt_is_never_an_error():
    draw, answer = random.Random(5), mdn()

    for _ in range(ROUNDS * 2):
        body = damaged(answer.body, draw)
        is_receipt(answer.headers, body)
        original_message_id(answer.headers, body)
        assert read(answer.headers, body).state in ("processed", "unverified")


def test_a_damaged_certificate_is_refused_with_what_to_do():
    draw, data = random.Random(6), pem_of(pair("acme")).encode()

    for _ in range(ROUNDS):
        with contextlib.suppress(As2Refused):
            certificates.parse(damaged(data, draw))


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n\r\n" + b"\n" * 8_000_000,
        b"--b\r\n" * 500_000,
        b"\n--b " * 500_000,
        b"--b\r\n" + b"A: b\r\n" * 500_000,
        b"--b\r\n\r\n" + b"\n--b\t" * 500_000 + b"\r\n--b--",
    ],
)
def test_a_large_message_that_means_nothing_is_refused_quickly(body):
    began = time.process_time()

    with pytest.raises(As2Refused):
        receive({"Content-Type": "multipart/signed; boundary=b"}, body)

    assert time.process_time() - began < 2


def test_a_long_content_type_is_read_quickly():
    began = time.process_time()

    with pytest.raises(As2Refused):
        receive({"Content-Type": "multipart/signed; " + '";' * 30_000}, b"--b")

    assert time.process_time() - began < 2
