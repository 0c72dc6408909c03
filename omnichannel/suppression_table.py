"""Suppressions as a table: a file's rows become words, and rows become a file."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.utils import timezone
from import_export import fields, resources

from omnichannel.choices import Category, SuppressionReason
from omnichannel.models import Suppression
from omnichannel.resources import MomentText, SafeText
from omnichannel.suppressions import Word
from omnichannel.tables import BadCell, Cells, address_of, channel_of, moment_of, word_of, words

COLUMNS = ("address", "channel", "category", "reason", "note", "since", "until")
SAMPLE = (
    "address,channel,category,reason,note,until\r\n"
    "ana@example.com,email,,unsubscribe,Asked by letter,\r\n"
    "+12025550143,sms,promotional,manual,,2030-01-31\r\n"
)
CATEGORIES = {**words(Category), "all": ""}
REASONS = words(SuppressionReason)


def word_maker(
    *, channel_type: str, category: str, reason: str, at: datetime.datetime
) -> Callable[[Cells], Word]:
    """A function from a row to a word. The values are for what a row does not say."""

    def make(cells: Cells) -> Word:
        if cells.get("state", "").lower() in ("lifted", "expired"):
            raise BadCell("state", "It bars nobody any more, so it was left out.")
        channel = channel_of(cells, channel_type)
        since, until = moment_of(cells, "since") or at, moment_of(cells, "until")
        if since > at:
            raise BadCell("since", "It lies in the future.")
        if until and until <= at:
            raise BadCell("until", "It has passed already, so the row was left out.")
        return Word(
            channel_type=channel,
            address=address_of(cells, channel),
            category=word_of(cells, "category", CATEGORIES, category),
            reason=word_of(cells, "reason", REASONS, reason),
            note=cells.get("note", "")[:255],
            at=since,
            expires_at=until,
        )

    return make


class StateField(fields.Field):
    """As it is at the time of the export."""

    def get_value(self, instance: Suppression, **_: Any) -> Any:
        return instance.state(timezone.now())


class SuppressionResource(resources.ModelResource):
    address = fields.Field(attribute="address", column_name="address", widget=SafeText())
    channel = fields.Field(attribute="channel_type", column_name="channel", widget=SafeText())
    category = fields.Field(attribute="category", column_name="category", widget=SafeText())
    reason = fields.Field(attribute="reason", column_name="reason", widget=SafeText())
    note = fields.Field(attribute="note", column_name="note", widget=SafeText())
    state = StateField(column_name="state")
    since = fields.Field(attribute="created_at", column_name="since", widget=MomentText())
    until = fields.Field(attribute="expires_at", column_name="until", widget=MomentText())
    message = fields.Field(attribute="message_id", column_name="message", widget=SafeText())

    class Meta:
        model = Suppression
        fields = (*COLUMNS, "state", "message")
