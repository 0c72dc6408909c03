"""The short way to judge an address says what the full form says."""

from __future__ import annotations

import re

import pytest

from campaigns import recipients
from campaigns.models import AudienceMember
from omnichannel.choices import ChannelType
from tests.factories_campaigns import make_people

ADDRESSES = [
    "ann@example.com", "ann.b+c_d-e@mail.example.com", "@example.com", "ann@", "ann@example",
    "ann@.com", "ann@example.", "a@b@example.com", "a b@example.com", "ann@exa mple.com",
    "é@example.com", "ann@exämple.com", "<ann@example.com>", "ann;b@example.com", "a@b.c",
    "a@..", "a@...", "ann'o@example.com", "..@..c", "x",
]  # fmt: skip


@pytest.mark.parametrize("column", ["email", "other"])
def test_the_short_way_agrees_with_the_full_form(db, column):
    audience = make_people(f"p{number}@example.com" for number in range(len(ADDRESSES)))
    for member, address in zip(audience.members.order_by("id"), ADDRESSES, strict=True):
        values = {"email": address} if column == "email" else {"variables": {column: address}}
        AudienceMember.objects.filter(pk=member.pk).update(**values)

    rows = recipients.recipients(
        audience.members.all(), column=column, channel_type="email", category="promotional"
    ).values_list("to", "fate")

    form = re.compile(recipients.ADDRESS_FORMS[ChannelType.EMAIL])
    assert {(to, fate == "failed") for to, fate in rows} == {
        (address.strip(" "), not form.search(address.strip(" "))) for address in ADDRESSES
    }
