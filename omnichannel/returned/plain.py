"""Reports in words only: of qmail, of Exim, of relays that write no RFC 3464."""

from __future__ import annotations

import re

from omnichannel.backends import delivery_codes
from omnichannel.choices import EventType, Outcome
from omnichannel.returned.delivery import LONGEST_TEXT, failure
from omnichannel.returned.mail import Part
from omnichannel.returned.replies import subject_of
from omnichannel.returned.words import Recipient

DAEMON = re.compile(r"mailer-daemon|postmaster|mail delivery (sub)?system|mdaemon", re.IGNORECASE)
SUBJECT = re.compile(
    r"undeliver|delivery (status|failure|has failed)|failure notice|returned mail"
    r"|mail (delivery|system error)|could not be delivered|non.?delivery|delayed",
    re.IGNORECASE,
)
DELAYED = re.compile(
    r"delayed \d|has been delayed|not yet (been )?delivered|do not need to (re)?send"
    r"|will be retried|will continue to (try|be attempted)|still (being )?(retried|trying)"
    r"|delivery status notification \(delay\)|warning: message|warning: could not send",
    re.IGNORECASE,
)
# From here on it is the message that came back, not the report.
COPY = re.compile(
    r"^(-+ ?(below this line is a copy|this is a copy of|the (body|header)s? of the message"
    r"|original message|message header|unsent message|included is a copy)"
    r"|(return-path|received): )",
    re.IGNORECASE | re.MULTILINE,
)
ADDRESS = r"[^\s<>:;,()\"]{1,64}@[^\s<>:;,()\"]{1,253}"
NAMED = re.compile(rf"^[ \t]*<?({ADDRESS}?)>?:?[ \t]*$", re.MULTILINE)
LISTED = re.compile(ADDRESS)
MOST = 50


def is_from_daemon(mail: Part) -> bool:
    if mail.first("return-path").replace(" ", "") == "<>":
        return True
    return DAEMON.search(mail.first("from")) is not None


def recipients_of(mail: Part, text: str, *, is_proven: bool) -> list[Recipient]:
    """What a report of words tells; nothing when it cannot be made out.

    `is_proven`: its message is known, so that it need not name an address.
    """
    if not SUBJECT.search(subject_of(mail)) and not mail.first("x-failed-recipients"):
        return []
    cut = COPY.search(text)
    said = text[: cut.start()] if cut else text
    is_delayed = DELAYED.search(subject_of(mail)) or DELAYED.search(said)
    found = []
    for addresses, words in _blocks(mail, said):
        if addresses or is_proven:
            code = delivery_codes.code_in(words)
            code = delivery_codes.refined(code, words)
            told: tuple[str, str, str, str]
            if is_delayed:
                told = (EventType.DEFERRED, Outcome.TEMPORARY, code, words)
            elif code[:1] in ("4", "5"):
                told = failure(code, words)
            else:
                continue
            found.append(Recipient(addresses, *told))
    return found


def _blocks(mail: Part, said: str) -> list[tuple[tuple[str, ...], str]]:
    """(addresses, what is said of them): an address on a line of its own begins a block."""
    failed = LISTED.findall(mail.first("x-failed-recipients"))[:MOST]
    starts = list(NAMED.finditer(said))[:MOST]
    if not starts:
        return [((address,), _words(said)) for address in failed] or [((), _words(said))]
    ends = [found.start() for found in starts[1:]] + [len(said)]
    return [
        ((found[1],), _words(said[found.end() : end]))
        for found, end in zip(starts, ends, strict=True)
    ]


def _words(text: str) -> str:
    return " ".join(text[:20_000].split())[:LONGEST_TEXT]
