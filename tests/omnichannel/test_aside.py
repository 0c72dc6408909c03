"""What the send loop does beside itself on PostgreSQL, done here in its place, step by step."""

from __future__ import annotations

import time
from concurrent.futures import Future

import pytest
from django.db import OperationalError

from omnichannel import aside, batch, claims, delivery, lots, recording
from omnichannel.models import Message
from omnichannel.worker import Worker
from tests.factories import make_message

WHILE = {"until": float("inf")}


class AtOnce(aside.Aside):
    """What is begun is done before `begin` returns."""

    def __init__(self) -> None:
        super().__init__()
        self.is_possible = True

    def begin(self, work):
        future = Future()
        try:
            future.set_result(work())
        except OperationalError as error:
            future.set_exception(error)
        return future


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(batch, "Aside", AtOnce)
    monkeypatch.setattr(batch, "FLUSH_ROWS", 1)
    monkeypatch.setattr(batch, "SETTLE_SECONDS", 3600)
    monkeypatch.setattr(lots, "AHEAD", 1)


@pytest.fixture
def rows(provider):
    provider.bulk_no = 2
    provider.save()
    return [make_message(provider=provider) for _ in range(5)]


def statuses() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("status", flat=True))


def test_all_lots_are_sent_and_recorded_once(provider, scripted, rows):
    handled = delivery.send_provider(provider.pk, ("transactional",), **WHILE)

    assert handled == 5
    assert [message.key for message in scripted.seen] == [str(row.key) for row in rows]
    assert statuses() == ["sent"] * 5
    assert {row.events.count() for row in rows} == {1}


def test_a_lot_fetched_ahead_is_put_back_when_nothing_more_may_go(provider, scripted, rows):
    delivery.send_provider(
        provider.pk, ("transactional",), stopped=lambda: len(scripted.seen) == 2, **WHILE
    )

    assert statuses() == ["sent", "sent", "new", "new", "new"]


def test_what_could_not_be_written_aside_is_written_at_the_end(
    provider, scripted, rows, monkeypatch
):
    calls = []

    def record(*args, **values):
        calls.append(len(args[0]))
        if len(calls) == 1:
            raise OperationalError("the connection is lost")
        return done(*args, **values)

    done = recording.record
    monkeypatch.setattr(recording, "record", record)

    with pytest.raises(OperationalError):
        delivery.send_provider(provider.pk, ("transactional",), **WHILE)

    assert calls[0] == 1
    sent = len(scripted.seen)
    assert 0 < sent < 5
    assert statuses() == ["sent"] * sent + ["new"] * (5 - sent)


def test_a_fault_in_fetching_ahead_ends_the_batch_and_loses_nothing(
    provider, scripted, rows, monkeypatch
):
    claims = []

    def screen(messages, *args):
        claims.append(len(messages))
        if len(claims) == 2:
            raise OperationalError("the connection is lost")
        return done(messages, *args)

    done = lots.screen
    monkeypatch.setattr(lots, "screen", screen)

    with pytest.raises(OperationalError):
        delivery.send_provider(provider.pk, ("transactional",), **WHILE)

    assert statuses() == ["sent", "sent", "new", "new", "new"]


def test_beside_a_transaction_nothing_is_done_aside(provider):
    assert not aside.Aside().is_possible


def test_a_thread_is_begun_only_when_there_is_something_to_do():
    beside = aside.Aside()

    assert beside.begin(time.monotonic).result() > 0
    beside.close()


def test_what_the_next_lot_took_again_while_it_was_put_back_is_not_lost(
    provider, scripted, rows, monkeypatch
):
    """The claim of the next lot comes right behind the commit that puts a message back."""
    held = lots.Lots(worker := Worker(provider), iter([(None, ())]), aside.Aside())
    done = claims.put_back

    def put_back(ids, name):
        count = done(ids, name)
        assert claims.claim_one(ids[0], worker.name)
        held.held.update(ids)  # as the thread of the next lot does
        return count

    assert claims.claim_one(rows[0].pk, worker.name)
    held.held.add(rows[0].pk)
    monkeypatch.setattr(claims, "put_back", put_back)
    held.put_back([rows[0].pk])
    monkeypatch.setattr(claims, "put_back", done)
    held.end()

    assert statuses() == ["new"] * 5


def test_what_could_not_be_put_back_is_still_held(provider, scripted, rows, monkeypatch):
    def put_back(ids, name):
        raise OperationalError("the connection is lost")

    held = lots.Lots(Worker(provider), iter(()), aside.Aside())
    held.held.add(rows[0].pk)
    monkeypatch.setattr(claims, "put_back", put_back)

    with pytest.raises(OperationalError):
        held.put_back([rows[0].pk])

    assert held.held == {rows[0].pk}


def test_the_last_outcomes_are_written_at_the_end_when_the_thread_could_not(
    provider, scripted, rows, monkeypatch
):
    calls = []

    def record(*args, **values):
        calls.append(len(args[0]))
        if len(calls) == 5:
            raise OperationalError("the connection is lost")
        return done(*args, **values)

    done = recording.record
    monkeypatch.setattr(recording, "record", record)

    with pytest.raises(OperationalError):
        delivery.send_provider(provider.pk, ("transactional",), **WHILE)

    assert statuses() == ["sent"] * 5
    assert {row.events.count() for row in rows} == {1}


def test_a_failed_write_aside_is_seen_while_the_backend_waits(
    provider, scripted, rows, monkeypatch
):
    made = batch.Batch(Worker(provider), iter(()), lambda: False)
    failed = Future()
    failed.set_exception(OperationalError("the connection is lost"))
    made.writing, made.flushed = failed, float("-inf")

    made._flush_late()

    assert made.is_halted
    assert isinstance(made.fault, OperationalError)
