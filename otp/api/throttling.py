"""How often a key may ask what became of a request, counted in the database.

As `omnichannel.api.throttling`, by a clock of its own that each lookup moves forward by what it is
worth, up to a minute ahead of now: who asks often must not use up what the key may send.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import DateTimeField, F, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from omnichannel.models import ApiKey
from otp.models import OtpCount

if TYPE_CHECKING:
    from rest_framework.views import APIView

KIND = "status"
PER_MINUTE = 60
MINUTE = datetime.timedelta(minutes=1)
WORTH = MINUTE / PER_MINUTE


def take(key: ApiKey, at: datetime.datetime) -> bool:
    """Count a lookup of the key; False: its limit is reached."""
    if _moved(key, at):
        return True
    new = OtpCount(kind=KIND, key=key.prefix, touched_at=at - MINUTE)
    OtpCount.objects.bulk_create([new], ignore_conflicts=True)
    return _moved(key, at)


def seconds_to_wait(key: ApiKey, at: datetime.datetime) -> float:
    spent = _clock(key).values_list("touched_at", flat=True).first() or at
    return max(1.0, (spent + WORTH - MINUTE - at).total_seconds())


def _clock(key: ApiKey) -> QuerySet[OtpCount]:
    return OtpCount.objects.filter(kind=KIND, key=key.prefix)


def _moved(key: ApiKey, at: datetime.datetime) -> bool:
    now: Any = Value(at, DateTimeField())
    free = _clock(key).filter(touched_at__lte=at + MINUTE - WORTH)
    return bool(free.update(touched_at=Greatest(F("touched_at"), now) + WORTH))


class StatusLookups(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        self.key = request.auth
        return take(self.key, timezone.now())

    def wait(self) -> float:
        return seconds_to_wait(self.key, timezone.now())
