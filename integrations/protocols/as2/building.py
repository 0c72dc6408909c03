"""Builds an AS2 message: compressed, then signed, then encrypted, each as the partner wants it.

RFC 4130 (AS2), RFC 5402 (compression), RFC 8551 (S/MIME).
"""

from __future__ import annotations

import base64
import datetime
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import format_datetime

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms, mime
from integrations.protocols.as2.ber import Pieces
from integrations.protocols.as2.compression import compress
from integrations.protocols.as2.encryption import encrypt
from integrations.protocols.as2.names import disposition, write_as2_name
from integrations.protocols.as2.signatures import digest, sign
from integrations.protocols.as2.stations import Partner, Station, check_certificate

NONE, SYNC, ASYNC = "none", "sync", "async"
PKCS7 = "application/pkcs7-mime"
CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;\s*[\w-]+=(\"[ !#-\[\]-~]*\"|[\w.+-]+))*")


@dataclass(frozen=True)
class Wishes:
    """How a partner wants messages, and which receipt we want.

    `signing` and `encryption` are names of `algorithms`, or `none`. `receipt_url` is where an
    asynchronous receipt shall go. `oaep` packs the key with RSA-OAEP instead of PKCS #1 v1.5.
    """

    signing: str = "sha256"
    encryption: str = "aes256"
    compress: bool = False
    receipt: str = SYNC
    signed_receipt: bool = True
    receipt_url: str = ""
    subject: str = "Document"
    oaep: bool = False


@dataclass(frozen=True)
class Built:
    """`mic` is `base64, algorithm`: what the receipt must say."""

    headers: dict[str, str]
    body: bytes
    mic: str


def build(
    payload: bytes,
    *,
    content_type: str,
    filename: str,
    own: Station,
    partner: Partner,
    message_id: str,
    at: datetime.datetime,
    wishes: Wishes,
) -> Built:
    """Raises As2Refused, whose text tells the operator what to change."""
    inner = {
        "Content-Type": _checked_type(content_type),
        "Content-Disposition": disposition(filename),
    }
    headers, pieces, mic = _signed(inner, payload, own, partner, wishes, at)
    if wishes.encryption != NONE:
        headers, body = _encrypted([mime.head(headers), *pieces], partner, wishes, at)
    else:
        body = b"".join(pieces)
    return Built(_envelope(own, partner, message_id, at, wishes) | headers, body, mic)


def mic_of(pieces: Iterable[bytes | memoryview], how: algorithms.Digest) -> str:
    return f"{base64.b64encode(digest(pieces, how)).decode()}, {how.label}"


def multipart_signed(
    content: Pieces, own: Station, how: algorithms.Digest, at: datetime.datetime
) -> tuple[dict[str, str], Pieces]:
    """Headers and body of multipart/signed around an entity with its headers."""
    signature = sign(content, own.keys[0], how, at)
    boundary = f"=_{secrets.token_hex(24)}"
    headers = {
        "Content-Type": 'multipart/signed; protocol="application/pkcs7-signature"; '
        f'micalg={how.label}; boundary="{boundary}"'
    }
    part = mime.head(
        {
            "Content-Type": "application/pkcs7-signature; name=smime.p7s",
            "Content-Transfer-Encoding": "base64",
            "Content-Disposition": "attachment; filename=smime.p7s",
        }
    )
    line = f"--{boundary}".encode()
    end = [b"\r\n" + line + b"\r\n", part, base64.encodebytes(signature).replace(b"\n", b"\r\n")]
    return headers, [line + b"\r\n", *content, *end, b"\r\n" + line + b"--\r\n"]


def _signed(
    inner: dict[str, str],
    payload: bytes,
    own: Station,
    partner: Partner,
    wishes: Wishes,
    at: datetime.datetime,
) -> tuple[dict[str, str], Pieces, str]:
    """Compressed and signed as wished, and the MIC: over what is signed, else over the document
    with its headers, else, when nothing wraps it, over the document alone (RFC 4130 7.3.1,
    RFC 5402 4)."""
    inner = inner | {"Content-Transfer-Encoding": "binary"}
    plain: Pieces = [mime.head(inner), payload]
    is_bare = wishes.encryption == NONE and not wishes.compress
    headers, pieces = inner, plain[1:]
    if wishes.compress:
        headers, pieces = _typed("compressed-data", "smime.p7z"), [compress(*plain)]
    if wishes.signing == NONE:
        how = algorithms.DEFAULT_DIGEST
        return headers, pieces, mic_of([payload] if is_bare else plain, how)
    how = algorithms.signing_digest(wishes.signing, allow_legacy=partner.allow_legacy)
    content: Pieces = [mime.head(headers), *pieces]
    headers, pieces = multipart_signed(content, own, how, at)
    return headers, pieces, mic_of(content, how)


def _encrypted(
    pieces: Pieces, partner: Partner, wishes: Wishes, at: datetime.datetime
) -> tuple[dict[str, str], bytes]:
    cipher = algorithms.encrypting_cipher(wishes.encryption, allow_legacy=partner.allow_legacy)
    if not partner.certificates:
        raise As2Refused("The partner has no certificate: store it first.", "certificate")
    check_certificate(partner.certificates[0], at, allow_legacy=partner.allow_legacy)
    kind = "authEnveloped-data" if cipher.is_gcm else "enveloped-data"
    body = encrypt(pieces, partner.certificates[0], cipher, oaep=wishes.oaep)
    return _typed(kind, "smime.p7m"), body


def _typed(kind: str, name: str) -> dict[str, str]:
    return {
        "Content-Type": f"{PKCS7}; smime-type={kind}; name={name}",
        "Content-Transfer-Encoding": "binary",
        "Content-Disposition": f"attachment; filename={name}",
    }


def _envelope(
    own: Station, partner: Partner, message_id: str, at: datetime.datetime, wishes: Wishes
) -> dict[str, str]:
    headers = {
        "AS2-Version": "1.2",
        "MIME-Version": "1.0",
        "AS2-From": write_as2_name(own.as2_id),
        "AS2-To": write_as2_name(partner.as2_id),
        "Message-ID": message_id,
        "Date": format_datetime(at),
        "Subject": re.sub(r"[^ -~]", "_", wishes.subject)[:200] or "Document",
    }
    if wishes.receipt == NONE:
        return headers
    headers["Disposition-Notification-To"] = own.email or write_as2_name(own.as2_id)
    if wishes.signed_receipt:
        first = wishes.signing if wishes.signing != NONE else algorithms.DEFAULT_DIGEST.name
        how = algorithms.signing_digest(first, allow_legacy=partner.allow_legacy)
        headers["Disposition-Notification-Options"] = (
            "signed-receipt-protocol=optional, pkcs7-signature; "
            f"signed-receipt-micalg=optional, {how.label}"
        )
    if wishes.receipt == ASYNC:
        headers["Receipt-Delivery-Option"] = wishes.receipt_url
    return headers


def _checked_type(content_type: str) -> str:
    if not CONTENT_TYPE.fullmatch(content_type):
        raise As2Refused(
            "The content type is not one: write it like application/xml.", "content-type"
        )
    return content_type
