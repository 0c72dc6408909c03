"""A database that was restored or copied sends nothing until an operator has said what it is."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from campaigns.tasks import start_due_campaigns
from omnichannel import delivery, installation, recovery, tasks
from omnichannel.models import Installation, Message
from tests.factories import make_provider
from tests.factories_campaigns import make_campaign
from tests.faults import duplicates
from tests.faults.forked import Child
from tests.faults.rows import make_relay, queue

COUNT = 6


@pytest.fixture
def studio(shared, free_to_run, wire):
    """A database with messages that wait, on which a worker has looked once."""
    provider = make_relay(wire)
    work()
    queue(provider, COUNT, timezone.now())
    return wire


def fresh(do) -> None:
    """In a process that has yet to look whether sending is held."""

    def begin() -> None:
        installation.known = installation.Known()
        do()

    assert Child(begin).wait() == 0


def tick() -> None:
    """What a worker does by itself, and what a page would do with a one-time password."""
    recovery.recover(timezone.now())
    recovery.promote(timezone.now())
    start_due_campaigns()
    for message in Message.objects.filter(category="otp"):
        delivery.deliver_now(message, at=timezone.now())
    tasks.send_otp()
    tasks.send_promotional()
    tasks.send_transactional()


def work() -> None:
    fresh(tick)


def held() -> str:
    return Installation.objects.get().held_reason


def statuses() -> set[str]:
    return set(Message.objects.values_list("status", flat=True))


def release(*arguments: str) -> None:
    fresh(lambda: call_command("release_hold", *arguments, stdout=io.StringIO()))


def taken(wire) -> list[str]:
    return wire.accepted()


@pytest.mark.fault(43)
def test_an_old_backup_that_is_put_back_sends_nothing_until_it_is_released(studio, tmp_path):
    Message.objects.filter(to_address="p0@example.com").update(category="otp")
    campaign = make_campaign(
        status="scheduled",
        starts_at=timezone.now() - timedelta(minutes=1),
        provider=make_provider(backend="smtp"),
    )
    backup = duplicates.back_up(tmp_path)
    work()
    sent = sorted(taken(studio))
    duplicates.restore(backup)

    work()
    work()

    assert sent == sorted(f"p{number}@example.com" for number in range(COUNT))
    assert sorted(taken(studio)) == sent
    assert "An older backup was put in place" in held()
    assert statuses() == {"new"}
    campaign.refresh_from_db()
    assert campaign.status == "scheduled"

    release()
    queue(Message.objects.first().provider, 1, timezone.now(), to_address="late@example.com")
    work()

    assert sorted(taken(studio)) == sorted([*sent, "late@example.com"])
    assert statuses() == {"cancelled", "sent"}
    campaign.refresh_from_db()
    assert campaign.status == "cancelled"


@pytest.mark.fault(43)
def test_a_backup_that_takes_the_place_of_the_database_is_held(studio, tmp_path):
    """A file moved over the old one; a clone that is given the old name."""
    with duplicates.copy(tmp_path / "kept") as name:
        work()
        before = len(taken(studio))

        with duplicates.using(name):
            work()
            reason = held()

    assert before == COUNT
    assert len(taken(studio)) == COUNT
    assert "This is not the database that was confirmed last" in reason


@pytest.mark.fault(44)
def test_the_second_of_two_deployments_of_one_database_is_held_and_the_first_goes_on(
    studio, tmp_path
):
    with duplicates.copy(tmp_path / "second") as name:
        with duplicates.using(name):
            settings.VAR_DIR = tmp_path / "second"
            settings.VAR_DIR.mkdir(exist_ok=True)
            work()
            assert "This is not the database that was confirmed last" in held()
            assert statuses() == {"new"}
            release("--new-identity")
            queue(Message.objects.first().provider, 1, timezone.now(), to_address="c@example.com")
            work()
            assert statuses() == {"cancelled", "sent"}
            second = Installation.objects.get().uuid
        settings.VAR_DIR = tmp_path
        work()

    assert sorted(taken(studio)) == ["c@example.com", *(f"p{n}@example.com" for n in range(COUNT))]
    assert held() == ""
    assert Installation.objects.get().uuid != second


@pytest.mark.fault(44)
def test_what_was_only_moved_sends_what_waits_when_the_operator_says_so(studio, tmp_path):
    with duplicates.copy(tmp_path / "moved") as name, duplicates.using(name):
        work()
        was_held = held()

        release("--send")
        work()

        assert was_held
        assert statuses() == {"sent"}
    assert len(taken(studio)) == COUNT


@pytest.mark.fault(43)
def test_restarts_new_hosts_and_empty_folders_hold_nothing(studio, tmp_path):
    for host in ("", "", "second", "third"):
        settings.VAR_DIR = tmp_path / host
        settings.VAR_DIR.mkdir(exist_ok=True)
        work()
        (settings.VAR_DIR / "witness.json").unlink()
        work()

    assert held() == ""
    assert len(taken(studio)) == COUNT


@pytest.mark.fault(43)
def test_a_database_from_before_there_were_installations_is_adopted(studio, tmp_path):
    Installation.objects.all().delete()
    (tmp_path / "witness.json").unlink()

    work()

    assert held() == ""
    assert statuses() == {"sent"}


@pytest.mark.fault(43)
def test_a_backup_from_before_there_were_installations_is_held(studio):
    Installation.objects.all().delete()

    work()

    assert "another installation" in held()
    assert statuses() == {"new"}
    release("--send")
    work()
    assert statuses() == {"sent"}


@pytest.mark.fault(43)
def test_a_new_database_in_the_place_of_one_that_was_deleted_is_not_held(studio):
    Message.objects.all().delete()
    Installation.objects.all().delete()

    work()

    assert held() == ""


@pytest.mark.fault(43)
def test_what_was_uncertain_before_a_restore_is_not_sent_again_by_itself(studio, wire):
    Message.objects.exclude(to_address="p0@example.com").delete()
    Message.objects.update(
        status="uncertain", attempts=1, last_attempt_at=timezone.now() - timedelta(hours=2)
    )
    type(Message.objects.first().provider).objects.update(
        on_uncertain="retry", retry_max_attempt=3, pool_time_retry=timedelta(0)
    )
    hold()
    work()
    while_held = statuses()
    release()

    work()

    assert while_held == statuses() == {"uncertain"}
    assert taken(wire) == []


def hold() -> None:
    """As a worker does that finds an older backup."""
    connections.close_all()
    row = Installation.objects.get()
    Installation.objects.update(counter=row.counter - 3600)
    work()
    assert held()
