"""The address that vendors call: what is taken, what is refused, what is kept of either."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from omnichannel import endpoints, receipts
from omnichannel.backends.sendgrid import SendGrid
from omnichannel.models import ReceivedEvent, WebhookEndpoint
from tests.factories import make_endpoint, make_provider
from tests.omnichannel.backends.webhook_signers import SECRET, sendgrid

pytestmark = pytest.mark.django_db
EVENT = {"email": "ann@example.com", "timestamp": 1, "event": "delivered", "sg_event_id": "e1"}


@pytest.fixture
def endpoint():
    return make_endpoint()


@pytest.fixture
def client(client):
    client.raise_request_exception = True
    return client


def post(client, endpoint, events, *, path=None, now=None, **changed):
    body, headers = sendgrid(events, now or timezone.now().timestamp())
    return client.post(
        path or endpoints.path_of(endpoint),
        body,
        content_type="application/json",
        headers={**headers, **changed},
    )


def refreshed(endpoint):
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


def test_a_call_is_kept_and_counted(client, endpoint):
    response = post(client, endpoint, [EVENT, {**EVENT, "sg_event_id": "e2"}])

    kept = ReceivedEvent.objects.order_by("event_id")
    assert response.status_code == 200
    assert [(row.event_id, row.type, row.address) for row in kept] == [
        ("e1", "delivered", "ann@example.com"),
        ("e2", "delivered", "ann@example.com"),
    ]
    mine = refreshed(endpoint)
    assert (mine.accepted, mine.refused, mine.events) == (1, 0, 2)
    assert mine.last_result == "200: 2 events, 2 new"
    assert mine.last_call_at


def test_a_call_told_again_is_thanked_for_and_kept_once(client, endpoint):
    for _ in range(3):
        assert post(client, endpoint, [EVENT]).status_code == 200

    assert ReceivedEvent.objects.count() == 1
    assert refreshed(endpoint).last_result == "200: 1 event, 0 new"


@pytest.mark.parametrize("change", ["token", "key", "off", "type"])
@pytest.mark.fault(31)
def test_a_wrong_address_says_nothing(client, endpoint, change):
    path = endpoints.path_of(endpoint)
    if change == "token":
        path = path.replace(endpoint.token, endpoint.token[:-1])
    elif change == "key":
        path = path.replace(str(endpoint.key), str(uuid.uuid4()))
    elif change == "off":
        endpoints.switch(endpoint.provider, on=False)
    else:
        endpoint.provider.backend = "smtp"
        endpoint.provider.save()

    response = post(client, endpoint, [EVENT], path=path)

    assert response.status_code == 404
    assert not ReceivedEvent.objects.exists()
    assert refreshed(endpoint).refused == 0


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options", "head"])
def test_other_methods_are_not_allowed(client, endpoint, method):
    response = getattr(client, method)(endpoints.path_of(endpoint))

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("backend", "methods"),
    [("anymail-mandrill", ["head"]), ("anymail-unisender-go", ["head", "get"])],
)
def test_vendors_that_ask_whether_the_address_is_there_are_told_so(client, backend, methods):
    endpoint = make_endpoint(make_provider(backend=backend, app_key=SECRET))

    for method in methods:
        assert getattr(client, method)(endpoints.path_of(endpoint)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"X-Twilio-Email-Event-Webhook-Signature": "AAAA"}, 401),
        ({"X-Twilio-Email-Event-Webhook-Timestamp": "1"}, 401),
        ({"Content-Length": "x"}, 413),
        ({"Content-Length": str(10**30)}, 413),
    ],
)
@pytest.mark.fault(31)
def test_a_forged_call_is_refused_and_only_counted(client, endpoint, changed, status):
    response = post(client, endpoint, [EVENT], **changed)

    assert response.status_code == status
    assert not ReceivedEvent.objects.exists()
    mine = refreshed(endpoint)
    assert (mine.accepted, mine.refused, mine.events) == (0, 1, 0)
    assert mine.last_result.startswith(f"{status}: ")


@pytest.mark.fault(31)
def test_a_stale_call_is_refused(client, endpoint):
    response = post(client, endpoint, [EVENT], now=timezone.now().timestamp() - 301)

    assert response.status_code == 401


@pytest.mark.fault(31)
def test_another_providers_signature_is_refused(client, endpoint):
    other = make_endpoint(
        make_provider(backend="anymail-mailtrap", app_secrets={"webhook_secret": SECRET})
    )

    response = post(client, other, [EVENT])

    assert response.status_code == 401
    assert not ReceivedEvent.objects.exists()


@pytest.mark.fault(31)
def test_a_body_that_is_too_large_is_not_read(client, endpoint, settings, monkeypatch):
    settings.WEBHOOK_MAX_BYTES = 1000
    monkeypatch.setattr(SendGrid, "parse_webhook", lambda *_: pytest.fail("it was read"))

    response = post(client, endpoint, [EVENT] * 100)

    assert response.status_code == 413


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[[]]", b"[" * 10**5, b"[1]"], ids=range(6))
@pytest.mark.fault(31)
def test_what_is_signed_and_not_understood_is_refused(client, endpoint, body):
    response = post(client, endpoint, body)

    assert response.status_code == 400
    assert refreshed(endpoint).refused == 1


@pytest.mark.parametrize("error", [ValueError, RecursionError, AttributeError, KeyError])
def test_a_parser_that_trips_is_no_error_of_ours(client, endpoint, monkeypatch, error):
    def trip(self, request):
        raise error("a surprise")

    monkeypatch.setattr(SendGrid, "parse_webhook", trip)

    assert post(client, endpoint, [EVENT]).status_code == 400


def test_when_nothing_can_be_kept_the_vendor_is_asked_to_tell_it_again(
    client, endpoint, monkeypatch
):
    def full(*_, **__):
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(receipts, "store", full)

    assert post(client, endpoint, [EVENT]).status_code == 503


def test_a_call_that_is_kept_is_thanked_for_even_when_it_cannot_be_counted(
    client, endpoint, monkeypatch
):
    def locked(*_):
        raise DatabaseError("locked")

    monkeypatch.setattr(endpoints, "relaxed", locked)

    assert post(client, endpoint, [EVENT]).status_code == 200
    assert ReceivedEvent.objects.count() == 1


def test_a_secret_that_no_key_opens_makes_the_vendor_wait(client):
    provider = make_provider(backend="anymail-mailtrap", app_secrets={"webhook_secret": SECRET})
    endpoint = make_endpoint(provider)
    path = endpoints.path_of(endpoint)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE omnichannel_channelprovider SET app_key = 'of another key'")

    response = client.post(path, b"{}", content_type="application/json")

    assert response.status_code == 503


def test_an_inactive_provider_still_hears_of_what_it_sent(client, endpoint):
    endpoint.provider.is_active = False
    endpoint.provider.save()

    assert post(client, endpoint, [EVENT]).status_code == 200


def test_a_renewed_token_closes_the_old_address(client, endpoint):
    old = endpoints.path_of(endpoint)

    new = endpoints.renew(endpoint.provider)

    assert post(client, endpoint, [EVENT], path=old).status_code == 404
    assert post(client, endpoint, [EVENT], path=endpoints.path_of(new)).status_code == 200
