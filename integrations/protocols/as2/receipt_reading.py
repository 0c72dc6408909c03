"""Reads a receipt (MDN) of a partner: what became of a message we sent.

A receipt proves a delivery only when it is what we asked for: signed by a certificate we keep for
the partner, one report about this message, and the MIC we computed, in value and algorithm.
Everything else is `unverified`, whatever it claims.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms, mime
from integrations.protocols.as2.names import bare_id, same_message_id
from integrations.protocols.as2.opening import SIGNATURE_TYPES
from integrations.protocols.as2.signatures import verify
from integrations.protocols.as2.stations import Partner

PROCESSED, WARNING, FAILED, UNVERIFIED = "processed", "warning", "failed", "unverified"
LARGEST = 1024 * 1024
REPORT = "message/disposition-notification"
DISPOSITION = re.compile(
    r"[\w-]+/[\w-]+\s*;\s*(?P<kind>[\w-]+)(?:\s*/\s*(?P<modifier>[\w-]+)\s*(?:[:=]\s*(?P<why>.*))?)?",
    re.S,
)


@dataclass(frozen=True)
class Expected:
    """The message that was sent. `mic` is as `Built` has it: `base64, algorithm`."""

    message_id: str
    mic: str
    signed: bool = True


@dataclass(frozen=True)
class Receipt:
    """`state` is processed, warning, failed or unverified; `text` says why in our words."""

    state: str
    disposition: str = ""
    text: str = ""
    was_signed: bool = False

    @property
    def is_delivered(self) -> bool:
        return self.state in (PROCESSED, WARNING)


def read_mdn(
    headers: Mapping[str, str],
    body: bytes,
    expected: Expected,
    partner: Partner,
    *,
    at: datetime.datetime,
) -> Receipt:
    """Never raises for what a partner sent: what cannot be believed is `unverified`."""
    try:
        report, was_signed = _report(headers, body, partner, at)
        fields = _fields(report)
    except As2Refused as error:
        return Receipt(UNVERIFIED, text=str(error))
    disposition = fields.get("disposition", "")[:500]
    fault = _fault(fields, expected, partner, was_signed=was_signed)
    if fault:
        return Receipt(UNVERIFIED, disposition, fault, was_signed)
    state, text = _state(disposition)
    if state in (PROCESSED, WARNING):
        mismatch = _mic_fault(fields.get("received-content-mic", ""), expected.mic)
        if mismatch:
            return Receipt(UNVERIFIED, disposition, mismatch, was_signed)
    return Receipt(state, disposition, text, was_signed)


def original_message_id(headers: Mapping[str, str], body: bytes) -> str:
    """Which message a receipt is about, as it says itself; empty when it does not.

    Only to find the row: nothing has been verified.
    """
    try:
        entity = _checked(headers, body)
        if entity.type == "multipart/signed":
            entity = mime.parts(entity)[0]
        return bare_id(_fields(_only_report(entity)).get("original-message-id", ""))
    except (As2Refused, IndexError):
        return ""


def is_receipt(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether this post is a receipt and no document."""
    entity = mime.from_http(headers, body)
    if entity.type == "multipart/report":
        return True
    if entity.type != "multipart/signed" or len(body) > LARGEST:
        return False
    try:
        return mime.parts(entity)[0].type == "multipart/report"
    except (As2Refused, IndexError):
        return False


def _checked(headers: Mapping[str, str], body: bytes) -> mime.Entity:
    if len(body) > LARGEST:
        raise mime.bad("The receipt is too large.")
    return mime.from_http(headers, body)


def _report(
    headers: Mapping[str, str], body: bytes, partner: Partner, at: datetime.datetime
) -> tuple[mime.Entity, bool]:
    entity = _checked(headers, body)
    if entity.type != "multipart/signed":
        return _only_report(entity), False
    parts = mime.parts(entity)
    if len(parts) != 2 or parts[1].type not in SIGNATURE_TYPES:
        raise mime.bad("The signed receipt has no report and one signature.")
    content = bytes(parts[0].raw)
    # Some stations sign it without its last line end, or with one more.
    readings = [content, content.removesuffix(b"\r\n"), content + b"\r\n"]
    signature = parts[1].decoded()
    verify(readings, signature, partner.certificates, at, allow_legacy=partner.allow_legacy)
    return _only_report(parts[0]), True


def _only_report(entity: mime.Entity) -> mime.Entity:
    if entity.type != "multipart/report":
        raise mime.bad("The answer is no receipt.")
    found = [part for part in mime.parts(entity) if part.type == REPORT]
    if len(found) != 1:
        raise mime.bad("The receipt has not exactly one report.")
    return found[0]


def _fields(report: mime.Entity) -> dict[str, str]:
    """Of the report, each at most once."""
    text = bytes(report.decoded()).decode("latin-1").strip("\r\n")
    fields: dict[str, str] = {}
    for line in re.split(r"\r?\n", re.sub(r"\r?\n[ \t]+", " ", text)):
        name, colon, value = line.partition(":")
        key = name.strip().lower()
        if not line.strip():
            continue
        if not colon or key in fields:
            raise mime.bad("The report of the receipt cannot be read.")
        fields[key] = value.strip()
    return fields


def _fault(
    fields: Mapping[str, str], expected: Expected, partner: Partner, *, was_signed: bool
) -> str:
    if expected.signed and not was_signed:
        return "The receipt is not signed, but a signed one was asked for."
    if not same_message_id(fields.get("original-message-id", ""), expected.message_id):
        return "The receipt is about another message."
    return ""


def _state(disposition: str) -> tuple[str, str]:
    match = DISPOSITION.fullmatch(disposition.strip())
    if not match:
        return UNVERIFIED, "The disposition of the receipt cannot be read."
    kind, modifier = match["kind"].lower(), (match["modifier"] or "").lower()
    why = " ".join((match["why"] or "").split())[:200]
    if kind == "failed" or modifier in ("error", "failure"):
        return FAILED, why or "The partner could not process the message."
    if kind != "processed":
        return UNVERIFIED, "The receipt does not say that the message was processed."
    if modifier == "warning":
        return WARNING, why
    if modifier:
        return UNVERIFIED, "The disposition of the receipt is unknown."
    return PROCESSED, ""


def _mic_fault(found: str, expected: str) -> str:
    if not found:
        return "The receipt has no MIC: it does not prove what was received."
    value, _, name = found.partition(",")
    right, _, right_name = expected.partition(",")
    if algorithms.digest_named(name) != algorithms.digest_named(right_name):
        return "The MIC of the receipt has another algorithm than the one asked for."
    if value.strip() != right.strip():
        return "The MIC of the receipt is another: the partner did not receive what we sent."
    return ""
