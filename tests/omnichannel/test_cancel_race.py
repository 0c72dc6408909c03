"""A job is cancelled while a worker claims from it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from omnichannel import claims, outbox
from omnichannel.choices import JobStatus
from omnichannel.models import Lane, Message
from tests.factories import NOW, make_message, make_provider
from tests.factories_reports import make_job


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_claiming_do_not_wait_for_one_another():
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL only: SQLite has one writer at a time")
    provider = make_provider()
    job = make_job(provider=provider, status=JobStatus.RUNNING)
    lane = Lane.objects.create(provider=provider, job=job, category=job.category)
    for _ in range(3):
        make_message(provider=provider, lane=lane, job=job)
    begun, asked = threading.Event(), threading.Event()

    def claim_slowly() -> None:
        with transaction.atomic():
            claims._claim(lane, 2, "worker", 0)  # the first half of a claim
            begun.set()
            asked.wait(10)
            while not _is_waited_for():
                pass
            Lane.objects.filter(pk=lane.pk).update(cursor=2)
        connection.close()

    worker = threading.Thread(target=claim_slowly)
    worker.start()
    begun.wait(10)
    asked.set()
    with transaction.atomic():
        cancelled = outbox.cancel_job(job, NOW)
    worker.join()

    assert cancelled == 1
    assert Message.objects.filter(status="sending").count() == 2


def _is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])
