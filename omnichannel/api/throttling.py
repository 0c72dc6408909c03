"""How many requests a key may make, counted in the database.

All processes share the database; Django's cache is one of each process's own here, and Redis need
not be there. A key without a limit costs nothing. One with a limit costs one conditional update: a
clock is moved forward by the time that one request is worth, up to a minute ahead of now.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from omnichannel.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView

MINUTE = 60_000_000  # microseconds


def take(key: ApiKey, at: datetime.datetime) -> bool:
    """Count a request of the key; False: its limit is reached."""
    if not key.rate_limit:
        return True
    now = microseconds(at)
    worth = MINUTE // key.rate_limit
    free = ApiKey.objects.filter(pk=key.pk, spent_until__lte=now + MINUTE - worth)
    return bool(free.update(spent_until=Greatest(F("spent_until"), now) + worth))


def seconds_to_wait(key: ApiKey, at: datetime.datetime) -> float:
    spent = ApiKey.objects.values_list("spent_until", flat=True).get(pk=key.pk)
    worth = MINUTE // (key.rate_limit or MINUTE)
    return max(1.0, (spent + worth - MINUTE - microseconds(at)) / 1_000_000)


def microseconds(at: datetime.datetime) -> int:
    return int(at.timestamp() * 1_000_000)


class PerKey(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        self.key = request.auth
        return take(self.key, timezone.now())

    def wait(self) -> float:
        return seconds_to_wait(self.key, timezone.now())
