"""Feedback reports (RFC 5965): a mailbox provider tells that its user complained."""

from __future__ import annotations

from omnichannel.choices import EventType
from omnichannel.returned.delivery import addresses_in
from omnichannel.returned.mail import Headers, Part, headers_of
from omnichannel.returned.words import Recipient

KIND = "message/feedback-report"
# Others, such as auth-failure (RFC 6591) and not-spam, are about no complaint.
COMPLAINTS = frozenset({"", "abuse", "fraud", "other", "opt-out", "complaint"})
MOST_RECIPIENTS = 10


def recipients_of(part: Part, original: Headers) -> list[Recipient]:
    """Who complained; one without an address when the report hides it."""
    fields = headers_of(part.text().lstrip("\n"))
    kind = next((value.lower() for name, value in fields if name == "feedback-type"), "")
    if kind not in COMPLAINTS:
        return []
    named = [value for name, value in fields if name in ("original-rcpt-to", "removal-recipient")]
    named += [value for name, value in original if name == "to"]
    agent = next((value for name, value in fields if name == "user-agent"), "")
    names = tuple(
        dict.fromkeys(x for value in named[:MOST_RECIPIENTS] for x in addresses_in(value))
    )
    text = f"{kind or 'abuse'}, told by {agent[:200]}" if agent else kind
    return [Recipient(names, EventType.COMPLAINED, text=text)]
