"""What can go wrong between a claim and its record, and what must come of it."""

from __future__ import annotations

import dataclasses
import datetime
import time

import pytest
import time_machine
from django.db import OperationalError

from omnichannel import batch, delivery, recovery, worker
from omnichannel.backends.base import Result, TrackingEvent
from omnichannel.choices import Outcome
from omnichannel.models import ChannelProvider, Message, Suppression
from tests.factories import NOW, make_message, make_provider
from tests.omnichannel.scripted import accept, fails_with, in_turn, results

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


@pytest.fixture
def rows(provider):
    return [make_message(provider=provider) for _ in range(3)]


def statuses(rows) -> list[str]:
    return [Message.objects.get(pk=row.pk).status for row in rows]


def breaks(*args, **values):
    raise OperationalError("the connection is lost")


@pytest.mark.parametrize("outcome", [Outcome.THROTTLED, Outcome.AUTH])
def test_a_slow_batch_heeds_what_the_provider_said_a_while_ago(
    provider, scripted, rows, monkeypatch, outcome
):
    monkeypatch.setattr(batch, "LOOK_SECONDS", -1)
    scripted.answer = results(outcome, "429", "stop it")

    delivery.drain()

    assert len(scripted.seen) == 1
    assert statuses(rows)[1:] == ["new", "new"]


@pytest.mark.fault(38)
def test_a_provider_stopped_by_another_worker_stops_this_batch(
    provider, scripted, rows, monkeypatch
):
    monkeypatch.setattr(batch, "LOOK_SECONDS", -1)

    def answer(message):
        ChannelProvider.objects.update(stopped_at=NOW)
        return accept(message)

    scripted.answer = answer

    delivery.drain()

    assert statuses(rows) == ["sent", "new", "new"]


def test_a_window_that_closes_during_a_batch_is_kept(provider, scripted, rows, at_now):
    provider.interval_min, provider.interval_max = datetime.time(11), datetime.time(13)
    provider.save()

    def answer(message):
        at_now.move_to(NOW + 70 * MINUTE)
        return accept(message)

    scripted.answer = answer

    delivery.drain()

    assert statuses(rows) == ["sent", "new", "new"]


def test_a_message_that_expires_during_a_batch_is_not_sent(provider, scripted, rows, at_now):
    Message.objects.filter(pk=rows[1].pk).update(expires_at=NOW + 5 * MINUTE)

    def answer(message):
        at_now.move_to(NOW + 10 * MINUTE)
        return accept(message)

    scripted.answer = answer

    delivery.drain()

    assert statuses(rows) == ["sent", "expired", "sent"]


@pytest.mark.parametrize("target", ["status_table.StatusTable._add", "trouble.well"])
@pytest.mark.fault(13)
def test_a_database_that_fails_after_an_answer_makes_no_second_message(
    provider, scripted, rows, monkeypatch, target
):
    scripted.answer = results(Outcome.ACCEPTED, "299", "an unknown code")
    with monkeypatch.context() as broken:
        broken.setattr(f"omnichannel.{target}", breaks)
        with pytest.raises(OperationalError):
            delivery.drain()

    assert statuses(rows)[0] in ("sent", "uncertain")
    assert statuses(rows)[1:] == ["new", "new"]


@pytest.mark.parametrize(
    ("target", "left"),
    [("recording.record", "sent"), ("lots.screen", "new"), ("claims.put_back", "sent")],
)
@pytest.mark.fault(13)
def test_what_a_failing_database_kept_from_being_recorded_is_recovered(
    provider, scripted, rows, monkeypatch, target, left
):
    with monkeypatch.context() as broken:
        broken.setattr(f"omnichannel.{target}", breaks)
        with pytest.raises(OperationalError):
            delivery.send_provider(
                provider.pk,
                ("transactional",),
                until=time.monotonic() + 9,
                stopped=lambda: len(scripted.seen) == 1,
            )

    recovery.recover(NOW)

    assert statuses(rows) == [left, "new", "new"]


@pytest.mark.fault(34)
def test_a_message_that_cannot_be_made_does_not_hold_up_its_lane(
    provider, scripted, rows, monkeypatch
):
    made = batch.outgoing

    def outgoing(message, config):
        if message.pk == rows[0].pk:
            raise MemoryError
        return made(message, config)

    monkeypatch.setattr(batch, "outgoing", outgoing)

    delivery.drain()

    assert statuses(rows) == ["error", "sent", "sent"]


@pytest.mark.fault(16)
def test_a_full_disk_stops_before_anything_is_handed_over(provider, scripted, rows, monkeypatch):
    def full(journal, key):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(worker.Journal, "handed", full)

    with pytest.raises(OSError, match="No space"):
        delivery.drain()

    assert statuses(rows) == ["new", "new", "new"]
    assert scripted.seen == []


def test_a_fault_rests_its_provider_instead_of_coming_again_at_once(
    transactional_db, provider, scripted, rows
):
    scripted.answer = fails_with(KeyError("bug"))

    delivery.send_due(("transactional",), until=time.monotonic() + 1)

    provider.refresh_from_db()
    assert len(scripted.seen) == 1
    assert provider.resting_until > NOW
    assert "KeyError" in provider.trouble


def test_a_batch_ends_when_the_time_of_its_task_does(provider, scripted, rows):
    def answer(message):
        time.sleep(0.8)
        return accept(message)

    scripted.answer = answer

    delivery.send_provider(provider.pk, ("transactional",), until=time.monotonic() + 0.7)

    assert statuses(rows) == ["sent", "new", "new"]


def test_a_slow_provider_past_the_tasks_time_holds_up_no_other(
    transactional_db, provider, scripted
):
    other = make_provider(backend="scripted")
    make_message(provider=provider, to_address="slow@example.com")

    def answer(message):
        if message.to == "slow@example.com":
            time.sleep(max(0, until + 0.3 - time.monotonic()))
            make_message(provider=other, to_address="quick@example.com")
            time.sleep(1)
        return accept(message)

    scripted.answer = answer
    until = time.monotonic() + 1.5

    delivery.send_due(("transactional",), until=until)

    assert [message.to for message in scripted.seen] == ["slow@example.com", "quick@example.com"]


def test_a_copy_to_a_suppressed_address_is_left_out(provider, scripted):
    make_message(
        provider=provider,
        cc_addresses="Ana@example.com; bo@example.com",
        bcc_addresses="ana@example.com",
    )
    Suppression.objects.create(channel_type="email", address="ana@example.com")

    delivery.drain()

    assert (scripted.seen[0].cc, scripted.seen[0].bcc) == (("bo@example.com",), ())


def test_a_message_with_a_fault_of_its_own_is_given_up_in_the_end(
    provider, scripted, rows, monkeypatch, at_now
):
    def outgoing(message, config):
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "outgoing", outgoing)

    for hour in range(1, 7):
        delivery.drain()
        at_now.move_to(NOW + hour * 60 * MINUTE)
        recovery.promote(NOW + hour * 60 * MINUTE)

    assert statuses(rows) == ["failed"] * 3


def test_two_answers_in_turn_are_both_heard(provider, scripted, rows):
    scripted.answer = in_turn(accept, results(Outcome.REJECTED, "550"), accept)

    delivery.drain()

    assert statuses(rows) == ["sent", "failed", "sent"]


def test_what_no_database_can_keep_is_left_out_of_an_answer(provider, scripted):
    broken = "a\0b\udcff"
    event = TrackingEvent("delivered", NOW, event_id=broken, code=broken, description=broken)
    scripted.answer = lambda message: Result(
        message.key,
        Outcome.ACCEPTED,
        f"{broken}{'9' * 80}",
        broken,
        external_id=broken,
        events=(dataclasses.replace(event, key=message.key),),
    )
    message = make_message(provider=provider)

    delivery.drain()

    message.refresh_from_db()
    assert (message.status, message.external_id) == ("delivered", "ab?")
    assert message.provider_status.code == "ab?" + "9" * 57
    assert message.events.filter(type="delivered").get().description == "ab?"


def test_a_secret_that_no_key_opens_stops_its_provider_only(provider, scripted, settings):
    sealed = make_provider(backend="scripted", app_password="secret")
    waits = make_message(provider=sealed)
    message = make_message(provider=provider)
    settings.FIELD_ENCRYPTION_KEYS = ["another ring"]

    delivery.drain()
    recovery.recover(NOW)

    assert statuses([waits, message]) == ["new", "sent"]
    stopped = ChannelProvider.objects.values_list("trouble", flat=True).get(pk=sealed.pk)
    assert "FIELD_ENCRYPTION_KEYS" in stopped


def test_an_answer_is_recorded_while_the_backend_waits_for_the_next(
    provider, scripted, rows, monkeypatch
):
    seen = []

    def deliver(self, messages):
        for message in messages:
            yield scripted.answer(message)
            time.sleep(batch.FLUSH_SECONDS * 1.5)
            self.idle()
            seen.append(statuses(rows)[len(seen)])

    monkeypatch.setattr(scripted, "deliver", deliver)

    delivery.drain()

    assert seen == ["sent", "sent", "sent"]
