from __future__ import annotations

import datetime

import pytest

from omnichannel import outbox, recovery
from omnichannel.backends.base import Result
from omnichannel.choices import Category, MessageStatus, OnUncertain, Outcome
from omnichannel.claims import claim
from omnichannel.journal import Journal, abandoned
from omnichannel.models import Message
from tests.factories import NOW, make_lane, make_message, make_provider

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def dead():
    """A worker that claimed four messages and died: one answered, one in hand, two untouched."""
    journal = Journal()
    lane = make_lane()
    rows = [make_message(provider=lane.provider, lane=lane) for _ in range(4)]
    claim(lane, 10, journal.worker)
    journal.handed(str(rows[0].key))
    journal.answered(Result(str(rows[0].key), Outcome.ACCEPTED, "250", "OK", "ext-1"))
    journal.handed(str(rows[1].key))
    return journal, rows


def let_die(journal: Journal) -> None:
    import os

    os.close(journal._file)


def statuses(rows) -> list[str]:
    return [Message.objects.get(pk=row.pk).status for row in rows]


@pytest.mark.fault(8)
def test_after_a_death_only_the_message_in_hand_is_uncertain(db, dead):
    journal, rows = dead
    let_die(journal)

    recovery.recover(NOW)

    assert statuses(rows) == ["sent", "uncertain", "new", "new"]
    assert Message.objects.get(pk=rows[0].pk).external_id == "ext-1"
    assert "may or may not" in Message.objects.get(pk=rows[1].pk).error_message


def test_a_young_journal_is_kept_for_a_claim_that_is_still_being_committed(db, dead, monkeypatch):
    journal, rows = dead
    let_die(journal)
    recovery.recover(NOW)
    Message.objects.filter(pk=rows[3].pk).update(status="sending", claimed_by=journal.worker)

    recovery.recover(NOW)

    assert statuses(rows) == ["sent", "uncertain", "new", "new"]
    monkeypatch.setattr("omnichannel.journal.LATE_SECONDS", -1)
    recovery.recover(NOW)
    assert list(abandoned()) == []


def test_a_living_workers_messages_are_left_to_it(db, dead):
    journal, rows = dead

    recovery.recover(NOW)

    assert statuses(rows) == ["sending"] * 4
    journal.close()


def test_a_journal_cut_off_in_a_write_is_still_read(db, dead):
    journal, rows = dead
    import os

    os.write(journal._file, b'["half')
    let_die(journal)

    recovery.recover(NOW)

    assert statuses(rows) == ["sent", "uncertain", "new", "new"]


@pytest.mark.fault(2)
def test_a_lease_that_ran_out_without_a_journal_is_uncertain(db):
    message = make_message(
        status="sending",
        claimed_by="elsewhere",
        lease_until=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    )

    recovery.recover(NOW)

    message.refresh_from_db()
    assert message.status == MessageStatus.UNCERTAIN


@pytest.mark.parametrize(
    ("policy", "expected"), [(OnUncertain.HOLD, "uncertain"), (OnUncertain.RETRY, "new")]
)
def test_what_stays_uncertain_follows_the_providers_policy(db, policy, expected):
    provider = make_provider(on_uncertain=policy, pool_time_retry=5 * MINUTE)
    message = make_message(provider=provider, status="uncertain", last_attempt_at=NOW, attempts=1)

    recovery.recover(NOW + 4 * MINUTE)
    early = Message.objects.get(pk=message.pk).status
    recovery.recover(NOW + 6 * MINUTE)

    assert (early, Message.objects.get(pk=message.pk).status) == ("uncertain", expected)


@pytest.mark.parametrize(
    ("default", "otp", "expected"),
    [
        ("hold", "", {"otp": "uncertain", "promotional": "uncertain"}),
        ("hold", "retry", {"otp": "new", "promotional": "uncertain"}),
        ("retry", "", {"otp": "new", "promotional": "new"}),
        ("retry", "hold", {"otp": "uncertain", "promotional": "new"}),
    ],
)
def test_a_category_follows_its_own_policy_before_the_providers(db, default, otp, expected):
    provider = make_provider(on_uncertain=default, on_uncertain_otp=otp)
    for category in expected:
        make_message(provider=provider, category=category, status="uncertain", last_attempt_at=NOW)

    recovery.recover(NOW + 6 * MINUTE)

    assert dict(Message.objects.values_list("category", "status")) == expected
    for category, status in expected.items():
        assert (provider.policy_for(category) == "retry") == (status == "new")


def test_an_uncertain_message_with_no_retries_left_is_not_sent_again(db):
    provider = make_provider(on_uncertain=OnUncertain.RETRY, retry_max_attempt=0)
    message = make_message(provider=provider, status="uncertain", last_attempt_at=NOW, attempts=1)

    recovery.recover(NOW + 60 * MINUTE)

    message.refresh_from_db()
    assert message.status == "uncertain"


def test_messages_are_promoted_when_their_moment_has_come(db):
    early = make_message(status="scheduled", due_at=NOW + MINUTE)
    due = make_message(status="error", due_at=NOW)

    assert recovery.promote(NOW) == 1
    assert statuses([early, due]) == ["scheduled", "new"]


def test_more_than_a_chunk_is_promoted_at_once(db, monkeypatch):
    monkeypatch.setattr(recovery, "CHUNK", 2)
    provider, lane = make_provider(), None
    lane = make_lane(provider)
    for _ in range(5):
        make_message(provider=provider, lane=lane, status="error", due_at=NOW)

    assert recovery.promote(NOW) == 5


def test_overdue_messages_expire_and_others_do_not(db):
    over = [make_message(status=s, expires_at=NOW) for s in ("new", "scheduled", "error")]
    in_hand = make_message(status="sending", expires_at=NOW)
    alive = make_message(expires_at=NOW + MINUTE)

    assert recovery.expire(NOW) == 3
    assert statuses(over) == ["expired"] * 3
    assert statuses([in_hand, alive]) == ["sending", "new"]


def test_what_was_put_back_into_a_cancelled_job_is_cancelled(db):
    provider = make_provider()
    job = outbox.open_job(
        name="Spring",
        source="campaign",
        channel_type="email",
        category=Category.PROMOTIONAL,
        provider=provider,
        at=NOW,
    )
    message = make_message(provider=provider, lane=job.lanes.get(), job=job, status="sending")
    outbox.cancel_job(job, NOW)
    Message.objects.filter(pk=message.pk).update(status="new")

    recovery.recover(NOW)

    assert statuses([message]) == ["cancelled"]


@pytest.mark.fault(12)
def test_after_the_machine_went_down_what_was_claimed_is_uncertain(db, dead, monkeypatch):
    """The journal is not forced to the disk: lines of it may be missing then."""
    journal, rows = dead
    let_die(journal)
    monkeypatch.setattr("omnichannel.journal.boot", lambda: "another-boot")

    recovery.recover(NOW)

    assert statuses(rows) == ["sent", "uncertain", "uncertain", "uncertain"]


def test_a_journal_that_cannot_be_settled_holds_up_no_other(db, dead, monkeypatch):
    journal, rows = dead
    let_die(journal)
    (journal.path.parent / "000.log").write_bytes(b"5\n\0\0\n[]\n[[]]\n")

    recovery.recover(NOW)

    assert statuses(rows) == ["sent", "uncertain", "new", "new"]
