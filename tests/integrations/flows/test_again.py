from __future__ import annotations

import datetime

import pytest

from integrations import audit, connections, envelopes, expiry, reprocessing
from integrations.choices import (
    DefaultRule,
    DeliveryStatus,
    EnvelopeStatus,
    LogStatus,
    Protocol,
    TransmissionStatus,
)
from integrations.delivering import deliver_due
from integrations.envelopes import Draft, NotPossible
from integrations.models import (
    ConversionLog,
    Envelope,
    EnvelopeDelivery,
    EnvelopeEvent,
    FolderFile,
    Integration,
    SftpConnection,
    Transmission,
)
from integrations.processing import process_due
from tests.factories_integrations import make_mailbox, make_rule
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(drop, partner):
    """A file that no rule matched, and the rule."""
    rule = make_rule(partner.mailbox, matching_pattern="[.]csv$")
    row = drop()
    process_due(NOW)
    return row, rule


def mend(rule):
    type(rule).objects.update(matching_pattern="")


def test_log_of_a_failed_file_is_reprocessed_and_the_old_row_stays(failed, partner):
    row, rule = failed
    mend(rule)

    assert reprocessing.logs(ConversionLog.objects.all(), by=None, at=NOW) == []
    process_due(NOW)

    statuses = ConversionLog.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == [LogStatus.FAILED, LogStatus.REPROCESSED]
    assert Transmission.objects.get(repeats=row).status == TransmissionStatus.DONE
    assert not FolderFile.objects.filter(integration=partner).exists()


def test_many_logs_of_one_file_reprocess_it_once(failed):
    log = ConversionLog.objects.get()

    reprocessing.logs([log, log], by=None, at=NOW)

    assert Transmission.objects.count() == 2


def test_file_that_fails_again_is_in_error_once(failed, partner):
    reprocessing.logs(ConversionLog.objects.all(), by=None, at=NOW)
    process_due(NOW)

    names = FolderFile.objects.filter(integration=partner).values_list("folder", "name")
    assert sorted(names) == [("error", "orders.txt"), ("error", "orders.txt.error.txt")]


def test_document_that_is_gone_cannot_be_reprocessed(failed):
    row, _ = failed
    type(row.blob).objects.update(purged_at=NOW)

    said = reprocessing.logs(ConversionLog.objects.all(), by=None, at=NOW)

    assert said == [f"orders.txt: {reprocessing.GONE}"]


def test_file_in_work_cannot_be_reprocessed(drop):
    with pytest.raises(NotPossible):
        reprocessing.transmission(drop(), by=None, at=NOW)


def test_delivery_is_made_again(drop, house_integration):
    integration = house_integration()
    drop()
    process_due(NOW)
    deliver_due(NOW)

    reprocessing.delivery(EnvelopeDelivery.objects.get(), by=None, at=NOW)
    deliver_due(NOW + minutes(1))

    assert FolderFile.objects.filter(integration=integration, folder="inbox").count() == 2


def test_rejected_delivery_is_not_made_again(drop, house_integration):
    house_integration(default_rule=DefaultRule.REJECT, reject_reason="No.")
    drop()
    process_due(NOW)
    deliver_due(NOW)

    with pytest.raises(NotPossible):
        reprocessing.delivery(EnvelopeDelivery.objects.get(), by=None, at=NOW)


def test_what_waited_is_never_replayed_by_switching_on(drop, partner, admin_user):
    row = drop()
    connections.switch(partner, False, by=admin_user, at=NOW)
    process_due(NOW)
    connections.switch(partner, True, by=admin_user, at=NOW)
    process_due(NOW)

    row.refresh_from_db()
    assert row.status == TransmissionStatus.WAITING


def test_operator_lets_go_what_waited(drop, partner, admin_user):
    drop()
    connections.switch(partner, False, by=admin_user, at=NOW)
    with pytest.raises(NotPossible):
        connections.process_now(partner, by=admin_user, at=NOW)
    connections.switch(partner, True, by=admin_user, at=NOW)

    assert connections.process_now(partner, by=admin_user, at=NOW) == 1
    process_due(NOW)

    assert Envelope.objects.count() == 1


def test_file_that_was_taken_while_its_integration_went_off_waits(drop, partner):
    row = drop()
    type(partner).objects.update(active=False)

    process_due(NOW)

    row.refresh_from_db()
    assert row.status == TransmissionStatus.WAITING


def test_saving_ends_live_connections_and_never_switches_on(account, admin_user):
    made = Integration(mailbox=make_mailbox(account), active=True)
    connections.save(made, by=admin_user, at=NOW)
    before = made.generation

    made.protocol = Protocol.AS2
    made.active = True
    connections.save(made, by=admin_user, at=NOW)

    made.refresh_from_db()
    assert not made.active
    assert made.generation > before
    assert SftpConnection.objects.filter(integration=made).exists()


def test_every_switch_is_in_the_trail_with_its_operator(partner, admin_user):
    connections.switch(partner, False, by=admin_user, at=NOW)
    connections.switch(partner, False, by=admin_user, at=NOW)

    entry = EnvelopeEvent.objects.get(operation="off")
    assert (entry.actor, entry.mailbox_id) == (admin_user.get_username(), partner.mailbox_id)


def test_composed_envelope_reaches_its_recipients(house, partner):
    draft = Draft(house, [partner.mailbox], "Order response")

    made = envelopes.send(draft, [("a.txt", "text/plain", b"Hi")], by="ana", at=NOW)
    deliver_due(NOW)

    assert made.documents.get().name == "a.txt"
    assert FolderFile.objects.get(integration=partner).name == f"{made.key}.xml"


def test_completed_envelope_is_completed_once(house, partner):
    made = envelopes.send(Draft(house, [partner.mailbox], "x"), by="ana", at=NOW)

    envelopes.complete(made, by="ana", at=NOW)

    with pytest.raises(NotPossible):
        envelopes.cancel(made, "Too late", by="ana", at=NOW)


def test_seen_counts_once_and_keeps_what_else_happened(drop):
    drop()
    process_due(NOW)
    deliver_due(NOW)
    delivery = EnvelopeDelivery.objects.get()

    envelopes.see(delivery, by="ana", at=NOW)
    envelopes.see(delivery, by="ben", at=NOW)

    assert (delivery.status, delivery.seen_at) == (DeliveryStatus.SEEN, NOW)
    assert EnvelopeEvent.objects.get(operation="seen").actor == "ana"


def test_envelope_expires_when_its_time_is_over(house, partner):
    day = datetime.timedelta(days=1)
    draft = Draft(house, [partner.mailbox], "x", expires_at=NOW + day)
    made = envelopes.send(draft, by="ana", at=NOW)

    assert expiry.expire_due(NOW) == 0
    assert expiry.expire_due(NOW + day) == 1
    assert expiry.expire_due(NOW + day) == 0

    made.refresh_from_db()
    assert made.status == EnvelopeStatus.EXPIRED
    assert list(audit.faults()) == []
