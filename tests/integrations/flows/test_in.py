from __future__ import annotations

import pytest

from integrations import blobs
from integrations.choices import (
    DefaultRule,
    DeliveryStatus,
    Direction,
    EnvelopeStatus,
    Operation,
    Protocol,
    TransmissionStatus,
)
from integrations.conversion.native_reading import parse_native
from integrations.delivering import deliver_due
from integrations.models import (
    ConversionLog,
    Envelope,
    EnvelopeDelivery,
    EnvelopeEvent,
    FolderFile,
    Transmission,
)
from integrations.processing import process_due
from omnichannel.models import Message
from tests.factories_integrations import make_as2, make_rule
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(drop):
    """An envelope of the partner's to the house."""

    def send(data=b"hello", name="orders.txt"):
        drop(data, name)
        process_due(NOW)
        return Envelope.objects.latest("pk")

    return send


def status_of(envelope):
    return envelope.deliveries.get().status


def test_mailbox_without_an_integration_keeps_its_envelopes(sent):
    envelope = sent()

    deliver_due(NOW)

    assert status_of(envelope) == DeliveryStatus.KEPT


def test_copy_puts_native_xml_into_the_inbox(sent, house_integration):
    integration = house_integration(default_rule=DefaultRule.COPY)
    envelope = sent()

    deliver_due(NOW)

    file = FolderFile.objects.get(integration=integration)
    assert (file.folder, file.name) == ("inbox", f"{envelope.key}.xml")
    copied = parse_native(blobs.read(file.blob))[0]
    assert (copied.subject, copied.documents[0].content) == ("orders.txt", b"hello")
    assert file.transmission.status == TransmissionStatus.DONE
    assert status_of(envelope) == DeliveryStatus.COPIED


def test_copy_by_as2_is_queued(sent, house_integration):
    integration = house_integration(protocol=Protocol.AS2)
    make_as2(integration)
    envelope = sent()

    deliver_due(NOW)

    row = Transmission.objects.get(integration=integration)
    assert (row.status, row.protocol) == (TransmissionStatus.QUEUED, Protocol.AS2)
    assert row.delivery.envelope == envelope


@pytest.mark.usefixtures("mailer")
def test_notify_queues_exactly_one_message(sent, house_integration):
    house_integration(default_rule=DefaultRule.NOTIFY)
    envelope = sent()

    deliver_due(NOW)
    deliver_due(NOW + minutes(10))

    message = Message.objects.get()
    assert message.to_address == "house@example.com"
    assert str(envelope.key) in message.body_text
    assert status_of(envelope) == DeliveryStatus.NOTIFIED


def test_notify_without_a_provider_fails_the_delivery_and_says_so(sent, house_integration):
    house_integration(default_rule=DefaultRule.NOTIFY)
    envelope = sent()

    deliver_due(NOW)

    delivery = envelope.deliveries.get()
    assert (delivery.status, delivery.error_code) == (DeliveryStatus.FAILED, "notice")


def test_autoreject_stores_the_given_reason_on_every_envelope(sent, house_integration, partner):
    house_integration(default_rule=DefaultRule.REJECT, reject_reason="No orders on Mondays.")
    envelopes = [sent(), sent()]

    deliver_due(NOW)

    for envelope in envelopes:
        envelope.refresh_from_db()
        assert envelope.status == EnvelopeStatus.CANCELLED
        assert envelope.reject_reason == "No orders on Mondays."
        assert status_of(envelope) == DeliveryStatus.REJECTED
        entry = EnvelopeEvent.objects.get(envelope_id=envelope.pk, operation=Operation.CANCELLED)
        assert entry.mailbox_id == partner.mailbox_id
    notices = FolderFile.objects.filter(integration=partner, folder="error")
    assert all(b"No orders on Mondays." in blobs.read(notice.blob) for notice in notices)
    assert notices.count() == 2


def test_default_rule_acts_only_when_no_rule_matched(sent, house_integration):
    integration = house_integration(default_rule=DefaultRule.COPY)
    make_rule(integration.mailbox, direction=Direction.IN, sender="Somebody else")
    make_rule(
        integration.mailbox,
        direction=Direction.IN,
        sender="northwind example",
        naming_pattern="in-{envelopeUuid}.xml",
    )
    envelope = sent()

    deliver_due(NOW)

    file = FolderFile.objects.get(integration=integration)
    assert (file.folder, file.name) == ("cinbox", f"in-{envelope.key}.xml")
    assert status_of(envelope) == DeliveryStatus.CONVERTED
    assert not EnvelopeEvent.objects.filter(operation=Operation.DEFAULT_RULE).exists()


def test_default_rule_never_acts_on_what_the_mailbox_sends(drop, partner):
    type(partner).objects.update(default_rule=DefaultRule.REJECT, reject_reason="No.")
    drop()

    process_due(NOW)
    deliver_due(NOW)

    assert Envelope.objects.get().status == EnvelopeStatus.SENT


def test_name_that_is_taken_gets_the_time_appended(sent, house_integration):
    integration = house_integration()
    make_rule(integration.mailbox, direction=Direction.IN, naming_pattern="order.xml")
    sent()
    sent()

    deliver_due(NOW)

    names = sorted(FolderFile.objects.filter(folder="cinbox").values_list("name", flat=True))
    assert names == ["order-20260302090000001.xml", "order.xml"]


def test_name_whose_fields_are_all_empty_says_so(sent, house_integration):
    integration = house_integration()
    pattern = '{"any":"number"}.xml'
    make_rule(integration.mailbox, direction=Direction.IN, naming_pattern=pattern)
    sent()

    deliver_due(NOW)

    assert FolderFile.objects.get(folder="cinbox").name == "filename_empty.xml"


def test_envelope_waits_while_the_integration_is_off(sent, house_integration):
    house_integration(active=False)
    envelope = sent()

    deliver_due(NOW)

    assert status_of(envelope) == DeliveryStatus.WAITING
    assert not FolderFile.objects.filter(folder="inbox").exists()


def test_second_default_rule_is_not_applied_by_a_late_worker(sent, house_integration, monkeypatch):
    from integrations import incoming

    integration = house_integration()
    sent()
    real = incoming.examine

    def slow(*arguments):
        real(*arguments)
        monkeypatch.setattr(incoming, "examine", real)
        deliver_due(NOW + minutes(11))

    monkeypatch.setattr(incoming, "examine", slow)

    deliver_due(NOW)

    assert FolderFile.objects.filter(integration=integration).count() == 1


def test_what_comes_of_a_cancelled_envelope_is_nothing(sent, house_integration):
    house_integration()
    envelope = sent()
    Envelope.objects.update(status=EnvelopeStatus.CANCELLED)

    deliver_due(NOW)

    delivery = EnvelopeDelivery.objects.get()
    assert (delivery.status, delivery.error_code) == (DeliveryStatus.FAILED, "state")
    assert not ConversionLog.objects.filter(envelope=envelope, delivery=delivery).exists()
