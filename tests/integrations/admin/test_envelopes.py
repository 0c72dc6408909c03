from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from integrations.choices import DeliveryStatus, EnvelopeStatus, LogStatus, Operation
from integrations.models import (
    ConversionLog,
    DocumentTemplateVersion,
    Envelope,
    EnvelopeEvent,
    Transmission,
)
from tests.factories import NOW
from tests.factories_integrations import (
    make_account,
    make_house,
    make_mailbox,
    make_sftp,
    make_transmission,
)
from tests.integrations.admin.envelopes_made import make_envelope
from tests.integrations.admin.posted import PLACE, SUBMITTED, client_with

pytestmark = pytest.mark.django_db
ENVELOPES = f"{PLACE}/envelope"


@pytest.fixture
def envelope():
    house = make_house(make_account())
    return make_envelope(make_mailbox(house.account), [house])


def step(client, name, envelope, **values):
    url = reverse(f"admin:integrations_envelope_{name}", args=[envelope.pk])
    return client.post(url, {**SUBMITTED, **values})


def test_page_shows_documents_deliveries_and_the_trail(admin_client, envelope):
    page = admin_client.get(envelope.get_absolute_url()).text

    assert "order.txt" in page
    assert "House" in page
    assert "The chain of all entries is whole." in page


def test_page_says_when_the_trail_was_tampered_with(admin_client, envelope):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE integrations_envelopeevent SET text = 'x' WHERE number = 1")

    page = admin_client.get(envelope.get_absolute_url()).text

    assert "The chain is broken" in page
    assert (
        "Entry 1 was changed" in admin_client.get(f"{PLACE}/envelopeevent/check/", follow=True).text
    )


def test_document_is_downloaded_as_a_file_and_told(admin_client, envelope):
    answer = admin_client.get(f"{ENVELOPES}/{envelope.pk}/document/1/")

    assert b"".join(answer.streaming_content) == b"hello"
    assert answer["Content-Disposition"] == 'attachment; filename="order.txt"'
    assert answer["Content-Type"] == "application/octet-stream"
    told = EnvelopeEvent.objects.get(operation=Operation.DOWNLOADED)
    assert (told.actor, told.envelope_id, told.ip) == ("admin", envelope.pk, "127.0.0.1")


def test_documents_need_their_permission(envelope):
    row = make_transmission(make_sftp().integration)
    client = client_with("view_envelope", "view_transmission")

    assert client.get(f"{ENVELOPES}/{envelope.pk}/document/1/").status_code == 403
    place = f"{PLACE}/transmission/{row.pk}/document/download/"
    assert client.get(place).status_code == 403
    assert "/document/1/" not in client.get(envelope.get_absolute_url()).text
    assert place not in client.get(row.get_absolute_url()).text


def test_purged_document_says_so(admin_client, envelope):
    envelope.documents.get().blob.path.unlink()

    answer = admin_client.get(f"{ENVELOPES}/{envelope.pk}/document/1/", follow=True)

    assert "was deleted, as it is old" in answer.text


def test_envelope_is_composed_from_the_house_mailbox(admin_client):
    house = make_house(make_account())
    partner = make_mailbox(house.account)
    file = SimpleUploadedFile("../../order.pdf", b"%PDF", "application/pdf")

    admin_client.post(
        f"{ENVELOPES}/new/",
        {
            "sender": house.pk,
            "recipients": [partner.pk],
            "subject": "Hello",
            "documents": file,
        },
    )

    envelope = Envelope.objects.get()
    assert (envelope.sender, envelope.deliveries.get().mailbox) == (house, partner)
    document = envelope.documents.get()
    assert (document.name, document.media_type) == ("order.pdf", "application/pdf")
    assert EnvelopeEvent.objects.get(operation=Operation.SENT).actor == "admin"


def test_recipients_are_listed_with_their_accounts(admin_client):
    account = make_account(name="Example Trading")
    make_house(account)
    make_mailbox(account, name="Northwind Example")

    page = admin_client.get(f"{ENVELOPES}/new/").content.decode()

    assert "Northwind Example (Example Trading)" in page


def test_envelope_cannot_be_sent_from_or_to_a_strangers_mailbox(admin_client):
    house = make_house(make_account())
    partner, stranger = make_mailbox(house.account), make_mailbox()
    file = SimpleUploadedFile("a.txt", b"a")

    def post(sender, recipient):
        file.seek(0)
        data = {"sender": sender.pk, "recipients": [recipient.pk], "subject": "x"}
        return admin_client.post(f"{ENVELOPES}/new/", {**data, "documents": file})

    assert post(partner, house).context["form"].errors
    assert "recipients" in post(house, stranger).context["form"].errors
    assert not Envelope.objects.exists()


def test_composing_without_a_house_mailbox_says_what_to_do(admin_client):
    make_mailbox()

    assert "choose one in the account" in admin_client.get(f"{ENVELOPES}/new/").text


def test_envelope_is_seen_completed_and_then_closed(admin_client, envelope):
    delivery = envelope.deliveries.get()

    step(admin_client, "mark_seen", envelope, delivery=delivery.pk)
    step(admin_client, "mark_completed", envelope)
    step(admin_client, "cancel_envelope", envelope, reason="too late")

    delivery.refresh_from_db()
    envelope.refresh_from_db()
    assert delivery.seen_at is not None
    assert (envelope.status, envelope.reject_reason) == (EnvelopeStatus.COMPLETED, "")


def test_cancelled_envelope_keeps_the_reason(admin_client, envelope):
    step(admin_client, "cancel_envelope", envelope, reason="A mistake")

    envelope.refresh_from_db()
    assert (envelope.status, envelope.reject_reason) == (EnvelopeStatus.CANCELLED, "A mistake")
    assert "A mistake" in admin_client.get(envelope.get_absolute_url()).text


@pytest.mark.parametrize("name", ["mark_completed", "cancel_envelope", "reprocess_delivery"])
def test_envelope_is_moved_with_permission_only(envelope, name):
    delivery = envelope.deliveries.get()
    envelope.deliveries.update(status=DeliveryStatus.FAILED)

    step(client_with("view_envelope"), name, envelope, reason="x", delivery=delivery.pk)

    envelope.refresh_from_db()
    delivery.refresh_from_db()
    assert envelope.status == EnvelopeStatus.SENT
    assert delivery.status == DeliveryStatus.FAILED


def test_delivery_is_processed_again(admin_client, envelope):
    envelope.deliveries.update(status=DeliveryStatus.FAILED)

    step(admin_client, "reprocess_delivery", envelope, delivery=envelope.deliveries.get().pk)

    assert envelope.deliveries.get().status == DeliveryStatus.RECEIVED


def test_what_waited_is_processed_now_when_the_integration_is_on(admin_client):
    row = make_transmission(make_sftp().integration, status="waiting")
    url = reverse("admin:integrations_transmission_process_now", args=[row.pk])

    admin_client.post(url, SUBMITTED)

    row.refresh_from_db()
    assert row.status == "received"


def test_lines_of_the_log_are_processed_again_in_bulk(admin_client):
    row = make_transmission(make_sftp().integration, status="error")
    log = ConversionLog.objects.create(
        transmission=row,
        mailbox=row.integration.mailbox,
        filename="a.txt",
        status=LogStatus.FAILED,
        input=row.blob,
        created_at=NOW,
    )
    data = {"action": "reprocess_selected", "_selected_action": [log.pk]}

    admin_client.post(f"{PLACE}/conversionlog/", data)

    assert Transmission.objects.get(repeats=row).status == "received"
    answer = admin_client.get(f"{PLACE}/conversionlog/{log.pk}/input/download/")
    assert b"".join(answer.streaming_content) == b"hello"


def test_nobody_adds_changes_or_deletes_what_is_told(admin_client, envelope):
    entry = EnvelopeEvent.objects.first()

    for noun, pk in (("envelopeevent", entry.pk), ("envelope", envelope.pk)):
        assert admin_client.get(f"{PLACE}/{noun}/add/").status_code == 403
        assert admin_client.post(f"{PLACE}/{noun}/{pk}/delete/").status_code == 403
    assert admin_client.get(f"{PLACE}/envelopeevent/{entry.pk}/change/").status_code == 200


def test_fields_of_a_template_become_a_new_version_when_they_change(admin_client):
    account = make_account()
    data = {"account": account.pk, "name": "Order", "field_lines": "number text required"}
    admin_client.post(f"{PLACE}/documenttemplate/add/", data)
    version = DocumentTemplateVersion.objects.get()
    page = f"{PLACE}/documenttemplate/{version.template_id}/change/"

    admin_client.post(page, data)
    admin_client.post(page, {**data, "field_lines": "number text required\nlines.qty number"})
    wrong = admin_client.post(page, {**data, "field_lines": "a b c"})

    assert [row.number for row in DocumentTemplateVersion.objects.order_by("number")] == [1, 2]
    newest = version.template.newest()
    assert newest.fields[1] == {
        "name": "qty",
        "type": "number",
        "required": False,
        "table": "lines",
    }
    assert "field_lines" in wrong.context["adminform"].form.errors
