"""Opens an AS2 message that came by HTTP, and refuses everything that is not as agreed.

The layers, from the outside: encrypted, compressed, signed, compressed; each may be missing as far
as the partner's rules allow it, and only one of the two compressions may be there. Every refusal
is an As2Refused whose code is the word for the receipt (RFC 4130 7.5.3, RFC 5402 5).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms, mime
from integrations.protocols.as2.ber import SEQUENCE, BadBer, Ber
from integrations.protocols.as2.building import mic_of
from integrations.protocols.as2.compression import COMPRESSED, decompress
from integrations.protocols.as2.decryption import decrypt, failed
from integrations.protocols.as2.encryption import AUTH_ENVELOPED, ENVELOPED
from integrations.protocols.as2.names import safe_file_name
from integrations.protocols.as2.signatures import Content, Signer, verify
from integrations.protocols.as2.stations import Limits, Partner, Station

PKCS7_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
SIGNATURE_TYPES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
TOO_LITTLE = "insufficient-message-security"
FORM = ("unexpected-processing-error", "decompression-failed")


@dataclass(frozen=True)
class Opened:
    """`mic` is base64, `mic_alg` its algorithm in the sender's spelling.

    `filename` is safe to show. `algorithms` names what was used: encryption, signature.
    """

    payload: bytes
    filename: str
    content_type: str
    mic: str
    mic_alg: str
    was_signed: bool
    was_encrypted: bool
    was_compressed: bool
    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class _State:
    """What has been taken off so far."""

    entity: mime.Entity
    used: tuple[str, ...] = ()
    is_encrypted: bool = False
    is_malleable: bool = False  # CBC proves nothing about what it holds
    is_compressed: bool = False
    signer: Signer | None = None
    label: str = ""


def open_message(
    headers: Mapping[str, str],
    body: bytes | bytearray,
    own: Station,
    partner: Partner,
    *,
    at: datetime.datetime,
    limits: Limits | None = None,
) -> Opened:
    """Raises As2Refused."""
    limits = limits or Limits()
    if len(body) > limits.wire:
        raise As2Refused(
            "The message is too large: send it in smaller ones.", "unexpected-processing-error"
        )
    state = _decrypted(_State(mime.from_http(headers, body)), own, partner)
    try:
        state = _decompressed(state, limits)
        state = _verified(state, partner, at)
        _check_rules(state, partner)
    except As2Refused as error:
        raise _hidden(error, state) from error
    state = _decompressed(state, limits)
    if state.entity.type in (*PKCS7_TYPES, "multipart/signed"):
        raise mime.bad("The message has more layers than AS2 knows.")
    return _opened(state, headers, partner, limits)


def _decrypted(state: _State, own: Station, partner: Partner) -> _State:
    entity = state.entity
    if _cms_kind(entity) not in (ENVELOPED, AUTH_ENVELOPED):
        return state
    plain, cipher = decrypt(entity.decoded(), own.keys, allow_legacy=partner.allow_legacy)
    try:
        inner = mime.parse(plain)
    except As2Refused as error:
        raise failed() from error
    if not inner.type:
        raise failed()
    return replace(
        state, entity=inner, used=(cipher.name,), is_encrypted=True, is_malleable=not cipher.is_gcm
    )


def _hidden(error: As2Refused, state: _State) -> As2Refused:
    """The partner must not learn the form of a malleable message, nor by it the padding (see
    `decryption`); the operator reads the true text."""
    if state.is_malleable and error.code in FORM:
        return As2Refused(str(error), failed().code)
    return error


def _decompressed(state: _State, limits: Limits) -> _State:
    if _cms_kind(state.entity) != COMPRESSED:
        return state
    if state.is_compressed:
        raise As2Refused(
            "The message is compressed twice: compress it once.", "decompression-failed"
        )
    plain = decompress(state.entity.decoded(), limits)
    return replace(state, entity=mime.parse(plain), is_compressed=True)


def _verified(state: _State, partner: Partner, at: datetime.datetime) -> _State:
    entity = state.entity
    if entity.type != "multipart/signed":
        return state
    content, signature = _two_parts(entity)
    signer = verify(
        _readings(content),
        signature.decoded(),
        partner.certificates,
        at,
        allow_legacy=partner.allow_legacy,
    )
    if isinstance(signer.content, bytes):  # what counts is what was signed
        content = mime.parse(signer.content)
    label = entity.parameter("micalg")
    fits = algorithms.digest_named(label) == signer.digest
    return replace(
        state,
        entity=content,
        signer=signer,
        label=label if fits else signer.digest.label,
        used=(*state.used, signer.digest.name),
    )


def _readings(content: mime.Entity) -> Iterator[Content]:
    """As it came; else, if it is text, with the line ends it was signed with."""
    yield content.raw
    yield mime.canonical(content)


def _two_parts(entity: mime.Entity) -> tuple[mime.Entity, mime.Entity]:
    found = mime.parts(entity)
    if len(found) != 2 or found[1].type not in SIGNATURE_TYPES:
        raise mime.bad("The signed message has no content and one signature.")
    return found[0], found[1]


def _check_rules(state: _State, partner: Partner) -> None:
    if partner.require_encrypted and not state.is_encrypted:
        raise As2Refused("The message is not encrypted: this partner must encrypt.", TOO_LITTLE)
    if partner.require_signed and state.signer is None:
        code = failed().code if state.is_malleable else TOO_LITTLE
        raise As2Refused("The message is not signed: this partner must sign.", code)


def _opened(state: _State, headers: Mapping[str, str], partner: Partner, limits: Limits) -> Opened:
    entity = state.entity
    payload = bytes(entity.decoded())
    if len(payload) > limits.plain:
        raise mime.bad("The document is too large: send it in smaller ones.")
    mic, label = _mic(state, headers, partner)
    return Opened(
        payload=payload,
        filename=safe_file_name(mime.file_name_of(entity.headers)),
        content_type=entity.type or "application/octet-stream",
        mic=mic,
        mic_alg=label,
        was_signed=state.signer is not None,
        was_encrypted=state.is_encrypted,
        was_compressed=state.is_compressed,
        algorithms=state.used,
    )


def _mic(state: _State, headers: Mapping[str, str], partner: Partner) -> tuple[str, str]:
    """Over what was signed; else over the document with its headers; else, when nothing wraps it,
    over the document alone (RFC 4130 7.3.1, RFC 5402 4)."""
    if state.signer is not None:
        mic = mic_of([state.signer.content], state.signer.digest)
        return mic.partition(",")[0], state.label
    wanted = requested_digests(headers)
    how = algorithms.receipt_digest(wanted, allow_legacy=partner.allow_legacy)
    label = next((name for name in wanted if algorithms.digest_named(name) == how), how.label)
    is_wrapped = state.is_encrypted or state.is_compressed
    content = mime.canonical(state.entity) if is_wrapped else state.entity.content
    return mic_of([content], how).partition(",")[0], label


def requested_digests(headers: Mapping[str, str]) -> Sequence[str]:
    """What the sender lists as signed-receipt-micalg in Disposition-Notification-Options."""
    lower = {name.lower(): value for name, value in headers.items()}
    for option in lower.get("disposition-notification-options", "").split(";"):
        name, _, value = option.partition("=")
        if name.strip().lower() == "signed-receipt-micalg":
            return [word.strip() for word in value.split(",")[:6]]
    return []


def _cms_kind(entity: mime.Entity) -> bytes:
    """Which CMS message this entity is, by what it holds; empty when it is none."""
    if entity.type not in PKCS7_TYPES:
        return b""
    try:
        reader = Ber(entity.decoded())
        reader.enter(SEQUENCE)
        return reader.element(0x06)
    except BadBer as error:
        raise mime.bad("A part of the message is no CMS message.") from error
