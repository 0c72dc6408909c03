"""The algorithms of AS2 by the names that operators and partners use, and which are allowed.

Never: MD5, RC2, RC4, DES. Only for a partner that is marked as legacy: SHA-1 and 3DES.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes

from integrations.exceptions import As2Refused


@dataclass(frozen=True)
class Digest:
    """`label` is its name in headers (RFC 5751), `oid` its object identifier."""

    name: str
    label: str
    oid: str
    kind: Callable[[], hashes.HashAlgorithm]
    is_legacy: bool = False

    @property
    def hash(self) -> hashes.HashAlgorithm:
        return self.kind()


@dataclass(frozen=True)
class Cipher:
    """`key_bytes` of 24 with a `block` of 8 is Triple-DES; everything else is AES."""

    name: str
    oid: str
    key_bytes: int
    is_gcm: bool = False
    block: int = 16
    is_legacy: bool = False


DIGESTS = (
    Digest("sha256", "sha-256", "2.16.840.1.101.3.4.2.1", hashes.SHA256),
    Digest("sha384", "sha-384", "2.16.840.1.101.3.4.2.2", hashes.SHA384),
    Digest("sha512", "sha-512", "2.16.840.1.101.3.4.2.3", hashes.SHA512),
    Digest("sha1", "sha1", "1.3.14.3.2.26", hashes.SHA1, is_legacy=True),
)
CIPHERS = (
    Cipher("aes256", "2.16.840.1.101.3.4.1.42", 32),
    Cipher("aes192", "2.16.840.1.101.3.4.1.22", 24),
    Cipher("aes128", "2.16.840.1.101.3.4.1.2", 16),
    Cipher("aes256-gcm", "2.16.840.1.101.3.4.1.46", 32, is_gcm=True),
    Cipher("aes192-gcm", "2.16.840.1.101.3.4.1.26", 24, is_gcm=True),
    Cipher("aes128-gcm", "2.16.840.1.101.3.4.1.6", 16, is_gcm=True),
    Cipher("3des", "1.2.840.113549.3.7", 24, block=8, is_legacy=True),
)
DEFAULT_DIGEST = DIGESTS[0]


def digest_named(name: str) -> Digest | None:
    """By any spelling: `sha-256`, `SHA256`, `sha2-256`."""
    plain = name.strip().lower().replace("-", "").replace("_", "")
    plain = {"sha2256": "sha256", "sha2384": "sha384", "sha2512": "sha512"}.get(plain, plain)
    return next((digest for digest in DIGESTS if digest.name == plain), None)


def digest_of(oid: str, *, allow_legacy: bool) -> Digest:
    """Raises As2Refused."""
    for digest in DIGESTS:
        if digest.oid == oid and (allow_legacy or not digest.is_legacy):
            return digest
    raise As2Refused(
        "The signature uses a digest that is not allowed for this partner. "
        "Ask for SHA-256, or allow legacy algorithms.",
        "insufficient-message-security",
    )


def cipher_of(oid: str, *, allow_legacy: bool) -> Cipher:
    """Raises As2Refused."""
    for cipher in CIPHERS:
        if cipher.oid == oid and (allow_legacy or not cipher.is_legacy):
            return cipher
    raise As2Refused(
        "The message is encrypted in a way that is not allowed for this partner. "
        "Ask for AES, or allow legacy algorithms.",
        "insufficient-message-security",
    )


def signing_digest(name: str, *, allow_legacy: bool) -> Digest:
    """For what we send. Raises As2Refused."""
    digest = digest_named(name)
    if digest is None or (digest.is_legacy and not allow_legacy):
        raise As2Refused(f"Signing with {name} is not allowed: choose SHA-256.", "algorithm")
    return digest


def encrypting_cipher(name: str, *, allow_legacy: bool) -> Cipher:
    """For what we send. Raises As2Refused."""
    for cipher in CIPHERS:
        if cipher.name == name and (allow_legacy or not cipher.is_legacy):
            return cipher
    raise As2Refused(f"Encrypting with {name} is not allowed: choose AES-256.", "algorithm")


def receipt_digest(wanted: Sequence[str], *, allow_legacy: bool) -> Digest:
    """The first that the sender of an unsigned message listed and we may use, else SHA-256."""
    known = (digest_named(name) for name in wanted)
    allowed = (digest for digest in known if digest and (allow_legacy or not digest.is_legacy))
    return next(allowed, DEFAULT_DIGEST)
