from __future__ import annotations

import datetime

import pytest

from integrations import audit, hooks
from integrations.choices import DefaultRule, Direction, RuleTarget
from integrations.delivering import deliver_due
from integrations.models import Envelope, EnvelopeEvent, Transmission
from integrations.processing import process_due
from omnichannel.models import Event, EventTrigger, Message
from omnichannel.shipped_events import ensure_shipped_events
from tests.factories_events import make_event, make_subscription, make_text
from tests.factories_integrations import make_rule, make_transmission
from tests.integrations.flows.moments import NOW, minutes

pytestmark = pytest.mark.django_db
ORDER = b"""<envelope><subject>Order 4711</subject>
<fields><field name="email">ana@example.com</field><field name="number">4711</field></fields>
</envelope>"""


@pytest.fixture
def subscribed(mailer):
    """A shipped event with an e-mail template of this text."""
    ensure_shipped_events()

    def subscribe(key, text):
        template = make_text(subject="Told", html="", text=text).template
        make_subscription(Event.objects.get(key=key), template=template)

    return subscribe


def test_received_envelope_is_told_once_by_its_event(subscribed, drop, house_integration):
    subscribed("envelope-received", "{{ event.envelope.subject }} of {{ event.sender }}")
    house_integration()
    drop()
    process_due(NOW)

    deliver_due(NOW)
    deliver_due(NOW + minutes(10))

    message = Message.objects.get()
    assert message.to_address == "house@example.com"
    assert message.variables["event"]["envelope"]["subject"] == "orders.txt"


def test_event_carries_a_key_of_envelope_and_mailbox(subscribed, drop, house):
    subscribed("envelope-sent", "Sent")
    drop()

    process_due(NOW)

    envelope = Envelope.objects.get()
    hooks.envelope_event("envelope-sent", envelope, envelope.sender, at=NOW)
    assert EventTrigger.objects.count() == 1


def test_event_that_nobody_is_subscribed_to_costs_no_trigger(drop):
    ensure_shipped_events()
    drop()

    process_due(NOW)

    assert not EventTrigger.objects.exists()


def test_template_that_cannot_be_filled_breaks_no_flow(subscribed, drop):
    subscribed("envelope-sent", "{{ event.nonsense }}")
    drop()

    process_due(NOW)

    assert Envelope.objects.count() == 1
    assert EnvelopeEvent.objects.filter(text__startswith="The event envelope-sent sent").exists()


def test_failed_file_is_told_by_e_mail_and_by_its_event(subscribed, drop, partner):
    subscribed("integration-file-failed", "{{ event.filename }}: {{ event.error_text }}")
    make_rule(partner.mailbox, matching_pattern="[.]csv$")
    drop()

    process_due(NOW)

    assert Message.objects.filter(to_address="edi@example.com").count() == 2


@pytest.mark.usefixtures("mailer")
def test_failed_delivery_by_as2_is_told_with_its_reason(partner):
    row = make_transmission(partner, is_incoming=False, status="error")

    hooks.delivery_failed(row, "The partner's station does not answer.", at=NOW)

    assert "does not answer" in Message.objects.get().body_text


@pytest.mark.usefixtures("mailer")
def test_certificate_that_expires_is_told_once_a_day(partner):
    ends = NOW + datetime.timedelta(days=7)

    for hours in (0, 1, 24):
        at = NOW + datetime.timedelta(hours=hours)
        hooks.certificate_expiring(partner, "certificate of our station", ends, at=at)

    assert Message.objects.count() == 2


def test_lock_out_is_told_once_an_hour_and_address(subscribed, partner):
    subscribed("integration-locked-out", "{{ event.ip_address }}")

    for number in range(3):
        hooks.locked_out(partner, "192.0.2.1", at=NOW + minutes(number))
    hooks.locked_out(partner, "192.0.2.2", at=NOW)

    assert Message.objects.count() == 2


def test_values_of_a_document_are_never_template_text(subscribed, drop, house_integration):
    subscribed("envelope-received", "{{ event.envelope.subject }}")
    house_integration()
    drop(b"x", "{{ 7 * 7 }}.txt")
    process_due(NOW)

    deliver_due(NOW)

    from omnichannel import rendering

    assert "{{ 7 * 7 }}" in rendering.render_message(Message.objects.get()).text


def event_rule(mailbox, key, **fields):
    options = {"target": RuleTarget.EVENT, "target_options": {"event": key}}
    return make_rule(mailbox, **{**options, **fields})


@pytest.mark.usefixtures("mailer")
def test_file_triggers_the_event_of_its_rule_for_the_person_in_it(drop, partner):
    event = make_event(key="order-sent")
    make_subscription(event, template=make_text(subject="x", html="", text="Hi").template)
    event_rule(partner.mailbox, "order-sent")
    drop(ORDER, "order.xml")

    process_due(NOW)

    message = Message.objects.get()
    assert message.to_address == "ana@example.com"
    assert message.variables["event"]["number"] == "4711"
    assert not Envelope.objects.exists()


def test_file_fails_when_the_event_of_its_rule_is_not_known(drop, partner):
    event_rule(partner.mailbox, "nothing-like-it")
    row = drop(ORDER, "order.xml")

    process_due(NOW)

    row.refresh_from_db()
    assert (row.status, row.error_code) == ("error", "event")


def test_file_that_cannot_be_written_leaves_the_others_of_its_transaction_alone(drop, partner):
    event_rule(partner.mailbox, "nothing-like-it", matching_pattern="bad", position=1)
    good = make_rule(partner.mailbox, position=2)
    for name in ("one.xml", "bad.xml", "two.xml"):
        drop(ORDER, name)

    process_due(NOW)

    good.refresh_from_db()
    statuses = Transmission.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["done", "error", "done"]
    assert (Envelope.objects.count(), good.ok_count) == (2, 2)
    assert list(audit.faults()) == []


@pytest.mark.usefixtures("mailer")
def test_incoming_envelope_triggers_the_event_of_its_rule(drop, house_integration):
    integration = house_integration(default_rule=DefaultRule.COPY)
    event = make_event(key="envelope-here")
    make_subscription(event, template=make_text(subject="x", html="", text="Hi").template)
    event_rule(integration.mailbox, "envelope-here", direction=Direction.IN)
    drop()
    process_due(NOW)

    deliver_due(NOW)

    assert Message.objects.get().to_address == "house@example.com"
