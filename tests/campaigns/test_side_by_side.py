"""Two writers of one run, on PostgreSQL."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from campaigns import side_by_side
from campaigns.expansion import expand
from campaigns.models import AudienceMember
from campaigns.side_by_side import Order
from omnichannel.choices import JobStatus
from omnichannel.models import Job
from tests.factories import NOW
from tests.factories_campaigns import make_campaign, make_people, make_run


@pytest.fixture
def on_postgresql(transactional_db):
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL only: SQLite has one writer at a time")


def write_all(run, page_size=5):
    return expand(run.job, at=NOW, until=time.monotonic() + 60, page_size=page_size)


def test_every_record_is_written_once_and_in_order(on_postgresql):
    people = [f"person{number}@example.com" for number in range(203)]
    run = make_run(make_campaign(audience=make_people(people)))

    written = write_all(run)

    run.refresh_from_db()
    assert written == run.job.expanded == 203
    assert set(run.job.messages.values_list("to_address", flat=True)) == set(people)
    assert run.written_at == NOW


def test_pages_that_share_addresses_are_written_one_after_the_other(on_postgresql, monkeypatch):
    monkeypatch.setattr(side_by_side, "PATIENCE", "50ms")
    audience = make_people(f"person{number}@example.com" for number in range(40))
    AudienceMember.objects.bulk_create(
        AudienceMember(audience=audience, key=f"again{n}", email=f"person{39 - n}@example.com")
        for n in range(40)
    )
    run = make_run(make_campaign(audience=audience))

    write_all(run, page_size=20)

    run.refresh_from_db()
    assert (run.job.expanded, run.repeated) == (40, 40)
    assert run.written_at == NOW


def test_cancelled_job_gets_no_further_page(on_postgresql):
    run = make_run(make_campaign(audience=make_people(["a@example.com"])))
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.CANCELLED)

    assert write_all(run) == 0
    run.refresh_from_db()
    assert run.written_at is None
    assert not run.job.messages.exists()


def test_job_that_another_process_writes_is_left_alone(on_postgresql):
    run = make_run(make_campaign())
    held, done = threading.Event(), threading.Event()

    def hold():
        with side_by_side.only_writer(run.job_id):
            held.set()
            done.wait(20)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(20)
    try:
        assert write_all(run) == 0
    finally:
        done.set()
        other.join()
    assert write_all(run) == 2


class Page:
    def __init__(self, last: int) -> None:
        self.last = last


def test_page_is_committed_after_the_one_before_it():
    order = Order(0)
    order.plan(lambda first: Page(10))
    order.plan(lambda first: Page(first + 10))

    with order.page(10) as may_commit:
        may_commit.set()

    assert order.wait_for(10)
    assert order.plan(lambda first: Page(first)).last == 20


def test_page_behind_one_that_failed_is_given_up():
    order = Order(0)
    order.plan(lambda first: Page(10))

    def fail() -> None:
        with order.page(10) as may_commit:
            may_commit.set()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not order.wait_for(10)
    assert order.plan(lambda first: Page(20)) is None
