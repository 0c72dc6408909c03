"""The certificates of AS2: our own made, renewed and switched over; the partner's read."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from integrations import audit
from integrations.audit import Entry
from integrations.choices import Operation, Protocol
from integrations.exceptions import As2Refused, IntegrationError
from integrations.models import As2Connection, Integration
from integrations.protocols.as2.stations import NO_CERTIFICATE, check_key, load_certificate

Actor = AbstractBaseUser | AnonymousUser | None

BITS = 3072
LASTS = datetime.timedelta(days=730)
OVERLAP = datetime.timedelta(days=14)  # until the next one signs, and then until the old one goes
BACKDATED = datetime.timedelta(hours=1)  # the partner's clock may be behind
NOTICE_DAYS = (30, 7, 1, 0)
PEM_MARK = b"-----BEGIN CERTIFICATE-----"
OWN, NEXT = ("self_certificate", "self_key"), ("next_certificate", "next_key")
SHOWN = {
    "self_certificate": "own AS2 certificate",
    "next_certificate": "next own AS2 certificate",
    "recipient_certificate": "partner's AS2 certificate",
    "recipient_certificate_next": "partner's next AS2 certificate",
}


@dataclass(frozen=True)
class Certificate:
    """`fingerprint` is that of SHA-256, in pairs."""

    pem: str
    subject: str
    fingerprint: str
    not_before: datetime.datetime
    not_after: datetime.datetime


@dataclass(frozen=True)
class Expiring:
    integration: Integration
    which: str
    expires_at: datetime.datetime


def parse(data: bytes) -> Certificate:
    """An uploaded or pasted certificate, PEM or DER. Raises As2Refused, for the form."""
    if b"PRIVATE KEY" in data:
        raise _bad("This file has a private key in it: ask for the certificate alone.")
    try:
        certificate = _only(data) if PEM_MARK in data else x509.load_der_x509_certificate(data)
        check_key(certificate, allow_legacy=True)
        return Certificate(
            pem=certificate.public_bytes(Encoding.PEM).decode(),
            subject=certificate.subject.rfc4514_string(),
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )
    except NO_CERTIFICATE as error:
        raise _bad("This is no certificate: upload a .pem, .cer or .crt file.") from error


def ensure(as2: As2Connection, *, by: Actor = None, at: datetime.datetime) -> bool:
    """Our first key and certificate; False when there is one already."""
    if as2.self_certificate and as2.self_key:
        return False
    _put(as2, OWN, at, None)
    _tell(as2, "The first certificate of our station", by, at)
    return True


def renew(
    as2: As2Connection,
    *,
    by: Actor = None,
    at: datetime.datetime,
    switch_at: datetime.datetime | None = None,
) -> None:
    """A next key and certificate beside the present ones, which sign from `switch_at` on.

    Raises As2Refused while another renewal goes on.
    """
    if not as2.self_certificate:
        ensure(as2, by=by, at=at)
        return
    if as2.next_certificate:
        raise _bad("There is a next certificate already: switch over to it first.")
    _put(as2, NEXT, at, switch_at or at + OVERLAP)
    _tell(as2, f"The next certificate, which signs from {as2.switch_at:%Y-%m-%d} on", by, at)


def switch_over(as2: As2Connection, *, by: Actor = None, at: datetime.datetime) -> None:
    """Sign with the next certificate from now on; messages for the old one are still opened.

    Raises As2Refused when there is none.
    """
    if not as2.next_certificate:
        raise _bad("There is no next certificate: renew first.")
    as2.switch_at = at
    as2.save(update_fields=["switch_at"])
    _tell(as2, "The next certificate signs from now on", by, at)


def finish_renewals(at: datetime.datetime) -> int:
    """Let go of old certificates two weeks after the next ones began to sign; how many."""
    rows = As2Connection.objects.exclude(next_certificate="").filter(switch_at__lte=at - OVERLAP)
    count = 0
    for as2 in rows.select_related("integration"):
        as2.self_certificate, as2.self_key = as2.next_certificate, as2.next_key
        as2.next_certificate, as2.next_key, as2.switch_at = "", "", None
        as2.save(update_fields=[*OWN, *NEXT, "switch_at"])
        _tell(as2, "The old certificate of our station is gone", None, at)
        count += 1
    return count


def expiring(at: datetime.datetime) -> Iterator[Expiring]:
    """What ends in 30, 7, 1 or no days; asked once a day. What was replaced is left out."""
    rows = As2Connection.objects.filter(
        integration__active=True, integration__protocol=Protocol.AS2
    ).select_related("integration__mailbox__account__default_mailbox")
    for as2 in rows:
        for name in _in_use(as2):
            try:
                ends = load_certificate(getattr(as2, name)).not_valid_after_utc
            except IntegrationError:
                continue
            if (ends - at).days in NOTICE_DAYS:
                yield Expiring(as2.integration, SHOWN[name], ends)


def _in_use(as2: As2Connection) -> Iterator[str]:
    for now, following in (
        ("self_certificate", "next_certificate"),
        ("recipient_certificate", "recipient_certificate_next"),
    ):
        if getattr(as2, following):
            yield following
        elif getattr(as2, now):
            yield now


def _only(data: bytes) -> x509.Certificate:
    """The one that is nobody's issuer, of a file that may hold a chain."""
    found = x509.load_pem_x509_certificates(data)
    issuers = {each.issuer for each in found if each.issuer != each.subject}
    leaves = [each for each in found if each.subject not in issuers]
    if len(leaves) != 1:
        raise _bad("This file has several certificates: upload the partner's own one alone.")
    return leaves[0]


def _put(
    as2: As2Connection,
    columns: tuple[str, str],
    at: datetime.datetime,
    switch_at: datetime.datetime | None,
) -> None:
    certificate, key = _made(as2.self_id, at)
    setattr(as2, columns[0], certificate)
    setattr(as2, columns[1], key)
    as2.switch_at = switch_at
    if as2.pk:
        as2.save(update_fields=[*columns, "switch_at"])
    else:
        as2.save()


def _made(name: str, at: datetime.datetime) -> tuple[str, str]:
    """A self-signed certificate and its key, both PEM."""
    key = rsa.generate_private_key(65537, BITS)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64] or "AS2")])
    usage = x509.KeyUsage(
        **{"digital_signature": True, "key_encipherment": True},
        **{"content_commitment": False, "data_encipherment": False, "key_agreement": False},
        **{"key_cert_sign": False, "crl_sign": False},
        **{"encipher_only": False, "decipher_only": False},
    )
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + LASTS)
        .add_extension(usage, critical=True)
        .add_extension(key_id, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), private.decode()


def _tell(as2: As2Connection, text: str, by: Actor, at: datetime.datetime) -> None:
    actor = by.get_username() if by else ""
    entry = Entry(
        Operation.CERTIFICATE,
        text,
        mailbox=as2.integration.mailbox_id,
        actor=actor or audit.SYSTEM,
    )
    with transaction.atomic():
        audit.write([entry], at=at)


def _bad(text: str) -> As2Refused:
    return As2Refused(text, "certificate")
