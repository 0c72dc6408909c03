"""Who talks to whom: our own station with its keys, the partner with the certificates we keep."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from integrations.exceptions import As2Refused

MB = 1024 * 1024
SHORTEST_RSA, SHORTEST_LEGACY_RSA = 2048, 1024
KEPT_KEYS = 512  # loading a key takes about 100 ms
NO_CERTIFICATE = (
    *(ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


@dataclass(frozen=True)
class KeyPair:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True)
class Station:
    """Our side. The first key signs; all of them, two during a renewal, decrypt."""

    as2_id: str
    keys: tuple[KeyPair, ...]
    email: str = ""


@dataclass(frozen=True)
class Partner:
    """The other side. The first certificate encrypts; each of them, two during a renewal, signs."""

    as2_id: str
    certificates: tuple[x509.Certificate, ...]
    require_signed: bool = True
    require_encrypted: bool = True
    allow_legacy: bool = False


@dataclass(frozen=True)
class Limits:
    """In bytes. Above `free` a compressed part may grow to `ratio` times its size."""

    wire: int = 64 * MB
    plain: int = 64 * MB
    ratio: int = 200
    free: int = MB


@lru_cache(maxsize=KEPT_KEYS)
def load_key_pair(key_pem: str, certificate_pem: str) -> KeyPair:
    """Kept per process. Raises As2Refused."""
    certificate = load_certificate(certificate_pem)
    try:
        key = load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise As2Refused("The private key cannot be read: make a new one.", "key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise As2Refused("The private key is no RSA key: make a new one.", "key")
    if key.public_key() != certificate.public_key():
        raise As2Refused("The certificate does not belong to the private key.", "key")
    return KeyPair(key, certificate)


@lru_cache(maxsize=KEPT_KEYS)
def load_certificate(pem: str) -> x509.Certificate:
    """Kept per process. Raises As2Refused."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.public_key()
    except NO_CERTIFICATE as error:
        raise As2Refused(
            "The certificate cannot be read: upload it again.", "certificate"
        ) from error
    return certificate


def check_certificate(
    certificate: x509.Certificate, at: datetime.datetime, *, allow_legacy: bool
) -> None:
    """It is valid now and its key is long enough. Raises As2Refused."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise As2Refused(
            "The partner's certificate is not valid at this time: ask for a new one and store it.",
            "certificate",
        )
    check_key(certificate, allow_legacy=allow_legacy)


def check_key(certificate: x509.Certificate, *, allow_legacy: bool) -> None:
    """RSA from 2048 bits (1024 for legacy partners), or an elliptic curve from 256 bits."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        is_strong = key.key_size >= (SHORTEST_LEGACY_RSA if allow_legacy else SHORTEST_RSA)
    else:
        is_strong = isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256
    if not is_strong:
        raise As2Refused(
            "The key of the partner's certificate is too short or of an unknown kind: "
            "ask for one with RSA of at least 2048 bits.",
            "certificate",
        )
