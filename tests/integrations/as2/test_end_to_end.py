"""From the partner's station to the house mailbox, and back."""

from __future__ import annotations

import pytest

from integrations import as2_sending, blobs, delivering, processing
from integrations.choices import Protocol, TransmissionStatus
from integrations.models import Envelope, Transmission
from integrations.protocols.as2.opening import open_message
from tests.factories_integrations import make_account, make_house, make_integration, make_mailbox
from tests.integrations.as2.rows import incoming, make_connection, post
from tests.integrations.as2.stations import AT, ORDER, acme, as_partner, build, studio
from tests.integrations.as2.stations_online import Online
from tests.integrations.as2.test_sending import acme_answers

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return make_house(make_account())


def connection_of(mailbox, **fields):
    integration = make_integration(mailbox, protocol=Protocol.AS2)
    return make_connection(integration=integration, **fields)


def never():
    return False


def test_what_a_partner_sends_becomes_one_envelope_however_often_it_comes(house):
    as2 = connection_of(make_mailbox(house.account))
    built = build()
    for _ in range(2):
        post(as2, built.headers, built.body)
        processing.process_due(AT, stopped=never)

    envelope = Envelope.objects.get()
    assert envelope.sender == as2.integration.mailbox
    assert blobs.read(envelope.documents.get().blob) == ORDER
    assert incoming().filter(status=TransmissionStatus.DONE).count() == 1


def test_an_envelope_for_a_partner_goes_to_its_station(settings, house):
    settings.INTEGRATIONS_ALLOW_PRIVATE_HOSTS = True
    sender = connection_of(make_mailbox(house.account), self_id="OTHER")
    built = build()
    with Online(acme_answers) as partner:
        connection_of(house, recipient_url=partner.url)
        post(sender, built.headers | {"AS2-To": "OTHER"}, built.body)
        processing.process_due(AT, stopped=never)
        delivering.deliver_due(AT, stopped=never)
        as2_sending.send_due(AT)

    ((headers, body),) = partner.posts
    opened = open_message(headers, body, acme(), as_partner(studio()), at=AT)
    row = Transmission.objects.get(is_incoming=False)
    assert row.status == TransmissionStatus.DONE
    assert opened.payload == blobs.read(row.blob)
