"""The columns of the audiences, for the list of names beside the template editor."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import PermissionsMixin

from campaigns.models import Audience
from omnichannel.template_names import NAME, Group, Name, User, said_of

AUDIENCES = 200  # the latest ones are looked at


def recipient_columns(user: User) -> Iterable[Group]:
    """What the records of the audiences carry (see `expansion`)."""
    if not isinstance(user, PermissionsMixin) or not user.has_perm("campaigns.view_audience"):
        return
    used: dict[str, list[str]] = {}
    audiences = Audience.objects.filter(is_active=True, removal_asked_at=None)
    for name, columns in audiences.order_by("-updated_at").values_list("name", "columns")[
        :AUDIENCES
    ]:
        for column in columns:
            if isinstance(column, str) and NAME.fullmatch(column):
                used.setdefault(column, []).append(name)
    names = [
        Name("email", "The record's e-mail address", "ana@example.com"),
        Name("phone", "The record's phone number", "+12025550143"),
    ]
    names += [Name(column, said_of(labels), column) for column, labels in used.items()]
    yield Group("Recipient", 1, names)
