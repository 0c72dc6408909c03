"""What is to become an envelope, before there is one."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.exceptions import IntegrationError
from integrations.models import Blob, DocumentTemplateVersion, Mailbox


class NotPossible(IntegrationError):
    """The envelope is not in a state from which this is allowed. Nothing was changed."""

    code = "state"


@dataclass(frozen=True)
class Paper:
    """A document of an envelope whose bytes are stored."""

    name: str
    media_type: str
    blob: Blob


@dataclass(frozen=True)
class Draft:
    sender: Mailbox
    recipients: Sequence[Mailbox]
    subject: str
    message: str = ""
    papers: Sequence[Paper] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    template_version: DocumentTemplateVersion | None = None
    native: Blob | None = None
    expires_at: datetime.datetime | None = None
    key: uuid.UUID | None = None  # one that was sent already is not sent again
    chain: uuid.UUID | None = None  # of the envelopes that it belongs to
