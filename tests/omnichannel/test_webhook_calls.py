"""Calls to other systems: signed, tried again, given up, and no slow one holds up another."""

from __future__ import annotations

import base64
import datetime
import itertools
import json
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from omnichannel import outgoing_webhooks, webhook_calls, webhook_rows
from omnichannel.choices import WebhookStatus
from omnichannel.models import OutgoingWebhook, WebhookDelivery
from omnichannel.webhook_verdicts import WAITS, Verdict, next_try, rest
from tests.factories import NOW
from tests.factories_outgoing_webhooks import make_delivery, make_outgoing_webhook
from tests.servers import http
from tests.servers.http import Answer, HttpServer

pytestmark = pytest.mark.django_db
SECOND, HOUR, DAY = (datetime.timedelta(**{unit: 1}) for unit in ("seconds", "hours", "days"))
TAKEN = Verdict(is_taken=True, code="200", answer="")
BAD = Verdict(is_taken=False, code="500", answer="")


@pytest.fixture(autouse=True)
def own_network(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True


def call(at=NOW) -> int:
    return webhook_calls.call_due(at, time.monotonic() + 60, lambda: False)


def fresh(row):
    row.refresh_from_db()
    return row


def verify(request: http.Request, secret: str) -> dict:
    """As the receiver does it; the time is that of the call."""
    return Webhook(secret).verify(request.body, request.headers)


def test_a_call_is_signed_as_standard_webhooks_has_it():
    with HttpServer(Answer(204)) as server:
        webhook = make_outgoing_webhook(url=f"{server.url}/in?tenant=7")
        delivery = make_delivery(webhook, body='{"type": "message.sent", "to": "Zoë"}')
        now = datetime.datetime.now(datetime.UTC)
        WebhookDelivery.objects.update(due_at=now)

        assert call(now) == 1

    request = server.requests[0]
    assert verify(request, webhook.secret) == {"type": "message.sent", "to": "Zoë"}
    assert request.headers["webhook-id"] == delivery.event_id
    assert (request.method, request.path) == ("POST", "/in?tenant=7")
    assert request.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        verify(request, "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_both_secrets_are_good_for_a_day_after_a_rotation():
    webhook = make_outgoing_webhook()
    old = webhook.secret
    now = datetime.datetime.now(datetime.UTC)

    new = outgoing_webhooks.rotate(webhook, at=now)

    with HttpServer(Answer(200)) as server:
        OutgoingWebhook.objects.update(url=server.url)
        make_delivery(webhook, due_at=now)
        call(now)
    assert verify(server.requests[0], old) == verify(server.requests[0], new)
    assert fresh(webhook).secret == new != old
    assert webhook.secrets_at(now + DAY - SECOND) == [new, old]
    assert webhook.secrets_at(now + DAY) == [new]


def test_what_is_taken_is_not_called_again():
    with HttpServer(Answer(201, body=b"Thank you")) as server:
        delivery = make_delivery(make_outgoing_webhook(url=server.url))

        assert [call(), call()] == [1, 0]

    fresh(delivery)
    assert (delivery.status, delivery.due_at) == (WebhookStatus.DELIVERED, None)
    assert (delivery.code, delivery.answer, delivery.attempts) == ("201", "Thank you", 1)


def test_the_database_never_holds_a_readable_secret():
    webhook = make_outgoing_webhook()
    outgoing_webhooks.rotate(webhook, at=NOW)

    row = OutgoingWebhook.objects.values().get()

    assert not {row["secret"], row["old_secret"]} & {webhook.secret, fresh(webhook).secret}
    assert not any("secret" in name for name in webhook.history.values().first())


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_anything_but_success_is_tried_again(status):
    with HttpServer(Answer(status, body=b"No")) as server:
        delivery = make_delivery(make_outgoing_webhook(url=server.url))

        call()

    assert fresh(delivery).status == WebhookStatus.FAILED
    assert delivery.code == str(status)
    assert delivery.due_at >= NOW + 5 * SECOND


def test_the_waits_grow_until_it_is_given_up():
    at, waits = NOW, []
    for attempt in itertools.count(1):
        status, due_at = next_try(BAD, attempt, at, chance=0)
        if due_at is None:
            break
        assert status == WebhookStatus.FAILED
        waits.append(due_at - at)

    assert waits == list(WAITS)
    assert status == WebhookStatus.GIVEN_UP
    assert sum(waits, datetime.timedelta()) > DAY


def test_chance_spreads_what_failed_together():
    early, late = (next_try(BAD, 3, NOW, chance)[1] for chance in (0, 1))

    assert early < late <= NOW + 1.1 * WAITS[2] + SECOND


def test_who_asks_for_a_longer_wait_gets_it():
    with HttpServer(Answer(429, headers={"Retry-After": "600"})) as server:
        webhook = make_outgoing_webhook(url=server.url)
        delivery = make_delivery(webhook)

        call()

    assert fresh(delivery).due_at >= NOW + 600 * SECOND
    assert fresh(webhook).rests_until >= NOW + 600 * SECOND


@pytest.mark.parametrize("asked", ["-5", "soon", "9" * 30, "99999999"])
def test_a_wait_that_is_no_number_or_too_long_is_bounded(asked):
    with HttpServer(Answer(503, headers={"Retry-After": asked})) as server:
        webhook = make_outgoing_webhook(url=server.url)
        make_delivery(webhook)

        call()

    assert fresh(webhook).rests_until <= NOW + 2 * HOUR


def test_a_webhook_that_failed_rests_and_costs_the_others_no_attempt():
    with HttpServer(Answer(500)) as server:
        webhook = make_outgoing_webhook(url=server.url)
        rows = [make_delivery(webhook) for _ in range(5)]

        assert [call(), call()] == [1, 0]
        assert call(NOW + HOUR) == 1

    assert [fresh(row).attempts for row in rows] == [1, 1, 0, 0, 0]
    assert fresh(webhook).failures == 2
    assert rest(BAD, 1) < rest(BAD, 2) < rest(BAD, 50) == rest(BAD, 51)


def test_one_success_makes_it_well():
    with HttpServer(Answer(500), Answer(200)) as server:
        webhook = make_outgoing_webhook(url=server.url)
        make_delivery(webhook)
        call()
        assert fresh(webhook).failing_since is not None

        call(NOW + HOUR)

    fresh(webhook)
    assert (webhook.failures, webhook.failing_since, webhook.rests_until) == (0, None, None)


def test_it_is_stopped_after_five_days_of_failures_only():
    with HttpServer(Answer(500, body=b"Broken")) as server:
        webhook = make_outgoing_webhook(url=server.url, failing_since=NOW - 5 * DAY, failures=9)
        other = make_outgoing_webhook(url=server.url, failing_since=NOW - 4 * DAY, failures=9)
        make_delivery(webhook)
        make_delivery(other)

        call()

    assert fresh(webhook).stopped_at is not None
    assert "500 Broken" in webhook.stopped_reason
    assert fresh(other).stopped_at is None


def test_410_stops_it_at_once_and_nothing_more_is_called():
    with HttpServer(Answer(410)) as server:
        webhook = make_outgoing_webhook(url=server.url)
        rows = [make_delivery(webhook) for _ in range(3)]

        call()
        call(NOW + DAY)

    assert len(server.requests) == 1
    assert "410" in fresh(webhook).stopped_reason
    assert fresh(rows[2]).due_at is not None


def test_a_started_webhook_is_told_what_waited():
    with HttpServer(Answer(200)) as server:
        webhook = make_outgoing_webhook(url=server.url, stopped_at=NOW, failures=3)
        make_delivery(webhook)
        assert call() == 0

        assert outgoing_webhooks.start(webhook)

        assert call() == 1
    assert not outgoing_webhooks.start(webhook)


def test_a_paused_webhook_is_not_called():
    with HttpServer(Answer(200)) as server:
        make_delivery(make_outgoing_webhook(url=server.url, is_active=False))

        assert call() == 0

    assert server.connections == 0


def test_a_private_address_is_refused_at_the_call(settings):
    settings.WEBHOOK_ALLOW_PRIVATE = False
    with HttpServer(Answer(200)) as server:
        delivery = make_delivery(make_outgoing_webhook(url=server.url))

        call()

    assert server.connections == 0
    assert fresh(delivery).code == "refused"


def test_a_slow_webhook_holds_up_no_other(monkeypatch):
    quick_was_done = []

    def slow(request):
        deadline = time.monotonic() + 20
        while len(quick.requests) < 30 and time.monotonic() < deadline:
            time.sleep(0.01)
        quick_was_done.append(len(quick.requests))
        return Answer(200)

    with HttpServer(Answer(200)) as quick, HttpServer(slow) as slow_server:
        lame = make_outgoing_webhook(url=slow_server.url)
        make_delivery(lame)
        fast = make_outgoing_webhook(url=quick.url)
        for _ in range(30):
            make_delivery(fast)

        assert call() == 31

    assert quick_was_done == [30]


def test_a_webhook_that_answers_quickly_gets_more_lines_and_keeps_them():
    with HttpServer(Answer(200)) as server:
        webhook = make_outgoing_webhook(url=server.url)
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(webhook=webhook, type="message.sent", body="{}", **moments())
            for _ in range(200)
        )

        assert call() == 200

    assert 1 <= server.connections <= webhook_calls.LINES
    ids = [request.headers["webhook-id"] for request in server.requests]
    assert len(set(ids)) == 200


def moments() -> dict:
    return {"created_at": NOW, "due_at": NOW}


def test_what_another_worker_has_in_hand_is_left_alone():
    webhook = make_outgoing_webhook()
    make_delivery(webhook)

    assert len(webhook_rows.take(webhook.pk, 10, NOW)) == 1
    assert webhook_rows.take(webhook.pk, 10, NOW) == []


def test_after_the_lease_it_is_called_again_under_the_same_id():
    webhook = make_outgoing_webhook()
    make_delivery(webhook)
    first = webhook_rows.take(webhook.pk, 10, NOW)[0]

    later = NOW + webhook_rows.LEASE
    again = webhook_rows.take(webhook.pk, 10, later)[0]
    webhook_rows.settle([webhook_rows.Told(first, BAD, later)], [], later)
    webhook_rows.settle([webhook_rows.Told(again, TAKEN, later)], [], later)

    row = WebhookDelivery.objects.get()
    assert again.event_id == first.event_id
    assert (row.status, row.attempts) == (WebhookStatus.DELIVERED, 1)


def test_an_unreadable_secret_is_a_failure_in_words(settings):
    with HttpServer(Answer(200)) as server:
        delivery = make_delivery(make_outgoing_webhook(url=server.url))
        settings.FIELD_ENCRYPTION_KEYS = ["another-ring"]

        call()

    assert server.connections == 0
    assert fresh(delivery).code == "secret"
    assert "FIELD_ENCRYPTION_KEYS" in delivery.answer


def test_a_hostile_answer_is_kept_short_and_clean():
    with HttpServer(Answer(500, body=b"\x00<script>\xff" * 10_000)) as server:
        delivery = make_delivery(make_outgoing_webhook(url=server.url))

        call()

    assert len(fresh(delivery).answer) <= 500
    assert "\x00" not in delivery.answer


def test_send_again_tells_the_same_under_the_same_id():
    with HttpServer(Answer(200)) as server:
        delivery = make_delivery(make_outgoing_webhook(url=server.url))
        call()

        assert outgoing_webhooks.send_again(WebhookDelivery.objects.all(), at=NOW) == 1
        assert outgoing_webhooks.send_again(WebhookDelivery.objects.all(), at=NOW) == 0
        call()

    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    assert server.requests[0].body == server.requests[1].body
    assert fresh(delivery).attempts == 1


def test_a_test_event_is_one_call_and_leaves_nothing():
    with HttpServer(Answer(200, body=b"Hi")) as server:
        webhook = make_outgoing_webhook(url=server.url, is_active=False)
        now = datetime.datetime.now(datetime.UTC)

        verdict = outgoing_webhooks.send_test(webhook, at=now)

    assert (verdict.is_taken, verdict.code, verdict.answer) == (True, "200", "Hi")
    assert verify(server.requests[0], webhook.secret)["type"] == "webhook.test"
    assert json.loads(server.requests[0].body)["data"]["webhook"] == webhook.name
    assert not WebhookDelivery.objects.exists()
