"""Detached signatures (RFC 5652 5, RFC 8551): made with our key, checked with kept certificates.

Certificates inside a message prove nothing and are not looked at.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asn1crypto import cms, core
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms
from integrations.protocols.as2.ber import (
    NOTHING,
    OCTETS,
    SEQUENCE,
    SET,
    BadBer,
    Ber,
    der,
    integer,
    oid,
)
from integrations.protocols.as2.decryption import UNREADABLE
from integrations.protocols.as2.encryption import DATA, NULL, RSA_15, issuer_and_serial, names
from integrations.protocols.as2.stations import KeyPair, check_certificate

SIGNED = oid("1.2.840.113549.1.7.2")
CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
SIGNING_TIME = oid("1.2.840.113549.1.9.5")
LARGEST = 256 * 1024

Content = bytes | memoryview


@dataclass(frozen=True)
class Signer:
    """Who signed which bytes, and with which digest."""

    certificate: x509.Certificate
    digest: algorithms.Digest
    content: Content


def digest(content: Iterable[Content], how: algorithms.Digest) -> bytes:
    running = hashlib.new(how.name, usedforsecurity=False)
    for piece in content:
        running.update(piece)
    return running.digest()


def sign(
    content: Iterable[Content], pair: KeyPair, how: algorithms.Digest, at: datetime.datetime
) -> bytes:
    """A CMS message with the signature of the pieces, and without the pieces."""
    attributes = sorted(
        der(SEQUENCE, name, der(SET, value))
        for name, value in (
            (CONTENT_TYPE, DATA),
            (MESSAGE_DIGEST, der(OCTETS, digest(content, how))),
            (SIGNING_TIME, core.UTCTime(at).dump()),
        )
    )
    signature = pair.key.sign(der(SET, *attributes), padding.PKCS1v15(), how.hash)
    algorithm = der(SEQUENCE, oid(how.oid), NULL)
    signer = der(
        SEQUENCE,
        integer(1),
        issuer_and_serial(pair.certificate),
        algorithm,
        der(0xA0, *attributes),
        RSA_15,
        der(OCTETS, signature),
    )
    data = der(
        SEQUENCE,
        integer(1),
        der(SET, algorithm),
        der(SEQUENCE, DATA),
        der(0xA0, pair.certificate.public_bytes(Encoding.DER)),
        der(SET, signer),
    )
    return der(SEQUENCE, SIGNED, der(0xA0, data))


def verify(
    readings: Iterable[Content],
    message: Content,
    certificates: Sequence[x509.Certificate],
    at: datetime.datetime,
    *,
    allow_legacy: bool,
) -> Signer:
    """Who signed one of the readings of the content, the first that fits. Raises As2Refused."""
    try:
        signer = cms.SignerInfo.load(_only_signer(message))
        certificate = _certificate_of(signer, certificates)
        how = algorithms.digest_of(
            signer["digest_algorithm"]["algorithm"].dotted, allow_legacy=allow_legacy
        )
        promised = _signed_digest(signer)
        _check_signature(signer, certificate, how)
    except UNREADABLE as error:
        raise _unauthentic("The signature cannot be read.") from error
    try:
        check_certificate(certificate, at, allow_legacy=allow_legacy)
    except As2Refused as error:
        raise _unauthentic(str(error)) from error
    for reading in readings:
        if digest([reading], how) == promised:
            return Signer(certificate, how, reading)
    raise As2Refused(
        "The content is not what was signed: it was changed on its way.", "integrity-check-failed"
    )


def _unauthentic(text: str) -> As2Refused:
    return As2Refused(text, "authentication-failed")


def _only_signer(message: Content) -> bytes:
    """Down to the one SignerInfo; what comes before it is skipped."""
    if len(message) > LARGEST:
        raise BadBer("a signature of this size")
    reader = Ber(message)
    reader.enter(SEQUENCE)
    if reader.element(0x06) != SIGNED:
        raise BadBer("no signed data")
    reader.enter(0xA0)
    reader.enter(SEQUENCE)
    reader.element(0x02)
    reader.element(SET)
    reader.enter(SEQUENCE)
    if reader.element(0x06) != DATA:
        raise BadBer("not a signature of data")
    reader.leave()  # a content of its own would be another than the one that is read
    for tag in (0xA0, 0xA1):
        if reader.peek() == tag:
            reader.element(tag)
    reader.enter(SET)
    signer = reader.element(SEQUENCE)
    if reader.peek() != NOTHING:
        raise BadBer("more than one signer")
    return signer


def _certificate_of(
    signer: cms.SignerInfo, certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    for certificate in certificates:
        if names(signer["sid"], certificate):
            return certificate
    raise _unauthentic(
        "The signature is of nobody we know: store the certificate the partner signs with."
    )


def _signed_digest(signer: cms.SignerInfo) -> bytes:
    """The digest that was signed, out of attributes that must be there once."""
    found: dict[str, list[object]] = {"content_type": [], "message_digest": []}
    for attribute in signer["signed_attrs"]:
        name = attribute["type"].native
        if name in found:
            found[name].extend(attribute["values"].native)
    if found["content_type"] != ["data"] or len(found["message_digest"]) != 1:
        raise BadBer("the signed attributes are missing or there twice")
    (promised,) = found["message_digest"]
    if not isinstance(promised, bytes):
        raise BadBer("the digest is none")
    return promised


def _check_signature(
    signer: cms.SignerInfo, certificate: x509.Certificate, how: algorithms.Digest
) -> None:
    method = signer["signature_algorithm"]
    name = method["algorithm"].native
    if name != "rsassa_pkcs1v15" and method.hash_algo != how.name:
        raise BadBer("the signature uses another digest than it says")
    signed = b"\x31" + signer["signed_attrs"].dump()[1:]
    signature = signer["signature"].native
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _rsa_padding(method, how), how.hash)
        elif isinstance(key, ec.EllipticCurvePublicKey) and name.endswith("_ecdsa"):
            key.verify(signature, signed, ec.ECDSA(how.hash))
        else:
            raise BadBer("a signature of another kind than the key")
    except InvalidSignature as error:
        raise _unauthentic("The signature is not the partner's.") from error


def _rsa_padding(
    method: cms.SignedDigestAlgorithm, how: algorithms.Digest
) -> padding.AsymmetricPadding:
    if method.signature_algo == "rsassa_pss":
        return padding.PSS(padding.MGF1(how.hash), int(method["parameters"]["salt_length"].native))
    if method.signature_algo == "rsassa_pkcs1v15":
        return padding.PKCS1v15()
    raise BadBer("a signature of another kind than the key")
