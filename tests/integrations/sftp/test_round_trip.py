from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.choices import LogStatus, MatchingSource, TransmissionStatus
from integrations.models import ConversionLog, Envelope, FolderFile, Transmission
from integrations.processing import process_due
from tests.factories_integrations import make_house, make_rule

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(partner):
    return make_house(partner.integration.mailbox.account)


def test_uploaded_document_becomes_an_envelope_and_leaves_its_folder(clients, partner, house):
    path = clients.file("orders.txt")
    clients.sftp(f"put {path} /coutbox/")

    process_due(timezone.now())

    envelope = Envelope.objects.get()
    assert envelope.sender == partner.integration.mailbox
    assert [row.mailbox for row in envelope.deliveries.all()] == [house]
    assert Transmission.objects.get().status == TransmissionStatus.DONE
    assert FolderFile.objects.count() == 0


def test_upload_under_an_unfinished_name_is_not_looked_at(connect, house):
    wire = connect()
    wire.put(b"/coutbox/orders.tmp", b"half")

    process_due(timezone.now())

    assert FolderFile.objects.get().name == "orders.tmp"
    assert Envelope.objects.count() == 0


def test_failed_document_is_fetched_with_its_report_and_put_back(clients, partner, house):
    rule = make_rule(
        partner.integration.mailbox,
        matching_source=MatchingSource.NAME,
        matching_pattern=r"\.edi$",
    )
    path = clients.file("orders.txt")
    clients.sftp(f"put {path} /coutbox/")
    process_due(timezone.now())

    shown = clients.sftp("ls -1 /error", "get /error/orders.txt.error.txt").stdout

    assert "/error/orders.txt" in shown
    assert (clients.folder / "orders.txt.error.txt").read_text()
    rule.delete()

    result = clients.sftp("rename /error/orders.txt /coutbox/orders.txt")
    process_due(timezone.now())

    assert result.stderr == ""
    assert FolderFile.objects.count() == 0
    assert Envelope.objects.count() == 1
    said = ConversionLog.objects.order_by("pk").values_list("status", flat=True)
    assert list(said) == [LogStatus.FAILED, LogStatus.REPROCESSED]
