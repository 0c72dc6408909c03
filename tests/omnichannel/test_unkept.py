"""Variables that no row may hold: in memory until the message is sent, and nowhere else."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from omnichannel import instant, submissions
from omnichannel.backends.base import Result, TrackingEvent
from omnichannel.choices import EventType, MessageStatus, Outcome
from omnichannel.delivery import drain
from omnichannel.exceptions import InvalidSubmission
from omnichannel.models import Message
from omnichannel.submissions import Submission
from omnichannel.unkept import MASK, Unkept, kept, masked, names_in
from tests.factories_templates import make_template, make_version
from tests.omnichannel.api.conftest import pool

__all__ = ["pool"]

pytestmark = pytest.mark.django_db(transaction=True)


def asked(provider, **variables):
    template = make_version(make_template(), text="{{ word }} for {{ name }}", html="").template
    return Submission(
        recipients=[{"to_address": "ana@example.com"}],
        is_single=True,
        variables={"name": "Ana", **variables},
        template=template.pk,
        provider=provider.pk,
        unkept=frozenset({"word"}),
    )


def test_it_is_sent_and_not_kept(provider, scripted, pool):
    submission = asked(provider, word="xyzzy")

    instant.send(submission, at=timezone.now(), until=time.monotonic() + 20)

    row = Message.objects.get()
    assert scripted.seen[0].text == "xyzzy for Ana"
    assert row.variables["name"] == "Ana"
    assert "xyzzy" not in str(Message.objects.values())
    assert names_in(row.variables) == ["word"]


def test_it_must_be_given_all_the_same(provider, pool):
    with pytest.raises(InvalidSubmission, match="word"):
        instant.send(asked(provider), at=timezone.now(), until=time.monotonic() + 20)


def test_message_from_the_queue_has_lost_it_and_fails(provider, scripted):
    submissions.accept(asked(provider, word="xyzzy"), at=timezone.now())

    drain()

    row = Message.objects.get()
    assert (row.status, row.error_code) == (MessageStatus.FAILED, "not_kept")
    assert "ask for a new one" in row.error_message
    assert not scripted.seen


def test_sender_cannot_pass_for_a_message_without_its_secret(provider):
    with pytest.raises(InvalidSubmission, match="the template's own"):
        submissions.accept(
            asked(provider, word="a", system={"unkept": ["name"]}), at=timezone.now()
        )


def test_what_others_see_is_masked():
    message = Message(variables=kept({"word": "xyzzy", "name": "Ana"}, {"word"}))

    assert masked(message).variables["word"] == MASK
    assert masked(message).variables["name"] == "Ana"
    assert "word" not in message.variables


@pytest.mark.parametrize(
    "variables", [{}, {"system": "x"}, {"system": {}}, {"system": {"unkept": 5}}, {"word": 1}]
)
def test_row_that_has_everything_has_nothing_left_out(variables):
    assert names_in(variables) == []


def test_answer_that_repeats_it_is_masked():
    event = TrackingEvent(EventType.REJECTED, timezone.now(), description="No xyzzy")
    result = Result("k", Outcome.REJECTED, "550", "Spam: xyzzy", events=(event,))

    hidden = Unkept({1: {"word": "xyzzy"}}).hidden(result)

    assert hidden.text == f"Spam: {MASK}"
    assert hidden.events[0].description == f"No {MASK}"
    assert Unkept().hidden(result) is result
