"""Messages that go to SendGrid in one call: what differs between them travels as substitutions.

The content is sent once, with a tag in place of every piece that is not the same for all.
A tag cannot occur in anything that is written: whatever the order in which SendGrid puts the
values in, and even if it looks for tags in them, each recipient gets what was rendered.
https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from omnichannel.backends.base import OutgoingMessage, ProviderConfig
from omnichannel.backends.envelope import sender_of
from omnichannel.backends.sendgrid_payload import (
    as_json,
    content,
    custom_args,
    headers,
    shared,
)
from omnichannel.choices import Category

MOST_MESSAGES = 1000  # recipients, and personalizations, that one call may have
MOST_SUBSTITUTIONS = 9_500  # bytes for each message; SendGrid takes 10,000
MOST_BYTES = 20_000_000  # of a call; SendGrid takes 30 MB

Column = tuple[str, ...]  # one piece of the content, as each message has it


def can_share(message: OutgoingMessage) -> bool:
    """Whether a call may hold others beside it. A one-time password's fate is its own."""
    is_plain = not (message.cc or message.bcc or message.attachments)
    return is_plain and bool(message.subject) and message.category != Category.OTP


class Group:
    """Up to `most` messages that may go in one call: same sender, same shape, each address once."""

    def __init__(self, config: ProviderConfig, most: int) -> None:
        self.config = config
        self.most = most
        self.messages: list[OutgoingMessage] = []
        self._shape: tuple[object, ...] = ()
        self._addresses: set[str] = set()

    @property
    def is_full(self) -> bool:
        return len(self.messages) >= self.most

    def takes(self, message: OutgoingMessage) -> bool:
        if not can_share(message) or self.is_full:
            return False
        is_alike = not self.messages or self._shape == self._shape_of(message)
        return is_alike and message.to.lower() not in self._addresses

    def add(self, message: OutgoingMessage) -> None:
        self._shape = self._shape or self._shape_of(message)
        self._addresses.add(message.to.lower())
        self.messages.append(message)

    def parted(self) -> tuple[list[OutgoingMessage], bytes, list[OutgoingMessage]]:
        """(those that go together, the body of their call, those that go alone)"""
        if len(self.messages) < 2:
            return [], b"", self.messages
        merged = Merged(self.messages, self.config)
        fits = [merged.fits(row) for row in merged.rows]
        together = [m for m, fit in zip(self.messages, fits, strict=True) if fit]
        body = as_json(merged.payload(fits)) if len(together) > 1 else b""
        if not body or len(body) > MOST_BYTES:
            return [], b"", self.messages
        return together, body, [m for m, fit in zip(self.messages, fits, strict=True) if not fit]

    def _shape_of(self, message: OutgoingMessage) -> tuple[object, ...]:
        return (
            sender_of(message, self.config),
            message.reply_to,
            len(message.html_pieces),
            len(message.text_pieces),
            bool(message.html),
            bool(message.text),
        )


class Merged:
    """The content with tags, and for each message the values in their places."""

    def __init__(self, messages: Sequence[OutgoingMessage], config: ProviderConfig) -> None:
        self.messages = messages
        self.config = config
        self._stem = _stem(messages, config)
        self._tags: dict[Column, str] = {}
        self.html = self._template([m.html_pieces or (m.html,) for m in messages])
        self.text = self._template([m.text_pieces or (m.text,) for m in messages])
        self.rows: list[Column] = list(zip(*self._tags, strict=True)) or [()] * len(messages)

    def fits(self, row: Column) -> bool:
        """Whether SendGrid takes these values, and finds every link that it shall track."""
        if self.config.track_clicks and any("://" in value for value in row):
            return False
        size = sum(map(len, row))
        if size > MOST_SUBSTITUTIONS // 8 or len(row) > 50:
            size = len(as_json(self._substitutions(row)))
        return size <= MOST_SUBSTITUTIONS

    def payload(self, chosen: Sequence[bool]) -> dict[str, Any]:
        """The JSON of a call with the chosen messages."""
        first = self.messages[0]
        return {
            **shared(first, self.config),
            "content": content(self.text, self.html),
            "personalizations": [
                self._personalization(message, row, first.subject)
                for message, row, is_in in zip(self.messages, self.rows, chosen, strict=True)
                if is_in
            ],
        }

    def _personalization(
        self, message: OutgoingMessage, row: Column, subject: str
    ) -> dict[str, Any]:
        result: dict[str, Any] = {
            "to": [{"email": message.to}],
            "headers": headers(message, self.config),
            "custom_args": custom_args(message),
        }
        if message.subject != subject:
            result["subject"] = message.subject
        if row:
            result["substitutions"] = self._substitutions(row)
        return result

    def _substitutions(self, row: Column) -> dict[str, str]:
        return dict(zip(self._tags.values(), row, strict=True))

    def _template(self, pieces: Sequence[Sequence[str]]) -> str:
        return "".join(self._written(column) for column in zip(*pieces, strict=True))

    def _written(self, column: Column) -> str:
        """A piece that all have; else its tag, the same one for the same values."""
        if column.count(column[0]) == len(column):
            return column[0]
        return self._tags.setdefault(column, f"-{self._stem}{len(self._tags):03}-")


def _stem(messages: Sequence[OutgoingMessage], config: ProviderConfig) -> str:
    """What every tag has and nothing that is written contains.

    It begins with a letter that it does not have again, and tags begin with another one: so it
    cannot come about where a tag meets a text, either.
    """
    written = [_written_in(message, config) for message in messages]
    while True:
        stem = "q" + secrets.token_hex(4)
        if not any(stem in text for text in written):
            return stem


def _written_in(message: OutgoingMessage, config: ProviderConfig) -> str:
    """All in which SendGrid might look for tags."""
    parts = (message.html, message.text, message.subject, message.key, message.reply_to)
    headers = [part for header in message.headers.items() for part in header]
    return "\n".join((*parts, *sender_of(message, config), *headers))
