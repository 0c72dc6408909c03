"""Delivery status notifications (RFC 3464): one block of fields for each recipient."""

from __future__ import annotations

import re

from omnichannel.backends import delivery_codes
from omnichannel.choices import EventType, Outcome
from omnichannel.returned.mail import Part, headers_of
from omnichannel.returned.words import Recipient

KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})
MOST_RECIPIENTS = 100
LONGEST_TEXT = 500
BLANK_LINE = re.compile(r"\n[ \t]*\n")
XTEXT = re.compile(r"\+([0-9A-F]{2})")
BRACKETED = re.compile(r"<([^<>]{1,320})>")

# What the Action of a report means when it is not a failure.
ACTIONS = {
    "delayed": (EventType.DEFERRED, Outcome.TEMPORARY),
    "delivered": (EventType.DELIVERED, Outcome.DELIVERED),
    "expanded": (EventType.DELIVERED, Outcome.DELIVERED),  # a list took it and sends it on
    "relayed": (EventType.SENT, Outcome.ACCEPTED),  # to a relay that reports nothing more
}


def recipients_of(part: Part) -> list[Recipient]:
    found = []
    for block in BLANK_LINE.split(part.text(), MOST_RECIPIENTS):
        fields = dict(reversed(headers_of(block.strip("\n"))))
        names = _names(fields)
        if names and (told := _told(fields)):
            found.append(Recipient(names, *told))
    return found[:MOST_RECIPIENTS]


def failure(code: str, text: str) -> tuple[str, str, str, str]:
    """(event, outcome, code, text) of a message that was given up."""
    code = delivery_codes.refined(code, text)
    gone = delivery_codes.is_gone(code, text)
    return EventType.BOUNCED if gone else EventType.FAILED, Outcome.REJECTED, code, text


def addresses_in(text: str) -> tuple[str, ...]:
    """The address of a field such as `rfc822; ann@example.com`, also with its xtext opened."""
    kind, separator, rest = text.partition(";")
    text = rest if separator and "@" not in kind else text
    bracketed = BRACKETED.search(text)
    address = (bracketed[1] if bracketed else text).strip()
    if not 3 <= len(address) <= 320 or "@" not in address or " " in address:
        return ()
    opened = XTEXT.sub(lambda found: chr(int(found[1], 16)), address)
    return (address,) if opened == address else (address, opened)


def _names(fields: dict[str, str]) -> tuple[str, ...]:
    names: list[str] = []
    for name in ("original-recipient", "final-recipient"):
        names += addresses_in(fields.get(name, ""))
    return tuple(dict.fromkeys(names))


def _told(fields: dict[str, str]) -> tuple[str, str, str, str] | None:
    """(event, outcome, code, text); None when the block tells nothing."""
    text = _words(fields.get("diagnostic-code", ""))
    code = delivery_codes.code_in(fields.get("status", ""))
    if code in delivery_codes.VAGUE:  # many relays leave what they were told to the text
        code = delivery_codes.code_in(text) or code
    action = fields.get("action", "").partition("(")[0].strip().lower()
    if action in ACTIONS:
        return *ACTIONS[action], code, text
    if action == "failed" or (not action and code[:1] == "5"):
        return failure(code, text)
    if not action and code[:1] == "4":
        return *ACTIONS["delayed"], code, text
    return None


def _words(diagnostic: str) -> str:
    """A diagnostic without its type, on one line."""
    kind, separator, rest = diagnostic.partition(";")
    text = rest if separator and len(kind) < 20 else diagnostic
    return " ".join(text.split())[:LONGEST_TEXT]
