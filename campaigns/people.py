"""The records of audiences that hold one address."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from campaigns.members import PAGE, remove_members
from campaigns.models import Audience, AudienceMember
from campaigns.models.audiences import WITH_CAPITALS
from omnichannel.people import Address, Holding

FIELDS = ("audience__name", "key", "email", "phone", "variables")


def records_of(address: Address) -> QuerySet[AudienceMember]:
    """Known by it, or with it as e-mail or phone. Each way is a short walk along an index."""
    audiences = list(Audience.objects.values_list("pk", flat=True))
    mine = AudienceMember.objects.filter(audience__in=audiences).order_by()
    own_email = ~Q(email=F("key")) & ~Q(email="")
    own_phone = ~Q(phone=F("key")) & ~Q(phone="")
    odd = AudienceMember.objects.filter(WITH_CAPITALS).alias(low=Lower("email")).order_by()
    ways = (
        mine.filter(own_email, email__in=address.spellings),
        mine.filter(own_phone, phone__in=address.spellings),
        odd.filter(low=address.text),
    )
    ids = mine.filter(key__in=address.spellings).values("pk")
    return AudienceMember.objects.filter(pk__in=ids.union(*(way.values("pk") for way in ways)))


def _count(address: Address) -> int:
    return records_of(address).count()


def _export(address: Address) -> Iterator[dict[str, Any]]:
    return records_of(address).order_by("pk").values(*FIELDS).iterator()


def _erase(address: Address, at: datetime.datetime) -> int:
    removed = 0
    while ids := list(records_of(address).values_list("pk", flat=True)[:PAGE]):
        removed += remove_members(AudienceMember.objects.filter(pk__in=ids))
    return removed


audience_records = Holding("audience_records", "audience record", _count, _export, _erase)
