"""Outgoing webhooks beside the rest: campaigns, erasing, retention, a held database, the alerts."""

from __future__ import annotations

import datetime
import json
import time

import pytest

from campaigns import expansion, progress
from campaigns.admin.dashboard import troubled_webhooks
from omnichannel import installation, notices, people, retention, tasks, webhook_walk
from omnichannel.choices import MessageStatus
from omnichannel.erasing import erase
from omnichannel.models import Message, MessageEvent, Suppression, WebhookDelivery, WebhookNotice
from tests.factories import NOW, make_message
from tests.factories_audience import make_member
from tests.factories_campaigns import make_campaign, make_run
from tests.factories_outgoing_webhooks import make_delivery, make_outgoing_webhook

pytestmark = pytest.mark.django_db
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


def test_the_end_of_a_run_is_told_once_with_its_figures():
    make_outgoing_webhook(event_types=["campaign.finished"])
    webhook_walk.begin()
    run = make_run(make_campaign())
    make_message(job=run.job, status="sent", provider=run.job.provider)

    ended = [progress.finish(run, NOW), progress.finish(run, NOW)]
    webhook_walk.walk(NOW, time.monotonic() + 10, lambda: False)

    body = json.loads(WebhookDelivery.objects.get().body)
    assert ended == [True, False]
    assert body["type"] == "campaign.finished"
    assert body["data"]["campaign"] == {"id": run.campaign_id, "name": run.campaign.name}
    assert body["data"]["by_status"] == {"sent": 1}


def test_messages_of_a_campaign_that_end_as_they_begin_are_told_of():
    make_outgoing_webhook()
    webhook_walk.begin()
    campaign = make_campaign()
    Suppression.objects.create(channel_type="email", address="no@example.com", reason="manual")
    for address in ("ann@example.com", "no@example.com", "nonsense"):
        make_member(campaign.audience, email=address)
    run = make_run(campaign)

    written = expansion.expand(run.job, at=NOW, until=time.monotonic() + 20)
    webhook_walk.walk(NOW, time.monotonic() + 10, lambda: False)

    told = WebhookDelivery.objects.values_list("type", "address")
    assert written == Message.objects.count() == 5
    assert set(told) == {("message.suppressed", "no@example.com"), ("message.failed", "nonsense")}
    assert all(WebhookDelivery.objects.values_list("message_id", flat=True))


def test_an_erased_address_leaves_no_delivery():
    mine = make_delivery(address="ann@example.com", body='{"to": "Ann@example.com"}')
    copied = make_message(to_address="bob@example.com", cc_addresses="ann@example.com")
    told = make_delivery(message_id=copied.pk, address="bob@example.com", body="Ann@Example.com?")
    kept = make_delivery(message_id=copied.pk, address="bob@example.com")
    address = people.parse("ANN@example.com")
    exported = "".join(people.export(address, at=NOW))

    erase(address, keep_barred=False, at=NOW)

    assert mine.event_id in exported
    assert told.event_id in exported
    assert list(WebhookDelivery.objects.all()) == [kept]


def test_old_deliveries_go_by_retention(settings):
    settings.KEEP_WEBHOOK_DELIVERIES_DAYS = 30
    make_delivery(created_at=NOW - 31 * DAY)
    kept = make_delivery(created_at=NOW - 29 * DAY)

    retention.purge(retention.limits(NOW), until=time.monotonic() + 10, stopped=lambda: False)

    assert list(WebhookDelivery.objects.all()) == [kept]


def test_while_sending_is_held_nothing_is_told(monkeypatch):
    webhook = make_outgoing_webhook()
    webhook_walk.begin()
    message = make_message()
    MessageEvent.objects.create(message=message, provider=message.provider, type="sent", at=NOW)
    waiting = make_delivery(webhook)
    monkeypatch.setattr(installation, "is_held", lambda: True)

    assert (tasks.tell_webhooks(), tasks.call_webhooks()) == (0, 0)

    assert list(WebhookDelivery.objects.values_list("pk", "attempts")) == [(waiting.pk, 0)]


def test_the_first_page_names_webhooks_that_are_stopped_or_fail_for_long(admin_client):
    stopped = make_outgoing_webhook(stopped_at=NOW, stopped_reason="It answered 410")
    failing = make_outgoing_webhook(failing_since=NOW - 2 * HOUR)
    make_outgoing_webhook(failing_since=NOW - HOUR / 2)
    make_outgoing_webhook(stopped_at=NOW, is_active=False)

    page = admin_client.get("/admin/").content.decode()

    assert set(troubled_webhooks(NOW)) == {stopped, failing}
    assert "It answered 410" in page


def test_a_change_that_is_undone_leaves_no_word_of_it(monkeypatch):
    make_outgoing_webhook()
    message = make_message(status="new")

    def breaks(*args, **values):
        raise RuntimeError

    monkeypatch.setattr(notices, "keep", breaks)
    with pytest.raises(RuntimeError):
        notices.move(Message.objects.all(), MessageStatus.CANCELLED, at=NOW)

    message.refresh_from_db()
    assert message.status == "new"
    assert not WebhookNotice.objects.exists()
