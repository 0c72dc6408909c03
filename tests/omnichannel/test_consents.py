"""What counts of the words people gave, and that a job which asks for consent gets it."""

from __future__ import annotations

import datetime
import itertools

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from omnichannel import consents, outbox
from omnichannel.addresses import clean_address
from omnichannel.choices import MessageStatus
from omnichannel.consents import Proof, give, latest, withdraw
from omnichannel.delivery import drain
from omnichannel.models import Consent, Message
from tests.factories import NOW, make_message, make_provider

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def proof(day: int = 0, **values) -> Proof:
    return Proof(at=NOW + day * DAY, **values)


def test_newest_word_counts_whatever_case_the_address_has():
    give("email", "Ana@Example.com", "promotional", proof(0))
    withdraw("email", "ana@example.com", "promotional", proof(1))
    give("email", "BEN@example.com", "promotional", proof(0))

    found = latest("email", "promotional", ["ANA@example.com", "ben@example.com", "c@example.com"])

    assert found == {"ana@example.com": False, "ben@example.com": True}


def test_order_in_which_words_arrive_does_not_matter():
    words = [(give, 0), (withdraw, 1), (give, 2), (withdraw, 2)]
    ends = set()

    for order in itertools.permutations(words):
        Consent.objects.all().delete()
        for say, day in order:
            say("email", "ana@example.com", "promotional", proof(day))
        ends.add(latest("email", "promotional", ["ana@example.com"])["ana@example.com"])

    assert ends == {False}


def test_consent_holds_for_its_channel_and_category_only():
    give("email", "ana@example.com", "promotional", proof())

    assert latest("sms", "promotional", ["ana@example.com"]) == {}
    assert latest("email", "transactional", ["ana@example.com"]) == {}


def test_word_keeps_what_proves_it():
    shown = proof(source="checkout", wording="Yes, write to me.", ip="192.0.2.7")

    row = give("email", "ana@example.com", "promotional", shown)

    row.refresh_from_db()
    assert (row.source, row.wording, row.ip) == ("checkout", "Yes, write to me.", "192.0.2.7")


@pytest.fixture
def provider():
    return make_provider()


def make_job(provider, **values):
    return outbox.open_job(
        name="Spring",
        source="test",
        channel_type="email",
        category="promotional",
        provider=provider,
        at=NOW,
        **values,
    )


def make_asking(provider, address, **values):
    job = make_job(provider, needs_consent=True)
    outbox.start_job(job, NOW)
    lane = job.lanes.get()
    return make_message(
        provider=provider,
        job=job,
        lane=lane,
        category="promotional",
        to_address=address,
        **values,
    )


def test_consent_withdrawn_after_queueing_stops_the_message(provider):
    kept = make_asking(provider, "Ana@example.com")
    barred = make_asking(provider, "ben@example.com")
    give("email", "ana@example.com", "promotional", proof(-1))
    give("email", "ben@example.com", "promotional", proof(-2))
    withdraw("email", "ben@example.com", "promotional", proof(-1))

    with time_machine.travel(NOW, tick=True):
        drain()

    kept.refresh_from_db()
    barred.refresh_from_db()
    assert (kept.status, barred.status) == (MessageStatus.SENT, MessageStatus.SUPPRESSED)
    assert barred.error_message == "No consent on record."


def test_nothing_is_looked_up_when_no_job_asks(provider):
    asked = [make_message(provider=provider), make_message(provider=provider)]
    asked[0].job = make_job(provider)

    with CaptureQueriesContext(connection) as queries:
        assert consents.without(asked) == set()

    assert not queries.captured_queries


def test_capitals_beyond_ascii_do_not_hide_a_consent_from_a_set():
    give("email", "ÄNNA@example.com", "promotional", proof())
    make_message(to_address=clean_address("email", "Änna@example.com"))

    is_granted = consents.is_granted_to("to_address", "email", "promotional")

    assert Message.objects.filter(is_granted).count() == 1
