"""Words for and against an address, in whatever order they arrive."""

from __future__ import annotations

import datetime
import itertools

import pytest
from django.utils import timezone

from omnichannel import suppressions
from omnichannel.models import Suppression
from omnichannel.screening import suppressed_addresses
from omnichannel.suppressions import Word
from tests.factories import NOW, make_message

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def word(day: int = 0, **values) -> Word:
    values = {"channel_type": "email", "address": "ana@example.com", **values}
    return Word(**{"reason": "unsubscribe", "at": NOW + day * DAY, **values})


def is_barred(address="ana@example.com", category="promotional") -> bool:
    return bool(suppressed_addresses([make_message(to_address=address, category=category)]))


def test_address_is_kept_in_lower_case_and_barred_at_once():
    suppressions.say([word(address="ANA@Example.com")])

    assert is_barred("Ana@example.COM")


def test_suppression_of_one_category_spares_the_others():
    suppressions.say([word(category="promotional")])

    assert is_barred(category="promotional")
    assert not is_barred(category="otp")


def test_expired_suppression_bars_nobody():
    suppressions.say([word(expires_at=timezone.now() - datetime.timedelta(seconds=2))])

    assert not is_barred()


def test_every_order_of_the_same_words_ends_in_the_same_rows():
    words = [word(0), word(1, lifts=True), word(1), word(2, lifts=True), word(0, note="again")]
    ends = set()

    for order in itertools.permutations(words):
        Suppression.objects.all().delete()
        for each in order:
            suppressions.say([each])
        ends.add(tuple(Suppression.objects.values_list("created_at", "lifted_at", "note")))

    assert ends == {((NOW + 2 * DAY, NOW + 2 * DAY, ""),)}


def test_word_that_lifts_leaves_other_reasons():
    suppressions.say([word(0), word(0, reason="bounce"), word(1, lifts=True)])

    assert Suppression.objects.in_force().get().reason == "bounce"


def test_recipient_lifts_only_what_they_asked_for():
    suppressions.say([word(0, category="promotional"), word(0, reason="complaint")])

    lifted = suppressions.lift("email", "Ana@example.com", at=NOW + DAY)

    assert lifted == 1
    assert Suppression.objects.in_force().get().reason == "complaint"
