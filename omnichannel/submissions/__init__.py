"""Messages that another system sends: all of a submission is queued, or nothing.

    accepted = accept(Submission(recipients=[{"to_address": "ana@example.com"}], ...), at=now)

Suppression, consent, routes and lanes are asked for once for all recipients, and their messages
are written by one statement. Several recipients are one job, as is anything that needs a sender or
a consent of its own. A message without a job keeps the global variables that its template names
among its own variables, so that "show what was sent" gives the same again.
"""

from __future__ import annotations

import datetime

from omnichannel import outbox
from omnichannel.addresses import clean_address
from omnichannel.choices import ChannelType
from omnichannel.exceptions import InvalidMessage
from omnichannel.models import ChannelProvider
from omnichannel.submissions import files
from omnichannel.submissions.asked import (
    LONGEST_LANGUAGE,
    MOST_FILES,
    MOST_RECIPIENTS,
    File,
    Submission,
)
from omnichannel.submissions.content import (
    Content,
    check_times,
    content_of,
    template_of,
    with_defaults,
)
from omnichannel.submissions.faults import Faults
from omnichannel.submissions.looked_up import look_up
from omnichannel.submissions.outcome import Accepted, Prepared, Queued
from omnichannel.submissions.recipients import Checker, Recipient, check_shared
from omnichannel.submissions.way import Way, check_sender, way_of
from omnichannel.submissions.writing import write


def accept(asked: Submission, *, at: datetime.datetime) -> Accepted:
    """Queue it. Raises InvalidSubmission with everything that is wrong; then nothing is queued."""
    return write(prepare(asked, at=at), at=at)


def prepare(asked: Submission, *, at: datetime.datetime) -> Prepared:
    """Check all of it. Raises InvalidSubmission."""
    faults = Faults()
    if not 1 <= len(asked.recipients) <= MOST_RECIPIENTS:
        faults.add("recipients", f"Give 1 to {MOST_RECIPIENTS:,} recipients.")
        faults.refuse()
    check_shared(asked, faults)
    check_times(asked, at, faults)
    known = look_up(asked.template, asked.provider)
    template = template_of(asked, known, faults)
    asked = with_defaults(asked, template)
    way = way_of(asked, known, template, faults)
    content = content_of(asked, template, way.channel_type, faults)
    decoded = files.decoded(asked.attachments, way.channel_type, faults)
    files.check_sum(decoded, content.version, faults)
    _check_reply(asked, way, faults)
    recipients: list[Recipient] = []
    if way.channel_type and (way.fixed or way.routes):
        recipients = Checker(asked, way, content, at, faults).all()
    faults.refuse()
    _look_closer(asked, content, recipients, faults)
    faults.refuse()
    return Prepared(asked, way, content, recipients, decoded)


def _check_reply(asked: Submission, way: Way, faults: Faults) -> None:
    if asked.reply_to and way.channel_type == ChannelType.EMAIL:
        try:
            clean_address(way.channel_type, asked.reply_to)
        except InvalidMessage as error:
            faults.add("reply_to", str(error))
    for name in ("from_name", "reply_to"):
        if any(char in getattr(asked, name) for char in "\r\n"):
            faults.add(name, "A line break is not allowed here.")


def _look_closer(
    asked: Submission, content: Content, recipients: list[Recipient], faults: Faults
) -> None:
    """What only shows when all else is in order."""
    tried: set[int] = set()  # in each of the languages that somebody gets
    for index, each in enumerate(recipients):
        place = content.position_for(each.variables)
        if place not in tried and (text := content.try_out(each.variables)):
            faults.add(asked.path(index, "variables"), f"The template cannot be filled: {text}")
        tried.add(place)
    providers = list({each.provider.pk: each.provider for each in recipients}.values())
    check_sender(asked, providers, faults)
    if asked.interval_min is not None or asked.interval_max is not None:
        _check_windows(asked, providers, faults)


def _check_windows(asked: Submission, providers: list[ChannelProvider], faults: Faults) -> None:
    for provider in providers:
        try:
            outbox.check_windows(
                (asked.interval_min, asked.interval_max),
                (provider.interval_min, provider.interval_max),
            )
        except InvalidMessage as error:
            faults.add("interval_min", str(error))
            return


__all__ = [
    "LONGEST_LANGUAGE",
    "MOST_FILES",
    "MOST_RECIPIENTS",
    "Accepted",
    "File",
    "Prepared",
    "Queued",
    "Submission",
    "accept",
    "prepare",
    "write",
]
