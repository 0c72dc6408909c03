"""Deleting audiences: the large ones in the background, a page at a time."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from django.db import transaction

from campaigns.choices import ImportStatus
from campaigns.members import count_down, page_of_ids
from campaigns.models import Audience, AudienceMember
from campaigns.pacing import Breather
from omnichannel.exceptions import IllegalTransition

AT_ONCE = 2_000  # records that may be deleted while the operator waits


class AudienceInUse(IllegalTransition):
    """The audience cannot be deleted: something still needs it."""


def ask_removal(audience: Audience, *, at: datetime.datetime) -> bool:
    """Delete it now if it is small, else hide it and leave it to `remove_asked`.

    Answers whether it is gone already. Raises AudienceInUse when something still needs it.
    """
    if reason := why_kept(audience):
        raise AudienceInUse(reason)
    if audience.records_count <= AT_ONCE:
        remove_audience(audience)
        return True
    # Its name is free again at once.
    name = f"{audience.name[:90]} (being deleted, {audience.pk})"
    Audience.objects.filter(pk=audience.pk).update(name=name, is_active=False, removal_asked_at=at)
    return False


def remove_asked(*, until: float, stopped: Callable[[], bool]) -> int:
    """Go on deleting what was asked for; answer how many records went."""
    return sum(
        remove_audience(audience, until=until, stopped=stopped)
        for audience in Audience.objects.filter(removal_asked_at__isnull=False)
    )


def remove_audience(
    audience: Audience,
    *,
    until: float | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Delete an audience with its records, a page at a time. The number of records.

    Broken off at `until` (monotonic seconds), what is left is a smaller audience with the
    right count.
    """
    removed = last = 0
    breather = Breather()
    members = AudienceMember.objects.filter(audience=audience)
    while ids := page_of_ids(members, last):
        if stopped() or (until is not None and time.monotonic() > until):
            return removed
        with breather, transaction.atomic():
            gone, _ = members.filter(id__in=ids).delete()
            count_down(audience.pk, gone)
        removed, last = removed + gone, ids[-1]
    audience.delete()
    return removed


def why_kept(audience: Audience) -> str:
    """What keeps the audience from being deleted, in a sentence; empty: nothing."""
    names = list(audience.campaigns.values_list("name", flat=True)[:5])
    if names:
        return (
            f"{audience} is the audience of {', '.join(names)}. Choose another audience there, or "
            "delete those campaigns first."
        )
    if audience.imports.filter(status__in=ImportStatus.active()).exists():
        return f"An import into {audience} is running. Cancel it first."
    return ""
