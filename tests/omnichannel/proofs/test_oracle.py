from __future__ import annotations

from collections import Counter

import pytest

from omnichannel.choices import JobStatus
from omnichannel.models import Job
from omnichannel.proofs.oracle import Arrival, Row, compare, of_job, read_ledger, rows_of
from tests.factories import NOW, make_message, make_provider

ANN, BOB = "ann@example.com", "bob@example.com"


def judge(*rows: Row, arrived: tuple[Arrival, ...] = (), recipients: tuple[str, ...] = ()):
    return compare(rows, Counter(arrived), recipients or [row.recipient for row in rows])


def sent(recipient: str, key: str = "k") -> Row:
    return Row(recipient, key, "sent", "")


def test_what_arrived_once_and_is_sent_is_in_order():
    found = judge(sent(ANN, "1"), sent(BOB, "2"), arrived=(Arrival(ANN, "1"), Arrival(BOB, "2")))

    assert not found.lost + found.duplicates + found.contradicted
    assert not found.unbalanced


def test_row_that_says_sent_although_nothing_arrived_is_a_loss():
    found = judge(sent(ANN, "1"), sent(BOB, "2"), arrived=(Arrival(ANN, "1"),))

    assert found.lost == [f"{BOB} is sent, but nothing arrived"]


def test_recipient_without_a_row_is_a_loss():
    found = judge(sent(ANN), arrived=(Arrival(ANN, "k"),), recipients=(ANN, BOB))

    assert found.lost == [f"{BOB} has no message at all"]
    assert found.unbalanced == 1


@pytest.mark.parametrize("status", ["new", "scheduled", "error", "sending"])
def test_message_that_still_waits_is_a_loss(status):
    found = judge(Row(ANN, "k", status, ""))

    assert found.lost == [f"{ANN} is still {status}"]
    assert found.unbalanced == 1


def test_end_without_a_reason_is_a_loss():
    found = judge(Row(ANN, "1", "failed", ""), Row(BOB, "2", "suppressed", "On the list."))

    assert found.lost == [f"{ANN} is failed without a reason"]


def test_second_arrival_is_a_duplicate():
    found = judge(sent(ANN), arrived=(Arrival(ANN, "k"),) * 3)

    assert found.duplicates == [f"{ANN} got it 3 times"] * 2


@pytest.mark.parametrize("arrived", [(), (Arrival(ANN, "k"),)])
def test_uncertain_is_no_loss_whether_it_arrived_or_not(arrived):
    found = judge(Row(ANN, "k", "uncertain", ""), arrived=arrived)

    assert not found.lost + found.duplicates + found.contradicted
    assert not found.unbalanced


@pytest.mark.parametrize("status", ["failed", "expired", "cancelled", "suppressed"])
def test_arrival_of_what_was_not_sent_contradicts_its_row(status):
    found = judge(Row(ANN, "k", status, "Why not."), arrived=(Arrival(ANN, "k"),))

    assert found.contradicted == [f"{ANN} is {status}, but has got it"]


def test_arrival_under_another_key_contradicts_the_rows():
    found = judge(sent(ANN), arrived=(Arrival(ANN, "k"), Arrival(ANN, "other")))

    assert found.contradicted == [f"{ANN} got other, which no row names"]


def test_arrivals_of_other_runs_are_left_out():
    ledger = Counter([Arrival(ANN, "this"), Arrival(ANN, "earlier"), Arrival(BOB, "this")])

    assert of_job(ledger, [sent(ANN, "this")]) == Counter(
        [Arrival(ANN, "this"), Arrival(BOB, "this")]
    )


@pytest.mark.django_db
def test_rows_and_ledger_of_a_job_are_read_as_they_are(tmp_path):
    provider = make_provider()
    job = Job.objects.create(
        name="Autumn",
        source="campaign",
        status=JobStatus.FINISHED,
        channel_type="email",
        provider=provider,
        created_at=NOW,
    )
    ann = make_message(provider=provider, job=job, to_address=ANN, status="sent")
    make_message(provider=provider, to_address=BOB, status="sent")
    path = tmp_path / "ledger"
    path.write_text(f"{ANN} <{ann.key}@example.com>\n" * 2)

    found = compare(rows_of(job), read_ledger(path), [ANN])

    assert found.counts == {"sent": 1}
    assert not found.lost + found.contradicted
    assert len(found.duplicates) == 1


def test_a_sink_that_took_nothing_has_an_empty_ledger(tmp_path):
    assert not read_ledger(tmp_path / "ledger")
