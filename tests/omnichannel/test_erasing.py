"""Erasing a person: nothing of the address is left, the figures are."""

from __future__ import annotations

import datetime

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import models

from omnichannel import consents, erasing, outbox, people, receipts
from omnichannel.backends import sandbox_store
from omnichannel.backends.base import TrackingEvent
from omnichannel.delivery import drain
from omnichannel.models import (
    Consent,
    Message,
    MessageAttachment,
    MessageEvent,
    ReceivedEvent,
    Suppression,
)
from tests.factories import NOW, make_message, make_provider

pytestmark = pytest.mark.django_db
ANA = "ana@example.com"
DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MEDIA_ROOT = settings.VAR_DIR = tmp_path


def erase(text: str = ANA, *, keep_barred: bool = True):
    return erasing.erase(people.parse(text), keep_barred=keep_barred, at=NOW)


def tables_that_name(text: str) -> set[str]:
    """The columns of the database that hold the text, in whatever case."""
    found = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                for (value,) in model._default_manager.values_list(field.name):
                    if text in str(value).lower():
                        found.add(f"{model._meta.label}.{field.name}")
    return found


@pytest.fixture
def everything():
    """A message that tells all there can be told, with all that hangs on it."""
    provider = make_provider()
    message = make_message(
        provider=provider,
        to_address="Ana@Example.com",
        cc_addresses=f"ben@example.com; {ANA}",
        subject=f"For {ANA}",
        body_html=f"<p>{ANA}</p>",
        body_text=ANA,
        variables={"email": ANA},
        channel_provider_params={"reply": ANA},
        extended_properties={"who": ANA},
        external_id=f"id-{ANA}",
        error_code="550",
        error_message=f"<{ANA}>: no such user",
        status="failed",
    )
    attachment = MessageAttachment(message=message, name=f"{ANA}.pdf")
    attachment.file.save("a", ContentFile(b"file"))
    MessageEvent.objects.create(
        message=message,
        provider=provider,
        type="bounced",
        at=NOW,
        code="550",
        description=f"{ANA} is unknown",
        url=f"https://example.com/?u={ANA}",
    )
    others = make_message(
        provider=provider, cc_addresses=f"Ana@example.com; ben@{'example.com'}", status="sent"
    )
    for text in (f"550 5.1.1 <{ANA.upper()}>: no such user", "250 taken for ben@example.com"):
        MessageEvent.objects.create(
            message=others, provider=provider, type="bounced", at=NOW, description=text
        )
    ReceivedEvent.objects.create(
        provider=provider, event_id="e1", type="bounced", at=NOW, address="Ana@Example.com"
    )
    for reason, lifted in (("bounce", None), ("unsubscribe", NOW)):
        Suppression.objects.create(
            channel_type="email", address=ANA, reason=reason, note=ANA, lifted_at=lifted
        )
    consents.give("email", ANA, "promotional", consents.Proof(at=NOW))
    LogEntry.objects.create(
        user=User.objects.create_user("op"),
        content_type=ContentType.objects.get_for_model(Message),
        action_flag=CHANGE,
        object_repr=f"Message 1 to {ANA}",
        change_message="Requeued.",
    )
    return message, attachment


def test_nothing_is_left_of_the_address_but_on_the_suppression_list(everything):
    erase()

    assert tables_that_name(ANA) == {"omnichannel.Suppression.address"}
    assert {row.note for row in Suppression.objects.all()} == {erasing.KEPT_BARRED}


def test_nothing_at_all_is_left_when_it_shall_not_stay_barred(everything):
    erase(keep_barred=False)

    assert tables_that_name(ANA) == set()


def test_that_something_was_sent_stays(everything):
    message, attachment = everything

    done = erase()

    message.refresh_from_db()
    event = message.events.get()
    assert (message.status, message.error_code) == ("failed", "550")
    assert message.to_address == f"erased-{message.pk}"
    assert (event.type, event.at, event.code) == ("bounced", NOW, "550")
    assert not attachment.file.storage.exists(attachment.file.name)
    assert (done.messages, done.copies, done.consents, done.suppressions) == (1, 1, 1, 1)
    assert "ben@example.com" in set(Message.objects.values_list("cc_addresses", flat=True))
    told = MessageEvent.objects.values_list("description", flat=True)
    assert "250 taken for ben@example.com" in set(told)


def test_erasing_again_finds_nothing_and_changes_nothing(everything):
    erase()
    before = list(Message.objects.order_by("pk").values())

    done = erase()

    assert list(Message.objects.order_by("pk").values()) == before
    assert (done.messages, done.copies, done.consents) == (0, 0, 0)
    assert people.suppressions_of(people.parse(ANA)).in_force().exists()


def test_address_stays_barred_even_if_it_never_was_before():
    erase()

    with time_machine.travel(NOW + DAY, tick=True):
        message = make_message(to_address="Ana@example.com")
        assert (
            outbox.enqueue(
                Message(
                    provider=message.provider, to_address=ANA, subject="Hello", body_text="Hello"
                ),
                at=NOW + DAY,
            ).status
            == "suppressed"
        )


@pytest.mark.parametrize("status", ["new", "scheduled", "error", "uncertain"])
def test_what_waits_never_goes_and_cannot_be_put_back(status):
    message = make_message(to_address=ANA, status=status, due_at=NOW)

    done = erase(keep_barred=False)
    requeued = outbox.requeue(Message.objects.all(), at=NOW + DAY)
    drain()

    message.refresh_from_db()
    assert done.messages == 1
    assert requeued == 0
    assert message.status == ("failed" if status == "uncertain" else "cancelled")
    assert message.to_address == f"erased-{message.pk}"


def test_what_is_being_sent_is_left_and_told():
    message = make_message(to_address=ANA, status="sending", claimed_by="worker")
    make_message(to_address=ANA, status="sent")

    done = erase()

    message.refresh_from_db()
    assert (done.left, done.messages) == (1, 1)
    assert (message.status, message.to_address, message.subject) == ("sending", ANA, "Hello")
    Message.objects.filter(pk=message.pk).update(status="sent", claimed_by="")
    assert erase().messages == 1


def test_two_spellings_in_one_job_are_both_erased():
    provider = make_provider()
    job = outbox.open_job(
        name="Spring",
        source="test",
        channel_type="email",
        category="promotional",
        provider=provider,
        at=NOW,
    )
    for text in (ANA, "Ana@example.com"):
        make_message(provider=provider, job=job, to_address=text, status="sent")

    assert erase().messages == 2
    assert job.counts() == {"sent": 2}


def test_more_than_a_chunk_is_erased(monkeypatch):
    monkeypatch.setattr(erasing, "CHUNK", 2)
    provider = make_provider()
    for status in ("sent", "sent", "sent", "new", "new", "new"):
        make_message(provider=provider, to_address=ANA, status=status)

    done = erase()

    assert (done.messages, done.cancelled) == (6, 3)


def test_others_are_left_alone():
    make_message(to_address="nana@example.com", status="sent")
    Suppression.objects.create(channel_type="email", address="nana@example.com")
    consents.give("email", "nana@example.com", "promotional", consents.Proof(at=NOW))
    LogEntry.objects.create(
        user=User.objects.create_user("op"), action_flag=CHANGE, object_repr="nana@example.com"
    )

    erase()

    assert Message.objects.get().to_address == "nana@example.com"
    assert Consent.objects.count() == 1
    assert Suppression.objects.filter(address="nana@example.com", note="").exists()
    assert LogEntry.objects.get().object_repr == "nana@example.com"


def test_plan_says_beforehand_what_erasing_finds(everything):
    make_message(to_address=ANA)
    make_message(to_address=ANA, status="sending")

    plan = erasing.plan(people.parse(ANA))

    assert (plan.messages, plan.cancelled, plan.copies, plan.left) == (3, 1, 1, 1)
    assert (plan.consents, plan.suppressions) == (1, 2)


def test_sandbox_forgets_what_it_was_given():
    with time_machine.travel(NOW, tick=True):
        make_message(to_address="Ana@example.com", subject="Secret")
        drain()
    assert sandbox_store.listing(query=ANA)

    erase()

    assert not sandbox_store.listing(query=ANA)
    assert not sandbox_store.listing(query="Secret")


def test_report_that_comes_later_does_not_lead_back():
    message = make_message(to_address=ANA, status="sent", external_id="ext-1")
    other = make_message(provider=message.provider, to_address=ANA, status="sent")
    keys = {message.key, other.key}
    erase()

    for reference in ({"key": str(message.key)}, {"external_id": "ext-1"}):
        told = f"{ANA} is unknown"
        event = TrackingEvent(type="bounced", at=NOW, description=told, **reference)
        receipts.record(message.provider, [event], at=NOW)

    # It is kept as an event of no message, until it is erased as well or too old.
    barred = "omnichannel.Suppression.address"
    assert tables_that_name(ANA) == {barred, "omnichannel.ReceivedEvent.description"}
    erase()
    assert tables_that_name(ANA) == {barred}
    assert len(keys | set(Message.objects.values_list("key", flat=True))) == 4
