"""What is asked for twice, and what only looks like a document."""

from __future__ import annotations

import pytest

from integrations import connections, folders, reprocessing
from integrations.choices import DefaultRule, Protocol, RuleTarget, TransmissionStatus
from integrations.delivering import deliver_due
from integrations.envelopes import NotPossible
from integrations.folders import FolderRefused, Visitor
from integrations.models import EnvelopeDelivery, FolderFile, Transmission
from integrations.processing import process_due
from omnichannel.models import EventTrigger
from tests.factories_events import make_event
from tests.factories_integrations import make_rule, make_transmission
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(drop, partner):
    """A file that no rule matched, whose rule is mended by now."""
    rule = make_rule(partner.mailbox, matching_pattern="[.]csv$")
    row = drop()
    process_due(NOW)
    type(rule).objects.update(matching_pattern="")
    row.refresh_from_db()
    return row


def test_second_press_of_reprocess_makes_no_second_document(failed):
    reprocessing.transmission(failed, by=None, at=NOW)

    with pytest.raises(NotPossible, match="already"):
        reprocessing.transmission(failed, by=None, at=NOW)

    assert Transmission.objects.filter(repeats=failed).count() == 1


def test_failed_file_that_went_well_since_is_not_processed_again(failed):
    reprocessing.transmission(failed, by=None, at=NOW)
    process_due(NOW)

    with pytest.raises(NotPossible, match="went well"):
        reprocessing.transmission(failed, by=None, at=NOW)


def test_failed_file_that_failed_again_is_processed_a_third_time(drop, partner):
    make_rule(partner.mailbox, matching_pattern="[.]csv$")
    row = drop()
    process_due(NOW)
    row.refresh_from_db()
    reprocessing.transmission(row, by=None, at=NOW)
    process_due(NOW)

    reprocessing.transmission(row, by=None, at=NOW)

    assert Transmission.objects.filter(repeats=row).count() == 2


def test_event_is_triggered_again_when_its_delivery_is_reprocessed(drop, house_integration, house):
    house_integration()
    make_rule(
        house,
        direction="in",
        target=RuleTarget.EVENT,
        target_options={"event": make_event().key},
    )
    drop()
    process_due(NOW)
    deliver_due(NOW)

    reprocessing.delivery(EnvelopeDelivery.objects.get(), by=None, at=NOW)
    deliver_due(NOW + minutes(1))

    assert EventTrigger.objects.count() == 2


def test_notice_of_a_rejection_is_no_document_to_process_again(drop, partner, house_integration):
    house_integration(default_rule=DefaultRule.REJECT, reject_reason="No.")
    drop()
    process_due(NOW)
    deliver_due(NOW)
    notice = FolderFile.objects.get(integration=partner, folder="error").name
    visitor = Visitor(partner.pk, partner.mailbox_id, "login")

    with pytest.raises(FolderRefused):
        folders.reprocess(visitor, notice, "coutbox", "a.txt", overwrite=False, at=NOW)


def test_what_waits_for_as2_goes_on_waiting_when_the_protocol_is_sftp(partner):
    row = make_transmission(
        partner, is_incoming=False, protocol=Protocol.AS2, status=TransmissionStatus.WAITING
    )

    count = connections.process_now(partner, by=None, at=NOW)

    row.refresh_from_db()
    assert (count, row.status) == (0, TransmissionStatus.WAITING)
