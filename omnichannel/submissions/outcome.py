"""A submission on its way: checked, then queued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from omnichannel.choices import MessageStatus
from omnichannel.models import Job
from omnichannel.submissions.asked import Submission
from omnichannel.submissions.content import Content
from omnichannel.submissions.files import Decoded
from omnichannel.submissions.recipients import Recipient
from omnichannel.submissions.way import Way


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission in which nothing is wrong, ready to be written."""

    asked: Submission
    way: Way
    content: Content
    recipients: list[Recipient]
    files: list[Decoded]


class Queued(NamedTuple):
    id: int
    key: str
    to_address: str
    status: MessageStatus
    provider_id: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The messages in the order of their recipients."""

    job: Job | None
    messages: list[Queued]
