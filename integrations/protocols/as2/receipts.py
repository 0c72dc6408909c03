"""Receipts (MDN, RFC 8098, RFC 4130 7): what we answer to a message that came."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import algorithms, mime
from integrations.protocols.as2.building import multipart_signed
from integrations.protocols.as2.names import bare_id, write_as2_name
from integrations.protocols.as2.stations import Station

PROCESSED = "processed"
# What the partner reads: never the text of an error, which is for our operator.
FAULTS = {
    "decryption-failed": "The message could not be decrypted.",
    "authentication-failed": "The signature is not of a certificate we have for you.",
    "integrity-check-failed": "The content is not what was signed.",
    "insufficient-message-security": "The message is not signed or encrypted as agreed.",
    "decompression-failed": "The message could not be decompressed.",
    "duplicate-document": "A message with this Message-ID and another content came before.",
    "unknown-trading-relationship": "Nothing is agreed between these two AS2 names.",
    "unexpected-processing-error": "The message could not be processed.",
}
FAILURES = {
    "unsupported format": "The message has a format that is not supported.",
    "unsupported MIC-algorithms": "None of the algorithms asked for is supported.",
}
MODE = "automatic-action/MDN-sent-automatically"


@dataclass(frozen=True)
class Answer:
    """A receipt to send. `disposition` is as it stands in the report."""

    headers: dict[str, str]
    body: bytes
    disposition: str


def disposition_of(code: str) -> str:
    """For a message that was taken (no code) or refused with this code."""
    if not code:
        return f"{MODE}; {PROCESSED}"
    if code in FAILURES:
        return f"{MODE}; failed/Failure: {code}"
    known = code if code in FAULTS else "unexpected-processing-error"
    return f"{MODE}; {PROCESSED}/error: {known}"


def build_mdn(
    *,
    own: Station,
    to: str,
    original_message_id: str,
    message_id: str,
    at: datetime.datetime,
    code: str = "",
    mic: str = "",
    mic_alg: str = "",
    signed_with: str = "",
) -> Answer:
    """For the partner named `to`. `code` is that of the refusal, empty when the message was taken.

    `mic` and `mic_alg` are those of the opened message; `signed_with` is the name of a digest, and
    empty for a receipt without a signature. Raises As2Refused.
    """
    disposition = disposition_of(code)
    report = _report(
        own, original_message_id, disposition, f"{mic}, {mic_alg}" if mic else "", code
    )
    headers = {
        "AS2-Version": "1.2",
        "MIME-Version": "1.0",
        "AS2-From": write_as2_name(own.as2_id),
        "AS2-To": write_as2_name(to),
        "Message-ID": message_id,
        "Date": format_datetime(at),
        "Subject": "Message disposition notification",
    }
    if not signed_with:
        own_headers, body = report
        return Answer(headers | own_headers, body, disposition)
    how = algorithms.digest_named(signed_with) or algorithms.DEFAULT_DIGEST
    content = [mime.head(report[0]), report[1]]
    signed_headers, pieces = multipart_signed(content, own, how, at)
    return Answer(headers | signed_headers, b"".join(pieces), disposition)


def _report(
    own: Station, original: str, disposition: str, mic: str, code: str
) -> tuple[dict[str, str], bytes]:
    boundary = f"=_{secrets.token_hex(24)}"
    fields = {
        "Reporting-UA": "Omnichannel Studio",
        "Original-Recipient": f"rfc822; {write_as2_name(own.as2_id)}",
        "Final-Recipient": f"rfc822; {write_as2_name(own.as2_id)}",
        "Original-Message-ID": f"<{_clean(bare_id(original))}>",
        "Disposition": disposition,
    }
    if mic:
        fields["Received-Content-MIC"] = _clean(mic)
    body = b"".join(
        (
            _part(boundary, "text/plain; charset=us-ascii", _words(code).encode() + b"\r\n"),
            _part(boundary, "message/disposition-notification", mime.head(fields)),
            f"--{boundary}--\r\n".encode(),
        )
    )
    kind = f'multipart/report; report-type=disposition-notification; boundary="{boundary}"'
    return {"Content-Type": kind}, body


def _part(boundary: str, kind: str, content: bytes) -> bytes:
    head = mime.head({"Content-Type": kind, "Content-Transfer-Encoding": "7bit"})
    return b"--" + boundary.encode() + b"\r\n" + head + content + b"\r\n"


def _words(code: str) -> str:
    if not code:
        return (
            "Your message was received and is intact. "
            "This says nothing about whether its content is accepted."
        )
    text = FAULTS | FAILURES
    return f"Your message was refused. {text.get(code, text['unexpected-processing-error'])}"


def _clean(value: str) -> str:
    """One line of printable ASCII: the partner wrote it."""
    return "".join(letter if " " <= letter <= "~" else "_" for letter in value)[:998]


def wants_signed(headers: Mapping[str, str], *, allow_legacy: bool = False) -> str:
    """The digest to sign the receipt with, empty when no signed receipt is asked for.

    Raises As2Refused when one is required that we cannot give.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    options = _options(lower.get("disposition-notification-options", ""))
    protocol = options.get("signed-receipt-protocol", [])
    if not protocol:
        return ""
    if "pkcs7-signature" not in protocol:
        if protocol[0] == "required":
            raise As2Refused("Another kind of signed receipt is required.", "unsupported format")
        return ""
    listed = options.get("signed-receipt-micalg", [])
    known = [digest for word in listed if (digest := algorithms.digest_named(word))]
    if listed and not known and listed[0] == "required":
        text = "The receipt is wanted with an unknown digest."
        raise As2Refused(text, "unsupported MIC-algorithms")
    return algorithms.receipt_digest(listed, allow_legacy=allow_legacy).name


def _options(header: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for option in header[:2000].split(";")[:10]:
        name, _, value = option.partition("=")
        found[name.strip().lower()] = [word.strip().lower() for word in value.split(",")]
    return found
