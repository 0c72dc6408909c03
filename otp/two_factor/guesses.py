"""Wrong second factors, counted per user over all sessions before a code is looked at.

Every fifth in a row locks the second step: 15 minutes, then twice as long each time, up to a day.
A session that is signed in already goes on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, F, Q, Value, When
from django.db.models.fields import DateTimeField

from otp.models import GuessCount

IN_A_ROW = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(days=1)
ROUNDS = 8  # after so many locks every guess locks for the longest time


def take(user_id: int, *, at: datetime) -> datetime | None:
    """Count one guess. None: it may be looked at. Else when the next one may be made.

    One update counts and locks, so that of any number of parallel guesses five are looked at.
    """
    GuessCount.objects.bulk_create([GuessCount(user_id=user_id)], ignore_conflicts=True)
    is_open = Q(locked_until=None) | Q(locked_until__lte=at)
    counted = GuessCount.objects.filter(is_open, user_id=user_id).update(
        wrong=F("wrong") + 1, locked_until=_lock(at)
    )
    return None if counted else locked_until(user_id, at=at) or at + FIRST_LOCK


def _lock(at: datetime) -> Case:
    rounds = [
        When(wrong=IN_A_ROW * number - 1, then=Value(at + _delay(number)))
        for number in range(1, ROUNDS)
    ]
    often = When(wrong__gte=IN_A_ROW * ROUNDS - 1, then=Value(at + LONGEST_LOCK))
    return Case(*rounds, often, default=Value(None), output_field=DateTimeField())


def _delay(number: int) -> timedelta:
    return min(FIRST_LOCK * 2 ** (number - 1), LONGEST_LOCK)


def locked_until(user_id: int, *, at: datetime) -> datetime | None:
    row = GuessCount.objects.filter(user_id=user_id, locked_until__gt=at).first()
    return row.locked_until if row else None


def left(user_id: int) -> int:
    """Guesses until the next lock."""
    row = GuessCount.objects.filter(user_id=user_id).first()
    wrong = row.wrong if row else 0
    return 1 if wrong >= IN_A_ROW * ROUNDS else IN_A_ROW - wrong % IN_A_ROW


def forget(user_id: int) -> None:
    """After a right one."""
    GuessCount.objects.filter(user_id=user_id).delete()
