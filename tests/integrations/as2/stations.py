"""Two stations that know one another, and what one sends to the other."""

from __future__ import annotations

import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from integrations.protocols.as2 import building, opening
from integrations.protocols.as2.building import Wishes
from integrations.protocols.as2.stations import KeyPair, Partner, Station

AT = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=datetime.UTC)
ORDER = b"UNA:+.? 'UNH+1+ORDERS:D:96A:UN'\r\nBGM+220+4711+9'\r\n"
MESSAGE_ID = "<1@studio.example.com>"


@lru_cache(maxsize=16)
def pair(name: str, *, bits: int = 2048, days: int = 36_500) -> KeyPair:
    key = rsa.generate_private_key(65537, bits)
    return KeyPair(key, certificate(name, key, days=days))


def certificate(name, key, *, days=36_500, begin=AT - datetime.timedelta(days=1)):
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


@lru_cache(maxsize=2)
def curve_pair():
    key = ec.generate_private_key(ec.SECP256R1())
    return KeyPair(key, certificate("curve", key))


def studio(*keys):
    return Station("STUDIO", keys or (pair("studio"),), "as2@example.com")


def acme(*keys):
    return Station("ACME", keys or (pair("acme"),))


def as_partner(station, **fields):
    certificates = tuple(key.certificate for key in station.keys)
    return Partner(station.as2_id, certificates, **fields)


def build(payload=ORDER, *, own=None, partner=None, filename="orders.edi", **wishes):
    """What ACME sends to the studio."""
    return building.build(
        payload,
        content_type="application/EDIFACT",
        filename=filename,
        own=own or acme(),
        partner=partner or as_partner(studio(), allow_legacy=True),
        message_id=MESSAGE_ID,
        at=AT,
        wishes=Wishes(**wishes),
    )


def receive(headers, body, *, own=None, partner=None, at=AT, limits=None):
    """The studio opens what came from ACME."""
    partner = partner or as_partner(acme())
    return opening.open_message(headers, body, own or studio(), partner, at=at, limits=limits)


def pem_files(folder, name, key_pair):
    """The paths of a key and a certificate, for other programs."""
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    key.write_bytes(key_pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    cert.write_bytes(key_pair.certificate.public_bytes(Encoding.PEM))
    return key, cert
