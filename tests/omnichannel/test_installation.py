from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import signals
from django.utils import timezone

from campaigns import runner
from campaigns.tasks import expand_jobs
from omnichannel import (
    health,
    installation,
    lanes,
    liveness,
    place,
    tasks,
    urgent,
    witness,
)
from omnichannel.models import Installation, Message
from omnichannel.witness import Seen
from tests.factories import NOW, make_message
from tests.factories_campaigns import make_campaign
from tests.omnichannel.installations import HERE, hold, reason


@pytest.fixture
def shared(transactional_db, here):
    return here


@pytest.mark.parametrize(
    "found",
    [
        {"oid": 2, "name": "studio", "server": "77"},
        {"oid": 2, "name": "copy", "server": "77"},
        {"oid": 1, "name": "studio", "server": "78"},
        {"path": "/var/studio.sqlite3", "inode": 1, "device": 1},
    ],
)
def test_another_database_with_the_same_rows_is_held(shared, found):
    installation.look(NOW)

    shared(HERE._replace(facts=found))

    assert installation.look(NOW)
    assert "not the database that was confirmed last" in reason()


@pytest.mark.parametrize(
    "found",
    [
        {"oid": 1, "name": "renamed", "server": "77"},
        {"oid": 1, "name": "studio"},  # the account may no longer ask which server it is
        {},
    ],
)
def test_what_may_well_be_the_same_database_is_not_held(shared, found):
    installation.look(NOW)

    shared(HERE._replace(facts=found))

    assert not installation.look(NOW)


FILE = {"path": "/var/a", "inode": 5, "device": 1}


@pytest.mark.parametrize(
    ("changed", "is_other"),
    [
        ({}, False),
        ({"device": 2}, False),  # a disk that has another number since the restart
        ({"path": "/moved/a"}, False),  # the folder was renamed, or is mounted elsewhere
        ({"inode": 6}, True),  # another file under the same name
        ({"path": "/copy/a", "inode": 6}, True),
        ({"path": "/copy/a", "device": 2}, True),  # on another disk, by chance of the same number
    ],
)
def test_a_file_is_known_by_its_number_and_its_name_or_its_disk(changed, is_other):
    assert bool(place.difference(FILE, {**FILE, **changed})) is is_other


def test_a_counter_behind_the_witness_is_an_older_backup(shared):
    installation.look(NOW)
    Installation.objects.update(counter=int((NOW - timedelta(hours=1)).timestamp()))

    assert installation.look(NOW + timedelta(minutes=1))

    assert f"{NOW - timedelta(hours=1):%H:%M:%S} UTC" in reason()
    assert f"{NOW + timedelta(seconds=1):%H:%M:%S} UTC" in reason()


@pytest.mark.parametrize(
    ("lag", "timeline", "is_held"), [(20, 2, False), (20, 1, True), (20, 0, True), (90, 2, True)]
)
def test_only_a_promoted_standby_may_lack_the_last_moments(shared, lag, timeline, is_held):
    installation.look(NOW)
    Installation.objects.update(counter=int(NOW.timestamp()) - lag)

    shared(HERE._replace(timeline=timeline))

    assert installation.look(NOW) is is_held


def test_another_installation_in_the_same_place_is_held(shared):
    witness.remember("another", HERE.address, Seen(1, 1))
    Installation.objects.create(pk=1, place=HERE.facts)

    assert installation.look(NOW)

    assert "another installation" in reason()


def test_two_processes_that_find_a_new_database_together_raise_no_doubt(shared):
    witness.remember("an older one", HERE.address, Seen(1, 1))
    others = []

    def meanwhile(**_):
        others.append(installation.look(NOW))

    signals.post_save.connect(meanwhile, sender=Installation)
    try:
        is_held = installation.look(NOW)
    finally:
        signals.post_save.disconnect(meanwhile, sender=Installation)

    assert (is_held, others) == (False, [False])


def test_one_host_that_holds_it_holds_it_for_all(shared, settings, tmp_path):
    installation.look(NOW)
    Installation.objects.update(counter=1)
    installation.look(NOW)

    settings.VAR_DIR = tmp_path / "another host"

    assert installation.look(NOW)


def test_another_process_that_counts_at_the_same_time_raises_no_doubt(shared, monkeypatch):
    installation.look(NOW)
    row, recall = Installation.objects.get(), witness.recall

    def meanwhile():
        Installation.objects.update(counter=row.counter + 5)
        witness.remember(str(row.uuid), HERE.address, Seen(row.counter + 5, 1))
        return recall()

    with monkeypatch.context() as patch:
        patch.setattr(witness, "recall", iter_once(meanwhile, recall))
        assert not installation.look(NOW)


def iter_once(first, then):
    """A function that is `first` when it is called first, and `then` after that."""
    calls = [first]
    return lambda: calls.pop()() if calls else then()


def test_the_counter_never_goes_back_with_a_clock(shared):
    installation.look(NOW)
    before = Installation.objects.get().counter

    installation.look(NOW - timedelta(hours=2))

    assert Installation.objects.get().counter == before + 1


def test_what_is_rolled_back_is_not_remembered(shared):
    installation.look(NOW)
    with transaction.atomic():
        installation.look(NOW + timedelta(hours=1))
        transaction.set_rollback(True)

    assert not installation.look(NOW + timedelta(seconds=1))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"installations": 3}', '{"addresses": {}}'])
def test_a_witness_that_cannot_be_read_objects_to_nothing(shared, text):
    witness.path().write_text(text)

    assert not installation.look(NOW)

    assert list(json.loads(witness.path().read_text())["addresses"]) == [HERE.address]


def test_a_witness_that_cannot_be_written_stops_nothing(shared, settings, tmp_path):
    settings.VAR_DIR = tmp_path / "is not there"

    assert not installation.look(NOW)


def test_a_witness_keeps_a_bounded_number_of_installations(here):
    for number in range(witness.KEPT + 20):
        witness.remember(f"no {number}", f"address {number}", Seen(number, 1))

    kept = json.loads(witness.path().read_text())
    assert len(kept["installations"]) == len(kept["addresses"]) == witness.KEPT
    assert witness.recall().installations[f"no {witness.KEPT + 19}"] == (witness.KEPT + 19, 1)


def test_between_two_looks_the_question_costs_no_query(
    shared, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(installation, "known", installation.Known())
    installation.is_held()

    with django_assert_num_queries(0):
        for _ in range(1000):
            assert not installation.is_held()


def test_it_looks_again_when_its_time_has_come(shared, monkeypatch):
    monkeypatch.setattr(installation, "known", installation.Known())
    installation.is_held()
    Installation.objects.update(held_since=NOW)
    before = installation.is_held()

    installation.known.until = time.monotonic()

    assert not before
    assert installation.is_held()


@pytest.mark.django_db
def test_while_it_is_held_no_lane_is_open_and_nothing_can_be_claimed(here, monkeypatch):
    message = make_message()
    categories = (message.category,)
    before = lanes.open_lanes(categories, NOW)

    monkeypatch.setattr(installation, "known", installation.Known(True, math.inf))

    assert before
    assert lanes.open_lanes(categories, NOW) == []
    assert not lanes.is_free(before[0], NOW)


@pytest.mark.django_db
def test_monitoring_is_told(here, client, monkeypatch):
    monkeypatch.setattr(health, "_kept", lambda key, seconds, make: make())
    hold(held_since=datetime(2026, 3, 2, 12, 30, tzinfo=UTC))

    text = health._details()

    assert "warning: Sending is held since 2026-03-02 12:30 UTC" in text
    assert "It was copied" not in text
    assert liveness.held_hints()


def test_the_place_of_this_database_is_the_same_at_every_look(transactional_db):
    found = place.here()

    assert found == place.here()
    if connection.vendor == "postgresql":
        assert set(found.facts) == {"oid", "name", "server"}
        assert found.timeline >= 1


@pytest.mark.django_db
def test_no_process_is_woken_for_a_one_time_password_that_is_held(here):
    make_message(category="otp")
    before = urgent.is_waiting()

    hold()

    assert before
    assert not urgent.is_waiting()


@pytest.mark.django_db
def test_while_it_is_held_no_campaign_writes_messages(here, monkeypatch):
    runner.start(make_campaign(), by=None, at=timezone.now())
    monkeypatch.setattr(installation, "known", installation.Known(True, math.inf))

    held = expand_jobs(), Message.objects.count()
    monkeypatch.setattr(installation, "known", installation.Known(False, math.inf))
    expand_jobs()

    assert held == (0, 0)
    assert Message.objects.count() == 2


def test_while_it_is_held_no_mailbox_is_read(monkeypatch):
    read = []
    monkeypatch.setattr(tasks.bounces, "read_due", lambda *_: read.append(1) or 1)
    monkeypatch.setattr(installation, "known", installation.Known(True, math.inf))
    held = tasks.read_bounces(), list(read)

    monkeypatch.setattr(installation, "known", installation.Known(False, math.inf))

    assert held == (0, [])
    assert tasks.read_bounces() == 1
