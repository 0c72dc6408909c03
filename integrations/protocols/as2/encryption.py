"""EnvelopedData and AuthEnvelopedData (RFC 5652 6, RFC 5083, RFC 5084) for a certificate."""

from __future__ import annotations

import os

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import (
    AEADEncryptionContext,
    BlockCipherAlgorithm,
    Cipher,
)
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, GCM

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms
from integrations.protocols.as2.ber import (
    OCTETS,
    SEQUENCE,
    SET,
    Pieces,
    der,
    integer,
    oid,
    wrap,
)
from integrations.protocols.as2.stations import NO_CERTIFICATE

ENVELOPED = oid("1.2.840.113549.1.7.3")
AUTH_ENVELOPED = oid("1.2.840.113549.1.9.16.1.23")
DATA = oid("1.2.840.113549.1.7.1")
NULL = b"\x05\x00"
RSA_15 = der(SEQUENCE, oid("1.2.840.113549.1.1.1"), NULL)
OAEP = oid("1.2.840.113549.1.1.7")
SHA256 = der(SEQUENCE, oid("2.16.840.1.101.3.4.2.1"), NULL)
MGF1 = der(SEQUENCE, oid("1.2.840.113549.1.1.8"), SHA256)
OAEP_256 = der(SEQUENCE, OAEP, der(SEQUENCE, der(0xA0, SHA256), der(0xA1, MGF1)))
GCM_NONCE, GCM_TAG = 12, 16


def encrypt(
    pieces: Pieces, certificate: x509.Certificate, cipher: algorithms.Cipher, *, oaep: bool = False
) -> bytes:
    """A CMS message for the holder of the certificate. Raises As2Refused."""
    key = os.urandom(cipher.key_bytes)
    recipient = _recipient(certificate, key, oaep=oaep)
    if cipher.is_gcm:
        return _auth_enveloped(pieces, recipient, cipher, key)
    vector = os.urandom(cipher.block)
    encryptor = Cipher(block_cipher(cipher, key), CBC(vector)).encryptor()
    missing = cipher.block - sum(map(len, pieces)) % cipher.block
    secret: list[bytes | memoryview] = [
        encryptor.update(piece) for piece in (*pieces, bytes((missing,)) * missing)
    ]
    secret.append(encryptor.finalize())
    algorithm = der(SEQUENCE, oid(cipher.oid), der(OCTETS, vector))
    content = wrap(SEQUENCE, [DATA, algorithm, *wrap(0x80, secret)])
    data = wrap(SEQUENCE, [integer(0), der(SET, recipient), *content])
    return b"".join(wrap(SEQUENCE, [ENVELOPED, *wrap(0xA0, data)]))


def _auth_enveloped(
    pieces: Pieces, recipient: bytes, cipher: algorithms.Cipher, key: bytes
) -> bytes:
    nonce = os.urandom(GCM_NONCE)
    encryptor: AEADEncryptionContext = Cipher(AES(key), GCM(nonce)).encryptor()
    secret: list[bytes | memoryview] = [encryptor.update(piece) for piece in pieces]
    secret.append(encryptor.finalize())
    parameters = der(SEQUENCE, der(OCTETS, nonce), integer(GCM_TAG))
    content = wrap(
        SEQUENCE, [DATA, der(SEQUENCE, oid(cipher.oid), parameters), *wrap(0x80, secret)]
    )
    data = wrap(SEQUENCE, [integer(0), der(SET, recipient), *content, der(OCTETS, encryptor.tag)])
    return b"".join(wrap(SEQUENCE, [AUTH_ENVELOPED, *wrap(0xA0, data)]))


def block_cipher(cipher: algorithms.Cipher, key: bytes) -> BlockCipherAlgorithm:
    return TripleDES(key) if cipher.block == 8 else AES(key)


def _recipient(certificate: x509.Certificate, key: bytes, *, oaep: bool) -> bytes:
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        raise As2Refused(
            "The partner's certificate has no RSA key, so nothing can be encrypted to it: "
            "ask for one that has.",
            "certificate",
        )
    padder: padding.AsymmetricPadding = padding.PKCS1v15()
    if oaep:
        padder = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return der(
        SEQUENCE,
        integer(0),
        issuer_and_serial(certificate),
        OAEP_256 if oaep else RSA_15,
        der(OCTETS, public.encrypt(key, padder)),
    )


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    return der(SEQUENCE, certificate.issuer.public_bytes(), integer(certificate.serial_number))


def names(
    identifier: cms.RecipientIdentifier | cms.SignerIdentifier, certificate: x509.Certificate
) -> bool:
    """Whether a signer or recipient is the holder of this certificate."""
    if identifier.name == "issuer_and_serial_number":
        found = identifier.chosen
        return bool(
            found["serial_number"].native == certificate.serial_number
            and found["issuer"].dump() == certificate.issuer.public_bytes()
        )
    return bool(identifier.chosen.native == key_identifier(certificate))


def key_identifier(certificate: x509.Certificate) -> bytes:
    """As the certificate has it, else as RFC 5280 4.2.1.2 makes it."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (x509.ExtensionNotFound, *NO_CERTIFICATE):
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    return extension.value.digest
