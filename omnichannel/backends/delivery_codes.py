"""Enhanced status codes (RFC 3463 and the IANA registry): what a report of a relay means."""

from __future__ import annotations

import re

from omnichannel.backends.base import Status
from omnichannel.choices import Outcome

CODE = re.compile(r"(?<![\d.])([245])\.([0-7])\.(\d{1,3})(?![\d.]*\d)")
BASIC = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -])")

# Permanent failures after which nothing is sent to the address any more: it cannot get mail.
# All others fail their message only: a full mailbox is emptied, a policy is about what was sent.
GONE = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})

# Codes that say little are read by the server's words instead; the first that is found counts.
VAGUE = frozenset({"", "5.0.0", "5.1.0", "5.3.0", "5.5.0", "4.0.0"})
WORDS = (
    (
        "5.2.2",
        re.compile(
            r"over ?quota|quota (is )?exceeded|exceeded.{0,20}quota|(mailbox|inbox).{0,12} full",
            re.I,
        ),
    ),
    (
        "5.7.1",
        re.compile(
            r"spam|black ?list|block ?list|blocked|policy|reputation|not authori[sz]ed|denied"
            r"|\bDMARC\b|\bSPF\b|\bDKIM\b",
            re.I,
        ),
    ),
    (
        "5.1.1",
        re.compile(
            r"(user|mailbox|recipient|address|account)s?.{0,30}"
            r"(unknown|not found|not exist|n't exist|invalid|no longer)"
            r"|(unknown|no such|invalid|no) (local )?(user|mailbox|recipient|address|account)"
            r"|no mailbox here by that name",
            re.I,
        ),
    ),
)


def _failed(code: str, reason: str, description: str = "") -> Status:
    return Status(code, reason, Outcome.REJECTED, description)


def _delayed(code: str, reason: str, description: str = "") -> Status:
    return Status(code, reason, Outcome.TEMPORARY, description)


_STOPS = "Nothing is sent to the address any more."
STATUSES = (
    Status("2.0.0", "REPORTED DELIVERED", Outcome.DELIVERED),
    Status("2.1.5", "RECIPIENT VALID", Outcome.DELIVERED),
    Status("2.6.0", "REPORTED DELIVERED", Outcome.DELIVERED),
    _failed("5.0.0", "FAILED", "No reason given."),
    _failed("5.1.0", "ADDRESS PROBLEM"),
    _failed("5.1.1", "NO SUCH USER", _STOPS),
    _failed("5.1.2", "NO SUCH DOMAIN", _STOPS),
    _failed("5.1.3", "BAD ADDRESS", _STOPS),
    _failed("5.1.6", "MAILBOX MOVED", _STOPS),
    _failed("5.1.8", "SENDER DOMAIN REFUSED", "The From Address or its domain is not accepted."),
    _failed("5.1.10", "NO SUCH RECIPIENT", _STOPS),
    _failed("5.2.0", "MAILBOX PROBLEM"),
    _failed("5.2.1", "MAILBOX DISABLED", _STOPS),
    _failed("5.2.2", "MAILBOX FULL", "The address stays in use."),
    _failed("5.2.3", "TOO LARGE FOR THE MAILBOX"),
    _failed("5.3.0", "SYSTEM PROBLEM"),
    _failed("5.3.4", "TOO LARGE"),
    _failed("5.4.1", "NO ANSWER OR ACCESS DENIED"),
    _failed("5.4.4", "NO HOST FOR THE DOMAIN", _STOPS),
    _failed("5.4.6", "MAIL LOOP"),
    _failed("5.4.7", "GIVEN UP", "The relay tried for as long as it does."),
    _failed("5.5.0", "PROTOCOL PROBLEM"),
    _failed("5.6.0", "CONTENT PROBLEM"),
    _failed("5.7.0", "REFUSED BY POLICY"),
    _failed("5.7.1", "REFUSED BY POLICY", "Often taken for spam. The address stays in use."),
    _failed("5.7.26", "NOT AUTHENTICATED", "SPF or DKIM of the sender's domain does not pass."),
    _delayed("4.0.0", "DELAYED"),
    _delayed("4.2.0", "MAILBOX PROBLEM, DELAYED"),
    _delayed("4.2.1", "MAILBOX BUSY, DELAYED"),
    _delayed("4.2.2", "MAILBOX FULL, DELAYED"),
    _delayed("4.4.1", "NO ANSWER, DELAYED"),
    _delayed("4.4.7", "DELAYED", "The relay still tries, or has given up: its report says which."),
    _delayed("4.7.1", "POLICY, DELAYED"),
)


def code_in(text: str) -> str:
    """The first enhanced code in a server's answer; else its basic code's class as one."""
    if found := CODE.search(text):
        return ".".join(str(int(part)) for part in found.groups())
    basic = BASIC.search(text)
    return f"{basic[1][0]}.0.0" if basic else ""


def refined(code: str, text: str) -> str:
    """A vague code made plain by the server's own words, keeping its class."""
    if code not in VAGUE:
        return code
    meant = next((meant for meant, words in WORDS if words.search(text)), "")
    if meant and code:
        return code[0] + meant[1:]
    return meant or code


def is_gone(code: str, text: str) -> bool:
    """Whether the address cannot get mail, now or later."""
    return code in GONE and not (code == "5.2.1" and "rate" in text.lower())
