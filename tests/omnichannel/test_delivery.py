from __future__ import annotations

import datetime

import pytest
import time_machine

from omnichannel.choices import MessageStatus, Outcome, Priority
from omnichannel.delivery import deliver_now, drain, send_provider
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Rejected,
    TemporaryError,
    Throttled,
)
from omnichannel.models import Lane, Message, ProviderStatus, Suppression
from omnichannel.recovery import promote
from tests.factories import NOW, make_lane, make_message, make_provider
from tests.omnichannel.scripted import fails_with, in_turn, results

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def at_now():
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


def test_a_ready_message_is_sent_and_says_so(provider, scripted):
    message = make_message(provider=provider)

    drain()

    message.refresh_from_db()
    event = message.events.get()
    assert message.status == MessageStatus.SENT
    assert message.external_id == f"ext-{message.key}"
    assert (message.attempts, message.retry_attempt, message.claimed_by) == (1, 0, "")
    assert (event.type, event.status, event.code) == ("sent", "sent", "250")


def test_permanent_refusal_is_not_tried_again(provider, scripted):
    scripted.answer = fails_with(Rejected("no such user", code="550"))
    message = make_message(provider=provider)

    drain()
    promote(NOW + 60 * MINUTE)
    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.FAILED
    assert (message.error_code, message.error_message) == ("550", "no such user")
    assert len(scripted.seen) == 1


def test_retry_max_attempt_n_means_at_most_one_plus_n_attempts(provider, scripted, at_now):
    scripted.answer = fails_with(TemporaryError("busy", code="451"))
    message = make_message(provider=provider, retry_max_attempt=2)

    for round_ in range(6):
        at_now.move_to(NOW + round_ * 10 * MINUTE)
        promote(NOW + round_ * 10 * MINUTE)
        drain()

    message.refresh_from_db()
    assert len(scripted.seen) == 3
    assert (message.status, message.attempts, message.retry_attempt) == ("failed", 3, 2)
    assert "no retries left" in message.error_message


def test_a_retry_never_comes_sooner_than_pool_time_retry(provider, scripted):
    scripted.answer = fails_with(TemporaryError("busy", retry_after=1))
    message = make_message(provider=provider, pool_time_retry=7 * MINUTE)

    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.ERROR
    assert message.due_at >= NOW + 7 * MINUTE
    assert promote(NOW + 6 * MINUTE) == 0
    assert promote(NOW + 8 * MINUTE) == 1


def test_retry_after_is_honoured_up_to_a_cap(provider, scripted):
    scripted.answer = in_turn(
        fails_with(TemporaryError("busy", retry_after=1200)),
        fails_with(TemporaryError("busy", retry_after=10**9)),
    )
    first = make_message(provider=provider)
    second = make_message(provider=provider)

    drain()

    first.refresh_from_db()
    second.refresh_from_db()
    assert NOW + 20 * MINUTE <= first.due_at < NOW + 21 * MINUTE
    assert second.due_at < NOW + 61 * MINUTE


@pytest.mark.fault(20)
def test_throttling_rests_the_whole_provider(provider, scripted):
    scripted.answer = fails_with(Throttled("slow down", code="429", retry_after=30))
    first, second = make_message(provider=provider), make_message(provider=provider)

    drain()

    first.refresh_from_db()
    second.refresh_from_db()
    provider.refresh_from_db()
    assert (first.status, second.status) == (MessageStatus.ERROR, MessageStatus.NEW)
    assert provider.resting_until > NOW
    assert len(scripted.seen) == 1


def test_refused_credentials_fail_nothing_and_stop_the_provider(provider, scripted):
    scripted.answer = fails_with(ProviderRefused("535 wrong password", code="535"))
    messages = [make_message(provider=provider) for _ in range(3)]

    drain()
    drain()

    provider.refresh_from_db()
    assert provider.stopped_at is not None
    assert "535" in provider.trouble
    assert {Message.objects.get(pk=m.pk).status for m in messages} == {"new"}
    assert len(scripted.seen) == 1


@pytest.mark.fault(18)
def test_no_connection_uses_up_no_retry_and_rests_the_provider(provider, scripted):
    scripted.answer = fails_with(ProviderUnavailable("connection refused"))
    first, second = make_message(provider=provider), make_message(provider=provider)

    drain()

    first.refresh_from_db()
    second.refresh_from_db()
    provider.refresh_from_db()
    assert (first.status, first.attempts) == (MessageStatus.ERROR, 0)
    assert "connection refused" in first.error_message
    assert second.status == MessageStatus.NEW
    assert first.due_at == provider.resting_until > NOW


def test_an_unknown_outcome_is_uncertain_and_not_sent_again(provider, scripted):
    scripted.answer = fails_with(OutcomeUnknown("no answer after the final dot"))
    message = make_message(provider=provider)

    drain()
    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.UNCERTAIN
    assert len(scripted.seen) == 1


def test_a_fault_in_a_backend_leaves_its_message_uncertain_and_the_rest_ready(provider, scripted):
    scripted.answer = fails_with(KeyError("bug"))
    first, second = make_message(provider=provider), make_message(provider=provider)

    with pytest.raises(KeyError):
        drain()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (MessageStatus.UNCERTAIN, MessageStatus.NEW)


@pytest.mark.fault(34)
def test_a_bad_row_does_not_stop_its_batch(provider, scripted):
    scripted.answer = in_turn(
        fails_with(Rejected("bad")), results(Outcome.ACCEPTED), results(Outcome.ACCEPTED)
    )
    rows = [make_message(provider=provider) for _ in range(3)]

    drain()

    found = [Message.objects.get(pk=row.pk).status for row in rows]
    assert found == ["failed", "sent", "sent"]


def test_a_lower_priority_number_goes_first(provider, scripted):
    late = make_message(provider=provider, priority=Priority.VERY_LOW)
    urgent = make_message(provider=provider, priority=Priority.URGENT)
    normal = make_message(provider=provider, priority=Priority.NORMAL)

    drain()

    assert [m.key for m in scripted.seen] == [str(m.key) for m in (urgent, normal, late)]


def test_nothing_goes_outside_the_providers_window(provider, scripted):
    provider.interval_min, provider.interval_max = datetime.time(13), datetime.time(14)
    provider.save()
    message = make_message(provider=provider)

    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.NEW
    assert scripted.seen == []


def test_a_message_whose_own_window_closed_waits_for_its_next_opening(provider, scripted):
    message = make_message(
        provider=provider, interval_min=datetime.time(8), interval_max=datetime.time(9)
    )

    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.SCHEDULED
    assert message.due_at == NOW.replace(hour=8) + datetime.timedelta(days=1)
    assert scripted.seen == []


def test_an_expired_message_is_never_sent(provider, scripted):
    message = make_message(provider=provider, expires_at=NOW - MINUTE)

    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.EXPIRED
    assert scripted.seen == []


@pytest.mark.fault(39)
def test_an_address_suppressed_after_queueing_is_not_written_to(provider, scripted):
    message = make_message(provider=provider, to_address="Ana@example.com")
    Suppression.objects.create(channel_type="email", address="ana@example.com")

    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.SUPPRESSED
    assert scripted.seen == []


def test_suppression_of_another_category_does_not_hold_a_message_back(provider, scripted):
    make_message(provider=provider, to_address="ana@example.com")
    Suppression.objects.create(
        channel_type="email", address="ana@example.com", category="promotional"
    )

    drain()

    assert len(scripted.seen) == 1


def test_a_paused_lane_sends_nothing(provider, scripted):
    make_message(provider=provider, lane=make_lane(provider, is_paused=True))

    drain()

    assert scripted.seen == []


@pytest.mark.fault(36)
def test_pausing_in_the_middle_of_a_batch_puts_the_rest_back(provider, scripted, monkeypatch):
    monkeypatch.setattr("omnichannel.batch.LOOK_SECONDS", 0)
    lane = make_lane(provider)
    rows = [make_message(provider=provider, lane=lane) for _ in range(5)]

    def answer(message):
        if len(scripted.seen) == 2:
            Lane.objects.update(is_paused=True)
        return results(Outcome.ACCEPTED)(message)

    scripted.answer = staticmethod(answer)

    drain()

    found = [Message.objects.get(pk=row.pk).status for row in rows]
    assert found == ["sent", "sent", "new", "new", "new"]


def test_a_stop_request_ends_the_loop_between_two_messages(provider, scripted):
    for _ in range(5):
        make_message(provider=provider)

    send_provider(
        provider.pk, ("transactional",), until=10**12, stopped=lambda: len(scripted.seen) >= 2
    )

    assert Message.objects.filter(status="sent").count() == 2
    assert Message.objects.filter(status="new").count() == 3


def test_an_unknown_code_is_added_unclassified_and_loses_nothing(provider, scripted):
    scripted.answer = results(Outcome.ACCEPTED, "299", "odd but fine")
    message = make_message(provider=provider)

    drain()

    message.refresh_from_db()
    row = ProviderStatus.objects.get(provider=provider, code="299")
    assert message.status == MessageStatus.SENT
    assert (row.is_classified, row.outcome) == (False, Outcome.ACCEPTED)
    assert message.provider_status == row


def test_what_an_operator_made_of_a_code_decides(provider, scripted):
    ProviderStatus.objects.create(provider=provider, code="550", outcome=Outcome.TEMPORARY)
    scripted.answer = fails_with(Rejected("greylisted", code="550"))
    message = make_message(provider=provider)

    drain()

    message.refresh_from_db()
    assert message.status == MessageStatus.ERROR


def test_another_providers_trouble_holds_up_nobody(provider, scripted):
    broken = make_provider(backend="no-such-type")
    make_message(provider=broken)
    message = make_message(provider=provider)

    drain()

    message.refresh_from_db()
    broken.refresh_from_db()
    assert message.status == MessageStatus.SENT
    assert "no-such-type" in broken.trouble


def test_deliver_now_sends_this_message_only(provider, scripted):
    other = make_message(provider=provider)
    message = make_message(provider=provider)

    deliver_now(message, at=NOW)

    other.refresh_from_db()
    assert (message.status, other.status) == (MessageStatus.SENT, MessageStatus.NEW)


def test_the_rate_limit_holds_over_a_second(provider, scripted):
    provider.rate_limit = 20
    provider.save()
    for _ in range(60):
        make_message(provider=provider)

    drain(seconds=1.0)

    assert 15 <= len(scripted.seen) <= 45
