"""A new release migrates while the workers of the old one send."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, connections, models
from django.db.migrations import AddField, AddIndex, Migration
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from config import first_start
from omnichannel import recovery, tasks
from omnichannel.models import Message
from tests.factories_reports import make_event
from tests.faults.forked import Child
from tests.faults.provider import Rule
from tests.faults.rows import make_relay, queue

COUNT = 80


class NextRelease(Migration):
    """As rows are written by workers that do not know it: columns with a default of the database
    or without a value, and an index.
    """

    operations = (
        AddField("message", "weight", models.IntegerField(db_default=1)),
        AddField("message", "mood", models.CharField(max_length=10, null=True)),
        AddField("messageevent", "weight", models.IntegerField(db_default=1)),
        AddIndex("message", models.Index(fields=["weight"], name="message_weight")),
    )


@pytest.fixture
def next_release(shared):
    migration = NextRelease("next_release", "omnichannel")
    # The migrations' own models are of this process; the workers keep those of the code.
    state = MigrationLoader(connection).project_state()
    done = []

    def migrate():
        with connection.schema_editor() as editor:
            migration.apply(state.clone(), editor)
        done.append(True)

    yield migrate
    if done:
        with connection.schema_editor() as editor:
            migration.unapply(state.clone(), editor)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, "omnichannel_message")
    return {column.name for column in found}


def work() -> None:
    recovery.recover(timezone.now())
    tasks.send_transactional()


@pytest.mark.fault(40)
def test_a_migration_during_sending_loses_nothing_and_the_workers_go_on(
    shared, free_to_run, play, judged, next_release
):
    wire = play(Rule("dot", "(sleep 0.02)250 ok"), extensions=("8BITMIME", "PIPELINING"))
    queue(make_relay(wire), COUNT, timezone.now())
    before = Child(work)
    wire.wait_for(COUNT // 8)

    next_release()
    in_between = Message.objects.filter(status="sent").count()
    beside = Child(work)
    make_event(Message.objects.last(), "opened")  # by code that does not know of the columns

    assert "weight" in columns()
    assert in_between < COUNT
    assert (before.wait(60), beside.wait(60)) == (0, 0)
    assert Message.objects.filter(status="sent").count() == COUNT
    assert judged() == []


@pytest.mark.fault(40)
def test_a_migration_that_would_wait_gives_up_and_changes_nothing(
    shared, free_to_run, play, judged, next_release, monkeypatch
):
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a reader keeps no migration waiting")
    wire = play(Rule("dot", "(sleep 0.02)250 ok"), extensions=("8BITMIME", "PIPELINING"))
    queue(make_relay(wire), COUNT, timezone.now())
    monkeypatch.setattr(first_start, "LOCK_TIMEOUT", "300ms")
    monkeypatch.setattr(first_start, "call_command", lambda *args, **values: next_release())
    reader = connections.create_connection("default")
    with reader.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM omnichannel_message")
    worker = Child(work)
    wire.wait_for(COUNT // 8)

    with pytest.raises(OperationalError, match="lock timeout"):
        first_start._migrate()
    reader.close()

    assert "weight" not in columns()
    assert worker.wait(60) == 0
    assert Message.objects.filter(status="sent").count() == COUNT
    assert judged() == []
