"""Audience records offered to the template editor's preview."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db.models import QuerySet

from campaigns.members import begins
from campaigns.models import Audience, AudienceMember
from omnichannel.preview_rows import PreviewRow

AUDIENCES = 20  # the latest ones are looked through
SHOWN = 10


def audience_rows(user: AbstractBaseUser | AnonymousUser, text: str) -> list[PreviewRow]:
    """Records whose key starts with `text`; without text, the first of each audience."""
    if not isinstance(user, PermissionsMixin) or not user.has_perm("campaigns.view_audiencemember"):
        return []
    text = text.strip().lower()
    rows: list[PreviewRow] = []
    for audience in Audience.objects.filter(is_active=True).order_by("-updated_at")[:AUDIENCES]:
        members = _starting_with(audience, text)[: SHOWN if text else 2]
        rows += [PreviewRow(f"{member.key} ({audience})", _values(member)) for member in members]
        if len(rows) >= SHOWN:
            break
    return rows[:SHOWN]


def _starting_with(audience: Audience, text: str) -> QuerySet[AudienceMember]:
    members = AudienceMember.objects.filter(audience=audience)
    if not text:
        return members.order_by("id")
    return members.filter(begins("key", text)).order_by("key")


def _values(member: AudienceMember) -> dict[str, object]:
    """What a campaign's message would carry (see `expansion`)."""
    return {**member.variables, "email": member.email, "phone": member.phone}
