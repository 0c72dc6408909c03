from __future__ import annotations

import pytest

from integrations import audit, blobs
from integrations.choices import Direction, Folder, LogStatus, Operation, TransmissionStatus
from integrations.models import (
    ConversionLog,
    Envelope,
    EnvelopeEvent,
    FolderFile,
    MailboxAlias,
    Transmission,
)
from integrations.processing import process_due
from omnichannel.models import Message
from tests.factories_integrations import make_mailbox, make_rule, make_transmission
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db
ORDER = b"""<envelope><subject>Order 4711</subject>
<recipients><mailbox alias-scheme="GLN" value="4000001000005"/></recipients>
<documents>
<document name="note.txt" media-type="text/plain" encoding="text">Hi</document></documents>
<fields><field name="number">4711</field>
<table name="lines"><row><field name="sku">A-1</field></row></table></fields></envelope>"""


def shown(integration):
    rows = FolderFile.objects.filter(integration=integration).order_by("folder", "name")
    return [f"{row.folder}/{row.name}" for row in rows]


def of_account(rule):
    rule.mailbox = None
    rule.save(update_fields=["mailbox"])
    return rule


def test_raw_file_goes_to_the_house_as_long_as_there_is_no_rule(drop, house, partner):
    row = drop(b"hello", "orders.txt")

    process_due(NOW)

    envelope = Envelope.objects.get()
    row.refresh_from_db()
    assert row.status == TransmissionStatus.DONE
    assert [each.mailbox for each in envelope.deliveries.all()] == [house]
    assert blobs.read(envelope.documents.get().blob) == b"hello"
    assert (envelope.subject, envelope.source) == ("orders.txt", row)
    assert shown(partner) == []


def test_native_xml_in_outbox_needs_no_rule(drop, partner):
    gln = make_mailbox(partner.mailbox.account)
    MailboxAlias.objects.create(mailbox=gln, scheme="gln", value="4000001000005")
    drop(ORDER, "order.xml", Folder.OUTBOX)

    process_due(NOW)

    envelope = Envelope.objects.get()
    assert (envelope.subject, envelope.fields) == ("Order 4711", {"number": "4711"})
    assert envelope.tables == {"lines": [{"sku": "A-1"}]}
    assert envelope.deliveries.get().mailbox == gln
    assert blobs.read(envelope.documents.get().blob) == b"Hi"


def test_unknown_recipient_fails_the_file_and_says_what_to_do(drop, partner):
    row = drop(ORDER, "order.xml", Folder.OUTBOX)

    process_due(NOW)

    row.refresh_from_db()
    assert (row.status, row.error_code) == (TransmissionStatus.ERROR, "recipient")
    assert "Add its GLN to the aliases" in row.error_text
    assert not Envelope.objects.exists()


def test_broken_native_xml_fails_with_its_line(drop):
    drop(b"<envelope>\n<subject>x</subject>\n<nonsense/></envelope>", "x.xml", Folder.OUTBOX)

    process_due(NOW)

    log = ConversionLog.objects.get()
    assert (log.status, log.line) == (LogStatus.FAILED, 3)


def test_file_that_no_rule_matches_goes_to_error_with_a_note(drop, partner):
    make_rule(partner.mailbox, matching_pattern="[.]csv$")
    row = drop(b"hello", "orders.txt")

    process_due(NOW)

    log = ConversionLog.objects.get()
    assert shown(partner) == ["error/orders.txt", "error/orders.txt.error.txt"]
    note = blobs.read(FolderFile.objects.get(name__endswith=".error.txt").blob).decode()
    assert "Code: no_rule" in note
    assert f"Log: {log.pk}" in note
    assert FolderFile.objects.get(name="orders.txt").transmission == row


@pytest.mark.usefixtures("mailer")
def test_notice_of_a_failed_file_appears_once_in_the_queue(drop, partner):
    make_rule(partner.mailbox, matching_pattern="[.]csv$")
    drop(b"hello", "orders.txt")

    process_due(NOW)
    process_due(NOW + minutes(10))

    message = Message.objects.get()
    assert message.to_address == "edi@example.com"
    assert "orders.txt" in message.subject


def test_without_a_provider_the_failure_is_kept_and_the_trail_says_that_nobody_was_told(
    drop, partner
):
    make_rule(partner.mailbox, matching_pattern="[.]csv$")
    row = drop()

    process_due(NOW)

    row.refresh_from_db()
    assert row.status == TransmissionStatus.ERROR
    said = EnvelopeEvent.objects.filter(text__startswith="No e-mail was queued")
    assert said.count() == 1


def test_rules_of_the_mailbox_are_tried_before_those_of_the_account_and_the_first_wins(
    drop, partner
):
    box = partner.mailbox
    first = of_account(make_rule(box, name="Account", position=0))
    off = make_rule(box, name="Off", active=False, position=1)
    chosen = make_rule(box, name="Chosen", position=2)
    later = make_rule(box, name="Later", position=3)
    drop()

    process_due(NOW)

    for rule in (first, off, chosen, later):
        rule.refresh_from_db()
    assert [rule.ok_count for rule in (first, off, chosen, later)] == [0, 0, 1, 0]
    said = EnvelopeEvent.objects.filter(operation=Operation.CONSIDERED)
    assert [entry.text for entry in said] == ["Off (Mailbox rule): It is off."]
    assert ConversionLog.objects.get().rule == chosen


def test_account_rule_serves_a_mailbox_without_one_that_matches(drop, partner):
    make_rule(partner.mailbox, matching_pattern="[.]csv$")
    rule = of_account(make_rule(partner.mailbox))
    drop()

    process_due(NOW)

    assert ConversionLog.objects.get().rule == rule


def test_rule_that_fails_does_not_fall_through(drop, partner):
    box = partner.mailbox
    failing = make_rule(box, position=1)  # passes XML through that is no envelope of ours
    make_rule(box, position=2)
    drop(b"<envelope><nonsense/></envelope>", "order.xml")

    process_due(NOW)

    failing.refresh_from_db()
    assert failing.failed_count == 1
    assert not Envelope.objects.exists()


def test_in_rules_do_not_look_at_files(drop, partner):
    make_rule(partner.mailbox, direction=Direction.IN)
    drop()

    process_due(NOW)

    assert Envelope.objects.count() == 1
    assert ConversionLog.objects.get().rule is None


def test_same_file_twice_is_two_transmissions_and_two_envelopes(drop):
    drop(b"hello")
    process_due(NOW)
    drop(b"hello")
    process_due(NOW)

    assert Transmission.objects.count() == Envelope.objects.count() == 2


def test_house_gets_nothing_from_itself(house_integration):
    row = make_transmission(house_integration())

    process_due(NOW)

    row.refresh_from_db()
    assert row.error_code == "recipient"


def test_one_bad_row_never_stops_a_batch(drop, monkeypatch):
    real = blobs.read

    def fail(blob):
        if blob.size == 3:
            raise OSError
        return real(blob)

    monkeypatch.setattr(blobs, "read", fail)
    drop(b"bad", "bad.txt")
    drop(b"good!", "good.txt")

    process_due(NOW)

    assert Envelope.objects.get().subject == "good.txt"


def test_full_disk_fails_no_document(drop, monkeypatch):
    def full(_):
        raise OSError

    row = drop()
    monkeypatch.setattr(blobs, "read", full)
    for number in range(10):
        process_due(NOW + minutes(2 * number))
    monkeypatch.undo()

    process_due(NOW + minutes(30))

    row.refresh_from_db()
    assert (row.status, row.attempts) == (TransmissionStatus.DONE, 1)


def test_document_that_workers_never_finish_is_given_up(drop, monkeypatch):
    row = drop()
    Transmission.objects.update(status="working", attempts=5, lease_until=NOW)

    process_due(NOW)

    row.refresh_from_db()
    assert (row.status, row.error_code) == (TransmissionStatus.ERROR, "given_up")


def test_document_that_was_left_is_taken_alone(drop):
    for _ in range(3):
        drop()
    Transmission.objects.update(status="working", attempts=1, lease_until=NOW)

    assert process_due(NOW) == 1


def test_worker_that_is_to_stop_gives_back_what_it_has_not_begun(drop):
    drop()
    drop()
    asked = iter([False, True])

    process_due(NOW, stopped=lambda: next(asked))

    found = Transmission.objects.order_by("pk").values_list("status", "attempts")
    assert list(found) == [("done", 1), ("received", 0)]


def test_claim_that_ran_out_is_taken_over_and_the_late_worker_writes_nothing(drop, monkeypatch):
    from integrations import becoming

    drop()
    real = becoming.examine

    def slow(case):
        real(case)
        monkeypatch.setattr(becoming, "examine", real)
        process_due(NOW + minutes(11))

    monkeypatch.setattr(becoming, "examine", slow)

    process_due(NOW)

    assert Envelope.objects.count() == 1


def test_the_trail_of_a_file_tells_all_of_its_way(drop, partner):
    make_rule(partner.mailbox, name="Orders")
    row = drop()

    process_due(NOW)

    entries = EnvelopeEvent.objects.filter(transmission_id=row.pk).order_by("number")
    assert [entry.operation for entry in entries] == [
        *("taken_in", "format", "applied", "converted", "sent", "received"),
    ]
    assert list(audit.faults()) == []


def test_purged_document_fails_with_a_clear_text(drop):
    row = drop()
    row.blob.path.unlink()

    process_due(NOW)

    row.refresh_from_db()
    assert row.error_code == "purged"
