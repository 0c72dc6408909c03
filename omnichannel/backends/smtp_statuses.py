"""What SMTP reply codes mean (RFC 5321, 4954), and our own words where no code came."""

from __future__ import annotations

import re
import smtplib

from omnichannel.backends.base import Status
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    Rejected,
    SendError,
    TemporaryError,
    Throttled,
)

ACCEPTED = frozenset({250, 251, 252})
# How relays say "too fast": with codes that otherwise concern one mailbox only.
THROTTLING = re.compile(
    r"too many (messages|e?-?mails|connections)|(unusual|sending|message) rate|rate.?limit"
    r"|throttl|slow(ing)? down|\b4\.7\.28\b|\[TSS0\d",
    re.IGNORECASE,
)
UNAUTHORISED = frozenset({530, 534, 535, 538})

STATUSES = (
    Status("250", "OK", Outcome.ACCEPTED, "The server took the message."),
    Status("251", "FORWARDED", Outcome.ACCEPTED, "The server takes it and sends it on."),
    Status("252", "CANNOT VERIFY", Outcome.ACCEPTED, "The server takes it and will try."),
    Status("421", "SERVICE NOT AVAILABLE", Outcome.TEMPORARY, "The server ends the connection."),
    Status("450", "MAILBOX UNAVAILABLE", Outcome.TEMPORARY, "Busy, or greylisted."),
    Status("451", "LOCAL ERROR", Outcome.TEMPORARY, "The server could not work on it."),
    Status("452", "INSUFFICIENT STORAGE", Outcome.TEMPORARY, "The server or mailbox is full."),
    Status("454", "TEMPORARY AUTHENTICATION FAILURE", Outcome.TEMPORARY),
    Status("455", "PARAMETERS", Outcome.TEMPORARY, "It cannot take the parameters for now."),
    Status("500", "SYNTAX ERROR", Outcome.REJECTED, "The command was not understood."),
    Status("501", "SYNTAX ERROR IN PARAMETERS", Outcome.REJECTED, "Often a bad address."),
    Status("502", "NOT IMPLEMENTED", Outcome.REJECTED),
    Status("503", "BAD SEQUENCE", Outcome.REJECTED, "Often: sign in first."),
    Status("521", "NO MAIL HERE", Outcome.REJECTED, "The host never takes mail."),
    Status("530", "AUTHENTICATION REQUIRED", Outcome.AUTH, "Set the user name and password."),
    Status("534", "MECHANISM TOO WEAK", Outcome.AUTH, "Often: an app password is needed."),
    Status("535", "AUTHENTICATION FAILED", Outcome.AUTH, "User name or password is wrong."),
    Status("538", "ENCRYPTION REQUIRED", Outcome.AUTH, "Choose STARTTLS or SSL/TLS."),
    Status("550", "MAILBOX UNAVAILABLE", Outcome.REJECTED, "No such mailbox, or policy."),
    Status("551", "USER NOT LOCAL", Outcome.REJECTED),
    Status("552", "TOO LARGE", Outcome.REJECTED, "The message or the mailbox is too big."),
    Status("553", "MAILBOX NAME NOT ALLOWED", Outcome.REJECTED),
    Status("554", "TRANSACTION FAILED", Outcome.REJECTED, "Often: taken for spam."),
    Status("555", "PARAMETERS NOT KNOWN", Outcome.REJECTED),
    Status("556", "DOMAIN TAKES NO MAIL", Outcome.REJECTED),
    Status("connect", "NO CONNECTION", Outcome.TEMPORARY, "Nothing was handed over."),
    Status("tls", "NO SAFE CONNECTION", Outcome.TEMPORARY, "Encryption or certificate failed."),
    Status("lost", "CONNECTION LOST", Outcome.TEMPORARY, "Before all of it was handed over."),
    Status("no-answer", "NO ANSWER", Outcome.UNKNOWN, "Handed over; it may have arrived."),
    Status("invalid", "INVALID MESSAGE", Outcome.REJECTED, "Refused before it was sent."),
    Status("smtputf8", "NO SMTPUTF8", Outcome.REJECTED, "The server cannot take the address."),
    Status("auth", "NO SIGNING IN", Outcome.AUTH, "The server takes no password here."),
    Status("config", "NOT CONFIGURED", Outcome.AUTH, "The provider lacks a setting."),
)


def refusal(code: int, text: str, *, stage: str) -> SendError:
    """The error for an answer that is not acceptance. A code nobody knows goes by its class."""
    if code in UNAUTHORISED:
        return ProviderRefused(text, code=str(code))
    if 400 <= code < 500 and THROTTLING.search(text):
        return Throttled(text, code=str(code))
    if 400 <= code < 500:
        return TemporaryError(text, code=str(code))
    if 500 <= code < 600:
        return Rejected(text, code=str(code))
    text = f"The server gave a strange answer ({stage}): {code} {text}"
    if stage == "answer":
        return OutcomeUnknown(text, code="no-answer")
    return TemporaryError(text, code="lost")


def words(text: bytes | str) -> str:
    """A server's answer on one line, cut at 500 characters."""
    text = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return " ".join(text.replace("\0", "").split())[:500]


def interrupted(stage: str, error: OSError) -> SendError:
    """The error for a connection that was lost before a message was handed over whole."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return refusal(error.smtp_code, words(error.smtp_error), stage=stage)
    return TemporaryError(f"The connection was lost ({stage}): {error}", code="lost")
