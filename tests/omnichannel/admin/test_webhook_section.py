"""A provider's page: the address its vendor calls, and what came of the calls."""

from __future__ import annotations

import datetime

import pytest

from omnichannel import checks, endpoints
from omnichannel.models import ChannelProvider, ReceivedEvent, WebhookEndpoint
from tests.factories import NOW, make_endpoint, make_provider
from tests.omnichannel.admin.posted import (
    PROVIDERS,
    SUBMITTED,
    client_with,
    errors_of,
    provider_data,
)
from tests.omnichannel.backends.webhook_signers import LOGIN, VENDORS

pytestmark = pytest.mark.django_db
KEY = VENDORS["sendgrid"][1]
UNMATCHED = "/admin/omnichannel/receivedevent/"


def page(client, provider) -> str:
    return client.get(f"{PROVIDERS}{provider.pk}/change/").content.decode()


def save(client, provider, **values):
    data = provider_data(name=provider.name, backend=provider.backend, **values)
    return client.post(f"{PROVIDERS}{provider.pk}/change/", data)


@pytest.fixture
def sendgrid():
    return make_provider(backend="sendgrid", app_key="a-key")


def test_a_new_provider_has_an_endpoint_that_is_switched_off(admin_client):
    admin_client.post(f"{PROVIDERS}add/", provider_data(backend="sendgrid", new_app_key="a-key"))

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.provider.name, endpoint.is_enabled) == ("Relay", False)
    assert len(endpoint.token) >= 32


def test_a_provider_that_is_never_called_has_none(admin_client):
    admin_client.post(f"{PROVIDERS}add/", provider_data(new_app_password="secret"))
    provider = ChannelProvider.objects.get()

    assert not WebhookEndpoint.objects.exists()
    assert "Take calls" not in page(admin_client, provider)


def test_looking_at_the_page_makes_no_address(admin_client, sendgrid):
    shown = page(admin_client, sendgrid)

    assert "Save the provider once more" in shown
    assert not WebhookEndpoint.objects.exists()


def test_the_page_shows_the_address_and_how_to_give_it_to_the_vendor(
    admin_client, sendgrid, settings
):
    settings.PUBLIC_URL, settings.IS_HTTPS = "https://studio.example.com", True
    path = endpoints.path_of(make_endpoint(sendgrid))

    shown = page(admin_client, sendgrid)

    assert f"https://studio.example.com{path}" in shown
    assert "Signature Verification" in shown
    assert "webhook-warning" not in shown


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "PUBLIC_URL is not set"),
        ("http://localhost:8000", "this machine only"),
        ("http://127.0.0.1", "this machine only"),
        ("http://[::1]:8000", "this machine only"),
        ("http://studio.example.com", "not https"),
    ],
)
def test_the_page_warns_when_no_vendor_can_reach_it(admin_client, sendgrid, settings, url, words):
    settings.PUBLIC_URL, settings.IS_HTTPS = url, False
    make_endpoint(sendgrid)

    assert words in page(admin_client, sendgrid)


def test_who_may_only_look_does_not_see_the_address(sendgrid):
    endpoint = make_endpoint(sendgrid, last_call_at=NOW, last_result="200: 3 events, 3 new")

    shown = page(client_with("view_channelprovider"), sendgrid)

    assert endpoint.token not in shown
    assert str(endpoint.key) not in shown
    assert "200: 3 events, 3 new" in shown


def test_calls_are_not_taken_without_something_to_verify_them_by(admin_client, sendgrid):
    response = save(admin_client, sendgrid, takes_calls="on")

    assert "calls are verified by it" in str(errors_of(response)["sendgrid__webhook_key"])
    assert not WebhookEndpoint.objects.filter(is_enabled=True).exists()


def test_calls_are_taken_with_a_key_and_no_more_when_switched_off(admin_client, sendgrid):
    save(admin_client, sendgrid, takes_calls="on", sendgrid__webhook_key=KEY)
    first = WebhookEndpoint.objects.get().is_enabled

    save(admin_client, sendgrid, sendgrid__webhook_key=KEY)

    assert (first, WebhookEndpoint.objects.get().is_enabled) == (True, False)


def test_a_key_cannot_be_taken_away_while_calls_are_taken(admin_client, sendgrid):
    save(admin_client, sendgrid, takes_calls="on", sendgrid__webhook_key=KEY)

    response = save(admin_client, sendgrid, takes_calls="on", sendgrid__webhook_key="")

    assert "sendgrid__webhook_key" in errors_of(response)


def test_a_stored_secret_is_enough(admin_client):
    provider = make_provider(
        backend="anymail-brevo", app_key="a-key", app_secrets={"webhook_login": LOGIN}
    )

    response = save(admin_client, provider, takes_calls="on")

    assert response.status_code == 302
    assert WebhookEndpoint.objects.get().is_enabled


def test_a_column_may_be_what_calls_are_verified_by(admin_client):
    provider = make_provider(
        backend="anymail-unisender-go", app_key="a-key", service_url="https://go1.example.com/"
    )

    response = save(
        admin_client, provider, takes_calls="on", service_url="https://go1.example.com/"
    )

    assert response.status_code == 302
    assert WebhookEndpoint.objects.get().is_enabled


def test_the_address_is_renewed_by_a_dialog(admin_client, sendgrid):
    before = make_endpoint(sendgrid)

    response = admin_client.post(f"{PROVIDERS}{sendgrid.pk}/renew_webhook/", SUBMITTED)

    after = WebhookEndpoint.objects.get()
    assert response.headers["HX-Redirect"].endswith(f"/{sendgrid.pk}/change/")
    assert after.token != before.token
    assert (after.key, after.is_enabled) == (before.key, True)


def test_who_may_only_look_does_not_renew(sendgrid):
    before = make_endpoint(sendgrid)

    client_with("view_channelprovider").post(f"{PROVIDERS}{sendgrid.pk}/renew_webhook/", SUBMITTED)

    assert WebhookEndpoint.objects.get().token == before.token


def test_events_without_a_message_are_listed_and_linked_from_the_page(admin_client, sendgrid):
    for number in range(2):
        ReceivedEvent.objects.create(
            provider=sendgrid,
            event_id=f"e{number}",
            type="bounced",
            at=NOW,
            external_id="x1",
            address="ann@example.com",
            due_at=NOW + datetime.timedelta(1) if number else None,
        )

    listed = admin_client.get(UNMATCHED, {"state": "unmatched", "q": "ANN@example.com"})

    assert listed.context["cl"].result_count == 1
    assert "1 event of no message of ours" in page(admin_client, sendgrid)


def test_the_system_check_names_providers_that_nothing_verifies(sendgrid):
    make_endpoint(sendgrid)

    [found] = checks.check_webhooks_are_verified(databases=["default"])

    assert found.id == "omnichannel.W005"
    assert sendgrid.name in found.msg


def test_the_system_check_is_content_with_a_key():
    make_endpoint()

    assert checks.check_webhooks_are_verified(databases=["default"]) == []


def test_a_provider_goes_with_what_was_told_of_no_message(admin_client, sendgrid):
    make_endpoint(sendgrid)
    ReceivedEvent.objects.create(provider=sendgrid, event_id="e1", type="sent", at=NOW)

    admin_client.post(f"{PROVIDERS}{sendgrid.pk}/delete/", {"post": "yes"})

    assert not ChannelProvider.objects.exists()
