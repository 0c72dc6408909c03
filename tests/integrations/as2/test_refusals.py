from __future__ import annotations

import base64
import datetime
import hashlib
import zlib

import pytest
from cryptography.hazmat.primitives import hashes

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import mime, signatures
from integrations.protocols.as2.algorithms import CIPHERS, DIGESTS, Cipher, Digest
from integrations.protocols.as2.ber import OCTETS, SEQUENCE, SET, der, integer, oid
from integrations.protocols.as2.building import multipart_signed
from integrations.protocols.as2.compression import COMPRESSED, DATA, ZLIB, compress
from integrations.protocols.as2.encryption import encrypt
from integrations.protocols.as2.stations import Limits, check_certificate
from tests.integrations.as2.stations import (
    AT,
    acme,
    as_partner,
    build,
    certificate,
    pair,
    receive,
    studio,
)

OPEN = {"require_signed": False, "require_encrypted": False}
MB = 1024 * 1024
AES = CIPHERS[0]


def refusal(headers, body, **fields):
    """The code of the refusal, and its text."""
    with pytest.raises(As2Refused) as refused:
        receive(headers, body, **fields)
    return refused.value.code, str(refused.value)


def open_partner(**fields):
    return as_partner(acme(), **{**OPEN, **fields})


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        ({"signing": "none"}, "not signed"),
        ({"encryption": "none"}, "not encrypted"),
        ({"encryption": "none", "compress": True}, "not encrypted"),
    ],
)
def test_what_is_less_safe_than_agreed_is_refused(wishes, text):
    built = build(**wishes)

    assert text in refusal(built.headers, built.body)[1]


def test_a_message_that_is_not_encrypted_gets_the_word_for_it():
    built = build(encryption="none")

    assert refusal(built.headers, built.body)[0] == "insufficient-message-security"


def test_an_unsigned_message_under_gcm_gets_the_word_for_it():
    built = build(signing="none", encryption="aes256-gcm")

    assert refusal(built.headers, built.body)[0] == "insufficient-message-security"


@pytest.mark.parametrize("wishes", [{"signing": "sha1"}, {"encryption": "3des"}])
def test_sha_1_and_3des_are_refused_unless_the_partner_is_legacy(wishes):
    built = build(**wishes)

    assert refusal(built.headers, built.body)[0] == "insufficient-message-security"


def test_md5_is_refused_even_of_a_legacy_partner():
    md5 = Digest("md5", "md5", "1.2.840.113549.2.5", hashes.MD5)
    content = mime.head({"Content-Type": "text/plain"}) + b"hello"
    headers, pieces = multipart_signed([content], acme(), md5, AT)

    code, _ = refusal(headers, b"".join(pieces), partner=open_partner(allow_legacy=True))

    assert code == "insufficient-message-security"


@pytest.mark.parametrize(
    "number",
    ["1.3.14.3.2.7", "1.2.840.113549.3.2", "1.2.840.113549.3.4"],
    ids=["DES", "RC2", "RC4"],
)
def test_des_rc2_and_rc4_are_refused_even_of_a_legacy_partner(number):
    old = Cipher("old", number, 24, block=8)
    body = encrypt([b"Content-Type: text/plain\r\n\r\nx"], pair("studio").certificate, old)

    code, _ = refusal(build().headers, body, partner=open_partner(allow_legacy=True))

    assert code == "insufficient-message-security"


def resigned(built, change):
    """The same message with another CMS signature in it."""
    mark = b"filename=smime.p7s\r\n\r\n"
    start = built.body.index(mark) + len(mark)
    end = built.body.index(b"\r\n--=_", start)
    cms = change(base64.b64decode(built.body[start:end]))
    return built.body[:start] + base64.encodebytes(cms) + built.body[end:]


def test_a_signature_of_a_stranger_is_refused_though_it_brings_its_certificate():
    built = build(own=acme(pair("mallory")))

    assert refusal(built.headers, built.body)[0] == "authentication-failed"


def test_a_signature_that_only_names_the_partner_is_refused():
    """Mallory's key under the issuer and number of the partner's certificate."""
    forged = type(pair("acme"))(pair("mallory").key, pair("acme").certificate)
    built = build(own=acme(forged))

    code, text = refusal(built.headers, built.body)

    assert (code, text) == ("authentication-failed", "The signature is not the partner's.")


@pytest.mark.parametrize("days", [-400, 40_000])
def test_a_certificate_outside_its_time_is_refused(days):
    built = build()

    code, _ = refusal(built.headers, built.body, at=AT + datetime.timedelta(days=days))

    assert code == "authentication-failed"


def test_a_changed_content_is_refused():
    built = build(encryption="none")
    body = built.body.replace(b"4711", b"4712")

    assert refusal(built.headers, body, partner=open_partner())[0] == "integrity-check-failed"


@pytest.mark.parametrize("count", [0, 2])
def test_no_signer_and_a_second_signer_are_refused(count):
    built = build(encryption="none")

    def change(cms):
        signer = signatures._only_signer(cms)
        head = der(SEQUENCE, oid(DIGESTS[0].oid), b"\5\0")
        data = der(
            SEQUENCE,
            integer(1),
            der(SET, head),
            der(SEQUENCE, DATA),
            der(SET, *[signer] * count),
        )
        return der(SEQUENCE, signatures.SIGNED, der(0xA0, data))

    body = resigned(built, change)

    assert refusal(built.headers, body, partner=open_partner())[0] == "authentication-failed"


def signed_with(attributes):
    """A message whose signature is right, over these attributes."""
    content = b"Content-Type: text/plain\r\n\r\nhello"
    key = pair("acme")
    how = DIGESTS[0]
    raw = der(SET, *attributes(hashlib.sha256(content).digest()))
    signature = key.key.sign(raw, signatures.padding.PKCS1v15(), how.hash)
    fields = [
        integer(1),
        signatures.issuer_and_serial(key.certificate),
        der(SEQUENCE, oid(how.oid)),
        b"\xa0" + raw[1:],
        signatures.RSA_15,
        der(OCTETS, signature),
    ]
    signer = der(SEQUENCE, *(field for field in fields if field != b"\xa0\0"))
    data = der(SEQUENCE, integer(1), der(SET), der(SEQUENCE, DATA), der(SET, signer))
    cms = der(SEQUENCE, signatures.SIGNED, der(0xA0, data))
    body = b"--b\r\n" + content + b"\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\n"
    headers = {"Content-Type": 'multipart/signed; boundary="b"'}
    return headers, body + cms + b"\r\n--b--\r\n"


def attribute(name, *values):
    return der(SEQUENCE, name, der(SET, *values))


def kind(value=DATA):
    return attribute(signatures.CONTENT_TYPE, value)


def promise(*digests):
    return attribute(signatures.MESSAGE_DIGEST, *(der(OCTETS, digest) for digest in digests))


def test_the_attributes_that_must_be_there_are_enough():
    headers, body = signed_with(lambda digest: [kind(), promise(digest)])

    assert receive(headers, body, partner=open_partner()).payload == b"hello"


@pytest.mark.parametrize(
    "attributes",
    [
        lambda digest: [],
        lambda digest: [kind()],
        lambda digest: [promise(digest)],
        lambda digest: [kind(), promise(digest), promise(digest)],
        lambda digest: [kind(), promise(digest, digest)],
        lambda digest: [kind(), kind(), promise(digest)],
        lambda digest: [kind(signatures.SIGNED), promise(digest)],
    ],
)
def test_signed_attributes_that_are_missing_or_there_twice_are_refused(attributes):
    headers, body = signed_with(attributes)

    assert refusal(headers, body, partner=open_partner())[0] == "authentication-failed"


def compressed(data, packed=None):
    packed = zlib.compress(data) if packed is None else packed
    content = der(SEQUENCE, DATA, der(0xA0, der(OCTETS, packed)))
    inner = der(SEQUENCE, integer(0), ZLIB, content)
    return der(SEQUENCE, COMPRESSED, der(0xA0, inner))


COMPRESSED_TYPE = {"Content-Type": "application/pkcs7-mime; smime-type=compressed-data"}


@pytest.mark.parametrize(
    ("size", "limits"), [(8 * MB, Limits()), (200_000, Limits(plain=100_000, free=1000))]
)
def test_a_compressed_part_that_grows_without_bound_is_refused(size, limits):
    body = compressed(b"Content-Type: text/plain\r\n\r\n" + bytes(size))

    code, text = refusal(COMPRESSED_TYPE, body, partner=open_partner(), limits=limits)

    assert code == "decompression-failed"
    assert "too large" in text


def test_a_message_that_is_compressed_twice_is_refused():
    inner = mime.head(COMPRESSED_TYPE) + compressed(b"Content-Type: text/plain\r\n\r\nx")

    code, _ = refusal(COMPRESSED_TYPE, compress(inner), partner=open_partner())

    assert code == "decompression-failed"


@pytest.mark.parametrize(
    "packed", [b"", b"no zlib", zlib.compress(b"x")[:-3], zlib.compress(b"x") + b"y"]
)
def test_a_damaged_compressed_part_is_refused(packed):
    body = compressed(b"", packed)

    assert refusal(COMPRESSED_TYPE, body, partner=open_partner())[0] == "decompression-failed"


def test_an_encrypted_message_inside_a_compressed_one_is_refused():
    built = build()
    wrapped = compress(mime.head(built.headers), built.body)

    code, _ = refusal(COMPRESSED_TYPE, wrapped)

    assert code == "insufficient-message-security"


def test_a_message_that_is_encrypted_twice_is_refused():
    once = build()
    certificate_ = pair("studio").certificate
    body = encrypt([mime.head(once.headers), once.body], certificate_, AES)

    assert refusal(once.headers, body, partner=open_partner())[1].startswith("The message has more")


def test_a_message_larger_than_the_limit_is_refused():
    built = build(payload=bytes(5000))

    assert "too large" in refusal(built.headers, built.body, limits=Limits(wire=4000))[1]


def test_whatever_is_wrong_with_the_encryption_the_answer_is_the_same():
    built = build()
    end = built.body[-1] ^ 1
    tries = [
        build(partner=as_partner(studio(pair("other")))).body,  # not for us
        with_wrong_key(built.body),
        built.body[:-1] + bytes([end]),  # the padding
        encrypt([b"no entity"], pair("studio").certificate, AES),
        encrypt([b""], pair("studio").certificate, AES),
        encrypt([mime.head({"Subject": "x"})], pair("studio").certificate, AES),
    ]

    answers = {refusal(built.headers, body) for body in tries}

    assert {code for code, _ in answers} == {"decryption-failed"}


def with_wrong_key(body):
    """The packed content key is no longer one."""
    at = body.index(der(OCTETS, bytes(256))[:4]) + 20
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def test_a_wrong_padding_of_the_key_shows_only_at_the_content():
    """A random key takes its place (Bleichenbacher)."""
    built = build(signing="none")

    assert refusal(built.headers, with_wrong_key(built.body), partner=open_partner())[0] == (
        "decryption-failed"
    )


def test_blocks_behind_the_end_of_an_encrypted_message_are_refused_like_a_wrong_padding():
    """Whether one appended block has a right padding would tell what is in it (Vaudenay)."""
    certificate_ = pair("studio").certificate
    built = build(encryption="none")
    inner = [mime.head({"Content-Type": built.headers["Content-Type"]}), built.body]
    body = encrypt([*inner, b"sixteen bytes of"], certificate_, AES)
    headers = build().headers

    assert refusal(headers, body)[0] == "decryption-failed"


def test_a_changed_byte_under_gcm_is_refused():
    built = build(encryption="aes256-gcm")
    at = len(built.body) - 40
    body = built.body[:at] + bytes([built.body[at] ^ 1]) + built.body[at + 1 :]

    assert refusal(built.headers, body)[0] == "decryption-failed"


def test_a_short_key_is_for_legacy_partners_only():
    short = certificate("short", pair("short", bits=1024).key)

    with pytest.raises(As2Refused, match="too short"):
        check_certificate(short, AT, allow_legacy=False)
    check_certificate(short, AT, allow_legacy=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\n--b--",
        b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b\r\n\r\nz\r\n--b--",
        b"--b\r\n" * 1000,
        b"--b\r\nA: b\r\n" * 10,
        b"\0" * 1000,
    ],
)
def test_a_signed_message_without_its_two_parts_is_refused(body):
    code, _ = refusal({"Content-Type": "multipart/signed; boundary=b"}, body)

    assert code == "unexpected-processing-error"


def test_what_is_opaque_signed_is_refused():
    body = der(SEQUENCE, signatures.SIGNED, der(0xA0, b""))
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=signed-data"}

    assert refusal(headers, body, partner=open_partner())[0] == "unexpected-processing-error"
