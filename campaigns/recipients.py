"""Which address a record has and what becomes of it, as expressions a database computes.

The same expressions count recipients before a start and write their messages after it.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Expression
from django.db.models.functions import Coalesce, Lower, Replace, Substr, Trim

from campaigns.models import AudienceMember
from omnichannel import consents
from omnichannel.choices import ChannelType, MessageStatus
from omnichannel.models import Suppression

BLANK = "blank"  # the fate of a record without an address: it gets no message
UNCONSENTED = "unconsented"  # the fate of a record whose message is suppressed for that reason
OWN_COLUMNS = ("email", "phone")
ADDRESS_LENGTH = 320
PHONE_MARKS = (" ", "-", ".", "(", ")")
ADDRESS_FORMS = {
    ChannelType.EMAIL: r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$",
    ChannelType.SMS: r"^\+[1-9][0-9]{5,14}$",
    ChannelType.PUSH: r"^\S{1,320}$",
}
# What nearly every e-mail address looks like, in operators of SQLite's own: its REGEXP calls Python
# for each row. Whatever passes has the form above; what does not is held against it.
PLAIN_EMAIL = (
    (" NOT GLOB ", "*[^-+_.@A-Za-z0-9]*"),
    (" LIKE ", "_%@_%._%"),
    (" NOT LIKE ", "%@%@%"),
)
ADDRESS_ERROR = "address"  # the error code of messages that have none of these forms
ADDRESS_ERRORS = {
    ChannelType.EMAIL: "Not an e-mail address: mend the record in the audience.",
    ChannelType.SMS: "Not a phone number with + and country code: mend the record in the audience.",
    ChannelType.PUSH: "Not a push token: mend the record in the audience.",
}


def default_column(channel_type: str) -> str:
    """The column that holds the address when none was chosen."""
    return {ChannelType.EMAIL: "email", ChannelType.SMS: "phone"}.get(
        ChannelType(channel_type), "push_token"
    )


def address_of(column: str, channel_type: str) -> Expression:
    """The address of a record, trimmed; empty when it has none."""
    if column in OWN_COLUMNS:
        return Trim(F(column))
    text: Expression = Coalesce(variable(column), Value(""), output_field=TextField())
    if channel_type == ChannelType.SMS:
        for mark in PHONE_MARKS:
            text = Replace(text, Value(mark), Value(""))
    return Substr(Trim(text), 1, ADDRESS_LENGTH)


def variable(name: str) -> Expression:
    """The value of a variable as text; NULL when the record has none."""
    if connection.vendor == "postgresql":
        return Func(
            F("variables"),
            Value(name),
            template="(%(expressions)s)",
            arg_joiner=" ->> ",
            output_field=TextField(),
        )
    path = Value(f"$.{json.dumps(name, ensure_ascii=False)}")
    return Func(F("variables"), path, function="json_extract", output_field=TextField())


def recipients(
    members: QuerySet[AudienceMember],
    *,
    column: str,
    channel_type: str,
    category: str,
    needs_consent: bool = False,
) -> QuerySet[Any]:
    """The records with `to`, the address, and `fate`: their message's first status, BLANK or
    (with `needs_consent`) UNCONSENTED.
    """
    suppressed = Suppression.objects.in_force().filter(
        channel_type=channel_type, category__in=("", category), address=Lower(OuterRef("to"))
    )
    consent = Q(consents.is_granted_to("to", channel_type, category))
    unconsented = [When(~consent, then=Value(UNCONSENTED))] if needs_consent else []
    return members.annotate(to=address_of(column, channel_type)).annotate(
        fate=Case(
            When(to="", then=Value(BLANK)),
            When(_is_malformed(channel_type), then=_status("FAILED")),
            When(Exists(suppressed), then=_status("SUPPRESSED")),
            *unconsented,
            default=_status("NEW"),
        )
    )


def _is_malformed(channel_type: str) -> Q:
    """The address `to` has not the form that its channel needs."""
    malformed = ~Q(to__regex=ADDRESS_FORMS[ChannelType(channel_type)])
    if connection.vendor == "postgresql" or channel_type != ChannelType.EMAIL:
        return malformed
    plain = Q()
    for operator, pattern in PLAIN_EMAIL:
        words = {"template": "(%(expressions)s)", "arg_joiner": operator}
        plain &= Q(Func(F("to"), Value(pattern), output_field=BooleanField(), **words))
    return ~plain & malformed


def _status(name: str) -> Value:
    return Value(MessageStatus[name].value, output_field=CharField())
