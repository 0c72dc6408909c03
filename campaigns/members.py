"""Questions about the records of an audience that must stay quick with a million of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from campaigns.models import Audience, AudienceMember

PAGE = 2_000
FOUND = 500
LAST = "\U0010ffff"


def starting_with(members: QuerySet[AudienceMember], text: str) -> QuerySet[AudienceMember]:
    """Members of one audience whose key, e-mail or phone begins with the text.

    At most FOUND of each: each is one short walk along an index, where a condition with OR would
    read the whole audience.
    """
    text = text.strip()
    found: set[int] = set()
    for way in (
        begins("key", text),
        begins("key", text.lower()),
        begins("email", text) & ~Q(email=F("key")) & ~Q(email=""),
        begins("phone", text) & ~Q(phone=F("key")) & ~Q(phone=""),
    ):
        found.update(members.filter(way).order_by().values_list("id", flat=True)[:FOUND])
    return members.filter(id__in=found)


def begins(name: str, text: str) -> Q:
    """That the field begins with the text, in the form for which there is an index."""
    if connection.vendor == "postgresql":
        return Q(**{f"{name}__startswith": text})
    # LIKE is blind to case on SQLite and so cannot use an index; a range can.
    return Q(**{f"{name}__gte": text, f"{name}__lt": text + LAST})


def page_of_ids(members: QuerySet[AudienceMember], after: int) -> list[int]:
    """The next ids above `after`, a page at most."""
    later = members.filter(id__gt=after).order_by("id")
    return list(later.values_list("id", flat=True)[:PAGE])


def in_pages(members: QuerySet[AudienceMember]) -> Iterator[AudienceMember]:
    """All of them by id, in pages: no long read that would hold back a writer's clean-up."""
    after = 0
    while page := list(members.filter(id__gt=after).order_by("id")[:PAGE]):
        yield from page
        after = page[-1].pk


def count_down(audience_id: int, gone: int) -> None:
    """Note that records were deleted; call it in the transaction that does so."""
    left = Greatest(F("records_count") - gone, 0)
    Audience.objects.filter(pk=audience_id).update(records_count=left)


def remove_members(members: QuerySet[AudienceMember]) -> int:
    """Delete a handful of records and keep the counts of their audiences right."""
    removed = 0
    with transaction.atomic():
        for pk in set(members.order_by().values_list("audience_id", flat=True)):
            gone, _ = members.filter(audience_id=pk).delete()
            count_down(pk, gone)
            removed += gone
    return removed
