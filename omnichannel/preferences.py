"""What a recipient wants to get on a channel: by their own word, category by category."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from omnichannel import consents, hits, suppressions
from omnichannel.choices import Category, EventType, SuppressionReason
from omnichannel.consents import Proof
from omnichannel.models import Consent, Message, Suppression
from omnichannel.suppressions import Word

ON, OFF, BARRED = "on", "off", "barred"  # barred: for a reason that is not theirs to lift
MINE = SuppressionReason.UNSUBSCRIBE
# Consents that an address may give in a day: a program in a loop must not fill the table. Every
# withdrawal counts: there is one for a consent at most.
MOST_A_DAY = 10
A_DAY = datetime.timedelta(days=1)
NOTHING: Mapping[Category, str] = {}


def offered() -> tuple[Category, ...]:
    """The categories a recipient decides about. A one-time password is always asked for."""
    if settings.TRANSACTIONAL_OPT_OUT:
        return (Category.PROMOTIONAL, Category.TRANSACTIONAL)
    return (Category.PROMOTIONAL,)


def category_of(message: Message) -> Category:
    """What its unsubscribe link is about."""
    return meant_by(message.category)


def meant_by(category: str) -> Category:
    """What whoever unsubscribes from a message of this category is taken to mean."""
    found = Category(category)
    return found if found in offered() else Category.PROMOTIONAL


def standing(message: Message) -> dict[Category, str]:
    """ON, OFF or BARRED for each category that its recipient decides about."""
    return _states(_in_force(message))


def _in_force(message: Message) -> set[tuple[str, bool]]:
    """(category, is it their own word) of each suppression of its recipient."""
    rows = Suppression.objects.in_force().filter(
        channel_type=message.provider.channel_type, address=message.to_address.lower()
    )
    return {(row.category, row.reason == MINE) for row in rows}


def _states(found: set[tuple[str, bool]]) -> dict[Category, str]:
    result = {}
    for category in offered():
        if found & {("", False), (category.value, False)}:
            result[category] = BARRED
        else:
            result[category] = OFF if found & {("", True), (category.value, True)} else ON
    return result


@transaction.atomic
def choose(
    message: Message,
    wanted: Mapping[Category, bool],
    *,
    how: str,
    at: datetime.datetime,
    shown: Mapping[Category, str] = NOTHING,
    ip: str | None = None,
) -> bool:
    """The recipient of `message` wants these categories, or no more; False: so it was already.

    `how` is for the operator who looks at the list. Categories not named stay as they are. What
    is changed is kept as a consent or its withdrawal, with the text that was `shown`. Who changes
    their mind too often in a day stays out of what they left last.
    """
    found = _in_force(message)
    before = _states(found)
    gone = [c for c, on in wanted.items() if not on and not found & {("", True), (c.value, True)}]
    back = [
        c for c, on in wanted.items() if on and before[c] == OFF and not _is_enough(message, c, at)
    ]
    said_at = _after_what_was_said(message, at)
    if back:
        _lift(message, back, [c for c in before if c not in back], said_at)
    suppressions.say([_word(message, category, how, said_at) for category in gone])
    for event, categories in ((EventType.UNSUBSCRIBED, gone), (EventType.SUBSCRIBED, back)):
        for category in categories:
            hits.write(message, event, at=at, code=category.value, description=how)
            proof = Proof(at=at, source=how, wording=shown.get(category, ""), ip=ip)
            _keep(message, category, proof, is_granted=category in back)
    return bool(gone or back)


def _is_enough(message: Message, category: Category, at: datetime.datetime) -> bool:
    given = Consent.objects.filter(
        channel_type=message.provider.channel_type,
        address=message.to_address.lower(),
        category=category.value,
        at__gt=at - A_DAY,
        is_granted=True,
    )
    return given.order_by()[:MOST_A_DAY].count() >= MOST_A_DAY


def _after_what_was_said(message: Message, at: datetime.datetime) -> datetime.datetime:
    """`at`, or just after the newest word: a vendor's clock may be fast, and this is said now."""
    rows = Suppression.objects.filter(
        channel_type=message.provider.channel_type,
        address=message.to_address.lower(),
        reason=MINE,
        created_at__gte=at,
    )
    newest = rows.aggregate(newest=Max("created_at"))["newest"]
    return newest + datetime.timedelta(microseconds=1) if newest else at


def _keep(message: Message, category: Category, proof: Proof, *, is_granted: bool) -> None:
    keep = consents.give if is_granted else consents.withdraw
    keep(message.provider.channel_type, message.to_address, category.value, proof)


def _lift(
    message: Message, back: list[Category], others: list[Category], at: datetime.datetime
) -> None:
    """A word for every category is replaced by one for each that is not wanted back."""
    channel_type, address = message.provider.channel_type, message.to_address
    if suppressions.lift(channel_type, address, at=at, category=""):
        how = "Was unsubscribed from everything"
        suppressions.say([_word(message, category, how, at) for category in others])
    for category in back:
        suppressions.lift(channel_type, address, at=at, category=category)


def _word(message: Message, category: Category, how: str, at: datetime.datetime) -> Word:
    return Word(
        channel_type=message.provider.channel_type,
        address=message.to_address,
        reason=MINE,
        at=at,
        category=category,
        note=how,
        message_id=message.pk,
    )
