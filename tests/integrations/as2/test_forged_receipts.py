from __future__ import annotations

import pytest

from integrations.protocols.as2 import mime
from integrations.protocols.as2.algorithms import DEFAULT_DIGEST
from integrations.protocols.as2.building import multipart_signed
from tests.integrations.as2.stations import AT, acme, pair
from tests.integrations.as2.test_receipts import mdn, read, unsigned


def test_an_unsigned_receipt_does_not_prove_anything_when_a_signed_one_was_wanted():
    receipt = read(*unsigned())

    assert receipt.state == "unverified"
    assert "not signed" in receipt.text


def test_a_receipt_signed_by_somebody_else_is_not_believed():
    answer = mdn(own=acme(pair("mallory")))

    assert read(answer.headers, answer.body).state == "unverified"


def test_a_receipt_that_was_changed_is_not_believed():
    answer = mdn(code="decryption-failed", mic="")
    body = answer.body.replace(b"processed/error: decryption-failed", b"processed")

    assert read(answer.headers, body).state == "unverified"


@pytest.mark.parametrize("mic", ["", "b3RoZXI=, sha-256", "V2h5IG5vdA==, sha-512", "V2h5IG5vdA=="])
def test_a_receipt_without_our_mic_is_not_believed(mic):
    answer = mdn(mic=mic)

    receipt = read(answer.headers, answer.body)

    assert receipt.state == "unverified"
    assert "MIC" in receipt.text


def test_a_receipt_about_another_message_is_not_believed():
    answer = mdn(original="<9@studio.example.com>")

    assert read(answer.headers, answer.body).state == "unverified"


def test_a_second_report_in_a_signed_receipt_is_not_believed():
    headers, body = unsigned()
    boundary = body.split(b"\r\n")[0]
    report = body[body.index(boundary, 10) : body.rindex(boundary)]
    twice = body.replace(report, report + report)
    content = [mime.head({"Content-Type": headers["Content-Type"]}), twice]
    signed_headers, pieces = multipart_signed(content, acme(), DEFAULT_DIGEST, AT)

    receipt = read(signed_headers, b"".join(pieces))

    assert receipt.state == "unverified"
    assert "exactly one report" in receipt.text


def test_a_disposition_that_is_there_twice_is_not_believed():
    headers, body = unsigned()
    line = b"Disposition: automatic-action/MDN-sent-automatically; processed\r\n"

    receipt = read(headers, body.replace(line, line + line), signed=False)

    assert receipt.state == "unverified"


@pytest.mark.parametrize("disposition", [b"displayed", b"dispatched", b"processed/strange", b";"])
def test_a_disposition_that_does_not_say_processed_is_not_believed(disposition):
    headers, body = unsigned()

    receipt = read(headers, body.replace(b"; processed", b"; " + disposition), signed=False)

    assert receipt.state == "unverified"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<h1>Login</h1>"),
        ("", b""),
        ("multipart/signed; boundary=b", b"--b\r\n\r\n--b--"),
        ("multipart/report; boundary=b", b"\0" * 100),
    ],
)
def test_what_is_no_receipt_is_not_believed(kind, body):
    assert read({"Content-Type": kind}, body, signed=False).state == "unverified"
