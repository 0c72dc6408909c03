from __future__ import annotations

import pytest

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import mime
from integrations.protocols.as2.algorithms import DEFAULT_DIGEST
from integrations.protocols.as2.receipt_reading import (
    Expected,
    is_receipt,
    original_message_id,
    read_mdn,
)
from integrations.protocols.as2.receipts import FAULTS, build_mdn, wants_signed
from integrations.protocols.as2.signatures import sign
from tests.integrations.as2.stations import AT, MESSAGE_ID, acme, as_partner, pair

MIC = "V2h5IG5vdA==, sha-256"


def mdn(*, own=None, code="", mic=MIC, signed_with="sha256", original=MESSAGE_ID):
    """What ACME answers to a message of the studio."""
    value, _, alg = mic.partition(", ")
    return build_mdn(
        own=own or acme(),
        to="STUDIO",
        original_message_id=original,
        message_id="<2@acme.example.com>",
        at=AT,
        code=code,
        mic=value,
        mic_alg=alg,
        signed_with=signed_with,
    )


def read(headers, body, *, mic=MIC, signed=True, partner=None):
    expected = Expected(MESSAGE_ID, mic, signed)
    return read_mdn(headers, body, expected, partner or as_partner(acme()), at=AT)


@pytest.mark.parametrize("signed_with", ["sha256", "sha512", ""])
def test_a_receipt_with_the_right_mic_proves_the_delivery(signed_with):
    answer = mdn(signed_with=signed_with)

    receipt = read(answer.headers, answer.body, signed=bool(signed_with))

    assert receipt.state == "processed"
    assert receipt.was_signed is bool(signed_with)


@pytest.mark.parametrize("spelling", ["sha256", "SHA-256", "sha-256"])
def test_the_algorithm_of_the_mic_may_be_spelt_otherwise(spelling):
    answer = mdn(mic=MIC.replace("sha-256", spelling))

    assert read(answer.headers, answer.body).state == "processed"


@pytest.mark.parametrize("code", FAULTS)
def test_a_refusal_is_read_as_a_failure_with_its_word(code):
    answer = mdn(code=code, mic="")

    receipt = read(answer.headers, answer.body)

    assert (receipt.state, receipt.text) == ("failed", code)
    assert f"processed/error: {code}" in receipt.disposition


def test_an_unsupported_format_is_a_failure():
    answer = mdn(code="unsupported format", mic="")

    assert "failed/Failure: unsupported format" in answer.disposition
    assert read(answer.headers, answer.body).state == "failed"


def test_a_warning_is_a_delivery():
    body = mdn(signed_with="").body.replace(
        b"; processed", b"; processed/warning: duplicate-document"
    )

    receipt = read(mdn(signed_with="").headers | boundary_of(body), body, signed=False)

    assert (receipt.state, receipt.text) == ("warning", "duplicate-document")


def boundary_of(body):
    boundary = body[2:].split(b"\r\n")[0].decode()
    return {
        "Content-Type": "multipart/report; report-type=disposition-notification; "
        f'boundary="{boundary}"'
    }


def test_the_message_is_found_before_anything_is_verified():
    answer = mdn()

    assert is_receipt(answer.headers, answer.body)
    assert original_message_id(answer.headers, answer.body) == MESSAGE_ID.strip("<>")


def test_a_refusal_tells_nothing_but_its_word():
    body = mdn(code="decryption-failed", mic="", signed_with="").body.decode()

    assert "could not be decrypted." in body
    assert "padding" not in body


def test_a_hostile_message_id_adds_no_field_to_the_report():
    answer = mdn(original="<x>\r\nDisposition: a/b; processed\r\n<y>")

    assert b"\r\nDisposition: a/b" not in answer.body


@pytest.mark.parametrize(
    ("options", "digest"),
    [
        ("", ""),
        ("signed-receipt-protocol=optional, pkcs7-signature", "sha256"),
        (
            "signed-receipt-protocol=required, pkcs7-signature;"
            " signed-receipt-micalg=optional, sha-512, sha1",
            "sha512",
        ),
        (
            "signed-receipt-protocol=optional,pkcs7-signature;signed-receipt-micalg=optional,sha1,md5",
            "sha256",
        ),
        ("signed-receipt-protocol=optional, pgp-signature", ""),
    ],
)
def test_the_receipt_is_signed_as_the_sender_asks(options, digest):
    assert wants_signed({"Disposition-Notification-Options": options}) == digest


def test_a_required_digest_that_nobody_knows_is_refused():
    options = (
        "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, md5"
    )

    with pytest.raises(As2Refused) as refused:
        wants_signed({"Disposition-Notification-Options": options})

    assert refused.value.code == "unsupported MIC-algorithms"


def unsigned(**fields):
    answer = mdn(**fields, signed_with="")
    return answer.headers, answer.body


@pytest.mark.parametrize("ending", [b"\r\n", b"\n"])
def test_the_signature_may_leave_out_the_last_line_end(ending):
    headers, body = unsigned()
    content = mime.head({"Content-Type": headers["Content-Type"]}) + body
    signature = sign([content.removesuffix(b"\r\n")], pair("acme"), DEFAULT_DIGEST, AT)
    wrapped = (
        b"--b\r\n" + content + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + signature + b"\r\n--b--" + ending
    )

    receipt = read({"Content-Type": 'multipart/signed; boundary="b"'}, wrapped)

    assert receipt.state == "processed"
