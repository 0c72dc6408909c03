from __future__ import annotations

import pytest

from integrations import as2_sending, hooks
from integrations.choices import DeliveryStatus, Protocol, TransmissionStatus
from integrations.models import Envelope, EnvelopeDelivery
from tests.factories_integrations import (
    make_account,
    make_as2,
    make_integration,
    make_mailbox,
    make_transmission,
)
from tests.integrations.flows.moments import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed():
    """A transmission to a partner, of an envelope that was converted."""
    account = make_account()
    partner = make_mailbox(account)
    as2 = make_as2(make_integration(partner, protocol=Protocol.AS2))
    envelope = Envelope.objects.create(sender=make_mailbox(account), subject="Order")
    delivery = EnvelopeDelivery.objects.create(
        envelope=envelope, mailbox=partner, status=DeliveryStatus.CONVERTED
    )
    return make_transmission(
        as2.integration, is_incoming=False, delivery=delivery, status=TransmissionStatus.ERROR
    )


def test_delivery_whose_transmission_failed_for_good_has_failed(failed):
    hooks.delivery_failed(failed, "Nobody answered.", at=NOW)

    failed.delivery.refresh_from_db()
    assert failed.delivery.status == DeliveryStatus.FAILED
    assert failed.delivery.error_text == "Nobody answered."


def test_delivery_that_is_sent_again_has_not_failed_any_more(failed):
    hooks.delivery_failed(failed, "Nobody answered.", at=NOW)

    as2_sending.send_again(failed, by=None, at=NOW)

    failed.delivery.refresh_from_db()
    assert failed.delivery.status == DeliveryStatus.CONVERTED
    assert failed.delivery.error_text == ""
