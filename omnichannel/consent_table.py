"""Consents as a table: a file's rows become words, and rows become a file."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from import_export import fields, resources, widgets

from omnichannel.choices import Category
from omnichannel.consents import Proof, row_of
from omnichannel.models import Consent
from omnichannel.resources import MomentText, SafeText
from omnichannel.tables import BadCell, Cells, address_of, channel_of, moment_of, word_of, words

COLUMNS = ("address", "channel", "category", "consent", "source", "wording", "ip", "when")
SAMPLE = (
    "address,channel,category,consent,source,wording,ip,when\r\n"
    "ana@example.com,email,promotional,yes,Sign-up form,"
    "Yes: write to me about offers.,192.0.2.7,2026-03-31 14:30\r\n"
    "+12025550143,sms,promotional,no,Shop counter,,,2026-04-02\r\n"
)
CATEGORIES = words(Category)
YES_OR_NO = {"yes": "yes", "true": "yes", "1": "yes", "no": "", "false": "", "0": ""}


def consent_maker(
    *, channel_type: str, category: str, source: str, at: datetime.datetime
) -> Callable[[Cells], Consent]:
    """A function from a row to a consent. The values are for what a row does not say."""

    def make(cells: Cells) -> Consent:
        channel = channel_of(cells, channel_type)
        when = moment_of(cells, "when") or at
        if when > at:
            raise BadCell("when", "It lies in the future.")
        proof = Proof(
            at=when,
            source=cells.get("source", "") or source,
            wording=cells.get("wording", ""),
            ip=_ip_of(cells),
        )
        is_granted = bool(word_of(cells, "consent", YES_OR_NO, "yes"))
        about = word_of(cells, "category", CATEGORIES, category)
        return row_of(channel, address_of(cells, channel), about, proof, is_granted=is_granted)

    return make


def _ip_of(cells: Cells) -> str | None:
    text = cells.get("ip", "")
    if not text:
        return None
    try:
        validate_ipv46_address(text)
    except ValidationError as error:
        raise BadCell("ip", f"“{text[:45]}” is not an IP address.") from error
    return text


class YesOrNo(widgets.Widget):
    def render(self, value: Any, obj: Any = None, **_: Any) -> str:
        return "yes" if value else "no"


class ConsentResource(resources.ModelResource):
    address = fields.Field(attribute="address", column_name="address", widget=SafeText())
    channel = fields.Field(attribute="channel_type", column_name="channel", widget=SafeText())
    category = fields.Field(attribute="category", column_name="category", widget=SafeText())
    consent = fields.Field(attribute="is_granted", column_name="consent", widget=YesOrNo())
    source = fields.Field(attribute="source", column_name="source", widget=SafeText())
    wording = fields.Field(attribute="wording", column_name="wording", widget=SafeText())
    ip = fields.Field(attribute="ip", column_name="ip", widget=SafeText())
    when = fields.Field(attribute="at", column_name="when", widget=MomentText())

    class Meta:
        model = Consent
        fields = COLUMNS
