"""A worker is killed at every point of a document's way; the next one goes on."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from integrations import audit
from integrations.choices import DefaultRule, Folder
from integrations.delivering import deliver_due
from integrations.leases import LEASE
from integrations.models import ConversionLog, Envelope, FolderFile, Transmission
from integrations.processing import process_due
from omnichannel import crash
from omnichannel.models import Message
from tests.faults.forked import KILLED, Child, crashed, database_for_many

TWO = (
    b"<envelopes><envelope><subject>a</subject></envelope>"
    b"<envelope><subject>b</subject></envelope></envelopes>"
)
IN = [point for point in crash.DOCUMENT_POINTS if point.startswith("delivery")]


@pytest.fixture
def shared(transactional_db, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    with database_for_many(tmp_path):
        yield


def work(at=None):
    at = at or timezone.now()
    while process_due(at) + deliver_due(at):
        pass


def go_on():
    work(timezone.now() + LEASE + datetime.timedelta(seconds=1))


@pytest.mark.parametrize("point", crash.DOCUMENT_POINTS)
def test_worker_killed_anywhere_leaves_exactly_one_envelope(shared, point, house_integration, drop):
    integration = house_integration()
    drop(TWO, "two.xml", Folder.OUTBOX)

    assert crashed(work, at=point) == KILLED
    go_on()

    assert sorted(Envelope.objects.values_list("subject", flat=True)) == ["a", "b"]
    assert FolderFile.objects.filter(integration=integration, folder="inbox").count() == 2
    assert ConversionLog.objects.count() == 1
    assert FolderFile.objects.count() == 2
    assert Transmission.objects.get(is_incoming=True).status == "done"
    assert list(audit.faults()) == []


@pytest.mark.usefixtures("mailer")
@pytest.mark.parametrize("point", IN)
def test_notice_is_in_the_queue_once_wherever_a_worker_is_killed(
    shared, point, house_integration, drop
):
    house_integration(default_rule=DefaultRule.NOTIFY)
    drop()

    assert crashed(work, at=point) == KILLED
    go_on()

    assert Message.objects.count() == 1


def test_many_workers_at_once_make_each_envelope_once(shared, house, drop):
    for number in range(10):
        drop(name=f"{number}.txt")

    workers = [Child(lambda: process_due(timezone.now(), most=2)) for _ in range(8)]

    assert [worker.wait() for worker in workers] == [0] * 8
    assert Envelope.objects.count() == Envelope.objects.values("source").distinct().count() == 10
