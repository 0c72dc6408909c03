"""Opens EnvelopedData and AuthEnvelopedData with one of our keys.

Whatever goes wrong is the same `decryption-failed`: a sender who learns whether a key or a padding
was right could have a captured message opened piece by piece (Bleichenbacher, Vaudenay). So a key
that cannot be unpacked is replaced by a random one, and the fault shows only at the content.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asn1crypto import cms
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms
from integrations.protocols.as2.ber import NOTHING, OCTETS, SEQUENCE, SET, BadBer, Ber
from integrations.protocols.as2.encryption import (
    AUTH_ENVELOPED,
    DATA,
    ENVELOPED,
    block_cipher,
    names,
)
from integrations.protocols.as2.stations import KeyPair

MOST_RECIPIENTS = 20
# What asn1crypto raises for values that are not what they should be.
UNREADABLE = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    RecursionError,
)
OAEP_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@dataclass(frozen=True)
class Secret:
    """The parts of the message, still closed."""

    recipients: tuple[bytes, ...]
    algorithm: cms.EncryptionAlgorithm
    content: memoryview
    authenticated: bytes = b""
    tag: bytes = b""


def failed() -> As2Refused:
    return As2Refused(
        "The message could not be decrypted: the partner may use an old certificate of ours.",
        "decryption-failed",
    )


def decrypt(
    message: bytes | memoryview, keys: Sequence[KeyPair], *, allow_legacy: bool
) -> tuple[bytearray, algorithms.Cipher]:
    """The plain content and how it was encrypted. Raises As2Refused."""
    try:
        secret = _read(message)
        cipher = algorithms.cipher_of(
            secret.algorithm["algorithm"].dotted, allow_legacy=allow_legacy
        )
        key = _content_key(secret, keys, cipher)
        if cipher.is_gcm:
            return _open_gcm(secret, key), cipher
        return _open_cbc(secret, key, cipher), cipher
    except UNREADABLE as error:
        raise failed() from error


def _read(message: bytes | memoryview) -> Secret:
    reader = Ber(message)
    reader.enter(SEQUENCE)
    kind = reader.element(0x06)
    if kind not in (ENVELOPED, AUTH_ENVELOPED):
        raise BadBer("nothing encrypted")
    reader.enter(0xA0)
    reader.enter(SEQUENCE)
    reader.element(0x02)
    if reader.peek() == 0xA0:
        reader.element(0xA0)
    recipients = _recipients(reader)
    reader.enter(SEQUENCE)
    if reader.element(0x06) != DATA:
        raise BadBer("no data inside")
    algorithm = cms.EncryptionAlgorithm.load(reader.element(SEQUENCE))
    content = reader.content(0x80)
    reader.leave()
    if kind == ENVELOPED:
        return Secret(recipients, algorithm, content)
    attributes = reader.element(0xA1) if reader.peek() == 0xA1 else b""
    tag = bytes(reader.content(OCTETS))
    # What is authenticated is the set itself, under its own tag (RFC 5083 2.2).
    return Secret(recipients, algorithm, content, attributes and b"\x31" + attributes[1:], tag)


def _recipients(reader: Ber) -> tuple[bytes, ...]:
    reader.enter(SET)
    found: list[bytes] = []
    while (tag := reader.peek()) != NOTHING:
        if len(found) >= MOST_RECIPIENTS:
            raise BadBer("too many recipients")
        found.append(reader.element(tag))
    reader.leave()
    return tuple(found)


def _content_key(secret: Secret, keys: Sequence[KeyPair], cipher: algorithms.Cipher) -> bytes:
    for encoded in secret.recipients:
        if encoded[0] != SEQUENCE:  # not by RSA
            continue
        recipient = cms.KeyTransRecipientInfo.load(encoded)
        for pair in keys:
            if names(recipient["rid"], pair.certificate):
                return _unpacked(recipient, pair, cipher.key_bytes)
    raise failed()


def _unpacked(recipient: cms.KeyTransRecipientInfo, pair: KeyPair, size: int) -> bytes:
    """The key, or a random one when it was not packed as it should be."""
    instead = os.urandom(size)
    padder = _padder(recipient["key_encryption_algorithm"])
    try:
        key = pair.key.decrypt(recipient["encrypted_key"].native, padder)
    except ValueError:
        return instead
    return key if len(key) == size else instead


def _padder(algorithm: cms.KeyEncryptionAlgorithm) -> padding.AsymmetricPadding:
    name = algorithm["algorithm"].native
    if name in ("rsaes_pkcs1v15", "rsa"):
        return padding.PKCS1v15()
    if name != "rsaes_oaep":
        raise BadBer("an unknown way to pack the key")
    parameters = algorithm["parameters"]
    digest = OAEP_HASHES[parameters["hash_algorithm"]["algorithm"].native]()
    mask = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    label = parameters["p_source_algorithm"]["parameters"].native
    return padding.OAEP(padding.MGF1(OAEP_HASHES[mask]()), digest, label or None)


def _open_cbc(secret: Secret, key: bytes, cipher: algorithms.Cipher) -> bytearray:
    size = len(secret.content)
    if size == 0 or size % cipher.block:
        raise failed()
    vector = secret.algorithm["parameters"].native
    decryptor = Cipher(block_cipher(cipher, key), CBC(vector)).decryptor()
    plain = bytearray(size + cipher.block)
    decryptor.update_into(secret.content, plain)
    count = plain[size - 1]
    padded = bytes((count,)) * min(max(count, 1), cipher.block)
    if not constant_time.bytes_eq(bytes(plain[size - len(padded) : size]), padded):
        raise failed()
    if not 1 <= count <= cipher.block:
        raise failed()
    del plain[size - count :]
    return plain


def _open_gcm(secret: Secret, key: bytes) -> bytearray:
    nonce, tag_size = _gcm_parameters(secret.algorithm)
    if len(secret.tag) != tag_size:
        raise failed()
    mode = GCM(nonce, secret.tag, min_tag_length=12)
    decryptor = Cipher(AES(key), mode).decryptor()
    decryptor.authenticate_additional_data(secret.authenticated)
    size = len(secret.content)
    plain = bytearray(size + 16)
    decryptor.update_into(secret.content, plain)
    try:
        decryptor.finalize()
    except InvalidTag as error:
        raise failed() from error
    del plain[size:]
    return plain


def _gcm_parameters(algorithm: cms.EncryptionAlgorithm) -> tuple[bytes, int]:
    """Nonce and size of the tag; asn1crypto knows no parameters of GCM."""
    reader = Ber(algorithm["parameters"].dump())
    reader.enter(SEQUENCE)
    nonce = bytes(reader.content(OCTETS))
    if reader.peek() == NOTHING:
        return nonce, 12
    return nonce, int.from_bytes(reader.element(0x02)[2:], "big")
